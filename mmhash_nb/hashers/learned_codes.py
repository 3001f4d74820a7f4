"""Codes that were learned with the training samples, and a digest of each to look them up by."""

import hashlib

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers.base import State
from mmhash_nb.pairs import Pairs

#: bytes of a digest: two of 10⁹ different rows share one with a chance of about 10⁻²¹
SIZE = 16


def sample_keys(pairs: Pairs) -> np.ndarray:
    """What samples are known by: digests of image and text, `uint8 [N, 16]`."""
    return row_keys(pairs.images, pairs.features("text"))


def unified_codes(values: np.ndarray, pairs: Pairs, state: State) -> HashCodes:
    """The learned codes of training samples, and the signs of `values` of all others.

    Args:
        values: `[N, K]`, what the method makes of samples that it was not trained on.
        pairs: N samples.
        state: `codes`, −1 or 1 `[n, K]`, and `keys` `[n, 16]` of the training samples.
    """
    where = find(sample_keys(pairs), state["keys"])
    known = values.copy()
    known[where >= 0] = state["codes"][where[where >= 0]]
    return HashCodes.from_real(known)


def row_keys(*arrays: np.ndarray) -> np.ndarray:
    """A digest of each sample, over its rows of all arrays, `uint8 [N, 16]`.

    Rows of the same bytes have the same digest, in any order and in any call. The order of the
    arrays counts, as do their dtypes and the shapes of their rows, `[N, ...]`. Values are not
    compared, bytes are: 0.0 and -0.0 differ.
    """
    # Dtype and shape come first, so that equal bytes of different arrays do not meet.
    layout = repr([(array.dtype.str, array.shape[1:]) for array in arrays]).encode()
    whole = [np.ascontiguousarray(array) for array in arrays]
    keys = np.empty((len(arrays[0]), SIZE), dtype=np.uint8)
    for i in range(len(keys)):
        digest = hashlib.blake2b(layout, digest_size=SIZE)
        for array in whole:
            digest.update(array[i].tobytes())
        keys[i] = np.frombuffer(digest.digest(), dtype=np.uint8)
    return keys


def find(keys: np.ndarray, among: np.ndarray) -> np.ndarray:
    """The position of each of `keys` in `among`, the first of several, −1 where absent, `[N]`."""
    first: dict[bytes, int] = {}
    for position, key in enumerate(among):
        first.setdefault(key.tobytes(), position)
    return np.array([first.get(key.tobytes(), -1) for key in keys], dtype=np.int64)
