"""One small picture in every mode, depth, orientation and colour profile that files have."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

#: linear RGB to XYZ under D50, as in ICC profiles
_XYZ = {
    "sRGB": [[0.43607, 0.38506, 0.14308], [0.22250, 0.71688, 0.06062], [0.01393, 0.0971, 0.71417]],
    "P3": [[0.5151, 0.2919, 0.1571], [0.2411, 0.6922, 0.0666], [-0.0010, 0.0419, 0.7841]],
    "Adobe": [
        [0.60976, 0.20524, 0.14922],
        [0.31112, 0.62566, 0.06322],
        [0.01948, 0.06089, 0.74484],
    ],
}
_D50 = (0.9642, 1.0, 0.8249)


def colour() -> np.ndarray:
    """The picture, `uint8 [40, 60, 3]`: smooth, and another when turned or mirrored."""
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(20, 236, (3, 4, 3), dtype=np.uint8))
    return np.asarray(coarse.resize((60, 40), Image.Resampling.BICUBIC))


def grey() -> np.ndarray:
    """The picture without its colours, `uint8 [40, 60, 3]`."""
    return np.asarray(Image.fromarray(colour()).convert("L").convert("RGB"))


def png(levels: np.ndarray, depth: int = 8, *chunks: tuple[bytes, bytes]) -> bytes:
    """A PNG of levels `[H, W, C]` of 1 to 4 channels in a depth of bits, with further chunks."""
    height, width, channels = levels.shape
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    if depth < 8:
        bits = (levels.reshape(height, -1, 1) >> np.arange(depth - 1, -1, -1)) & 1
        rows = np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)
    else:
        rows = levels.astype(f">u{depth // 8}").reshape(height, -1).view(np.uint8)
    data = b"".join(b"\0" + row.tobytes() for row in rows)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    all_chunks = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(data)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in all_chunks
    )


def saved(levels: np.ndarray, kind: str, mode: str = "RGB", **options: object) -> bytes:
    """A file that Pillow writes."""
    buffer = io.BytesIO()
    Image.fromarray(levels).convert(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def _profile(space: bytes, **tags: bytes) -> bytes:
    """An ICC profile of version 2."""
    tags = {"desc": _description(), "wtpt": _xyz(_D50), **tags}
    at, table, body = 128 + 4 + 12 * len(tags), b"", b""
    for name, data in tags.items():
        data += b"\0" * (-len(data) % 4)
        table += name.encode() + struct.pack(">II", at + len(body), len(data))
        body += data
    connection = b"Lab " if "A2B0" in tags else b"XYZ "
    kind = b"prtr" if "A2B0" in tags else b"mntr"
    head = struct.pack(
        ">I4sI4s4s4s", at + len(body), b"\0" * 4, 0x02100000, kind, space, connection
    )
    head += b"\0" * 12 + b"acsp" + b"\0" * 28 + b"".join(_fixed(v) for v in _D50)
    return head.ljust(128, b"\0") + struct.pack(">I", len(tags)) + table + body


def _fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + b"".join(map(_fixed, values))


def _description() -> bytes:
    return b"desc\0\0\0\0" + struct.pack(">I", 5) + b"made\0" + b"\0" * 78


def _gamma(value: float) -> bytes:
    return b"curv\0\0\0\0" + struct.pack(">IH", 1, round(value * 256))


def _linear(levels: np.ndarray) -> np.ndarray:
    x = levels / 255
    return np.where(x <= 0.04045, x / 12.92, ((x + 0.055) / 1.055) ** 2.4)


def in_profile(name: str, gamma: float = 2.2, swap: bool = False) -> tuple[np.ndarray, bytes]:
    """The picture in other primaries, `uint8 [40, 60, 3]`, and the profile that says so."""
    primaries = np.array(_XYZ[name])[:, [2, 0, 1] if swap else [0, 1, 2]]
    linear = _linear(colour()) @ (np.linalg.inv(primaries) @ np.array(_XYZ["sRGB"])).T
    levels = np.round(255 * linear.clip(0, 1) ** (1 / gamma)).astype(np.uint8)
    columns = {f"{c}XYZ": _xyz(tuple(primaries[:, i])) for i, c in enumerate("rgb")}
    curves = {f"{c}TRC": _gamma(gamma) for c in "rgb"}
    return levels, _profile(b"RGB ", **columns, **curves)


def in_grey_profile(gamma: float) -> tuple[np.ndarray, bytes]:
    """The grey picture by another curve, `uint8 [40, 60]`, and its profile."""
    levels = np.round(255 * _linear(grey()[:, :, 0]) ** (1 / gamma)).astype(np.uint8)
    return levels, _profile(b"GRAY", kTRC=_gamma(gamma))


def in_black_ink() -> tuple[np.ndarray, bytes]:
    """The grey picture in black ink, `uint8 [40, 60, 4]`, and a profile of inks by lightness."""
    y = _linear(grey()[:, :, 0])
    lightness = np.where(y > 0.008856, 116 * np.cbrt(y) - 16, 903.3 * y)
    inks = np.zeros((*y.shape, 4), dtype=np.uint8)
    inks[..., 3] = np.round(255 * (1 - lightness / 100))
    same = bytes(range(256))
    cells = (bytes([255, 128, 128]) + bytes([0, 128, 128])) * 8  # black is the last of four inks
    unit = b"".join(_fixed(v) for v in np.eye(3).ravel())
    table = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + unit + same * 4 + cells + same * 3
    return inks, _profile(b"CMYK", A2B0=table)


def _inks(levels: np.ndarray, profile: bytes) -> bytes:
    buffer = io.BytesIO()
    image = Image.frombytes("CMYK", levels.shape[1::-1], levels.tobytes())
    image.save(buffer, "JPEG", quality=98, icc_profile=profile)
    return buffer.getvalue()


def _exif(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def _held(orientation: int) -> np.ndarray:
    """The picture as a camera stores it that was held so."""
    x = colour()
    turned = {
        **{1: x, 2: x[:, ::-1], 3: x[::-1, ::-1], 4: x[::-1]},
        **{
            5: x.swapaxes(0, 1),
            6: np.rot90(x),
            7: np.rot90(x.swapaxes(0, 1), 2),
            8: np.rot90(x, -1),
        },
    }
    return np.ascontiguousarray(turned[orientation])


def _clear(levels: np.ndarray) -> np.ndarray:
    """With a last channel that is opaque."""
    return np.concatenate([levels, np.full_like(levels[..., :1], 255)], axis=2)


def _files() -> dict[str, tuple[bytes, str, float]]:
    rgb, one = colour(), grey()[..., :1]
    deep, deep_grey = rgb.astype(np.uint16) * 257, one.astype(np.uint16) * 257
    files: dict[str, tuple[bytes, str, float]] = {
        "plain.png": (png(rgb), "colour", 0),
        "grey.png": (png(one), "grey", 0),
        "grey and alpha.png": (png(_clear(one)), "grey", 0),
        "alpha.png": (png(_clear(rgb)), "colour", 0),
        "16 bits grey.png": (png(deep_grey, 16), "grey", 0),
        "16 bits grey, none clear.png": (png(deep_grey, 16, (b"tRNS", b"\xab\xcd")), "grey", 0),
        "16 bits grey and alpha.png": (png(_clear(one).astype(np.uint16) * 257, 16), "grey", 0),
        "16 bits.png": (png(deep, 16), "colour", 0),
        "16 bits, none clear.png": (png(deep, 16, (b"tRNS", b"\xab\xcd" * 3)), "colour", 0),
        "16 bits and alpha.png": (png(_clear(rgb).astype(np.uint16) * 257, 16), "colour", 0),
        "4 bits.png": (png((one.astype(int) * 15 + 127) // 255, 4), "grey", 5),
        "4 bits, none clear.png": (
            png((one.astype(int) * 15 + 127) // 255, 4, (b"tRNS", b"\0\0")),
            "grey",
            5,
        ),
        "palette.png": (saved(one[..., 0], "PNG", "P"), "grey", 0),
        "clear palette.png": (
            saved(one[..., 0], "PNG", "P", transparency=b"\xff" * 256),
            "grey",
            0,
        ),
        "grey.jpg": (saved(one[..., 0], "JPEG", "L", quality=98), "grey", 2),
        "plain.jpg": (saved(rgb, "JPEG", quality=98), "colour", 2),
        "progressive.jpg": (saved(rgb, "JPEG", quality=98, progressive=True), "colour", 2),
        "inks.jpg": (saved(rgb, "JPEG", "CMYK", quality=98), "colour", 2),
        "phone.jpg": (
            saved(rgb, "MPO", save_all=True, quality=98, append_images=[Image.fromarray(rgb)]),
            *("colour", 2),
        ),
        "plain.webp": (saved(rgb, "WEBP", lossless=True), "colour", 0),
        "plain.bmp": (saved(rgb, "BMP"), "colour", 0),
        "palette.bmp": (saved(one[..., 0], "BMP", "P"), "grey", 0),
        "plain.gif": (saved(one[..., 0], "GIF", "L"), "grey", 0),
        "truth.PNG": (png(rgb, 8, (b"gAMA", struct.pack(">I", 45455))), "colour", 0),
        "linear.png": (_linear_png(), "colour", 1.5),
        "broken profile.jpg": (saved(rgb, "JPEG", quality=98, icc_profile=b"x" * 200), "colour", 2),
        "grey by 1.8.png": (_with_profile(*in_grey_profile(1.8)), "grey", 1.5),
        "black ink.jpg": (_inks(*in_black_ink()), "grey", 2),
    }
    files |= {f"held {i}.jpg": (_photo(i, "JPEG"), "colour", 2) for i in range(1, 9)}
    files |= {f"held {i}.png": (_photo(i, "PNG"), "colour", 0) for i in (3, 6)}
    for name, given in {
        "sRGB": in_profile("sRGB"),
        "Display P3": in_profile("P3"),
        "Adobe RGB": in_profile("Adobe"),
        "swapped": in_profile("sRGB", swap=True),
    }.items():
        files[f"{name}.png"] = (_with_profile(*given), "colour", 2)
        levels, profile = given
        photo = saved(levels, "JPEG", quality=98, icc_profile=profile)
        files[f"{name}.jpg"] = (photo, "colour", 4)
    levels, profile = in_profile("sRGB", swap=True)
    files["swapped, alpha.webp"] = (
        saved(_clear(levels), "WEBP", "RGBA", lossless=True, icc_profile=profile),
        *("colour", 2),
    )
    frames = [Image.fromarray(grey()[:, ::-1])]
    files["moving.gif"] = (
        saved(one[..., 0], "GIF", "L", save_all=True, append_images=frames),
        *("grey", 0),
    )
    return files


def _linear_png() -> bytes:
    levels = np.round(65535 * (colour() / 255) ** 2.2).astype(np.uint16)
    return png(levels, 16, (b"gAMA", struct.pack(">I", 100_000)))


def _with_profile(levels: np.ndarray, profile: bytes) -> bytes:
    chunk = b"made\0\0" + zlib.compress(profile)
    return png(levels if levels.ndim == 3 else levels[..., None], 8, (b"iCCP", chunk))


def _photo(orientation: int, kind: str) -> bytes:
    options = {"quality": 98} if kind == "JPEG" else {}
    return saved(_held(orientation), kind, exif=_exif(orientation), **options)


#: by name: the bytes of a file, which picture it shows, and by how many levels, in the mean
FILES = _files()
#: by name: bytes of a file that is to be refused
REFUSED = {
    "cut.jpg": saved(colour(), "JPEG")[:-900],
    "cut.png": png(colour())[:-900],
    "16 bits.tif": saved(grey()[..., 0], "TIFF", "I;16"),
    "tiff.jpg": saved(colour(), "TIFF"),
    "phone.heic": b"\0\0\0\x18ftypheic" + b"\0" * 40,
    "page.jpg": b"<!DOCTYPE html><html>404</html>",
    "empty.png": b"",
}


def write(folder: Path) -> None:
    """All of them as files."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, (data, *_) in FILES.items():
        (folder / name).write_bytes(data)
    for name, data in REFUSED.items():
        (folder / name).write_bytes(data)
