"""`scenes`: the embedded dataset, pictures of everyday things with Flickr-like tags.

What the concepts are is in `concepts.py`; how they are drawn, in `rendering.py`.
"""

from pathlib import Path
from typing import Literal

import numpy as np

from mmhash_nb.datasets.about import DISPLAY, check_option
from mmhash_nb.datasets.concepts import (
    CONCEPT_WORDS,
    CONCEPTS,
    LABEL_NAMES,
    OTHER_WORDS,
    SETTING,
    SETTING_WORDS,
    VOCABULARY,
)
from mmhash_nb.datasets.patterns import SHAPES, TEXTURES
from mmhash_nb.datasets.rendering import COLOURS, Draws, Objects, random_objects, render
from mmhash_nb.features import describe
from mmhash_nb.pairs import Pairs

SEED = 2014
MOST = 100_000  # pictures; each takes 16 kB


def _looks() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shape, texture and colour of each concept as indices, `[24]`, and its RGB, `[24, 3]`."""
    shape = np.array([SHAPES.index(c.shape) for c in CONCEPTS])
    texture = np.array([list(TEXTURES).index(c.texture) for c in CONCEPTS])
    colour = np.array([list(COLOURS).index(c.colour) for c in CONCEPTS])
    rgb = np.array([np.add(COLOURS[c.colour], c.shift) for c in CONCEPTS])
    return shape, texture, colour, rgb


def unnamed_things() -> np.ndarray:
    """Every combination of shape, texture and colour that is no concept, int `[M, 3]`."""
    shape, texture, colour, _ = _looks()
    taken = set(zip(shape.tolist(), texture.tolist(), colour.tolist(), strict=True))
    sizes = (len(SHAPES), len(TEXTURES), len(COLOURS))
    return np.array([thing for thing in np.ndindex(*sizes) if thing not in taken])


# Corners and middle: neighbours overlap a little, and the middle overlaps all of them.
_POSITIONS = np.array([(18, 18), (46, 18), (18, 46), (46, 46), (32, 32)])
_HOW_MANY = np.array([30, 45, 25])  # of one, two and three concepts in a picture
_FREQUENT = np.array([4 + i * 7 % 5 for i in range(len(CONCEPTS))])  # 4..8: some things are rarer
_AT_HOME = 6  # how many times likelier a thing is in the setting it belongs to


def random_positions(draws: Draws) -> list[np.ndarray]:
    """A random order of the positions for each picture, int `[N, 2]` each."""
    keys = np.stack([draws.integers(0, 1 << 30) for _ in _POSITIONS], axis=1)
    return list(_POSITIONS[np.argsort(keys, axis=1, kind="stable")].transpose(1, 0, 2))


def unnamed_objects(
    draws: Draws, present: np.ndarray, at: np.ndarray, radius: tuple[int, int]
) -> tuple[Objects, np.ndarray]:
    """A layer of things that are no concept, and their attributes int `[N, 3]`."""
    things = unnamed_things()
    thing = things[draws.integers(0, len(things))]
    rgb = np.array(list(COLOURS.values()))[thing[:, 2]]
    return random_objects(draws, present, thing[:, 0], thing[:, 1], rgb, at, radius), thing


def draw_pictures(n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The first `n` pictures: pixels `uint8 [n, 3, 64, 64]`, labels `bool [n, 24]`, masks `bool`.

    A mask `[n, 64, 64]` is True where a concept is seen; things that are no concept, behind or in
    front of the concepts, are not in it.
    """
    samples = np.arange(n)
    draws = Draws(SEED, samples)
    shape, texture, _, rgb = _looks()
    setting = draws.weighted(
        np.array([_FREQUENT[k == SETTING].sum() for k in range(len(SETTING_WORDS))])
    )
    at_home = np.where(setting[:, None] == SETTING, _AT_HOME, 1) * _FREQUENT  # [n, 24]
    positions = random_positions(draws)
    how_many = 1 + draws.weighted(_HOW_MANY)
    labels = np.zeros((n, len(CONCEPTS)), dtype=bool)
    layers = [unnamed_objects(draws, draws.integers(0, 4) > 0, positions[3], (20, 28))[0]]
    for slot in range(3):
        concept = draws.weighted(np.where(labels, 0, at_home))
        present = slot < how_many
        labels[present, concept[present]] = True
        look = (shape[concept], texture[concept], rgb[concept])
        layers.append(random_objects(draws, present, *look, positions[slot], (19, 29)))
    layers.append(unnamed_objects(draws, draws.integers(0, 4) > 0, positions[4], (18, 25))[0])
    pictures, owners = render(SEED + 1, samples, setting, layers)
    return pictures, labels, (owners >= 1 + 1) & (owners <= 3 + 1)


def draw_tags(labels: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Noisy tags for pictures of these labels: `float32 [N, V]` of 0 and 1, and captions.

    One concept in four is left out. Another gets one to three words: of the concept (the commonest
    most often) or of its setting. One picture in three has a word of something that is not there.
    Every picture has words about the photo, of Zipf frequency.
    """
    n = len(labels)
    draws = Draws(SEED + 2, np.arange(n))
    column = {word: i for i, word in enumerate(VOCABULARY)}
    of_concept = np.array([[column[word] for word in words] for words in CONCEPT_WORDS])  # [24, 6]
    shared = np.array([[column[word] for word in words] for words in SETTING_WORDS])  # [6, 4]
    other = np.array([column[word] for word in OTHER_WORDS])
    often = np.array([6, 4, 3, 3, 2, 2])
    zipf = 100_000 // (np.arange(len(other)) + 4)
    tags = np.zeros((n, len(VOCABULARY)), dtype=bool)
    rows = np.arange(n)
    named: list[list[str]] = [[] for _ in range(n)]
    about: list[list[str]] = [[] for _ in range(n)]

    def tag(who: np.ndarray, word: np.ndarray, words_of: list[list[str]] | None = None) -> None:
        tags[rows[who], word[who]] = True
        if words_of is not None:
            for row in rows[who]:
                words_of[row].append(VOCABULARY[word[row]])

    for concept in range(len(CONCEPTS)):
        left_out = draws.integers(0, 4) == 0
        words = 1 + draws.weighted(np.array([4, 4, 1]))
        for turn in range(3):
            broader = draws.integers(0, 4) == 0
            general = shared[SETTING[concept], draws.integers(0, shared.shape[1])]
            word = np.where(broader, general, of_concept[concept, draws.weighted(often)])
            who = labels[:, concept] & ~left_out & (turn < words)
            tag(who, word, named if turn == 0 else None)
    stray = draws.integers(0, 3) == 0
    tag(stray, of_concept[draws.integers(0, len(CONCEPTS)), draws.weighted(often)])
    count = draws.integers(2, 8)
    for turn in range(7):
        tag(turn < count, other[draws.weighted(zipf)], about if turn < 2 else None)
    pattern = draws.integers(0, 3).tolist()
    captions = [_caption(*parts) for parts in zip(pattern, named, about, strict=True)]
    return tags.astype(np.float32), captions


def _caption(pattern: int, named: list[str], about: list[str]) -> str:
    """A sentence of what the tags say, and no more than they say."""
    things = " and ".join(dict.fromkeys(named)) or "untitled"
    photo = ", ".join(dict.fromkeys(about))
    text = (f"{things} ({photo})", f"{photo}: {things}", f"{things}, {photo}")[pattern]
    return text[0].upper() + text[1:] + "."


def load(
    root: str | Path | None = None,
    *,
    images: Literal["pixels", "gist", "hog"] = "pixels",
    texts: Literal["tags", "gist", "hog"] = "tags",
    n: int = 4000,
    split_seed: int = 0,
) -> Pairs:
    """The embedded dataset: `n` pairs, a tenth queries, the rest the database, half of all train.

    Args:
        root: not used; the pictures are drawn, not read.
        images: `pixels`, `uint8 [n, 3, 64, 64]`, or a descriptor of them, `float32 [n, d]`.
        texts: `tags`, a binary bag of words, or a second descriptor of the images.
        n: how many; the first pairs are the same for every `n`.
        split_seed: which random split.

    Raises:
        ValueError: where an option has a value that does not exist.
    """
    check_option("scenes", "images", images, ("pixels", "gist", "hog"))
    check_option("scenes", "texts", texts, ("tags", "gist", "hog"))
    if not isinstance(n, int | np.integer) or not 20 <= n <= MOST:
        raise ValueError(f"scenes cannot draw n={n!r} pairs: give an integer from 20 to {MOST}.")
    if not isinstance(split_seed, int | np.integer) or split_seed < 0:
        raise ValueError(f"scenes has no split_seed={split_seed!r}: give an integer of 0 or more.")
    pixels, labels, masks = draw_pictures(int(n))
    tags, captions = draw_tags(labels)
    order = np.argsort(Draws(split_seed, np.arange(n)).integers(0, 1 << 32), kind="stable")
    queries = n // 10
    return Pairs(
        images=describe(pixels, images),
        texts=tags if texts == "tags" else describe(pixels, texts),
        labels=labels,
        label_names=LABEL_NAMES,
        query=np.sort(order[:queries]),
        database=np.sort(order[queries:]),
        train=np.sort(order[queries : queries + n // 2]),
        captions=captions,
        masks=masks,
        thumbnails=pixels,
        vocabulary=VOCABULARY if texts == "tags" else None,
        modality_names=(DISPLAY[images], DISPLAY.get(texts, texts)),
        name="scenes",
        source=f"drawn: seed {SEED}, n {n}, split {split_seed}",
    )
