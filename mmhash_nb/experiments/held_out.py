"""What settings are chosen on: a part of the training samples, ranked as the dataset ranks."""

import dataclasses

import numpy as np

from mmhash_nb.pairs import Pairs


def held_out(pairs: Pairs, fraction: float = 0.2, seed: int = 0) -> Pairs:
    """The training samples alone, some as queries, with a database like that of the dataset.

    The database has the same share of samples that are not trained on. Where it is the training
    set, as on Wiki, all that are trained on are the database. Where most of it is not trained on,
    as on CIFAR-10, a database of training samples would reward memory: other samples are held out
    for it, as many as the queries at most, and training samples complete it to that share.

    Args:
        pairs: the dataset, whose queries are not used, nor what it does not train on.
        fraction: of the training samples to be queries, at least one.
        seed: which ones.

    Raises:
        ValueError: as `Pairs.held_out`, where nothing would be left on either side.
    """
    part = pairs.held_out(fraction, seed)
    unseen = 1 - np.isin(pairs.database, pairs.train).mean()
    left = np.random.default_rng([seed, 1]).permutation(part.train)
    n_unseen = min(len(part.query), round(unseen * len(left)))
    if n_unseen == 0:
        return part
    others, train = left[:n_unseen], left[n_unseen:]
    known = train[: round(n_unseen * (1 - unseen) / unseen)]
    database = np.sort(np.concatenate([others, known]))
    return dataclasses.replace(part, database=database, train=np.sort(train))
