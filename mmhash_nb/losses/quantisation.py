"""Losses of values and bits: nearness to codes, balanced and uncorrelated bits (DCMH, PRDH, DVSH).

Each is a mean or a sum of means, so that it does not grow with the batch. The papers' texts were
not available: formulas are from memory and from notes of readers.
"""

from torch import Tensor

from mmhash_nb.losses.full_precision import in_float32


def quantisation_loss(values: Tensor, codes: Tensor) -> Tensor:
    """The mean over samples and bits of the squared difference of `values` and `codes`, `[n, K]`.

    n K times it is ‖B − F‖² of DCMH and PRDH. ½ K times it is the squared loss of a modality in
    DVSH (Cao et al. 2016), (1 / 2n) Σ ‖u_i − h_i‖², in which the fused values h take the place of
    the codes.
    """
    return (values - codes).square().mean()


def bit_balance_loss(values: Tensor) -> Tensor:
    """The mean over bits of the squared mean over samples, 0 where each bit is half −1 and half 1.

    n² K times it is ‖F1‖² of DCMH, of values F `[n, K]`.
    """
    return values.mean(0).square().mean()


@in_float32
def bit_decorrelation_loss(values: Tensor) -> Tensor:
    """PRDH (Yang et al. 2017): the sum over pairs of bits k < l of their squared covariance.

    It is ½ (‖C‖² − ‖diag C‖²) with C_kl the mean over samples of (v_k − μ_k)(v_l − μ_l), which is
    the DeCov loss of Cogswell et al. (2016); v are `values`, `[n, K]`.
    """
    centred = values - values.mean(0)
    covariance = centred.T @ centred / len(values)
    # Not the difference as printed, which rounding can make negative.
    return covariance.triu(1).square().sum()
