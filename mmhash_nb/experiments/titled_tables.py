"""Tables of a notebook: a title, methods by their names in print, the best of each column bold."""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from html import escape

import numpy as np
import pandas as pd

from mmhash_nb.hashers.names_in_print import in_print

_MISSING = {"", "–", "nan", "NaN", "<NA>", "None"}
_NUMBER = re.compile(r"[+−-]?\d[\d,]*(?:\.\d+)?")


@dataclass(frozen=True, repr=False)
class TitledTable:
    """A table that Jupyter shows as HTML, and a terminal as text with `*` at the best.

    Attributes:
        frame: all cells as text, without rows and columns that have none.
        title: what it shows.
        best: rows and columns of `frame` by place, of the cells to be bold.
    """

    frame: pd.DataFrame
    title: str
    best: set[tuple[int, int]] = field(default_factory=set)

    def _marked(self, mark: str, plain: str) -> pd.DataFrame:
        shown = self.frame.copy()
        for row in range(len(shown)):
            for column in range(len(shown.columns)):
                text = str(shown.iat[row, column])
                text = escape(text) if mark.startswith("<") else text
                shown.iat[row, column] = (mark if (row, column) in self.best else plain).format(
                    text
                )
        return shown

    def _repr_html_(self) -> str:
        table = self._marked("<b>{}</b>", "{}").to_html(escape=False)
        first, rest = table.split("\n", 1)
        caption = f'<caption style="text-align: left"><b>{escape(self.title)}</b></caption>'
        return f"{first}\n  {caption}\n{rest}"

    def __repr__(self) -> str:
        return f"{self.title}\n\n{self._marked('*{}', '{}').to_string()}"


def titled(
    frame: pd.DataFrame | pd.Series,
    title: str,
    *,
    digits: int = 1,
    bold: Collection[str] | None = None,
    lowest: Collection[str] = (),
    within: str | None = None,
) -> TitledTable:
    """A table to end a cell with.

    Rows and columns that hold nothing are left out. A level or column named `method` has names in
    print. Random codes are best only beside another method.

    Args:
        frame: what to show; a cell's first number counts, so that "41.5 ± 0.3" is 41.5.
        title: what it shows.
        digits: decimals of numbers; text stays as it is.
        bold: columns whose highest number is bold, by name or by any level of it; None: all.
        lowest: those whose lowest is.
        within: a level of the rows; the best is then of each of its values alone.
    """
    table = frame.to_frame() if isinstance(frame, pd.Series) else frame
    table = table.map(lambda value: _text(value, digits))
    filled = ~table.isin(_MISSING)
    table = table.loc[filled.any(axis=1).to_numpy(), filled.any(axis=0).to_numpy()]
    if "method" in table.index.names:
        table.index = _renamed(table.index)
    if "method" in table.columns.names:
        table.columns = _renamed(table.columns)
    if "method" in table.columns:
        table = table.assign(method=table["method"].map(in_print))
    groups = table.index.get_level_values(within) if within else pd.Index([0] * len(table))
    learned = ~_of_control(table)
    best = set()
    for place, name in enumerate(table.columns):
        levels = {str(one) for one in (name if isinstance(name, tuple) else [name])}
        down = bool(levels & set(lowest))
        if not down and bold is not None and not levels & set(bold):
            continue
        numbers = table.iloc[:, place].map(_number).astype(float)
        numbers = -numbers if down else numbers
        top = numbers.groupby(groups.to_numpy()).transform("max")
        compared = (numbers.notna() & learned).groupby(groups.to_numpy()).transform("any")
        best |= {(row, place) for row in ((numbers == top) & compared).to_numpy().nonzero()[0]}
    return TitledTable(table.replace("nan", "–"), title, best)


def _of_control(table: pd.DataFrame) -> np.ndarray:
    """Which rows are of random codes, `bool [rows]`; none where rows are no methods."""
    if "method" in table.index.names:
        methods = table.index.get_level_values("method")
    elif "method" in table.columns:
        methods = table["method"]
    else:
        return np.zeros(len(table), dtype=bool)
    return np.asarray(methods == in_print("random"), dtype=bool)


def _text(value: object, digits: int) -> str:
    return f"{value:.{digits}f}" if isinstance(value, float) else str(value)


def _number(text: str) -> float:
    found = _NUMBER.match(text)
    return float(found[0].replace("−", "-").replace(",", "")) if found else float("nan")


def _renamed(index: pd.Index) -> pd.Index:
    if isinstance(index, pd.MultiIndex):
        level = index.names.index("method")
        return pd.MultiIndex.from_tuples(
            [(*row[:level], in_print(row[level]), *row[level + 1 :]) for row in index],
            names=index.names,
        )
    return index.map(in_print)
