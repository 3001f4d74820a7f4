"""The colour and marker of each method, the same in all figures, and which lines are grey."""

from collections.abc import Iterable, Mapping
from typing import Any

import seaborn as sns

from mmhash_nb.hashers.names_in_print import in_print

#: safe for colour-blind readers; its eighth is grey, as random codes and lines past eight are
COLOURS = [colour for i, colour in enumerate(sns.color_palette("colorblind", 10)) if i != 7]
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: A column has one colour and no marker twice; methods that often meet stand in different columns.
_METHODS = """
mmnn_l2 mmnn_l1 cmnn_l2 cmnn_l1 nnhash_l2 nnhash_l1 cmssh ksh agh2
diffhash ssh agh1 raw cca cm sm sm_plain scm_rasiwasia
aadah aadah_none aadah_visual aadah_textual dcmh prdh sephkm scm cmfh
cmdvh cmdvh1 cmdvh2 dvsh cah dnh_c discmh cca_itq cvh
mah mah_no_kn mah_no_an concat gmu mcb dth texthash dpsh
mah_printed dsh hashnet csq mah_sentences pdh lssh stmh cca_hash
scm_orth aadah_cnn_f
"""
_ROWS = _METHODS.strip().splitlines()
PLACES = {name: (row, at) for row, line in enumerate(_ROWS) for at, name in enumerate(line.split())}
CONTROL = "random"
#: at most so many lines of a figure have colours
MOST_COLOURED = 8
_GREY: dict[str, Any] = {"color": "#bdbdbd", "marker": "", "linewidth": 0.8, "zorder": 1}


def looks(names: Iterable[str]) -> dict[str, dict[str, Any]]:
    """`color` and `marker` of each name, for `Axes.plot`.

    A method has the same in every figure, random codes are grey; other names come after them.
    """
    found: dict[str, dict[str, Any]] = {}
    others = 0
    for name in dict.fromkeys(names):
        if name == CONTROL:
            found[name] = {"color": "#666666", "marker": "x"}
            continue
        if name not in PLACES:
            others += 1
        row, at = PLACES.get(
            name, (len(_ROWS) + (others - 1) // len(COLOURS), (others - 1) % len(COLOURS))
        )
        found[name] = {"color": COLOURS[at], "marker": MARKERS[(row + at) % len(MARKERS)]}
    return found


def lines(scores: Mapping[str, float]) -> dict[str, dict[str, Any]]:
    """For each name colour, marker and label of its line; past eight, lines are grey.

    Args:
        scores: of each name, higher is better. Coloured are the first, random codes and the
            highest; "others" stands for the grey ones in a legend.
    """
    first = [name for place, name in enumerate(scores) if place == 0 or name == CONTROL]
    by_score = sorted(scores, key=lambda name: -scores[name])
    coloured = [*dict.fromkeys([*first, *by_score])][:MOST_COLOURED]
    grey = [name for name in scores if name not in coloured]
    styles = {name: {**look, "label": in_print(name)} for name, look in looks(scores).items()}
    labels = {name: "others" if name == grey[0] else f"_{name}" for name in grey}
    return {**styles, **{name: {**_GREY, "label": label} for name, label in labels.items()}}
