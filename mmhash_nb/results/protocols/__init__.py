"""What a paper runs on a dataset: views, code lengths, methods and their settings."""

from mmhash_nb.results.protocols.liong2017 import LIONG_METHODS, liong2017
from mmhash_nb.results.protocols.masci2014 import TABLES, masci2014
from mmhash_nb.results.protocols.protocol import Protocol
from mmhash_nb.results.protocols.side_by_side import left_out, side_by_side
from mmhash_nb.results.protocols.zeng2022 import ZENG_METHODS, zeng2022
from mmhash_nb.results.protocols.zhang2018 import ZHANG_METHODS, zhang2018

__all__ = [
    "LIONG_METHODS",
    "TABLES",
    "ZENG_METHODS",
    "ZHANG_METHODS",
    "Protocol",
    "left_out",
    "liong2017",
    "masci2014",
    "side_by_side",
    "zeng2022",
    "zhang2018",
]
