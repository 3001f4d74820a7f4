"""Write what `scaling.py` and `approximate.py` measured into `docs/scaling.md`, and draw it.

    python benchmarks/page.py

Between `<!-- name -->` and `<!-- /name -->` the page is written here, from the tables in
`results/`; the figures go to `figures/scaling/`.
"""

import re
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter
from table import markdown

from mmhash_nb.figures.method_looks import looks
from mmhash_nb.figures.style import Picture, png, themed
from mmhash_nb.io.files import whole
from mmhash_nb.io.project import project_root

#: an approximate index pays where it finds this share and is this many times faster
RECALL, FASTER = 0.95, 2.0
MACHINES = {"1": "seconds", **{str(m): f"seconds on {m} machines" for m in (4, 16, 64)}}


def machines(scaling: pd.DataFrame) -> str:
    """Seconds by number of machines, of the largest run of each source of shards."""
    amounts = scaling[["queries", "million codes"]].astype(float)
    largest = scaling[(amounts == amounts.max()).all(axis=1)]
    chosen = largest[["shards", "million codes", "queries", *MACHINES.values()]]
    names = {column: f"{name} machines, s" for name, column in MACHINES.items()}
    named = chosen.rename(columns=names | {"seconds": "1 machine, s (measured)"})
    return markdown(named.columns, named.to_numpy())


def left_out(scaling: pd.DataFrame) -> str:
    """How much each machine sends, which the projection does not count."""
    queries, bits, labels = (int(scaling[c].iloc[-1]) for c in ("queries", "bits", "labels"))
    megabytes = queries * (bits + 1) * (labels + 1) * 8 / 1e6
    return (
        f"A profile of {queries:,} queries has at most {megabytes:.1f} MB, if a query had all "
        f"{labels} labels; each worker sends one for each shard."
    )


def verdict(approximate: pd.DataFrame) -> str:
    """From which size on an index pays; the fastest of each size; and what was not built."""
    lines, paying = [], []
    built = approximate[approximate["ms a query"] != ""]
    for items, rows in built.groupby(built["items"].astype(int)):
        exact = rows[rows["index"] == "flat"].iloc[0]
        values = rows[["recall", "times faster than flat"]].astype(float)
        enough = rows[(values["recall"] >= RECALL) & (values["times faster than flat"] >= FASTER)]
        line = f"- {items:,} codes: `flat` takes {exact['ms a query']} ms a query; "
        if enough.empty:
            line += f"no index is {FASTER:g} times faster at a recall of {RECALL:g}."
        else:
            paying.append(items)
            best = enough.loc[enough["ms a query"].astype(float).idxmin()]
            line += (
                f"`{best['index']}` with effort {best['effort']} is "
                f"{best['times faster than flat']} times faster at recall {best['recall']}, and "
                f"its {best['seconds to build']} s of building are repaid after "
                f"{int(best['queries that repay building']):,} queries."
            )
        lines.append(line)
    lines.insert(0, first_paying(sorted(built["items"].astype(int).unique()), paying))
    for _, row in approximate[approximate["seconds to build"] == "not built"].iterrows():
        kind, items = row["index"], int(row["items"])
        line = f"- `{kind}` was not built over {items:,} codes"
        lines.append(line + projected(built[built["index"] == kind], items) + ".")
    return "\n".join(lines)


def first_paying(sizes: list[int], paying: list[int]) -> str:
    """The first of `sizes` at which an index pays, and the last before it at which none does."""
    line = f"at least {FASTER:g} times faster than `flat` at a recall of {RECALL:g}"
    if not paying:
        return f"- No index is {line} at any size up to {sizes[-1]:,} codes."
    without = [size for size in sizes if size < paying[0]]
    before = f"not at {without[-1]:,}" if without else "the smallest size that was measured"
    return f"- An index first pays at {paying[0]:,} codes, {before}: it is {line}."


def projected(measured: pd.DataFrame, items: int) -> str:
    """What building over `items` codes would take if it grew on as between the last two sizes."""
    times = measured.groupby(measured["items"].astype(int))["seconds to build"].first()
    if len(times) < 2:
        return ""
    (n, more), (some, longer) = times.index[-2:], times.astype(float).iloc[-2:]
    seconds = longer * (items / more) ** (np.log(longer / some) / np.log(more / n))
    rounded = np.format_float_positional(seconds, 2, fractional=False, trim="-")
    return (
        f": growing on as from {n:,} to {more:,} codes, {some:g} s to {longer:g} s, building would "
        f"take about {float(rounded):,g} s"
    )


@themed()
def draw_scaling(scaling: pd.DataFrame) -> Figure:
    """Seconds and memory by the number of codes, with the memory that all codes would take."""
    figure = Picture(7.2, 2.8, layout="constrained")
    panels = figure.subplots(1, 2)
    numbers = scaling.drop(columns="shards").apply(pd.to_numeric)
    numbers["shards"] = scaling["shards"]
    names = [
        f"{shards}, {n} queries" for n, shards in numbers.groupby(["queries", "shards"]).groups
    ]
    look = looks(names)
    for (n, shards), rows in numbers.groupby(["queries", "shards"]):
        name = f"{shards}, {n} queries"
        style = {**look[name], "label": name, "markersize": 4}
        panels[0].plot(rows["million codes"], rows["seconds"], **style)
        panels[1].plot(rows["million codes"], rows["peak memory, MB"], **style)
    millions = np.sort(numbers["million codes"].unique())
    size = numbers["bits"].iloc[0] / 8 + numbers["labels"].iloc[0]
    panels[1].plot(millions, size * millions, "k--", linewidth=1, label="codes and labels alone")
    for axes, what in zip(panels, ("seconds", "peak memory (MB)"), strict=True):
        axes.set(xlabel="million codes", ylabel=what, xscale="log", yscale="log")
        axes.legend(fontsize=6)
    return figure


@themed()
def draw_approximate(approximate: pd.DataFrame) -> Figure:
    """Recall by milliseconds a query, one panel a size, three in a row."""
    built = approximate[approximate["ms a query"] != ""]
    sizes = built.groupby(built["items"].astype(int))
    across = min(3, len(sizes))
    down = -(-len(sizes) // across)
    figure = Picture(0.4 + 2.6 * across, 2.7 * down, layout="constrained")
    grid = figure.subplots(down, across, sharey=True, squeeze=False)
    panels = grid.ravel()[: len(sizes)]
    for unused in grid.ravel()[len(sizes) :]:
        unused.remove()
    kinds = list(dict.fromkeys(built["index"]))
    look = looks(kinds)
    for axes, (items, rows) in zip(panels, sizes, strict=True):
        for kind, curve in rows.groupby("index", sort=False):
            x, y = (curve[column].astype(float) for column in ("ms a query", "recall"))
            axes.plot(x, y, label=kind, markersize=4, **look[kind])
        axes.set_title(f"{items:,} codes", weight="bold")
        axes.set(xlabel="ms a query", xscale="log")
        axes.xaxis.set_minor_formatter(NullFormatter())  # they would overlap on a short axis
    for axes in grid[:, 0]:
        axes.set_ylabel(f"recall@{built['k'].iloc[0]}")
    panels[0].legend(fontsize=7)
    return figure


def written(page: str, results: Path) -> str:
    """The page with every marked part written anew from the tables in `results`."""
    scaling, approximate = (
        pd.read_csv(results / f"benchmarks_{name}.csv", dtype=str, keep_default_na=False)
        for name in ("scaling", "approximate")
    )
    measured = scaling.drop(columns=list(MACHINES.values())[1:])
    parts = {
        "scaling": markdown(measured.columns, measured.to_numpy()),
        "machines": machines(scaling),
        "left out": left_out(scaling),
        "approximate": markdown(approximate.columns, approximate.to_numpy()),
        "verdict": verdict(approximate),
    }
    for name, text in parts.items():
        pattern = rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)"
        page, found = re.subn(pattern, lambda m, t=text: f"{m[1]}{t}\n{m[2]}", page, flags=re.S)
        if found != 1:
            raise ValueError(
                f"the page must have the mark {name!r} once, but has it {found} times."
            )
    return page


def main() -> None:
    root = project_root()
    page = root / "docs" / "scaling.md"
    text = written(page.read_text("utf-8"), root / "results")
    with whole(page) as aside:
        aside.write_text(text, "utf-8")
    for name, draw in (("scaling", draw_scaling), ("approximate", draw_approximate)):
        table = pd.read_csv(root / "results" / f"benchmarks_{name}.csv", dtype=str)
        with whole(root / "figures" / "scaling" / f"{name}.png") as aside:
            aside.write_bytes(png(draw(table.fillna(""))))


if __name__ == "__main__":
    main()
