"""Small made-up pairs that several tests share."""

import numpy as np

from mmhash_nb.pairs import Pairs


def gaussian_clusters(
    noise: float, n: int = 160, classes: int = 4, d: int = 20, v: int = 12
) -> Pairs:
    """Gaussian clusters, other centres in each modality; 30 queries, 80 training samples."""
    rng = np.random.default_rng(7)
    which = np.arange(n) % classes
    views = [rng.normal(size=(classes, w))[which] + noise * rng.normal(size=(n, w)) for w in (d, v)]
    return Pairs(
        images=views[0].astype(np.float32),
        texts=views[1].astype(np.float32),
        labels=np.eye(classes, dtype=bool)[which],
        label_names=[f"class {c}" for c in range(classes)],
        query=np.arange(30),
        database=np.arange(30, n),
        train=np.arange(30, 110),
        name="clusters",
    )


def pictures(n: int = 48, classes: int = 3, words: int = 6) -> Pairs:
    """Noisy stripes and bags of words, both told apart by class; 12 queries, 36 training samples.

    A class has `words` words of its own, and as many are in the texts of all classes.
    """
    rng = np.random.default_rng(3)
    which = np.arange(n) % classes
    stripes = np.sin(np.arange(32) * (1 + which[:, None]) / 2)[:, None, None, :]  # [n, 1, 1, 32]
    colours = rng.uniform(-1, 1, (classes, 3))[which][:, :, None, None]
    noise = rng.normal(size=(n, 3, 32, 32))
    columns = np.arange(words * (classes + 1)) // words
    likely = np.where(columns == which[:, None], 0.6, np.where(columns == classes, 0.4, 0.02))
    return Pairs(
        images=(128 + 40 * stripes + 40 * colours + 20 * noise).clip(0, 255).astype(np.uint8),
        texts=(rng.random(likely.shape) < likely).astype(np.float32),
        labels=np.eye(classes, dtype=bool)[which],
        label_names=[f"class {c}" for c in range(classes)],
        query=np.arange(12),
        database=np.arange(12, n),
        train=np.arange(12, n),
        name="pictures",
    )
