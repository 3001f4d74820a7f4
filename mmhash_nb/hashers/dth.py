"""DTH: deep triplet hashing of images (zeng2022, §VI-C)."""

from typing import Literal

from mmhash_nb.hashers.deep_objective import TripletRanking
from mmhash_nb.hashers.deep_options import TripletOptions
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import ImageHasher


class DTH(ImageHasher):
    """Deep triplet hashing: the image branch of MAH's network with MAH's loss, Eq. 9."""

    objective_class = TripletRanking

    class Options(ImageHasher.Options, TripletOptions):
        objective: Literal["triplet"] = option("triplet", "the loss, Eq. 9")
