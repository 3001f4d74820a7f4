"""What a paper runs on a dataset: views, code lengths, methods and their settings."""

from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.papers.liong2017.protocol import LIONG_METHODS, liong2017
from mmhash_nb.papers.masci2014.protocol import TABLES, masci2014
from mmhash_nb.papers.side_by_side.protocol import left_out, side_by_side
from mmhash_nb.papers.zeng2022.protocol import ZENG_METHODS, zeng2022
from mmhash_nb.papers.zhang2018.protocol import ZHANG_METHODS, zhang2018

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
