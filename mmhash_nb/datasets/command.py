"""`python -m mmhash_nb datasets`: what is there, how complete, and fetching what may be fetched."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType

from mmhash_nb import datasets
from mmhash_nb.datasets.archives import Archive


def add(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command to the package's command line."""
    command = commands.add_parser("datasets", help="say which datasets are there, or fetch them")
    command.add_argument("--root", type=Path, metavar="DIR", help="by default $MMHASH_DATA or data")
    command.add_argument(
        "--download",
        nargs="+",
        default=[],
        metavar="NAME",
        help="fetch these, go on with a broken transfer, leave good copies alone",
    )


def run(asked: argparse.Namespace) -> int:
    """Print what is there; returns 0, 1 where a download failed, 2 on a wrong name."""
    root = datasets.data_root(asked.root)
    try:
        _download(asked.download, root)
    except LookupError as error:
        print(f"error: {error.args[0]}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; what came is kept, the same command goes on with it", file=sys.stderr)
        return 130
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(*report(root, asked.download or datasets.names()), sep="\n")
    return 0


def report(root: Path, names: Sequence[str]) -> Iterator[str]:
    """Lines that say of each dataset where it is, how complete, and how to get what lacks.

    Args:
        root: the folder that holds the datasets.
        names: of the datasets.
    """
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
            yield f"    page: {module.PAGE}"
            yield f"    put:  {module.PUT} under {root}"
            if hasattr(module, "fetch_all"):
                yield f"    get:  python -m mmhash_nb datasets --download {name}{_size(module)}"


def _download(names: Sequence[str], root: Path) -> None:
    """Fetch the datasets, all of whose names are right.

    Raises:
        LookupError: one is none, or cannot be fetched.
    """
    modules = {}
    for name in names:
        try:
            modules[name] = datasets.module_of(name)
        except ValueError as error:
            raise LookupError(str(error)) from None
        if not hasattr(modules[name], "fetch_all"):
            page = getattr(modules[name], "PAGE", None)
            how = f"get it from {page} by hand" if page else "it comes with the package"
            raise LookupError(f"{name} is not to be fetched by this command: {how}.")
    for module in modules.values():
        module.fetch_all(root)


def _size(module: ModuleType) -> str:
    archives: Sequence[Archive] = getattr(module, "ARCHIVES", ())
    size = sum(archive.size or 0 for archive in archives)
    return f"  ({size / 1e6:,.0f} MB)" if size else ""
