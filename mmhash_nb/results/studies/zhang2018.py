"""Studies of zhang2018: settings, who plays, and what attention finds."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd

from mmhash_nb.hashers.aadah import AADAH, PLAYERS
from mmhash_nb.pairs import Pairs
from mmhash_nb.results import attention_scores
from mmhash_nb.results.protocols import Protocol
from mmhash_nb.results.runs import run

#: of the deep methods: the paper's two learning rates and one between them
RATES = (2e-4, 1e-3, 5e-3)
MARGINS = (0.25, 0.5, 2.0)


def candidates(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """Each deep method's options with all learning rates, AADAH's with other margins too."""
    compared = {
        method: [{**options, "learning_rate": rate} for rate in RATES]
        for method, options in protocol.options.items()
        if "learning_rate" in options
        and method not in ("aadah_none", "aadah_visual", "aadah_textual")
    }
    ours = protocol.options["aadah"]
    compared["aadah"] = [{**some, "margin": 1.0} for some in compared["aadah"]]
    compared["aadah"] += [{**ours, "margin": margin} for margin in MARGINS]
    return compared


def by_players(
    pairs: Pairs, bits: int, seeds: Iterable[int], options: Mapping[str, Any]
) -> pd.DataFrame:
    """AADAH with both players of its game, either, or none, on held-out training samples.

    Args:
        pairs: a dataset with object regions, whose queries and database are not used.
        bits: code length. options: of `aadah`.

    Returns:
        Rows with `players`, `seed`, the mAP in both directions, and the mean IoU of masks and
        object regions over the held-out pictures.
    """
    part = pairs.held_out()
    asked = part.take(part.query)
    assert asked.masks is not None
    rows = []
    for players in PLAYERS:
        for seed in seeds:
            done = run("zhang2018", "aadah", part, bits, seed, {**options, "players": players})
            scores = {task: done.metrics[task]["mAP"] for task in ("image-text", "text-image")}
            method = done.method()
            assert isinstance(method, AADAH)
            seen = method.attend(asked, "image")
            found = attention_scores.mask_scores(seen.mask, seen.probabilities, asked.masks)
            rows.append({"players": players, "seed": seed, **scores, "IoU": found.IoU.mean()})
    return pd.DataFrame(rows)


def mask_table(pairs: Pairs, methods: Sequence[AADAH]) -> pd.DataFrame:
    """How well masks match the object regions, beside controls, as `attention_scores.by_seed`.

    Args:
        pairs: pictures with object regions, not trained on.
        methods: fitted, one for each seed.

    Returns:
        Rows `attended`, `untrained` (the same network before its first step), `random` and
        `centre` (masks of the same area as the trained ones).
    """
    assert pairs.masks is not None
    tables: dict[str, dict[int, pd.DataFrame]] = {}
    for method in methods:
        seen = method.attend(pairs, "image")
        start = method.before_training().attend(pairs, "image")
        regions = {
            "attended": attention_scores.mask_scores(seen.mask, seen.probabilities, pairs.masks),
            "untrained": attention_scores.mask_scores(start.mask, start.probabilities, pairs.masks),
            "random": attention_scores.control_scores(seen.mask, pairs.masks, "random"),
            "centre": attention_scores.control_scores(seen.mask, pairs.masks, "centre"),
        }
        for region, table in regions.items():
            tables.setdefault(region, {})[method.seed] = table
    return attention_scores.by_seed(tables)


def word_table(pairs: Pairs, methods: Sequence[AADAH]) -> pd.DataFrame:
    """How much of the text features comes from naming tags, as `attention_scores.by_seed`.

    Args:
        pairs: of `scenes`, not trained on.
        methods: fitted, one for each seed.

    Returns:
        Rows `attended`, `unattended` and `untrained`.
    """
    names, texts = attention_scores.concept_words(pairs), pairs.features("text")
    tables: dict[str, dict[int, pd.DataFrame]] = {}
    for method in methods:
        shares = {
            "attended": method.word_shares(pairs),
            "unattended": method.word_shares(pairs, attended=False),
            "untrained": method.before_training().word_shares(pairs),
        }
        for region, weight in shares.items():
            scores = attention_scores.text_scores(weight, texts, names)
            tables.setdefault(region, {})[method.seed] = scores
    return attention_scores.by_seed(tables)
