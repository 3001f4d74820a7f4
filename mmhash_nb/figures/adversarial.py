"""The game of attention against hashing over its training steps (zhang2018, Eqs. 8 and 9)."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from mmhash_nb.figures.curves import legend_beside, one_axes, t_interval
from mmhash_nb.figures.style import INK, RIGHT, WRONG, themed

# The columns of the losses: colours are those of attended and unattended in `mechanisms`.
_LOOKS = (
    ("attended, E and D minimise", RIGHT, "-", "o"),
    ("unattended, E and D minimise", WRONG, "-", "o"),
    ("unattended, G maximises", WRONG, "--", "^"),
)
_LINE_POINTS = 200  # of a smoothed line; more would not be seen
_TICKS = 120  # more steps of G than these would be a bar, not marks


@themed()
def adversarial_curves(losses: Sequence[np.ndarray]) -> Figure:
    """The losses on attended and on unattended features over the training steps.

    Points are steps, of all seeds. A line is the running mean over a twentieth of a loss's steps,
    in the mean over seeds; its band, where there are several seeds, the 95 % t-interval. Ticks on
    the axis are the steps of G, where they are few enough to be told apart.

    Args:
        losses: for each seed, `float [S, 3]`, a row a step, as `AADAH.curves` gives them: the loss
            on attended features (Eq. 4), that on unattended ones (Eq. 6), and the latter as G saw
            it in its steps. NaN where there is none; a loss that is NaN throughout is left out.

    Raises:
        ValueError: there is no loss, or seeds differ in their steps.
    """
    values = _checked(losses)
    figure, axes = one_axes(6.0, 3.2)
    for c, (label, colour, line, marker) in enumerate(_LOOKS):
        there = np.isfinite(values[:, :, c]).all(axis=0)
        steps, points = 1 + np.flatnonzero(there), values[:, there, c]
        if not steps.size:
            continue
        for seed in points:
            axes.scatter(
                steps, seed, 6, marker=marker, color=colour, alpha=0.15, linewidth=0,
                rasterized=True,
            )  # fmt: skip
        shown = np.unique(np.linspace(0, len(steps) - 1, _LINE_POINTS).round().astype(int))
        smooth = np.array([running_mean(seed)[shown] for seed in points])  # [R, points]
        axes.plot(steps[shown], smooth.mean(axis=0), line, color=colour, label=label)
        if len(smooth) > 1:
            low, high = np.transpose([t_interval(scores) for scores in smooth.T])
            axes.fill_between(steps[shown], low, high, color=colour, alpha=0.25, linewidth=0)
    total = values.shape[1]
    of_g = 1 + np.flatnonzero(np.isfinite(values[:, :, 2]).all(axis=0))
    if 0 < of_g.size <= _TICKS:
        over_axis = axes.get_xaxis_transform()
        axes.vlines(of_g, 0, 0.03, transform=over_axis, color=INK, linewidth=0.7, label="step of G")
    share = f" ({of_g.size:,} of {total:,} with one of G)" if of_g.size else ""
    axes.set(xlabel=f"training step{share}", ylabel="loss", xlim=(0, total + 1))
    axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
    legend_beside(axes)
    return figure


def running_mean(values: np.ndarray) -> np.ndarray:
    """The mean of each value and its neighbours, `float [n]`, over a twentieth of all.

    At the ends, over those that there are.
    """
    window = 2 * (len(values) // 40) + 1
    return pd.Series(values).rolling(window, center=True, min_periods=1).mean().to_numpy()


def _checked(losses: Sequence[np.ndarray]) -> np.ndarray:
    """The losses of all seeds, `float [R, S, 3]`."""
    for seed, values in enumerate(losses):
        wanted = (len(losses[0]), len(_LOOKS))
        if values.shape != wanted:
            raise ValueError(
                f"losses of a seed must be {list(wanted)}, the same steps for all seeds, but those "
                f"of seed {seed} are {list(values.shape)}."
            )
    stacked = np.array(losses, dtype=float)
    if not np.isfinite(stacked).any():
        raise ValueError("curves of the game need the losses of at least one seed and step.")
    return stacked
