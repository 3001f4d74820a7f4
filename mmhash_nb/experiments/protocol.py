"""What an experiment is: a dataset's views, code lengths, methods and their settings."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mmhash_nb.codes import check_n_bits
from mmhash_nb.experiments.parameters import all_typed
from mmhash_nb.hashers import method_class, names

#: `demo` is what a CPU trains in minutes, `paper` has the paper's settings.
SCALES = ("demo", "paper")
_KINDS = {"methods": list[str], "bits": list[int], "seeds": list[int], "epochs": int}


def arguments(**given: Any) -> dict[str, Any]:
    """Some of `methods`, `bits`, `seeds` and `epochs` with their types: `"[16, 32]"` is a list.

    Raises:
        ValueError: one is of another type, a code length below 1 or a seed below 0.
    """
    found = all_typed(given, _KINDS, "argument", "a protocol")
    for bits in found.get("bits", ()):
        check_n_bits(bits)
    for seed in found.get("seeds", ()):
        if seed < 0:
            raise ValueError(f"seeds must be integers of at least 0, but hold {seed}.")
    return found


@dataclass(frozen=True)
class Protocol:
    """Experiments on one dataset: a paper's, or all papers' side by side.

    Attributes:
        dataset: name for `datasets.load`, with its options in `views`.
        grids: which methods run at which code lengths; the control `random` is always among them.
        seeds: of the methods with something random in them.
        options: of each method, where they differ from its defaults.
        on_vectors: methods that are given feature vectors where the dataset's images are pixels.
        vectors: which ones, as `features.vectors.described` takes it: backbone, weights and size.
        search_epochs: the lengths of training that the search over settings compares.

    Raises:
        ValueError: as `arguments`.
    """

    dataset: str
    grids: Sequence[tuple[Sequence[str], Sequence[int]]]
    seeds: Sequence[int]
    views: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    on_vectors: frozenset[str] = frozenset()
    vectors: Mapping[str, Any] = field(default_factory=dict)
    search_epochs: Sequence[int] = ()

    def __post_init__(self) -> None:
        grids = [arguments(methods=methods, bits=bits) for methods, bits in self.grids]
        object.__setattr__(self, "grids", [(tuple(g["methods"]), tuple(g["bits"])) for g in grids])
        object.__setattr__(self, "seeds", tuple(arguments(seeds=self.seeds)["seeds"]))

    def runs(self) -> list[tuple[str, int, int, Mapping[str, Any]]]:
        """(method, bits, seed, options) of every run; a reference without codes runs once."""
        planned: dict[tuple[str, int, int], Mapping[str, Any]] = {}
        for methods, lengths in self.grids:
            for method in (*methods, "random"):
                once = not uses_n_bits(method)
                for bits in lengths[:1] if once else lengths:
                    for seed in self.seeds[:1] if once else self.seeds:
                        planned[method, bits, seed] = self.options.get(method, {})
        return [(*key, options) for key, options in planned.items()]


def uses_n_bits(method: str) -> bool:
    """Whether a registered method has code lengths; unknown ones are taken to have them.

    Nothing random enters those without but the folds of SM's and SCM's cross-validation: one run
    stands for all lengths and seeds.
    """
    return method not in names() or method_class(method).uses_n_bits


def is_reference(method: str) -> bool:
    """Whether a registered method has no codes, and nothing random enters it."""
    return method in names() and not method_class(method).has_codes


@dataclass(frozen=True, kw_only=True)
class Setup:
    """How a paper's protocol runs on one dataset.

    Attributes:
        demo: settings of a demo; each method takes those that are options of it.
        paper: settings at the paper's scale, likewise.
        single: options of single methods beside `demo`, at every scale with these settings.
        bits: code lengths of a demo, in place of the paper's.
        seeds: in place of three; demo_seeds: those of a demo, where they are others.
        views: options of `datasets.load`.
        decoded: the scales at which its photos are decoded at the size that is trained on.
        load: name for `datasets.load`, where it is another.
        vectors: both views are feature vectors.
        search_epochs: the lengths of training that the search over settings compares.
    """

    demo: Mapping[str, Any] = field(default_factory=dict)
    paper: Mapping[str, Any] = field(default_factory=dict)
    single: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    bits: Sequence[int] = ()
    seeds: Sequence[int] = (0, 1, 2)
    demo_seeds: Sequence[int] = ()
    views: Mapping[str, Any] = field(default_factory=dict)
    decoded: Sequence[str] = ()
    load: str = ""
    vectors: bool = False
    search_epochs: Sequence[int] = ()


@dataclass(frozen=True)
class Request:
    """What a paper's protocol is called with, beside what its networks take.

    Attributes:
        setup: the paper's on the dataset.
        dataset: name of the setup.
        scale: `demo` or `paper`.
        bits, seeds: in place of those of the scale, where there are any.
        epochs: the networks' in place of the setting, where not 0.
    """

    setup: Setup
    dataset: str
    scale: str
    bits: Sequence[int]
    seeds: Sequence[int]
    epochs: int

    @property
    def settings(self) -> Mapping[str, Any]:
        """Those of the scale."""
        return self.setup.demo if self.scale == "demo" else self.setup.paper

    def options(
        self, methods: Iterable[str], settings: Mapping[str, Any] | None = None, **given: Any
    ) -> dict[str, dict[str, Any]]:
        """Each method's options: of the settings those it has, then its single and given ones.

        `settings` are in place of the scale's. Epochs are given too; what is empty or 0 is not.
        """
        shared = self.settings if settings is None else settings
        single = self.setup.single if self.settings == self.setup.demo else {}
        last = {name: value for name, value in (given | {"epochs": self.epochs}).items() if value}
        return {
            method: {
                option: value
                for option, value in {**shared, **single.get(method, {}), **last}.items()
                if option in method_class(method).defaults
            }
            for method in methods
        }

    def lengths(self, of_paper: Sequence[int]) -> tuple[int, ...]:
        """The code lengths that are given, else those of a demo, else the paper's."""
        return tuple(self.bits or (self.setup.bits if self.scale == "demo" else ()) or of_paper)

    def protocol(self, grids: Sequence, options: Mapping[str, Mapping], **others: Any) -> Protocol:
        """These grids and options with the setup's dataset, views and seeds, but for `others`."""
        setup = self.setup
        seeds = self.seeds or (setup.demo_seeds if self.scale == "demo" else ()) or setup.seeds
        size = {"size": self.settings["size"]} if self.scale in setup.decoded else {}
        found: dict[str, Any] = {
            "dataset": setup.load or self.dataset,
            "views": {**setup.views, **size},
        }
        found |= {"search_epochs": tuple(setup.search_epochs)}
        return Protocol(grids=grids, seeds=tuple(seeds), options=options, **(found | others))
