"""A small folder of one's own: pictures of three kinds with texts in Greek."""

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

HEADER = ("image", "text", "labels", "split")
#: a word of each kind, its colour and its label
KINDS = (
    ("σκύλος", (200, 40, 40), "ζώο"),
    ("βάρκα", (40, 60, 200), "θάλασσα"),
    ("μήλο", (60, 180, 60), "φρούτο"),
)
OTHERS = ("ένα", "μεγάλο", "όμορφο", "εδώ", "σήμερα")


def write_table(
    folder: Path, rows: Sequence[Sequence[str]], header: Sequence[str] = HEADER
) -> None:
    with open(folder / "pairs.csv", "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header, *rows])


def write_folder(folder: Path, n: int = 60, split: bool = False) -> list[list[str]]:
    """Write `n` noisy pictures, item i of kind i % 3, and the table; return its rows.

    With `split`, of six items in a row the first is a query, the second in the database alone.
    """
    rng = np.random.default_rng(0)
    (folder / "photos").mkdir(parents=True)
    rows = []
    for i in range(n):
        word, colour, label = KINDS[i % 3]
        height, width = 20 + i % 5, 26
        noise = rng.integers(-40, 40, (height, width, 3))
        pixels = (np.array(colour) + noise).clip(0, 255).astype(np.uint8)
        name = f"photos/εικόνα {i}.png"
        Image.fromarray(pixels).save(folder / name)
        text = f"{OTHERS[rng.integers(5)]} {word}, {OTHERS[rng.integers(5)]}"
        rows.append([name, text, f"{label}; {label} {i // 3 % 2}"])
        if split:
            rows[-1].append(("query", "database", "train", "train", "train", "train")[i // 3 % 6])
    write_table(folder, rows, HEADER if split else HEADER[:3])
    return rows
