import hashlib
from itertools import chain

import numpy as np
import pytest
from sklearn.linear_model import Ridge
from sklearn.metrics import average_precision_score, roc_auc_score
from table_cases import table_rows

from mmhash_nb.datasets import concepts, load, scenes
from mmhash_nb.datasets.patterns import BACKDROPS, SHAPES, SINE, TEXTURES
from mmhash_nb.datasets.rendering import Draws, Objects, _mix, render
from mmhash_nb.pairs import Pairs

LOOK_ALIKES = [("apple", "tomato"), ("doughnut", "bagel"), ("moon", "banana"), ("tent", "pyramid")]
NAMESAKES = [
    ("ladybird", "beetle"),
    ("fir", "fern"),
    ("chessboard", "dice"),
    ("goldfish", "trout"),
]


@pytest.fixture(scope="module")
def pairs() -> Pairs:
    return load("scenes")


def sha256(*arrays: np.ndarray) -> str:
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes())
    return digest.hexdigest()


def test_the_same_bytes_everywhere(pairs: Pairs) -> None:
    assert sha256(pairs.images) == (
        "e8ca2207d27af4dff819c986382bf1e9b32e482ad8fa36b03f094d21ab48675b"
    )
    assert sha256(pairs.masks) == "7b7dffd9df3348db6f9489aafafbf8e6f5d815513f4933939ee2e31907c6537f"
    assert sha256(pairs.texts, pairs.labels) == (
        "d8f12948ebdc13c57e022459d45d60a68561e4e17b0e49dc1fe25e4d9831f793"
    )
    assert sha256(pairs.query, pairs.database, pairs.train) == (
        "eabfa83387bb600730cb9b7e5ef11203c72955e6813f1419cdf98953a185eb58"
    )
    assert hashlib.sha256("\n".join(pairs.captions).encode()).hexdigest() == (
        "ba3153c874f6278f4671f93b5f935094129d1cb955b2cfc65d99221410e4561f"
    )


def test_contract(pairs: Pairs) -> None:
    assert pairs.images.shape == (4000, 3, 64, 64) and pairs.images.dtype == np.uint8
    assert pairs.texts.shape == (4000, len(pairs.vocabulary)) and pairs.texts.dtype == np.float32
    assert set(np.unique(pairs.texts)) == {0.0, 1.0}
    assert pairs.masks.shape == (4000, 64, 64) and pairs.masks.dtype == bool
    assert len(pairs.label_names) == 24 and len(set(pairs.label_names)) == 24
    assert np.array_equal(pairs.thumbnails, pairs.images)
    assert (pairs.name, pairs.modality_names) == ("scenes", ("image", "tags"))
    assert len(set(pairs.vocabulary)) == len(pairs.vocabulary)
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (400, 3600, 2000)
    assert np.isin(pairs.train, pairs.database).all()


def test_the_first_pairs_are_the_same_for_every_n(pairs: Pairs) -> None:
    few = scenes.load(n=57)
    assert np.array_equal(few.images, pairs.images[:57])
    assert np.array_equal(few.texts, pairs.texts[:57])
    assert np.array_equal(few.labels, pairs.labels[:57])
    assert list(few.captions) == list(pairs.captions[:57])


def test_split_seed_moves_the_split_and_nothing_else() -> None:
    one, other = scenes.load(n=50), scenes.load(n=50, split_seed=1)
    assert np.array_equal(one.images, other.images) and np.array_equal(one.texts, other.texts)
    assert not np.array_equal(one.train, other.train)
    assert "split 1" in other.source
    together = np.sort(np.concatenate([other.query, other.database]))
    assert np.array_equal(together, np.arange(50))


def test_chance_and_how_many_concepts(pairs: Pairs) -> None:
    labels = pairs.labels.astype(np.int64)
    assert set(labels.sum(axis=1)) == {1, 2, 3}
    assert labels.sum(axis=0).min() >= 150
    relevant = labels[pairs.query] @ labels[pairs.database].T > 0
    assert 0.15 < relevant.mean() < 0.25


def test_no_one_attribute_tells_a_concept() -> None:
    things = scenes.unnamed_things()
    looks = [(c.shape, c.texture, c.colour) for c in concepts.CONCEPTS]
    for one, other in LOOK_ALIKES:
        where = [scenes.LABEL_NAMES.index(name) for name in (one, other)]
        assert looks[where[0]] == looks[where[1]]
    assert len(set(looks)) == 24 - len(LOOK_ALIKES)
    for i, sizes in enumerate((SHAPES, TEXTURES)):
        assert all(sum(look[i] == value for look in looks) >= 3 for value in sizes)
    assert len(things) == 8 * 6 * 8 - len(set(looks))
    assert {tuple(t) for t in things}.isdisjoint(
        zip(*(a.tolist() for a in scenes._looks()[:3]), strict=True)
    )


def test_masks_cover_the_concepts_and_no_other_thing(pairs: Pairs) -> None:
    """Without the concepts the picture differs where the mask is, and nowhere far from it."""
    n = 60
    drawn = []
    original = scenes.render

    def without(seed, samples, backdrop, layers):  # type: ignore[no-untyped-def]
        pictures, owners = original(seed, samples, backdrop, [layers[0], layers[-1]])
        drawn.append(pictures)
        return pictures, owners

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(scenes, "render", without)
        scenes.draw_pictures(n)
    changed = (drawn[0] != pairs.images[:n]).any(axis=1)
    masks = pairs.masks[:n]
    assert changed[masks].mean() > 0.97
    grown = masks.copy()
    for axis in (1, 2):
        grown |= np.roll(grown, 1, axis) | np.roll(grown, -1, axis)
    assert changed[~grown].mean() < 1e-3  # the faint tips of stars and leaves
    assert 0.1 < masks.mean() < 0.35


def some_class_ap(features: np.ndarray, pairs: Pairs, strength: float) -> float:
    model = Ridge(alpha=strength).fit(features[pairs.train], pairs.labels[pairs.train])
    scores = model.predict(features[pairs.query])
    return average_precision_score(pairs.labels[pairs.query], scores, average="macro")


def test_linear_models_of_one_modality_stay_well_below_the_best(pairs: Pairs) -> None:
    small = pairs.images.reshape(4000, 3, 16, 4, 16, 4).mean(axis=(3, 5)).reshape(4000, -1)
    pixels = some_class_ap(small / 64, pairs, 1e3)
    tags = some_class_ap(pairs.texts, pairs, 3.0)
    chance = pairs.labels[pairs.query].mean()
    assert 1.3 * chance < pixels < 0.3
    assert 0.5 < tags < 0.7


def test_tags_tell_look_alikes_and_not_namesakes(pairs: Pairs) -> None:
    def area(one: str, other: str) -> float:
        first, second = (pairs.label_names.index(name) for name in (one, other))
        either = np.flatnonzero(pairs.labels[:, first] ^ pairs.labels[:, second])
        fit, test = either[::2], either[1::2]
        model = Ridge(alpha=10.0).fit(pairs.texts[fit], pairs.labels[fit, first])
        return roc_auc_score(pairs.labels[test, first], model.predict(pairs.texts[test]))

    assert all(area(*pair) > 0.75 for pair in LOOK_ALIKES)
    assert all(area(*pair) < 0.65 for pair in NAMESAKES)


def test_tags_have_synonyms_gaps_and_a_zipf_tail(pairs: Pairs) -> None:
    column = {word: i for i, word in enumerate(pairs.vocabulary)}
    moon = pairs.labels[:, pairs.label_names.index("moon")]
    tagged = pairs.texts[
        :, [column[w] for w in concepts.CONCEPT_WORDS[scenes.LABEL_NAMES.index("moon")]]
    ]
    assert (tagged[moon].mean(axis=0) > 0.02).all()  # synonyms
    assert 0.3 < 1 - tagged[moon].any(axis=1).mean() < 0.5  # untagged, or tagged in broader words
    assert 0.0 < tagged[~moon].any(axis=1).mean() < 0.05  # tagged with what is not there
    tail = [column[w] for w in concepts.OTHER_WORDS if w not in set(chain(*concepts.CONCEPT_WORDS))]
    often = pairs.texts[:, tail].sum(axis=0)
    assert often[:5].mean() > 10 * often[-50:].mean() > 0


def test_captions_say_no_more_than_the_tags(pairs: Pairs) -> None:
    for row in range(500):
        words = {pairs.vocabulary[i] for i in np.flatnonzero(pairs.texts[row])}
        caption = pairs.captions[row].lower().rstrip(".")
        for mark in "():,":
            caption = caption.replace(mark, " ")
        assert set(caption.split()) - {"and", "untitled"} <= words


def test_descriptors_of_the_images(tmp_path, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    both = scenes.load(n=20, images="gist", texts="hog")
    assert both.images.shape == (20, 384) and both.texts.shape == (20, 486)
    assert both.modality_names == ("GIST", "HOG") and both.vocabulary is None
    assert both.thumbnails.shape == (20, 3, 64, 64) and both.masks.shape == (20, 64, 64)
    assert scenes.load(n=20, images="hog").modality_names == ("HOG", "tags")


@pytest.mark.parametrize(("options", "message"), table_rows("wrong_scenes_options"))
def test_wrong_options(options: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        scenes.load(**options)


def test_draws_are_splitmix64() -> None:
    # The published first output of splitmix64 for the seed 1234567.
    state = np.array([1234567], dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    assert _mix(state)[0] == 6457827717110365317


def test_draws_depend_on_the_sample_alone_and_are_uniform() -> None:
    many, few = Draws(7, np.arange(9000)), Draws(7, np.array([4, 8123]))
    for _ in range(3):
        a, b = many.integers(-3, 6), few.integers(-3, 6)
        assert np.array_equal(a[[4, 8123]], b)
        assert np.bincount(a + 3, minlength=9).min() > 850 and len(np.bincount(a + 3)) == 9
    picked = np.bincount(many.weighted(np.array([3, 0, 6])), minlength=3) / 9000
    assert np.allclose(picked, [1 / 3, 0, 2 / 3], atol=0.03)
    each = many.weighted(np.eye(4, dtype=np.int64)[np.arange(9000) % 4])
    assert np.array_equal(each, np.arange(9000) % 4)
    assert not np.array_equal(Draws(8, np.arange(50)).integers(0, 99), many.integers(0, 99)[:50])


def test_sine_table() -> None:
    assert np.abs(SINE - 256 * np.sin(np.arange(64) * np.pi / 32)).max() <= 0.5


def one_object(shape: str, texture: str = "plain", radius: int = 30, x: int = 32) -> Objects:
    def value(v: int) -> np.ndarray:
        return np.array([v])

    return Objects(
        present=np.array([True]),
        shape=value(SHAPES.index(shape)),
        texture=value(list(TEXTURES).index(texture)),
        colour=np.array([[250, 10, 10]]),
        second=np.array([[10, 10, 250]]),
        x=value(x),
        y=value(32),
        radius=value(radius),
        angle=value(0),
        phase=value(0),
        grain=value(100),
    )


def drawn(*layers: Objects) -> tuple[np.ndarray, np.ndarray]:
    pictures, owners = render(5, np.array([11]), np.array([0]), list(layers))
    return pictures[0].astype(int), owners[0]


@pytest.mark.parametrize(
    ("shape", "area"),
    # Of radius 15: a disc of 15; a ring of 0.42 to 1.04 of it; a square of half side 0.8 of it.
    [("disc", np.pi * 15**2), ("ring", np.pi * 15**2 * (1.04**2 - 0.415**2)), ("square", 24**2)],
)
def test_areas(shape: str, area: float) -> None:
    assert (drawn(one_object(shape))[1] == 1).sum() == pytest.approx(area, rel=0.05)


def test_eight_shapes_six_textures_and_six_backdrops_differ() -> None:
    outlines = [drawn(one_object(shape))[1] for shape in SHAPES]
    woven = [drawn(one_object("square", texture))[0] for texture in TEXTURES]
    behind = [render(5, np.array([11]), np.array([i]), [])[0] for i in range(len(BACKDROPS))]
    for kind in (outlines, woven, behind):
        for i, one in enumerate(kind):
            assert all((one != other).mean() > 0.01 for other in kind[:i])
    assert all(150 < outline.sum() < 800 for outline in outlines)


def test_the_last_layer_is_in_front() -> None:
    behind, front = one_object("disc"), one_object("square", x=40)
    _, owners = drawn(behind, front)
    alone = drawn(front)[1] == 1
    assert np.array_equal(owners == 2, alone)
    assert np.array_equal(owners == 1, (drawn(behind)[1] == 1) & ~alone)


def test_colours_are_where_they_should_be() -> None:
    picture, owners = drawn(one_object("disc", "stripes"))
    inside = picture[:, (owners == 1)]
    assert (inside[0] - inside[2] > 60).mean() > 0.2  # red stripes
    assert (inside[2] - inside[0] > 60).mean() > 0.2  # blue stripes
    plain, _ = drawn(one_object("disc"))
    assert (plain[0] - plain[2])[26:38, 26:38].min() > 60
