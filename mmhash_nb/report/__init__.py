"""The paper-versus-ours report: every published number with ours, as Markdown and as a page."""

from collections.abc import Iterable
from pathlib import Path

from mmhash_nb.io.files import whole
from mmhash_nb.report import contents
from mmhash_nb.report.page import markdown, page
from mmhash_nb.runner.headless import Outcome


def write(out: Path, outcomes: Iterable[Outcome] = ()) -> list[Path]:
    """Write `out/report.md` and `out/report.html`, each whole or not at all.

    Numbers are those of the committed full runs in `results/` and of this machine's runs in the
    `runs_folder` of `io/project.py`; nothing is run. Pictures are of those runs, else the committed
    ones in `figures/`.
    The page holds its pictures; the Markdown links them.

    Args:
        out: a folder, which is made where it is not there.
        outcomes: how the notebooks of the same call ended.

    Raises:
        ValueError: a file of records is not what it should be.
    """
    blocks = contents.blocks(outcomes)
    paths = [out / "report.md", out / "report.html"]
    texts = (markdown(blocks, out), page(blocks, f"{contents.TITLE}: mmhash-nb"))
    for path, text in zip(paths, texts, strict=True):
        with whole(path) as aside:
            aside.write_text(text, encoding="utf-8")
    return paths
