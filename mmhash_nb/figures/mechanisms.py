"""Block diagrams of networks: attention masks (zhang2018), modal-aware operations (zeng2022)."""

from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

from mmhash_nb.figures.style import INK, RIGHT, WRONG, Picture, axes_in_inches, themed

#: each mechanism and the modalities that it divides
MECHANISMS = {
    "no attention": (),
    "visual": ("image",),
    "textual": ("text",),
    "both": ("image", "text"),
}
_MODALITIES = {"image": "I", "text": "T"}
_ENDS = {0: ("image", "text"), 1: ("first stages", "text layer 1")}
_LAST = {3: ("last stage", "text layer 2")}
_CODE = {5: ("mean over positions, joined",), 6: ("joint layer, code",)}
#: each network's boxes by row, those of both modalities or one across
_JOINT: dict[str, dict[int, tuple[str, ...]]] = {
    "Concat": {**_ENDS, **_LAST, **_CODE},
    "MAH": {**_ENDS, 2: ("operation 1",), **_LAST, 4: ("operation 2",), **_CODE},
    "one operation": {
        0: ("$f^I$", "$f^T$"),
        2: ("kernel: similarity",),
        3: (r"$\hat{f}\,^I$", r"$\hat{f}\,^T$"),
        4: ("attention: weights",),
        5: (r"$\tilde{f}\,^I$", r"$\tilde{f}\,^T$"),
    },
}
_PANEL, _GAP, _MARGIN = 2.1, 0.25, 0.12
_HEAD, _STEP, _BOX, _LEGEND = 0.3, 0.62, 0.32, 0.32
_PLAIN, _ATTENTION, _HASHING = "#f0f0f0", "#dcdcdc", "#dbe9f4"
_ASIDE = 0.22  # of attended and unattended to either side of a branch's middle
#: colours and line styles of the features that arrows carry
_ARROWS = {"all": (INK, "-"), "attended": (RIGHT, "-"), "unattended": (WRONG, (0, (3, 1.5)))}


@themed()
def attention_mechanisms() -> Figure:
    """The networks that the paper compares, as block diagrams that are read downwards.

    E learns features, G divides them by a mask, and D makes codes of either part (Fig. 2). The
    codes of attended features, H, are searched; those of unattended ones, Ĥ, only train. Where a
    modality has no attention, D sees all of its features. The paper draws the first three; the
    fourth is its method.
    """
    width = len(MECHANISMS) * (_PANEL + _GAP) - _GAP
    height = _HEAD + 4 * _STEP + _BOX + _LEGEND
    figure = Picture(width + 2 * _MARGIN, height + 2 * _MARGIN)
    axes = axes_in_inches(figure, _MARGIN, _MARGIN, width, height)
    for i, (name, divided) in enumerate(MECHANISMS.items()):
        left = i * (_PANEL + _GAP)
        axes.text(left + _PANEL / 2, 0.1, name, ha="center", va="center", size=9, weight="bold")
        for j, (modality, letter) in enumerate(_MODALITIES.items()):
            middle = left + (1 + 2 * j) * _PANEL / 4
            _branch(axes, middle, modality, letter, modality in divided)
    _legend(axes, width / 2, height - 0.1)
    return figure


@themed()
def modal_aware_network() -> Figure:
    """MAH beside the network without its operations, and one operation, read downwards.

    Left and middle are the networks of zeng2022 (Fig. 5), right is what an operation does: the
    kernel network compares both modalities, and the attention network weighs channels and units.
    """
    height = _HEAD + 6 * _STEP + _BOX + 0.02
    figure = Picture(3 * (_PANEL + _GAP) - _GAP + 2 * _MARGIN, height + 2 * _MARGIN)
    axes = axes_in_inches(figure, _MARGIN, _MARGIN, 3 * (_PANEL + _GAP) - _GAP, height)
    sides = [_PANEL / 4, 3 * _PANEL / 4]
    for i, (name, rows) in enumerate(_JOINT.items()):
        left = i * (_PANEL + _GAP)
        axes.text(left + _PANEL / 2, 0.1, name, ha="center", va="center", size=9, weight="bold")
        for row, words in rows.items():
            top = _HEAD + row * _STEP
            middles = sides if len(words) == 2 else [_PANEL / 2]
            face = _PLAIN if len(words) == 2 else _ATTENTION
            face = "white" if row == 0 else _HASHING if row == 6 else face
            for x, word in zip(middles, words, strict=True):
                _box(axes, left + x, top, 0.96 if len(words) == 2 else 0.97 * _PANEL, word, face)
        for above, below in pairwise(rows):
            for x in [_PANEL / 2] if above == 5 else sides:
                _arrow(axes, left + x, _HEAD + above * _STEP + _BOX, _HEAD + below * _STEP)
    return figure


def _branch(axes: Axes, x: float, modality: str, letter: str, divided: bool) -> None:
    """One modality from its input down to its codes, around a middle `x`."""
    tops = [_HEAD + i * _STEP for i in range(5)]
    _box(axes, x, tops[0], 0.8, modality, "white")
    _box(axes, x, tops[1], 0.8, f"$E^{letter}$", _PLAIN)
    _box(axes, x, tops[3], 0.8, f"$D^{letter}$", _HASHING)
    _arrow(axes, x, tops[0] + _BOX, tops[1])
    if not divided:
        _arrow(axes, x, tops[1] + _BOX, tops[3])
        _arrow(axes, x, tops[3] + _BOX, tops[4])
        _box(axes, x, tops[4], 0.8, f"codes $H^{letter}$", "white")
        return
    _box(axes, x, tops[2], 0.8, f"$G^{letter}$", _ATTENTION)
    _arrow(axes, x, tops[1] + _BOX, tops[2])
    for side, code, kind in ((-_ASIDE, "H", "attended"), (_ASIDE, r"\hat{H}", "unattended")):
        for top, bottom in ((tops[2], tops[3]), (tops[3], tops[4])):
            _arrow(axes, x + side, top + _BOX, bottom, kind)
        _box(axes, x + side, tops[4], 0.36, f"${code}^{letter}$", "white", _ARROWS[kind][0])


def _box(
    axes: Axes, x: float, top: float, width: float, words: str, face: str, edge: str = INK
) -> None:
    patch = FancyBboxPatch(
        (x - width / 2, top), width, _BOX, boxstyle="round,pad=0,rounding_size=0.05",
        facecolor=face, edgecolor=edge, linewidth=0.9,
    )  # fmt: skip
    axes.add_patch(patch)
    axes.text(x, top + _BOX / 2, words, ha="center", va="center", size=8)


def _arrow(axes: Axes, x: float, top: float, bottom: float, kind: str = "all") -> None:
    colour, style = _ARROWS[kind]
    patch = FancyArrowPatch(
        (x, top), (x, bottom), arrowstyle="-|>", mutation_scale=7, shrinkA=0, shrinkB=0,
        color=colour, linestyle=style, linewidth=1.2, gid=kind,
    )  # fmt: skip
    axes.add_patch(patch)


def _legend(axes: Axes, middle: float, y: float) -> None:
    names = {"attended": "attended", "unattended": "unattended, in training only"}
    for i, (kind, name) in enumerate(names.items()):
        colour, style = _ARROWS[kind]
        x = middle + (i - 1) * 1.3 - 0.05
        axes.plot([x, x + 0.3], [y, y], color=colour, linestyle=style, linewidth=1.4)
        axes.text(x + 0.38, y, name, va="center", size=7.5)
