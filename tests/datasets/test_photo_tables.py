"""What Flipkart and Flickr8k share: photos in a table, and what may be wrong with them."""

import numpy as np
import pytest
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


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("index.csv", "id2,photo2.jpg,2", "id2,photo2.jpg", "line 4 of .* has 4 fields, but the h"),
        ("index.csv", "id2,photo2.jpg", "id2,photo2.jpg,x", "line 4 of .* has 6 fields, but the"),
        ("index.csv", "id2,", ",", r"line 4 of .* has no uniq_id: fill it in or remove the line"),
        (
            "index.csv",
            "photo2.jpg",
            "photo1.jpg",
            r"line 4 of .* names photo1\.jpg, as does line 3",
        ),
        (
            "index.csv",
            "id2,",
            "other,",
            r"line 4 of .* names product other, but .*1050\.csv has no",
        ),
        (
            "index.csv",
            "id2,",
            '"id2,',
            r"index\.csv is no whole CSV file in UTF-8 \(.*\): get it a",
        ),
        ("index.csv", None, b"", r"index\.csv has no column 'uniq_id' .it has none"),
        (
            "index.csv",
            None,
            b"uniq_id,image,label_name,sub_label_name\n",
            "has a header and no rows",
        ),
        ("index.csv", None, b"uniq_id,\xff\xfe", r"index\.csv is no whole CSV file in UTF-8"),
        (flickr8k.CONCEPTS, "photo2.jpg,1", "photo2.jpg,2", r"line 4 of .* has '2' for dog: write"),
        (flickr8k.CONCEPTS, "photo2.jpg,1", "photo2.jpg,", r"line 4 of .* has '' for dog: write 0"),
        (flickr8k.CONCEPTS, "image,", "name,", r"has no column 'image' \(it has name, dog, snow\)"),
        (flickr8k.CONCEPTS, "photo2.jpg", "photo1.jpg", r"line 4 of .* names photo1\.jpg, as does"),
        (flickr8k.CONCEPTS, None, b"image\nphoto0.jpg\n", "has no column but image: add one for e"),
        (flickr8k.CONCEPTS, None, b"image,dog\nphoto0.jpg,0\n", "gives no photo a concept"),
        (flickr8k.CAPTIONS, ",caption", ",text", r"captions\.txt has no column 'caption'"),
        (flickr8k.CAPTIONS, "photo2.jpg", "photoX.jpg", r"captions\.txt has no caption of photo2"),
        (flickr8k.CAPTIONS, "Snow falls .", "", r"line 14 of .*captions\.txt has no caption: fill"),
    ],
)
def test_what_is_wrong_in_a_table_names_file_and_line(tmp_path, file, old, new, message):
    name = "flipkart" if file == flipkart.INDEX else "flickr8k"
    path = WRITE[name](tmp_path) / file
    if old is None:
        path.write_bytes(new)
    else:
        content = path.read_text()
        assert old in content
        path.write_text(content.replace(old, new, 1 if name == "flipkart" else -1))
    with pytest.raises(ValueError, match=message):
        load(name, tmp_path, n_query=3)
