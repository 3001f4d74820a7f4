"""Max-margin losses of DVSH (Cao, Long, Wang and Yu 2016).

Each is a mean, so that it does not grow with the batch. The paper's text was not available: the
formulas are from notes of readers.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from mmhash_nb.losses.full_precision import in_float32


@in_float32
def cosine_max_margin_loss(h: Tensor, similar: Tensor, margin: float = 0.5) -> Tensor:
    """DVSH (Cao et al. 2016): the mean over pairs i ≠ j of max(0, margin − s cos(h_i, h_j)).

    s is 1 for a similar pair and −1 for a dissimilar one; both kinds weigh the same. The paper
    prints the sum over the pairs of S. The whole objective adds λ times `bitwise_max_margin_loss`
    and β times the squared loss of each modality, for which see `quantisation_loss`.

    Args:
        h: fused values `[B, K]` of at least two samples. A zero vector has the cosine 0 to all.
        similar: `bool [B, B]`.
        margin: the cosine beyond which a similar pair costs nothing, the paper's μ_c.
    """
    norms = h.norm(dim=1, keepdim=True)
    # Where the norm is zero, a floor would make the cosine zero but its gradient huge.
    unit = h / torch.where(norms > 0, norms, 1)
    others = ~torch.eye(len(h), dtype=torch.bool, device=h.device)
    cosines = (unit @ unit.T)[others]
    return F.relu(margin - torch.where(similar[others], cosines, -cosines)).mean()


def bitwise_max_margin_loss(h: Tensor, margin: float = 0.5) -> Tensor:
    """DVSH (Cao et al. 2016): the mean over samples and bits of max(0, margin − |h|).

    It draws values away from 0 until their sign is clear, and lets outliers be, as a squared
    distance to the codes does not. The paper prints the sum. h are fused values `[B, K]`, and the
    margin is the size beyond which one costs nothing, the paper's μ_b.
    """
    return F.relu(margin - h.abs()).mean()
