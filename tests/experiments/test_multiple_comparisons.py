"""Corrected comparisons over few seeds, against SciPy and simulated runs."""

import numpy as np
import pytest
from scipy import stats

from mmhash_nb.experiments.multiple_comparisons import ALPHA, decide, holm, moderated
from mmhash_nb.papers.rulings import ruling


def holm_by_hand(p):
    """As Holm wrote it: step down, stop at the first that stays."""
    rejected, left = set(), sorted(range(len(p)), key=lambda i: p[i])
    while left and p[left[0]] * len(left) < ALPHA:
        rejected.add(left.pop(0))
    return rejected


def test_holm_rejects_what_stepping_down_rejects(rng):
    for _ in range(200):
        p = rng.random(6) ** 4
        assert set(np.flatnonzero(holm(p) < ALPHA)) == holm_by_hand(p)


def test_holm_of_a_known_case():
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_one_comparison_is_the_paired_t_test(rng):
    values = rng.normal(0.01, 0.01, 5)
    (row,) = decide([values]).itertuples()
    expected = stats.ttest_1samp(values, 0)
    assert row.p == row.adjusted == pytest.approx(expected.pvalue)
    assert (row.low, row.high) == pytest.approx(tuple(expected.confidence_interval()))


def test_variances_are_drawn_together_and_no_further_than_all_allow(rng):
    true = 2.0
    found = true * rng.chisquare(2, 400) / 2
    drawn, freedom = moderated(found, np.full(400, 2))
    assert np.var(np.log(drawn)) < 0.3 * np.var(np.log(found))
    assert freedom.max() == 6 and (np.argsort(drawn) == np.argsort(found)).all()
    few, of_few = moderated(np.array([1.0, 1.1]), np.array([2, 2]))
    assert of_few.tolist() == [4, 4] and 1 < few[1] - few[0] + 1 < 1.1
    _, of_unlike = moderated(10.0 ** rng.uniform(-8, 0, 400), np.full(400, 2))
    assert of_unlike.max() < 3
    kept, _ = moderated(np.array([0.0, 1.0, 4.0]), np.array([2, 2, 2]))
    assert kept[0] == 0 and 1 < kept[1] < kept[2] < 4


def test_outcomes_are_those_of_the_numbers():
    table = decide([[0.1, 0.1], [-0.1, -0.1], [0.0, 0.0], [0.1, np.nan], [0.1], []])
    assert table.outcome.tolist() == [
        *("above", "below", "undecided"),
        *("failed run", "not run", "not run"),
    ]
    assert table.p[:3].tolist() == [0, 0, 1] and table.p[3:].isna().all()


def family(rng, effect=0.0, spread=0.8, noise=0.006, seeds=3):
    """Differences of one method to seven others, at three lengths in two directions of a run.

    The noise is that of `results/`: 0.6 points in the median, one method in six has 1.3 or more.
    """
    deviations = noise * np.exp(spread * rng.normal(size=8))

    def scores(deviation):
        run, direction = rng.normal(size=(3, 1, seeds)), rng.normal(size=(3, 2, seeds))
        return deviation * (np.sqrt(0.6) * run + np.sqrt(0.4) * direction)

    first = effect + scores(deviations[0])
    return [row for d in deviations[1:] for row in (first - scores(d)).reshape(6, seeds)]


def of(table):
    """The verdict of outcomes."""
    counts = table.outcome.value_counts()
    return ruling(*(int(counts.get(name, 0)) for name in ("above", "undecided", "below")))


def test_without_a_difference_few_claims_are_said_not_to_hold():
    rng = np.random.default_rng(0)
    found = [of(decide(family(rng))) for _ in range(400)]
    assert found.count("does not hold") <= ALPHA * 400
    assert found.count("holds") == found.count("mostly holds") == 0
    alone = [of(decide(family(rng)[:1])) for _ in range(400)]
    assert 0.01 < alone.count("does not hold") / 400 < 0.05  # one side of 5 %


def test_five_points_are_found_with_three_seeds_and_the_noise_seen_here():
    rng = np.random.default_rng(0)
    found = [of(decide(family(rng, effect=0.05))) for _ in range(100)]
    assert found.count("holds") + found.count("mostly holds") >= 80
    against = [of(decide(family(rng, effect=-0.05))) for _ in range(100)]
    assert against.count("does not hold") >= 90


def test_the_order_of_comparisons_does_not_matter(rng):
    cells = family(rng, effect=0.02)
    order = rng.permutation(len(cells))
    shuffled, table = decide([cells[i] for i in order]), decide(cells)
    assert shuffled.adjusted.to_numpy() == pytest.approx(table.adjusted[order].to_numpy())
