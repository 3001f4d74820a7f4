"""The explorer shows what the codes say, and its controls only offer what can be asked."""

import io
import re

import ipywidgets
import numpy as np
import pytest
from figure_cases import BITS, N, by_hand, check_layout, framed, some_codes, some_pairs, texts_of
from matplotlib.colors import to_hex
from PIL import Image

from mmhash_nb.codes import HashCodes
from mmhash_nb.explorer import Explorer, directions, draw, explore, in_words
from mmhash_nb.figures import nearest
from mmhash_nb.figures.style import MARKS, RIGHT, WRONG


def codes_of(n_bits: int, seed: int) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {s: HashCodes.from_signs(rng.standard_normal((N, n_bits))) for s in ("image", "text")}


def some_explorer() -> Explorer:
    codes = {("mmnn_l2", 12): codes_of(12, 1), ("mmnn_l2", 32): codes_of(32, 2)}
    # KSH hashes each modality by itself: its codes of different modalities do not compare.
    codes |= {("ksh", 32): codes_of(32, 3)}
    return Explorer(some_pairs(), codes)


def expected_message(explorer: Explorer) -> str:
    query = int(explorer.pairs.query[explorer.query.value])
    found = nearest(
        explorer.pairs, explorer.chosen, explorer.direction.value, [query], explorer.k.value
    )
    return in_words(query, found)


@pytest.mark.parametrize("direction", ["image-text", "text-image", "image-image", "joint-joint"])
def test_draw_shows_the_nearest_items_with_frames_distances_and_shared_labels(direction) -> None:
    pairs, codes, query = some_pairs(), some_codes(4), 11
    figure = draw(pairs, codes, direction, query, k=7, radius=3)
    axes = figure.axes[0]
    distances, samples = by_hand(pairs, codes, direction, query, 7)
    shared = pairs.labels[samples] & pairs.labels[query]
    right = shared.any(axis=1)
    assert framed(axes) == ["right" if r else "wrong" for r in right]
    edges = [to_hex(p.get_edgecolor()) for p in axes.patches if p.get_gid()]
    assert edges == [RIGHT if r else WRONG for r in right]
    notes = [t for t in texts_of(axes) if t[:1] in MARKS.values()]
    assert notes == [f"{MARKS[bool(r)]} {d}" for r, d in zip(right, distances, strict=True)]
    if direction.endswith("image"):
        shown = [np.asarray(i.get_array()) for i in axes.images if i.get_array().shape == (8, 8, 3)]
        pictures = [pairs.images[s].transpose(1, 2, 0) for s in samples]
        assert all(np.array_equal(a, b) for a, b in zip(shown[-7:], pictures, strict=True))
    names = [", ".join(np.array(pairs.label_names)[row]) for row in shared if row.any()]
    written = texts_of(axes)
    assert all(any(w and n.startswith(w.rstrip("…,. ")) for w in written) for n in names)
    check_layout(figure)


def test_draw_shows_the_codes_with_the_differing_bits_crossed() -> None:
    pairs, codes, query, k = some_pairs(), some_codes(4), 11, 7
    axes = draw(pairs, codes, "text-image", query, k=k, radius=3).axes[0]
    _, samples = by_hand(pairs, codes, "text-image", query, k)
    (cells,) = [i for i in axes.images if i.get_array().shape == (k + 1, BITS, 3)]
    (crosses,) = [line for line in axes.lines if line.get_gid() == "different"]
    left, right, bottom, top = cells.get_extent()
    bit = (np.array(crosses.get_xdata()) - left) / (right - left) * BITS - 0.5
    row = (np.array(crosses.get_ydata()) - top) / (bottom - top) * (k + 1) - 0.5
    differ = codes["image"].signs()[samples] != codes["text"].signs()[query]
    drawn = np.zeros((k + 1, BITS), dtype=bool)
    drawn[row.round().astype(int), bit.round().astype(int)] = True
    assert not drawn[0].any() and np.array_equal(drawn[1:], differ)


@pytest.mark.parametrize("radius", [0, 4, BITS])
def test_draw_marks_precision_and_recall_at_the_radius(radius: int) -> None:
    pairs, codes, query = some_pairs(), some_codes(4), 11
    figure = draw(pairs, codes, "image-text", query, k=3, radius=radius)
    differ = codes["image"].signs()[query] != codes["text"].signs()[pairs.database]
    within = differ.sum(axis=1) <= radius
    relevant = (pairs.labels[pairs.database] & pairs.labels[query]).any(axis=1)
    hits = int((within & relevant).sum())
    (mark,) = [line for line in figure.axes[2].lines if line.get_gid() == "radius"]
    assert mark.get_xdata() == pytest.approx([hits / relevant.sum()])
    assert mark.get_ydata() == pytest.approx([hits / max(within.sum(), 1)])
    heading = f"within radius {radius}: {within.sum()} of {N - 6} items, {hits} of them relevant"
    assert sum(text.endswith(heading) for text in texts_of(figure.axes[0])) == 1


def test_directions_cross_only_where_codes_compare() -> None:
    both = codes_of(8, 1)
    assert directions("mmnn_l2", both)[:2] == ["image-text", "text-image"]
    assert directions("ksh", both) == ["image-image", "text-text"]
    assert directions("random", {"joint": both["image"]}) == ["joint-joint"]
    assert directions("mmnn_l2", {"image": both["image"]}) == ["image-image"]


def test_explore_gives_a_widget_with_a_picture() -> None:
    widget = explore(some_pairs(), {("mmnn_l2", 12): codes_of(12, 1)})
    assert isinstance(widget, ipywidgets.Widget)
    assert Image.open(io.BytesIO(widget.picture.value)).format == "PNG"


@pytest.mark.parametrize(
    ("control", "value"),
    [
        ("query", 3),
        ("k", 4),
        ("radius", 5),
        ("direction", "text-image"),
        ("bits", 32),
        ("method", "ksh"),
    ],
)
def test_moving_any_control_redraws_the_picture(control: str, value: object) -> None:
    explorer = some_explorer()
    before = explorer.picture.value
    getattr(explorer, control).value = value
    assert explorer.picture.value != before
    assert explorer.message.value == expected_message(explorer)


def test_what_is_said_equals_brute_force() -> None:
    explorer = some_explorer()
    explorer.k.value = 5
    for place, query in enumerate(explorer.pairs.query[:3]):
        explorer.query.value = place
        distances, samples = by_hand(explorer.pairs, explorer.chosen, "image-text", query, 5)
        text = explorer.message.value
        assert text.startswith(f"Query: sample {query}. ")
        said = re.findall(r"(\d+) \((\d+)(, relevant)?\)", text)
        assert [(int(s), int(d)) for s, d, _ in said] == list(zip(samples, distances, strict=True))
        labels = explorer.pairs.labels
        right = (labels[samples] & labels[query]).any(axis=1)
        assert [bool(word) for *_, word in said] == right.tolist()


def test_menus_follow_the_method() -> None:
    explorer = some_explorer()
    assert [value for _, value in explorer.bits.options] == [12, 32]
    assert (explorer.radius.value, explorer.radius.max) == (2, 12)
    explorer.bits.value = 32
    explorer.direction.value = "text-text"
    assert explorer.radius.max == 32
    explorer.method.value = "ksh"
    assert [value for _, value in explorer.bits.options] == [32]
    assert [value for _, value in explorer.direction.options] == ["image-image", "text-text"]
    assert explorer.direction.value == "text-text", "the choice stays where it can"
    explorer.method.value = "mmnn_l2"
    assert explorer.bits.value == 32
    assert len(explorer.direction.options) == 4


def test_one_move_draws_one_picture(monkeypatch) -> None:
    explorer = some_explorer()
    explorer.radius.value = 9
    calls = []
    monkeypatch.setattr("mmhash_nb.explorer.draw", lambda *a: calls.append(a) or draw(*a))
    explorer.method.value = "ksh"
    explorer.method.value = "mmnn_l2"
    explorer.bits.value = 12
    assert len(calls) == 3


def test_an_empty_query_split_gets_a_sentence() -> None:
    pairs = some_pairs(query=np.arange(0))
    explorer = Explorer(pairs, {("mmnn_l2", 12): codes_of(12, 1)})
    assert "made-up has an empty query split" in explorer.message.value
    assert explorer.picture.layout.display == "none"


def test_an_empty_database_gets_a_sentence() -> None:
    pairs = some_pairs(database=np.arange(0))
    explorer = Explorer(pairs, {("mmnn_l2", 12): codes_of(12, 1)})
    assert "made-up has an empty database" in explorer.message.value


def test_no_codes_are_refused() -> None:
    with pytest.raises(ValueError, match="needs codes of at least one method"):
        explore(some_pairs(), {})
