"""How well attention finds the objects of an image (zhang2018).

The paper shows eight masks (Fig. 6) and measures none. Here masks are scored against known object
regions, beside masks of equal area that know nothing of the image.
"""

import math
from collections.abc import Mapping
from typing import Literal

import numpy as np
import pandas as pd

from mmhash_nb.pairs import check_array

Control = Literal["random", "centre"]


def mask_scores(mask: np.ndarray, weight: np.ndarray, objects: np.ndarray) -> pd.DataFrame:
    """How well the attended region of each image is its object region.

    Args:
        mask: attended cells, `bool [N, h, w]` (Eq. 1); each cell is enlarged to the pixels of
            its part of the image.
        weight: attention of each cell, `float [N, h, w]` (P of Eq. 1).
        objects: object pixels, `bool [N, H, W]`; H and W are multiples of h and w.

    Returns:
        A row an image, by its number; images without object pixels are left out. Fractions 0..1:

        - `IoU`: pixels both attended and object, of those that are either;
        - `recall`: object pixels that are attended;
        - `precision`: attended pixels that are object, NaN where no cell is attended;
        - `pointing`: whether at least half of the cell of largest weight is object (the pointing
          game); of tied cells, the share that are;
        - `area`: attended pixels.

    Raises:
        ValueError: arrays do not fit, or no image has object pixels.
    """
    counts, pixels = _object_pixels(mask, objects)
    if weight.shape != mask.shape or not np.isfinite(weight).all():
        shapes = f"{list(mask.shape)}, but is {list(weight.shape)}"
        raise ValueError(f"weight must be finite and of the mask's shape {shapes}.")
    flat = mask.reshape(counts.shape)
    return _table(counts, pixels, flat, _iou(flat, counts, pixels), weight.reshape(counts.shape))


def control_scores(
    mask: np.ndarray, objects: np.ndarray, control: Control, draws: int = 20, seed: int = 0
) -> pd.DataFrame:
    """What `mask_scores` has on average for masks chosen without a look at the image.

    They have as many cells as `mask` in each image. `recall`, `precision` and `pointing` are exact
    expectations; `IoU` is a mean over draws.

    Args:
        mask, objects: as for `mask_scores`.
        control: `random`, cells drawn at random, that points at any; or `centre`, those nearest to
            the middle of the map, the last ones drawn from those at equal distance.
        draws: masks an image; seed: of the draws.

    Raises:
        ValueError: as `mask_scores`, or there is no such control or no draw.
    """
    counts, pixels = _object_pixels(mask, objects)
    if control not in ("random", "centre"):
        raise ValueError(f"there is no control {control!r}: choose random or centre.")
    if draws < 1:
        raise ValueError(f"draws must be at least 1, but is {draws}.")
    # Twice the distances to the middle, so that they and their ties are whole numbers.
    down, across = (2 * np.arange(n) + 1 - n for n in mask.shape[1:])
    distance = np.add.outer(down**2, across**2).ravel() * (control == "centre")
    # For each cell, how many are nearer and how many as near; draws order the latter.
    nearer = (distance < distance[:, None]).sum(axis=1)
    tied = (distance == distance[:, None]).sum(axis=1)
    rng = np.random.default_rng(seed)
    drawn = (strongest_mask(mask, -nearer - rng.random(counts.shape)) for _ in range(draws))
    iou = np.mean([_iou(one.reshape(counts.shape), counts, pixels) for one in drawn], axis=0)
    # Where some of the cells at equal distance are attended, each of them is as likely.
    likely = np.clip((mask.sum(axis=(1, 2))[:, None] - nearer) / tied, 0, 1)  # [N, h w]
    return _table(counts, pixels, likely, iou, np.broadcast_to(-nearer, counts.shape))


def strongest_mask(mask: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """As many cells as `mask` has in each image, those of largest strength, `bool [N, h, w]`.

    Args:
        mask: attended cells, `bool [N, h, w]`.
        strength: `float [N, h, w]`, or `[N, h w]`, such as the length of the features at each cell:
            what a look at the map finds without any training. Of equal ones the first are taken.
    """
    rank = np.argsort(np.argsort(-strength.reshape(len(mask), -1), axis=1, kind="stable"), axis=1)
    return rank.reshape(mask.shape) < mask.sum(axis=(1, 2))[:, None, None]


def cell_size(mask: np.ndarray, height: int, width: int) -> tuple[int, int]:
    """How many pixels down and across a cell of masks `[N, h, w]` has in an image.

    Raises:
        ValueError: height and width are not multiples of h and w.
    """
    h, w = mask.shape[1:]
    if not h or not w or height % h or width % w:
        sides = f"{height} x {width} pixels must be multiples of the masks' {h} x {w} cells"
        raise ValueError(f"the images' {sides}, but are not.")
    return height // h, width // w


def enlarged(pixels: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Pixels `[..., H, W]`, each repeated, so that H and W are multiples of a mask's `[N, h, w]`.

    Where they are already, nothing changes.
    """
    (h, w), (height, width) = mask.shape[1:], pixels.shape[-2:]
    tall = pixels.repeat(h // math.gcd(h, height), axis=-2)
    return tall.repeat(w // math.gcd(w, width), axis=-1)


def by_seed(scores: Mapping[str, Mapping[int, pd.DataFrame]]) -> pd.DataFrame:
    """The mean over images, or texts, of each seed's scores.

    Args:
        scores: for each row to come (`attended`, `untrained`, `random`, `centre`), tables of scores
            by seed. The difference of two such tables is a row too, paired by image.

    Returns:
        Rows `region, seed`; columns `scored`, how many images, and the scores.
    """
    means = {
        (region, seed): {"scored": len(table), **table.mean()}
        for region, seeds in scores.items()
        for seed, table in seeds.items()
    }
    index = pd.MultiIndex.from_tuples(list(means), names=["region", "seed"])
    return pd.DataFrame(list(means.values()), index=index)


def _object_pixels(mask: np.ndarray, objects: np.ndarray) -> tuple[np.ndarray, int]:
    """How many pixels of each cell are object, `int [N, h w]`, and how many pixels it has."""
    for name, array in (("mask", mask), ("objects", objects)):
        check_array(name, array, np.bool_, len(mask), "height", "width")
    down, across = cell_size(mask, *objects.shape[1:])
    cells = objects.reshape(len(mask), mask.shape[1], down, mask.shape[2], across)
    counts = cells.sum(axis=(2, 4)).reshape(len(mask), -1)
    if not counts.any():
        raise ValueError(f"none of the {len(mask)} images has object pixels to be found.")
    return counts, down * across


def _iou(mask: np.ndarray, counts: np.ndarray, pixels: int) -> np.ndarray:
    shared = (counts * mask).sum(axis=1)
    either = pixels * mask.sum(axis=1) + counts.sum(axis=1) - shared
    return shared / np.maximum(either, 1)  # images of neither are left out later


def _table(
    counts: np.ndarray, pixels: int, likely: np.ndarray, iou: np.ndarray, weight: np.ndarray
) -> pd.DataFrame:
    """The scores of images with object pixels; `likely` is the chance that a cell is attended."""
    total, area, shared = counts.sum(1), pixels * likely.sum(1), (counts * likely).sum(1)
    best = weight == weight.max(axis=1, keepdims=True)
    hit = 2 * counts >= pixels
    columns = {
        "IoU": iou,
        "recall": shared / np.maximum(total, 1),
        "precision": shared / np.where(area > 0, area, np.nan),
        "pointing": (hit & best).sum(axis=1) / best.sum(axis=1),
        "area": area / (pixels * counts.shape[1]),
    }
    return pd.DataFrame(columns)[total > 0]
