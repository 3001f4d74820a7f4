"""What `fit`, `encode` and `search` take on the command line."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

from mmhash_nb.datasets import folder
from mmhash_nb.datasets.pairs_row import first_foreign_byte
from mmhash_nb.datasets.preprocessing import IMAGES, Preprocessing
from mmhash_nb.features.text import KINDS

#: what a row needs, by the modality that is encoded
NEEDED = {"image": "image", "text": "text", "joint": "both"}


def add_fit(command: argparse.ArgumentParser) -> None:
    default = Preprocessing()
    _add_folder(command)
    _add_device(command)
    command.add_argument("--out", type=Path, required=True, metavar="MODEL", help="a new folder")
    _add(command, "--method", "scm", "see docs/methods.md")
    _add(command, "--bits", 32, "code length")
    _add(command, "--seed", 0, "of what is random")
    words = "an option of the method, such as -p backbone mobilenet_v2"
    command.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help=words
    )
    _add(command, "--images", default.images, "what the method sees of a picture", IMAGES)
    _add(command, "--size", default.size, "side in pixels")
    words = "words, or n-grams of characters where no spaces part words"
    _add(command, "--tokens", default.tokens, words, KINDS)
    _add(command, "--ngram", default.ngram, "their length")


def add_encode(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    _add_device(command)
    command.add_argument("--model", type=Path, required=True, help="a folder that fit made")
    command.add_argument("--modality", choices=[*NEEDED], required=True)
    command.add_argument("--out", type=Path, required=True, metavar="CODES", help="a new file")


def add_search(command: argparse.ArgumentParser) -> None:
    _add_device(command)
    command.add_argument("--model", type=Path, required=True, help="a folder that fit made")
    command.add_argument("--codes", type=Path, required=True, help="a file that encode made")
    command.add_argument("--text", metavar="WORDS")
    command.add_argument("--image", type=Path, metavar="FILE")
    _add(command, "-k", 10, "how many")
    command.add_argument(
        "--gallery", type=Path, metavar="PNG", help="draw what is found, with --folder"
    )
    command.add_argument("--folder", type=Path, metavar="DIR", help="holds the items' pictures")


def utf8(text: str, option: str) -> str:
    """An argument as text, whatever the locale is.

    Raises:
        ValueError: a byte of it is not UTF-8.
    """
    if not first_foreign_byte(text):
        return text
    # Python keeps bytes that the locale does not know; in an ASCII one these are all letters.
    decoded = os.fsencode(text).decode("utf-8", "surrogateescape")
    if byte := first_foreign_byte(decoded):
        raise ValueError(f"{option} holds the byte {byte}, which is not UTF-8: write it in UTF-8.")
    return decoded


def _add_device(command: argparse.ArgumentParser) -> None:
    words = "where networks compute: auto is a GPU where there is one"
    _add(command, "--device", "auto", words, ("auto", "cpu", "cuda"))


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="DIR", help="holds pairs.csv and pictures")
    words = "skip goes on without rows that cannot be read"
    _add(command, "--on-error", "raise", words, folder.ON_ERROR)


def _add(
    command: argparse.ArgumentParser,
    name: str,
    default: str | int,
    words: str,
    choices: Sequence[str] | None = None,
) -> None:
    """An option of its default's type, whose help ends in the default."""
    words += "; default %(default)s"
    command.add_argument(name, type=type(default), default=default, choices=choices, help=words)
