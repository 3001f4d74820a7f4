"""What Flipkart and Flickr8k share: photos in a table, and what may be wrong with them."""

import numpy as np
import pytest
from table_cases import table_rows
from test_flickr8k import write_flickr8k
from test_flipkart import write_flipkart

from mmhash_nb.datasets import flickr8k, flipkart, load, photo_tables
from mmhash_nb.datasets.about import about

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
        ("images", "pixels, gist, hog, hog_colour", WRITE),
        ("texts", "bow, sentences", WRITE),
        ("labels", "class, both", ["flipkart"]),
        ("images", "none, vgg, pixels", ["mirflickr25k"]),
        ("images", "gist, hog, hog_colour, pixels", ["cifar10"]),
        ("texts", "hog, hog_colour, gist", ["cifar10"]),
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
    ("name", "table"),
    [(name, file) for name in WRITE for file in about(name)["files"] if file != "images/"],
)
def test_a_missing_table_is_named(tmp_path, name, table):
    (WRITE[name](tmp_path) / table).unlink()
    with pytest.raises(FileNotFoundError, match=rf"^{name} has no {table} in {tmp_path}/{name}"):
        load(name, tmp_path)


@pytest.mark.parametrize(("file", "old", "new", "message"), table_rows("wrong_photo_tables"))
def test_what_is_wrong_in_a_table_names_file_and_line(tmp_path, file, old, new, message):
    name = "flipkart" if file == flipkart.INDEX else "flickr8k"
    path = WRITE[name](tmp_path) / file
    if not old:
        path.write_bytes(new.encode("latin-1"))
    else:
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1 if name == "flipkart" else -1))
    with pytest.raises(ValueError, match=message):
        load(name, tmp_path, n_query=3)


def test_a_text_in_a_table_may_be_a_book(tmp_path):
    (tmp_path / "a.csv").write_text("image,text\n1.jpg," + "word " * 40_000)
    _, rows = photo_tables.table(tmp_path / "a.csv", ("image", "text"))
    assert len(rows[2]["text"]) == 200_000
