"""Which settings the search over settings gives a method: as many for each, of its own axes."""

import math
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import count, product
from typing import Any

from scipy.stats import qmc

from mmhash_nb.hashers import method_class

_FILE = resources.files(__package__).joinpath("search_space.toml")
_SPACE: dict[str, Any] = tomllib.loads(_FILE.read_text(encoding="utf-8"))
BUDGET: int = _SPACE["budget"]
FINALISTS: int = _SPACE["finalists"]
Setting = Mapping[str, Any]


def axes(method: str, epochs: Sequence[int]) -> dict[str, list[Any]]:
    """The values that are compared of each option of a method, the paper's first.

    Args:
        method: registry name.
        epochs: lengths of training on the dataset, of methods for which the file names none.

    Returns:
        By option, with `decays` in place of `decay_every`, as `search_space.toml` has them for the
        method's class and its bases, and `epochs`, the longest first.
    """
    cls = method_class(method)
    found: dict[str, list[Any]] = {}
    for base in reversed(cls.__mro__):
        found |= _SPACE.get(base.__name__, {})
    found.pop("always", None)
    there = {"decays" if name == "decay_every" else name for name in cls.defaults}
    chosen = {name: values for name, values in found.items() if name in there}
    if epochs and "epochs" not in chosen:
        chosen["epochs"] = sorted(epochs, reverse=True)
    return chosen


def is_trained(method: str) -> bool:
    """Whether a method has a training whose length and rate can be searched over."""
    return {"learning_rate", "epochs"} <= set(method_class(method).defaults)


def settings(method: str, epochs: Sequence[int]) -> list[dict[str, Any]]:
    """The settings of a method that are compared, `BUDGET` of them, the same in each process.

    First the paper's, trained longest, and those that `search_space.toml` wants always; the others
    are a Latin hypercube of the grid, in which each value of an axis is about as frequent. Where
    the grid has fewer, as of a method from outside the package with few options, it is all of it.

    Args: see `axes`.
    """
    grid = axes(method, epochs)
    if math.prod(map(len, grid.values())) <= BUDGET:
        return [dict(zip(grid, values, strict=True)) for values in product(*grid.values())]
    papers = {name: values[0] for name, values in grid.items()}
    always = (one for base in method_class(method).__mro__ for one in _always(base.__name__))
    chosen = [papers, *({**papers, **some} for some in always)]
    for seed in count():
        for point in qmc.LatinHypercube(len(grid), rng=seed).random(BUDGET):
            where = zip(grid.items(), point, strict=True)
            drawn = {name: values[int(u * len(values))] for (name, values), u in where}
            if len(chosen) == BUDGET:
                return chosen
            if drawn not in chosen:
                chosen.append(drawn)
    raise AssertionError("count() does not end")


def options(setting: Setting, share: float = 1.0) -> dict[str, Any]:
    """A setting as options of its method.

    Args:
        setting: one of `settings`.
        share: of its epochs to train for; the stretches between decays shrink with them.
    """
    given = {name: value for name, value in setting.items() if name != "decays"}
    if "epochs" in given:
        given["epochs"] = max(1, round(share * given["epochs"]))
        if "decays" in setting:
            # Without decay the one stretch is the whole training.
            given["decay_every"] = -(-given["epochs"] // (setting["decays"] + 1))
    return given


def _always(name: str) -> list[dict[str, Any]]:
    return _SPACE.get(name, {}).get("always", [])
