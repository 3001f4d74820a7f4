"""The results in words, and as buttons over the picture: a click makes one the query.

`ipywidgets.HTML` runs the handlers of its elements, so that one message brings all buttons. Twenty
`ipywidgets.Button` would take a message each at every move.
"""

import html
from collections.abc import Iterator, Sequence

from mmhash_nb.explorer.canvas import Canvas
from mmhash_nb.explorer.search import SearchResult, in_words
from mmhash_nb.figures.items import item_words, label_text, view_of
from mmhash_nb.figures.nearest import sides, task_name
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.pairs import Pairs

_FRAMES = ("right", "wrong", "unjudged")  # marks of a canvas around results, in their order
_MOST_LETTERS = 200  # of a text in a button's name
# The focus moves to the item's box: the button that had it goes with the old results.
_CLICK = (
    "const b=event.target.closest('button');"
    "const i=b&&this.closest('.mmhash-explorer').querySelector('.mmhash-item input');"
    "if(i){i.value=b.value;i.dispatchEvent(new Event('change',{bubbles:true}));i.focus()}"
)
_STYLES = """<style>
.mmhash-figure { position: relative; width: fit-content; max-width: 100%; align-items: start }
.mmhash-figure > .widget-html, .mmhash-figure > .widget-html > .widget-html-content {
  position: absolute; inset: 0; margin: 0; height: auto; width: auto; pointer-events: none }
.mmhash-figure button { position: absolute; background: none; border: 0; padding: 0;
  cursor: pointer; pointer-events: auto }
.mmhash-figure button:hover, .mmhash-figure button:focus-visible { outline: 3px solid #1a6 }
</style>"""
# ipywidgets gives its pictures and the handles of its sliders no names.
_NAME_PARTS = (
    "const e=this.closest('.mmhash-explorer');e.querySelectorAll('.widget-slider').forEach(s=>"
    "s.querySelector('.noUi-handle')?.setAttribute('aria-label',s.innerText.split('\\n')[0]));"
    "e.querySelector('.mmhash-figure img').alt="
    "'The query, its results, their codes and distances, in words below'"
)


def figure_styles() -> str:
    """HTML that lays the buttons over the picture, and names the picture and the sliders."""
    return f'{_STYLES}<style onload="{html.escape(_NAME_PARTS)}">a{{}}</style>'


def result_buttons(pairs: Pairs, canvas: Canvas, results: Sequence[SearchResult]) -> str:
    """HTML with a button over each result that a canvas of `draw_results` shows.

    A button's name is what a screen reader says of the result. Its value is the sample.
    """
    width, height = canvas.size
    frames = [mark.box for mark in canvas.marks if mark.name in _FRAMES]
    buttons = []
    for box, (sample, name) in zip(frames, _named(pairs, results), strict=True):
        parts = zip(("left", "top", "width", "height"), box, (width, height) * 2, strict=True)
        place = ";".join(f"{side}:{100 * inches / of:.2f}%" for side, inches, of in parts)
        name = html.escape(name)
        buttons.append(
            f'<button type="button" value="{sample}" style="{place}" title="{name}"></button>'
        )
    return f'<div onclick="{html.escape(_CLICK)}">{"".join(buttons)}</div>'


def in_sentences(pairs: Pairs, results: Sequence[SearchResult]) -> list[str]:
    """A sentence or two for each method's results, with its name where there are several."""
    names = [f"{in_print(one.method)}, {task_name(pairs, one.direction)}: " for one in results]
    names = names if len(results) > 1 else [""]
    return [name + in_words(found) for name, found in zip(names, results, strict=True)]


def _named(pairs: Pairs, results: Sequence[SearchResult]) -> Iterator[tuple[int, str]]:
    """Each result's sample and its name in words."""
    for found in results:
        words = view_of(pairs, sides(found.direction)[1]) == "words"
        for j, sample in enumerate(map(int, found.ids)):
            judged, shown = "", item_words(pairs, sample) if words else label_text(pairs, sample)
            if found.right is not None:
                judged = ", relevant" if found.right[j] else ", not relevant"
            where = f"result {j + 1}: sample {sample}, distance {found.distances[j]}{judged}"
            yield sample, f"{in_print(found.method)}, {where}; {shown[:_MOST_LETTERS]}"
