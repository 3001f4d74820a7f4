"""How codes settle in discrete optimisation, and how sure the latent Gaussians are (liong2017)."""

from collections.abc import Sequence

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from mmhash_nb.figures.style import INK, RIGHT, WRONG, Picture, themed

#: columns of the history that are parts of the objective
_PARTS = (
    ("objective J", INK, "-", "o"),
    ("classification: hinge loss and ||M||²", RIGHT, "--", "s"),
    ("quantisation", WRONG, ":", "^"),
)
_PALETTE = sns.color_palette("colorblind")
# Neither colour is that of right or wrong: a bit of −1 is no error.
_BITS = ((1, "learned bit +1", _PALETTE[2], "^"), (-1, "learned bit −1", _PALETTE[4], "v"))
_BINS = 40


@themed()
def code_updates(history: np.ndarray) -> Figure:
    """The objective and its parts over the rounds of Algorithm 1, and how many bits still change.

    Args:
        history: `float [rounds, 4]`, as CMDVH stores it: the objective (Eq. 4), its part of
            classification, its part of quantisation, and the share of bits that changed, 0 to 1.

    Raises:
        ValueError: on another shape, no rounds, or a share that is no fraction.
    """
    if history.ndim != 2 or history.shape[1] != 4 or not len(history):
        raise ValueError(
            f"history must be [rounds, 4] with at least one round, but is {list(history.shape)}."
        )
    changed = history[:, 3]
    wrong = ~((changed >= 0) & (changed <= 1))
    if wrong.any():
        where = int(wrong.argmax())
        raise ValueError(
            f"the share of bits that changed is {changed[where]} in round {where + 1}: "
            "column 3 of history must be fractions 0..1."
        )
    figure = Picture(7.4, 2.9, layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    rounds = np.arange(1, len(history) + 1)
    for column, (label, colour, line, marker) in enumerate(_PARTS):
        left.plot(
            rounds, history[:, column], line, color=colour, marker=marker, markersize=4, label=label
        )
    left.set(xlabel="round", ylabel="objective and its parts", ylim=(0, 1.4 * history[:, :3].max()))
    left.legend(loc="upper right", fontsize=7)
    right.plot(rounds, 100 * changed, color=INK, marker="o", markersize=4)
    right.set(xlabel="round", ylabel="bits that changed (%)", ylim=(0, None))
    for axes in (left, right):
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    return figure


@themed()
def latent_gaussians(
    mean: np.ndarray, std: np.ndarray, codes: np.ndarray, names: Sequence[str]
) -> Figure:
    """Each bit's latent Gaussian beside the bit it stands for (liong2017, Eqs. 10 to 14).

    Left, the first samples: means with bars of one σ, colour and direction of the marker by the
    learned bit, hollow where the mean has the wrong sign. Right, over all samples and bits, |µ|/σ,
    how sure the network is, where the sign is right and where it is wrong; shares are of each kind.

    Args:
        mean, std: µ and σ of a modality, `float [n, K]`.
        codes: the learned bits, −1 and 1, `[n, K]`.
        names: of the first samples, such as their label; as many are shown.

    Raises:
        ValueError: where shapes differ, codes have other values than −1 and 1, a σ is not above 0,
            or there are no names or more than samples.
    """
    _check(mean, std, codes, names)
    right = (mean >= 0) == (codes > 0)  # zero is bit 1, as in `HashCodes.from_real`
    height = max(2.9, 0.9 + 1.15 * len(names))
    figure = Picture(8.6, height, layout="constrained")
    grid = figure.add_gridspec(len(names), 2, width_ratios=(5, 3))
    panels: list[Axes] = []
    for i, name in enumerate(names):
        axes = figure.add_subplot(grid[i, 0], sharey=panels[0] if panels else None)
        _bits_of_sample(axes, mean[i], std[i], codes[i], right[i])
        axes.set_title(name, loc="left", fontsize=8)
        axes.set_ylabel("µ ± σ")
        panels.append(axes)
    panels[-1].set_xlabel("bit")
    _sureness(figure.add_subplot(grid[:, 1]), np.abs(mean) / std, right)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="", label=label)
        for _, label, colour, marker in _BITS
    ]
    hollow = Line2D([], [], color=INK, marker="o", linestyle="", markerfacecolor="white")
    hollow.set_label("hollow: mean of the wrong sign")
    handles.append(hollow)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, fontsize=7)
    return figure


def _bits_of_sample(
    axes: Axes, mean: np.ndarray, std: np.ndarray, code: np.ndarray, right: np.ndarray
) -> None:
    """Means and bars of one sample's K bits."""
    bit_numbers = np.arange(1, len(mean) + 1)
    axes.axhline(0, color=INK, linewidth=0.8)
    for bit, _, colour, marker in _BITS:
        at = code == bit
        axes.errorbar(
            bit_numbers[at], mean[at], yerr=std[at], fmt="none", ecolor=colour, elinewidth=0.9
        )
        for some, face in ((at & right, colour), (at & ~right, "white")):
            axes.scatter(
                bit_numbers[some], mean[some], 18, marker=marker, facecolor=face, edgecolor=colour,
                linewidth=0.9, zorder=3,
            )  # fmt: skip
    axes.set_xlim(0, len(mean) + 1)
    axes.grid(False, axis="x")


def _sureness(axes: Axes, sure: np.ndarray, right: np.ndarray) -> None:
    """Histograms of |µ|/σ of all bits, `[n, K]`, by whether the sign is right."""
    edges = np.linspace(0, sure.max() or 1.0, _BINS + 1)
    looks = (("right sign", right, RIGHT, ""), ("wrong sign", ~right, WRONG, "////"))
    for name, which, colour, hatch in looks:
        counts, _ = np.histogram(sure[which], edges)
        axes.stairs(
            counts / max(counts.sum(), 1), edges, fill=True, facecolor=(*to_rgb(colour), 0.35),
            edgecolor=colour, hatch=hatch, label=f"{name} ({counts.sum():,})",
        )  # fmt: skip
    axes.set(xlabel="|µ| / σ", ylabel="share of bits", xlim=(0, edges[-1]))
    axes.legend(loc="upper right", fontsize=7)


def _check(mean: np.ndarray, std: np.ndarray, codes: np.ndarray, names: Sequence[str]) -> None:
    shapes = [list(array.shape) for array in (mean, std, codes)]
    if mean.ndim != 2 or shapes[1:] != shapes[:1] * 2:
        raise ValueError(
            f"mean, std and codes must all be [n, K], but are {', '.join(map(str, shapes))}."
        )
    if not np.isin(codes, (-1, 1)).all():
        raise ValueError(
            f"codes hold {codes[~np.isin(codes, (-1, 1))][0]}, but a bit is -1 or 1: "
            "give `HashCodes.signs()`."
        )
    if not (std > 0).all():
        raise ValueError(f"std holds {std[~(std > 0)][0]}, but a standard deviation is above 0.")
    if not 1 <= len(names) <= len(mean):
        raise ValueError(
            f"there are {len(names)} names for {len(mean)} samples: name from one to all of them."
        )
