"""Shapes, textures and backdrops as integer functions of position."""

import math
from collections.abc import Callable

import numpy as np

SHAPES = ("disc", "ring", "crescent", "triangle", "square", "star", "leaf", "dome")
TEXTURES = ("plain", "stripes", "checker", "dots", "rings", "speckle")
# What lies behind the objects: a table cloth, dunes, trunks, waves, tiles, flakes.
BACKDROPS = ("cloth", "dunes", "trunks", "waves", "tiles", "flurry")

# 256 sin(k pi / 32) for the first quarter turn; the rest of the circle follows by symmetry.
_QUARTER = [0, 25, 50, 74, 98, 121, 142, 162, 181, 198, 213, 226, 237, 245, 251, 255, 256]
_TURN = [*_QUARTER, *_QUARTER[-2::-1], *(-s for s in _QUARTER[1:] + _QUARTER[-2:0:-1])]
SINE = np.array(_TURN, dtype=np.int32)
_ROOT = np.array([math.isqrt(i << 4) for i in range(1 << 15)], dtype=np.int32)


def _length(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return _ROOT[np.minimum((u * u + v * v) >> 4, len(_ROOT) - 1)]


# A gauge is below 256 inside its shape and grows outwards, so that its last stretch is the rim.
def _ring(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return 2 * abs(_length(u, v) - 186) + 96


def _crescent(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(_length(u, v) * 15 // 16, 470 - _length(u - 130, v + 60))


def _triangle(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(v + 60, (abs(u) * 229 - v * 114 >> 8) + 116)


def _square(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(abs(u), abs(v)) * 5 // 4


def _star(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    # Five half-planes; a point of the star lies inside at least four of them.
    planes = [(u * SINE[k * 64 // 5] - v * SINE[(k * 64 // 5 + 16) % 64] >> 8) for k in range(5)]
    return np.sort(np.stack(planes), axis=0)[3] * 9 // 4 + 40


def _leaf(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(_length(u, v + 190), _length(u, v - 190)) * 7 // 10 + 24


def _dome(u: np.ndarray, v: np.ndarray) -> np.ndarray:
    return np.maximum(_length(u, v - 60) * 15 // 16, v + 130)


_Gauge = Callable[[np.ndarray, np.ndarray], np.ndarray]
GAUGES: list[_Gauge] = [_length, _ring, _crescent, _triangle, _square, _star, _leaf, _dome]


def _plain(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    return np.zeros(u.shape, dtype=bool)


def _stripes(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    return (u + phase) // 70 & 1 == 1


def _checker(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    return ((u + phase) // 92 + (v + phase) // 92) & 1 == 1


def _dots(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    return ((u + phase) % 140 - 70) ** 2 + ((v + phase) % 140 - 70) ** 2 < 42 * 42


def _rings(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    return (_length(u, v) + phase // 4) // 62 & 1 == 1


def _speckle(u: np.ndarray, v: np.ndarray, phase: np.ndarray) -> np.ndarray:
    cell = (u // 44 + 50) * 3947 + (v // 44 + 50) * 7331 + phase * 977
    return (cell % 4096 * 40503 >> 8) % 7 < 2


PATTERNS = [_plain, _stripes, _checker, _dots, _rings, _speckle]


def _cloth(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    return x // (16 * (4 + period)) + y // (16 * (4 + period)) & 1


def _dunes(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    return (x + y) // (16 * (7 + period)) & 1


def _trunks(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    return (x // (16 * (3 + period)) & 1) + 0 * y


def _waves(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    return (y + 3 * SINE[x // 16 * 4 % 64] // 16) // (16 * (3 + period)) & 1


def _tiles(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    side = 16 * (13 + period)
    return (x % side < 32) | (y % side < 32)


def _flurry(x: np.ndarray, y: np.ndarray, period: np.ndarray) -> np.ndarray:
    side = 16 * (7 + period)
    shifted = x + 97 * (y // side)  # rows of flakes do not line up
    return ((shifted % side - 48) ** 2 + (y % side - 48) ** 2) < 32 * 32


WEAVES = (_cloth, _dunes, _trunks, _waves, _tiles, _flurry)
