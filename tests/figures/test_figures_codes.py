"""Pictures of codes and words: exactly the differing bits, exactly the own tags."""

import numpy as np
import pytest
from figure_cases import (
    BITS,
    WORDS,
    N,
    by_hand,
    check_layout,
    framed,
    some_codes,
    some_pairs,
    texts_of,
)
from matplotlib.colors import to_hex
from scipy import sparse

from mmhash_nb import figures
from mmhash_nb.figures.code_pictures import code_cells, different_bits
from mmhash_nb.figures.items import item_tags
from mmhash_nb.figures.style import DIFFERENT, TRUE_TAG
from mmhash_nb.figures.tag_retrieval import retrieved_tags


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


def test_word_queries_hold_just_their_words() -> None:
    pairs = some_pairs()
    queries = figures.word_queries(pairs, [["sky", "snow"], ["cat"]])
    assert queries.texts.tolist() == [[1, 0, 0, 0, 0, 1], [0, 0, 1, 0, 0, 0]]
    assert queries.labels.tolist() == [[True, False, False, False], [False, False, True, False]]
    other = figures.word_queries(pairs, [["snow"]], labels=[["water", "tree"]])
    assert other.labels.tolist() == [[False, True, False, True]]


def test_word_gallery_shows_what_each_method_finds_for_the_words() -> None:
    pairs = some_pairs()
    codes = {"cmssh": some_codes(1), "mmnn_l2": some_codes(2)}
    queries = figures.word_queries(pairs, [["sky"], ["cat", "tree"]])
    query_codes = {m: some_codes(7 + i, n=2)["text"] for i, m in enumerate(codes)}
    figure = figures.word_gallery(pairs, codes, queries, query_codes, k=3)
    assert len(figure.axes) == 2
    assert texts_of(figure.axes[1])[0] == "query: cat, tree"
    shown = [np.asarray(i.get_array()).transpose(2, 0, 1) for i in figure.axes[1].images]
    expected, relevant = [], []
    for method in codes:
        lot = np.random.default_rng(0).permutation(pairs.database)
        differ = query_codes[method].signs()[[1]] != codes[method]["image"].signs()[lot]
        hits = lot[np.argsort(differ.sum(axis=1), kind="stable")[:3]]
        expected += [pairs.images[s] for s in hits]
        relevant += [bool((queries.labels[1] & pairs.labels[s]).any()) for s in hits]
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
