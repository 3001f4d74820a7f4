"""The ipywidgets: turn over retrieval results by method, code length, query and radius."""

import html
from collections.abc import Mapping

import ipywidgets as widgets
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from mmhash_nb.codes import HashCodes
from mmhash_nb.figures.codes import draw_codes, draw_distances
from mmhash_nb.figures.galleries import draw_result
from mmhash_nb.figures.items import CELL, draw_item, frame, label_text, view_of, write
from mmhash_nb.figures.nearest import Nearest, nearest, side_codes, sides, task_name
from mmhash_nb.figures.style import INK, RIGHT, Picture, quick_png, sheet, themed
from mmhash_nb.hashers import method_class
from mmhash_nb.metrics import precision_recall
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile

_WIDTH = 10.2  # inches
_TOP = 0.34
_LOWER = 2.35
_MOST = 20  # results that one picture can hold


def explore(
    pairs: Pairs, codes: Mapping[tuple[str, int], Mapping[str, HashCodes]]
) -> widgets.Widget:
    """Menus and sliders over retrieval results; see `Explorer`."""
    return Explorer(pairs, codes)


class Explorer(widgets.VBox):
    """Menus and sliders over retrieval results, a picture of them, and the result list in words.

    The controls are `method`, `bits`, `direction`, `query` (its place in `pairs.query`), `k` and
    `radius`; `picture` is a PNG image and `message` says in words what it shows, or what is wrong.
    All drawing is done by `draw`.

    Args:
        pairs: the dataset.
        codes: for each (method, code length) and modality, codes of all samples.

    Raises:
        ValueError: where there are no codes at all.
    """

    def __init__(
        self, pairs: Pairs, codes: Mapping[tuple[str, int], Mapping[str, HashCodes]]
    ) -> None:
        if not codes:
            raise ValueError("the explorer needs codes of at least one method.")
        self.pairs = pairs
        self.codes = codes
        self._setting = False
        methods = list(dict.fromkeys(method for method, _ in codes))
        wide = {"description_width": "initial"}
        self.method = widgets.Dropdown(options=methods, description="method")
        self.bits = widgets.Dropdown(description="bits")
        self.direction = widgets.Dropdown(description="direction")
        self.query = _slider("query", 0, max(len(pairs.query) - 1, 0), 0)
        self.k = _slider("results", 1, min(_MOST, max(len(pairs.database), 1)), 10)
        self.radius = _slider("radius", 0, max(bits for _, bits in codes), 2)
        for control in (self.method, self.bits, self.direction):
            control.style = wide
        self.picture = widgets.Image(format="png")
        self.message = widgets.HTML()
        menus = widgets.HBox([self.method, self.bits, self.direction])
        sliders = widgets.HBox([self.query, self.k, self.radius])
        super().__init__([menus, sliders, self.picture, self.message])
        self._offer_bits()
        self._show()
        self.method.observe(self._method_changed, "value")
        self.bits.observe(self._bits_changed, "value")
        for control in (self.direction, self.query, self.k, self.radius):
            control.observe(self._moved, "value")

    @property
    def chosen(self) -> Mapping[str, HashCodes]:
        """The codes of the chosen method and length, by modality."""
        return self.codes[self.method.value, self.bits.value]

    def _offer_bits(self) -> None:
        """Fill the menus with what the chosen method has; keep the choice where it can be."""
        lengths = [bits for method, bits in self.codes if method == self.method.value]
        _offer(self.bits, [(str(bits), bits) for bits in lengths])
        tasks = directions(self.method.value, self.chosen)
        _offer(self.direction, [(task_name(self.pairs, task), task) for task in tasks])
        self.radius.max = self.bits.value

    def _method_changed(self, _: object) -> None:
        # Filling a menu moves its value; the picture is drawn once, when all of them agree.
        if not self._setting:
            self._setting = True
            self._offer_bits()
            self._setting = False
            self._show()

    _bits_changed = _method_changed

    def _moved(self, _: object) -> None:
        if not self._setting:
            self._show()

    def _show(self) -> None:
        """Draw the picture and say what it shows; in a state that has none, say why."""
        try:
            if self.pairs.query.size == 0:
                raise ValueError(f"{self.pairs.name} has an empty query split: there is no query.")
            query = int(self.pairs.query[self.query.value])
            task, k = self.direction.value, self.k.value
            figure = draw(self.pairs, self.chosen, task, query, k, self.radius.value)
            found = nearest(self.pairs, self.chosen, task, [query], k)
        except ValueError as error:
            self.picture.layout.display = "none"
            self.message.value = f"<b>{html.escape(str(error))}</b>"
            return
        self.picture.layout.display = None
        self.picture.value = quick_png(figure)
        self.message.value = in_words(query, found)


def directions(method: str, codes: Mapping[str, HashCodes]) -> list[str]:
    """The tasks that can be asked of a method's codes, across modalities first.

    Across modalities needs codes of both sides and a method whose codes of both are comparable.
    """
    have = [side for side in ("image", "text", "joint") if side in codes]
    across = []
    if {"image", "text"} <= set(have) and method_class(method).cross_modal:
        across = ["image-text", "text-image"]
    return across + [f"{side}-{side}" for side in have]


def in_words(query: int, found: Nearest) -> str:
    """The query and its results in words: samples, distances, and which are relevant."""
    hits = [
        f"{sample} ({distance}{', relevant' if right else ''})"
        for sample, distance, right in zip(
            found.ids[0], found.distances[0], found.right[0], strict=True
        )
    ]
    return f"Query: sample {query}. Nearest samples (distance): {', '.join(hits)}."


@themed()
def draw(
    pairs: Pairs,
    codes: Mapping[str, HashCodes],
    direction: str,
    query: int,
    k: int,
    radius: int,
) -> Figure:
    """A query, its `k` nearest items, their codes, its distances and its precision and recall.

    Args:
        pairs: the dataset.
        codes: of one method and length, for each modality, codes of all samples.
        direction: the task, such as `image-text`.
        query: sample index.
        k: results to show.
        radius: Hamming radius of the lookup to mark.

    Raises:
        ValueError: on an empty database or codes that are not there.
    """
    query_side, database_side = sides(direction)
    found = nearest(pairs, codes, direction, [query], k)
    asked = side_codes(pairs, codes, query_side)[query]
    answers = side_codes(pairs, codes, database_side)
    profile = rank_profile(
        asked, answers[pairs.database], pairs.labels[[query]], pairs.labels[pairs.database]
    )
    counts = profile.counts[0]  # [K + 1, G + 1]
    relevant, other = counts[:, 1:].sum(axis=1), counts[:, 0]

    width, height = CELL[view_of(pairs, database_side)]
    left = 1.7
    columns = int((_WIDTH - left) / (width + 0.06))
    pitch = height + 0.4
    rows = -(-found.ids.shape[1] // columns)
    upper = _TOP + max(rows * pitch, 1.8)
    figure = Picture(_WIDTH, upper + _LOWER)
    axes = sheet(figure, 0, 0, _WIDTH, upper + _LOWER)
    _draw_query(axes, pairs, query, query_side)
    within = int(counts[: radius + 1].sum())
    hits = int(relevant[: radius + 1].sum())
    heading = f"{task_name(pairs, direction)}, {asked.n_bits} bits · within radius {radius}: "
    heading += f"{within:,} of {len(pairs.database):,} items, {hits:,} of them relevant"
    write(axes, heading, (0.1, 0.04, _WIDTH, 0.24), size=9, lines=1, align="left", weight="bold")
    for j, sample in enumerate(found.ids[0]):
        box = (left + j % columns * (width + 0.06), _TOP + j // columns * pitch, width, height)
        draw_result(axes, pairs, found, 0, j, database_side, box)
        shared = np.flatnonzero(pairs.labels[sample] & pairs.labels[query])
        names = ", ".join(str(pairs.label_names[int(c)]) for c in shared)
        write(axes, names, (box[0], box[1] + height + 0.17, width, 0.14), size=6, lines=1)

    stacked = HashCodes(
        np.concatenate([asked.bits, answers[found.ids[0]].bits]), asked.n_bits
    )  # [1 + k, K]
    title = "codes: query, then results (red ×: not as the query)"
    write(axes, title, (0.1, upper, 3.5, 0.22), size=7, lines=1, align="left", weight="bold")
    draw_codes(axes, asked, stacked, (0.1, upper + 0.26, 3.5, _LOWER - 0.44))

    histogram = figure.add_axes(_place(upper, 4.3, 2.4))
    draw_distances(histogram, relevant, other, radius)
    _legend_above(histogram)
    recall, precision = precision_recall(profile)
    curve = figure.add_axes(_place(upper, 7.4, 2.6))
    curve.plot(recall, precision, color=RIGHT, marker=".", markersize=4, linewidth=1.2)
    curve.plot(
        recall[radius],
        precision[radius],
        color=INK,
        marker="o",
        markersize=8,
        fillstyle="none",
        linestyle="",
        label=f"radius {radius}",
        gid="radius",
    )
    curve.set(xlabel="recall", ylabel="precision", xlim=(-0.03, 1.03), ylim=(0, 1.05))
    _legend_above(curve)
    return figure


def _draw_query(axes: Axes, pairs: Pairs, query: int, side: str) -> None:
    view = view_of(pairs, side)
    width, height = (1.3, 1.3) if view == "picture" else CELL[view]
    box = (0.1, _TOP, width, height)
    draw_item(axes, pairs, query, side, box)
    frame(axes, box, INK, 2.5)
    below = (0.05, _TOP + height + 0.04, max(width, 1.4) + 0.1, 0.36)
    write(axes, f"query {query}: {label_text(pairs, query)}", below, weight="bold", lines=2)


def _legend_above(axes: Axes) -> None:
    axes.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=3,
        frameon=False,
        fontsize=6.5,
        borderaxespad=0.1,
        columnspacing=1,
        handlelength=1.4,
    )


def _place(upper: float, left: float, width: float) -> tuple[float, float, float, float]:
    """Where axes of the lower half go, as fractions of the figure."""
    total = upper + _LOWER
    return left / _WIDTH, 0.5 / total, width / _WIDTH, (_LOWER - 0.72) / total


def _offer(menu: widgets.Dropdown, options: list[tuple[str, object]]) -> None:
    before = menu.value
    menu.options = options
    values = [value for _, value in options]
    menu.value = before if before in values else values[0]


def _slider(name: str, least: int, most: int, start: int) -> widgets.IntSlider:
    return widgets.IntSlider(
        value=min(max(start, least), most), min=least, max=most, description=name
    )
