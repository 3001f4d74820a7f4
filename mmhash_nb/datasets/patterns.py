"""Shapes, textures and backdrops as integer functions of position, by their names."""

import math
from collections.abc import Callable

import numpy as np

# 256 sin(k pi / 32) for the first quarter turn; the rest of the circle follows by symmetry.
_QUARTER = [0, 25, 50, 74, 98, 121, 142, 162, 181, 198, 213, 226, 237, 245, 251, 255, 256]
_TURN = [*_QUARTER, *_QUARTER[-2::-1], *(-s for s in _QUARTER[1:] + _QUARTER[-2:0:-1])]
SINE = np.array(_TURN, dtype=np.int32)
_ROOT = np.array([math.isqrt(i << 4) for i in range(1 << 15)], dtype=np.int32)


def _length(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _ROOT[np.minimum((u * u + v * v) >> 4, len(_ROOT) - 1)]


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # Five half-planes; a point of the star lies inside at least four of them.
    planes = [(u * SINE[k * 64 // 5] - v * SINE[(k * 64 // 5 + 16) % 64] >> 8) for k in range(5)]
    return np.sort(np.stack(planes), axis=0)[3] * 9 // 4 + 40


def _speckle(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    cell = (u // 44 + 50) * 3947 + (v // 44 + 50) * 7331 + phase * 977
    return (cell % 4096 * 40503 >> 8) % 7 < 2


def _flurry(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    side = 16 * (7 + period)
    shifted = x + 97 * (y // side)  # rows of flakes do not line up
    return ((shifted % side - 48) ** 2 + (y % side - 48) ** 2) < 32 * 32


Pattern = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]

# A gauge is below 256 inside its shape and grows outwards, so that its last stretch is the rim.
GAUGES: dict[str, Callable[[np.ndarray, np.ndarray], np.ndarray]] = {
    "disc": _length,
    "ring": lambda u, v: 2 * abs(_length(u, v) - 186) + 96,
    "crescent": lambda u, v: np.maximum(_length(u, v) * 15 // 16, 470 - _length(u - 130, v + 60)),
    "triangle": lambda u, v: np.maximum(v + 60, (abs(u) * 229 - v * 114 >> 8) + 116),
    "square": lambda u, v: np.maximum(abs(u), abs(v)) * 5 // 4,
    "star": _star,
    "leaf": lambda u, v: np.maximum(_length(u, v + 190), _length(u, v - 190)) * 7 // 10 + 24,
    "dome": lambda u, v: np.maximum(_length(u, v - 60) * 15 // 16, v + 130),
}
TEXTURES: dict[str, Pattern] = {
    "plain": lambda u, v, phase: np.zeros(u.shape, dtype=bool),
    "stripes": lambda u, v, phase: (u + phase) // 70 & 1 == 1,
    "checker": lambda u, v, phase: ((u + phase) // 92 + (v + phase) // 92) & 1 == 1,
    "dots": lambda u, v, phase: (
        ((u + phase) % 140 - 70) ** 2 + ((v + phase) % 140 - 70) ** 2 < 42 * 42
    ),
    "rings": lambda u, v, phase: (_length(u, v) + phase // 4) // 62 & 1 == 1,
    "speckle": _speckle,
}
# What lies behind the objects: a table cloth, dunes, trunks, waves, tiles, flakes.
BACKDROPS: dict[str, Pattern] = {
    "cloth": lambda x, y, period: x // (16 * (4 + period)) + y // (16 * (4 + period)) & 1,
    "dunes": lambda x, y, period: (x + y) // (16 * (7 + period)) & 1,
    "trunks": lambda x, y, period: (x // (16 * (3 + period)) & 1) + 0 * y,
    "waves": lambda x, y, period: (y + 3 * SINE[x // 16 * 4 % 64] // 16) // (16 * (3 + period)) & 1,
    "tiles": lambda x, y, period: (x % (16 * (13 + period)) < 32) | (y % (16 * (13 + period)) < 32),
    "flurry": _flurry,
}
SHAPES = tuple(GAUGES)
