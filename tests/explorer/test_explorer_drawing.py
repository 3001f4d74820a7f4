"""The explorer's picture shows what was found, method by method."""

import io

import matplotlib
import numpy as np
import pytest
from deep_cases import quick
from figure_cases import BITS, N, by_hand, some_codes, some_pairs
from PIL import Image

from mmhash_nb.explorer import Masks, draw
from mmhash_nb.explorer.canvas import Canvas
from mmhash_nb.explorer.drawing import draw_results
from mmhash_nb.explorer.search import Database, search
from mmhash_nb.explorer.user_query import user_query
from mmhash_nb.figures.code_pictures import code_cells
from mmhash_nb.figures.style import INK, MARKS, RIGHT, WRONG
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.metrics import precision_recall
from mmhash_nb.ranking import rank_profile

QUERY = 11


def marks(canvas: Canvas, *names: str) -> list:
    return [mark for mark in canvas.marks if mark.name in names]


def pictures_in(canvas: Canvas, name: str = "picture") -> list[np.ndarray]:
    return [mark.content for mark in marks(canvas, name)]


def words_in(canvas: Canvas) -> list[str]:
    return [text.words for text in canvas.texts]


def notes_in(canvas: Canvas) -> list[str]:
    """Mark and distance of each result."""
    return [words for words in words_in(canvas) if words[:1] in MARKS.values()]


def check_layout(canvas: Canvas) -> None:
    """No two texts overlap, none leaves the canvas or is lost."""
    width, height = canvas.size
    boxes = [(*text.box, text.words) for text in canvas.texts if text.words]
    for i, (left, top, wide, high, words) in enumerate(boxes):
        inside = left > -0.01 and top > -0.01
        assert inside and left + wide < width and top + high < height, f"{words!r} is cut"
        for left2, top2, wide2, high2, other in boxes[:i]:
            across = min(left + wide, left2 + wide2) - max(left, left2)
            down = min(top + high, top2 + high2) - max(top, top2)
            # Boxes hold the line's leading too, so a pixel or two of contact is not seen.
            assert across <= 0.02 or down <= 0.03, f"{words!r} on {other!r}"


@pytest.mark.parametrize(
    "direction", ["image-text", "text-image", "image-image", "joint-joint", "text-unified"]
)
def test_draw_shows_the_nearest_items_with_frames_distances_and_shared_labels(direction) -> None:
    pairs, codes = some_pairs(), some_codes(4)
    codes["unified"] = some_codes(5)["joint"]
    canvas = draw(pairs, codes, direction, QUERY, k=7, radius=3)
    distances, samples = by_hand(pairs, codes, direction, QUERY, 7)
    shared = pairs.labels[samples] & pairs.labels[QUERY]
    right = shared.any(axis=1)
    frames = marks(canvas, "right", "wrong")
    assert [frame.name for frame in frames] == ["right" if r else "wrong" for r in right]
    assert [frame.colour for frame in frames] == [RIGHT if r else WRONG for r in right]
    expected = [f"{MARKS[bool(r)]} {d}" for r, d in zip(right, distances, strict=True)]
    assert notes_in(canvas) == expected
    query, database = direction.split("-")
    drawn = {"text": [], "image": pictures_in(canvas), "joint": pictures_in(canvas)}
    drawn["unified"] = drawn["joint"]
    if query != "text":
        assert np.array_equal(drawn[query][0], pairs.images[QUERY].transpose(1, 2, 0))
    if database != "text":
        pictures = [pairs.images[s].transpose(1, 2, 0) for s in samples]
        shown = pictures_in(canvas)[-7:]
        assert all(np.array_equal(a, b) for a, b in zip(shown, pictures, strict=True))
        assert [mark.box for mark in marks(canvas, "picture")[-7:]] == [f.box for f in frames]
    names = [", ".join(np.array(pairs.label_names)[row]) for row in shared if row.any()]
    assert [w for w in words_in(canvas) if w in names] == names
    check_layout(canvas)


def test_frames_and_pictures_are_where_the_marks_say() -> None:
    canvas = draw(some_pairs(), some_codes(4), "image-image", QUERY, k=7, radius=3)
    pixels = np.asarray(canvas.image)
    for mark in marks(canvas, "right", "wrong"):
        left, top, _, height = (round(100 * side) for side in mark.box)
        colour = [int(mark.colour[i : i + 2], 16) for i in (1, 3, 5)]
        for y, x in ((top, left + 20), (top + height, left + 20), (top + 20, left)):
            assert pixels[y, x].tolist() == colour
    flat = np.full((4, 4, 3), (10, 200, 30), np.uint8)
    canvas = Canvas(2, 1)
    canvas.paste(flat, (0.5, 0.2, 1, 0.5), "flat")
    pixels = np.asarray(canvas.image)
    assert (pixels[20:70, 50:150] == [10, 200, 30]).all()
    assert (pixels == 255).all(axis=2).sum() == 200 * 100 - 100 * 50
    assert Image.open(io.BytesIO(canvas.png())).convert("RGB").tobytes() == canvas.image.tobytes()
    assert Image.open(io.BytesIO(canvas._repr_png_())).size == (200, 100)


def test_draw_shows_the_codes_with_the_differing_bits_marked() -> None:
    pairs, codes, k = some_pairs(), some_codes(4), 7
    canvas = draw(pairs, codes, "text-image", QUERY, k=k, radius=3)
    _, samples = by_hand(pairs, codes, "text-image", QUERY, k)
    (strip,) = marks(canvas, "codes")
    code, found = codes["text"][QUERY], codes["image"][np.array(samples)]
    expected = np.concatenate([code_cells(code, code), code_cells(code, found)])
    assert np.array_equal(strip.content, np.round(255 * expected).astype(np.uint8))
    # The middle of a cell that differs is white, crossed; that of another is the cell's colour.
    left, top, width, height = strip.box
    pixels = np.asarray(canvas.image)
    differ = np.vstack([np.zeros((1, BITS), bool), found.signs() != code.signs()])
    for row, bit in np.ndindex(*differ.shape):
        y = int(100 * (top + (row + 0.5) * height / (k + 1)))
        x = int(100 * (left + (bit + 0.5) * width / BITS))
        near = pixels[y - 1 : y + 2, x - 1 : x + 2].reshape(-1, 3)
        assert (near == 255).all(axis=1).any() == differ[row, bit]


@pytest.mark.parametrize("radius", [0, 4, BITS, BITS + 9])
def test_draw_marks_precision_and_recall_at_the_radius(radius: int) -> None:
    pairs, codes = some_pairs(), some_codes(4)
    canvas = draw(pairs, codes, "image-text", QUERY, k=3, radius=radius)
    differ = codes["image"].signs()[QUERY] != codes["text"].signs()[pairs.database]
    distances = differ.sum(axis=1)
    within, named = distances <= radius, min(radius, BITS)
    relevant = (pairs.labels[pairs.database] & pairs.labels[QUERY]).any(axis=1)
    hits = int((within & relevant).sum())
    (ring,) = marks(canvas, "chosen radius")
    expected = [hits / relevant.sum(), hits / max(within.sum(), 1)]
    assert ring.content[0].tolist() == pytest.approx(expected)
    keys, labels = codes["text"][pairs.database], pairs.labels
    profile = rank_profile(codes["image"][QUERY], keys, labels[[QUERY]], labels[pairs.database])
    (line,) = marks(canvas, "lookup")
    assert np.allclose(line.content, np.stack(precision_recall(profile), axis=1))
    heading = f"within radius {named}: {within.sum()} of {N - 6} items, {hits} of them relevant"
    if not within.any():
        heading = f"within radius {named}: nothing; the nearest of {N - 6} is at {distances.min()}"
    assert words_in(canvas).count(heading) == 1
    for name, chosen in (("relevant", relevant), ("other", ~relevant)):
        (steps,) = marks(canvas, name)
        share = np.bincount(distances[chosen], minlength=BITS + 1) / chosen.sum()
        assert np.allclose(steps.content[::2, 1], share) and np.allclose(
            steps.content[:, 0], np.arange(BITS + 2).repeat(2)[1:-1] - 0.5
        )
        assert f"{name} ({chosen.sum()})" in words_in(canvas)
    (dotted,) = marks(canvas, "radius")
    assert dotted.content[:, 0].tolist() == [named + 0.5] * 2
    check_layout(canvas)


@pytest.mark.parametrize("direction", ["image-text", "text-image"])
def test_each_of_two_columns_is_what_stands_alone(direction) -> None:
    pairs, both = some_pairs(), {"mmnn_l2": some_codes(4), "cmnn_l2": some_codes(5)}
    canvas = draw(pairs, both, direction, QUERY, k=7, radius=3)
    middle = canvas.size[0] / 2
    for half, (name, codes) in enumerate(both.items()):
        alone = draw(pairs, {name: codes}, direction, QUERY, k=7, radius=3)
        here = [m for m in canvas.marks if (m.box[0] > middle) == half]
        for mark, other in zip(here, alone.marks, strict=True):
            assert (mark.name, mark.colour) == (other.name, other.colour)
            assert np.array_equal(mark.content, other.content)
        words = [t.words for t in canvas.texts if (t.box[0] > middle) == half]
        # The narrower column has other ticks, and more of its results in a row.
        assert [w for w in words if not w[:1].isdigit()] == [
            w for w in words_in(alone) if not w[:1].isdigit()
        ]
        assert words[0].startswith(f"{in_print(name)} · ")
    check_layout(canvas)


def test_more_than_two_methods_or_none_are_refused() -> None:
    for n in (0, 3):
        codes = {f"method {i}": some_codes(i) for i in range(n)}
        with pytest.raises(ValueError, match=f"one or two methods stand side by side, not {n}"):
            draw(some_pairs(), codes, "image-text", QUERY, 7, 3)


def test_only_mistakes_are_drawn_and_the_heading_says_so() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    canvas = draw(pairs, codes, "image-image", QUERY, k=5, radius=3, only_mistakes=True)
    distances, samples = by_hand(pairs, codes, "image-image", QUERY, N)
    wrong = [
        (d, s)
        for d, s in zip(distances, samples, strict=True)
        if not (pairs.labels[s] & pairs.labels[QUERY]).any()
    ][:5]
    assert [m.name for m in marks(canvas, "right", "wrong")] == ["wrong"] * 5
    assert notes_in(canvas) == [f"✗ {d}" for d, _ in wrong]
    pictures = [pairs.images[s].transpose(1, 2, 0) for _, s in wrong]
    shown = pictures_in(canvas)[-5:]
    assert all(np.array_equal(a, b) for a, b in zip(shown, pictures, strict=True))
    assert "only mistakes" in words_in(canvas)[0]
    whole = draw(pairs, codes, "image-image", QUERY, k=5, radius=3)
    for one, other in zip(
        *(marks(s, "lookup", "relevant", "other") for s in (canvas, whole)), strict=True
    ):
        assert np.array_equal(one.content, other.content), "the plots are of all items"
    check_layout(canvas)


def test_a_query_without_mistakes_draws_no_results() -> None:
    pairs = some_pairs(labels=np.ones((N, 4), dtype=bool))
    canvas = draw(pairs, some_codes(4), "image-text", QUERY, 5, 3, only_mistakes=True)
    assert not marks(canvas, "right", "wrong") and not notes_in(canvas)
    check_layout(canvas)


def test_where_labels_are_not_known_nothing_is_judged() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    own = user_query(pairs, frozenset({"words"}), "Snow cat")
    found = search("", "text-image", Database(pairs, codes, "image"), codes["text"][3], None, 4)
    canvas = draw_results(pairs, own, [found], 3)
    assert not marks(canvas, "right", "wrong", "relevant", "other", "lookup")
    assert not notes_in(canvas)
    assert {"your words", "cat, snow", *map(str, found.distances)} <= set(words_in(canvas))
    assert f"within radius 3: {found.other[:4].sum()} of {N - 6} items" in words_in(canvas)
    assert [frame.colour for frame in marks(canvas, "unjudged")] == [INK] * 4
    (steps,) = marks(canvas, "all items")
    assert np.allclose(steps.content[::2, 1], found.other / (N - 6))
    assert f"all items ({N - 6})" in words_in(canvas)
    check_layout(canvas)


@pytest.mark.parametrize(("images", "texts"), [("features", "words"), ("features", "vectors")])
def test_vectors_are_strips_on_the_scale_of_their_side(images, texts) -> None:
    changes = {} if texts == "words" else {"vocabulary": None}
    pairs, codes = some_pairs(images, **changes), some_codes(4)
    canvas = draw(pairs, codes, "image-image", QUERY, k=3, radius=3)
    _, samples = by_hand(pairs, codes, "image-image", QUERY, 3)
    low, high = np.percentile(pairs.images, [1, 99])
    for strip, sample in zip(marks(canvas, "strip"), [QUERY, *samples], strict=True):
        scaled = (pairs.images[sample] - low) / (high - low)
        expected = matplotlib.colormaps["cividis"](scaled, bytes=True)[None, :, :3]
        assert np.array_equal(strip.content, expected)
    assert len(marks(draw(pairs, codes, "text-text", QUERY, 3, 3), "strip")) == 4 * (
        texts == "vectors"
    )
    check_layout(canvas)


@pytest.fixture(scope="module")
def masked(tiny_pictures):
    return quick("aadah_visual").fit(tiny_pictures)


def test_attention_darkens_what_it_leaves_out_of_query_and_results(masked, tiny_pictures) -> None:
    pairs, query = tiny_pictures, 5
    codes = {side: masked.encode(pairs, side) for side in ("image", "text")}
    masks = {"aadah_visual": Masks(masked)}
    canvas = draw(pairs, {"aadah_visual": codes}, "image-image", query, 4, 3, masks=masks)
    _, samples = by_hand(pairs, codes, "image-image", query, 4)
    shown = pictures_in(canvas, "attended picture")
    attended = masked.attend(pairs, "image").mask
    assert len(shown) == 5 and attended.shape[1:] == (4, 4)
    for image, sample in zip(shown, [query, *samples], strict=True):
        for y in range(32):
            for x in range(32):
                pixel = pairs.images[sample, :, y, x]
                keep = attended[sample, y // 8, x // 8]
                wanted = pixel if keep else (0.3 * pixel).astype(int)
                assert np.array_equal(image[y, x], wanted)


def test_attention_is_not_laid_over_words_nor_over_another_methods_column(
    masked, tiny_pictures
) -> None:
    codes = {side: masked.encode(tiny_pictures, side) for side in ("image", "text")}
    masks = {"aadah_visual": Masks(masked)}
    for direction, n in (("text-text", 0), ("text-image", 4), ("image-text", 1)):
        both = {"aadah_none": codes, "aadah_visual": codes}
        canvas = draw(tiny_pictures, both, direction, 5, 4, 3, masks=masks)
        shown = marks(canvas, "attended picture")
        assert len(shown) == n
        assert all(mark.box[0] > canvas.size[0] / 2 for mark in shown)


def test_masks_are_computed_once_and_leave_nothing_in_the_cache(
    masked, tiny_pictures, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    computed = []
    attend = masked.attend
    monkeypatch.setattr(
        masked, "attend", lambda some, side: computed.append(len(some)) or attend(some, side)
    )
    masks = Masks(masked)
    first = masks.of(tiny_pictures, [3, 1, 3])
    assert np.array_equal(
        masks.of(tiny_pictures, [1, 5, 3]), attend(tiny_pictures, "image").mask[[1, 5, 3]]
    )
    assert np.array_equal(first[0], first[2]) and computed == [2, 1]
    other = user_query(tiny_pictures, frozenset({"picture"}), picture=Image.new("RGB", (9, 9)))
    masks.of(other.pairs, [0])
    assert computed == [2, 1, 1], "another sample 0"
    with pytest.raises(ValueError, match="has no attention masks"):
        Masks(quick("dcmh"))
