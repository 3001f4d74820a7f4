"""Central similarity quantisation, CSQ (Yuan et al. 2020): codes drawn to the centre of a class."""

import numpy as np
import torch
from scipy.linalg import hadamard
from torch import Tensor

_SIGNS = np.array([-1, 1], np.int8)


def hash_centres(n_classes: int, n_bits: int, seed: int) -> np.ndarray:
    """A code for each class, far from those of the others (Yuan et al. 2020, Algorithm 1).

    Where `n_bits` is a power of two and there are at most twice as many classes, the first rows of
    a Hadamard matrix and then of its negation: any two differ in half of their bits or in all.
    Otherwise fair coins, with which two centres differ in half of their bits on average. Centres
    that coincide are drawn again, except where there are more classes than codes.

    Args:
        seed: of the coins; the Hadamard matrix draws nothing.

    Returns:
        `int8 [n_classes, n_bits]` of −1 and 1.
    """
    if n_bits.bit_count() == 1 and n_classes <= 2 * n_bits:
        rows = hadamard(n_bits, dtype=np.int8)
        return np.concatenate([rows, -rows])[:n_classes]
    rng = np.random.default_rng(seed)
    centres = rng.choice(_SIGNS, (n_classes, n_bits))
    while n_classes <= 2**n_bits and (repeated := _repeated(centres)).size:
        centres[repeated] = rng.choice(_SIGNS, (len(repeated), n_bits))
    return centres


def _repeated(rows: np.ndarray) -> np.ndarray:
    """Indices of the rows that equal an earlier one."""
    _, first = np.unique(rows, axis=0, return_index=True)
    return np.setdiff1d(np.arange(len(rows)), first)


def csq_targets(labels: np.ndarray, centres: np.ndarray, seed: int) -> np.ndarray:
    """The centre of each sample: that of its label, or the bitwise vote of those of its labels.

    A tie goes to a coin. There is one coin for each bit, not for each sample, so that samples with
    the same labels have the same target.

    From `labels`, `bool [N, C]`, and `centres`, `int8 [C, K]` of −1 and 1, `int8 [N, K]` of −1
    and 1; the seed is that of the coins.
    """
    # A separate stream: default_rng(seed) would repeat the centre of the first class.
    coins = np.random.default_rng([seed, 1]).choice(_SIGNS, centres.shape[1])
    votes = labels.astype(np.float32) @ centres
    return np.where(votes == 0, coins, np.sign(votes)).astype(np.int8)


def csq_loss(h: Tensor, targets: Tensor, quantisation: float = 1e-4) -> Tensor:
    """CSQ (Yuan et al. 2020): cross-entropy to the targets and distance to the codes.

    The mean over samples and bits of the binary cross-entropy between (h + 1) / 2 and
    (targets + 1) / 2, plus `quantisation` times that of (|h| − 1)². For targets of −1 and 1 the
    cross-entropy is −log of (1 + targets·h) / 2, the probability of the right bit.

    Args:
        h: values `[B, K]` in [−1, 1].
        targets: `[B, K]` of −1 and 1, from `csq_targets`.
        quantisation: weight of the distance to the codes.
    """
    # The floor keeps the loss finite where a bit is wrong and saturated; tanh is flat there anyway.
    right = ((1 + targets * h) / 2).clamp(min=torch.finfo(h.dtype).eps)
    return -right.log().mean() + quantisation * (h.abs() - 1).square().mean()
