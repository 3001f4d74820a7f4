"""Multimodal hashing by concatenation (zeng2022, §VI-C)."""

from typing import Literal

from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import JointHasher


class Concat(JointHasher):
    """MAH's network without its operations: image and text vectors are put side by side."""

    class Options(JointHasher.Options):
        fusion: Literal["concat"] = option("concat", "how both vectors become one")
