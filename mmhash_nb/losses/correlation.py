"""Losses of correlation autoencoder hashing (Cao, Long, Wang and Zhu 2016): CAH.

The paper's text was not available. Its abstract names a feature correlation "revealed by bimodal
data" and a semantic correlation "conveyed in similarity labels", both maximised, and autoencoders.
The formulas are the usual ones of what they are named after; the sources are with each.
"""

import torch
from torch import Tensor

from mmhash_nb.losses.full_precision import in_float32


def feature_correlation_loss(x: Tensor, y: Tensor) -> Tensor:
    """One minus the mean over bits of the correlation of paired values.

    The correlation of bit k is Σ_i (x_ik − x̄_k)(y_ik − ȳ_k) / √(Σ_i (x_ik − x̄_k)² Σ_i (y_ik −
    ȳ_k)²), as a correlational neural network (Chandar, Khapra, Larochelle and Ravindran 2016) sums
    it over its hidden units. x and y are `[B, K]`, of the same samples, two at least. The loss is
    from 0 to 2; a bit that is constant in a modality counts as uncorrelated.
    """
    return 1 - (_standardised(x) * _standardised(y)).sum(0).mean()


@in_float32
def semantic_correlation_loss(x: Tensor, y: Tensor, similar: Tensor) -> Tensor:
    """One minus the correlation, over all pairs, of inner products of values and similarity.

    It is 1 − ρ of x_i·y_j and s_ij over i and j, s being 1 for similar pairs and −1 for others.
    Semantic correlation maximisation (Zhang and Li 2014) fits inner products of codes to s by least
    squares. With the best scale and offset min_{a,b} Σ_ij (a x_i·y_j + b − s_ij)² is
    (1 − ρ²) Σ_ij (s_ij − s̄)², so that a large ρ is a good fit, however rare similar pairs are.

    x is `[B, K]`, y `[M, K]`, and `similar` `bool [B, M]`. The loss is from 0 to 2; 1 with a
    gradient of 0 where all pairs are similar, or none.
    """
    products = (x @ y.T).flatten()
    signs = torch.where(similar, 1.0, -1.0).to(products.dtype).flatten()
    return 1 - (_standardised(products) * _standardised(signs)).sum()


def reconstruction_loss(rebuilt: Tensor, given: Tensor) -> Tensor:
    """The squared error as a fraction of the variance: Σ_i ‖r_i − g_i‖² / Σ_i ‖g_i − ḡ‖².

    It is 1 where every sample is rebuilt as the mean, whatever the features' number and scale are,
    so that both modalities weigh the same; and the squared error itself where all samples are
    equal. Both arguments are features `[B, d]`.
    """
    variance = (given - given.mean(0)).square().sum()
    return (rebuilt - given).square().sum() / torch.where(variance > 0, variance, 1)


def _standardised(values: Tensor) -> Tensor:
    """`values` less their mean over the first dimension, scaled to a norm of 1 along it."""
    centred = values - values.mean(0)
    norms = centred.norm(dim=0)
    # Where the norm is zero, a floor would make the result zero but its gradient huge.
    return centred / torch.where(norms > 0, norms, 1)
