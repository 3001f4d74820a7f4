"""What attention over a text selects: how much each of its words carries (zeng2022, Eqs. 7, 8)."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from mmhash_nb.figures import items
from mmhash_nb.figures.style import INK, MARKS, TRUE_TAG, Picture, axes_in_inches, themed
from mmhash_nb.pairs import Pairs, check_array

_CELL, _GAP, _MARGIN = 1.0, 0.1, 0.1
_LINE = 0.16
_BAR = "#9aa3ad"


@themed()
def attended_words(
    pairs: Pairs,
    samples: Sequence[int] | np.ndarray,
    scores: np.ndarray,
    k: int = 8,
    naming: np.ndarray | None = None,
) -> Figure:
    """How much each word of a text carries, heaviest first, beside the picture.

    Words that name a label of the sample are green, bold and marked ✓. All bars have one scale.

    Args:
        pairs: the dataset, with a vocabulary of V words.
        samples: n sample indices.
        scores: a number for each word, `float [n, V]`; those of words that are not in the sample's
            text do not count.
        k: words to show (all, where there are fewer).
        naming: which words name a label of the sample, `bool [n, V]`; None for those that are the
            label's name.
    """
    samples, scores = items.checked(pairs, samples, "scores", scores, k)
    if pairs.vocabulary is None or len(pairs.vocabulary) != scores.shape[1]:
        raise ValueError(
            f"scores are of {scores.shape[1]} words, but {pairs.name} has a vocabulary of "
            f"{len(pairs.vocabulary or ())}."
        )
    if naming is None:
        naming = np.array([label_words(pairs, sample) for sample in samples])
    check_array("naming", naming, np.bool_, *scores.shape, of=", as scores")
    found = [
        present_words(pairs, sample, of_words, names, k)
        for sample, of_words, names in zip(samples, scores, naming, strict=True)
    ]
    shown = [score for words in found for _, score, _ in words]
    low, high = min([0.0, *shown]), max([0.0, *shown])
    view = items.view_of(pairs, "image")
    lines = max(1, *(len(words) for words in found))
    row = max(_CELL + 2 * _LINE, lines * _LINE) + _GAP
    name, bars = 1.0, 2.4
    total = _CELL + name + bars + 0.6 + 2 * _GAP
    figure = Picture(total + 2 * _MARGIN, len(samples) * row + _MARGIN + 0.25)
    axes = axes_in_inches(figure, _MARGIN, _MARGIN, total, len(samples) * row + 0.25)
    per_score = bars / (high - low) if high > low else 0.0
    zero = _CELL + name + 2 * _GAP - low * per_score
    for r, (sample, words) in enumerate(zip(samples, found, strict=True)):
        top = r * row
        box = (0.0, top, _CELL, _CELL if view == "picture" else 0.6)
        items.draw_item(axes, pairs, sample, "image", box)
        if view == "picture":
            items.frame(axes, box, INK, 1.0)
            label = (0.0, top + _CELL, _CELL, 2 * _LINE)
            items.write(axes, items.label_text(pairs, sample), label, lines=2)
        if not words:
            items.write(axes, "(no words)", (_CELL + _GAP, top, name, _LINE), align="right")
        for line, (word, score, names_label) in enumerate(words):
            y = top + line * _LINE
            style = {"colour": TRUE_TAG, "weight": "bold"} if names_label else {}
            text = f"{MARKS[True]} {word}" if names_label else word
            place = (_CELL + _GAP, y, name, _LINE)  # right of it, the bars begin
            items.write(axes, text, place, lines=1, align="right", **style)  # type: ignore[arg-type]
            wide = score * per_score
            colour = TRUE_TAG if names_label else _BAR
            bar = Rectangle((zero, y + 0.03), wide, _LINE - 0.06, color=colour, linewidth=0)
            bar.set_gid("true" if names_label else "word")
            axes.add_patch(bar)
            beside = (zero + max(wide, 0.0) + 0.04, y, 0.5, _LINE)
            items.write(axes, f"{score:.3g}", beside, size=6, lines=1, align="left")
    note = (0.0, len(samples) * row, total, 0.25)
    items.write(axes, f"{MARKS[True]} the word names a label.", note, size=6, lines=1, align="left")
    return figure


def label_words(pairs: Pairs, sample: int) -> np.ndarray:
    """Which words are the name of a label of the sample, `bool [V]`."""
    assert pairs.vocabulary is not None
    present = np.flatnonzero(pairs.labels[sample])
    labels = {str(pairs.label_names[int(c)]).casefold() for c in present}
    return np.array([word.casefold() in labels for word in pairs.vocabulary], dtype=np.bool_)


def present_words(
    pairs: Pairs, sample: int, scores: np.ndarray, naming: np.ndarray, k: int
) -> list[tuple[str, float, bool]]:
    """The `k` words of a sample's text with the largest scores: word, score, names a label."""
    assert pairs.vocabulary is not None
    present = np.flatnonzero(items.feature_vector(pairs, sample, "text") > 0)
    order = present[np.argsort(-scores[present], kind="stable")][:k]
    return [(pairs.vocabulary[c], float(scores[c]), bool(naming[c])) for c in order]
