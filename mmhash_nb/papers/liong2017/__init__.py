"""liong2017: cross-modal deep variational hashing (CMDVH)."""

from mmhash_nb.papers.liong2017 import protocol, studies
