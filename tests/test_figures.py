"""The pictures show the right items, in the right order, marked right."""

import dataclasses
import io

import matplotlib
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib import pyplot
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.colors import to_hex
from matplotlib.ft2font import FT2Font
from matplotlib.text import Text
from PIL import Image
from scipy import sparse, stats

from mmhash_nb import figures
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import scenes
from mmhash_nb.figures.codes import code_cells, different_bits
from mmhash_nb.figures.curves import RECALL_LEVELS, t_interval
from mmhash_nb.figures.items import item_tags
from mmhash_nb.figures.style import DIFFERENT, MARKS, RIGHT, TRUE_TAG, WRONG
from mmhash_nb.figures.words import retrieved_tags
from mmhash_nb.metrics import precision_recall_ranked
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile

WORDS = ("sky", "water", "cat", "tree", "$5", "snow")
N, QUERIES, BITS = 40, 6, 12


def some_pairs(images: str = "pixels", **changes: object) -> Pairs:
    rng = np.random.default_rng(3)
    labels = rng.random((N, 4)) < 0.3
    labels[np.arange(N), rng.integers(0, 4, N)] = True
    pixels = rng.integers(0, 256, (N, 3, 8, 8), dtype=np.uint8)
    features = rng.standard_normal((N, 9)).astype(np.float32)
    texts = (rng.random((N, len(WORDS))) < 0.4).astype(np.float32)
    order = rng.permutation(N)
    fields: dict = {
        "images": pixels if images == "pixels" else features,
        "texts": texts,
        "labels": labels,
        "label_names": ("sky", "water", "cat", "tree"),
        "query": order[:QUERIES],
        "database": order[QUERIES:],
        "train": order[QUERIES : QUERIES + 10],
        "vocabulary": WORDS,
        "name": "made-up",
    }
    return Pairs(**{**fields, **changes})


def some_codes(seed: int, n: int = N) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {
        side: HashCodes.from_signs(rng.standard_normal((n, BITS)))
        for side in ("image", "text", "joint")
    }


def by_hand(pairs: Pairs, codes: dict[str, HashCodes], task: str, query: int, k: int):
    """Distances and samples by a plain loop, ties by place in the database."""
    one, other = task.split("-")
    rows = []
    for place, sample in enumerate(pairs.database):
        differ = codes[one].signs()[query] != codes[other].signs()[sample]
        rows.append((int(differ.sum()), place, int(sample)))
    rows.sort()
    return [d for d, _, _ in rows[:k]], [s for _, _, s in rows[:k]]


def texts_of(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def framed(axes) -> list[str]:
    return [p.get_gid() for p in axes.patches if p.get_gid() in ("right", "wrong")]


def check_layout(figure) -> None:
    """No two texts overlap, and none leaves the figure."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    unseen = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not axis.axes.axison
        or not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    texts = [
        t
        for t in figure.findobj(Text)
        if t.get_text().strip() and t.get_visible() and t not in unseen
    ]
    boxes = [t.get_window_extent(renderer) for t in texts]
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
        assert inside, f"{text.get_text()!r} leaves the figure"
    for i, a in enumerate(boxes):
        for j in range(i):
            b = boxes[j]
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            # Boxes hold the line's leading too, so a pixel of contact is not seen.
            assert wide <= 1 or high <= 1, f"{texts[i].get_text()!r} on {texts[j].get_text()!r}"


@pytest.mark.parametrize("task", ["image-image", "image-text", "text-image", "joint-joint"])
def test_nearest_equals_a_plain_loop(task: str) -> None:
    pairs, codes = some_pairs(), some_codes(1)
    found = figures.nearest(pairs, codes, task, pairs.query, 9)
    for row, query in enumerate(pairs.query):
        distances, samples = by_hand(pairs, codes, task, query, 9)
        assert found.distances[row].tolist() == distances
        assert found.ids[row].tolist() == samples
        shared = [bool((pairs.labels[query] & pairs.labels[s]).any()) for s in samples]
        assert found.right[row].tolist() == shared


def test_nearest_gives_the_whole_database_where_k_is_larger() -> None:
    pairs = some_pairs()
    found = figures.nearest(pairs, some_codes(1), "image-text", pairs.query[:1], 1000)
    assert sorted(found.ids[0]) == sorted(pairs.database)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"task": "image-sound"}, "task must be query-database.*'image-sound'"),
        ({"task": "joint-image"}, "task must be query-database.*'joint-image'"),
        ({"queries": [N]}, f"query {N} is not one of the {N} samples"),
        ({"k": 0}, "number of results must be at least 1, but is 0"),
        ({"codes": {"image": some_codes(1)["image"]}}, "no text codes; there are image"),
        ({"codes": some_codes(1, n=7)}, f"7 image codes for {N} samples"),
        ({"pairs": some_pairs(database=np.arange(0))}, "made-up has an empty database"),
    ],
)
def test_nearest_says_what_is_wrong(changes: dict, sentence: str) -> None:
    good = {"pairs": some_pairs(), "codes": some_codes(1), "task": "image-text", "queries": [0]}
    with pytest.raises(ValueError, match=sentence):
        figures.nearest(**{**good, "k": 3, **changes})


def test_gallery_shows_the_found_pictures_in_order_with_frames_and_marks() -> None:
    pairs = some_pairs()
    codes = {"mmnn_l2": some_codes(1), "cmssh": some_codes(2)}
    queries = pairs.query[:3]
    figure = figures.gallery(pairs, codes, "text-image", queries, k=5)
    assert len(figure.axes) == 2
    for axes, (method, of) in zip(figure.axes, codes.items(), strict=True):
        assert texts_of(axes)[0].startswith(method)
        shown = [np.asarray(image.get_array()) for image in axes.images]
        samples, relevant, notes = [], [], []
        for query in queries:
            distances, hits = by_hand(pairs, of, "text-image", query, 5)
            right = [bool((pairs.labels[query] & pairs.labels[s]).any()) for s in hits]
            samples += hits
            relevant += right
            notes += [f"{MARKS[r]} {d}" for r, d in zip(right, distances, strict=True)]
        assert len(shown) == 15
        for image, sample in zip(shown, samples, strict=True):
            assert np.array_equal(image, pairs.images[sample].transpose(1, 2, 0))
        lefts = [image.get_extent()[0] for image in axes.images]
        assert lefts[:5] == sorted(lefts[:5]), "nearest stands leftmost"
        assert framed(axes) == ["right" if r else "wrong" for r in relevant]
        assert True in relevant and False in relevant
        colours = {p.get_gid(): to_hex(p.get_edgecolor()) for p in axes.patches if p.get_gid()}
        assert colours == {"right": RIGHT, "wrong": WRONG}
        assert [t for t in texts_of(axes) if t[0] in MARKS.values()] == notes
    check_layout(figure)


def test_gallery_of_texts_shows_captions_as_they_are() -> None:
    captions = [f"caption {i} costs $5 and $6" for i in range(N)]
    pairs = some_pairs(captions=captions)
    codes = some_codes(1)
    figure = figures.gallery(pairs, {"mmnn_l1": codes}, "image-text", pairs.query[:2], k=3)
    written = [t.replace("\n", " ") for t in texts_of(figure.axes[0])]
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[1], 3)
    assert [t for t in written if t.startswith("caption")][3:] == [captions[s] for s in hits]
    check_layout(figure)


def test_gallery_can_show_texts_found_as_their_pictures() -> None:
    pairs, codes = some_pairs(), some_codes(1)
    figure = figures.gallery(
        pairs, {"mmnn_l1": codes}, "image-text", pairs.query[:1], k=4, show="picture"
    )
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[0], 4)
    shown = figure.axes[0].images[1:]
    for image, sample in zip(shown, hits, strict=True):
        assert np.array_equal(image.get_array(), pairs.images[sample].transpose(1, 2, 0))


def test_gallery_of_features_shows_strips_with_label_names() -> None:
    pairs, codes = some_pairs("features"), some_codes(1)
    figure = figures.gallery(pairs, {"ksh": codes}, "image-image", pairs.query[:1], k=4)
    _, hits = by_hand(pairs, codes, "image-image", pairs.query[0], 4)
    shown = figure.axes[0].images[1:]
    for image, sample in zip(shown, hits, strict=True):
        assert np.allclose(image.get_array(), pairs.images[[sample]])
    names = ", ".join(np.array(pairs.label_names)[pairs.labels[hits[0]]])
    assert any(names.startswith(t.rstrip("…,. ")) for t in texts_of(figure.axes[0])[2:])
    check_layout(figure)


def test_thumbnails_stand_for_features() -> None:
    thumbnails = np.random.default_rng(0).integers(0, 256, (N, 3, 5, 5), dtype=np.uint8)
    pairs = some_pairs("features", thumbnails=thumbnails, vocabulary=None)
    codes = some_codes(1)
    figure = figures.gallery(pairs, {"ksh": codes}, "image-text", pairs.query[:1], k=2)
    _, hits = by_hand(pairs, codes, "image-text", pairs.query[0], 2)
    shown = [np.asarray(i.get_array()).transpose(2, 0, 1) for i in figure.axes[0].images]
    assert np.array_equal(shown, thumbnails[[pairs.query[0], *hits]])


@pytest.mark.parametrize("queries", [[], [0]])
def test_gallery_needs_queries_and_methods(queries: list[int]) -> None:
    codes = {} if queries else {"ksh": some_codes(1)}
    with pytest.raises(ValueError, match="at least one query and one method"):
        figures.gallery(some_pairs(), codes, "image-text", queries)


def test_show_pairs_shows_each_pair_once() -> None:
    pairs = some_pairs()
    figure = figures.show_pairs(pairs, [3, 1, 8], columns=2)
    (axes,) = figure.axes
    shown = [np.asarray(image.get_array()).transpose(2, 0, 1) for image in axes.images]
    assert np.array_equal(shown, pairs.images[[3, 1, 8]])
    written = [t.replace("\n", " ") for t in texts_of(axes)]
    assert written[0] == ", ".join(item_tags(pairs, 3))
    assert written[1] == ", ".join(np.array(pairs.label_names)[pairs.labels[3]])
    check_layout(figure)


def test_show_pairs_of_two_descriptors_shows_two_strips() -> None:
    figure = figures.show_pairs(some_pairs("features", vocabulary=None), range(3))
    assert [image.get_array().shape for image in figure.axes[0].images] == [(1, 9), (1, 6)] * 3
    check_layout(figure)


@pytest.mark.parametrize(("wrong", "sentence"), [([], "none was given"), ([N], f"sample {N}")])
def test_show_pairs_says_what_is_wrong(wrong: list[int], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.show_pairs(some_pairs(), wrong)


def test_tags_come_heaviest_first_from_dense_and_sparse_texts() -> None:
    texts = np.zeros((N, len(WORDS)), dtype=np.float32)
    texts[0] = (0, 1, 3, 0, 1, -2)
    for stored in (texts, sparse.csr_matrix(texts)):
        assert item_tags(some_pairs(texts=stored), 0) == ["cat", "water", "$5"]


def test_code_cells_are_red_exactly_where_bits_differ() -> None:
    codes = some_codes(1)["image"]
    query, others = codes[0], codes[:20]
    xor = np.unpackbits(query.bits ^ others.bits, axis=1, count=BITS).astype(bool)
    assert np.array_equal(different_bits(query, others), xor)
    cells = code_cells(query, others)
    red = cells[..., 0] - cells[..., 2] > 0.3
    assert np.array_equal(red, xor)
    ones = np.unpackbits(others.bits, axis=1, count=BITS).astype(bool)
    assert cells[ones].sum(axis=1).max() < cells[~ones].sum(axis=1).min(), "ones are darker"
    assert to_hex(cells[xor & ones][0]) == DIFFERENT


@pytest.mark.parametrize("images", ["pixels", "features"])
def test_descriptor_codes_crosses_exactly_the_bits_that_differ(images: str) -> None:
    pairs, codes = some_pairs(images), some_codes(5)
    query = int(pairs.query[0])
    figure = figures.descriptor_codes(pairs, codes, "text-image", query, k=3)
    (axes,) = figure.axes
    _, hits = by_hand(pairs, codes, "text-image", query, 3)
    strips = [i for i in axes.images if i.get_array().shape == (1, BITS, 3)]
    crosses = [line for line in axes.lines if line.get_gid() == "different"]
    assert len(strips) == len(crosses) == 4
    assert len(crosses[0].get_xdata()) == 0, "the query does not differ from itself"
    for strip, line, sample in zip(strips[1:], crosses[1:], hits, strict=True):
        left, right, *_ = strip.get_extent()
        bits = (np.array(line.get_xdata()) - left) / (right - left) * BITS - 0.5
        expected = np.flatnonzero(codes["text"].signs()[query] != codes["image"].signs()[sample])
        assert np.allclose(bits, expected)
    check_layout(figure)


def test_distance_histogram_counts_relevant_and_other_items() -> None:
    pairs = some_pairs()
    codes = {"mmnn_l1": some_codes(1), "ksh": some_codes(2)}
    figure = figures.distance_histogram(pairs, codes, "image-text")
    assert [axes.get_title() for axes in figure.axes] == list(codes)
    relevant = (
        pairs.labels[pairs.query].astype(int) @ pairs.labels[pairs.database].astype(int).T > 0
    )
    for axes, of in zip(figure.axes, codes.values(), strict=True):
        one, other = of["image"].signs()[pairs.query], of["text"].signs()[pairs.database]
        distances = (one[:, None, :] != other[None, :, :]).sum(axis=2)
        for which, name in ((relevant, "relevant"), (~relevant, "other")):
            counts = np.bincount(distances[which], minlength=BITS + 1)
            (stairs,) = [p for p in axes.patches if str(p.get_label()).startswith(name)]
            assert stairs.get_label() == f"{name} ({counts.sum():,})"
            assert np.allclose(stairs.get_data().values, counts / counts.sum())
    check_layout(figure)


def test_precision_recall_draws_the_metric_one_line_a_method_and_task() -> None:
    pairs = some_pairs()
    codes = {"mmnn_l1": some_codes(1), "ksh": some_codes(2)}
    figure = figures.precision_recall(pairs, codes)
    (axes,) = figure.axes
    assert [line.get_linestyle() for line in axes.lines] == ["-", "--", "-", "--"]
    assert axes.lines[0].get_color() == axes.lines[1].get_color() != axes.lines[2].get_color()
    assert axes.lines[0].get_marker() != axes.lines[2].get_marker()
    of, line = codes["ksh"], axes.lines[3]
    profile = rank_profile(
        of["image"][pairs.query],
        of["text"][pairs.database],
        pairs.labels[pairs.query],
        pairs.labels[pairs.database],
    )
    assert line.get_label() == "ksh, image → text"
    assert np.array_equal(line.get_ydata(), precision_recall_ranked(profile, RECALL_LEVELS))
    assert np.array_equal(line.get_xdata(), RECALL_LEVELS)
    check_layout(figure)


def test_training_curves_show_each_epoch() -> None:
    figure = figures.training_curves({"a": [3.0, 2.0, 1.0], "b": [1.0] * 40, "c": [2.0], "d": [1]})
    assert [axes.get_title() for axes in figure.axes] == ["a", "b", "c", "d"]
    assert figure.axes[0].lines[0].get_xdata().tolist() == [1, 2, 3]
    assert figure.axes[0].lines[0].get_ydata().tolist() == [3.0, 2.0, 1.0]
    check_layout(figure)


def test_map_by_bits_shows_means_intervals_and_seeds() -> None:
    scores = {"a": {8: [0.2, 0.3, 0.4], 32: [0.5, 0.5, 0.8]}, "b": {8: [0.1], 32: [0.2]}}
    figure = figures.map_by_bits(scores, title="made-up")
    (axes,) = figure.axes
    assert [t.get_text() for t in axes.get_xticklabels()] == ["8", "32"]
    curves = [line for line in axes.lines if len(line.get_xdata()) == 2]
    assert np.allclose(curves[0].get_ydata(), [0.3, 0.6])
    intervals = [c for c in axes.collections if isinstance(c, LineCollection)]
    ends = [
        segment[:, 1].tolist() for c in intervals for segment in c.get_segments() if len(segment)
    ]
    assert any(np.allclose(end, t_interval([0.2, 0.3, 0.4])) for end in ends)
    points = np.concatenate([c.get_offsets()[:, 1] for c in axes.collections if c not in intervals])
    assert sorted(points) == [0.1, 0.2, 0.2, 0.3, 0.4, 0.5, 0.5, 0.8]
    check_layout(figure)


def test_t_interval_is_scipys() -> None:
    scores = [0.31, 0.35, 0.28, 0.33]
    low, high = stats.ttest_1samp(scores, 0).confidence_interval(0.95)
    assert t_interval(scores) == pytest.approx((low, high), abs=1e-12)
    assert t_interval([0.4]) == (0.4, 0.4)


def test_tie_bars_show_three_bars_a_method() -> None:
    scores = {"a": (0.1, 0.2, 0.3), "b": (0.5, 0.5, 0.5)}
    figure = figures.tie_bars(scores)
    (axes,) = figure.axes
    widths = [[bar.get_width() for bar in bars] for bars in axes.containers]
    assert np.allclose(np.transpose(widths), list(scores.values()))
    check_layout(figure)
    with pytest.raises(ValueError, match="scores of a must be worst ≤ expected ≤ best"):
        figures.tie_bars({"a": (0.3, 0.2, 0.1)})


@pytest.mark.parametrize("draw", [figures.training_curves, figures.map_by_bits, figures.tie_bars])
def test_curves_of_nothing_are_refused(draw) -> None:
    with pytest.raises(ValueError, match="at least one"):
        draw({})


def test_curves_need_queries() -> None:
    empty = some_pairs(query=np.arange(0))
    with pytest.raises(ValueError, match="need a query"):
        figures.precision_recall(empty, {"a": some_codes(1)})
    with pytest.raises(ValueError, match="needs at least one query"):
        figures.distance_histogram(empty, {"a": some_codes(1)}, "image-text")


def test_word_queries_hold_just_their_words() -> None:
    pairs = some_pairs()
    asked = figures.word_queries(pairs, [["sky", "snow"], ["cat"]])
    assert asked.texts.tolist() == [[1, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]
    assert asked.labels.tolist() == [[True, False, False, False], [False, False, True, False]]
    other = figures.word_queries(pairs, [["snow"]], labels=[["water", "tree"]])
    assert other.labels.tolist() == [[False, True, False, True]]


@pytest.mark.parametrize(
    ("words", "labels", "sentence"),
    [
        ([["dragon"]], None, "'dragon' is not in the vocabulary of made-up"),
        ([["snow"]], None, "none of the words snow is a label"),
        ([["snow"]], [["dragon"]], "'dragon' is not a label"),
    ],
)
def test_word_queries_say_what_is_wrong(words, labels, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        figures.word_queries(some_pairs(), words, labels)


def test_word_gallery_shows_what_each_method_finds_for_the_words() -> None:
    pairs = some_pairs()
    codes = {"cmssh": some_codes(1), "mmnn_l2": some_codes(2)}
    asked = figures.word_queries(pairs, [["sky"], ["cat", "tree"]])
    asked_codes = {m: some_codes(7 + i, n=2)["text"] for i, m in enumerate(codes)}
    figure = figures.word_gallery(pairs, codes, asked, asked_codes, k=3)
    assert len(figure.axes) == 2
    assert texts_of(figure.axes[1])[0] == "query: cat, tree"
    shown = [np.asarray(i.get_array()).transpose(2, 0, 1) for i in figure.axes[1].images]
    expected, relevant = [], []
    for method in codes:
        differ = asked_codes[method].signs()[[1]] != codes[method]["image"].signs()[pairs.database]
        hits = pairs.database[np.argsort(differ.sum(axis=1), kind="stable")[:3]]
        expected += [pairs.images[s] for s in hits]
        relevant += [bool((asked.labels[1] & pairs.labels[s]).any()) for s in hits]
    assert np.array_equal(shown, expected)
    assert framed(figure.axes[1]) == ["right" if r else "wrong" for r in relevant]
    check_layout(figure)


def test_annotation_marks_exactly_the_images_own_tags() -> None:
    pairs, codes = some_pairs(), some_codes(1)
    query = int(pairs.query[0])
    figure = figures.annotation(pairs, {"mmnn_l2": codes}, [query], k=2)
    _, hits = by_hand(pairs, codes, "image-text", query, 2)
    tags = {tag for s in hits for tag in item_tags(pairs, s)}
    (axes,) = figure.axes
    marked = [t for t in axes.texts if t.get_gid() == "true"]
    assert {t.get_text().strip("✓ ,") for t in marked} == tags & set(item_tags(pairs, query))
    assert {t.get_color() for t in marked} == {TRUE_TAG}
    assert {t.get_weight() for t in marked} == {"bold"}
    plain = {t.get_text().rstrip(",") for t in axes.texts if t.get_gid() is None}
    assert tags - set(item_tags(pairs, query)) <= plain
    check_layout(figure)


def test_retrieved_tags_come_by_how_many_texts_share_them() -> None:
    texts = np.zeros((N, len(WORDS)), dtype=np.float32)
    texts[0, [0, 2]] = texts[1, [2, 3]] = texts[2, [2, 3]] = 1
    assert retrieved_tags(some_pairs(texts=texts), np.arange(3)) == ["cat", "tree", "sky"]


def test_many_tags_stay_in_their_box() -> None:
    vocabulary = [f"a-rather-long-tag-{i}" for i in range(60)]
    pairs = some_pairs(texts=np.ones((N, 60), dtype=np.float32), vocabulary=vocabulary)
    figure = figures.annotation(pairs, {"mmnn_l2": some_codes(1)}, pairs.query[:2], most=60)
    assert "…" in texts_of(figure.axes[0])
    check_layout(figure)


def test_annotation_without_words_is_refused() -> None:
    pairs = some_pairs(vocabulary=None)
    with pytest.raises(ValueError, match="made-up has no vocabulary"):
        figures.annotation(pairs, {"mmnn_l2": some_codes(1)}, pairs.query[:1])


def test_saving_writes_both_files_and_the_same_bytes_again(tmp_path) -> None:
    for folder in ("a", "b"):
        figure = figures.gallery(some_pairs(), {"ksh": some_codes(1)}, "image-image", [0, 1], k=3)
        figures.save(figure, tmp_path / folder / "figure.v1")
    names = sorted(path.name for path in (tmp_path / "a").iterdir())
    assert names == ["figure.v1.pdf", "figure.v1.png"]
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    image = Image.open(tmp_path / "a" / "figure.v1.png")
    assert np.allclose(image.size, figure.get_size_inches() * 200, atol=1)
    assert (tmp_path / "a" / "figure.v1.pdf").read_bytes().startswith(b"%PDF")
    assert b"CreationDate" not in (tmp_path / "a" / "figure.v1.pdf").read_bytes()


def test_a_failed_save_keeps_the_earlier_file(tmp_path, monkeypatch) -> None:
    figures.save(figures.tie_bars({"a": (0.1, 0.2, 0.3)}), tmp_path / "ties")
    before = (tmp_path / "ties.pdf").read_bytes()
    figure = figures.tie_bars({"b": (0.1, 0.2, 0.3)})
    drawn = figure.savefig

    def disk_full(target, **options):
        if str(target).endswith(".pdf"):
            target.write_bytes(b"half a file")
            raise OSError("No space left on device")
        drawn(target, **options)

    monkeypatch.setattr(figure, "savefig", disk_full)
    with pytest.raises(OSError, match="No space"):
        figures.save(figure, tmp_path / "ties")
    assert (tmp_path / "ties.pdf").read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["ties.pdf", "ties.png"]


def test_png_has_the_figures_size_and_colours() -> None:
    figure = figures.show_pairs(some_pairs(), range(7), columns=3)
    image = Image.open(io.BytesIO(figures.png(figure))).convert("RGB")
    assert np.allclose(image.size, figure.get_size_inches() * 100, atol=1)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    left, _, _, top = figure.axes[0].images[0].get_extent()
    corner = image.getpixel((int(left * 100) + 4, int(top * 100) + 4))
    assert np.abs(np.array(corner) - some_pairs().images[0][:, 0, 0]).max() < 40


def test_a_figure_shows_in_jupyter_once(monkeypatch) -> None:
    shown = []
    monkeypatch.setattr(
        "mmhash_nb.figures.style.display", lambda data, raw: shown.append((data, raw))
    )
    figure = figures.tie_bars({"a": (0.1, 0.2, 0.3)})
    data, _ = DisplayFormatter().format(figure)
    assert data == {}, "the figure has shown itself; the formatter adds nothing"
    assert len(shown) == 1 and set(shown[0][0]) == {"image/png", "text/plain"}
    assert shown[0][0]["image/png"] == figures.png(figure)


def test_drawing_leaves_pyplot_and_settings_alone() -> None:
    before = dict(matplotlib.rcParams)
    figures.gallery(some_pairs(), {"ksh": some_codes(1)}, "image-image", [0])
    figures.map_by_bits({"a": {8: [0.1, 0.2]}})
    figures.distance_histogram(some_pairs(), {"ksh": some_codes(1)}, "image-image")
    assert pyplot.get_fignums() == []
    assert dict(matplotlib.rcParams) == before


def test_the_font_has_the_marks() -> None:
    font = FT2Font(matplotlib.font_manager.findfont("DejaVu Sans", fallback_to_default=False))
    for letter in "✓✗×→…–·":
        assert font.get_char_index(ord(letter)), f"DejaVu Sans lacks {letter}"


def test_colours_of_right_and_wrong_stay_apart_for_colour_blind_readers() -> None:
    """Luminance differs or blue does, also after the red and green channels are merged."""

    def merged(colour: str) -> np.ndarray:
        r, g, b = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
        return np.array([(r + g) / 2, b])

    assert np.abs(merged(RIGHT) - merged(WRONG)).max() > 0.5


def test_scenes_pictures_keep_their_labels_apart() -> None:
    pairs = scenes.load(n=60)
    codes = {"random": some_codes(3, n=len(pairs))}
    check_layout(figures.show_pairs(pairs, pairs.query[:10]))
    for task in ("image-text", "text-image"):
        check_layout(figures.gallery(pairs, codes, task, pairs.query[:3], k=5))
    check_layout(figures.annotation(pairs, codes, pairs.query[:3]))
    both = dataclasses.replace(pairs, modality_names=("image", "tags"))
    check_layout(figures.descriptor_codes(both, codes["random"], "text-image", pairs.query[0]))
