"""Differences to the best as a forest, and quality against time."""

import numpy as np
import pandas as pd
import pytest
from figure_cases import check_layout
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.text import Text
from pair_cases import pictures

from mmhash_nb import figures
from mmhash_nb.figures.style import INK, RIGHT, WRONG, over_queries
from mmhash_nb.figures.trade_off import front
from mmhash_nb.hashers.names_in_print import in_print


def compared(n, best="scm"):
    difference = -np.linspace(0.001, 0.2, n)
    return pd.DataFrame(
        {
            **{"method": [f"method_{i}" for i in range(n)], "best": best},
            **{
                "queries": 2_000,
                "without_relevant": 130,
                "difference": difference,
                "low": difference - 0.03,
                "high": difference + 0.02,
            },
            "outcome": np.select(
                [difference > -0.01, difference < -0.02],
                ["within a point", "surely behind"],
                "unresolved",
            ),
        }
    )


def test_forest_shows_differences_intervals_and_what_cannot_be_told_apart() -> None:
    tables = {"image → text": compared(28), "text → image": compared(5, "mah")}
    figure = figures.forest(tables)
    for axes, (title, table) in zip(figure.axes, tables.items(), strict=True):
        assert axes.get_title() == title
        best = in_print(table.best[0])
        assert axes.get_xlabel() == (
            f"points of mAP behind {best}\nmean over 2,000 queries,\n"
            "130 with nothing to find: mAP at most 0.935"
        )
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
            looks = {
                "surely behind": [True, "o", RIGHT],
                "within a point": [False, "o", INK],
                "unresolved": [False, "D", WRONG],
            }
            assert look == looks[row.outcome]
        labels = axes.get_yticklabels()
        assert [label.get_text() for label in labels] == list(table.method)
        bold = [label.get_weight() == "bold" for label in labels]
        assert bold == list(table.outcome != "surely behind")
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
    pairs = pictures()
    figure = figures.trade_off(pairs, points, family, {"method_3"}, {"one": 0.16, "other": 0.15})
    over = over_queries(len(pairs.query), pairs.without_relevant).replace("\n", " ")
    assert figure.axes[0].get_ylabel() == f"mAP (dashed: chance), {over}"
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


CLOSE = {
    "joint → joint": {
        **{"mah": (9.15, 0.453), "mah_no_an": (8.08, 0.457), "mah_no_kn": (7.9, 0.441)},
        **{"gmu": (1.73, 0.423), "concat": (0.85, 0.418), "mcb": (2.0, 0.358)},
    },
    "image → image": {
        **{"cmdvh2": (4.7, 0.493), "cmdvh": (5.3, 0.488), "ksh": (20.7, 0.497)},
        **{"sephkm": (2.15, 0.456), "scm": (0.232, 0.454), "cmdvh1": (8.8, 0.49)},
    },
    "many": many(),
}


@pytest.fixture(params=[["joint → joint"], ["joint → joint", "image → image"], ["many"]])
def close(request):
    """Axes of names close to each other."""
    points = {title: CLOSE[title] for title in request.param}
    every = [name for of in points.values() for name in of]
    named = [*CLOSE["joint → joint"], "cmdvh", "method_3", "method_9"]
    figure = figures.trade_off(
        pictures(), points, dict.fromkeys(every, "deep"), named, dict.fromkeys(points, 0.16)
    )
    check_layout(figure)
    return figure.axes


def test_a_name_is_nearest_to_its_own_of_the_named_points(close) -> None:
    for axes in close:
        assert len(axes.texts) > 2
        at = {text.get_text(): axes.transData.transform(text.xy) for text in axes.texts}
        for text in axes.texts:
            box = Text.get_window_extent(text)
            away = {
                name: np.hypot(*(point - np.clip(point, box.min, box.max)))
                for name, point in at.items()
            }
            assert away[text.get_text()] == min(away.values()), text.get_text()


def test_a_line_from_each_name_to_the_ring_of_its_point_is_seen(close) -> None:
    figure = close[0].figure
    ring, seen = 4 * figure.dpi / 72, rendered(figure)
    for axes in close:
        for text in axes.texts:
            text.arrow_patch.set_visible(False)
            rows, columns = np.nonzero((seen != rendered(figure)).any(axis=2))
            text.arrow_patch.set_visible(True)
            x, y = axes.transData.transform(text.xy)
            away = np.hypot(columns + 0.5 - x, seen.shape[0] - rows - 0.5 - y)
            box = Text.get_window_extent(text)
            gap = np.hypot(*(np.clip((x, y), box.min, box.max) - (x, y))) - ring
            assert gap > 2 and len(away) > 0, text.get_text()
            # From the ring, and not from within it, to where the letters' outline begins.
            assert ring - 2 < away.min() < ring + 2, text.get_text()
            assert away.max() > ring + gap - 3, text.get_text()


def rendered(figure) -> np.ndarray:
    """A figure's pixels, `uint8 [height, width, 4]`."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return np.array(canvas.buffer_rgba())
