"""What Flipkart and Flickr8k share: photos in a table, and what may be wrong with them."""

import numpy as np
import pytest
from test_flickr8k import write_flickr8k
from test_flipkart import write_flipkart

from mmhash_nb.datasets import flickr8k, flipkart, load, photo_tables

WRITE = {"flickr8k": write_flickr8k, "flipkart": write_flipkart}


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("flickr8k", "The first of 0 , a dog . Snow falls ."),
        ("flipkart", "Product 0 nice, Watches\nword0"),
    ],
)
def test_sentence_embeddings_instead_of_words(tmp_path, monkeypatch, name, first):
    WRITE[name](tmp_path, n=12)
    seen = []

    def embed(written):
        seen.extend(written)
        return np.ones((len(written), 256), dtype=np.float32)

    monkeypatch.setattr(photo_tables, "sentence_embeddings", embed)
    pairs = load(name, tmp_path, size=8, n_query=3, texts="sentences")
    assert pairs.texts.shape == (len(pairs), 256) and pairs.vocabulary is None
    assert seen[0] == first and not any("leak" in text for text in seen)


@pytest.mark.parametrize(("name", "n"), [("flickr8k", 11), ("flipkart", 12)])
def test_the_split_is_seeded_and_the_rest_is_database_and_training_set(tmp_path, name, n):
    WRITE[name](tmp_path, n=12)
    pairs = load(name, tmp_path, size=8, n_query=3)
    np.testing.assert_array_equal(pairs.database, pairs.train)
    assert len(pairs.query) == 3 and sorted([*pairs.query, *pairs.database]) == list(range(n))
    assert load(name, tmp_path, size=8, n_query=3).fingerprint == pairs.fingerprint
    others = [load(name, tmp_path, size=8, n_query=3, split_seed=s) for s in (1, 2)]
    assert any(other.query.tolist() != pairs.query.tolist() for other in others)


@pytest.mark.parametrize(
    ("option", "known", "names"),
    [
        ("images", "pixels, gist, hog", WRITE),
        ("texts", "bow, sentences", WRITE),
        ("labels", "class, both", ["flipkart"]),
    ],
)
def test_an_unknown_value_names_the_known_ones(tmp_path, option, known, names):
    for name in names:
        with pytest.raises(ValueError, match=f"{option} of {name} are one of {known}, not 'x'"):
            load(name, tmp_path, **{option: "x"})


@pytest.mark.parametrize(
    ("name", "table"), [("flickr8k", flickr8k.CONCEPTS), ("flipkart", flipkart.INDEX)]
)
@pytest.mark.parametrize("content", [b"", b"no image", None, "absent"])
def test_a_missing_or_broken_photo_is_named(tmp_path, name, table, content):
    path = WRITE[name](tmp_path) / "images" / "photo3.jpg"
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2] if content in (None, "absent") else content)
    if content == "absent":
        path.unlink()
        with pytest.raises(FileNotFoundError, match=rf"line 5 of .*{table} names photo3\.jpg, but"):
            load(name, tmp_path, n_query=6)
        return
    with pytest.raises(ValueError, match=r"photo3\.jpg is no (whole )?picture.*: get it again\.$"):
        load(name, tmp_path, n_query=6)


@pytest.mark.parametrize(
    ("module", "table"),
    [(module, table) for module in (flickr8k, flipkart) for table in module.TABLES],
)
def test_a_missing_table_is_named(tmp_path, module, table):
    name = module.__name__.rpartition(".")[2]
    (WRITE[name](tmp_path) / table).unlink()
    with pytest.raises(FileNotFoundError, match=rf"^{name} has no {table} in {tmp_path}/{name}"):
        load(name, tmp_path)
