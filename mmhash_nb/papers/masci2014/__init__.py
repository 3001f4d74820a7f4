"""masci2014: multimodal similarity-preserving hashing (MM-NN)."""

from mmhash_nb.papers.masci2014 import protocol, studies
