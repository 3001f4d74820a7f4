"""The names of label and tag columns, where a list of them lies beside a selection's files."""

from pathlib import Path

from mmhash_nb.io.finding import locate

LABEL_NAMES, TAG_NAMES = "label_names.txt", "tag_names.txt"


def names_beside(folder: Path, file: str, columns: int | None = None) -> list[str] | None:
    """The names of columns that a file in `folder` has on its lines; None where it is absent.

    Args:
        columns: how many there must be.

    Raises:
        ValueError: another number of names, an empty one, or one twice.
    """
    path = locate(folder, file)
    if path is None:
        return None
    text = path.read_bytes().decode("utf-8", "backslashreplace").removesuffix("\n")
    names = [line.strip() for line in text.split("\n")]
    if "" in names or len(set(names)) < len(names):
        raise ValueError(f"{path} must name each column on a line of its own, once: get it again.")
    if columns is not None and len(names) != columns:
        raise ValueError(
            f"{path} names {len(names)} columns, but the matrix beside it has {columns}: get both "
            "from one source, or move the names away."
        )
    return names
