"""Every picture the notebooks show or save: arrays, `Pairs` and `HashCodes` in, a `Figure` out."""

from mmhash_nb.figures.codes import descriptor_codes, distance_histogram
from mmhash_nb.figures.curves import map_by_bits, precision_recall, tie_bars, training_curves
from mmhash_nb.figures.galleries import gallery, show_pairs
from mmhash_nb.figures.nearest import Nearest, nearest
from mmhash_nb.figures.style import Picture, png, save
from mmhash_nb.figures.words import annotation, word_gallery, word_queries

__all__ = [
    "Nearest",
    "Picture",
    "annotation",
    "descriptor_codes",
    "distance_histogram",
    "gallery",
    "map_by_bits",
    "nearest",
    "png",
    "precision_recall",
    "save",
    "show_pairs",
    "tie_bars",
    "training_curves",
    "word_gallery",
    "word_queries",
]
