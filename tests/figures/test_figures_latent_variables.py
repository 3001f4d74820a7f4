"""Pictures of settling codes and of latent Gaussians show the numbers they were given."""

from itertools import pairwise

import numpy as np
import pytest
from figure_cases import HISTORY, check_layout, some_latents
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_hex

from mmhash_nb import figures
from mmhash_nb.codes import HashCodes
from mmhash_nb.figures.style import RIGHT, WRONG


def test_code_updates_show_the_objective_its_parts_and_the_changed_bits() -> None:
    figure = figures.code_updates(HISTORY)
    left, right = figure.axes
    for column, line in enumerate(left.lines):
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata().tolist() == HISTORY[:, column].tolist()
    assert len({line.get_color() for line in left.lines}) == 3
    assert len({line.get_linestyle() for line in left.lines}) == 3
    labels = [line.get_label() for line in left.lines]
    assert labels[0] == "objective J"
    assert [x.split()[0] for x in labels[1:]] == ["classification:", "quantisation"]
    assert right.lines[0].get_ydata().tolist() == [50.0, 20.0, 0.0]
    check_layout(figure)
    check_layout(figures.code_updates(HISTORY[:1]))


def points_of(axes):
    """(bit, mean, colour, whether filled) of every marker."""
    found = []
    for c in axes.collections:
        if isinstance(c, PathCollection):
            colour = to_hex(c.get_edgecolor()[0]) if len(c.get_edgecolor()) else ""
            for x, y in c.get_offsets():
                filled = to_hex(c.get_facecolor()[0]) == colour
                found.append((int(x), float(y), colour, filled))
    return sorted(found)


def test_means_stand_with_a_sigma_coloured_by_bit_and_hollow_where_wrong() -> None:
    mean, std, codes = some_latents()
    figure = figures.latent_gaussians(mean, std, codes, ["warfare", "music"])
    for i, name in enumerate(("warfare", "music")):
        axes = figure.axes[i]
        assert axes.get_title(loc="left") == name
        points = points_of(axes)
        assert [x for x, *_ in points] == list(range(1, 17))
        assert [y for _, y, *_ in points] == pytest.approx(mean[i])
        colours = np.array([colour for *_, colour, _ in points])
        assert len(set(colours[codes[i] == 1])) == len(set(colours[codes[i] == -1])) == 1
        assert len(set(colours)) == 2 and not set(colours) & {RIGHT, WRONG}
        legend = figure.legends[0]
        looks = {
            text.get_text(): to_hex(handle.get_color())
            for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)
        }
        assert set(colours[codes[i] == 1]) == {looks["learned bit +1"]}
        assert set(colours[codes[i] == -1]) == {looks["learned bit −1"]}
        filled = np.array([f for *_, f in points])
        assert filled.tolist() == ((mean[i] >= 0) == (codes[i] == 1)).tolist()
        bars = [s for c in axes.collections if isinstance(c, LineCollection)
                for s in c.get_segments()]  # fmt: skip
        ends = {int(bar[0, 0]): bar[:, 1] for bar in bars}
        for bit in range(16):
            low, high = mean[i, bit] - std[i, bit], mean[i, bit] + std[i, bit]
            assert ends[bit + 1] == pytest.approx([low, high])
    assert filled.any() and not filled.all()
    assert figure.axes[0].get_ylim() == figure.axes[1].get_ylim()
    check_layout(figure)


def test_the_histogram_is_of_all_samples_by_the_sign_that_codes_would_have() -> None:
    mean, std, codes = some_latents()
    mean[0, 0], codes[0, 0] = 0.0, 1  # zero is bit 1
    figure = figures.latent_gaussians(mean, std, codes, ["warfare"])
    right = HashCodes.from_real(mean).signs() == codes
    stairs = figure.axes[-1].patches
    for name, which, one in zip(("right", "wrong"), (right, ~right), stairs, strict=True):
        assert one.get_label() == f"{name} sign ({which.sum():,})"
        shares, edges, _ = one.get_data()
        sure = (np.abs(mean) / std)[which]
        inside = [((sure >= a) & (sure < b)).mean() for a, b in pairwise(edges)]
        inside[-1] += (sure == edges[-1]).mean()
        assert shares == pytest.approx(inside)
        assert shares.sum() == pytest.approx(1)
    assert stairs[0].get_hatch() != stairs[1].get_hatch()


@pytest.mark.parametrize(("bits", "n"), [(16, 1), (32, 4), (128, 3)])
def test_any_length_and_number_of_samples_is_laid_out(bits, n) -> None:
    mean, std, codes = some_latents(bits=bits)
    names = [f"a label name of some length {i}" for i in range(n)]
    check_layout(figures.latent_gaussians(mean, std, codes, names))


def test_a_network_that_is_always_right_and_one_that_says_nothing() -> None:
    _, std, codes = some_latents()
    always = figures.latent_gaussians(0.9 * codes, std, codes, ["a"])
    assert always.axes[-1].patches[1].get_label() == "wrong sign (0)"
    check_layout(always)
    check_layout(figures.latent_gaussians(0.0 * codes, std, codes, ["a"]))
