"""zeng2022: modal-aware features for multimodal hashing (MAH)."""

from mmhash_nb.papers.zeng2022 import protocol, studies
