"""Draw small pictures of shaped, textured, coloured objects over clutter, in integers only.

Every picture is a function of (seed, sample number): the same bytes on every platform and for
every batch size. No floating point and no library random stream takes part.
"""

from dataclasses import dataclass

import numpy as np

from mmhash_nb.datasets.about import about
from mmhash_nb.datasets.patterns import BACKDROPS, GAUGES, SINE, TEXTURES

SIZE = 64  # pixels, both sides
COLOURS = {name: tuple(rgb) for name, rgb in about("scenes")["colours"].items()}
_PATCH = 42  # side of the square an object is drawn in: radius 16, times 1.25, both sides, a margin
_MARGIN = _PATCH // 2 - 7  # centres stay 8 pixels inside
_CHUNK = 40  # pictures drawn at a time, so that their arrays stay in the processor's cache


def _mix(x: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit integers that scatters neighbours (splitmix64's finaliser)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


class Draws:
    """Random integers per sample, a function of (seed, sample, number of draws before) alone.

    Args:
        seed: which stream.
        samples: int `[N]`, the samples' numbers; what a sample draws does not depend on the others.
    """

    def __init__(self, seed: int, samples: np.ndarray) -> None:
        key = _mix(np.array([seed], dtype=np.uint64) + np.uint64(0x9E3779B97F4A7C15))
        self._state = _mix(key ^ np.asarray(samples).astype(np.uint64))

    def integers(self, low: int, high: int) -> np.ndarray:
        """One integer per sample, uniform in `low..high - 1`, `int64 [N]`."""
        return low + self._below(np.uint64(high - low))

    def weighted(self, weights: np.ndarray) -> np.ndarray:
        """One index per sample, in proportion to integer weights `[K]` or `[N, K]`, `int64 [N]`."""
        ends = np.cumsum(np.atleast_2d(weights), axis=1)
        return (self._below(ends[:, -1].astype(np.uint64))[:, None] >= ends).sum(axis=1)

    def _below(self, end: np.ndarray | np.uint64) -> np.ndarray:
        """One integer per sample, uniform in `0..end - 1`, `int64 [N]`."""
        self._state = self._state + np.uint64(0x9E3779B97F4A7C15)
        upper = _mix(self._state) >> np.uint64(32)
        return (upper * end >> np.uint64(32)).astype(np.int64)


@dataclass(frozen=True)
class Objects:
    """One layer of objects, one per picture, each field `int64 [N]` unless noted.

    Args:
        present: `bool [N]`; nothing is drawn where False.
        shape, texture: indices into `SHAPES` and `TEXTURES`.
        colour: `int64 [N, 3]`, RGB 0..255.
        second: `int64 [N, 3]`, the texture's other colour.
        x, y: centre in pixels; radius: in half pixels, at most 32.
        angle: in 64ths of a turn.
        phase: shifts the texture; grain: the texture's scale in percent.
    """

    present: np.ndarray
    shape: np.ndarray
    texture: np.ndarray
    colour: np.ndarray
    second: np.ndarray
    x: np.ndarray
    y: np.ndarray
    radius: np.ndarray
    angle: np.ndarray
    phase: np.ndarray
    grain: np.ndarray

    def take(self, rows: np.ndarray | slice) -> "Objects":
        """The objects of some of the pictures."""
        return Objects(**{name: getattr(self, name)[rows] for name in self.__dataclass_fields__})


def random_objects(
    draws: Draws,
    present: np.ndarray,
    shape: np.ndarray,
    texture: np.ndarray,
    colour: np.ndarray,
    at: np.ndarray,
    radius: tuple[int, int],
) -> Objects:
    """Objects of given attributes near given positions, with everything else left to chance.

    Args:
        present, shape, texture, colour: as in `Objects`; `colour` is jittered.
        at: int `[N, 2]`, x and y in pixels, jittered by up to 6.
        radius: smallest and largest, in half pixels.
    """
    jittered = np.stack([colour[:, c] + draws.integers(-26, 27) for c in range(3)], axis=1)
    jittered = np.clip(jittered * draws.integers(78, 116)[:, None] // 100, 0, 255)
    # White on white would not show.
    is_dark = (draws.integers(0, 2) == 1) | (jittered.sum(axis=1) > 540)
    return Objects(
        present=present,
        shape=shape,
        texture=texture,
        colour=jittered,
        second=np.where(is_dark[:, None], jittered * 2 // 5, (jittered + 2 * 245) // 3),
        x=np.clip(at[:, 0] + draws.integers(-6, 7), 8, SIZE - 9),
        y=np.clip(at[:, 1] + draws.integers(-6, 7), 8, SIZE - 9),
        radius=draws.integers(radius[0], radius[1] + 1),
        angle=draws.integers(-6, 7) % 64,
        phase=draws.integers(0, 256),
        grain=draws.integers(80, 126),
    )


def render(
    seed: int, samples: np.ndarray, backdrop: np.ndarray, layers: list[Objects]
) -> tuple[np.ndarray, np.ndarray]:
    """Pictures of layers of objects, the first furthest back, over clutter.

    Args:
        seed: of the clutter and the noise.
        samples: int `[N]`, the pictures' numbers in that stream.
        backdrop: int `[N]`, indices into `BACKDROPS`.
        layers: each with one object per picture.

    Returns:
        `uint8 [N, 3, 64, 64]`; and, `uint8 [N, 64, 64]`, the layer seen at each pixel, counted from
        1, or 0 for clutter.
    """
    n = len(samples)
    pictures = np.empty((n, 3, SIZE, SIZE), dtype=np.uint8)
    owners = np.empty((n, SIZE, SIZE), dtype=np.uint8)
    side, inner = SIZE + 2 * _MARGIN, slice(_MARGIN, _MARGIN + SIZE)
    for start in range(0, n, _CHUNK):
        rows = slice(start, min(start + _CHUNK, n))
        draws = Draws(seed, samples[rows])
        canvas = np.zeros((rows.stop - start, 3, side, side), dtype=np.int32)
        owner = np.zeros(canvas[:, 0].shape, dtype=np.uint8)
        canvas[:, :, inner, inner] = _clutter(draws, backdrop[rows])
        for number, layer in enumerate(layers, start=1):
            _paint(canvas, owner, layer.take(rows), number)
        gain = np.stack([draws.integers(210, 286) for _ in range(3)], axis=1)  # coloured light
        seen = canvas[:, :, inner, inner] * gain.astype(np.int32)[..., None, None] >> 8
        noise = _WINDOWS[draws.integers(0, len(_WINDOWS)), draws.integers(0, len(_WINDOWS))]
        pictures[rows] = np.clip(seen + noise[:, None], 0, 255)
        owners[rows] = owner[:, inner, inner]
    return pictures, owners


def _clutter(draws: Draws, backdrop: np.ndarray) -> np.ndarray:
    """Muted gradients, blobs and a band behind the objects, `int32 [N, 3, 64, 64]`."""

    def number(low: int, high: int) -> np.ndarray:
        return draws.integers(low, high).astype(np.int32)[:, None, None, None]

    def tint(spread: int) -> np.ndarray:
        return np.concatenate([number(-spread, spread + 1) for _ in range(3)], axis=1)

    x = np.arange(SIZE, dtype=np.int32)
    y = x[:, None]
    top, bottom = (number(70, 190) + tint(40) for _ in range(2))  # [N, 3, 1, 1]
    canvas = (top * (SIZE - 1 - y) + bottom * y >> 6) + np.zeros_like(x)
    for _ in range(4):
        inside = (x - number(0, 64)) ** 2 + (y - number(0, 64)) ** 2 < number(4, 18) ** 2
        canvas += inside * tint(50)
    angle = number(0, 64)
    across = x * SINE[angle] + y * SINE[(angle + 16) % 64] >> 8
    canvas += (abs(across - number(-20, 80)) < number(2, 9)) * tint(40)
    period, phase, bend = number(0, 4), number(0, 64), number(-3, 4)
    strength = number(-34, 35) + tint(8)
    bent = 16 * (y + phase), 16 * (x + phase) + bend * y
    for i, weave in enumerate(BACKDROPS.values()):
        chosen = np.flatnonzero(backdrop == i)
        down, along = bent[0][chosen], bent[1][chosen]  # 16 to the pixel
        canvas[chosen] += weave(along, down, period[chosen]) * strength[chosen]
    return np.clip(canvas, 0, 255)


# Sensor noise: each picture has a random window of one tile.
_TILE = (_mix(np.arange(1 << 16, dtype=np.uint64)) % np.uint64(21)).astype(np.int32) - 10
_WINDOWS = np.lib.stride_tricks.sliding_window_view(_TILE.reshape(256, 256), (SIZE, SIZE))


def _paint(canvas: np.ndarray, owner: np.ndarray, objects: Objects, number: int) -> None:
    """Draw one layer in place, each pixel the mean of four samples."""
    rows = np.flatnonzero(objects.present)
    if not len(rows):
        return
    o = objects.take(rows)

    def spread(values: np.ndarray) -> np.ndarray:
        return values.astype(np.int32)[:, None, None]

    half = np.arange(-_PATCH, _PATCH, dtype=np.int32) * 2 + 1  # quarter pixels from the centre
    # Division by multiplying: NumPy divides arrays by arrays several times more slowly.
    per_radius = (1 << 15) // spread(o.radius)
    sine = SINE[o.angle][:, None, None] * per_radius >> 8
    cosine = SINE[(o.angle + 16) % 64][:, None, None] * per_radius >> 8
    u = half * cosine + half[:, None] * sine >> 8  # 256 is one radius, [M, 2P, 2P]
    v = half[:, None] * cosine - half * sine >> 8
    reach = np.empty_like(u)
    for i, gauge in enumerate(GAUGES.values()):
        chosen = np.flatnonzero(o.shape == i)
        reach[chosen] = gauge(u[chosen], v[chosen])
    inside = reach < 256
    rim = inside & (reach > 218)
    pattern = np.zeros(u.shape, dtype=bool)
    for i, weave in enumerate(TEXTURES.values()):
        chosen = np.flatnonzero(o.texture == i)
        per_grain = 25600 // spread(o.grain[chosen])
        phase = spread(o.phase[chosen])
        pattern[chosen] = weave(u[chosen] * per_grain >> 8, v[chosen] * per_grain >> 8, phase)
    pattern &= inside & ~rim

    solid, edge, second = (_quarters(where)[:, None] for where in (inside, rim, pattern))
    colour, other = (c.astype(np.int32)[..., None, None] for c in (o.colour, o.second))
    ink = (solid - edge - second) * colour + second * other + edge * (colour * 3 // 8)
    step = 3 * (np.arange(_PATCH, dtype=np.int32) - _PATCH // 2)
    ink = ink * (256 - step[:, None] - step) >> 8  # light comes from the upper left
    offset = _MARGIN - _PATCH // 2
    for i, row in enumerate(rows):
        left, top = o.x[i] + offset, o.y[i] + offset
        here = np.s_[row, ..., top : top + _PATCH, left : left + _PATCH]
        canvas[here] = np.minimum(canvas[here] * (4 - solid[i]) + ink[i] >> 2, 255)
        owner[here][solid[i, 0] >= 2] = number


def _quarters(where: np.ndarray) -> np.ndarray:
    """How many of the four samples of each pixel are True, `int32`, 0..4."""
    rows = where[:, ::2].view(np.uint8) + where[:, 1::2].view(np.uint8)
    return (rows[..., ::2] + rows[..., 1::2]).astype(np.int32)
