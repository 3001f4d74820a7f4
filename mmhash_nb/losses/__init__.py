"""Each loss once, by its name in the literature."""

from mmhash_nb.losses import correlation, cross_modal, pairwise
from mmhash_nb.losses.central import csq_loss, csq_targets, hash_centres
from mmhash_nb.losses.contrastive import contrastive_loss
from mmhash_nb.losses.correlation import (
    feature_correlation_loss,
    reconstruction_loss,
)
from mmhash_nb.losses.cross_modal import (
    bit_balance_loss,
    bitwise_max_margin_loss,
    quantisation_loss,
)
from mmhash_nb.losses.pairwise import dsh_loss
from mmhash_nb.losses.precision import in_float32
from mmhash_nb.losses.triplet import (
    cross_triplet_ranking_loss,
    squared_triplet_ranking_loss,
    triplet_ranking_loss,
)
from mmhash_nb.losses.variational import (
    bit_likelihood_loss,
    gaussian_kl_loss,
    printed_likelihood_loss,
    sample_gaussian,
)

# Those that multiply matrices of values.
bit_decorrelation_loss = in_float32(cross_modal.bit_decorrelation_loss)
cosine_max_margin_loss = in_float32(cross_modal.cosine_max_margin_loss)
dcmh_loss = in_float32(cross_modal.dcmh_loss)
dpsh_loss = in_float32(pairwise.dpsh_loss)
hashnet_loss = in_float32(pairwise.hashnet_loss)
semantic_correlation_loss = in_float32(correlation.semantic_correlation_loss)

__all__ = [
    "bit_balance_loss",
    "bit_decorrelation_loss",
    "bit_likelihood_loss",
    "bitwise_max_margin_loss",
    "contrastive_loss",
    "cosine_max_margin_loss",
    "cross_triplet_ranking_loss",
    "csq_loss",
    "csq_targets",
    "dcmh_loss",
    "dpsh_loss",
    "dsh_loss",
    "feature_correlation_loss",
    "gaussian_kl_loss",
    "hash_centres",
    "hashnet_loss",
    "printed_likelihood_loss",
    "quantisation_loss",
    "reconstruction_loss",
    "sample_gaussian",
    "semantic_correlation_loss",
    "squared_triplet_ranking_loss",
    "triplet_ranking_loss",
]
