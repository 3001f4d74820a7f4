"""Every picture the notebooks show or save: arrays, `Pairs` and `HashCodes` in, a `Figure` out."""

from mmhash_nb.figures.adversarial import adversarial_curves
from mmhash_nb.figures.channel_attention import attended_channels, channel_gallery
from mmhash_nb.figures.claim_counts import claim_counts
from mmhash_nb.figures.code_pictures import descriptor_codes, distance_histogram
from mmhash_nb.figures.curves import map_by_bits, tie_bars, training_curves
from mmhash_nb.figures.forest import forest
from mmhash_nb.figures.galleries import gallery, show_pairs
from mmhash_nb.figures.latent_variables import code_updates, latent_gaussians
from mmhash_nb.figures.masks import attended_regions
from mmhash_nb.figures.mechanisms import attention_mechanisms, modal_aware_network
from mmhash_nb.figures.nearest import Nearest, nearest
from mmhash_nb.figures.precision_curves import (
    lookup_precision_recall,
    precision_at_top,
    precision_recall,
)
from mmhash_nb.figures.ranking_curves import ranking_curves
from mmhash_nb.figures.search_results import Item, found_items
from mmhash_nb.figures.style import Picture, folder, png, save
from mmhash_nb.figures.tag_retrieval import annotation, word_gallery, word_queries
from mmhash_nb.figures.trade_off import trade_off
from mmhash_nb.figures.word_attention import attended_words
