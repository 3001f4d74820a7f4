"""What `fit`, `encode` and `search` take on the command line."""

import argparse
from pathlib import Path

from mmhash_nb.datasets import folder
from mmhash_nb.datasets.preprocessing import IMAGES, Preprocessing
from mmhash_nb.features.text import KINDS

#: what a row needs, by the modality that is encoded
NEEDED = {"image": "image", "text": "text", "joint": "both"}


def add_fit(command: argparse.ArgumentParser) -> None:
    default = Preprocessing()
    _add_folder(command)
    _add_device(command)
    command.add_argument("--out", type=Path, required=True, metavar="MODEL", help="a new folder")
    command.add_argument("--method", default="scm", help="see the README; default %(default)s")
    command.add_argument("--bits", type=int, default=32, help="default %(default)s")
    command.add_argument("--seed", type=int, default=0, help="default %(default)s")
    command.add_argument(
        "-p",
        nargs=2,
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="an option of the method, such as -p backbone mobilenet_v2",
    )
    command.add_argument(
        "--images",
        choices=IMAGES,
        default=default.images,
        help="what the method sees of a picture; default %(default)s",
    )
    command.add_argument(
        "--size", type=int, default=default.size, help="side in pixels; default %(default)s"
    )
    command.add_argument(
        "--tokens",
        choices=KINDS,
        default=default.tokens,
        help="words, or n-grams of characters where no spaces part words; default %(default)s",
    )
    command.add_argument(
        "--ngram", type=int, default=default.ngram, help="their length; default %(default)s"
    )


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
    command.add_argument("-k", type=int, default=10, help="how many; default %(default)s")
    command.add_argument(
        "--gallery", type=Path, metavar="PNG", help="draw what is found, with --folder"
    )
    command.add_argument("--folder", type=Path, metavar="DIR", help="holds the items' pictures")


def _add_device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device",
        choices=("auto", "cpu", "cuda"),
        default="auto",
        help="where networks compute; default %(default)s, a GPU where there is one",
    )


def _add_folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, metavar="DIR", help="holds pairs.csv and pictures")
    command.add_argument(
        "--on-error",
        choices=folder.ON_ERROR,
        default="raise",
        help="skip goes on without rows that cannot be read; default %(default)s",
    )
