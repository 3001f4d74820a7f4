"""The pictures that the notebooks save, each with a sentence on what it shows."""

from collections.abc import Mapping
from pathlib import Path

from mmhash_nb.report.document import Picture


def pictures(folder: Path, captions: Mapping[str, str]) -> dict[str, list[Picture]]:
    """The PNG files of `folder/<dataset>/`, by dataset; none where there is no such folder.

    Args:
        captions: by file name without its ending; a file without one is called by its name.
    """
    found: dict[str, list[Picture]] = {}
    for path in sorted(folder.glob("*/*.png")):
        words = path.stem.replace("_", " ")
        caption = captions.get(path.stem, f"{words[:1].upper()}{words[1:]}.")
        found.setdefault(path.parent.name, []).append(Picture(path, caption))
    return found
