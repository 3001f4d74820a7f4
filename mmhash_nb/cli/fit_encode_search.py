"""The commands `fit`, `encode` and `search`: from a folder of pictures and texts to a search."""

import argparse
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from mmhash_nb import hashers, results
from mmhash_nb.cli import PROGRAM
from mmhash_nb.cli.arguments import NEEDED, add_encode, add_fit, add_search, utf8
from mmhash_nb.cli.backbone_choice import chosen_backbone
from mmhash_nb.cli.models import Gallery, Model, check_absent, load_model, save_model
from mmhash_nb.cli.plugins import load_plugins
from mmhash_nb.codes import HashCodes
from mmhash_nb.datasets import folder
from mmhash_nb.datasets.decoding import fitted, read_picture
from mmhash_nb.datasets.description import description
from mmhash_nb.datasets.pairs_row import picture_path
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.experiments.evaluation import modalities, tasks
from mmhash_nb.experiments.parameters import all_typed, kind_of
from mmhash_nb.features.text import tokens
from mmhash_nb.figures import Item, found_items, png
from mmhash_nb.figures.search_results import check_items
from mmhash_nb.hashers.base import EncodedModality, Hasher
from mmhash_nb.io.cache import cache_folder
from mmhash_nb.io.files import whole

_SIDE, _DPI = 260, 200  # of a picture in a gallery: pixels, and how many of them an inch has
_SHOWN = 80  # characters of a text in a list of results


def main(arguments: Sequence[str]) -> int:
    """Run one of the commands; what is wrong is raised with a sentence."""
    command = {"fit": fit, "encode": encode, "search": search}[arguments[0]]
    add = {"fit": add_fit, "encode": add_encode, "search": add_search}[arguments[0]]
    parser = argparse.ArgumentParser(f"{PROGRAM} {arguments[0]}", description=command.__doc__)
    add(parser)
    command(parser.parse_args(arguments[1:]))
    return 0


def fit(args: argparse.Namespace) -> None:
    """Learn codes from the pictures, texts and labels that DIR/pairs.csv lists, write the fitted
    method to MODEL, and print how well held-out queries find what shares a label with them."""
    check_absent(args.out)
    load_plugins(args.plugin)
    backbone, weights = chosen_backbone(args.backbone, args.weights)
    cls = hashers.method_class(args.method)
    if not cls.has_codes:
        raise ValueError(f"{args.method} has no codes: choose another method, such as scm.")
    defaults = hashers.create(args.method, args.bits).options
    kinds = {name: kind_of(default) for name, default in defaults.items()}
    images = args.images or (
        "pixels" if "pixels" in cls.image_views or not cls.image_views else "vectors"
    )
    of_network = {"backbone": backbone, "weights": weights} if images == "pixels" else {}
    named = {name: value for name, value in of_network.items() if value and name in defaults}
    options = all_typed(named | dict(args.p), kinds, "option", args.method)
    preprocessing = Preprocessing(images, args.size, args.tokens, args.ngram)
    if images == "vectors":
        network, file = backbone or preprocessing.backbone, weights or None
        preprocessing = replace(preprocessing, backbone=network, weights=file)
    single = cls.modalities[0] if len(cls.modalities) == 1 else "joint"
    found = _read(args, preprocessing, NEEDED[single])
    pairs = found.pairs
    if not pairs.query.size:
        raise ValueError(f"{args.folder} has no row of split query to judge by: mark some.")
    print(*description(pairs), sep="\n", flush=True)
    root = cache_folder("fits")  # a fit that was interrupted goes on
    done, control = (
        results.run("fit", name, pairs, args.bits, args.seed, chosen, device=args.device, root=root)
        for name, chosen in ((args.method, options), ("random", {}))
    )
    method = done.method()
    assert isinstance(method, Hasher)
    save_model(args.out, method, found.preprocessing)
    most = 1 - pairs.without_relevant / len(pairs.query)
    print(f"{'mAP of the queries':<20}{args.method:>12}{'random codes':>14}{'at most':>10}")
    for query, database in tasks([*method.modalities], method.cross_modal):
        task = f"{query}-{database}"
        scores = (run.metrics[task]["mAP"] for run in (done, control))
        print(
            f"{f'{query} → {database}':<20}{next(scores):>12.3f}{next(scores):>14.3f}{most:>10.3f}"
        )
    print(f"{pairs.means[:1].upper()}{pairs.means[1:]}.")
    print(f"written to {args.out}")


def encode(args: argparse.Namespace) -> None:
    """Encode the items of DIR by a fitted method, from pictures, from texts, or from both. Labels
    are not needed, and of an item no more than the modality that is encoded."""
    check_absent(args.out)
    load_plugins(args.plugin)
    model = load_model(args.model, args.device)
    modality = _modality(model, args.modality)
    found = _read(args, model.preprocessing, NEEDED[modality])
    codes = model.method.encode(found.pairs, modality)
    items = [(row.line, row.image, row.text) for row in found.rows]
    Gallery(codes, modality, items, model.digest).save(args.out)
    if modality != "image" and (unknown := int((~found.pairs.texts.any(axis=1)).sum())):
        print(f"{unknown} of {len(codes)} texts hold nothing that the model knows")
    print(f"{len(codes)} codes of {codes.n_bits} bits, from {modality}: {args.out}")


def search(args: argparse.Namespace) -> None:
    """Print the items whose codes are nearest to that of words, of a picture, or of both, as
    columns separated by tabs; with --gallery draw them too. Distances to both are added, but for a
    method of joint codes, which has one code of both."""
    if args.gallery is not None:
        check_absent(args.gallery, "--gallery")
        if args.folder is None or args.gallery.suffix.lower() != ".png":
            raise ValueError(
                "--gallery takes the name of a .png file and needs --folder, which holds the "
                "pictures of the items."
            )
    load_plugins(args.plugin)
    model = load_model(args.model, args.device)
    gallery = Gallery.load(args.codes)
    if args.gallery is not None:
        check_items(min(args.k, len(gallery.codes)))
    if gallery.model != model.digest:
        raise ValueError(
            f"the codes in {args.codes} are of another model than {args.model}: encode again."
        )
    if args.text is not None:
        args.text = utf8(args.text, "--text")
    given = [name for name in ("image", "text") if getattr(args, name) is not None]
    if not given:
        raise ValueError("there is nothing to search for: give --text, --image or both.")
    asking = _asking(model, given, gallery.modality)
    size = model.preprocessing.size
    picture = None if args.image is None else read_picture(args.image, side=size)
    one = model.preprocessing.one(args.text, picture)
    if args.text is not None:
        _check_words(args.text, model, known=bool(one.texts.any()))
    codes = [model.method.encode(one, modality) for modality in asking]
    nearest = min(args.k, len(gallery.codes))
    found = [(distance, *gallery.items[i]) for distance, i in _nearest(gallery, codes, nearest)]
    print("distance", "line", "image", "text", sep="\t")
    for distance, line, image, text in found:
        shown = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
        print(distance, line, image, shown, sep="\t")
    if args.gallery is not None:
        query = Item(_picture(args.image), args.text or "", "query")
        n_bits = sum(code.n_bits for code in codes)
        _draw(query, found, n_bits, args.folder, args.gallery)


def _read(args: argparse.Namespace, preprocessing: Preprocessing, modality: str) -> folder.Folder:
    found = folder.read(args.folder, preprocessing, modality=modality, on_error=args.on_error)
    for note in found.notes:
        print(note, file=sys.stderr)
    return found


def _modality(model: Model, wanted: str) -> EncodedModality:
    """A modality that the model's method encodes."""
    for modality in modalities(model.method):
        if modality == wanted:
            return modality
    has = ", ".join(model.method.modalities)
    raise ValueError(f"{model.method.name} does not encode {wanted}; it encodes {has}.")


def _asking(model: Model, given: Sequence[str], searched: str) -> list[EncodedModality]:
    """The modalities whose codes search those of a gallery: of a joint method both at once."""
    method = model.method
    joint = len(given) > 1 and "joint" in method.modalities
    names = ["joint"] if joint else given
    directions = tasks([*method.modalities], method.cross_modal)
    for name in names:
        _modality(model, name)
        if (name, searched) not in directions:
            raise ValueError(
                f"codes of {searched} cannot be searched by {name} with {method.name}, which finds "
                f"{searched} by {' or '.join(q for q, d in directions if d == searched)}."
            )
    return [_modality(model, name) for name in names]


def _nearest(gallery: Gallery, codes: Sequence[HashCodes], k: int) -> list[tuple[int, int]]:
    """Distance and position of the `k` nearest items; distances to several codes are added."""
    n = len(gallery.codes)
    if k < 1:
        raise ValueError(f"k must be an integer from 1 to the {n} codes, but is {k}.")
    apart = (np.bitwise_count(code.words ^ gallery.codes.words) for code in codes)  # [N, K / 64]
    total = np.sum([one.sum(axis=1, dtype=np.int64) for one in apart], axis=0)
    order = np.argsort(total, kind="stable")[:k]
    return [(int(total[i]), int(i)) for i in order]


def _check_words(text: str, model: Model, known: bool) -> None:
    """Refuse words none of which the model knows; say which it does not."""
    words = model.preprocessing.vocabulary or ()
    if not known:
        raise ValueError(
            f"the model knows nothing of {text!r}; it knows {len(words):,} tokens, such as "
            f"{', '.join(words[:3])}."
        )
    unknown = [w for w in dict.fromkeys(tokens(text)) if w not in words]
    if unknown and model.preprocessing.tokens == "word":
        print(f"not known to the model: {', '.join(unknown)}", file=sys.stderr)


def _draw(
    query: Item, found: Sequence[tuple[int, int, str, str]], n_bits: int, home: Path, path: Path
) -> None:
    """Write the gallery of what was found (distance, line, image, text) as a PNG file."""
    items = []
    for distance, _, image, text in found:
        try:
            file = picture_path(home, image) if image else None
        except ValueError as error:
            raise ValueError(f"{error} in {home}: --folder names the one encoded.") from None
        items.append(Item(_picture(file), text, f"{distance} of {n_bits} bits differ"))
    with whole(path) as aside, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        aside.write_bytes(png(found_items(query, items), dpi=_DPI))
    print(f"drawn in {path}", file=sys.stderr)
    if any("missing from font" in str(warning.message) for warning in caught):
        print(
            "it has boxes where no font of this machine has a letter: install one that does, such "
            "as Noto Sans CJK",
            file=sys.stderr,
        )


def _picture(path: Path | None) -> np.ndarray | None:
    return None if path is None else fitted(read_picture(path, side=_SIDE), _SIDE, _SIDE)
