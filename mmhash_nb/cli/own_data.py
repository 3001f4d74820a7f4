"""`fit`, `encode` and `search`: from a folder of one's own to a search, a process each."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mmhash_nb import hashers, results
from mmhash_nb.cli import PROGRAM
from mmhash_nb.cli.models import Gallery, Model, check_absent, load_model, save_model
from mmhash_nb.codes import HammingIndex
from mmhash_nb.datasets import folder, photos
from mmhash_nb.datasets.pairs_table import picture_path
from mmhash_nb.datasets.pictures import fitted, nothing_kept, picture_file
from mmhash_nb.datasets.preprocessing import Form
from mmhash_nb.experiments.evaluation import modalities, tasks
from mmhash_nb.features.text import KINDS, tokens
from mmhash_nb.figures import Item, found_items, png
from mmhash_nb.hashers.base import EncodedModality, Hasher
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import whole
from mmhash_nb.runner.headless import typed

#: what a row needs, by the modality that is encoded
NEEDED = {"image": "image", "text": "text", "joint": "both"}
_SIDE, _DPI = 260, 200  # of a picture in a gallery: pixels, and how many of them an inch has
_SHOWN = 80  # characters of a text in a list of results


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; what is wrong is raised with a sentence."""
    parser = argparse.ArgumentParser(prog=PROGRAM)
    commands = parser.add_subparsers(dest="command", required=True)
    _add_fit(commands.add_parser("fit", help="learn codes", description=fit.__doc__))
    _add_encode(commands.add_parser("encode", help="make codes", description=encode.__doc__))
    _add_search(commands.add_parser("search", help="find items", description=search.__doc__))
    asked = parser.parse_args(arguments)
    {"fit": fit, "encode": encode, "search": search}[asked.command](asked)
    return 0


def fit(asked: argparse.Namespace) -> None:
    """Learn codes from the pictures, texts and labels that DIR/pairs.csv lists, keep the fitted
    method in MODEL, and print how well held-out queries find what shares a label with them."""
    check_absent(asked.out)
    cls = hashers.method_class(asked.method)
    if not issubclass(cls, Hasher):
        raise ValueError(f"{asked.method} has no codes: choose another method, such as scm.")
    options = _options(asked.method, asked.bits, asked.p)
    form = Form(asked.images, asked.size, asked.tokens, asked.ngram)
    single = cls.modalities[0] if len(cls.modalities) == 1 else "joint"
    found = _read(asked, form, NEEDED[single])
    pairs = found.pairs
    if not pairs.query.size:
        raise ValueError(f"{asked.folder} has no row of split query to judge by: mark some.")
    words = f", {len(pairs.vocabulary)} tokens" if pairs.vocabulary else ""
    print(
        f"{len(pairs)} items{words}: {len(pairs.train)} to learn from, {len(pairs.query)} queries "
        f"over a database of {len(pairs.database)}"
    )
    kept = cache_folder("fits")  # a fit that was interrupted goes on
    done, control = (
        results.run(
            "own", name, pairs, asked.bits, asked.seed, given, device=asked.device, root=kept
        )
        for name, given in ((asked.method, options), ("random", {}))
    )
    method = done.method()
    assert isinstance(method, Hasher)
    save_model(asked.out, method, found.form)
    print(f"{'mAP of the queries':<20}{asked.method:>12}{'random codes':>14}")
    for query, database in tasks([*method.modalities], method.cross_modal):
        task = f"{query}-{database}"
        scores = (run.metrics[task]["mAP"] for run in (done, control))
        print(f"{f'{query} → {database}':<20}{next(scores):>12.3f}{next(scores):>14.3f}")
    print(f"kept in {asked.out}")


def encode(asked: argparse.Namespace) -> None:
    """Encode the items of DIR by a fitted method, from pictures, from texts, or from both. Labels
    are not needed, and of an item no more than the modality that is asked for."""
    check_absent(asked.out)
    model = load_model(asked.model, asked.device)
    modality = _modality(model, asked.modality)
    found = _read(asked, model.form, NEEDED[modality])
    codes = model.method.encode(found.pairs, modality)
    items = [(row.line, row.image, row.text) for row in found.rows]
    Gallery(codes, modality, items, model.digest).save(asked.out)
    if modality != "image" and (unknown := int((~found.pairs.texts.any(axis=1)).sum())):
        print(f"{unknown} of {len(codes)} texts hold nothing that the model knows")
    print(f"{len(codes)} codes of {codes.n_bits} bits, from {modality}: {asked.out}")


def search(asked: argparse.Namespace) -> None:
    """Print the items whose codes are nearest to that of words, of a picture, or of both together
    (for a method of joint codes), as columns separated by tabs; with --gallery draw them too."""
    if asked.gallery is not None:
        check_absent(asked.gallery, "--gallery")
        if asked.folder is None or asked.gallery.suffix.lower() != ".png":
            raise ValueError(
                "--gallery takes the name of a .png file and needs --folder, which holds the "
                "pictures of the items."
            )
    model = load_model(asked.model, asked.device)
    gallery = Gallery.load(asked.codes)
    if gallery.model != model.digest:
        raise ValueError(
            f"the codes in {asked.codes} are of another model than {asked.model}: encode again."
        )
    given = [name for name in ("image", "text") if getattr(asked, name) is not None]
    if not given:
        raise ValueError("there is nothing to search for: give --text, --image or both.")
    modality = _modality(model, given[0] if len(given) == 1 else "joint")
    directions = tasks([*model.method.modalities], model.method.cross_modal)
    if (modality, gallery.modality) not in directions:
        raise ValueError(
            f"codes of {gallery.modality} cannot be searched by {modality} with "
            f"{model.method.name}, which finds {gallery.modality} by "
            f"{' or '.join(q for q, d in directions if d == gallery.modality)}."
        )
    picture = None if asked.image is None else picture_file(asked.image, model.form.size)
    one = model.form.one(asked.text, picture)
    if asked.text is not None:
        _check_words(asked.text, model, known=bool(one.texts.any()))
    with nothing_kept():
        code = model.method.encode(one, modality)
    nearest = min(asked.k, len(gallery.codes))
    distances, places = HammingIndex(gallery.codes).search(code, nearest)
    print("distance", "line", "image", "text", sep="\t")
    for distance, place in zip(distances[0], places[0], strict=True):
        line, image, text = gallery.items[place]
        print(distance, line, image, _cut(text), sep="\t")
    if asked.gallery is not None:
        query = Item(_picture(asked.image), asked.text or "", "query")
        found = [
            (gallery.items[place], int(distance))
            for distance, place in zip(distances[0], places[0], strict=True)
        ]
        _draw(query, found, code.n_bits, asked.folder, asked.gallery)


def _add_fit(command: argparse.ArgumentParser) -> None:
    default = Form()
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
        choices=photos.IMAGES,
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


def _add_encode(command: argparse.ArgumentParser) -> None:
    _add_folder(command)
    _add_device(command)
    command.add_argument("--model", type=Path, required=True, help="a folder that fit made")
    command.add_argument("--modality", choices=[*NEEDED], required=True)
    command.add_argument("--out", type=Path, required=True, metavar="CODES", help="a new file")


def _add_search(command: argparse.ArgumentParser) -> None:
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


def _read(asked: argparse.Namespace, form: Form, modality: str) -> folder.Folder:
    found = folder.read(asked.folder, form, modality=modality, on_error=asked.on_error)
    if found.left_out:
        print(found.left_out, file=sys.stderr)
    return found


def _options(method: str, bits: int, given: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """The options that a command line gives a method, of the types of their defaults."""
    defaults = hashers.create(method, bits).options
    options = {}
    for name, text in given:
        if name not in defaults:
            raise ValueError(f"{method} has no option {name!r}; it has {', '.join(defaults)}.")
        try:
            options[name] = typed(text, defaults[name])
        except (KeyError, ValueError):
            raise ValueError(
                f"option {name} of {method} takes a value like {defaults[name]!r}, not {text!r}."
            ) from None
    return options


def _modality(model: Model, asked: str) -> EncodedModality:
    """A modality that the model's method encodes."""
    for modality in modalities(model.method):
        if modality == asked:
            return modality
    has = ", ".join(model.method.modalities)
    raise ValueError(f"{model.method.name} does not encode {asked}; it encodes {has}.")


def _check_words(text: str, model: Model, known: bool) -> None:
    """Refuse words none of which the model knows; say which it does not."""
    words = model.form.vocabulary or ()
    if not known:
        raise ValueError(
            f"the model knows nothing of {text!r}; it knows {len(words):,} tokens, such as "
            f"{', '.join(words[:3])}."
        )
    unknown = [w for w in dict.fromkeys(tokens(text)) if w not in words]
    if unknown and model.form.tokens == "word":
        print(f"not known to the model: {', '.join(unknown)}", file=sys.stderr)


def _draw(
    query: Item,
    found: Sequence[tuple[tuple[int, str, str], int]],
    n_bits: int,
    home: Path,
    path: Path,
) -> None:
    """Write the gallery of some items (line, image, text) and their distances as a PNG file."""
    items = []
    for (_, image, text), distance in found:
        try:
            place = picture_path(home, image) if image else None
        except ValueError as error:
            raise ValueError(f"{error} in {home}: --folder names the one encoded.") from None
        items.append(Item(_picture(place), text, f"{distance} of {n_bits} bits differ"))
    with whole(path) as aside, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        aside.write_bytes(png(found_items(query, items), dpi=_DPI))
    print(f"drawn in {path}", file=sys.stderr)
    if any("missing from font" in str(warning.message) for warning in said):
        print(
            "it has boxes where no font of this machine has a letter: install one that does, such "
            "as Noto Sans CJK",
            file=sys.stderr,
        )


def _picture(path: Path | None) -> np.ndarray | None:
    """A picture as a gallery shows it."""
    return None if path is None else fitted(picture_file(path, _SIDE), _SIDE, _SIDE)


def _cut(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
