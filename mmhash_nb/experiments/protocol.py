"""What an experiment is: a dataset's views, code lengths, methods and their settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmhash_nb.hashers import method_class

#: Methods that rank by a distance and have no code length. Nothing random enters them but the folds
#: of SM's and SCM's cross-validation; one run stands for all seeds.
_REFERENCES = ("raw", "cm", "sm", "scm_rasiwasia")


#: The papers' own datasets of photos, whose loaders give them at the size asked for.
COLLECTIONS = ("mirflickr25k", "nuswide", "iaprtc12")


@dataclass(frozen=True)
class Protocol:
    """Experiments on one dataset: a paper's, or all papers' side by side.

    Attributes:
        dataset: name for `datasets.load`, with its options in `views`.
        grids: which methods run at which code lengths; the control `random` is always among them.
        seeds: of the methods with something random in them.
        options: of each method, where they differ from its defaults.
        on_vectors: methods that are given feature vectors where the dataset's images are pixels.
        vectors: which ones, as `features.described` takes it: backbone, weights and size.
    """

    dataset: str
    grids: Sequence[tuple[Sequence[str], Sequence[int]]]
    seeds: Sequence[int]
    views: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    on_vectors: frozenset[str] = frozenset()
    vectors: Mapping[str, Any] = field(default_factory=dict)

    def runs(self) -> list[tuple[str, int, int, Mapping[str, Any]]]:
        """(method, bits, seed, options) of every run; a reference without codes runs once."""
        asked: dict[tuple[str, int, int], Mapping[str, Any]] = {}
        for methods, lengths in self.grids:
            for method in (*methods, "random"):
                once = method in _REFERENCES
                for bits in lengths[:1] if once else lengths:
                    for seed in self.seeds[:1] if once else self.seeds:
                        asked[method, bits, seed] = self.options.get(method, {})
        return [(*key, options) for key, options in asked.items()]


def options_of(methods: Iterable[str], settings: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """For each method, those of the settings that are options of it."""
    known = {method: method_class(method).defaults for method in methods}
    return {
        method: {key: value for key, value in settings.items() if key in options}
        for method, options in known.items()
    }


def photo_views(paper: str, dataset: str, size: int) -> dict[str, Any]:
    """Options of `datasets.load` for photos, decoded at the size that is trained on."""
    views: dict[str, Any] = {"size": size}
    return {"images": "pixels", "protocol": paper, **views} if dataset in COLLECTIONS else views


def check_scale(scale: str) -> None:
    """Refuse a scale other than `demo` and `paper`."""
    if scale not in ("demo", "paper"):
        raise ValueError(f"scale must be demo or paper, but is {scale!r}.")


def settings_of(
    paper: str,
    by_dataset: Mapping[str, Mapping[str, Any]],
    dataset: str,
    scale: str,
    at_paper_scale: Mapping[str, Any],
    asked: Mapping[str, Any],
) -> dict[str, Any]:
    """A demo's settings on a dataset, or the paper's, with what is asked for in their place.

    Args:
        paper: short name. by_dataset: the demo's settings. at_paper_scale: those of `paper`.
        asked: options by name; those that are empty or 0 are not asked for.

    Raises:
        ValueError: no experiment on the dataset, or another scale.
    """
    if dataset not in by_dataset:
        raise ValueError(
            f"{paper} has no experiment on {dataset!r}; it has {', '.join(by_dataset)}."
        )
    check_scale(scale)
    settings = by_dataset[dataset] if scale == "demo" else at_paper_scale
    return {**settings, **{option: value for option, value in asked.items() if value}}
