"""Pictures about tags: images found by a few words, and words found for an image."""

import dataclasses
from collections import Counter
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from mmhash_nb.codes import HashCodes
from mmhash_nb.figures import items
from mmhash_nb.figures.galleries import Block, draw_blocks
from mmhash_nb.figures.nearest import MethodCodes, Nearest, nearest, search, side_codes
from mmhash_nb.figures.style import INK, MARKS, TRUE_TAG, Picture, axes_in_inches, themed
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_SIZE = 7.5
_LINE_HEIGHT = 0.155


def word_queries(
    pairs: Pairs,
    words: Sequence[Sequence[str]],
    labels: Sequence[Sequence[str]] | None = None,
) -> Pairs:
    """Made-up texts that hold just the given words once each, to be encoded as text queries.

    Args:
        pairs: the dataset whose vocabulary and labels they use.
        words: for each query its words, all in the vocabulary.
        labels: for each query the label names that make a result right; those of its words that
            are label names where None.

    Returns:
        one sample a query, all in the `query` split; their images are zeros and stand for nothing.

    Raises:
        ValueError: on a word that is not in the vocabulary or a query without any label.
    """
    if pairs.vocabulary is None:
        raise ValueError(f"{pairs.name} has no vocabulary: queries of words need one.")
    columns = {word: column for column, word in enumerate(pairs.vocabulary)}
    classes = {name: column for column, name in enumerate(pairs.label_names)}
    if labels is None:
        labels = [[word for word in some if word in classes] for some in words]
    texts = np.zeros((len(words), len(columns)), dtype=np.float32)
    wanted = np.zeros((len(words), len(classes)), dtype=bool)
    for q, (some, names) in enumerate(zip(words, labels, strict=True)):
        for word in some:
            if word not in columns:
                raise ValueError(f"{word!r} is not in the vocabulary of {pairs.name}.")
            texts[q, columns[word]] = 1
        for name in names:
            if name not in classes:
                raise ValueError(f"{name!r} is not a label of {pairs.name}.")
            wanted[q, classes[name]] = True
        if not wanted[q].any():
            raise ValueError(
                f"none of the words {', '.join(some)} is a label of {pairs.name}: "
                "say in `labels` what makes a result right."
            )
    return dataclasses.replace(
        pairs,
        images=np.zeros((len(words), *pairs.images.shape[1:]), dtype=pairs.images.dtype),
        texts=texts,
        labels=wanted,
        query=np.arange(len(words)),
        database=np.arange(0),
        train=np.arange(0),
        captions=[", ".join(some) for some in words],
        masks=None,
        thumbnails=None,
    )


@themed()
def word_gallery(
    pairs: Pairs,
    codes: MethodCodes,
    queries: Pairs,
    query_codes: dict[str, HashCodes],
    k: int = 5,
) -> Figure:
    """Images found by queries of a few words, the methods under each other (masci2014, Fig. 4).

    Args:
        codes: for each method and modality, codes of all samples; their `image` side is searched.
        queries: what `word_queries` gave.
        query_codes: for each method, its text codes of `queries`.
        k: images for each query and method.
    """
    if not queries.captions or not codes:
        raise ValueError("a gallery needs at least one query of words and one method.")
    found = [
        search(pairs, side_codes(pairs, of, "image"), query_codes[method], queries.labels, k)
        for method, of in codes.items()
    ]
    names = [field.name for field in dataclasses.fields(Nearest)]
    columns = [np.stack([getattr(one, name) for one in found], axis=1) for name in names]
    blocks = [
        # Of each column [Q, methods, k] the rows of one query.
        Block(
            f"query: {words}",
            [in_print(m) for m in codes],
            Nearest(*(column[q] for column in columns)),
        )
        for q, words in enumerate(queries.captions)
    ]
    return draw_blocks(pairs, blocks, "text-image")


@themed()
def annotation(
    pairs: Pairs,
    codes: MethodCodes,
    queries: Sequence[int] | np.ndarray,
    k: int = 5,
    most: int = 30,
) -> Figure:
    """Tags for an image, collected from its `k` nearest texts (masci2014, Fig. 5).

    The image stands on the left. Tags that most of the found texts share come first; those that
    the image itself carries are green, bold and marked ✓.

    Args:
        pairs: the dataset, with a vocabulary.
        codes: for each method and modality, codes of all samples.
        queries: sample indices.
        k: texts to collect from.
        most: tags to show.
    """
    if len(queries) == 0 or not codes:
        raise ValueError("annotation needs at least one query and one method.")
    width, height = items.CELL[items.view_of(pairs, "image")]
    words_width = 4.6
    row = height + 0.36
    block = 0.3 + row * len(queries)
    total = width + words_width + 0.4
    figure = Picture(total, block * len(codes))
    for m, (method, of) in enumerate(codes.items()):
        axes = axes_in_inches(figure, 0.1, m * block, total - 0.2, block)
        items.write(
            axes, in_print(method), (0, 0.02, total, 0.26), size=9, align="left", weight="bold"
        )
        found = nearest(pairs, of, "image-text", queries, k)
        for r, query in enumerate(queries):
            top = 0.3 + r * row
            box = (0.02, top, width, height)
            items.draw_item(axes, pairs, int(query), "image", box)
            items.frame(axes, box, INK)
            if items.view_of(pairs, "image") == "picture":
                name = (0, top + height + 0.02, width + 0.1, 0.3)
                items.write(axes, items.label_text(pairs, int(query)), name, size=6, lines=2)
            tags = retrieved_tags(pairs, found.ids[r])[:most]
            true_tags = set(items.item_tags(pairs, int(query)))
            _flow(axes, tags, true_tags, (width + 0.2, top, words_width, row - 0.08))
    return figure


def retrieved_tags(pairs: Pairs, samples: np.ndarray) -> list[str]:
    """The tags of some samples, those that most of them carry first, then by nearest sample."""
    counts: Counter[str] = Counter()
    for sample in samples:
        counts.update(items.item_tags(pairs, int(sample)))
    return [tag for tag, _ in counts.most_common()]


def _flow(axes: Axes, tags: list[str], true_tags: set[str], box: items.Box) -> None:
    """Write tags line by line; those in `true_tags` in green, bold and marked."""
    left, top, width, height = box
    canvas = axes.figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    renderer = canvas.get_renderer()
    x, line = left, 0
    for n, tag in enumerate(tags):
        words = tag + ("," if n + 1 < len(tags) else "")
        how = {"color": INK}
        if tag in true_tags:
            words = f"{MARKS[True]} {words}"
            how = {"color": TRUE_TAG, "weight": "bold", "gid": "true"}
        y = top + (line + 0.5) * _LINE_HEIGHT
        text = axes.text(x, y, words, size=_SIZE, va="center", parse_math=False, **how)  # type: ignore[arg-type]
        wide = text.get_window_extent(renderer).width / axes.figure.dpi
        if x + wide > left + width and x > left:
            x, line = left, line + 1
            if (line + 1) * _LINE_HEIGHT > height:
                text.set_text("…")
                return
            text.set_position((x, top + (line + 0.5) * _LINE_HEIGHT))
        x += wide + 0.06
