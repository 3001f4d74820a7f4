"""Made-up codes, and what the explorer must say and show of them, for several tests."""

import numpy as np
from figure_cases import N

from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer import Explorer, draw
from mmhash_nb.pairs import Pairs

SIDES = ("image", "text")
#: what a page runs before it shows the explorer
NO_TRAINING = """
from mmhash_nb.explorer import explore
from mmhash_nb.experiments.collection import saved_runs
def fit(*_):
    raise AssertionError("something was trained")
hashers.Method.fit = fit"""


def codes_of(n_bits: int, seed: int, n: int = N, sides=SIDES) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {side: HashCodes.from_signs(rng.standard_normal((n, n_bits))) for side in sides}


def in_plain_words(
    pairs: Pairs,
    keys: HashCodes,
    code: HashCodes,
    k: int,
    labels: np.ndarray | None = None,
    mistakes: bool = False,
) -> str:
    """The nearest in the words of the message, by a full sort; judged where there are labels."""
    lot = np.random.default_rng(0).permutation(pairs.database)
    distances = (keys.signs()[lot] != code.signs()).sum(axis=1)
    order = np.argsort(distances, kind="stable")
    found = []
    for sample, distance in zip(lot[order], distances[order], strict=True):
        right = labels is not None and (pairs.labels[sample] & labels).any()
        if not (right and mistakes):
            found.append((f"{sample} ({distance}{', relevant' if right else ''})", distance))
    words = ", ".join(said for said, _ in found[:k]) + "."
    at_last = lot[distances == found[:k][-1][1]]
    if len(at_last) == 1:
        return words
    right = 0 if labels is None else (pairs.labels[at_last] & labels).any(axis=1).sum()
    among = "" if labels is None else f", {right} of them relevant"
    return (
        f"{words} {len(at_last)} items are at the last distance{among}; which are shown is by lot."
    )


def hits(explorer: Explorer, codes: dict[str, HashCodes], direction: str) -> str:
    """The results for the query of the controls."""
    pairs, (one, other) = explorer.pairs, direction.split("-")
    query = int(pairs.query[explorer.query.value])
    k, mistakes = explorer.k.value, explorer.mistakes.value
    return in_plain_words(pairs, codes[other], codes[one][query], k, pairs.labels[query], mistakes)


def check(explorer: Explorer) -> None:
    """Message and picture are those of the controls."""
    pairs, bits = explorer.pairs, explorer.bits.value
    codes = explorer.retriever.codes
    direction, query = explorer.direction.value, int(pairs.query[explorer.query.value])
    assert f"Query: sample {query}.<br>" in explorer.message.value
    assert hits(explorer, codes[explorer.method.value, bits], direction) in explorer.message.value
    shown = {m: codes[m, bits] for m in (explorer.method.value, explorer.beside.value) if m}
    if len(shown) == 1 or "ksh" not in shown:
        canvas = draw(
            pairs, shown, direction, query, explorer.k.value, explorer.radius.value,
            explorer.mistakes.value,
        )  # fmt: skip
        assert explorer.picture.value == canvas.png()


def menu(dropdown) -> list:
    return [value for _, value in dropdown.options]


def shown(control) -> bool:
    return control.layout.display != "none"
