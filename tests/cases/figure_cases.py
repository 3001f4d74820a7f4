"""Made-up pairs and codes, a plain-loop search, and a layout check, for tests of pictures."""

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from mmhash_nb.codes import HashCodes
from mmhash_nb.pairs import Pairs

HISTORY = np.array([[9.0, 5.0, 4.0, 0.5], [6.0, 4.0, 2.0, 0.2], [5.0, 3.5, 1.5, 0.0]])
WORDS = ("sky", "water", "cat", "tree", "$5", "snow")
N, QUERIES, BITS = 40, 6, 12
C = 7  # channels of attention


def some_pairs(images: str = "pixels", **changes: object) -> Pairs:
    rng = np.random.default_rng(3)
    labels = rng.random((N, 4)) < 0.3
    labels[np.arange(N), rng.integers(0, 4, N)] = True
    pixels = rng.integers(0, 256, (N, 3, 8, 8), dtype=np.uint8)
    features = rng.standard_normal((N, 9)).astype(np.float32)
    texts = (rng.random((N, len(WORDS))) < 0.4).astype(np.float32)
    order = rng.permutation(N)
    fields: dict = {
        "images": pixels if images == "pixels" else features,
        "texts": texts,
        "labels": labels,
        "label_names": ("sky", "water", "cat", "tree"),
        "query": order[:QUERIES],
        "database": order[QUERIES:],
        "train": order[QUERIES : QUERIES + 10],
        "vocabulary": WORDS,
        "name": "made-up",
    }
    return Pairs(**{**fields, **changes})


def some_codes(seed: int, n: int = N) -> dict[str, HashCodes]:
    rng = np.random.default_rng(seed)
    return {
        side: HashCodes.from_signs(rng.standard_normal((n, BITS)))
        for side in ("image", "text", "joint")
    }


def some_attention(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Weights `[n, C]` whose rows sum to one, and maps `[n, C, 2, 4]`."""
    rng = np.random.default_rng(seed)
    weights = rng.dirichlet(np.ones(C), size=n)
    return weights, rng.random((n, C, 2, 4))


def some_masks(n: int = 3, height: int = 8, width: int = 12) -> dict:
    rng = np.random.default_rng(5)
    objects = np.zeros((n, height, width), dtype=bool)
    objects[:, 1:5, 2:9] = True
    return {
        "images": rng.integers(0, 256, (n, 3, height, width), dtype=np.uint8),
        "masks": rng.random((n, 2, 4)) < 0.5,
        "objects": objects,
        "titles": [f"picture {i}" for i in range(n)],
    }


def some_game(steps: int = 60, seed: int = 0, every: int = 4) -> np.ndarray:
    values = np.random.default_rng(seed).random((steps, 3)) + np.arange(3)
    values[np.arange(steps) % every != every - 1, 2] = np.nan
    return values


def some_latents(n: int = 30, bits: int = 16):
    rng = np.random.default_rng(0)
    codes = rng.choice([-1, 1], (n, bits))
    mean = 0.8 * codes + 0.7 * rng.normal(size=(n, bits))
    return mean, rng.uniform(0.3, 1.2, (n, bits)), codes


def one_task_each() -> dict:
    return {
        m: (some_codes(seed), task)
        for seed, (m, task) in enumerate(
            {"dpsh": "image-image", "texthash": "text-text", "mah": "joint-joint"}.items()
        )
    }


def by_hand(pairs: Pairs, codes: dict[str, HashCodes], task: str, query: int, k: int):
    """Distances and samples by a plain loop, ties by the lot that is always the same."""
    one, other = task.split("-")
    rows = []
    for place, sample in enumerate(np.random.default_rng(0).permutation(pairs.database)):
        differ = codes[one].signs()[query] != codes[other].signs()[sample]
        rows.append((int(differ.sum()), place, int(sample)))
    rows.sort()
    return [d for d, _, _ in rows[:k]], [s for _, _, s in rows[:k]]


def texts_of(axes) -> list[str]:
    return [text.get_text() for text in axes.texts]


def framed(axes) -> list[str]:
    return [p.get_gid() for p in axes.patches if p.get_gid() in ("right", "wrong")]


def check_layout(figure) -> None:
    """No two texts overlap, and none leaves the figure."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    unseen = {
        label
        for axes in figure.axes
        for axis in (axes.xaxis, axes.yaxis)
        for tick in axis.get_major_ticks()
        for label in (tick.label1, tick.label2)
        if not axis.axes.axison
        or not min(axis.get_view_interval()) <= tick.get_loc() <= max(axis.get_view_interval())
    }
    texts = [
        t
        for t in figure.findobj(Text)
        if t.get_text().strip() and t.get_visible() and t not in unseen
    ]
    # Letters alone: an annotation's own extent has the line to what it names, too.
    boxes = [Text.get_window_extent(t, renderer) for t in texts]
    width, height = figure.get_size_inches() * figure.dpi
    for text, box in zip(texts, boxes, strict=True):
        inside = box.x0 > -1 and box.y0 > -1 and box.x1 < width + 1 and box.y1 < height + 1
        assert inside, f"{text.get_text()!r} leaves the figure"
    for i, a in enumerate(boxes):
        for j in range(i):
            b = boxes[j]
            wide = min(a.x1, b.x1) - max(a.x0, b.x0)
            high = min(a.y1, b.y1) - max(a.y0, b.y0)
            # Boxes hold the line's leading too, so a pixel of contact is not seen.
            assert wide <= 1 or high <= 1, f"{texts[i].get_text()!r} on {texts[j].get_text()!r}"
