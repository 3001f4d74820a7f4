"""Signs of a collapsed code: few distinct codes, bits that stay, and what was learned by heart."""

from collections.abc import Mapping

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile

#: at most so many training samples are queries for `train mAP`, which takes a second at most
QUERIES = 300
#: The names of the scores, in the order of `signs`.
SIGNS = ("distinct", "balance", "train mAP")


def signs(
    codes: Mapping[str, HashCodes], pairs: Pairs, query: str, database: str
) -> dict[str, float]:
    """Whether the codes of a direction have collapsed, and how it retrieves what it learned from.

    Args:
        codes: for each modality, codes of all samples.
        query, database: modalities.

    Returns:
        `distinct`: how many codes the database has, as a share of its items. `balance`: the mean
        over bits of 1 − |2p − 1|, p the share of the database's items at which a bit is 1; 1 where
        every bit halves the database, 0 where none ever changes. `train mAP`: of a fifth of the
        training samples as queries, but no more than `QUERIES`, against the rest of them; it is
        left out where there are fewer than five.
    """
    searched = codes[database][pairs.database]
    ones = np.unpackbits(searched.bits, axis=1, count=searched.n_bits).mean(axis=0)  # [K]
    found = {
        "distinct": len(np.unique(searched.bits, axis=0)) / len(searched),
        "balance": float((1 - np.abs(2 * ones - 1)).mean()),
    }
    order = np.random.default_rng(0).permutation(pairs.train)
    some = min(QUERIES, len(order) // 5)
    if some:
        asking, rest = order[:some], order[some:]
        sides = (codes[query][asking], codes[database][rest])
        profile = rank_profile(*sides, pairs.labels[asking], pairs.labels[rest])
        found["train mAP"] = mean_average_precision(profile)
    return found
