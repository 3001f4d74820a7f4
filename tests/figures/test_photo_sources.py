"""Every committed picture that shows photos is listed with its collection in figures/SOURCES.md."""

import json
import re
from importlib import import_module
from inspect import getsource

from mmhash_nb import figures
from mmhash_nb.io.project import project_root

ROOT = project_root() / "figures"
SOURCES = (ROOT / "SOURCES.md").read_text(encoding="utf-8")
#: folders of pictures without photos: rendered, or feature vectors alone
WITHOUT_PHOTOS = ("scenes", "wiki", "uci_digits")


def draws_items(name):
    """Whether the module of a function of `figures` draws the pictures of items."""
    module = import_module(getattr(figures, name).__module__)
    return re.search(r"\b(draw_item|show_pixels)\(", getsource(module)) is not None


def saved():
    """The name of each picture that a notebook saves, and whether it draws items."""
    for path in (project_root() / "notebooks").glob("[0-5]_*.ipynb"):
        for cell in json.loads(path.read_text(encoding="utf-8"))["cells"]:
            text = "".join(cell["source"])
            drawn = [name for name in re.findall(r"figures\.(\w+)\(", text) if name != "save"]
            for name in re.findall(r'figures\.save\(figure, folder / "(\w+)"\)', text):
                yield name, any(map(draws_items, drawn))


def with_photos():
    """The committed pictures that show photos, without their endings."""
    names = {name for name, items in saved() if items}
    for path in sorted(ROOT.glob("*/*/*.png")):
        if path.parent.name not in WITHOUT_PHOTOS and path.stem in names:
            yield path.relative_to(ROOT).with_suffix("").as_posix()


def test_the_functions_that_draw_items_are_known_by_their_code():
    assert draws_items("gallery") and draws_items("attended_regions")
    assert not draws_items("precision_recall") and not draws_items("code_updates")


def test_every_picture_with_photos_is_listed_with_a_collection_and_its_licence():
    rows = dict(re.findall(r"^\| `([\w/]+)` \| ([^|]+?) \| [^|]+ \|$", SOURCES, re.M))
    assert sorted(rows) == sorted(with_photos())
    licences = re.findall(r"^\| ([\w-]+)[^|`]* \| [^|]+ \| [^|]+ \|$", SOURCES, re.M)
    assert set(rows.values()) <= set(licences)
