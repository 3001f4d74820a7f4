"""TextHash: deep triplet hashing of texts (zeng2022, §VI-C)."""

from typing import ClassVar, Literal

from mmhash_nb.hashers.deep_objective import TripletRanking
from mmhash_nb.hashers.deep_options import TextOptions, TripletOptions
from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import SingleCode


class TextHash(SingleCode):
    """The text branch of MAH's network and the code layer alone, with MAH's loss, Eq. 9."""

    modalities = ("text",)
    image_views: ClassVar[tuple[str, ...]] = ()
    objective_class = TripletRanking

    class Options(SingleCode.Options, TextOptions, TripletOptions):
        objective: Literal["triplet"] = option("triplet", "the loss, Eq. 9")
