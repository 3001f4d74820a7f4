"""`check`: whether a method meets the contract of all methods, on a few made-up pairs."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import FAMILIES, Embedder, Hasher, Method
from mmhash_nb.hashers.made_up_pairs import made_up_pairs
from mmhash_nb.hashers.registry import entry_of, restored
from mmhash_nb.pairs import Pairs

Named = Mapping[str, Any]  #: options, arrays or codes by their names
N_BITS = 4
#: the modalities, and what codes of each must not depend on
UNREAD = {"image": ("texts", "labels"), "text": ("images", "labels"), "joint": ("labels",)}
#: values with which a method learns in seconds, of the options that it has
SMALL: dict[str, Any] = {
    **{"epochs": 2, "rounds": 2, "batch_size": 12, "backbone": "small", "trainable": "none"},
    **{"text_hidden": 16, "text_features": 16, "image_hidden": 16, "lstm_hidden": 8, "hidden": 8},
    "anchors": 20,
}
#: where no value of a method is negative
_NOT_SIGNS = "return bits as an array of bool, and subtract 0.5 from probabilities"


def check(method: str | type[Method], **options: Any) -> None:
    """Whether a method meets the contract: raises one sentence on what is broken, or returns.

    It is fitted to 48 made-up pairs, twice. Its state must be named arrays, and the same seed must
    give the same; samples outside `train` must not be read. Codes must have the right number and
    length, come from their modality alone, and be the same once saved and loaded. Other
    modalities, codes before `fit`, unknown options and values of another type must be refused.

    Args:
        method: a registered name, or a class.
        options: for the fits. Others that are known to be slow, such as `epochs`, get small values.

    Raises:
        ValueError: what is broken, in one sentence.
    """
    if isinstance(method, str):
        entry = entry_of(method)
        _Check(method, entry.load(), entry.preset, options).run()
    elif isinstance(method, type) and issubclass(method, Hasher | Embedder):
        _Check(method.__name__, method, {}, options).run()
    else:
        raise ValueError(f"{method!r} is no method: give a name or a class of Hasher or Embedder.")


class _Check:
    """One method and what its checks share."""

    def __init__(self, name: str, cls: type[Method], preset: Named, options: Named) -> None:
        self.name, self.cls = name, cls
        small = {key: value for key, value in SMALL.items() if key in cls.defaults}
        self.options = {**preset, **small, **options}

    def run(self) -> None:
        self.check_class()
        first, *others = [made_up_pairs(view) for view in self.image_views()]
        self.check_refusals(first)
        fitted = self.fitted(first)
        self.check_state(fitted)
        found = self.encoded(fitted, first)
        self.check_codes(fitted, first, found)
        self.check_again(found, self.encoded(fitted, first), "each time")
        self.check_modality_alone(fitted, first, found)
        self.check_seed_and_held_out(fitted, first)
        with tempfile.TemporaryDirectory() as folder, self.running("be saved and loaded"):
            fitted.save(folder)
            loaded = restored(Path(folder), self.cls, "cpu")
        self.check_again(found, self.encoded(loaded, first), "once it is loaded")
        for pairs in others:
            fitted = self.fitted(pairs)
            self.check_codes(fitted, pairs, self.encoded(fitted, pairs))

    def image_views(self) -> tuple[str, ...]:
        """The images that it takes; those that it can learn from, where its class does not say."""
        if self.cls.image_views:
            return self.cls.image_views
        for view in ("vectors", "pixels"):
            with suppress(Exception):
                self.create().fit(made_up_pairs(view))
                return (view,)
        return ("vectors",)

    def require(self, holds: bool, sentence: str) -> None:
        if not holds:
            raise ValueError(f"{self.name} {sentence}")

    @contextmanager
    def running(self, what: str) -> Iterator[None]:
        """What the method raises becomes a sentence that says when."""
        try:
            yield
        except Exception as error:
            text = " ".join(str(error).split()).rstrip(".") or repr(error)
            text = f"KeyError {text}" if isinstance(error, KeyError) else text
            raise ValueError(f"{self.name} fails to {what}: {text}.") from error

    def refuses(
        self, call: Callable[[], object], kind: type[Exception], word: str, what: str
    ) -> None:
        """`call` must raise `kind` with one sentence that has `word`."""
        try:
            call()
        except kind as error:
            text = str(error)
            self.require(word in text, f"refuses {what}, but its sentence does not say {word!r}.")
            self.require("\n" not in text, f"refuses {what} in more than one line.")
        except Exception as error:
            raised = type(error).__name__
            self.require(False, f"refuses {what} with {raised} in place of {kind.__name__}.")
        else:
            self.require(False, f"does not refuse {what}.")

    def create(self, **more: Any) -> Any:
        method = self.cls(N_BITS, 3, "cpu", **{**self.options, **more})
        method.name = self.name
        return method

    def fitted(self, pairs: Pairs) -> Method:
        before = pairs.fingerprint
        with self.running("learn from made-up pairs"):
            method = self.create()
            given_back = method.fit(pairs)
        self.require(given_back is method, "does not return itself from fit.")
        self.require(replace(pairs).fingerprint == before, "changes the pairs that it learns from.")
        return method

    def encoded(self, method: Any, pairs: Pairs) -> dict[str, Any]:
        """Codes, or vectors, of all samples by modality; `unified` where it has such."""
        before, state = pairs.fingerprint, dict(method.state)
        found = {}
        for modality in method.modalities:
            with self.running(f"encode {modality}"):
                encode = method.encode if method.has_codes else method.embed
                found[modality] = encode(pairs, modality)
        if method.unified:
            with self.running("give database codes"):
                found["unified"] = method.database_codes(pairs)
        self.require(replace(pairs).fingerprint == before, "changes the pairs that it encodes.")
        self.require(_same_arrays(method.state, state), "changes its state when it encodes.")
        return found

    def check_class(self) -> None:
        for tag, values in (("modalities", tuple(UNREAD)), ("image_views", ("pixels", "vectors"))):
            given = getattr(self.cls, tag)
            right = isinstance(given, tuple) and {*given} <= {*values}
            self.require(right, f"has {tag} {given!r}: name some of {values}.")
        family = self.cls.family
        self.require(family in FAMILIES, f"is of family {family!r}: name one of {FAMILIES}.")
        coded = issubclass(self.cls, Hasher)
        self.require(self.cls.has_codes == coded, f"must have has_codes = {coded}.")
        self.require(len(self.cls.modalities) > 0, "has no modalities.")
        lacking = sorted(getattr(self.cls, "__abstractmethods__", ()))
        self.require(not lacking, f"cannot be created: it lacks {', '.join(lacking)}.")

    def check_refusals(self, pairs: Pairs) -> None:
        with self.running("be created"):
            method = self.create()
        encode = method.encode if method.has_codes else method.embed
        for modality in UNREAD:
            call = partial(encode, pairs, modality)
            if modality in method.modalities:
                self.refuses(call, RuntimeError, "not fitted", "to encode before fit")
            else:
                self.refuses(call, ValueError, modality, f"to encode {modality}")
        if method.unified:
            call = partial(method.database_codes, pairs)
            self.refuses(call, RuntimeError, "not fitted", "database codes before fit")
        self.refuses(partial(self.cls, 0), ValueError, "n_bits", "codes of 0 bits")
        unknown = partial(self.create, no_such_option=1)
        self.refuses(unknown, TypeError, "no_such_option", "an unknown option")
        for option in self.cls.defaults:
            wrong = partial(self.create, **{option: object()})
            self.refuses(wrong, ValueError, option, f"a value of another type for {option}")

    def check_state(self, method: Method) -> None:
        state = method.state
        self.require(isinstance(state, dict) and bool(state), "learns no state of named arrays.")
        for key, value in state.items():
            named = isinstance(key, str) and isinstance(value, np.ndarray)
            numbers = named and value.dtype.kind in "biuf"
            self.require(numbers, f"has a state of which {key!r} is no named array of numbers.")

    def check_again(self, found: Named, again: Named, when: str) -> None:
        for what, codes in found.items():
            self.require(_same(codes, again[what]), f"encodes {what} otherwise {when}.")

    def check_codes(self, method: Method, pairs: Pairs, found: Named) -> None:
        wanted = f"codes of {N_BITS} bits" if method.has_codes else "vectors of float32"
        for n, some in ((len(pairs), found), (1, self.encoded(method, pairs.take(np.arange(1))))):
            for what, codes in some.items():
                if method.has_codes:
                    right = isinstance(codes, HashCodes) and len(codes) == n
                    right = right and codes.n_bits == N_BITS
                    collapsed = right and n > 1 and bool((codes.signs() > 0).all())
                    self.require(not collapsed, f"gives nothing but ones for {what}: {_NOT_SIGNS}.")
                else:
                    right = isinstance(codes, np.ndarray) and codes.shape[:1] == (n,)
                    right = right and codes.dtype == np.float32
                self.require(right, f"does not give {n} {wanted} for {what} of {n} samples.")
                finite = method.has_codes or np.isfinite(codes).all()
                self.require(finite, f"gives vectors of {what} that are not finite.")

    def check_modality_alone(self, method: Method, pairs: Pairs, found: Named) -> None:
        for modality, unread in UNREAD.items():
            for what in unread if modality in found else ():
                changed = replace(pairs, **{what: getattr(pairs, what)[::-1].copy()})
                same = _same(found[modality], self.encoded(method, changed)[modality])
                self.require(same, f"encodes {modality} from {what} as well.")
        parts = [np.array(part) for part in ([20, 3, 37, 11, 29, 8, 45, 16], [5], [22], [39])]
        again = [self.encoded(method, pairs.take(part)) for part in parts]
        for what, codes in found.items() if self.cls.family != "control" else ():
            differ = sum(_differing(a[what], codes[p]) for a, p in zip(again, parts, strict=True))
            self.require(differ <= 1, f"encodes {what} of a sample by the other samples as well.")

    def check_seed_and_held_out(self, method: Method, pairs: Pairs) -> None:
        held_out = np.setdiff1d(np.arange(len(pairs)), pairs.train)
        changed = {name: getattr(pairs, name).copy() for name in ("images", "texts", "labels")}
        for values in changed.values():
            values[held_out] = values[pairs.train[0]]
        same = _same_arrays(method.state, self.fitted(replace(pairs, **changed)).state)
        again = same or _same_arrays(method.state, self.fitted(pairs).state)
        self.require(again, "learns another state from the same seed and pairs.")
        self.require(same, "reads samples outside `train`: with others there it learns otherwise.")


def _same(one: Any, other: Any) -> bool:
    return one == other if isinstance(one, HashCodes) else np.array_equal(one, other)


def _differing(one: Any, other: Any) -> int:
    """How many values differ: by more than rounding, which may still turn a bit of codes."""
    if isinstance(one, HashCodes):
        return np.unpackbits((one.bits ^ other.bits).view(np.uint8)).sum()
    return np.sum(~np.isclose(one, other, rtol=1e-3, atol=1e-4))


def _same_arrays(one: Named, other: Named) -> bool:
    """Whether these are equal arrays by name, NaN being equal to itself."""
    return one.keys() == other.keys() and all(
        np.array_equal(value, other[key], equal_nan=value.dtype.kind == "f")
        for key, value in one.items()
    )
