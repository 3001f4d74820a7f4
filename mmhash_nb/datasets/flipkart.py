"""Flipkart: 1,047 product photos with names and descriptions, 7 classes and 62 sub-classes."""

import os
from functools import partial
from pathlib import Path

import numpy as np

from mmhash_nb.datasets import about, photo_tables
from mmhash_nb.datasets.about import check_option
from mmhash_nb.pairs import Pairs

find = partial(about.find, "flipkart")
PRODUCTS, INDEX = "flipkart_com-ecommerce_sample_1050.csv", "index.csv"
COLUMNS = ("uniq_id", "image", "label_name", "sub_label_name")
LABELS = ("class", "both")


def load(
    root: str | os.PathLike[str],
    *,
    images: str = "pixels",
    size: int = 128,
    labels: str = "class",
    texts: str = "bow",
    split_seed: int = 0,
    n_query: int = 200,
) -> Pairs:
    """A sample of the public Flipkart product crawl: one photo and an English text per product.

    The text is the product's name and description; its category path and its address, which give
    the label away, are not read. Queries are drawn in proportion to the classes; all other products
    are both database and training set, and choose the vocabulary. No paper reports on this set.

    Sellers list one product many times: with the defaults, 44 of the 200 queries have exactly the
    bag of words of some database product and 5 exactly the photo, so scores are easier than those
    of sets without near duplicates.

    Args:
        root: the folder that holds `flipkart/`.
        images, size, texts, split_seed, n_query: as for `flickr8k.load`.
        labels: `class`, the 7 classes; or `both`, those and the 62 sub-classes as further labels,
            so that two products of the same class share one label and of the same sub-class two.
            The name of the pairs is then `flipkart_sub`.

    Raises: as `flickr8k.load`.
    """
    check_option("flipkart", "labels", labels, LABELS)
    folder = photo_tables.required("flipkart", Path(root), images, texts)
    index, products = folder / INDEX, folder / PRODUCTS
    _, rows = photo_tables.table(index, COLUMNS)
    paths = photo_tables.photo_paths(index, rows, folder)
    _, listed = photo_tables.table(products, ("uniq_id", "product_name", "description"))
    product_of = {row["uniq_id"]: row for row in listed.values()}
    for line, row in rows.items():
        if row["uniq_id"] not in product_of:
            raise ValueError(
                f"line {line} of {index} names product {row['uniq_id']}, but {products} has none "
                "of that uniq_id: get both again."
            )
    chosen = [product_of[row["uniq_id"]] for row in rows.values()]
    columns, names, classes = _labels([*rows.values()], labels)
    query, rest = photo_tables.split(len(rows), n_query, split_seed, classes)
    return photo_tables.assemble(
        paths,
        [f"{product['product_name']} {product['description']}" for product in chosen],
        query,
        rest,
        images=images,
        size=size,
        texts=texts,
        labels=columns,
        label_names=names,
        captions=[product["product_name"] for product in chosen],
        name="flipkart" if labels == "class" else "flipkart_sub",
        source=f"{len(rows):,} of {len(listed):,} listed products have a photo",
    )


def _labels(rows: list[dict[str, str]], labels: str) -> tuple[np.ndarray, list[str], np.ndarray]:
    """Labels `bool [N, C]`, their names, and the class of each row, `int64 [N]`."""
    of_class = [row["label_name"] for row in rows]
    names, classes = np.unique(of_class, return_inverse=True)
    columns = classes[:, None] == np.arange(len(names))
    if labels == "class":
        return columns, names.tolist(), classes
    of_sub = [f"{row['label_name']} / {row['sub_label_name']}" for row in rows]
    sub_names, sub_classes = np.unique(of_sub, return_inverse=True)
    sub_columns = sub_classes[:, None] == np.arange(len(sub_names))
    return np.hstack([columns, sub_columns]), [*names.tolist(), *sub_names.tolist()], classes
