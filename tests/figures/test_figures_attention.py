"""Pictures of attention: the right channels, samples and words, maps over the right pictures."""

import numpy as np
import pytest
import torch
from figure_cases import WORDS, C, N, check_layout, some_attention, some_pairs, texts_of
from matplotlib.colors import to_hex
from scipy import sparse

from mmhash_nb import figures
from mmhash_nb.datasets import scenes
from mmhash_nb.figures.channel_attention import heat, strongest
from mmhash_nb.figures.style import TRUE_TAG
from mmhash_nb.figures.word_attention import label_words, present_words


@pytest.fixture
def pairs():
    return some_pairs()


def covers(axes) -> list[np.ndarray]:
    """The heat maps as drawn, RGBA, in reading order."""
    return [np.asarray(i.get_array()) for i in axes.images if i.get_gid() == "heat"]


def grounds(axes) -> list[np.ndarray]:
    """The pictures as drawn, in reading order."""
    return [np.asarray(i.get_array()) for i in axes.images if i.get_gid() != "heat"]


def grey(picture: np.ndarray) -> np.ndarray:
    """`uint8 [3, H, W]` -> `uint8 [H, W]`, the luma of a picture."""
    red, green, blue = picture.astype(float)
    return (0.299 * red + 0.587 * green + 0.114 * blue).astype(np.uint8)


def strength(cover: np.ndarray) -> np.ndarray:
    """The heat that a cover shows, 0..1, from its opacity."""
    return (cover[:, :, 3] - 0.25) / 0.45


def test_heat_is_bilinear_as_torch_has_it_and_from_zero_to_one() -> None:
    values = np.random.default_rng(1).random((3, 5)) * 9 + 2
    wanted = torch.from_numpy(values)[None, None]
    wanted = torch.nn.functional.interpolate(wanted, size=(12, 20), mode="bilinear")
    assert heat(values, 12, 20) == pytest.approx(wanted[0, 0].numpy() / values.max())


def test_heat_of_negative_and_of_flat_maps() -> None:
    assert heat(np.array([[-2.0, 2.0]]), 1, 2).tolist() == [[0, 1]]
    assert heat(np.array([[-3.0, -1.0]]), 1, 2) == pytest.approx(np.array([[0, 1]]))
    assert heat(np.zeros((2, 2)), 4, 4).max() == 0
    assert heat(np.full((2, 2), 3.0), 2, 2).min() == 1


def test_attended_channels_are_those_of_largest_weight_over_their_own_picture(pairs) -> None:
    samples = [5, 31, 8]
    weights, maps = some_attention(3)
    figure = figures.attended_channels(pairs, samples, weights, maps, k=3)
    (axes,) = figure.axes
    drawn, below, written = iter(covers(axes)), iter(grounds(axes)), texts_of(axes)
    for row, sample in enumerate(samples):
        picture = pairs.images[sample]
        assert np.array_equal(next(below), picture.transpose(1, 2, 0))
        by_hand = sorted(range(C), key=lambda c: -weights[row, c])[:3]
        for channel in by_hand:
            ground = next(below)
            assert all(np.array_equal(ground[:, :, i], grey(picture)) for i in range(3))
            assert strength(next(drawn)) == pytest.approx(heat(maps[row, channel], 8, 8))
            assert f"channel {channel} ×{weights[row, channel] * C:.1f}" in written
        mean = sum(weights[row, c] * maps[row, c] for c in range(C))
        assert strength(next(drawn)) == pytest.approx(heat(mean, 8, 8))
        next(below)
    assert next(drawn, None) is None and next(below, None) is None
    check_layout(figure)


def test_even_attention_is_times_one_and_more_channels_than_there_are_show_all(pairs) -> None:
    _, maps = some_attention(1)
    figure = figures.attended_channels(pairs, [0], np.full((1, C), 1 / C), maps, k=99)
    written = [t for t in texts_of(figure.axes[0]) if t.startswith("channel ")]
    assert written == [f"channel {c} ×1.0" for c in range(C)]


def test_channel_gallery_shows_the_samples_a_channel_adds_most_to(pairs) -> None:
    weights, maps = some_attention(N)
    maps[3, 2], weights[3, 2] = 0.0, 0.99  # much attention to nothing
    maps[4, 2], weights[4, 2] = 5.0, 0.9
    figure = figures.channel_gallery(pairs, [2, 6], weights, maps, k=4)
    (axes,) = figure.axes
    drawn, below = iter(covers(axes)), iter(grounds(axes))
    for channel in (2, 6):
        adds = [weights[i, channel] * maps[i, channel].mean() for i in range(N)]
        by_hand = sorted(range(N), key=lambda i: -adds[i])[:4]
        assert (channel == 2) == (by_hand[0] == 4) and 3 not in by_hand[:1]
        for sample in by_hand:
            assert np.array_equal(next(below)[:, :, 0], grey(pairs.images[sample]))
            assert strength(next(drawn)) == pytest.approx(heat(maps[sample, channel], 8, 8))
            assert f"×{weights[sample, channel] * C:.1f}" in texts_of(axes)
        assert strongest(np.array([channel]), weights, maps, 4)[0].tolist() == by_hand
        assert f"mean weight ×{weights[:, channel].mean() * C:.1f}" in texts_of(axes)
    assert next(drawn, None) is None
    check_layout(figure)


def some_scores(n: int) -> np.ndarray:
    return np.random.default_rng(2).standard_normal((n, len(WORDS)))


def test_attended_words_are_the_present_ones_heaviest_first(pairs) -> None:
    samples, scores = list(range(12)), some_scores(12)
    figure = figures.attended_words(pairs, samples, scores, k=3)
    (axes,) = figure.axes
    bars = iter([p for p in axes.patches if p.get_gid() in ("true", "word")])
    labelled = 0
    lengths: list[tuple[float, float]] = []
    for row, sample in enumerate(samples):
        present = [v for v in range(len(WORDS)) if pairs.texts[sample, v] > 0]
        by_hand = sorted(present, key=lambda v: -scores[row, v])[:3]
        found = present_words(pairs, sample, scores[row], label_words(pairs, sample), 3)
        assert [word for word, _, _ in found] == [WORDS[v] for v in by_hand]
        names = {pairs.label_names[c] for c in np.flatnonzero(pairs.labels[sample])}
        for v, (word, score, names_label) in zip(by_hand, found, strict=True):
            assert score == scores[row, v]
            assert names_label == (word in names)
            labelled += names_label
            bar = next(bars)
            lengths.append((bar.get_width(), score))
            assert bar.get_gid() == ("true" if names_label else "word")
            assert (to_hex(bar.get_facecolor()) == TRUE_TAG) == names_label
            assert (f"✓ {word}" if names_label else word) in texts_of(axes)
    assert next(bars, None) is None and labelled
    ratios = [width / score for width, score in lengths]
    assert np.allclose(ratios, ratios[0]) and ratios[0] > 0, "one scale, left of zero where below"
    shown = [np.asarray(image.get_array()) for image in axes.images]
    assert np.array_equal(shown, pairs.images[samples].transpose(0, 2, 3, 1))
    check_layout(figure)


def test_which_words_name_a_label_can_be_given(pairs) -> None:
    naming = np.zeros((12, len(WORDS)), dtype=np.bool_)
    naming[:, 1] = True  # of no label, but in some of the texts
    figure = figures.attended_words(pairs, range(12), some_scores(12), naming=naming)
    marked = {text for text in texts_of(figure.axes[0]) if text.startswith("✓ ")}
    assert marked == {f"✓ {WORDS[1]}", "✓ the word names a label."}


def test_words_of_features_without_pictures_of_no_words_and_of_sparse_texts() -> None:
    texts = some_pairs().texts.copy()
    texts[1] = 0
    pairs = some_pairs("features", texts=sparse.csr_matrix(texts))
    figure = figures.attended_words(pairs, [1, 2], some_scores(2))
    assert "(no words)" in texts_of(figure.axes[0])
    assert len(figure.axes[0].images) == 2
    check_layout(figure)


def test_scores_of_zero_have_no_bars(pairs) -> None:
    figure = figures.attended_words(pairs, [0, 2], np.zeros((2, len(WORDS))))
    assert {p.get_width() for p in figure.axes[0].patches if p.get_gid() in ("true", "word")} == {0}


def test_pictures_of_scenes_keep_their_labels_apart() -> None:
    pairs = scenes.load(n=40)
    weights, maps = some_attention(40)
    few = pairs.query
    check_layout(figures.attended_channels(pairs, few, weights[few], maps[few]))
    check_layout(figures.channel_gallery(pairs, [0, 3], weights, maps))
    scores = np.random.default_rng(0).random((len(few), len(pairs.vocabulary)))
    check_layout(figures.attended_words(pairs, few, scores, k=20))
