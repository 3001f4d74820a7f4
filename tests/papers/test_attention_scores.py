"""Scores of masks and words against loops over pixels and words, and against every equal mask."""

import time
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from table_cases import table_rows, with_arrays

from mmhash_nb.datasets import load
from mmhash_nb.datasets.concepts import CONCEPTS, OTHER_WORDS, SETTING_WORDS
from mmhash_nb.experiments.summaries import over_seeds
from mmhash_nb.papers.zhang2018 import attention_scores
from mmhash_nb.papers.zhang2018.attention_scores import (
    by_seed,
    cell_size,
    control_scores,
    enlarged,
    mask_scores,
)
from mmhash_nb.papers.zhang2018.word_scores import concept_words, text_scores

METRICS = ["IoU", "recall", "precision", "pointing", "area"]


def some_images(rng, n=12, h=2, w=3, down=2, across=4):
    """Masks, weights with ties, and objects; image 3 has none, image 5 attends to nothing."""
    mask = rng.random((n, h, w)) < 0.5
    weight = rng.integers(0, 3, (n, h, w)).astype(float)
    objects = rng.random((n, h * down, w * across)) < rng.random((n, 1, 1))
    objects[:, 0, 0] = True
    objects[3], mask[5] = False, False
    return mask, weight, objects


def by_hand(mask, weight, objects):
    """The scores of one image by a loop over its pixels."""
    (h, w), (height, width) = mask.shape, objects.shape
    both = attended = there = 0
    inside = np.zeros((h, w))
    for y in range(height):
        for x in range(width):
            i, j = y * h // height, x * w // width
            both += mask[i, j] and objects[y, x]
            attended += mask[i, j]
            there += objects[y, x]
            inside[i, j] += objects[y, x] / (height // h * (width // w))
    tied = [(i, j) for i in range(h) for j in range(w) if weight[i, j] == weight.max()]
    return [
        both / (attended + there - both),
        both / there,
        both / attended if attended else np.nan,
        np.mean([inside[cell] >= 0.5 for cell in tied]),
        attended / (height * width),
    ]


def test_scores_are_those_of_a_loop_over_pixels(rng):
    mask, weight, objects = some_images(rng)
    table = mask_scores(mask, weight, objects)
    assert list(table.columns) == METRICS
    assert table.index.tolist() == [n for n in range(12) if n != 3]
    for n, row in table.iterrows():
        expected = by_hand(mask[n], weight[n], objects[n])
        assert row.tolist() == pytest.approx(expected, nan_ok=True)
    assert np.isnan(table.precision[5]) and table.IoU[5] == table.recall[5] == 0


def test_the_pointing_game_is_won_from_half_a_place_on():
    objects = np.zeros((2, 2, 4), dtype=bool)
    objects[0, 0, :2] = True  # half of the left cell
    objects[1, 0, :1] = True
    mask, weight = np.ones((2, 1, 2), dtype=bool), np.array([[[0.9, 0.1]]] * 2)
    assert mask_scores(mask, weight, objects).pointing.tolist() == [1, 0]
    assert mask_scores(mask, np.ones((2, 1, 2)), objects).pointing.tolist() == [0.5, 0]


def equal_masks(count, h, w, control):
    """Every mask of a control with `count` cells, all equally likely."""
    cells = [(i, j) for i in range(h) for j in range(w)]
    chosen = [np.array(some, dtype=int).reshape(-1, 2) for some in combinations(cells, count)]
    if control == "centre":
        middle = np.array([(h - 1) / 2, (w - 1) / 2])
        far = [sum(((some - middle) ** 2).sum(axis=1)) for some in chosen]
        chosen = [some for some, d in zip(chosen, far, strict=True) if np.isclose(d, min(far))]
    masks = np.zeros((len(chosen), h, w), dtype=bool)
    for mask, some in zip(masks, chosen, strict=True):
        mask[some[:, 0], some[:, 1]] = True
    return masks


@pytest.mark.parametrize("control", ["random", "centre"])
@pytest.mark.parametrize(("h", "w"), [(2, 3), (3, 3), (1, 4)])
def test_controls_are_the_mean_over_all_masks_of_equal_area(rng, control, h, w):
    n = 12
    mask, _, objects = some_images(rng, n, h, w)
    mask[6], mask[7] = True, np.arange(h * w).reshape(h, w) == 0
    table = control_scores(mask, objects, control, draws=3000, seed=4)
    assert list(table.columns) == METRICS
    assert table.index.tolist() == [i for i in range(n) if i != 3]
    middle = np.hypot(*np.meshgrid(np.arange(h) - (h - 1) / 2, np.arange(w) - (w - 1) / 2)).T
    near = np.zeros((h, w)) if control == "random" else -np.round(middle, 9)
    for i, row in table.iterrows():
        every = equal_masks(mask[i].sum(), h, w, control)
        scores = np.array([by_hand(one, near, objects[i]) for one in every])
        expected, error = scores.mean(axis=0), scores[:, 0].std() / np.sqrt(3000)
        assert row.tolist()[1:] == pytest.approx(expected[1:], nan_ok=True)
        assert row.IoU == pytest.approx(expected[0], abs=5 * error + 1e-12)
    few = [control_scores(mask, objects, control, draws=9, seed=seed) for seed in (1, 1, 2)]
    assert few[0].equals(few[1]) and not few[0].equals(few[2])


@st.composite
def masked_images(draw):
    h, w, down, across = (draw(st.integers(1, 3)) for _ in range(4))
    n = draw(st.integers(1, 3))
    mask = draw(arrays(bool, (n, h, w)))
    weight = draw(arrays(float, (n, h, w), elements=st.floats(0, 1)))
    objects = draw(arrays(bool, (n, h * down, w * across)))
    objects[0, 0, 0] = True
    return mask, weight, objects


@settings(max_examples=40)
@given(masked_images())
def test_scores_are_fractions_and_perfect_where_they_must_be(images):
    mask, weight, objects = images
    tables = [
        mask_scores(mask, weight, objects),
        *(control_scores(mask, objects, control, draws=2) for control in ("random", "centre")),
    ]
    for table in tables:
        assert table.index.tolist() == np.flatnonzero(objects.any(axis=(1, 2))).tolist()
        values = table.to_numpy()
        assert (np.isnan(values) | ((values > -1e-12) & (values < 1 + 1e-12))).all()
        assert not table.drop(columns="precision").isna().any(axis=None)
    attended = tables[0]
    assert (attended.IoU <= 1e-12 + attended[["recall", "precision"]].min(axis=1)).all()
    everything = np.ones_like(mask)
    assert (mask_scores(everything, weight, objects).recall == 1).all()
    for control in ("random", "centre"):
        full = control_scores(everything, objects, control)
        attended = mask_scores(everything, weight, objects)
        assert full.drop(columns="pointing").to_numpy() == pytest.approx(
            attended.drop(columns="pointing").to_numpy()
        )
    down, across = cell_size(mask, *objects.shape[1:])
    same = mask.repeat(down, axis=1).repeat(across, axis=2)
    if same.any():
        perfect = mask_scores(mask, mask.astype(float), same)
        assert (perfect.drop(columns="area") == 1).all(axis=None)
        assert (perfect.area == same[perfect.index].mean(axis=(1, 2))).all()


def test_thousands_of_images_take_seconds():
    rng = np.random.default_rng(0)
    mask, objects = rng.random((4000, 8, 8)) < 0.3, rng.random((4000, 64, 64)) < 0.3
    start = time.process_time()  # of this process, whatever else the machine does
    mask_scores(mask, rng.random(mask.shape), objects)
    control_scores(mask, objects, "random")
    assert time.process_time() - start < 30  # about one; a loop over pixels takes minutes


MASKS = {
    "mask": np.ones((2, 2, 2), dtype=bool),
    "weight": np.ones((2, 2, 2)),
    "objects": np.ones((2, 4, 4), dtype=bool),
}


@pytest.mark.parametrize(("changes", "sentence"), table_rows("wrong_mask_scores"))
def test_mask_scores_say_what_is_wrong(changes, sentence):
    with pytest.raises(ValueError, match=sentence):
        mask_scores(**{**MASKS, **with_arrays(changes)})


def test_controls_say_what_is_wrong():
    mask, objects = MASKS["mask"], MASKS["objects"]
    with pytest.raises(ValueError, match="no control 'corner': choose random or centre"):
        control_scores(mask, objects, "corner")
    with pytest.raises(ValueError, match="draws must be at least 1, but is 0"):
        control_scores(mask, objects, "random", draws=0)
    with pytest.raises(ValueError, match="none of the 2 images has object"):
        control_scores(mask, ~objects, "random")
    with pytest.raises(ValueError, match="0 x 2 cells"):
        cell_size(np.ones((1, 0, 2), dtype=bool), 4, 4)


def some_texts(rng, n=30, v=9):
    texts = rng.integers(0, 3, (n, v)).astype(np.float32)
    names = rng.random((n, v)) < 0.4
    shares = rng.random((n, v)) * (texts > 0)
    texts[0] = shares[0] = 0  # no words
    names[1] = False  # none that names
    names[2] = True  # no other
    shares[3] = 0  # no attention
    return shares, texts, names


def test_text_scores_are_those_of_a_loop_over_words(rng):
    shares, texts, names = some_texts(rng)
    table = text_scores(shares, texts, names)
    seen = []
    for n in range(len(texts)):
        words = [v for v in range(texts.shape[1]) if texts[n, v] > 0]
        naming = [v for v in words if names[n, v]]
        weight = sum(shares[n, v] for v in words)
        if not naming or len(naming) == len(words) or weight == 0:
            continue
        seen.append(n)
        attended = sum(shares[n, v] for v in naming) / weight
        chance = len(naming) / len(words)
        assert table.loc[n].tolist() == pytest.approx([attended, chance, attended - chance])
    assert table.index.tolist() == seen and list(table) == ["attended", "chance", "difference"]
    assert not {0, 1, 2, 3} & set(seen) and len(seen) > 15


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"shares": np.ones((2, 2))}, r"names bool, but they are \[2, 2\], \[2, 3\] and bool"),
        ({"names": np.ones((2, 3))}, r"names bool, .* float64 \[2, 3\]"),
        ({"shares": np.array([[1, 1, 0], [1, -1, 0]])}, "word 1 in sample 1 is -1"),
        ({"shares": np.array([[1, np.nan, 0], [1, 1, 0]])}, "word 1 in sample 0 is nan"),
        ({"shares": np.array([[1, 1, 0], [1, 1, 2]])}, "not in the text, .* word 2 in sample 1 is"),
        ({"names": np.ones((2, 3), dtype=bool)}, "no sample has attention, a naming word"),
    ],
)
def test_text_scores_say_what_is_wrong(changes, sentence):
    good = {"shares": np.array([[1.0, 1, 0]] * 2), "texts": np.array([[1.0, 2, 0]] * 2)}
    good["names"] = np.array([[True, False, False]] * 2)
    assert text_scores(**good).attended.tolist() == [0.5, 0.5]
    with pytest.raises(ValueError, match=sentence):
        text_scores(**{**good, **changes})


def test_the_words_of_a_concept_name_it_where_it_is():
    pairs = load("scenes", n=60)
    names = concept_words(pairs)
    for n in range(len(pairs)):
        there = {word for c in np.flatnonzero(pairs.labels[n]) for word in CONCEPTS[c].tags.split()}
        assert {pairs.vocabulary[v] for v in np.flatnonzero(names[n])} == there
    both = {pairs.vocabulary.index(word) for word in ("fruit", "snow", "insect", "orchard")}
    assert names[:, sorted(both)].any(axis=0).all()
    own = {word for concept in CONCEPTS for word in concept.tags.split()}
    general = {word for words in SETTING_WORDS for word in words} | set(OTHER_WORDS)
    columns = [pairs.vocabulary.index(word) for word in general - own]
    assert not names[:, columns].any() and not any(" " in word for word in own)
    scores = text_scores((pairs.texts > 0).astype(float), pairs.texts, names)
    assert len(scores) > 40 and 0.1 < scores.chance.mean() < 0.5


def test_words_of_other_datasets_name_no_concept():
    with pytest.raises(ValueError, match="scenes has not the concepts and tags of scenes"):
        concept_words(load("scenes", n=20, texts="gist"))


def test_tables_over_seeds_have_means_and_t_intervals(rng):
    tables = {s: pd.DataFrame({"IoU": rng.random(5 + s), "area": 0.25}) for s in (0, 2, 3)}
    means = by_seed({"attended": tables, "centre": {2: tables[2]}})
    assert means.index.tolist() == [("attended", s) for s in (0, 2, 3)] + [("centre", 2)]
    assert means.index.names == ["region", "seed"]
    assert means.scored.tolist() == [5, 7, 8, 7]
    values = [tables[s].IoU.mean() for s in (0, 2, 3)]
    assert means.IoU.tolist() == pytest.approx([*values, values[1]])
    table = over_seeds(means.reset_index(), "region")
    assert table.index.tolist() == ["attended", "centre"]
    assert table.columns.tolist() == ["scored", "IoU", "area"]
    low, high = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    cell = f"{100 * np.mean(values):.1f} ± {50 * (high - low):.1f}"
    assert table.loc["attended"].tolist() == ["20", cell, "25.0 ± 0.0"]
    assert table.loc["centre"].tolist() == ["7", f"{100 * values[1]:.1f}", "25.0"]


def test_pixels_are_repeated_until_places_fit():
    pixels = np.arange(4).reshape(1, 1, 2, 2)
    mask = np.ones((1, 3, 2), dtype=bool)
    assert enlarged(pixels, mask)[0, 0].tolist() == [[0, 1]] * 3 + [[2, 3]] * 3
    assert np.array_equal(enlarged(pixels, mask[:, :2]), pixels)
    objects = enlarged(np.zeros((1, 64, 64), dtype=bool), np.ones((1, 14, 14), dtype=bool))
    assert objects.shape == (1, 448, 448) and cell_size(np.ones((1, 14, 14)), 448, 448) == (32, 32)


def test_the_strongest_places_are_as_many_as_are_attended_and_the_largest():
    rng = np.random.default_rng(3)
    mask, strength = rng.random((5, 3, 4)) < 0.4, rng.integers(0, 6, (5, 3, 4)).astype(float)
    mask[0], mask[1] = False, True
    found = attention_scores.strongest_mask(mask, strength)
    assert (found.sum(axis=(1, 2)) == mask.sum(axis=(1, 2))).all()
    for chosen, values in zip(found[2:], strength[2:], strict=True):
        assert values[chosen].min() >= values[~chosen].max()
    tied = attention_scores.strongest_mask(np.eye(2, dtype=bool)[None], np.ones((1, 2, 2)))
    assert tied.tolist() == [[[True, True], [False, False]]]
