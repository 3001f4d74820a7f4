"""`python -m mmhash_nb datasets`: what is there, how complete, and fetching what may be fetched."""

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from mmhash_nb import datasets
from mmhash_nb.cli import PROGRAM
from mmhash_nb.datasets.about import about


def main(arguments: Sequence[str]) -> int:
    """The command with its arguments: fetch what is named, and print what is there.

    Raises:
        ValueError: a name is none of a dataset that can be fetched, or a download is not what it
            should be.
        OSError: no network, or the disk cannot take what comes.
    """
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} datasets",
        description="Say which datasets are there, or fetch them.",
    )
    parser.add_argument("--root", type=Path, metavar="DIR", help="by default $MMHASH_DATA or data")
    parser.add_argument(
        "--download",
        nargs="+",
        default=[],
        metavar="NAME",
        help="fetch these, go on with a broken transfer, leave good copies alone",
    )
    args = parser.parse_args(arguments[1:])
    root = datasets.data_root(args.root)
    # All names are looked at before anything is fetched.
    for module in [_fetched(name) for name in args.download]:
        module.fetch_all(root)
    print(*report(root, args.download or datasets.names()), sep="\n")
    return 0


def report(root: Path, names: Sequence[str]) -> Iterator[str]:
    """Lines that say of each dataset in `root` where it is, how complete, how to get what lacks."""
    yield f"datasets in {root}:"
    for name in names:
        module = datasets.module_of(name)
        find = getattr(module, "find", None)
        where = "embedded" if find is None else find(root)
        state = "absent" if where is None else "there"
        yield f"{name:<13} {state:<7}{'' if where is None else where}".rstrip()
        contents = module.contents(root) if hasattr(module, "contents") else {}
        if contents:
            counts = (f"{there:,} of {needed:,} {w}" for w, (there, needed) in contents.items())
            yield f"    of the official distribution: {', '.join(counts)}"
        if where is not None and hasattr(module, "images_there"):
            images = " or ".join(map(repr, module.images_there(root)))
            yield f"    can be loaded with images={images}"
        if find is not None and (where is None or any(a < b for a, b in contents.values())):
            yield f"    page: {about(name)['page']}"
            yield f"    put:  {about(name)['put']} under {root}"
            if hasattr(module, "fetch_all"):
                bytes_of_all = sum(one.size or 0 for one in getattr(module, "ARCHIVES", ()))
                size = f"  ({bytes_of_all / 1e6:,.0f} MB)" if bytes_of_all else ""
                yield f"    get:  python -m mmhash_nb datasets --download {name}{size}"


def _fetched(name: str) -> ModuleType:
    """The module of a dataset that can be fetched; a ValueError where it cannot be."""
    module = datasets.module_of(name)
    if not hasattr(module, "fetch_all"):
        page = about(name).get("page")
        how = f"get it from {page} by hand" if page else "it comes with the package"
        raise ValueError(f"{name} is not to be fetched by this command: {how}.")
    return module
