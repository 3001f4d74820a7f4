"""Curves and bars show the numbers they were given."""

import numpy as np
import pandas as pd
import pytest
from figure_cases import BITS, check_layout, one_task_each, some_codes, some_pairs
from matplotlib.collections import LineCollection
from scipy import stats

from mmhash_nb import figures
from mmhash_nb.figures.curves import t_interval
from mmhash_nb.figures.precision_curves import RECALL_LEVELS
from mmhash_nb.metrics import precision_recall_ranked
from mmhash_nb.ranking import rank_profile


def test_distance_histogram_counts_relevant_and_other_items() -> None:
    pairs = some_pairs()
    codes = {"mmnn_l1": some_codes(1), "ksh": some_codes(2)}
    figure = figures.distance_histogram(pairs, codes, "image-text")
    assert [axes.get_title() for axes in figure.axes] == ["MM-NN L1", "KSH"]
    for axes, of in zip(figure.axes, codes.values(), strict=True):
        distances, relevant = ranked_by_hand(pairs, of, "image-text")
        for which, name in ((relevant, "relevant"), (~relevant, "other")):
            counts = np.bincount(distances[which], minlength=BITS + 1)
            (stairs,) = [p for p in axes.patches if str(p.get_label()).startswith(name)]
            assert stairs.get_label() == f"{name} ({counts.sum():,})"
            assert np.allclose(stairs.get_data().values, counts / counts.sum())
    check_layout(figure)


@pytest.mark.parametrize("tasks", [("text-image", "image-text"), ("image-text", "text-image")])
def test_precision_recall_draws_the_metric_one_line_a_method_and_a_panel_a_task(tasks) -> None:
    pairs = some_pairs()
    codes = {"mmnn_l1": some_codes(1), "ksh": some_codes(2)}
    figure = figures.precision_recall(pairs, codes, tasks)
    left, right = figure.axes if tasks[0] == "text-image" else figure.axes[::-1]
    assert [left.get_title(), right.get_title()] == ["text → image", "image → text"]
    none = pairs.without_relevant
    over = f"precision, mean over {len(pairs.query)} queries,\n{none} with nothing to find"
    most = f": at most {1 - none / len(pairs.query):.3f}"
    assert figure.axes[0].get_ylabel() == over + most * bool(none)
    for one, other in zip(left.lines, right.lines, strict=True):
        assert one.get_color() == other.get_color() and one.get_marker() == other.get_marker()
    assert left.lines[0].get_color() != left.lines[1].get_color()
    assert left.lines[0].get_marker() != left.lines[1].get_marker()
    drawn = [y for axes in figure.axes for line in axes.lines for y in line.get_ydata()]
    for axes in figure.axes:
        assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > max(drawn)
    of, line = codes["ksh"], right.lines[1]
    profile = rank_profile(
        of["image"][pairs.query],
        of["text"][pairs.database],
        pairs.labels[pairs.query],
        pairs.labels[pairs.database],
    )
    assert line.get_label() == "KSH"
    assert np.array_equal(line.get_ydata(), precision_recall_ranked(profile, RECALL_LEVELS))
    assert np.array_equal(line.get_xdata(), RECALL_LEVELS)
    check_layout(figure)


def ranked_by_hand(pairs, of, task):
    """Distances and relevance of the database for each query, `[Q, N]` each."""
    query, database = task.split("-")
    one, other = of[query].signs()[pairs.query], of[database].signs()[pairs.database]
    shared = pairs.labels[pairs.query].astype(int) @ pairs.labels[pairs.database].astype(int).T
    return (one[:, None, :] != other[None, :, :]).sum(axis=2), shared > 0


def test_lookup_precision_and_recall_are_counted_within_each_radius() -> None:
    pairs, codes = some_pairs(), one_task_each()
    figure = figures.lookup_precision_recall(pairs, codes)
    (axes,) = figure.axes
    for line, (of, task) in zip(axes.lines, codes.values(), strict=True):
        distances, relevant = ranked_by_hand(pairs, of, task)
        for radius in range(BITS + 1):
            found = distances <= radius
            hits = (found & relevant).sum(axis=1)
            precision = np.where(found.any(axis=1), hits / np.maximum(found.sum(axis=1), 1), 0)
            recall = hits / relevant.sum(axis=1)
            point = line.get_xdata()[radius], line.get_ydata()[radius]
            assert point == pytest.approx((recall.mean(), precision.mean()))
    check_layout(figure)


def test_precision_at_the_top_counts_the_first_items() -> None:
    pairs, codes = some_pairs(), one_task_each()
    (axes,) = figures.precision_at_top(pairs, codes, [3, 34, 10]).axes
    for line, (of, task) in zip(axes.lines, codes.values(), strict=True):
        distances, relevant = ranked_by_hand(pairs, of, task)
        expected = []
        for n in (3, 34, 10):
            share = []
            for d, right in zip(distances, relevant, strict=True):
                last = np.sort(d)[n - 1]  # the distance at which the cut falls into a tie
                tied = right[d == last]
                room = n - (d < last).sum()
                share.append((right[d < last].sum() + room * tied.mean()) / n)
            expected.append(np.mean(share))
        assert line.get_xdata().tolist() == [3, 34, 10]
        assert line.get_ydata() == pytest.approx(expected)


@pytest.mark.parametrize("numbers", [None, [5], range(1, 30)])
def test_methods_of_different_tasks_stand_in_one_figure_and_stay_apart(numbers) -> None:
    pairs = some_pairs()
    names = [f"method_{i}" for i in range(12)]
    tasks = [*["image-image"] * 4, "text-text", "image-text", *["joint-joint"] * 6]
    codes = {name: (some_codes(1), task) for name, task in zip(names, tasks, strict=True)}
    if numbers is None:
        figure = figures.lookup_precision_recall(pairs, codes)
    else:
        figure = figures.precision_at_top(pairs, codes, numbers)
    (axes,) = figure.axes
    assert all(line.get_markevery() is None for line in axes.lines) == (numbers == [5])
    looks = {(line.get_color(), line.get_marker()) for line in axes.lines}
    assert len(looks) == 9, "eight in colour, the rest grey"
    by_task = {task: set() for task in tasks}
    for line, task in zip(axes.lines, tasks, strict=True):
        by_task[task].add(line.get_linestyle())
    styles = [style for some in by_task.values() for style in some]
    assert len(styles) == len(set(styles)) == 4 and by_task["joint-joint"] == {"-"}
    labels = {text.get_text() for text in axes.get_legend().get_texts()}
    words = ["image"] * 4 + ["text", "image → text"] + ["image + text"] * 6
    ways = dict(zip(names, words, strict=True))
    assert len(labels) == 9 and "method_0, image" in labels
    assert labels - {"others"} <= {f"{name}, {way}" for name, way in ways.items()}
    check_layout(figure)


def test_training_curves_show_each_epoch() -> None:
    figure = figures.training_curves({"a": [3.0, 2.0, 1.0], "b": [1.0] * 40, "c": [2.0], "d": [1]})
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    check_layout(figure)


def test_map_by_bits_shows_means_intervals_and_seeds() -> None:
    scores = {"a": {8: [0.2, 0.3, 0.4], 32: [0.5, 0.5, 0.8]}, "b": {8: [0.1], 32: [0.2]}}
    figure = figures.map_by_bits(scores, title="made-up")
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["8", "32"]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert np.allclose(curves[0].get_ydata(), [0.3, 0.6])
    intervals = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = [
        segment[:, 1].tolist() for c in intervals for segment in c.get_segments() if len(segment)
    ]
    assert any(np.allclose(end, t_interval([0.2, 0.3, 0.4])) for end in ends)
    points = np.concatenate([c.get_offsets()[:, 1] for c in axes.collections if c not in intervals])
    assert sorted(points) == [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.5, 0.8]
    check_layout(figure)


def test_failed_runs_are_crosses_and_in_no_mean() -> None:
    failed = pd.DataFrame([("a", 32, 0.1)], columns=["method", "bits", "value"])
    figure = figures.map_by_bits({"a": {8: [0.2, 0.4], 32: [0.5, 0.1, 0.6]}}, failed=failed)
    (axes,) = figure.axes
    mean, *others = axes.lines
    assert mean.get_ydata() == pytest.approx([0.3, 0.55])
    (cross,) = [line for line in others if line.get_marker() == "x" and len(line.get_xdata())]
    assert cross.get_ydata() == [0.1]
    legend = [text.get_text() for text in axes.get_legend().get_texts()]
    assert "failed run, not in the mean" in legend
    check_layout(figure)


def test_seeds_are_smaller_and_lighter_than_the_mean_and_beside_it() -> None:
    figure = figures.map_by_bits({"a": {8: [0.2, 0.3, 0.4], 32: [0.5, 0.5, 0.8]}})
    (axes,) = figure.axes
    (dots,) = [c for c in axes.collections if not isinstance(c, LineCollection)]
    mean = axes.lines[0]
    assert mean.get_ydata() == pytest.approx([0.3, 0.6])
    assert dots.get_sizes().max() < mean.get_markersize() ** 2 / 4
    assert dots.get_alpha() <= 0.5 and (mean.get_alpha() or 1) == 1
    assert dots.get_zorder() < mean.get_zorder()
    shift = dots.get_offsets()[:, 0] - np.repeat(mean.get_xdata(), 3)
    radius = mean.get_markersize() / 2 * figure.dpi / 72
    half = np.diff(axes.transData.inverted().transform([(0, 0), (radius, 0)])[:, 0])
    assert (shift > half).all(), "outside the mean's marker"


def test_t_interval_is_scipys() -> None:
    scores = [0.31, 0.35, 0.28, 0.33]
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert t_interval(scores) == pytest.approx((low, high), abs=1e-12)
    assert t_interval([0.4]) == (0.4, 0.4)


def test_tie_bars_show_three_bars_a_method() -> None:
    scores = {"a": (0.1, 0.2, 0.3), "b": (0.5, 0.5, 0.5)}
    figure = figures.tie_bars(scores)
    (axes,) = figure.axes
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert np.allclose(np.transpose(widths), list(scores.values()))
    check_layout(figure)


def test_at_one_length_methods_are_rows_the_best_first() -> None:
    failed = pd.DataFrame([("scm", 32, 0.1)], columns=["method", "bits", "value"])
    scores = {"scm": {32: [0.2, 0.4, 0.1]}, "mah": {32: [0.5]}, "mine": {32: [0.4]}}
    figure = figures.map_by_bits(scores, failed=failed)
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_yticklabels()] == ["MAH", "mine", "SCM"]
    means = {
        int(line.get_ydata()[0]): line.get_xdata()[0]
        for line in axes.lines
        if line.get_marker() in ("o", "s", "^", "D", "v", "P", "X", "*")
    }
    assert means == {0: 0.5, 1: 0.4, 2: pytest.approx(0.3)}
    (cross,) = [x for x in axes.lines if x.get_marker() == "x" and len(x.get_xdata())]
    assert (cross.get_xdata().tolist(), cross.get_ydata().tolist()) == ([0.1], [2])
    check_layout(figure)
