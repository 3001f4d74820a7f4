"""How figures look, how they show in Jupyter, and how they are saved."""

import io
import os
import unicodedata
from functools import cache, partial
from pathlib import Path
from typing import Any

import matplotlib
import seaborn as sns
from IPython.display import display
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import fontManager
from PIL import Image, ImageFont

from mmhash_nb.io.files import whole
from mmhash_nb.io.project import output_folder

# Colours that stay apart under the common colour-vision deficiencies, and never alone: right and
# wrong also carry a mark, differing bits a cross, curves a marker and a line style.
RIGHT = "#0072b2"
WRONG = "#c96f00"
DIFFERENT = "#d5320e"
TRUE_TAG = "#00795a"
INK = "#222222"
MARKS = {True: "✓", False: "✗"}

#: for letters that DejaVu Sans lacks, where a machine has one of them
_OTHER_SCRIPTS = (
    *("Noto Sans CJK JP", "Noto Sans CJK SC", "Noto Sans JP", "Noto Sans SC", "Noto Sans KR"),
    *("WenQuanYi Zen Hei", "IPAexGothic", "Droid Sans Fallback", "Arial Unicode MS"),
    *("Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei", "Malgun Gothic"),
    *("Noto Sans Devanagari", "Noto Sans Bengali", "Noto Sans Thai", "Nirmala UI", "Leelawadee UI"),
)
_INSTALLED = {font.name for font in fontManager.ttflist}

# DejaVu Sans comes with Matplotlib and has the marks; other fonts may lack them.
THEME = {
    **sns.plotting_context("paper"),
    **sns.axes_style("whitegrid"),
    "font.family": ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in _INSTALLED)],
    "axes.edgecolor": "#888888",
    "text.color": INK,
}
DPI = 100
#: of a figure: a side, and both multiplied, which at 200 dots an inch take 0.3 GB
MOST_INCHES, MOST_AREA = 300, 2_000
_MEASURED = 1_000
#: the style as a context manager or decorator; the reader's settings return after it
themed = partial(matplotlib.rc_context, THEME)


class Picture(Figure):
    """A figure outside pyplot's list: as a cell's last expression it shows in Jupyter, and once.

    Attributes:
        alt: what it shows, in words, for those who do not see it; empty where nothing wrote any.

    Raises:
        ValueError: on more inches than a file can have pixels for, or a machine memory.
    """

    alt = ""

    def __init__(self, width: float, height: float, **options: object) -> None:
        if max(width, height) > MOST_INCHES or width * height > MOST_AREA:
            raise ValueError(
                f"the figure would be {width:,.0f} x {height:,.0f} inches, of at most "
                f"{MOST_INCHES} a side and {MOST_AREA:,} in all: show fewer items."
            )
        super().__init__(figsize=(width, height), dpi=DPI, facecolor="white", **options)  # type: ignore[arg-type]
        FigureCanvasAgg(self)

    def _ipython_display_(self) -> None:
        # Jupyter asks this before the formatter that `%matplotlib inline` registers for figures,
        # which would write four times the bytes into the notebook.
        display({"image/png": png(self), "text/plain": self.alt or repr(self)}, raw=True)


def points_wide(line: str, weight: str = "normal") -> float:
    """How wide a line is in a font of one point, letters of other fonts by what is usual there."""
    return sum(_letter(c, weight == "bold") for c in line)


@cache
def _letter(c: str, bold: bool) -> float:
    if unicodedata.east_asian_width(c) in "WF":
        return 1.3 if ord(c) > 0xFFFF else 1.1  # emoji; boxes where no font has the letter
    return float(_font(bold).getlength(c)) / _MEASURED


@cache
def _font(bold: bool) -> ImageFont.FreeTypeFont:
    name = f"fonts/ttf/DejaVuSans{'-Bold' * bold}.ttf"
    basic = ImageFont.Layout.BASIC
    return ImageFont.truetype(str(Path(matplotlib.get_data_path()) / name), _MEASURED, 0, "", basic)


def png(figure: Figure, dpi: int = DPI) -> bytes:
    """The figure as the bytes of a small PNG file of 256 colours, `dpi` dots per inch.

    The same figure gives the same bytes.
    """
    buffer = io.BytesIO()
    quick = {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 1}}
    figure.savefig(buffer, format="png", dpi=dpi, **quick)  # type: ignore[arg-type]
    return small_png(Image.open(buffer).convert("RGB"))


def small_png(picture: Image.Image) -> bytes:
    """An RGB picture as the bytes of a PNG file of 256 colours, a quarter of the full one."""
    buffer = io.BytesIO()
    picture.quantize(256).save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def folder(paper: str, dataset: str) -> Path:
    """Where the pictures of a paper's notebook on a dataset go.

    That is `runs/figures/<paper>/<dataset>`; `python -m mmhash_nb publish` copies from there to the
    committed ones in `figures/`.
    """
    return output_folder() / "figures" / paper / dataset


def save(figure: Figure, path: str | os.PathLike[str]) -> None:
    """Write `path.png` (200 dots per inch) and `path.pdf`, each whole or not at all, without dates.

    Args:
        figure: what to save.
        path: the files' path without suffix; its folder is made.
    """
    base = Path(path)
    with whole(base.with_name(f"{base.name}.png")) as aside:
        aside.write_bytes(png(figure, dpi=200))
    # Type 42 keeps text as text; journals refuse the default Type 3.
    pdf = base.with_name(f"{base.name}.pdf")
    with whole(pdf) as aside, matplotlib.rc_context({"pdf.fonttype": 42}):
        figure.savefig(aside, metadata={"CreationDate": None, "Creator": None, "Producer": None})


def axes_in_inches(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes without frame whose data coordinates are inches, y downwards, at a place in inches."""
    wide, high = figure.get_size_inches()
    axes = figure.add_axes((left / wide, 1 - (top + height) / high, width / wide, height / high))
    axes.set_axis_off()
    axes.set(xlim=(0, width), ylim=(height, 0))
    return axes


def over_queries(queries: int, without_relevant: int, most: str = "at most") -> str:
    """What a mean is over, in two lines: queries, those with nothing to find, the most possible."""
    highest = f": {most} {1 - without_relevant / max(1, queries):.3f}" * bool(without_relevant)
    return f"mean over {queries:,} queries,\n{without_relevant:,} with nothing to find{highest}"


def marks(points: int, place: int, methods: int) -> dict[str, Any]:
    """`markevery` of a curve: at even steps, each method's a little further on than the last's."""
    return {"markevery": (0.2 * (place + 0.5) / methods, 0.2) if points > 5 else None}
