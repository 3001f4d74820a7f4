"""What `notebooks/explorer.ipynb` shows: the explorer on a model and a folder, or on runs."""

import html
import json
import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode

import ipywidgets as widgets

from mmhash_nb import papers
from mmhash_nb.cli.arguments import NEEDED
from mmhash_nb.cli.explore import SHOWN, TOKEN
from mmhash_nb.cli.models import PictureReader, load_model
from mmhash_nb.cli.plugins import load_plugins
from mmhash_nb.datasets import folder, load
from mmhash_nb.experiments.collection import Collection, saved_runs
from mmhash_nb.experiments.evaluation import all_codes
from mmhash_nb.experiments.parameters import all_typed
from mmhash_nb.explorer.controls import InitialValues, state_of
from mmhash_nb.explorer.opening import opening
from mmhash_nb.explorer.widget import Explorer
from mmhash_nb.hashers.base import Hasher
from mmhash_nb.papers.folders import setups

_NUMBERS = ("bits", "query", "item", "k", "radius")
_KINDS = dict.fromkeys(_NUMBERS, int) | {"mistakes": bool, "attention": bool}
# The address of the page follows that of the link before it; a style element loads at once.
_IN_ADDRESS = "history.replaceState(null,'',this.previousElementSibling.href)"
_HELP = (
    "<p>The framed item on the left is the query; what is found stands beside it, the nearest "
    "first. ✓ in blue shares a label with the query, ✗ in orange does not. The number is how many "
    "bits of the code differ. A click on a result makes it the query. In the codes a red × is a "
    "bit that differs from the query's. In the plots, relevant items share a label with the query, "
    "and the ring is the chosen radius. The address of this page is that of the present view.</p>"
)


def page() -> widgets.Widget:
    """The explorer that the command `explore` has this process show, or a sentence.

    It opens as the address says (`?method=scm&bits=32`), else on the best method. The address
    follows each move, and below the explorer is a link to the present view.
    """
    given = os.environ.get(SHOWN)
    if given is None:
        return widgets.HTML("This is the page of the command <code>mmhash explore</code>.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        try:
            shown = json.loads(given)
            load_plugins([Path(file) for file in shown["plugins"]])
            collections = _of_runs(shown["dataset"]) if "dataset" in shown else _of_model(shown)
            explorer = Explorer(collections, _first(collections))
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            return widgets.HTML(f"<b>{html.escape(str(error))}</b>")
    notes = dict.fromkeys(html.escape(str(one.message)) for one in caught)
    link = widgets.HTML()

    def renew(_: object = None) -> None:
        address = html.escape(f"?{address_of(explorer)}")
        link.value = (
            f'<a href="{address}">Link to this view</a><style onload="{_IN_ADDRESS}">a{{}}</style>'
        )

    renew()
    for shown_part in (explorer.message, explorer.picture):  # a radius moves the picture alone
        shown_part.observe(renew, "value")
    remarks = widgets.HTML("".join(f"<p>{note}</p>" for note in notes))
    return widgets.VBox([widgets.HTML(_HELP), remarks, explorer, link])


def address_of(explorer: Explorer) -> str:
    """The part of the page's address that opens the present view."""
    return urlencode({**state_of(explorer), "token": os.environ.get(TOKEN, "")})


def _first(collections: Mapping[str, Collection]) -> InitialValues:
    """What the address says, else the best method of the first dataset."""
    address = dict(parse_qsl(os.environ.get("QUERY_STRING", "")))
    named = {k: v for k, v in address.items() if k in InitialValues.__annotations__}
    if named:
        kinds = {name: _KINDS.get(name, str) for name in InitialValues.__annotations__}
        return all_typed(named, kinds, "parameter", "the address")  # type: ignore[return-value]
    return opening(next(iter(collections.values())))


def _of_model(shown: Mapping[str, Any]) -> dict[str, Collection]:
    """The model on the items of a folder, with their labels and splits."""
    model, home = load_model(Path(shown["model"])), Path(shown["folder"])
    made = model.method.modalities
    needed = NEEDED[made[0] if len(made) == 1 else "joint"]
    how = replace(model.preprocessing, images="pixels", vocabulary=None)
    found = folder.read(home, how, modality=needed, on_error=shown["on_error"])
    for note in found.notes:
        warnings.warn(note, stacklevel=2)
    known = found.pairs
    names = ("labels", "label_names", "query", "database", "train", "captions", "source")
    texts = [row.text for row in found.rows] if needed != "image" else None
    pairs = model.preprocessing.pairs(
        known.thumbnails, texts, **{name: getattr(known, name) for name in names}
    )
    pairs = replace(pairs, name=home.name)
    key, codes = (model.method.name, model.method.n_bits), all_codes(model.method, pairs)
    if known.thumbnails is None:  # a method of texts alone
        return {home.name: Collection(pairs, {key: codes}, {key: lambda: model.method})}
    # The user's picture comes as pixels, whatever the method sees of it.
    pairs = replace(pairs, images=known.thumbnails)
    reader = PictureReader(model.method, model.preprocessing)
    return {home.name: Collection(pairs, {key: codes}, {key: lambda: cast(Hasher, reader)})}


def _of_runs(dataset: str) -> dict[str, Collection]:
    """The runs of all papers on a dataset, those that see it alike under one name.

    Raises:
        ValueError: there is none.
    """
    found: dict[str, Collection] = {}
    for paper in (*papers.names(), "side_by_side"):
        if dataset not in setups(paper):
            continue
        protocol = papers.protocol(paper, dataset)
        views = ", ".join(map(str, protocol.views.values()))
        name = f"{dataset} ({views})" if views else dataset
        pairs = found[name].pairs if name in found else load(protocol.dataset, **protocol.views)
        try:
            one = saved_runs(protocol, pairs)
        except ValueError:
            continue
        before = found.get(name, Collection(pairs, {}, {}))
        codes, methods = {**before.codes, **one.codes}, {**before.methods, **one.methods}
        found[name] = Collection(pairs, codes, methods)
    if not found:
        raise ValueError(
            f"no runs on {dataset} are there: mmhash compare {dataset} or mmhash reproduce make "
            "some."
        )
    return dict(sorted(found.items(), key=lambda item: -len(item[1].codes)))
