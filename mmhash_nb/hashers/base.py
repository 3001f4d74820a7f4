"""What every method is: fit, encode into codes (`Hasher`) or vectors (`Embedder`), save, load."""

import inspect
import json
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, Self

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy import linalg

from mmhash_nb.codes import HashCodes, check_n_bits
from mmhash_nb.hashers.options import Options as MethodOptions
from mmhash_nb.io.files import whole
from mmhash_nb.pairs import Pairs

EncodedModality = Literal["image", "text", "joint"]
State = dict[str, np.ndarray]
#: samples encoded at a time by `in_blocks`
BLOCK = 8192
FAMILIES = ("shallow", "network on vectors", "deep network", "other", "no codes", "control")


class Method(ABC):
    """What hashers and embedders share.

    A subclass names its `modalities`, has its options in a nested class `Options`, and implements
    `_fit`, which returns everything it learned as named arrays. Encoding is a function of those
    arrays and the options alone, so that `save` and `load` need nothing else.

    Args:
        n_bits: code length K (for an embedder: dimensions of the embedding).
        seed: everything random in the method comes from it.
        device: `auto`, `cpu` or `cuda`; used by methods that train networks.
        options: those of the class, see `Options`.

    Raises:
        TypeError: an option that the method does not have. ValueError: one of a wrong type or
            value. Each is one sentence with the method, the option and what it takes.
    """

    class Options(MethodOptions):
        """No options."""

    #: default of each option; derived from `Options`
    defaults: ClassVar[dict[str, Any]] = {}
    options: Any
    modalities: ClassVar[tuple[str, ...]] = ("image", "text")
    #: options by the names that they had in earlier versions, whose saved methods load
    renamed: ClassVar[Mapping[str, str]] = {}
    #: what kind of method it is, one of `FAMILIES`
    family: ClassVar[str] = "other"
    #: whether it gives binary codes, rather than vectors
    has_codes: ClassVar[bool] = True
    #: whether results depend on the code length; a reference may have no use for it
    uses_n_bits: ClassVar[bool] = True
    #: whether codes of different modalities are comparable
    cross_modal: ClassVar[bool] = True
    #: whether database samples can have one code for both modalities; derived: `database_codes`
    unified: ClassVar[bool] = False
    #: images it takes, usual ones first: `pixels [N, 3, h, w]`, `vectors [N, d]`; empty: unsaid
    image_views: ClassVar[tuple[str, ...]] = ()
    #: the registry name; set by `create` and `load`
    name: str = ""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.unified = hasattr(cls, "database_codes")
        if "defaults" in cls.__dict__ or MethodOptions not in getattr(cls.Options, "__mro__", ()):
            raise TypeError(
                f"{cls.__name__} must have its options in a nested class Options, derived from "
                "that of its base."
            )
        cls.defaults = cls.Options.defaults()
        text = inspect.cleandoc(cls.__dict__.get("__doc__") or "")
        cls.__doc__ = f"{text}\n\n{cls.Options.described()}".strip()

    def __init__(self, n_bits: int, seed: int = 0, device: str = "auto", **options: Any) -> None:
        check_n_bits(n_bits)
        name = self.name or type(self).__name__
        if not _is_whole(seed) or seed < 0:
            raise ValueError(f"{name}: seed must be an integer of at least 0, but is {seed!r}.")
        if not isinstance(device, str) or not re.fullmatch(r"auto|cpu|cuda(:\d+)?", device):
            raise ValueError(f"{name}: device must be auto, cpu or cuda, but is {device!r}.")
        self.n_bits = int(n_bits)
        self.seed = int(seed)
        self.device = device
        self.options = self.Options.of(name, options)
        self.state: State = {}

    @property
    def has_masks(self) -> bool:
        """Whether it chooses parts of its samples by attention masks, with these options."""
        return False

    def fit(self, train: Pairs, checkpoint: Path | None = None) -> Self:
        """Learn from the training samples of `train` (those its `train` split names; no others).

        Args:
            train: pairs with a non-empty `train` split.
            checkpoint: a folder for methods that train long: an interrupted fit resumes from it.
        """
        if train.train.size == 0:
            raise ValueError(f"{train.name} has no training samples: its train split is empty.")
        self.state = self._fit(train.take(train.train), checkpoint)
        return self

    @abstractmethod
    def _fit(self, train: Pairs, checkpoint: Path | None) -> State:
        """Learn from all samples of `train`; return what was learned as named arrays."""

    def save(self, folder: str | os.PathLike[str]) -> None:
        """Write the fitted method as `state.safetensors` and `method.json` in `folder`."""
        self._check_fitted()
        folder = Path(folder)
        with whole(folder / "state.safetensors") as aside:
            save_file({k: np.ascontiguousarray(v) for k, v in self.state.items()}, aside)
        description: dict[str, Any] = {
            "name": self.name,
            "n_bits": self.n_bits,
            "seed": self.seed,
            "options": dict(self.options),
        }
        cls = type(self)
        if not cls.__module__.startswith("mmhash_nb."):  # so that `load` can say what to import
            description |= {"module": cls.__module__, "class": cls.__qualname__}
        with whole(folder / "method.json") as aside:
            aside.write_text(json.dumps(description, indent=2) + "\n")

    def load_state(self, folder: Path) -> Self:
        """Take the fitted arrays that `save` left in `folder`."""
        try:
            self.state = load_file(folder / "state.safetensors")
        except FileNotFoundError:
            raise
        except Exception as error:
            raise ValueError(
                f"{folder / 'state.safetensors'} is not a whole safetensors file ({error})."
            ) from None
        return self

    def _check_fitted(self) -> None:
        if not self.state:
            raise RuntimeError(f"{self.name or type(self).__name__} is not fitted: call fit first.")

    def _check_encodable(self, modality: str) -> None:
        if modality not in self.modalities:
            raise ValueError(
                f"{self.name or type(self).__name__} does not encode {modality!r}; "
                f"it encodes {', '.join(self.modalities)}."
            )
        self._check_fitted()


class Hasher(Method):
    """A method that gives binary codes."""

    def encode(self, pairs: Pairs, modality: EncodedModality) -> HashCodes:
        """Codes of all samples of `pairs` from one modality (or from both: `joint`).

        Raises:
            ValueError: where the method does not have that modality, naming those it has.
        """
        self._check_encodable(modality)
        values = self._project(pairs, modality)
        if np.shape(values) != (len(pairs), self.n_bits):
            raise ValueError(
                f"{self.name or type(self).__name__} gives values of shape "
                f"{list(np.shape(values))} for the {modality} of {len(pairs)} samples, but codes "
                f"of {self.n_bits} bits need {[len(pairs), self.n_bits]}."
            )
        return HashCodes.from_real(values)

    @abstractmethod
    def _project(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        """Real values `[N, n_bits]` whose signs are the codes."""


class Unified(Protocol):
    """A method that learns one code for both modalities of a database sample."""

    def database_codes(self, pairs: Pairs) -> HashCodes:
        """Unified codes of all samples of `pairs`, which queries of one modality can search."""


class Embedder(Method):
    """A reference method without codes: it ranks by Euclidean distance between embeddings."""

    family: ClassVar[str] = "no codes"
    has_codes: ClassVar[bool] = False

    def embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        """Embeddings of all samples of `pairs`, `float32 [N, d]`."""
        self._check_encodable(modality)
        return np.asarray(self._embed(pairs, modality), dtype=np.float32)

    @abstractmethod
    def _embed(self, pairs: Pairs, modality: EncodedModality) -> np.ndarray:
        """Embeddings `[N, d]`."""


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def centre_unit(x: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """`x - mean` scaled to unit length by row, `float32 [N, d]`; a zero row stays zero."""
    return unit_rows((x - mean).astype(np.float32))


def unit_rows(x: np.ndarray) -> np.ndarray:
    """Rows scaled to length 1; a zero row stays zero."""
    norms = np.linalg.norm(x, axis=1, keepdims=True)
    return x / np.where(norms > 0, norms, 1)


def signs(x: np.ndarray) -> np.ndarray:
    """-1 and 1, with 1 for 0, as in `HashCodes.from_real`."""
    return np.where(x >= 0, 1.0, -1.0)


def in_blocks(work: Callable[[np.ndarray], np.ndarray], x: np.ndarray, width: int) -> np.ndarray:
    """`work(x)`, `[N, width]`, in blocks of samples: distances to anchors stay small in memory."""
    values = np.empty((len(x), width))
    for i in range(0, len(x), BLOCK):
        values[i : i + BLOCK] = work(x[i : i + BLOCK])
    return values


def share_label(labels: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Which pairs share at least one label, `bool [N, M]`, from `bool [N, C]` and `bool [M, C]`."""
    return (labels.astype(np.float32) @ others.astype(np.float32).T) > 0


def ridge(gram: np.ndarray, cross: np.ndarray, gamma: float) -> np.ndarray:
    """(gram + γI)⁻¹ cross."""
    return linalg.solve(gram + gamma * np.eye(len(gram)), cross, assume_a="pos")


def check_at_most(what: str, value: int, available: int, of: str) -> None:
    """Refuse more anchors, clusters or dimensions than there is data for."""
    if value > available:
        raise ValueError(
            f"{what} is {value}, but there are only {available} {of}: give {available} or fewer."
        )
