"""What the commands take on the command line."""

import argparse
import os
import re
from collections.abc import Sequence
from pathlib import Path

from mmhash_nb.datasets import folder
from mmhash_nb.datasets.pairs_row import first_foreign_byte
from mmhash_nb.datasets.preprocessing import IMAGES, Preprocessing
from mmhash_nb.features.text import KINDS

#: of `features.backbones`, which takes seconds to import
BACKBONES = ("small", "mobilenet_v2", "resnet18", "vgg19", "cnn_f")
_UNITS = {"s": 1, "m": 60, "h": 3600}
#: what a row needs, by the modality that is encoded
NEEDED = {"image": "image", "text": "text", "joint": "both"}


def add_fit(command: argparse.ArgumentParser) -> None:
    default = Preprocessing()
    _add_folder(command)
    add_plugin(command)
    add_device(command)
    command.add_argument("--out", type=Path, required=True, metavar="MODEL", help="a new folder")
    _add(command, "--method", "scm", "see docs/methods.md")
    _add(command, "--bits", 32, "code length")
    _add(command, "--seed", 0, "of what is random")
    words = "an option of the method, such as -p backbone mobilenet_v2"
    command.add_argument(
        "-p", nargs=2, action="append", default=[], metavar=("NAME", "VALUE"), help=words
    )
    words = "what the method sees of a picture; default pixels, or vectors where it takes no pixels"
    command.add_argument("--images", choices=IMAGES, help=words)
    add_backbone(command)
    _add(command, "--size", default.size, "side in pixels")
    add_tokens(command)


def add_compare(command: argparse.ArgumentParser) -> None:
    words = "a folder with pairs.csv and pictures, or a dataset's name"
    command.add_argument("data", metavar="FOLDER", help=words)
    add_on_error(command)
    add_device(command)
    words = "the page is NAME.html, its numbers are NAME.csv; default %(default)s"
    command.add_argument("--out", type=Path, default=Path("comparison"), metavar="NAME", help=words)
    command.add_argument("--quick", action="store_true", help="only methods that take seconds")
    command.add_argument("--methods", nargs="+", default=[], metavar="NAME", help="only these")
    words = "code lengths; default 16 32"
    command.add_argument("--bits", nargs="+", type=int, default=[], metavar="N", help=words)
    words = "trainings of each; default 0 1 2"
    command.add_argument("--seeds", nargs="+", type=int, default=[], metavar="N", help=words)
    words = "begin no training after so long, such as 30m or 2h"
    command.add_argument("--time", type=duration, default=float("inf"), metavar="T", help=words)
    add_backbone(command)
    add_tokens(command)
    add_plugin(command)


def add_encode(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    add_plugin(command)
    add_device(command)
    command.add_argument("--model", type=Path, required=True, help="a folder that fit made")
    command.add_argument("--modality", choices=[*NEEDED], required=True)
    command.add_argument("--out", type=Path, required=True, metavar="CODES", help="a new file")


def add_explore(command: argparse.ArgumentParser) -> None:
    words = "a folder with pairs.csv and pictures, with --model"
    command.add_argument("folder", nargs="?", type=Path, metavar="FOLDER", help=words)
    command.add_argument("--model", type=Path, help="a folder that fit made")
    words = "show the runs that notebooks or compare have left of a dataset"
    command.add_argument("--dataset", metavar="NAME", help=words)
    add_on_error(command)
    command.add_argument("--port", type=int, metavar="N", help="by default a free one")
    command.add_argument("--no-browser", action="store_true", help="print the address alone")
    add_plugin(command)


def add_search(command: argparse.ArgumentParser) -> None:
    add_plugin(command)
    add_device(command)
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


def add_device(command: argparse.ArgumentParser) -> None:
    words = "where networks compute: auto is a GPU where there is one"
    _add(command, "--device", "auto", words, ("auto", "cpu", "cuda"))


def add_backbone(command: argparse.ArgumentParser) -> None:
    words = "network that describes photos; auto is the best whose weights are there or come"
    command.add_argument("--backbone", choices=("auto", *BACKBONES), help=words)
    command.add_argument("--weights", type=Path, metavar="FILE", help="of the backbone")


def add_tokens(command: argparse.ArgumentParser) -> None:
    default = Preprocessing()
    words = "words, or n-grams of characters where no spaces part words"
    _add(command, "--tokens", default.tokens, words, KINDS)
    _add(command, "--ngram", default.ngram, "their length")


def add_plugin(command: argparse.ArgumentParser) -> None:
    words = "a file that calls hashers.register: its methods join"
    command.add_argument(
        "--plugin", type=Path, action="append", default=[], metavar="FILE.py", help=words
    )


def duration(text: str) -> float:
    """Seconds, of a text such as `90s`, `30m` or `2h`."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smh])", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is no time: write 90s, 30m or 2h.")
    return float(found[1]) * _UNITS[found[2]]


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="DIR", help="holds pairs.csv and pictures")
    add_on_error(command)


def add_on_error(command: argparse.ArgumentParser) -> None:
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
