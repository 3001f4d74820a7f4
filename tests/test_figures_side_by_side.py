"""Differences to the best as a forest, and quality against time."""

import numpy as np
import pandas as pd
import pytest
from figure_cases import check_layout
from matplotlib.colors import to_rgba

from mmhash_nb import figures
from mmhash_nb.figures.style import RIGHT, WRONG
from mmhash_nb.figures.trade_off import front


def compared(n, best="scm"):
    difference = -np.linspace(0.001, 0.2, n)
    return pd.DataFrame(
        {
            **{"method": [f"method_{i}" for i in range(n)], "best": best},
            **{"difference": difference, "low": difference - 0.03, "high": difference + 0.02},
            "differs": difference < -0.02,
        }
    )


def test_forest_shows_differences_intervals_and_what_cannot_be_told_apart() -> None:
    tables = {"image → text": compared(28), "text → image": compared(5, "mah")}
    figure = figures.forest(tables)
    for axes, (title, table) in zip(figure.axes, tables.items(), strict=True):
        assert axes.get_title() == title
        assert axes.get_xlabel() == f"points of mAP behind {table.best[0]}"
        shown = {}
        for container in axes.containers:
            line, _, (bars,) = container.lines
            for x, y, (start, end) in zip(
                line.get_xdata(), line.get_ydata(), bars.get_segments(), strict=True
            ):
                filled = to_rgba(line.get_mfc()) != to_rgba("white")
                shown[int(y)] = (x, start[0], end[0], filled, line.get_marker(), line.get_color())
        for row in table.itertuples():
            x, low, high, *look = shown[row.Index]
            expected = [100 * row.difference, 100 * row.low, 100 * row.high]
            assert [x, low, high] == pytest.approx(expected)
            assert look == ([True, "o", RIGHT] if row.differs else [False, "D", WRONG])
        labels = axes.get_yticklabels()
        assert [label.get_text() for label in labels] == list(table.method)
        bold = [label.get_weight() == "bold" for label in labels]
        assert bold == list(~table.differs)
    check_layout(figure)


def test_the_front_is_what_nothing_faster_beats() -> None:
    points = {"a": (1, 0.3), "b": (2, 0.2), "c": (2, 0.5), "d": (2, 0.4), "e": (9, 0.5)}
    assert front(points) == ["a", "c"]
    assert front({**points, "f": (10, 0.6)}) == ["a", "c", "f"]
    for seed in range(20):
        rng = np.random.default_rng(seed)
        made = {str(i): (rng.integers(1, 6), rng.integers(1, 6)) for i in range(8)}
        beaten = {
            a
            for a, (ta, qa) in made.items()
            for tb, qb in made.values()
            if tb <= ta and qb >= qa and (tb, qb) != (ta, qa)
        }
        assert {made[name] for name in front(made)} == {made[m] for m in made if m not in beaten}


def many(n=40):
    rng = np.random.default_rng(5)
    return {f"method_{i}": (10 ** rng.uniform(-1, 1.2), rng.uniform(0.2, 0.45)) for i in range(n)}


def test_trade_off_shows_each_method_by_family_and_names_the_front() -> None:
    points = {"one": many(), "other": many(12)}
    family = {name: ("shallow", "deep")[i % 2] for i, name in enumerate(many())}
    figure = figures.trade_off(points, family, {"method_3"}, {"one": 0.16, "other": 0.15})
    for axes, (title, of) in zip(figure.axes, points.items(), strict=True):
        assert (axes.get_title(), axes.get_xscale()) == (title, "log")
        lines = {line.get_label(): line for line in axes.lines}
        for kind in ("shallow", "deep"):
            expected = [of[name] for name in of if family[name] == kind]
            assert lines[kind].get_xydata().tolist() == [list(point) for point in expected]
        assert len({lines[kind].get_marker() for kind in ("shallow", "deep")}) == 2
        assert len({lines[kind].get_color() for kind in ("shallow", "deep")}) == 2
        (line,) = [some for some in axes.lines if some.get_gid() == "front"]
        assert line.get_xydata().tolist() == [list(of[name]) for name in front(of)]
        assert {text.get_text() for text in axes.texts} == {*front(of), "method_3"}
        for text in axes.texts:
            assert text.xy == of[text.get_text()]
        (dashed,) = [some for some in axes.lines if some.get_linestyle() == "--"]
        assert set(dashed.get_ydata()) == {{"one": 0.16, "other": 0.15}[title]}
    check_layout(figure)


def test_nothing_to_draw_and_times_that_have_no_logarithm_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one comparison"):
        figures.forest({})
    with pytest.raises(ValueError, match="at least one method in each panel"):
        figures.trade_off({"one": {}}, {}, (), {})
    with pytest.raises(ValueError, match="seconds of a must be positive, but are 0"):
        figures.trade_off({"one": {"a": (0, 0.5)}}, {"a": "deep"}, (), {"one": 0.1})
