"""Curves of NDCG and ACG show what loops over ranked items give."""

from itertools import permutations

import numpy as np
import pytest
from figure_cases import BITS, QUERIES, N, check_layout, some_codes, some_pairs

from mmhash_nb import figures
from mmhash_nb.figures.precision_curves import profile_of
from mmhash_nb.ranking import RankProfile

TASKS = ("image-text", "text-image")


def some_profiles(names=("cmdvh", "cvh")):
    pairs = some_pairs()
    return {
        name: {task: profile_of(pairs, some_codes(seed), task) for task in TASKS}
        for seed, name in enumerate(names)
    }


def by_loops(counts: np.ndarray, p: int) -> tuple[float, float]:
    """NDCG@p and ACG@p of one query, `[K+1, G+1]`: means over all orders of each tie."""
    every = [g for of in counts for g, n in enumerate(of) for _ in range(n)]
    best = sorted(every, reverse=True)[:p]
    most = sum((2**g - 1) / np.log2(1 + i) for i, g in enumerate(best, start=1))
    rank, gained, shared = 0, 0.0, 0.0
    for of in counts:
        tie = [g for g, n in enumerate(of) for _ in range(n)]
        orders = list(permutations(tie)) if len(tie) < 6 else None
        assert orders is not None, "too many ties for a loop"
        for order in orders:
            for i, g in enumerate(order, start=rank + 1):
                if i <= p:
                    gained += (2**g - 1) / np.log2(1 + i) / len(orders)
                    shared += g / len(orders)
        rank += len(tie)
    return gained / most if most else 0.0, shared / p


def test_curves_are_those_of_loops_over_all_orders_of_ties() -> None:
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 2, (3, 6, 3)) * (rng.random((3, 6, 3)) < 0.8)
    counts[:, -1, 0] += 12 - counts.sum(axis=(1, 2))  # 12 items for each query
    counts[:, -2, 0], counts[:, -1, 0] = counts[:, -1, 0] // 2, -(-counts[:, -1, 0] // 2)
    profile = RankProfile(counts.astype(np.int64))
    size = int(profile.items.sum(axis=1).min())
    figure = figures.ranking_curves({"made-up": {"image-text": profile}}, [1, 3, size])
    ndcg, acg = (axes.lines[0].get_ydata() for axes in figure.axes)
    expected = [np.mean([by_loops(of, p) for of in counts], axis=0) for p in (1, 3, size)]
    assert np.transpose(expected) == pytest.approx(np.array([ndcg, acg]))


def test_a_row_for_each_metric_a_column_for_each_task_a_look_for_each_method() -> None:
    profiles = some_profiles([f"method_{i}" for i in range(15)])
    figure = figures.ranking_curves(profiles)
    assert [axes.get_title() for axes in figure.axes] == [*("image → text", "text → image", "", "")]
    assert [axes.get_ylabel() for axes in figure.axes[::2]] == ["NDCG@p", "ACG@p (shared labels)"]
    for axes in figure.axes:
        assert len(axes.lines) == 15
        coloured = [line for line in axes.lines if line.get_marker() != ""]
        assert len({(line.get_color(), line.get_marker()) for line in coloured}) == 8
        # By default up to the size of the database, here smaller than 500 items.
        assert axes.lines[0].get_xdata()[[0, -1]].tolist() == [1, N - QUERIES]
        assert len(axes.lines[0].get_xdata()) == 25
    assert figure.axes[0].lines[0].get_ydata()[0] != figure.axes[1].lines[0].get_ydata()[0]
    ends = {line.get_label(): line.get_ydata()[-1] for line in figure.axes[0].lines}
    named = [text.get_text() for text in figure.legends[0].get_texts()]
    listed = [ends[name] for name in named]
    assert len(named) == 9 and "others" in named and listed == sorted(listed, reverse=True)
    check_layout(figure)


def test_over_how_many_queries_means_are_stands_below() -> None:
    counts = np.ones((20, 9, 2), dtype=np.int64)
    for none, words in ((0, "0 with nothing to find"), (13, "13 with nothing to find: NDCG at")):
        counts[:none, :, 1] = 0
        figure = figures.ranking_curves({"a": {"image-text": RankProfile(counts)}})
        below = figure.get_supxlabel()
        assert below.startswith(f"mean over 20 queries,\n{words}")
        assert below.endswith("0.350") == bool(none)
        check_layout(figure)


def test_by_default_no_more_than_the_first_500_items() -> None:
    counts = np.zeros((1, BITS + 1, 2), dtype=np.int64)
    counts[0, :, 0], counts[0, :, 1] = 100, 3
    figure = figures.ranking_curves({"a": {"text-image": RankProfile(counts)}})
    assert figure.axes[0].lines[0].get_xdata()[-1] == 500
    assert len(figure.axes) == 2
