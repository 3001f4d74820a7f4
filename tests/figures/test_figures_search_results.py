"""The gallery of a search among one's own items: every item in its place, with its words."""

import warnings

import numpy as np
import pytest

from mmhash_nb.figures import style
from mmhash_nb.figures.items import write
from mmhash_nb.figures.search_results import Item, found_items


def item(number: int) -> Item:
    return Item(np.full((4, 4, 3), number, np.uint8), f"text {number}", f"{number} bits")


def test_items_stand_in_rows_beside_the_query_in_their_order():
    figure = found_items(item(99), [item(n) for n in range(7)], columns=3)
    (axes,) = figure.axes
    places = {int(shown.get_array()[0, 0, 0]): shown.get_extent() for shown in axes.images}
    lefts, tops = (sorted({places[n][side] for n in range(7)}) for side in (0, 3))
    assert len(lefts) == len(tops) == 3 and lefts[0] > places[99][1]
    for n in range(7):
        assert (places[n][0], places[n][3]) == (lefts[n % 3], tops[n // 3])
    width, height = figure.get_size_inches()
    assert (
        max(p[1] for p in places.values()) < width and max(p[2] for p in places.values()) < height
    )
    words = {text.get_text(): text.get_position() for text in axes.texts}
    for n in (0, 6, 99):
        middle = (places[n][0] + places[n][1]) / 2
        assert words[f"text {n}"][0] == pytest.approx(middle)
        assert words[f"{n} bits"][1] > words[f"text {n}"][1] > places[n][2]


def test_words_take_the_place_of_a_picture_that_is_not_there():
    figure = found_items(Item(None, "black dog", "query"), [Item(None, "a dog", "0 bits")])
    (axes,) = figure.axes
    assert not axes.images and [t.get_text() for t in axes.texts][:2] == ["black dog", "query"]
    (frame,) = axes.patches
    left, top = frame.get_xy()
    x, y = axes.texts[0].get_position()
    assert left < x < left + frame.get_width() and top < y < top + frame.get_height()


LONG = ("W" * 300, "MW@ " * 80, "猫" * 300, "😀" * 60, "a long caption " * 20_000, "i" * 300)


@pytest.mark.parametrize("words", LONG, ids=lambda words: words[:3])
@pytest.mark.parametrize("weight", ["normal", "bold"])
def test_words_of_any_length_and_width_stay_in_their_box(words, weight):
    with style.themed():
        figure = style.Picture(4, 2)
        axes = style.axes_in_inches(figure, 0, 0, 4, 2)
        text = write(axes, words, (1, 0.5, 1.3, 0.5), weight=weight)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # fonts of this machine may lack letters
            inked = text.get_window_extent(figure.canvas.get_renderer())
        assert text.get_text().endswith("…") and inked.height / style.DPI <= 0.55
        assert inked.width / style.DPI <= 1.3 * 1.02
        widest = max(style.points_wide(line, weight) for line in text.get_text().splitlines())
        assert 6.5 * widest <= 1.3 * 72


def test_a_gallery_and_a_figure_have_a_most():
    with pytest.raises(ValueError, match=r"shows at most 200 items, but there are 201\.$"):
        found_items(item(0), [item(1)] * 201)
    with pytest.raises(ValueError, match=r"would be 400 x 1 inches, of at most 300 a side and"):
        style.Picture(400, 1)
    with pytest.raises(ValueError, match="show fewer items"):
        style.Picture(50, 50)
