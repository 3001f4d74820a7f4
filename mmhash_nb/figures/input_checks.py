"""Checks of what several figures are given."""

from collections.abc import Sequence

import numpy as np

from mmhash_nb.pairs import Pairs


def checked_indices(indices: Sequence[int] | np.ndarray, n: int, what: str) -> np.ndarray:
    """Indices of samples, queries or channels to show, `int64 [M]`.

    Raises:
        ValueError: there are none, or one is not one of the `n`.
    """
    indices = np.asarray(indices, dtype=np.int64)
    if outside := [i for i in indices if not 0 <= i < n]:
        raise ValueError(f"{what} {outside[0]} is not one of the {n}.")
    if indices.size == 0:
        raise ValueError(f"a figure needs at least one {what} to show.")
    return indices


def checked(
    pairs: Pairs, samples: Sequence[int] | np.ndarray, name: str, values: np.ndarray, k: int
) -> tuple[np.ndarray, np.ndarray]:
    """Samples as `int64 [n]` and what there is for each of them as `float [n, …]`; `k` to show."""
    if k < 1:
        raise ValueError(f"the number to show must be at least 1, but is {k}.")
    samples, values = checked_indices(samples, len(pairs), "sample"), np.asarray(values)
    if values.ndim != 2 or len(values) != len(samples) or not np.isfinite(values).all():
        raise ValueError(
            f"{name} must be finite, a row for each of the {len(samples)} samples, but are "
            f"{list(values.shape)}."
        )
    return samples, values
