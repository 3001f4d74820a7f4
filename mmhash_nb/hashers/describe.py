"""`describe`: what a method is and all of its options, for a notebook or a terminal."""

import html
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mmhash_nb.hashers.base import Method
from mmhash_nb.hashers.registry import entry_of

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Description:
    """What `describe` gives: prints as text, and as a table in a notebook.

    Attributes:
        title: the method, its class and what it encodes.
        summary: the first line of its docstring.
        options: a row an option, columns `takes, default, what it does`.
    """

    title: str
    summary: str
    options: "pd.DataFrame"

    def __repr__(self) -> str:
        rows = self.options.itertuples(name=None)
        texts = [f"{name} = {default}: {doc} ({takes})" for name, takes, default, doc in rows]
        wrapped = (textwrap.fill(text, 96, subsequent_indent=" " * 8) for text in texts)
        return "\n".join([self.title, self.summary, "", *wrapped])

    def _repr_html_(self) -> str:
        import pandas as pd

        with pd.option_context("display.max_colwidth", None):
            summary, table = html.escape(self.summary), self.options.to_html()
            return f"<p><b>{html.escape(self.title)}</b><br>{summary}</p>{table}"


def describe(method: str | type[Method]) -> Description:
    """A method, given by registry name or class, and its options.

    Returns:
        Prints well; `.options` is a table with a row for each option. Defaults are those that
        `create` takes, with the preset of a registered name.

    Raises:
        ValueError: no method of that name.
    """
    import pandas as pd  # here, as methods themselves do without it

    if isinstance(method, str):
        entry = entry_of(method)
        cls, preset = entry.load(), entry.preset
        title = f"{method} ({', '.join([cls.__name__, *entry.papers])})"
    else:
        cls, preset, title = method, {}, method.__name__
    rows = {
        one.name: (one.takes, repr(preset.get(one.name, one.default)), one.doc)
        for one in cls.Options.listed()
    }
    columns = ["takes", "default", "what it does"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns)
    across = "" if len(cls.modalities) == 1 or cls.cross_modal else ", which do not compare"
    title += f": {'codes' if cls.has_codes else 'vectors'} of {', '.join(cls.modalities)}{across}"
    return Description(title, (cls.__doc__ or "").split("\n")[0], table.rename_axis("option"))
