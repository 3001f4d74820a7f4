import csv

import numpy as np
import pytest
from on_disk import needs
from PIL import Image
from table_cases import table_rows

from mmhash_nb.datasets import flipkart, load

CLASSES = ["Watches", "Baby Care", "Computers"]
SUBS = ["Small", "Large"]


def write_csv(path, header, rows):
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_flipkart(root, n=24):
    """A small set in the layout of the real one: product i has class i % 3 and sub-class i % 2."""
    folder = root / "flipkart"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    index, products = [], []
    for i in range(n):
        name, sub = CLASSES[i % 3], SUBS[i % 2]
        pixels = rng.integers(0, 256, (20 + i, 30, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"photo{i}.jpg", quality=95)
        index.append([f"id{i}", f"photo{i}.jpg", CLASSES.index(name), name, sub])
        described = f"nice, {name.split()[0]}\nword{i}"
        products.append([f"id{i}", f"Product {i}", described, f"leak{i % 3}"])
    header = ["uniq_id", "image", "label", "label_name", "sub_label_name"]
    write_csv(folder / "index.csv", header, index)
    header = ["uniq_id", "product_name", "description", "product_category_tree"]
    # products in another order, and one more than the index names
    more = ["id99", "Absent", "without photo", ""]
    write_csv(folder / flipkart.PRODUCTS, header, [more, *reversed(products)])
    return folder


def test_photos_texts_and_labels_are_those_of_the_files(tmp_path):
    write_flipkart(tmp_path)
    pairs = load("flipkart", tmp_path, size=16, n_query=6)
    assert pairs.name == "flipkart" and len(pairs) == 24
    assert pairs.images.shape == (24, 3, 16, 16) and pairs.images.dtype == np.uint8
    assert pairs.label_names == ["Baby Care", "Computers", "Watches"]
    named = [pairs.label_names[i] for i in pairs.labels.argmax(axis=1)]
    assert named == [CLASSES[i % 3] for i in range(24)]
    assert pairs.captions == [f"Product {i}" for i in range(24)]
    # a word of one product only is no word of the vocabulary, and the category never is
    assert pairs.vocabulary == ("baby", "computers", "nice", "product", "watches")
    assert pairs.texts[:3].tolist() == [[0, 0, 1, 1, 1], [1, 0, 1, 1, 0], [0, 1, 1, 1, 0]]
    np.testing.assert_array_equal(pairs.thumbnails, pairs.images)
    assert pairs.source == "24 of 25 listed products have a photo"


def test_queries_are_drawn_by_class(tmp_path):
    write_flipkart(tmp_path)
    pairs = load("flipkart", tmp_path, size=8, n_query=6)
    assert pairs.labels[pairs.query].sum(axis=0).tolist() == [2, 2, 2]


def test_sub_classes_are_further_labels(tmp_path):
    write_flipkart(tmp_path)
    plain = load("flipkart", tmp_path, size=8, n_query=6)
    pairs = load("flipkart", tmp_path, size=8, n_query=6, labels="both")
    assert pairs.name == "flipkart_sub"
    assert pairs.label_names[:4] == ["Baby Care", "Computers", "Watches", "Baby Care / Large"]
    assert len(pairs.label_names) == 3 + 6 and (pairs.labels.sum(axis=1) == 2).all()
    np.testing.assert_array_equal(pairs.query, plain.query)
    shared = pairs.labels.astype(int) @ pairs.labels.T.astype(int)
    expected = [(i % 3 == 0) * (1 + (i % 2 == 0)) for i in range(24)]
    assert shared[0].tolist() == expected


def test_descriptors_keep_the_photos_as_thumbnails(tmp_path):
    write_flipkart(tmp_path, n=12)
    pairs = load("flipkart", tmp_path, images="hog", size=160, n_query=3)
    assert pairs.images.shape == (12, 486) and pairs.modality_names == ("HOG", "text")
    assert pairs.thumbnails.shape == (12, 3, 128, 128)


@pytest.mark.parametrize(("changes", "message"), table_rows("wrong_flipkart_numbers"))
def test_numbers_out_of_range_are_refused(tmp_path, changes, message):
    write_flipkart(tmp_path)
    with pytest.raises(ValueError, match=message):
        load("flipkart", tmp_path, **{"n_query": 6} | changes)


@pytest.mark.parametrize(
    ("name", "column"),
    [
        *(("index.csv", column) for column in flipkart.COLUMNS),
        *((flipkart.PRODUCTS, c) for c in ("uniq_id", "product_name", "description")),
    ],
)
def test_a_missing_column_names_it_and_those_there_are(tmp_path, name, column):
    path = write_flipkart(tmp_path) / name
    header, rest = path.read_text().split("\n", 1)
    path.write_text(",".join("x" if c == column else c for c in header.split(",")) + "\n" + rest)
    with pytest.raises(ValueError, match=rf"{name} has no column '{column}' \(it has .*x"):
        load("flipkart", tmp_path, n_query=6)


@needs(flipkart)
def test_the_real_files():
    pairs = load("flipkart")
    assert pairs.images.shape == (1047, 3, 128, 128)
    assert (len(pairs.query), len(pairs.database), len(pairs.train)) == (200, 847, 847)
    assert pairs.labels.sum(axis=0).tolist() == [149, 150, 150, 150, 148, 150, 150]
    assert pairs.labels[pairs.query].sum(axis=0).tolist() == [28, 29, 29, 28, 28, 29, 29]
    assert pairs.label_names[6] == "Watches"
    assert pairs.captions[0] == "Elegance Polyester Multicolor Abstract Eyelet Door Curtain"
    assert 1_800 < len(pairs.vocabulary) <= 2_000 and pairs.texts.any(axis=1).all()
    both = load("flipkart", labels="both")
    assert both.labels.shape == (1047, 7 + 62)
    assert "Watches / Wrist Watches" in both.label_names
