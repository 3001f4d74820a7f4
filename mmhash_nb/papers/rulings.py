"""The verdict on a claim, from the counts of its comparisons."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmhash_nb.experiments.intervals import Interval, interval, mean_by_seed
from mmhash_nb.experiments.multiple_comparisons import decide
from mmhash_nb.papers.checks import Compared

Ruling = Literal["holds", "mostly holds", "undecided", "does not hold", "not run"]


@dataclass(frozen=True)
class Verdict:
    """What came out: the ruling, the counts it follows from, and how large the effect is.

    Attributes:
        above, undecided, below: comparisons decided either way, corrected for their number.
        failed: how many of the undecided have a failed run; not_run: those without two seeds.
        effect: mean over the comparisons without a failed run, with its 95 % interval over the
            seeds that all have; NaN where there is none.
    """

    ruling: Ruling
    above: int
    undecided: int
    below: int
    failed: int
    not_run: int
    effect: Interval


def judge(cells: Iterable[Compared], most: bool = False) -> Verdict:
    """The verdict on a claim from all its comparisons, corrected for their number.

    Args:
        cells: the comparisons. `multiple_comparisons.decide` says of each whether it is surely
            above or below zero; one with a failed run counts as undecided.
        most: the paper says *most*, so that some comparisons may stay open.
    """
    cells = list(cells)
    outcomes = list(decide([cell.values for cell in cells]).outcome)
    above, below, failed, not_run = map(outcomes.count, ("above", "below", "failed run", "not run"))
    undecided = len(cells) - above - below - not_run
    sound = zip(cells, outcomes, strict=True)
    by_seed = mean_by_seed([c.differences for c, o in sound if o not in ("failed run", "not run")])
    nothing = Interval(np.nan, np.nan, np.nan)
    effect = interval(np.array([*by_seed.values()])) if by_seed else nothing
    what = ruling(above, undecided, below, not_run, most)
    return Verdict(what, above, undecided, below, failed, not_run, effect)


def ruling(above: int, undecided: int, below: int, not_run: int = 0, most: bool = False) -> Ruling:
    """The one rule by which counts become a verdict.

    - *not run*: nothing was compared.
    - *holds*: all comparisons are above; where the paper says *most*, more than half are above and
      none is below.
    - *mostly holds*: more than half are above, and fewer are below than above.
    - *does not hold*: more are below than above.
    - *undecided*: anything else.

    A claim says that something is so in all its comparisons: each pair of methods, direction, code
    length and metric. One about a growth, a lead or a mean has one comparison for each. A
    comparison that was not run could have gone either way, so that a verdict is one which it could
    not change: it counts among all, and against *does not hold*.
    """
    total = above + undecided + below + not_run
    if total == not_run:
        return "not run"
    if above == total or (most and 2 * above > total and below + not_run == 0):
        return "holds"
    if 2 * above > total:
        return "mostly holds"
    return "does not hold" if below > above + not_run else "undecided"
