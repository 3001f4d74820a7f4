"""The registry of methods, of which `methods.toml` has names, classes, papers and presets."""

import importlib
import json
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from mmhash_nb.hashers.base import Embedder, Hasher, Method


@dataclass(frozen=True)
class Entry:
    """A registered method.

    Attributes:
        target: its class, or for those of this package `module.Class`, imported when it is used.
        papers: short names of the papers that list it.
        preset: options that make it this method, where its class has other defaults.
    """

    target: str | type[Method]
    papers: tuple[str, ...] = ()
    preset: Mapping[str, Any] = field(default_factory=dict)

    def load(self) -> type[Method]:
        """The class."""
        if not isinstance(self.target, str):
            return self.target
        module, name = self.target.split(".")
        return getattr(importlib.import_module(f"mmhash_nb.hashers.{module}"), name)


_TABLE = tomllib.loads((Path(__file__).parent / "methods.toml").read_text())
_BUILT_IN = {
    name: Entry(row["class"], tuple(row["papers"]), row.get("preset", {}))
    for name, row in _TABLE.items()
}
#: short names of papers that have methods
_PAPERS = sorted({paper for entry in _BUILT_IN.values() for paper in entry.papers})
_KNOWN = f"there are {', '.join(_PAPERS)}."
#: methods from outside the package, by the name they were registered with
_REGISTERED: dict[str, Entry] = {}


def entries() -> dict[str, Entry]:
    """All registered methods by name, those of this package first."""
    return {**_BUILT_IN, **_REGISTERED}


def names(paper: str | None = None) -> list[str]:
    """All registered methods, or those that `paper` lists."""
    there = entries()
    if paper is None:
        return list(there)
    if paper not in _PAPERS:
        raise ValueError(f"no method is listed for paper {paper!r}; {_KNOWN}")
    return [name for name, entry in there.items() if paper in entry.papers]


def registered(paper: str | None = None) -> list[str]:
    """Methods from outside the package, all or those registered for `paper`."""
    return [n for n, entry in _REGISTERED.items() if paper is None or paper in entry.papers]


def entry_of(name: str) -> Entry:
    """What is registered as `name`.

    Raises:
        ValueError: no method of that name.
    """
    there = entries()
    if name not in there:
        raise ValueError(f"there is no method {name!r}; there are {', '.join(there)}.")
    return there[name]


def method_class(name: str) -> type[Method]:
    """The class that implements method `name`."""
    return entry_of(name).load()


def register(
    name: str, cls: Any = None, papers: Iterable[str] = (), preset: Mapping[str, Any] | None = None
) -> Any:
    """Make a class from outside the package a method, by a name.

    It then works in `create`, `load`, `results.run`, protocols and the explorer. The name of
    an earlier such method may be used again, so that a cell can run twice.

        @hashers.register("mine")
        class Mine(hashers.Hasher): ...

    Args:
        name: letters, digits and underscores; none of this package's methods.
        cls: a subclass of `Hasher` or `Embedder`; without one, a decorator is returned.
        papers: short names of papers among whose methods it is to be listed.
        preset: options that make it this method.

    Returns:
        The class.

    Raises:
        ValueError: a name that is taken or has other characters, a paper that is not known, or a
            preset of a wrong value.
        TypeError: an option in the preset that the class does not have, or another kind of class.
    """
    if isinstance(name, type):
        raise TypeError(
            f"register takes a name first: @hashers.register({name.__name__.lower()!r})."
        )
    if cls is None:
        return lambda decorated: register(name, decorated, papers, preset)
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z]\w*", name):
        raise ValueError(
            f"a method's name has letters, digits and underscores, but this is {name!r}."
        )
    if name in _BUILT_IN:
        raise ValueError(f"{name!r} is a method of this package: register yours by another name.")
    if not isinstance(cls, type) or not issubclass(cls, Hasher | Embedder):
        raise TypeError(f"{name} must be a subclass of Hasher or Embedder, but is {cls!r}.")
    if missing := sorted(getattr(cls, "__abstractmethods__", ())):
        raise TypeError(f"{name} cannot be created: {cls.__name__} lacks {', '.join(missing)}.")
    if isinstance(papers, str):
        raise TypeError(f"papers of {name} must be a list of names, but is {papers!r}.")
    papers = tuple(papers)
    if unknown := [paper for paper in papers if paper not in _PAPERS]:
        raise ValueError(f"papers of {name} must be known, but {unknown[0]!r} is not; {_KNOWN}")
    checked = cls.Options.of(name, preset or {})
    _REGISTERED[name] = Entry(cls, papers, {key: checked[key] for key in preset or {}})
    return cls


def create(
    name: str, n_bits: int, seed: int = 0, *, device: str = "auto", **options: Any
) -> Hasher | Embedder:
    """An unfitted method by its registry name.

    Args:
        name: one of `names()`.
        n_bits: code length K (dimensions of the embedding for an `Embedder`).
        seed: everything random in the method comes from it.
        device: `auto`, `cpu` or `cuda`.
        options: those of the method, see `describe(name)`.

    Raises:
        ValueError: no such method, or an option of a wrong type or value.
        TypeError: an option that the method does not have.
    """
    entry = entry_of(name)
    cls = entry.load()
    method = cls.__new__(cls)
    method.name = name  # before all else, so that errors have it
    cls.__init__(method, n_bits, seed, device, **{**entry.preset, **options})
    return cast(Hasher | Embedder, method)


def load(folder: str | os.PathLike[str], device: str = "auto") -> Hasher | Embedder:
    """A fitted method from what its `save` left in `folder`.

    Raises:
        FileNotFoundError: nothing was saved there.
        ValueError: what was saved is damaged, or of a method that is not registered here; then the
            sentence says what to import.
    """
    return cast(Hasher | Embedder, restored(Path(folder), None, device))


def restored(folder: Path, cls: type[Method] | None, device: str) -> Method:
    """What `load` gives, of the class `cls` where that is not registered; None: by its name."""
    path = folder / "method.json"
    if not path.is_file():
        raise FileNotFoundError(f"{folder} holds no method.json: no method was saved there.")
    try:
        saved = json.loads(path.read_text())
        name, sizes = saved["name"], (saved["n_bits"], saved["seed"])
        options, module = dict(saved["options"]), saved.get("module")
        where = f"class {saved['class']} of module {module}" if module else ""
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ValueError(f"{path} does not describe a method ({error!r}).") from None
    if module and cls is None and name not in entries():
        imported = f"import {module}, which must register it, first"
        cell = "first run the cell or script that registers it"
        raise ValueError(
            f"{path} is of method {name!r}, {where}, which is not registered here: "
            f"{cell if module == '__main__' else imported}."
        )
    if cls is None and module not in (None, "__main__"):
        there = entry_of(name).load()
        if (there.__module__, there.__qualname__) != (module, saved["class"]):
            raise ValueError(
                f"{path} is of {where}, but {name!r} is registered here for {there.__qualname__} "
                f"of {there.__module__}: register the class that was saved."
            )
    try:
        there = cls or method_class(name)
        options = {there.renamed.get(option, option): v for option, v in options.items()}
        options = there.Options.saved(options)
        if cls is None:
            method: Method = create(name, *sizes, device=device, **options)
        else:
            method = cls(*sizes, device, **options)
            method.name = name
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path} does not describe a method of this version: {error}") from None
    return method.load_state(folder)
