"""Each loss once, by its name in the literature."""

from mmhash_nb.losses.central import csq_loss, csq_targets, hash_centres
from mmhash_nb.losses.contrastive import contrastive_loss
from mmhash_nb.losses.pairwise import dpsh_loss, dsh_loss, hashnet_loss
from mmhash_nb.losses.triplet import triplet_ranking_loss

__all__ = [
    "contrastive_loss",
    "csq_loss",
    "csq_targets",
    "dpsh_loss",
    "dsh_loss",
    "hash_centres",
    "hashnet_loss",
    "triplet_ranking_loss",
]
