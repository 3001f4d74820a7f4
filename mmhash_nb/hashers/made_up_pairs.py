"""A few made-up pairs that any method can learn from."""

import numpy as np

from mmhash_nb.pairs import Pairs


def made_up_pairs(view: str) -> Pairs:
    """48 pairs of three classes, 12 queries and 24 training samples, of `pixels` or `vectors`."""
    rng = np.random.default_rng(3)
    which = np.arange(48) % 3
    likely = np.where(np.arange(24) // 8 == which[:, None], 0.6, 0.1)
    texts = (rng.random((48, 24)) < likely).astype(np.float32)
    texts[:, -1] = 1  # no text is empty
    if view == "pixels":
        colours = rng.uniform(60, 200, (3, 3))[which][:, :, None, None]
        noise = 25 * rng.standard_normal((48, 3, 32, 32))
        images: np.ndarray = (colours + noise).clip(0, 255).astype(np.uint8)
    else:
        centres = 3 * rng.standard_normal((3, 20))
        images = (centres[which] + rng.standard_normal((48, 20))).astype(np.float32)
    return Pairs(
        images=images,
        texts=texts,
        labels=np.eye(3, dtype=bool)[which],
        label_names=["first", "second", "third"],
        query=np.arange(12),
        database=np.arange(12, 48),
        train=np.arange(12, 36),
        name="made-up pairs",
    )
