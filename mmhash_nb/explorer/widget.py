"""The ipywidgets: menus and sliders that ask; what answers is a `Desk`."""

import html
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Unpack

import ipywidgets as widgets

from mmhash_nb.datasets.pictures import FORMATS, read_picture
from mmhash_nb.experiments.collection import Collection, Fitted
from mmhash_nb.explorer.answers import directions, in_words, nearest_direction
from mmhash_nb.explorer.controls import WIDE, fill, menu, show_where
from mmhash_nb.explorer.desk import Column, Desk
from mmhash_nb.explorer.drawing import draw_answers
from mmhash_nb.explorer.opening import Opening, in_order, open_at
from mmhash_nb.explorer.own import Own, needs, own_pair
from mmhash_nb.figures.nearest import Codes, sides, task_name
from mmhash_nb.pairs import Pairs

_MOST = 20  # results that one picture can hold


def explore(
    pairs: Pairs | Mapping[str, Collection],
    codes: Mapping[tuple[str, int], Codes] | None = None,
    methods: Mapping[tuple[str, int], Fitted] | None = None,
    **opening: Unpack[Opening],
) -> widgets.Widget:
    """Menus and sliders over retrieval results; see `Explorer`.

    `explore(pairs, codes)` shows one dataset, `explore(*saved_runs(protocol, pairs))` what runs
    left of it, and `explore({"scenes": saved_runs(…), "wiki": (pairs, codes)})` several.

    Args:
        pairs: the dataset; or for each of several its collection, or pairs and codes.
        codes: for each (method, code length) and modality, codes of all samples.
        methods: for each (method, code length), a call that loads the fitted method, such as
            `run.method`: with it the reader can ask with words and pictures, and see attention.
        opening: where to begin, such as `method="aadah", bits=32, direction="text-image"`; also
            `dataset`, `beside`, `query` (its place in `pairs.query`), `k`, `radius`, `mistakes` and
            `attention`.

    Raises:
        ValueError: no codes at all, or a control does not offer such a value.
        TypeError: there is no such control.
    """
    if isinstance(pairs, Pairs):
        return Explorer({pairs.name: Collection(pairs, codes or {}, methods or {})}, opening)
    return Explorer({name: Collection(*one) for name, one in pairs.items()}, opening)


class Explorer(widgets.VBox):
    """Menus and sliders over retrieval results, a picture of them, and the result list in words.

    The controls are `dataset`, `method`, `beside` (a second method, asked the same), `bits`,
    `direction`, `query` (its place in `pairs.query`), `k`, `radius`, `mistakes` (leave out what is
    right), `attention`, and where the methods can encode it, `words` and `upload` for a query of
    the reader's own, which stands until the next move of `query`. `picture` is a PNG image and
    `message` says in words what it shows, or what is wrong.

    Nothing is trained. All drawing is done by `draw_answers`.

    Args:
        collections: for each dataset its pairs, codes and fitted methods.
        opening: values of controls by their names, of what is shown first.

    Raises:
        ValueError, TypeError: as `explore`.
    """

    def __init__(self, collections: Mapping[str, Collection], opening: Opening | None = None):
        self.desks = {name: Desk(one) for name, one in collections.items()}
        if not self.desks or not all(desk.codes for desk in self.desks.values()):
            raise ValueError("the explorer needs codes of at least one method of every dataset.")
        self._setting = False
        self._own: Own | None = None
        self.dataset, self.method, self.beside = menu("dataset"), menu("method"), menu("beside it")
        self.bits, self.direction = menu("bits"), menu("direction")
        fill(self.dataset, self.desks)
        self.query = widgets.IntSlider(description="query")
        self.k = widgets.IntSlider(10, 1, _MOST, description="results")
        self.radius = widgets.IntSlider(2, 0, 2, description="radius")
        narrow = {"indent": False, "layout": {"width": "auto"}}
        self.mistakes = widgets.Checkbox(description="only mistakes", **narrow)
        self.attention = widgets.Checkbox(description="attention", **narrow)
        self.words = widgets.Text(
            description="your words", continuous_update=False, style=WIDE, placeholder="then Enter"
        )
        kinds = ",".join(f".{kind.lower()}" for kind in (*FORMATS, "jpg"))
        self.upload = widgets.FileUpload(accept=kinds, description="your picture")
        self.ask = widgets.Button(description="ask", layout={"width": "auto"})
        self.hint, self.message = widgets.HTML(), widgets.HTML()
        self.picture = widgets.Image(format="png", layout={"max_width": "100%"})
        lines = [
            [self.dataset, self.method, self.beside, self.bits, self.direction],
            [self.query, self.k, self.radius, self.mistakes, self.attention],
            [self.words, self.upload, self.ask, self.hint],
        ]
        wrap = widgets.Layout(flex_flow="row wrap")
        boxes = [widgets.HBox(line, layout=wrap) for line in lines]
        super().__init__([*boxes, self.picture, self.message])
        self._offer()
        for name, value in in_order(opening or {}):
            open_at(getattr(self, name), name, value)
            self._offer()
        self._show()
        for control in (self.dataset, self.method, self.beside, self.bits, self.direction):
            control.observe(self._menu_changed, "value")
        for control in (self.k, self.radius, self.mistakes, self.attention):
            control.observe(self._moved, "value")
        self.query.observe(self._query_moved, "value")
        self.words.observe(self._asked, "value")
        self.upload.observe(self._asked, "value")
        self.ask.on_click(self._asked)

    @property
    def desk(self) -> Desk:
        """What answers for the chosen dataset."""
        return self.desks[self.dataset.value]

    @property
    def pairs(self) -> Pairs:
        """The chosen dataset."""
        return self.desk.pairs

    @property
    def columns(self) -> list[Column]:
        """The chosen methods and what each is asked."""
        bits, direction = self.bits.value, self.direction.value
        columns = [Column(self.method.value, bits, direction)]
        if second := self.beside.value:
            offered = directions(second, self.desk.codes[second, bits])
            columns.append(Column(second, bits, nearest_direction(direction, offered)))
        return columns

    def _offer(self) -> None:
        """Fill the menus with what there is; keep each choice where it can be."""
        codes = self.desk.codes
        fill(self.method, dict.fromkeys(method for method, _ in codes))
        fill(self.bits, [bits for method, bits in codes if method == self.method.value])
        bits = self.bits.value
        others = [m for m, n in codes if n == bits and m != self.method.value]
        fill(self.beside, ["", *others], lambda method: method or "nothing")
        tasks = directions(self.method.value, codes[self.method.value, bits])
        fill(self.direction, tasks, lambda task: task_name(self.pairs, task))
        self.query.max = max(len(self.pairs.query) - 1, 0)
        self.k.max = min(_MOST, max(len(self.pairs.database), 1))
        self.radius.max = bits
        show_where(self.dataset, len(self.desks) > 1)
        show_where(self.beside, bool(others))
        show_where(self.attention, any(self.desk.has_masks(column) for column in self.columns))
        needed = self._needed()
        show_where(self.words, "words" in needed)
        show_where(self.upload, "picture" in needed)
        show_where(self.ask, bool(needed))
        if self._own is not None and not (needed and needed <= self._own.made_of):
            self._forget()

    def _needed(self) -> frozenset[str]:
        """What a query of the reader's own is made of; nothing where no method can encode it."""
        self.hint.value = ""
        fitted = [column for column in self.columns if self.desk.encodes(column)]
        try:
            return needs(self.pairs, sides(fitted[0].direction)[0]) if fitted else frozenset()
        except ValueError as error:
            self.hint.value = html.escape(str(error))
            return frozenset()

    def _menu_changed(self, change: dict[str, Any]) -> None:
        # Filling a menu moves its value; the picture is drawn once, when all of them agree.
        if not self._setting:
            with self._quietly():
                if change["owner"] is self.dataset:
                    self._forget()
                self._offer()
            self._show()

    def _query_moved(self, _: object) -> None:
        if not self._setting:
            with self._quietly():
                self._forget()
            self._show()

    def _moved(self, _: object) -> None:
        if not self._setting:
            self._show()

    def _asked(self, _: object) -> None:
        """Take the reader's own query from the box and the upload."""
        if self._setting:
            return
        made_of, picture = self._needed(), None
        try:
            if "picture" in made_of and self.upload.value:
                file = self.upload.value[0]
                picture = read_picture(bytes(file["content"]), file["name"])
            self._own = own_pair(self.pairs, made_of, self.words.value, picture)
        except ValueError as error:
            self._own = None
            self._refuse([str(error)])
            return
        self._show()

    def _show(self) -> None:
        """Draw the picture and say what it shows; in a state that has none, say why."""
        self.mistakes.disabled = self._own is not None
        try:
            question = self._own or self.desk.question(self.query.value)
        except ValueError as error:
            self._refuse([str(error)])
            return
        k, mistakes, attention = self.k.value, self.mistakes.value, self.attention.value
        answers, refusals = [], []
        for column in self.columns:
            try:
                answers.append(self.desk.answer(column, question, k, mistakes, attention))
            except (ValueError, OSError, RuntimeError) as error:
                refusals.append(str(error))
        if not answers:
            self._refuse(refusals)
            return
        if isinstance(question, Own):
            refusals += [f"Not known and left out: {', '.join(question.unknown)}."] * bool(
                question.unknown
            )
            question = question.question
        sheet = draw_answers(self.pairs, question, answers, self.radius.value)
        self.picture.layout.display = None
        self.picture.value = sheet.png()
        said = [f"Query: {question.name}.", *refusals]
        for found in answers:
            name = f"{found.method}, {task_name(self.pairs, found.direction)}: "
            said.append(name * (len(answers) > 1) + in_words(found))
        self.message.value = "<br>".join(map(html.escape, said))

    def _refuse(self, sentences: list[str]) -> None:
        """No picture, which would not be of what was asked, but what is wrong."""
        self.picture.layout.display = "none"
        self.message.value = "<br>".join(f"<b>{html.escape(one)}</b>" for one in sentences)

    def _forget(self) -> None:
        """Back to the dataset's queries."""
        self._own, self.words.value, self.upload.value = None, "", ()

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        self._setting = True
        try:
            yield
        finally:
            self._setting = False
