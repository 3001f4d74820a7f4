"""Pictures of masks, of the game and of the mechanisms show what they were given."""

import numpy as np
import pytest
from figure_cases import check_layout, some_game, some_masks, texts_of
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

from mmhash_nb import figures
from mmhash_nb.datasets import scenes
from mmhash_nb.figures.adversarial import running_mean
from mmhash_nb.figures.curves import t_interval
from mmhash_nb.figures.mechanisms import MECHANISMS
from mmhash_nb.figures.style import RIGHT, WRONG

N = 3


def outlines(axes) -> list:
    return [found for found in axes.collections if found.get_gid() == "outline"]


def test_rows_are_pictures_masks_and_both_parts_of_each_picture() -> None:
    given = some_masks()
    figure = figures.attended_regions(**given)
    (axes,) = figure.axes
    drawn = iter([np.asarray(image.get_array()) for image in axes.images])
    pixels = given["images"].transpose(0, 2, 3, 1)
    for picture in pixels:
        assert np.array_equal(next(drawn), picture)
    for mask in given["masks"]:
        shown = next(drawn)
        assert shown.shape == (2, 4, 3) and np.array_equal(
            shown == 255, mask[..., None] & [1, 1, 1]
        )
        assert np.array_equal(shown == 0, ~mask[..., None] & np.ones(3, dtype=bool))
    for attended in (True, False):
        for picture, mask in zip(pixels, given["masks"], strict=True):
            part = next(drawn)
            for y in range(8):
                for x in range(12):
                    inside = mask[y // 4, x // 3] == attended
                    wanted = picture[y, x] if inside else (0.15 * picture[y, x]).astype(int)
                    assert np.array_equal(part[y, x], wanted)
    assert next(drawn, None) is None
    assert {"picture", "mask", "attended", "unattended", *given["titles"]} < set(texts_of(axes))
    check_layout(figure)


def test_rows_and_columns_stand_in_order_and_keep_the_pictures_shape() -> None:
    given = some_masks()
    (axes,) = figures.attended_regions(**given).axes
    places = np.array([image.get_extent() for image in axes.images]).reshape(4, N, 4)
    assert (np.diff(places[:, :, 0], axis=1) > 1).all(), "columns from left to right"
    assert (np.diff(places[:, :, 3], axis=0) > 8 / 12).all(), "rows downwards"
    wide, tall = places[..., 1] - places[..., 0], places[..., 2] - places[..., 3]
    assert np.allclose(tall / wide, 8 / 12)


def test_outlines_are_the_borders_of_the_objects() -> None:
    given = some_masks()
    given["objects"][1] = False
    given["objects"][2] = True  # its border is the picture's
    (axes,) = figures.attended_regions(**given).axes
    found = outlines(axes)
    assert len(found) == 4, "of two pictures, on picture and mask"
    boxes = [axes.images[i].get_extent() for i in (0, 2, 3, 5)]
    for outline, (left, right, bottom, top), whole in zip(found, boxes, (0, 1, 0, 1), strict=True):
        points = np.concatenate([path.vertices for path in outline.get_paths()])
        low, high = points.min(axis=0), points.max(axis=0)
        wide, tall = right - left, bottom - top
        sides = (0, 12, 0, 8) if whole else (2, 9, 1, 5)  # pixels, of the edges of the region
        wanted = [left + sides[0] / 12 * wide, left + sides[1] / 12 * wide]
        wanted += [top + sides[2] / 8 * tall, top + sides[3] / 8 * tall]
        pixel = 0.26 * wide / 12 if whole else 1e-9
        assert [low[0], high[0], low[1], high[1]] == pytest.approx(wanted, abs=pixel)


def test_without_objects_and_titles_there_are_no_outlines_and_no_note() -> None:
    given = some_masks()
    figure = figures.attended_regions(given["images"], given["masks"])
    assert not outlines(figure.axes[0])
    assert set(texts_of(figure.axes[0])) == {"picture", "mask", "attended", "unattended"}
    check_layout(figure)


@pytest.mark.parametrize("side", [64, 224])
def test_eight_scenes_or_photos_keep_their_titles_apart(side: int) -> None:
    pairs = scenes.load(n=20).take(np.arange(8))
    names = [", ".join(np.array(pairs.label_names)[row]) for row in pairs.labels]
    grown = np.arange(side) * 64 // side
    images, objects = (a[..., grown, :][..., grown] for a in (pairs.images, pairs.masks))
    masks = np.random.default_rng(0).random((8, side // 16, side // 16)) < 0.4
    figure = figures.attended_regions(images, masks, objects, names)
    width, height = figure.get_size_inches()
    assert width < 10 and height < 6
    check_layout(figure)


LABELS = (
    "attended, E and D minimise",
    "unattended, E and D minimise",
    "unattended, G maximises",
)


def test_the_running_mean_is_that_of_a_loop() -> None:
    for n in (1, 39, 40, 100, 203):
        values = np.random.default_rng(n).random(n)
        reach = n // 40
        by_hand = [values[max(0, i - reach) : i + reach + 1].mean() for i in range(n)]
        assert running_mean(values) == pytest.approx(by_hand)


def test_the_game_shows_every_step_of_every_seed_and_their_smoothed_mean() -> None:
    games = [some_game(seed=seed) for seed in range(3)]
    figure = figures.adversarial_curves(games)
    (axes,) = figure.axes
    points = [c for c in axes.collections if isinstance(c, PathCollection)]
    bands = [c for c in axes.collections if c not in points and not isinstance(c, LineCollection)]
    assert [line.get_label() for line in axes.lines] == list(LABELS)
    assert [line.get_linestyle() for line in axes.lines] == ["-", "-", "--"]
    assert [to_hex(line.get_color()) for line in axes.lines] == [RIGHT, WRONG, WRONG]
    assert len(points) == 9 and len(bands) == 3
    for c, (line, band) in enumerate(zip(axes.lines, bands, strict=True)):
        steps = np.array([s for s in range(60) if c < 2 or s % 4 == 3])
        smooth = np.array([running_mean(game[steps, c]) for game in games])
        assert line.get_xdata().tolist() == (1 + steps).tolist()
        assert line.get_ydata() == pytest.approx(smooth.mean(axis=0))
        corners = band.get_paths()[0].vertices
        for at, scores in zip(1 + steps, smooth.T, strict=True):
            here = corners[corners[:, 0] == at, 1]
            assert (here.min(), here.max()) == pytest.approx(t_interval(scores))
        for game, dots in zip(games, points[3 * c : 3 * c + 3], strict=True):
            assert np.array_equal(dots.get_offsets(), np.column_stack([1 + steps, game[steps, c]]))
    check_layout(figure)


def test_the_steps_of_g_are_ticks_where_they_can_be_told_apart() -> None:
    for steps, ticked in ((480, True), (484, False)):
        figure = figures.adversarial_curves([some_game(steps)])
        (axes,) = figure.axes
        ticks = [c for c in axes.collections if isinstance(c, LineCollection)]
        assert len(ticks) == ticked
        assert axes.get_xlabel() == f"training step ({steps // 4} of {steps} with one of G)"
        for marks in ticks:
            at = [segment[0, 0] for segment in marks.get_segments()]
            assert at == list(range(4, steps + 1, 4))
        check_layout(figure)


def test_a_long_game_of_one_seed_has_a_thin_line_and_no_band() -> None:
    game = some_game(5000)
    (axes,) = figures.adversarial_curves([game]).axes
    assert all(isinstance(c, PathCollection) for c in axes.collections)
    line = axes.lines[0]
    at = line.get_xdata()
    assert len(at) == 200 and (at[0], at[-1]) == (1, 5000)
    assert line.get_ydata() == pytest.approx(running_mean(game[:, 0])[at - 1])


def test_a_game_without_steps_of_g_leaves_them_out() -> None:
    game = some_game()
    game[:, 2] = np.nan
    figure = figures.adversarial_curves([game, game.astype(np.float32)])
    assert [line.get_label() for line in figure.axes[0].lines] == list(LABELS[:2])
    assert figure.axes[0].get_xlabel() == "training step"
    check_layout(figure)


def test_each_mechanism_divides_its_modalities() -> None:
    figure = figures.attention_mechanisms()
    (axes,) = figure.axes
    written = texts_of(axes)
    names = {t.get_text(): t.get_position()[0] for t in axes.texts if t.get_text() in MECHANISMS}
    assert list(names) == ["no attention", "visual", "textual", "both"]
    assert written.count("$E^I$") == written.count("$D^I$") == written.count("$D^T$") == 4
    expected = {"no attention": set(), "visual": {"I"}, "textual": {"T"}, "both": {"I", "T"}}
    for name, middle in names.items():
        near = [t.get_text() for t in axes.texts if abs(t.get_position()[0] - middle) < 1.1]
        divided = {letter for letter in "IT" if f"$G^{letter}$" in near}
        assert divided == expected[name]
        for letter in "IT":
            assert (rf"$\hat{{H}}^{letter}$" in near) == (letter in divided)
            assert (f"codes $H^{letter}$" in near) != (letter in divided)
    kinds = [patch.get_gid() for patch in axes.patches if patch.get_gid()]
    # Into D and out of it; without attention one arrow less above G, for E leads to D.
    assert kinds.count("attended") == kinds.count("unattended") == 2 * 4
    assert kinds.count("all") == 4 * 3 + 4 * 2
    check_layout(figure)


def test_mah_is_the_plain_network_with_an_operation_after_each_of_two_layers() -> None:
    figure = figures.modal_aware_network()
    (axes,) = figure.axes
    heads = ["Concat", "MAH", "one operation"]
    at = {t.get_text(): t.get_position()[0] for t in axes.texts if t.get_text() in heads}
    assert list(at) == heads
    boxes = {
        head: [
            t.get_text()
            for t in sorted(axes.texts, key=lambda t: t.get_position()[1])
            if abs(t.get_position()[0] - middle) < 1.1 and t.get_text() != head
        ]
        for head, middle in at.items()
    }
    without = [words for words in boxes["MAH"] if not words.startswith("operation")]
    assert without == boxes["Concat"]
    assert [boxes["MAH"].index(f"operation {n}") for n in (1, 2)] == [4, 7]
    assert boxes["one operation"][2] == "kernel: similarity"
    assert boxes["one operation"][5] == "attention: weights"
    check_layout(figure)
