"""The ipywidgets: menus and sliders; what results is a `Retriever`."""

import html
from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import ipywidgets as widgets

from mmhash_nb.datasets.decoding import read_picture
from mmhash_nb.experiments.collection import Collection, Fitted, with_lengths
from mmhash_nb.explorer import controls
from mmhash_nb.explorer.clickable import figure_styles, in_sentences, result_buttons
from mmhash_nb.explorer.controls import InitialValues, fill, in_order, menu, set_control, show_where
from mmhash_nb.explorer.drawing import draw_results
from mmhash_nb.explorer.retriever import Column, Retriever
from mmhash_nb.explorer.search import SearchResult, directions, nearest_direction, nearest_radius
from mmhash_nb.explorer.user_query import UserQuery, needs, user_query
from mmhash_nb.figures.nearest import Codes, MethodCodes, sides, task_name
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_MOST = 20  # results that one picture can hold


def explore(
    pairs: Pairs | Mapping[str, Collection],
    codes: Mapping[tuple[str, int], Codes] | MethodCodes | None = None,
    methods: Mapping[tuple[str, int], Fitted] | None = None,
    **first: Unpack[InitialValues],
) -> widgets.Widget:
    """Menus and sliders over retrieval results; see `Explorer`.

    `explore(pairs, codes)` shows one dataset, `explore(*saved_runs(protocol, pairs))` what runs
    left of it, and `explore({"scenes": saved_runs(…), "wiki": (pairs, codes)})` several.

    Args:
        pairs: the dataset; or for each of several its collection, or pairs and codes.
        codes: for each (method, code length) and modality, codes of all samples; or for each method
            and modality, as `figures.gallery` takes them.
        methods: for each (method, code length), a call that loads the fitted method, such as
            `run.method`: with it the user can search with words and pictures, and see attention.
        first: what to show first, such as `method="aadah", bits=32, direction="text-image"`; also
            `dataset`, `beside`, `query` (its position in `pairs.query`), `item` (any sample as the
            query), `k`, `radius`, `mistakes` and `attention`.

    Raises:
        ValueError: no codes at all, or a control does not offer such a value.
        TypeError: there is no such control.
    """
    if isinstance(pairs, Pairs):
        return Explorer({pairs.name: Collection(pairs, with_lengths(codes), methods or {})}, first)
    return Explorer({name: Collection(*one) for name, one in pairs.items()}, first)


class Explorer(widgets.VBox):
    """Menus and sliders over retrieval results, a picture of them, and the result list in words.

    The controls are `dataset`, `method`, `beside` (a second method, for the same query), `bits`,
    `direction`, `query` (its position in `pairs.query`), `item` (the sample that is the query: that
    of `query`, or any other), `k`, `radius`, `mistakes` (leave out right results) and `attention`.
    Where the methods can encode it, `words` and `upload` make a query of the user's, which stands
    until `query` or `item` moves. `picture` is a PNG image; `buttons` lies over it and has a button
    for each result, which makes that the `item`. `message` says in words what the picture shows, or
    what is wrong. Where nothing is within the radius, `widen` sets the nearest radius that has
    results.

    Nothing is trained; `draw_results` draws. `first` and errors are as of `explore`.
    """

    def __init__(self, collections: Mapping[str, Collection], first: InitialValues | None = None):
        self.retrievers = {name: Retriever(one) for name, one in collections.items()}
        if not self.retrievers or not all(one.codes for one in self.retrievers.values()):
            raise ValueError("the explorer needs codes of at least one method of every dataset.")
        self._setting = False
        self._user_query: UserQuery | None = None
        self.dataset, self.method, self.beside = menu("dataset"), menu("method"), menu("beside it")
        self.bits, self.direction = menu("bits"), menu("direction")
        fill(self.dataset, self.retrievers)
        self.query = widgets.IntSlider(description="query")
        self.item = widgets.BoundedIntText(description="item", layout={"width": "11em"})
        self.k = widgets.IntSlider(10, 1, _MOST, description="results")
        self.radius = widgets.IntSlider(2, 0, 2, description="radius")
        self.mistakes = controls.check_box("only mistakes")
        self.attention = controls.check_box("attention")
        self.words = controls.words_box("your words")
        self.upload = controls.upload_button("your picture")
        self.ask = widgets.Button(description="ask", layout={"width": "auto"})
        self.widen = widgets.Button(layout={"width": "auto", "display": "none"})
        self.picture = widgets.Image(format="png", layout={"max_width": "100%"})
        self.hint, self.message, self.buttons = widgets.HTML(), widgets.HTML(), widgets.HTML()
        figure = widgets.Box([self.picture, self.buttons])
        lines = [
            [self.dataset, self.method, self.beside, self.bits, self.direction],
            [self.query, self.item, self.k, self.radius, self.widen, self.mistakes, self.attention],
            [self.words, self.upload, self.ask, self.hint],
        ]
        boxes = [widgets.HBox(line, layout={"flex_flow": "row wrap"}) for line in lines]
        super().__init__([*boxes, figure, self.message, widgets.HTML(figure_styles())])
        for box, name in ((self, "explorer"), (self.item, "item"), (figure, "figure")):
            box.add_class(f"mmhash-{name}")
        self._offer()
        self._move_item()
        for name, value in in_order(first or {}):
            set_control(getattr(self, name), name, value)
            self._offer()
            if name in ("dataset", "query"):
                self._move_item()
        self._show()
        for control in (*lines[0], *lines[1]):
            if control is not self.widen:
                control.observe(self._changed, "value")
        self.widen.on_click(self._widen)
        self.words.observe(self._user_query_given, "value")
        self.upload.observe(self._user_query_given, "value")
        self.ask.on_click(self._user_query_given)

    @property
    def retriever(self) -> Retriever:
        """What results for the chosen dataset."""
        return self.retrievers[self.dataset.value]

    @property
    def pairs(self) -> Pairs:
        """The chosen dataset."""
        return self.retriever.pairs

    @property
    def columns(self) -> list[Column]:
        """The chosen methods and the task of each."""
        bits, direction = self.bits.value, self.direction.value
        columns = [Column(self.method.value, bits, direction)]
        if second := self.beside.value:
            offered = directions(second, self.retriever.codes[second, bits])
            columns.append(Column(second, bits, nearest_direction(direction, offered)))
        return columns

    def _offer(self) -> None:
        """Fill the menus with what there is; keep each choice where it can be."""
        codes = self.retriever.codes
        fill(self.method, dict.fromkeys(method for method, _ in codes), in_print)
        fill(self.bits, [bits for method, bits in codes if method == self.method.value])
        bits = self.bits.value
        others = [m for m, n in codes if n == bits and m != self.method.value]
        fill(self.beside, ["", *others], lambda method: in_print(method) or "nothing")
        tasks = directions(self.method.value, codes[self.method.value, bits])
        fill(self.direction, tasks, lambda task: task_name(self.pairs, task))
        self.query.max = max(len(self.pairs.query) - 1, 0)
        self.item.max = len(self.pairs) - 1
        self.k.max = min(_MOST, max(len(self.pairs.database), 1))
        self.radius.max = bits
        show_where(self.dataset, len(self.retrievers) > 1)
        show_where(self.beside, bool(others))
        show_where(self.attention, any(self.retriever.has_masks(column) for column in self.columns))
        needed = self._needed()
        show_where(self.words, "words" in needed)
        show_where(self.upload, "picture" in needed)
        show_where(self.ask, bool(needed))
        if self._user_query is not None and not (needed and needed <= self._user_query.made_of):
            self._forget()

    def _needed(self) -> frozenset[str]:
        """What a query of the user is made of; nothing where no method can encode it."""
        self.hint.value = ""
        fitted = [column for column in self.columns if self.retriever.encodes(column)]
        try:
            return needs(self.pairs, sides(fitted[0].direction)[0]) if fitted else frozenset()
        except ValueError as error:
            self.hint.value = html.escape(str(error))
            return frozenset()

    def _changed(self, change: dict[str, Any]) -> None:
        # Filling a menu moves its value; the picture is drawn once, when all of them agree.
        if self._setting:
            return
        control = change["owner"]
        self._setting = True
        try:
            if control in (self.dataset, self.query, self.item):
                self._forget()
            if isinstance(control, widgets.Dropdown):
                self._offer()
            if control in (self.dataset, self.query):
                self._move_item()
        finally:
            self._setting = False
        self._show()

    def _user_query_given(self, _: object) -> None:
        """Take the user's query from the box and the upload."""
        if self._setting:
            return
        made_of, picture = self._needed(), None
        try:
            if "picture" in made_of and self.upload.value:
                file = self.upload.value[0]
                picture = read_picture(bytes(file["content"]), file["name"])
            self._user_query = user_query(self.pairs, made_of, self.words.value, picture)
        except ValueError as error:
            self._user_query = None
            return self._refuse([str(error)])
        self._show()

    def _show(self) -> None:
        """Draw the picture and say what it shows; in a state that has none, say why."""
        self.mistakes.disabled = self._user_query is not None
        try:
            query = self._user_query or self.retriever.query(self.item.value)
        except ValueError as error:
            return self._refuse([str(error)])
        k, mistakes, attention = self.k.value, self.mistakes.value, self.attention.value
        results, refusals = [], []
        for column in self.columns:
            try:
                results.append(self.retriever.search(column, query, k, mistakes, attention))
            except (ValueError, OSError, RuntimeError) as error:
                refusals.append(str(error))
        if not results:
            return self._refuse(refusals)
        if isinstance(query, UserQuery) and query.unknown:
            refusals.append(f"Not known and left out: {', '.join(query.unknown)}.")
        self._offer_radius(results)
        canvas = draw_results(self.pairs, query, results, self.radius.value)
        self.picture.layout.display, self.picture.value = None, canvas.png()
        self.buttons.value = result_buttons(self.pairs, canvas, results)
        sentences = [f"Query: {query.name}.", *refusals, *in_sentences(self.pairs, results)]
        self.message.value = "<br>".join(map(html.escape, sentences))

    def _offer_radius(self, results: Sequence[SearchResult]) -> None:
        """Offer the nearest radius with results, where a method has none within the chosen one."""
        nearest = max(map(nearest_radius, results))
        self.widen.description = f"radius {nearest}: the nearest with results"
        show_where(self.widen, nearest > self.radius.value)

    def _widen(self, _: object) -> None:
        self.radius.value = int(self.widen.description.split()[1].rstrip(":"))

    def _refuse(self, sentences: list[str]) -> None:
        """No picture, which would not be of this query, but what is wrong."""
        show_where(self.widen, False)
        self.picture.layout.display, self.buttons.value = "none", ""
        self.message.value = "<br>".join(f"<b>{html.escape(one)}</b>" for one in sentences)

    def _move_item(self) -> None:
        """The item is that of the slider."""
        if len(self.pairs.query):
            self.item.value = int(self.pairs.query[self.query.value])

    def _forget(self) -> None:
        """Back to the dataset's queries."""
        self._user_query, self.words.value, self.upload.value = None, "", ()
