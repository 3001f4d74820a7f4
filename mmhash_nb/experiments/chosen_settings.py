"""What a search over settings chose, and whether it was the same for all methods compared."""

import json
from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from mmhash_nb.experiments.hyperparameters import FIRST, LAST
from mmhash_nb.experiments.search_space import options


def chosen(study: pd.DataFrame) -> pd.DataFrame:
    """The setting that was chosen for each method, beside the paper's.

    Args:
        study: what `hyperparameters.search` gives, of one dataset or of several.

    Returns:
        Indexed by `dataset` and `method`: how many `settings` were compared, the one chosen in
        words, and held-out mAP after a third of the epochs of the first setting, the paper's, and
        of the one chosen, and in full; fractions. Then its `fall in %` (see `convergence`).
    """
    rows = []
    for (dataset, method), part in study.groupby(["dataset", "method"], sort=False):
        best = part.loc[part.chosen].iloc[0]
        words = ", ".join(f"{name} {_words(value)}" for name, value in _setting(best).items())
        rows.append(
            {
                **{"dataset": dataset, "method": method, "settings": len(part), "chosen": words},
                "mAP at a third, paper's": part.mAP_third.iloc[0],
                "mAP at a third": best.mAP_third,
                **{"mAP": best.mAP, "fall in %": best["fall in %"]},
            }
        )
    return pd.DataFrame(rows).set_index(["dataset", "method"])


def toml_of_chosen(study: pd.DataFrame) -> str:
    """The settings that were chosen, as lines of a paper's `settings.toml`.

    `decay_every` is all epochs where the rate does not decay: TOML has no None.
    """
    lines = []
    for dataset, part in study[study.chosen].groupby("dataset", sort=False):
        lines += [f"[datasets.{dataset}.single]"]
        for _, row in part.iterrows():
            given = options(_setting(row))
            words = ", ".join(f"{name} = {_toml(value)}" for name, value in given.items())
            lines += [f"{row.method} = {{ {words} }}"]
    return "\n".join([*lines, ""])


def same_search(study: pd.DataFrame, methods: Iterable[str]) -> None:
    """Refuse a comparison of methods that were not searched alike on a dataset.

    Args:
        study: what `hyperparameters.search` gives, of one dataset.
        methods: those that are compared; each must have as many settings, of them as many trained
            in full, with the same seeds, as the others.

    Raises:
        ValueError: a method without a search, or with another, in one sentence.
    """
    if missing := sorted(set(methods) - set(study.method)):
        raise ValueError(f"{missing[0]} was not searched over: compare the others, or search it.")
    if "seeds" not in study:
        raise ValueError("the study does not say what was trained in full: search anew.")
    found = budgets(study[study.method.isin(list(methods))])
    first, *others = found
    if odd := next((method for method in others if found[method] != found[first]), None):
        raise ValueError(
            f"{odd} had {found[odd]}, but {first} {found[first]}: a comparison needs the same "
            "search for each method."
        )


def budgets(study: pd.DataFrame) -> dict[str, str]:
    """What each method of a study was given, in words: settings, those in full, and their seeds."""
    return {
        method: f"{len(n)} settings, {(n > 0).sum()} of them in full with {n.max()} seeds"
        for method, n in study.groupby("method", sort=False).seeds
    }


def _setting(row: pd.Series) -> dict[str, Any]:
    """The settings in a row of a study, of those the method has; whole numbers as such."""
    # Studies of before mAP's queries were counted are without the last columns.
    there = row.drop([*FIRST, *LAST], errors="ignore").dropna()
    numbers = {name: value for name, value in there.items() if isinstance(value, float)}
    whole = {name: int(value) for name, value in numbers.items() if value == int(value)}
    return {**there, **whole}


def _words(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _toml(value: Any) -> str:
    """A setting as TOML writes it, which has true and false in small letters."""
    return json.dumps(bool(value) if isinstance(value, np.bool_) else value)
