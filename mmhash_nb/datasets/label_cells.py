"""Labels as people write them in a cell: read as they are seen, and what only looks like labels.

A cell that is surely none is refused with its row: a list of Python or JSON, a vector of zeros and
ones, a mark of a missing value. Whether a label is a list with another separator, only all rows
tell: `refuse` raises where they leave no doubt, and `doubts` says what may be meant otherwise.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

#: what programs write for a value that is missing, without case
MISSING = {
    *("nan", "none", "null", "nil", "n/a", "n.a.", "<na>", "undefined", "#n/a", "#n/d", "#null!"),
    *("#value!", "#ref!", "#name?", "#div/0!", "#num!"),
    *("-", "--", "---", "–", "—", "?", "??", ".", "..", "…"),
}
#: what may be a class, or such a mark
_PERHAPS_MISSING = {
    *("na", "missing", "unknown", "unlabelled", "unlabeled", "untagged", "no label", "no labels"),
    *("not available", "tbd", "-1"),
}
#: of lists; those in the second row stand in many names too
_SEPARATORS = ",|，、；｜"
_IN_NAMES = "/+&_- "
_ENTRY = r"(?:[-+]?[01](?:\.0*)?|true|false)"
_OF_TWO, _OF_THREE = rf"(?:(?:\s*[,|]\s*|\s+){_ENTRY})+", rf"(?:\s*;\s*{_ENTRY}){{2,}}"
_VECTOR = re.compile(f"{_ENTRY}(?:{_OF_TWO}|{_OF_THREE})", re.IGNORECASE)
_BRACKETS = "[](){}"
_LIST = re.compile(r"\[.*\]|\{.*\}|\(.*[,'\"].*\)|[a-z.]+\(.*[\[\](].*\)")
_QUOTES = "'\"“”„‘’`´«»"
# Letters that take no ink beside Unicode's format characters: fillers and variation selectors.
_BLANK = re.compile("[\u034f\u115f\u1160\u2800\u3164\uffa0\u180b-\u180f\ufe00-\ufe0f]")
_JOINERS = "\u200c\u200d"
_SHOWN = 3
#: different labels of which parts that recur tell something
_MANY = 10


def visible(text: str) -> str:
    """A text as it is read: NFC, one plain space for any, nothing that takes no ink.

    Joiners stay between letters other than ASCII's, where they change how these look.
    """
    text = unicodedata.normalize("NFC", _BLANK.sub("", text))
    seen = []
    for i, c in enumerate(text):
        category = unicodedata.category(c)
        if category == "Cf" and not "\U000e0020" <= c <= "\U000e007f":  # these make flags
            around = text[i - 1 : i] + text[i + 1 : i + 2] if i else ""
            if c not in _JOINERS or len(around) < 2 or around.isascii():
                continue
        seen.append(" " if category in ("Zs", "Zl", "Zp") else c)
    return " ".join("".join(seen).split())


def read_labels(cell: str) -> tuple[str, ...]:
    """The labels of a cell, each once, in its order.

    Raises:
        ValueError: the reason why they are none.
    """
    if re.search(r"[\t\n\r\v\f]", cell.strip()):
        raise ValueError(f"a tab or line break in the labels {shown(cell)} (separate them by ';')")
    cell = visible(cell)
    if _VECTOR.fullmatch(re.sub(r"^[a-z.]*[\[({\s]+|[\])}\s]+$", "", cell)):
        raise ValueError(
            f"the vector {shown(cell)} in place of labels (write the names of those that are 1, "
            "separated by ';')"
        )
    parts = [part.strip(f" {_QUOTES}{_BRACKETS}") for part in re.split("[;,]", cell)]
    meant = ";".join(part for part in parts if part)
    if _LIST.fullmatch(cell):
        raise ValueError(f"the list {shown(cell)} in place of labels (write {shown(meant)})")
    labels = [label.strip() for label in cell.split(";")]
    if not any(labels):
        raise ValueError("no labels")
    if "" in labels:
        raise ValueError(f"an empty label in {shown(cell)} (one ';' too many)")
    for label in labels:
        if label[0] in _QUOTES and label[-1] in _QUOTES and len(label) > 1:
            raise ValueError(f"labels in quotes, {shown(label)} (write {shown(meant)})")
        if label.casefold() in MISSING:
            raise ValueError(
                f"the label {shown(label)}, as is written for a value that is missing (write what "
                "the item is, or take the row out)"
            )
    return tuple(dict.fromkeys(labels))


def refuse(path: Path, labels: Sequence[Sequence[str]]) -> None:
    """Refuse labels that are surely something else, seen over all rows.

    Args:
        path: of the table; labels: of each row.

    Raises:
        ValueError: what they are, with counts and the fix.
    """
    rows = Counter(label for row in labels for label in row)
    bits = all(len(row) == 1 and re.fullmatch("[01]{3,}", row[0]) for row in labels)
    both = {*rows} == {"0", "1"} and any(len(row) == 2 for row in labels)
    if both or (bits and len(rows) > 1 and len({len(label) for label in rows}) == 1):
        raise ValueError(
            f"the labels of {path} are vectors of zeros and ones, such as "
            f"{shown(';'.join(labels[0]))}: write the names of those that are 1, separated by ';'."
        )
    for mark in _SEPARATORS:
        holding, parts = _split(rows, mark)
        if len(parts) < len(rows):
            raise ValueError(
                f"{_lists(rows, mark, holding)} of {path} are lists: all {len(rows)} different "
                f"labels have {len(parts)} parts alone. Separate labels by ';' and nothing else."
            )


def doubts(path: Path, labels: Sequence[Sequence[str]]) -> list[str]:
    """Sentences on labels that may be meant otherwise, with counts; arguments as for `refuse`."""
    rows = Counter(label for row in labels for label in row)
    found = []
    for mark in _SEPARATORS + _IN_NAMES:
        holding, parts = _split(rows, mark)
        few = len(rows) >= _MANY and 2 * len(parts) <= len(rows)
        if holding and (few or mark in _SEPARATORS):
            found.append(
                f"{_lists(rows, mark, holding)} of {path} may be lists: if so, separate labels by "
                "';'."
            )
            break
    missing = [label for label in rows if label.casefold() in _PERHAPS_MISSING]
    if missing:
        found.append(
            f"{_counted(rows, missing)} in {path} may stand for a value that is missing, and rows "
            "with it count as relevant to each other: if so, take these rows out."
        )
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for label in rows:
        alike[_key(label)].append(label)
    groups = [group for group in alike.values() if len(group) > 1]
    for group in groups[:_SHOWN]:
        found.append(f"{_counted(rows, group)} in {path} are different labels: if not, write one.")
    if len(groups) > _SHOWN:
        found.append(f"{len(groups) - _SHOWN} more groups of labels in {path} differ so little.")
    return found


def _split(rows: Mapping[str, int], mark: str) -> tuple[list[str], set[str]]:
    """The labels that hold a mark between others, and the parts of all labels."""
    parts = {label: [p for part in label.split(mark) if (p := part.strip())] for label in rows}
    holding = [label for label, some in parts.items() if len(some) > 1 or label.endswith(mark)]
    return holding, {part for some in parts.values() for part in some}


def _lists(rows: Mapping[str, int], mark: str, holding: Sequence[str]) -> str:
    n = sum(rows[label] for label in holding)
    return (
        f"{n} label{'s' * (n != 1)} with {mark!r}, such as {shown(holding[0] if holding else '')},"
    )


def _counted(rows: Mapping[str, int], labels: Iterable[str]) -> str:
    named = [f"{shown(label)} ({rows[label]} row{'s' * (rows[label] != 1)})" for label in labels]
    return ", ".join(named[:_SHOWN]) + (f" and {len(named) - _SHOWN} more" * (len(named) > _SHOWN))


def _key(label: str) -> str:
    """The same for labels that differ in case, in spaces, hyphens and the like, or as 1 and 1.0."""
    try:
        return str(float(label))
    except ValueError:
        letters = unicodedata.normalize("NFKC", label).casefold()
        return re.sub(r"[\s_\-\u2010-\u2015]|[.,:!]+$", "", letters) or label


def shown(value: str, most: int = 60) -> str:
    """A cell in quotes, control characters escaped, cut where it is long."""
    return repr(value if len(value) <= most else value[: most - 1] + "…")
