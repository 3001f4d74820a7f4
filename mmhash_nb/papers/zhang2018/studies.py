"""Studies of zhang2018: the adversary, and what attention finds."""

import functools
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments.convergence import last_tenth
from mmhash_nb.experiments.held_out import held_out
from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import run
from mmhash_nb.hashers.aadah import AADAH, PARTS, SIDES
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.zhang2018 import attention_scores, word_scores

#: attention and pooling that are compared; without a mask of images there is no choice of pooling
ATTENTIONS = (
    *(("none", ""), ("textual", "")),
    *((attention, pooling) for attention in ("visual", "both") for pooling in ("attended", "all")),
)


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


def by_attention(
    pairs: Pairs, bits: int, seeds: Iterable[int], options: Mapping[str, Any]
) -> pd.DataFrame:
    """AADAH with each kind of attention, and each mean over a masked map where there is one.

    Args:
        pairs: the dataset; its queries are ranked.
        bits: code length. options: of `aadah` in all of them.

    Returns:
        Rows with `attention`, `pooling` (of those that mask images), `seed`, mAP in both
        directions, what `convergence.last_tenth` gives, and `seconds`.
    """
    rows = []
    for (attention, pooling), seed in product(ATTENTIONS, seeds):
        given = {"attention": attention, **({"pooling": pooling} if pooling else {})}
        done = run("zhang2018", "aadah", pairs, bits, seed, {**options, **given})
        rows.append(
            {
                **{"attention": attention, "pooling": pooling, "seed": seed},
                **{task: done.metrics[task]["mAP"] for task in CROSS_MODAL},
                **last_tenth(done.method()),
                "seconds": done.record["seconds_fit"],
            }
        )
    return pd.DataFrame(rows)


def over_none(table: pd.DataFrame) -> pd.DataFrame:
    """What masks add, in points: each row of `by_attention` minus that without, paired by seed.

    Returns:
        Indexed by `attention` and `pooling`; in both directions the mean difference with its 95 %
        interval over seeds, as text.
    """
    scores = table.set_index(["attention", "pooling", "seed"])[list(CROSS_MODAL)]
    without = scores.loc[("none", "")]
    gains = (scores.drop("none", level="attention") - without).dropna()
    found = gains.groupby(level=["attention", "pooling"], sort=False)
    return found.agg(lambda values: "{:+.1f} [{:+.1f}, {:+.1f}]".format(*interval(100 * values)))


def by_setting(
    pairs: Pairs,
    method: str,
    bits: int,
    seeds: Iterable[int],
    settings: Mapping[str, Mapping[str, Any]],
) -> pd.DataFrame:
    """One method with several settings and each seed: which of them goes with a failed run.

    Args:
        pairs: the dataset; its queries are ranked.
        method: registered name. bits: code length.
        settings: options of the method by what they are called.

    Returns:
        Rows with `setting`, `seed`, and of both directions the mAP, the mAP on the training set and
        the share of distinct codes in the database (`experiments.collapse`), fractions; then what
        `convergence.last_tenth` gives.
    """
    rows = []
    for (name, given), seed in product(settings.items(), seeds):
        done = run("zhang2018", method, pairs, bits, seed, given)
        row: dict[str, Any] = {"setting": name, "seed": seed}
        for task in CROSS_MODAL:
            found = done.metrics[task]
            row |= {task: found["mAP"], f"{task}, training set": found.get("train mAP", np.nan)}
            row[f"{task}, distinct codes"] = found["distinct"]
        rows.append(row | last_tenth(done.method()))
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
