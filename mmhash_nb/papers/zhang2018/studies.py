"""Studies of zhang2018: the adversary, and what attention finds."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mmhash_nb.experiments.held_out import held_out
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import run
from mmhash_nb.hashers.aadah import AADAH, PARTS, SIDES
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.zhang2018 import attention_scores, word_scores


def by_adversary(
    pairs: Pairs, bits: int, seeds: Iterable[int], options: Mapping[str, Any]
) -> pd.DataFrame:
    """AADAH whose adversarial loss trains both sides, either, or none, on held-out samples.

    Args:
        pairs: a dataset with object regions, whose queries and database are not used.
        bits: code length. options: of `aadah`.

    Returns:
        Rows with `adversarial`, `seed`, the mAP in both directions, and means over the held-out
        pictures: IoU of mask and object region, that of random masks of the same area, the area.
    """
    part = held_out(pairs)
    queries = part.take(part.query)
    rows = []
    for sides in SIDES:
        for seed in seeds:
            done = run("zhang2018", "aadah", part, bits, seed, {**options, "adversarial": sides})
            scores = {task: done.metrics[task]["mAP"] for task in CROSS_MODAL}
            method = done.method()
            assert isinstance(method, AADAH)
            found = _mask_scores(queries, method)
            attended, drawn = found["attended"].mean(), found["random"].mean()
            scores |= {"IoU": attended.IoU, "IoU, random": drawn.IoU, "area": attended.area}
            rows.append({"adversarial": sides, "seed": seed, **scores})
    return pd.DataFrame(rows)


def mask_table(pairs: Pairs, methods: Sequence[AADAH]) -> pd.DataFrame:
    """How well masks match the object regions, beside controls, as `attention_scores.by_seed`.

    Args:
        pairs: pictures with object regions, not trained on.
        methods: fitted, one for each seed.

    Returns:
        Rows `attended`, then masks of the same area: `feature norm`, where the frozen map is
            strongest, `centre` and `random`; `untrained`, the masks before the first step, and
            `random, as untrained`, masks of that area.
    """
    tables: dict[str, dict[int, pd.DataFrame]] = {}
    for method in methods:
        scores, before = _mask_scores(pairs, method), _mask_scores(pairs, method.before_training())
        scores |= {"untrained": before["attended"], "random, as untrained": before["random"]}
        for region, table in scores.items():
            tables.setdefault(region, {})[method.seed] = table
    return attention_scores.by_seed(tables)


def word_table(pairs: Pairs, methods: Sequence[AADAH]) -> pd.DataFrame:
    """How much of the text features comes from naming tags, as `attention_scores.by_seed`.

    Args:
        pairs: of `scenes`, not trained on.
        methods: fitted, one for each seed.

    Returns:
        Rows `attended`, `unattended`, `whole` and `untrained` (attended, before the first step),
        over the samples that all four can be scored on.
    """
    names, texts = word_scores.concept_words(pairs), pairs.features("text")
    tables: dict[str, dict[int, pd.DataFrame]] = {}
    for method in methods:
        shares = {part: method.word_shares(pairs, part) for part in PARTS}
        shares["untrained"] = method.before_training().word_shares(pairs)
        scores = {k: word_scores.text_scores(v, texts, names) for k, v in shares.items()}
        shared = functools.reduce(pd.Index.intersection, (one.index for one in scores.values()))
        for region, table in scores.items():
            tables.setdefault(region, {})[method.seed] = table.loc[shared]
    return attention_scores.by_seed(tables)


def _mask_scores(pairs: Pairs, method: AADAH) -> dict[str, pd.DataFrame]:
    """Scores of a method's masks, and of others of their area."""
    seen = method.attend(pairs, "image")
    assert pairs.masks is not None
    objects = attention_scores.enlarged(pairs.masks, seen.mask)
    strongest = attention_scores.strongest_mask(seen.mask, seen.strength)
    return {
        "attended": attention_scores.mask_scores(seen.mask, seen.probabilities, objects),
        "feature norm": attention_scores.mask_scores(strongest, seen.strength, objects),
        "centre": attention_scores.control_scores(seen.mask, objects, "centre"),
        "random": attention_scores.control_scores(seen.mask, objects, "random"),
    }
