"""The explorer's picture shows what was found, method by method."""

import numpy as np
import pytest
from deep_cases import quick
from figure_cases import BITS, N, by_hand, check_layout, framed, some_codes, some_pairs, texts_of
from matplotlib.colors import to_hex
from PIL import Image

from mmhash_nb.explorer import Masks, draw
from mmhash_nb.explorer.answers import Database, answer
from mmhash_nb.explorer.drawing import draw_answers
from mmhash_nb.explorer.own import own_pair
from mmhash_nb.figures.style import INK, MARKS, RIGHT, WRONG
from mmhash_nb.metrics import precision_recall
from mmhash_nb.ranking import rank_profile

QUERY = 11


def pictures_in(axes) -> list[np.ndarray]:
    """The pictures that are drawn, in order: not code strips, which have other shapes."""
    arrays = [np.asarray(image.get_array()) for image in axes.images]
    return [array for array in arrays if array.shape == (8, 8, 3)]


def strips(axes, k: int) -> list[np.ndarray]:
    """Which cells of each code strip `[k + 1, BITS]` carry a cross."""
    cells = [image for image in axes.images if image.get_array().shape == (k + 1, BITS, 3)]
    crosses = [line for line in axes.lines if line.get_gid() == "different"]
    drawn = []
    for image, marks in zip(cells, crosses, strict=True):
        left, right, bottom, top = image.get_extent()
        bit = (np.array(marks.get_xdata()) - left) / (right - left) * BITS - 0.5
        row = (np.array(marks.get_ydata()) - top) / (bottom - top) * (k + 1) - 0.5
        crossed = np.zeros((k + 1, BITS), dtype=bool)
        crossed[row.round().astype(int), bit.round().astype(int)] = True
        drawn.append(crossed)
    return drawn


@pytest.mark.parametrize("direction", ["image-text", "text-image", "image-image", "joint-joint"])
def test_draw_shows_the_nearest_items_with_frames_distances_and_shared_labels(direction) -> None:
    pairs, codes = some_pairs(), some_codes(4)
    figure = draw(pairs, codes, direction, QUERY, k=7, radius=3)
    axes = figure.axes[0]
    distances, samples = by_hand(pairs, codes, direction, QUERY, 7)
    shared = pairs.labels[samples] & pairs.labels[QUERY]
    right = shared.any(axis=1)
    assert framed(axes) == ["right" if r else "wrong" for r in right]
    edges = [to_hex(p.get_edgecolor()) for p in axes.patches if p.get_gid()]
    assert edges == [RIGHT if r else WRONG for r in right]
    notes = [t for t in texts_of(axes) if t[:1] in MARKS.values()]
    assert notes == [f"{MARKS[bool(r)]} {d}" for r, d in zip(right, distances, strict=True)]
    if direction.endswith(("image", "joint")):
        pictures = [pairs.images[s].transpose(1, 2, 0) for s in samples]
        shown = pictures_in(axes)[-7:]
        assert all(np.array_equal(a, b) for a, b in zip(shown, pictures, strict=True))
    names = [", ".join(np.array(pairs.label_names)[row]) for row in shared if row.any()]
    written = texts_of(axes)
    assert all(any(w and n.startswith(w.rstrip("…,. ")) for w in written) for n in names)
    check_layout(figure)


def test_draw_shows_the_codes_with_the_differing_bits_crossed() -> None:
    pairs, codes, k = some_pairs(), some_codes(4), 7
    axes = draw(pairs, codes, "text-image", QUERY, k=k, radius=3).axes[0]
    _, samples = by_hand(pairs, codes, "text-image", QUERY, k)
    differ = codes["image"].signs()[samples] != codes["text"].signs()[QUERY]
    (crossed,) = strips(axes, k)
    assert not crossed[0].any() and np.array_equal(crossed[1:], differ)


@pytest.mark.parametrize("radius", [0, 4, BITS, BITS + 9])
def test_draw_marks_precision_and_recall_at_the_radius(radius: int) -> None:
    pairs, codes = some_pairs(), some_codes(4)
    figure = draw(pairs, codes, "image-text", QUERY, k=3, radius=radius)
    differ = codes["image"].signs()[QUERY] != codes["text"].signs()[pairs.database]
    within = differ.sum(axis=1) <= radius
    relevant = (pairs.labels[pairs.database] & pairs.labels[QUERY]).any(axis=1)
    hits = int((within & relevant).sum())
    curve = figure.axes[2]
    (mark,) = [line for line in curve.lines if line.get_gid() == "radius"]
    assert mark.get_xdata() == pytest.approx([hits / relevant.sum()])
    assert mark.get_ydata() == pytest.approx([hits / max(within.sum(), 1)])
    keys, labels = codes["text"][pairs.database], pairs.labels
    profile = rank_profile(codes["image"][QUERY], keys, labels[[QUERY]], labels[pairs.database])
    (line,) = [line for line in curve.lines if line.get_gid() != "radius"]
    recall, precision = precision_recall(profile)
    assert np.allclose(line.get_xdata(), recall) and np.allclose(line.get_ydata(), precision)
    named = min(radius, BITS)
    heading = f"within radius {named}: {within.sum()} of {N - 6} items, {hits} of them relevant"
    assert texts_of(figure.axes[0]).count(heading) == 1
    shares = [patch for patch in figure.axes[1].patches if patch.get_label()[:1] != "_"]
    counts = {f"relevant ({relevant.sum()})", f"other ({(~relevant).sum()})"}
    assert {patch.get_label() for patch in shares} == counts


@pytest.mark.parametrize("direction", ["image-text", "text-image"])
def test_two_methods_stand_side_by_side(direction) -> None:
    pairs, k = some_pairs(), 7
    both = {"mmnn_l2": some_codes(4), "cmnn_l2": some_codes(5)}
    figure = draw(pairs, both, direction, QUERY, k=k, radius=3)
    axes = figure.axes[0]
    middle = figure.get_size_inches()[0] / 2
    query, database = direction.split("-")
    for (name, codes), half, crossed in zip(both.items(), (0, 1), strips(axes, k), strict=True):
        distances, samples = by_hand(pairs, codes, direction, QUERY, k)
        right = (pairs.labels[samples] & pairs.labels[QUERY]).any(axis=1)
        here = [p for p in axes.patches if p.get_gid() and (p.get_x() > middle) == half]
        assert [p.get_gid() for p in here] == ["right" if r else "wrong" for r in right]
        texts = [t for t in axes.texts if (t.get_position()[0] > middle) == half]
        notes = [t.get_text() for t in texts if t.get_text()[:1] in MARKS.values()]
        assert notes == [f"{MARKS[bool(r)]} {d}" for r, d in zip(right, distances, strict=True)]
        assert any(t.get_text().startswith(f"{name} · ") for t in texts)
        differ = codes[database].signs()[samples] != codes[query].signs()[QUERY]
        assert np.array_equal(crossed[1:], differ)
    assert len(figure.axes) == 5
    check_layout(figure)


def test_more_than_two_methods_or_none_are_refused() -> None:
    for n in (0, 3):
        codes = {f"method {i}": some_codes(i) for i in range(n)}
        with pytest.raises(ValueError, match=f"one or two methods stand side by side, not {n}"):
            draw(some_pairs(), codes, "image-text", QUERY, 7, 3)


def test_only_mistakes_are_drawn_and_the_heading_says_so() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    figure = draw(pairs, codes, "image-image", QUERY, k=5, radius=3, only_mistakes=True)
    axes = figure.axes[0]
    distances, samples = by_hand(pairs, codes, "image-image", QUERY, N)
    wrong = [
        (d, s)
        for d, s in zip(distances, samples, strict=True)
        if not (pairs.labels[s] & pairs.labels[QUERY]).any()
    ][:5]
    assert framed(axes) == ["wrong"] * 5
    assert [t for t in texts_of(axes) if t[:1] == MARKS[False]] == [f"✗ {d}" for d, _ in wrong]
    pictures = [pairs.images[s].transpose(1, 2, 0) for _, s in wrong]
    shown = pictures_in(axes)[-5:]
    assert all(np.array_equal(a, b) for a, b in zip(shown, pictures, strict=True))
    assert "only mistakes" in texts_of(axes)[0]
    assert figure.axes[2].lines, "precision and recall are those of all items"
    check_layout(figure)


def test_a_query_without_mistakes_draws_no_results() -> None:
    pairs = some_pairs(labels=np.ones((N, 4), dtype=bool))
    figure = draw(pairs, some_codes(4), "image-text", QUERY, 5, 3, only_mistakes=True)
    assert framed(figure.axes[0]) == []
    check_layout(figure)


def test_where_labels_are_not_known_nothing_is_judged() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    own = own_pair(pairs, frozenset({"words"}), "Snow cat")
    found = answer("", "text-image", Database(pairs, codes, "image"), codes["text"][3], None, 4)
    figure = draw_answers(pairs, own.question, [found], 3)
    axes = figure.axes[0]
    texts = texts_of(axes)
    assert not framed(axes) and not any(text[:1] in MARKS.values() for text in texts)
    assert {"your words", "cat, snow", *map(str, found.distances)} <= set(texts)
    assert f"within radius 3: {found.other[:4].sum()} of {N - 6} items" in texts
    frames = [patch for patch in axes.patches if patch.get_gid() == "unjudged"]
    assert len(frames) == 4 and {to_hex(f.get_edgecolor()) for f in frames} == {INK}
    assert len(figure.axes) == 2, "no precision and recall"
    labels = [patch.get_label() for patch in figure.axes[1].patches]
    assert [label for label in labels if label[:1] != "_"] == [f"all items ({N - 6})"]
    check_layout(figure)


@pytest.fixture(scope="module")
def masked(tiny_pictures):
    return quick("aadah_visual").fit(tiny_pictures)


def test_attention_darkens_what_it_leaves_out_of_query_and_results(masked, tiny_pictures) -> None:
    pairs, query = tiny_pictures, 5
    codes = {side: masked.encode(pairs, side) for side in ("image", "text")}
    masks = {"aadah_visual": Masks(masked)}
    figure = draw(pairs, {"aadah_visual": codes}, "image-image", query, 4, 3, masks=masks)
    _, samples = by_hand(pairs, codes, "image-image", query, 4)
    shown = [i for i in figure.axes[0].images if i.get_gid() == "attended"]
    attended = masked.attend(pairs, "image").mask
    assert len(shown) == 5 and attended.shape[1:] == (2, 2)
    for image, sample in zip(shown, [query, *samples], strict=True):
        for y in range(32):
            for x in range(32):
                pixel = pairs.images[sample, :, y, x]
                keep = attended[sample, y // 16, x // 16]
                wanted = pixel if keep else (0.3 * pixel).astype(int)
                assert np.array_equal(image.get_array()[y, x], wanted)


def test_attention_is_not_laid_over_words_nor_over_another_methods_column(
    masked, tiny_pictures
) -> None:
    codes = {side: masked.encode(tiny_pictures, side) for side in ("image", "text")}
    masks = {"aadah_visual": Masks(masked)}
    for direction, n in (("text-text", 0), ("text-image", 4), ("image-text", 1)):
        both = {"aadah_none": codes, "aadah_visual": codes}
        figure = draw(tiny_pictures, both, direction, 5, 4, 3, masks=masks)
        shown = [i for i in figure.axes[0].images if i.get_gid() == "attended"]
        assert len(shown) == n
        middle = figure.get_size_inches()[0] / 2
        assert all(image.get_extent()[0] > middle for image in shown)


def test_masks_are_computed_once_and_leave_nothing_in_the_cache(
    masked, tiny_pictures, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    asked = []
    attend = masked.attend
    monkeypatch.setattr(
        masked, "attend", lambda some, side: asked.append(len(some)) or attend(some, side)
    )
    masks = Masks(masked)
    first = masks.of(tiny_pictures, [3, 1, 3])
    assert np.array_equal(
        masks.of(tiny_pictures, [1, 5, 3]), attend(tiny_pictures, "image").mask[[1, 5, 3]]
    )
    assert np.array_equal(first[0], first[2]) and asked == [2, 1]
    other = own_pair(tiny_pictures, frozenset({"picture"}), picture=Image.new("RGB", (9, 9)))
    masks.of(other.pair, [0])
    assert asked == [2, 1, 1], "another sample 0"
    with pytest.raises(ValueError, match="has no attention masks"):
        Masks(quick("dcmh"))
