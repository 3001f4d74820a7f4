"""Made-up codes, and what the explorer must say and show of them, for several tests."""

import numpy as np
from figure_cases import N, by_hand

from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer import Explorer, draw

SIDES = ("image", "text")


def codes_of(n_bits: int, seed: int, n: int = N, sides=SIDES) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {side: HashCodes.from_signs(rng.standard_normal((n, n_bits))) for side in sides}


def hits(explorer: Explorer, codes: dict[str, HashCodes], direction: str) -> str:
    """The results in the words of the message, by a plain loop."""
    pairs = explorer.pairs
    query = int(pairs.query[explorer.query.value])
    distances, samples = by_hand(pairs, codes, direction, query, len(pairs))
    said = []
    for distance, sample in zip(distances, samples, strict=True):
        right = (pairs.labels[sample] & pairs.labels[query]).any()
        if not (right and explorer.mistakes.value):
            said.append(f"{sample} ({distance}{', relevant' if right else ''})")
    return ", ".join(said[: explorer.k.value]) + "."


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
