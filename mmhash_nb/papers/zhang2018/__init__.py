"""zhang2018: attention-aware deep adversarial hashing (AADAH)."""

from mmhash_nb.papers.zhang2018 import attention_scores, protocol, studies, word_scores
