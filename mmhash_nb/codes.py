"""`HashCodes`: packed binary codes."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mmhash_nb.files import whole


@dataclass(frozen=True, eq=False)
class HashCodes:
    """N binary codes of `n_bits` bits.

    Args:
        bits: `uint8 [N, ceil(n_bits / 8)]`, packed as `numpy.packbits` does (most significant bit
            first); the bits that pad the last byte are zero.
        n_bits: code length K.

    Raises:
        ValueError: on another dtype or width, or on padding bits that are set.
    """

    bits: np.ndarray
    n_bits: int

    def __post_init__(self) -> None:
        check_n_bits(self.n_bits)
        width = -(-self.n_bits // 8)
        if self.bits.dtype != np.uint8 or self.bits.ndim != 2 or self.bits.shape[1] != width:
            raise ValueError(
                f"bits must be uint8 [N, {width}] for {self.n_bits} bits, but is {self.bits.dtype} "
                f"{list(self.bits.shape)}."
            )
        padding = 8 * width - self.n_bits
        if padding and (self.bits[:, -1] & ((1 << padding) - 1)).any():
            raise ValueError(f"the last {padding} bits of each code pad it and must be zero.")

    @classmethod
    def from_signs(cls, x: np.ndarray) -> "HashCodes":
        """Codes from real values `[N, K]`: bit 1 where `x >= 0`, so zero means 1. NaN is refused."""
        x = np.asarray(x)
        if x.ndim != 2:
            raise ValueError(f"codes come from an array [N, K], not one of shape {list(x.shape)}.")
        if np.isnan(x).any():
            row, column = np.argwhere(np.isnan(x))[0]
            raise ValueError(f"code {row} has NaN at bit {column}, which is neither 0 nor 1.")
        return cls(np.packbits(x >= 0, axis=1), x.shape[1])

    def signs(self) -> np.ndarray:
        """The codes as -1 and +1, `int8 [N, K]`."""
        unpacked = np.unpackbits(self.bits, axis=1, count=self.n_bits)
        return unpacked.astype(np.int8) * 2 - 1

    @cached_property
    def words(self) -> np.ndarray:
        """The codes as 64-bit words, `uint64 [N, ceil(K / 64)]`, for kernels that count bits."""
        n, width = self.bits.shape
        padded = np.zeros((n, -(-width // 8) * 8), dtype=np.uint8)
        padded[:, :width] = self.bits
        return padded.view(np.uint64)

    def __len__(self) -> int:
        return len(self.bits)

    def __getitem__(self, index: object) -> "HashCodes":
        """Some of the codes: a slice, an index array or a mask; an integer gives a set of one."""
        chosen = self.bits[index]  # type: ignore[index]
        return HashCodes(np.atleast_2d(chosen), self.n_bits)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HashCodes):
            return NotImplemented
        return self.n_bits == other.n_bits and np.array_equal(self.bits, other.bits)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the codes to one `.npz` file, whole or not at all."""
        save_codes(path, {"codes": self})

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> "HashCodes":
        """Read what `save` wrote; nothing is unpickled."""
        return load_codes(path)["codes"]


def save_codes(path: str | os.PathLike[str], codes: Mapping[str, HashCodes]) -> None:
    """Write several named sets of codes to one `.npz` file, whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    for name, some in codes.items():
        arrays[f"{name}.bits"] = some.bits
        arrays[f"{name}.n_bits"] = np.array(some.n_bits)
    with whole(path) as aside, open(aside, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def load_codes(path: str | os.PathLike[str]) -> dict[str, HashCodes]:
    """Read what `save_codes` wrote.

    Raises:
        ValueError: where the file is truncated or holds something else.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = [key.removesuffix(".bits") for key in arrays.files if key.endswith(".bits")]
            codes = {n: HashCodes(arrays[f"{n}.bits"], int(arrays[f"{n}.n_bits"])) for n in names}
    except FileNotFoundError:
        raise
    except Exception as error:
        raise ValueError(f"{path} is not a whole file of hash codes ({error}).") from None
    if not codes:
        raise ValueError(f"{path} holds no hash codes.")
    return codes


def check_n_bits(n_bits: object) -> None:
    """Refuse a code length that is not a positive integer."""
    if isinstance(n_bits, bool) or not isinstance(n_bits, int | np.integer) or n_bits < 1:
        raise ValueError(f"n_bits must be a positive integer, but is {n_bits!r}.")
