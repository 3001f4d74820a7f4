"""What the explorer finds equals the index, the rank profile and a plain loop."""

import numpy as np
import pytest
from explorer_cases import in_plain_words
from figure_cases import N, by_hand, some_codes, some_pairs
from hypothesis import given, settings
from hypothesis import strategies as st

from mmhash_nb.codes import HammingIndex, HashCodes
from mmhash_nb.explorer.search import (
    Database,
    Query,
    directions,
    in_words,
    nearest_direction,
    search,
)
from mmhash_nb.ranking import rank_profile


@settings(max_examples=40)
@given(
    st.integers(1, 130),
    st.integers(1, 25),
    st.integers(1, 70),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_an_answer_is_what_index_and_rank_profile_say(n_bits, k, n_labels, only_mistakes, seed):
    rng = np.random.default_rng(seed)
    labels = rng.random((N, n_labels)) < 0.5 / n_labels
    labels[np.arange(N), rng.integers(0, n_labels, N)] = True
    pairs = some_pairs(labels=labels, label_names=[str(i) for i in range(n_labels)])
    # Few distinct codes, so that many distances are tied.
    signs = rng.standard_normal((5, n_bits))[rng.integers(0, 5, N)]
    codes = {"image": HashCodes.from_signs(signs), "text": HashCodes.from_signs(signs[::-1])}
    query = int(pairs.query[seed % len(pairs.query)])
    code = codes["image"][query]
    database = Database(pairs, codes, "text")
    found = search("", "image-text", database, code, labels[query], k, only_mistakes)

    lot = np.random.default_rng(0).permutation(pairs.database)
    keys = codes["text"][lot]
    distances, places = HammingIndex(keys).search(code, len(keys))
    right = (labels[lot[places[0]]] & labels[query]).any(axis=1)
    shown = np.flatnonzero(~right | (not only_mistakes))[:k]
    assert found.ids.tolist() == lot[places[0, shown]].tolist()
    assert found.distances.tolist() == distances[0, shown].tolist()
    assert found.right.tolist() == right[shown].tolist()
    assert found.codes == codes["text"][found.ids] and found.query_code == code
    profile = rank_profile(code, keys, labels[[query]], labels[lot])
    assert found.relevant.tolist() == profile.relevant[0].tolist()
    assert (found.other + found.relevant).tolist() == profile.items[0].tolist()


def test_without_labels_nothing_is_judged() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    database = Database(pairs, codes, "text")
    found = search("", "image-text", database, codes["image"][3], None, 7)
    distances, samples = by_hand(pairs, codes, "image-text", 3, 7)
    assert (found.distances.tolist(), found.ids.tolist()) == (distances, samples)
    assert found.right is None and found.relevant is None
    assert found.other.sum() == len(pairs.database)
    with pytest.raises(ValueError, match="the query has none"):
        search("", "image-text", database, codes["image"][3], None, 7, only_mistakes=True)


def test_bad_questions_get_a_sentence() -> None:
    pairs, codes = some_pairs(), some_codes(4)
    database = Database(pairs, codes, "text")
    longer = HashCodes.from_bits(np.ones((1, 30)))
    with pytest.raises(ValueError, match="the query has 30 bits but the database 12"):
        search("", "image-text", database, longer, None, 7)
    with pytest.raises(ValueError, match="must be at least 1, but is 0"):
        search("", "image-text", database, codes["image"][3], None, 0)
    with pytest.raises(ValueError, match="made-up has an empty database"):
        Database(some_pairs(database=np.arange(0)), codes, "text")
    with pytest.raises(ValueError, match="there are no unified codes"):
        Database(pairs, codes, "unified")
    for sample in (-1, N):
        with pytest.raises(ValueError, match=f"query {sample} is not one of the {N}"):
            Query.of(pairs, sample)


def test_directions_cross_only_where_codes_compare() -> None:
    both = {side: some_codes(1)[side] for side in ("image", "text")}
    assert directions("mmnn_l2", both)[:2] == ["image-text", "text-image"]
    assert directions("ksh", both) == ["image-image", "text-text"]
    assert directions("random", {"joint": both["image"]}) == ["joint-joint"]
    assert directions("mmnn_l2", {"image": both["image"]}) == ["image-image"]
    learned = both | {"unified": both["image"]}
    assert directions("cmfh", learned) == [
        *("image-text", "text-image", "image-unified", "text-unified"),
        *("image-image", "text-text"),
    ]


@pytest.mark.parametrize(
    ("asked", "offered", "chosen"),
    [
        ("image-text", ["text-text", "image-image", "image-text"], "image-text"),
        ("image-text", ["text-text", "image-image"], "image-image"),
        ("image-text", ["joint-joint"], "joint-joint"),
        ("joint-joint", ["text-text", "image-image"], "text-text"),
    ],
)
def test_a_second_method_is_asked_what_is_nearest(asked, offered, chosen) -> None:
    assert nearest_direction(asked, offered) == chosen


def test_words_name_samples_distances_and_what_is_relevant() -> None:
    pairs, codes, query = some_pairs(), some_codes(4), 11
    database, labels = Database(pairs, codes, "text"), pairs.labels[query]
    code = codes["image"][query]
    for k, known, mistakes in ((5, labels, False), (2, labels, True), (1, None, False)):
        found = search("", "image-text", database, code, known, k, mistakes)
        what = "mistakes" if mistakes else "samples"
        words = in_plain_words(pairs, codes["text"], code, k, known, mistakes)
        assert in_words(found) == f"Nearest {what} (distance): {words}"
        assert k < 5 or 0 < found.right.sum() < 5
    found = search("", "image-text", database, code, ~labels | labels, 2, True)
    assert in_words(found) == "No mistakes: all items of the database are relevant."
