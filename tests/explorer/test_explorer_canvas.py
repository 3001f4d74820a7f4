"""Text fits its box, dashes cover their share, and what is drawn is where it should be."""

import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mmhash_nb.explorer.canvas import Canvas, _font, dashed, wrapped
from mmhash_nb.explorer.plots import Plot, plot_distances

FONT = _font(7, False)


@given(st.text(max_size=60), st.integers(8, 300), st.integers(1, 4))
def test_text_fits_in_its_width_and_lines(words, width, most) -> None:
    lines = wrapped(words, FONT, width, most)
    assert 1 <= len(lines) <= most
    assert all(FONT.getlength(line) <= width or len(line) <= 1 for line in lines)
    if "…" not in "".join(lines):
        assert " ".join(lines).split() == words.split()


def test_what_does_not_fit_ends_in_an_ellipsis() -> None:
    wide = FONT.getlength("one two")
    assert wrapped("one two three", FONT, wide, 2) == ["one two", "three"]
    (cut,) = wrapped("one two three four", FONT, wide, 1)
    assert cut.endswith("…") and "one two".startswith(cut[:-1]) and len(cut) > 4
    assert wrapped("one, two", FONT, FONT.getlength("one,…"), 1) == ["one…"]
    (cut,) = wrapped("incomprehensibilities", FONT, 40, 1)
    assert cut.endswith("…") and "incomprehensibilities".startswith(cut[:-1]) and len(cut) > 3


@pytest.mark.parametrize("align", ["left", "center", "right"])
def test_words_are_inside_the_box_that_is_noted(align) -> None:
    canvas = Canvas(3, 1)
    canvas.write("a few words over several lines", (0.5, 0.1, 1.2, 0.8), size=8, align=align)
    (text,) = canvas.texts
    assert len(text.lines) > 1 and " ".join(text.lines) == text.words
    dark = np.argwhere(np.asarray(canvas.image.convert("L")) < 250)
    left, top, width, height = (100 * side for side in text.box)
    (y0, x0), (y1, x1) = dark.min(axis=0), dark.max(axis=0)
    assert left - 2 <= x0 and x1 <= left + width + 2 and top - 2 <= y0 and y1 <= top + height + 2
    start = {"left": 50, "center": 110 - width / 2, "right": 170 - width}[align]
    assert left == pytest.approx(start)


@given(st.floats(0.5, 9), st.floats(0.5, 9), st.lists(st.integers(-50, 50), min_size=2, max_size=6))
def test_a_pen_is_down_for_its_share_of_a_line(on, off, x) -> None:
    points = [(float(value), 3.0 * i) for i, value in enumerate(x)]
    length = sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in pairwise(points))
    down = sum(np.hypot(b[0] - a[0], b[1] - a[1]) for a, b in dashed(points, on, off))
    whole, rest = divmod(length, on + off)
    assert down == pytest.approx(whole * on + min(rest, on), abs=1e-3)


def test_lines_and_rings_are_at_their_values() -> None:
    canvas = Canvas(3, 2)
    plot = Plot(canvas, (0.5, 0.5, 2, 1), (0.0, 4.0), (0.0, 1.0), ("x", "y"), whole=True)
    plot.line([1, 1], [0, 1], "#ff0000", "upright", legend="red")
    plot.ring(3, 0.5, "#0000ff", "ring", "blue")
    plot.finish()
    pixels = np.asarray(canvas.image).astype(int)
    inside = pixels[50:150, 50:250]
    red = (inside[..., 0] - inside[..., 1] > 150).mean(axis=0)
    assert np.flatnonzero(red > 0.9).tolist() in ([49, 50], [50], [49], [50, 51])
    blue = np.argwhere(inside[..., 2] - inside[..., 0] > 100)
    assert blue.mean(axis=0) == pytest.approx([50, 150], abs=1.5)
    assert {"red", "blue", "x", "y", "0", "1", "2", "3", "4"} <= {t.words for t in canvas.texts}


def test_distances_of_no_relevant_item_are_drawn() -> None:
    canvas = Canvas(4, 3)
    nothing, some = np.zeros(9, int), np.arange(9)
    plot_distances(canvas, (0.6, 0.6, 2, 1), nothing, some, 0)
    assert "relevant (0)" in {text.words for text in canvas.texts}


def test_a_book_is_cut_in_no_time():
    start = time.perf_counter()
    (line,) = wrapped("W" * 200_000, FONT, 90, 1)
    assert FONT.getlength(line) <= 90 and line.endswith("…")
    assert time.perf_counter() - start < 20, "minutes without a limit"
