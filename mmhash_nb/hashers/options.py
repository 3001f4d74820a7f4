"""Typed options of methods: name, type, range and default of each, with a line on what it does."""

import dataclasses
import inspect
import math
import operator
import reprlib
import textwrap
import types
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, partial
from typing import (
    Any,
    ClassVar,
    Literal,
    Self,
    Union,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import numpy as np

#: the limits of a number: argument of `option`, words after "at" or alone, comparison
LIMITS = {
    "least": ("at least", operator.ge),
    "above": ("above", operator.gt),
    "most": ("at most", operator.le),
    "below": ("below", operator.lt),
}
KINDS: dict[Any, str] = {
    int: "an integer",
    float: "a number",
    bool: "True or False",
    str: "a text",
    types.NoneType: "None",
}


def option(
    default: Any,
    doc: str = "",
    *,
    least: float | None = None,
    most: float | None = None,
    above: float | None = None,
    below: float | None = None,
    earlier: Any = ...,
) -> Any:
    """A field of `Options`.

    Args:
        default: its value unless another is given.
        doc: what it does, in one line.
        least, most, above, below: limits of a number; `least` and `most` are allowed themselves.
        earlier: its value in methods that were saved before it existed; ...: its default.
    """
    limits = {"least": least, "above": above, "most": most, "below": below}
    limits = {key: value for key, value in limits.items() if value is not None}
    metadata = {"doc": doc, "limits": limits, "earlier": earlier}
    return dataclasses.field(default=default, metadata=metadata)


@dataclass(frozen=True)
class Option:
    """One option: its annotation, its default, what it does, and the limits of a number."""

    name: str
    kind: Any
    default: Any
    doc: str
    limits: Mapping[str, float]
    earlier: Any = ...

    @property
    def takes(self) -> str:
        """What it takes, in words: "an integer of at least 1"."""
        return _words(self.kind, self.limits)

    def checked(self, value: Any) -> Any:
        """`value` as the option's type.

        Raises:
            ValueError: another type or value, in one sentence.
        """
        try:
            return _converted(self.kind, value, self.limits)
        except (OverflowError, ValueError):
            raise ValueError(
                f"{self.name} must be {self.takes}, but is {reprlib.repr(value)}."
            ) from None


@dataclass_transform(kw_only_default=True, frozen_default=True, field_specifiers=(option,))
class Options(Mapping[str, Any]):
    """The options of a method: a frozen dataclass, read by attribute or as a mapping.

    A method's class has such a class, nested and derived from that of its base:

        class Options(ShallowHasher.Options):
            epochs: int = option(60, "passes over the training samples", least=1)

    Annotations may be int, float, bool, str, `Literal`, tuples of these, and unions with None. An
    integer is taken for a float and becomes one; a NumPy scalar becomes Python's; a list becomes a
    tuple; True and False are no numbers.

    Raises:
        ValueError: a value of another type or out of range, in one sentence.
    """

    _listed: ClassVar[dict[str, tuple[Any, ...]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        annotated = inspect.get_annotations(cls)
        listed: dict[str, tuple[Any, ...]] = {}
        for base in reversed(cls.__mro__[1:]):
            listed |= base.__dict__.get("_listed", {})
        for name in {**annotated, **{n: None for n in listed if n in cls.__dict__}}:
            if name not in annotated:
                raise TypeError(f"option {name!r} of {cls.__qualname__} needs its type.")
            if name not in cls.__dict__:
                raise TypeError(f"option {name!r} of {cls.__qualname__} needs a default.")
            if name in (*dir(Options), "n_bits", "seed", "device", "name"):
                raise TypeError(f"option {name!r} of {cls.__qualname__} has a reserved name.")
            default = cls.__dict__[name]
            # A new default alone leaves line and limits as the base has them.
            _, *rest = listed.get(name, (None, "", {}))
            if isinstance(default, dataclasses.Field):
                rest, default = [*default.metadata.values()] or rest, default.default
            listed[name] = (default, *rest)
        cls._listed = listed
        dataclass(frozen=True, kw_only=True, eq=False)(cls)

    @classmethod
    @cache
    def listed(cls) -> tuple[Option, ...]:
        """All options, those of the base first."""
        kinds = get_type_hints(cls)
        return tuple(Option(name, kinds[name], *rest) for name, rest in cls._listed.items())

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """The default of each option, by name."""
        return {name: default for name, (default, *_) in cls._listed.items()}

    @classmethod
    def of(cls, method: str, values: Mapping[str, Any]) -> Self:
        """Options with these values; an error names the method.

        Raises:
            TypeError: an unknown name. ValueError: a wrong type or value.
        """
        for name in sorted(set(values) - set(cls._listed)):
            there = ", ".join(cls._listed) or "none"
            raise TypeError(f"{method} has no option {name!r}; it has {there}.")
        try:
            return cls(**values)
        except ValueError as error:
            raise ValueError(f"{method}: {error}") from None

    @classmethod
    def saved(cls, values: Mapping[str, Any]) -> dict[str, Any]:
        """The saved `values`, with what the method did then for options that are newer."""
        newer = (one for one in cls.listed() if one.earlier is not ...)
        return {one.name: one.earlier for one in newer} | dict(values)

    @classmethod
    def described(cls) -> str:
        """The section on options of a method's docstring."""
        fill = partial(textwrap.fill, width=96, initial_indent=" " * 4, subsequent_indent=" " * 8)
        texts = [f"{o.name}: {o.doc} ({o.takes}; default {o.default!r})" for o in cls.listed()]
        return "\n".join(["Options:", *map(fill, texts)])

    def __post_init__(self) -> None:
        for one in self.listed():
            object.__setattr__(self, one.name, one.checked(getattr(self, one.name)))
        self.check()

    def check(self) -> None:
        """Raise `ValueError` where options do not go together; for a subclass to fill."""

    def __getitem__(self, name: str) -> Any:
        if name not in self._listed:
            raise KeyError(name)
        return getattr(self, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._listed)

    def __len__(self) -> int:
        return len(self._listed)


def _converted(kind: Any, value: Any, limits: Mapping[str, float]) -> Any:
    """`value` as the type `kind`; a `ValueError` without words where it is none."""
    origin, args = get_origin(kind), get_args(kind)
    if isinstance(value, np.generic):
        value = value.item()
    if kind is Any:
        return value
    if origin is Literal:
        same = [a for a in args if type(a) is type(value) and a == value]
        if same:
            return same[0]
        raise ValueError
    if origin in (Union, types.UnionType):
        for one in args:
            try:
                return _converted(one, value, limits)
            except (OverflowError, ValueError):
                continue
        raise ValueError
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise ValueError
        kinds = args[:1] * len(value) if args[-1] is Ellipsis else args
        return tuple(_converted(k, v, limits) for k, v in zip(kinds, value, strict=True))
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise ValueError
    if kind in (int, float) and not (
        math.isfinite(value) and all(LIMITS[key][1](value, at) for key, at in limits.items())
    ):
        raise ValueError
    return value


def _words(kind: Any, limits: Mapping[str, float]) -> str:
    origin, args = get_origin(kind), get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(map(str, args))
    if origin in (Union, types.UnionType):
        # None, which switches something off or leaves it to the method, comes last.
        order = sorted(args, key=lambda one: one is types.NoneType)
        return " or ".join(_words(one, limits) for one in order)
    if origin is tuple:
        several = args[-1] is Ellipsis
        inner = [_words(one, limits) for one in (args[:1] if several else args)]
        return "a list of which each is " + inner[0] if several else f"a list ({', '.join(inner)})"
    words = KINDS.get(kind, getattr(kind, "__name__", str(kind)))
    if kind in (int, float) and limits:
        within = " and ".join(f"{LIMITS[key][0]} {at:g}" for key, at in limits.items())
        words += f" {'of ' if within.startswith('at') else ''}{within}"
    return words
