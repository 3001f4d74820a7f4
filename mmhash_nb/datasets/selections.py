"""What was read of a dataset as pairs: texts as numbers, and the split of a paper's protocol."""

from collections.abc import Mapping

import numpy as np

from mmhash_nb.datasets.community import Found
from mmhash_nb.datasets.splits import Protocol, Split
from mmhash_nb.features.text import bag_of_words
from mmhash_nb.pairs import Pairs

#: the protocol that takes files as they are, whatever their counts
FILES = "files"
_DISPLAY = {"bof": "BoF", "none": "no image", "vgg": "VGG", "pixels": "image"}


def protocol_of(dataset: str, protocols: Mapping[str, Protocol], name: str) -> Protocol:
    """The protocol of a name; for `files` the first, whose numbers are the defaults.

    Raises:
        ValueError: there is none of that name.
    """
    if name != FILES and name not in protocols:
        known = ", ".join([*protocols, FILES])
        raise ValueError(f"protocol of {dataset} is one of {known}, not {name!r}.")
    return protocols.get(name) or next(iter(protocols.values()))


def assemble(
    dataset: str,
    found: Found,
    images: str,
    protocol: Protocol,
    name: str,
    *,
    split_seed: int,
    n_query: int | None,
    n_train: int | None,
    text_name: str = "Tags",
) -> Pairs:
    """Pairs with the split of a protocol, which `source` names beside what was read.

    Labels and tags that the files do not name are numbered.

    Args:
        images: the value of the option, for what the image modality is called.
        protocol: gives the split; name: its own. With `files` the files' split is taken, where
            they have one and no number is given.
        split_seed: draws the split; n_query, n_train: other numbers than the paper's.
        text_name: what the text modality is called.

    Raises:
        ValueError: too few samples for the split.
    """
    names = found.label_names
    if names is None or len(names) != found.labels.shape[1]:
        names = [f"label {i}" for i in range(found.labels.shape[1])]
    split: Split | None = None
    how = f"{name}, split_seed {split_seed}"
    if name == FILES and n_query is None and n_train is None and found.split is not None:
        split, how = found.split, "split of the files"
    if split is None:
        usable = np.setdiff1d(np.arange(len(found.labels)), found.twins)
        drawn = protocol.split(found.labels[usable], names, split_seed, n_query, n_train)
        split = (usable[drawn[0]], usable[drawn[1]], usable[drawn[2]])
    query, database, train = split
    texts, vocabulary = found.tags, found.vocabulary
    if texts is not None and vocabulary is None:
        vocabulary = [f"tag {i}" for i in range(texts.shape[1])]
    if texts is None:
        assert found.captions is not None
        fit_on = np.union1d(database, train)
        texts, vocabulary = bag_of_words(found.captions, fit_on=fit_on, max_words=protocol.words)
    return Pairs(
        images=found.images,
        texts=texts,
        labels=found.labels,
        label_names=names,
        query=query,
        database=database,
        train=train,
        captions=found.captions,
        vocabulary=vocabulary,
        modality_names=(_DISPLAY[images], text_name),
        name=dataset,
        source=f"{found.source}; {how}",
    )


def most_frequent(labels: np.ndarray, n: int) -> np.ndarray:
    """The `n` columns of `labels` (0/1 `[N, C]`) with the most ones, `int64 [n]`, in file order.

    Of two equally frequent columns the first is taken.
    """
    counts = labels.sum(axis=0, dtype=np.int64)
    return np.sort(np.argsort(-counts, kind="stable")[:n])
