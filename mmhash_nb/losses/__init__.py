"""Each loss once, by its name in the literature; each returns a scalar tensor.

contrastive: `contrastive_loss` (masci2014), `dsh_loss`. triplet: ranking of triplets (zeng2022,
zhang2018, DNH). pairwise_likelihood: `dpsh_loss`, `hashnet_loss`, `dcmh_loss`. central_similarity:
`csq_loss`. quantisation: nearness to codes, balance and decorrelation of bits. max_margin: DVSH.
correlation: CAH. gaussian_latent: liong2017.
"""
