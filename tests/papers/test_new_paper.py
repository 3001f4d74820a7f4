"""To add a paper is to add a folder: everything finds it by its name."""

import shutil
import sys
from pathlib import Path

import pandas as pd
import pytest

from mmhash_nb import papers
from mmhash_nb.experiments.records import COLUMNS
from mmhash_nb.papers import folders
from mmhash_nb.papers.compare import compare
from mmhash_nb.papers.verdicts import verdicts

NONE = pd.DataFrame(columns=COLUMNS)


@pytest.fixture
def added(tmp_path, monkeypatch):
    """zhang2018's folder under another name, the only one there is beside the package's."""
    here = Path(papers.__file__).parent / "zhang2018"
    room = tmp_path / "new2030"
    shutil.copytree(here, room, ignore=shutil.ignore_patterns("__pycache__"))
    for path in room.iterdir():
        text = path.read_text(encoding="utf-8").replace("zhang2018", "new2030")
        path.write_text(text.replace("year = 2018", "year = 2030"), encoding="utf-8")
    monkeypatch.setattr(folders, "_FOLDERS", tmp_path)
    monkeypatch.setattr(papers, "__path__", [*papers.__path__, str(tmp_path)])
    yield "new2030"
    for name in [name for name in sys.modules if "new2030" in name]:
        del sys.modules[name]


def test_a_folder_is_a_paper(added):
    assert papers.names() == [added]
    assert papers.title(added).startswith("Attention-aware")
    assert "adversarial_curves" in papers.captions(added)
    assert papers.tables(added).table.nunique() == 4 and len(papers.errata(added)) > 20
    plan = papers.protocol(added, "nuswide")
    assert plan.views == {"images": "pixels", "protocol": added, "size": 224}
    claims = papers.claims(added)
    assert len(verdicts(added, NONE)) == sum(len(claim.datasets) for claim in claims) > 10
    assert set(compare(added, NONE).verdict) == {"not run"}
    with pytest.raises(ValueError, match="there is no paper 'zhang2018'; there are new2030"):
        papers.tables("zhang2018")


@pytest.mark.parametrize(
    "call", [papers.title, papers.captions, papers.claims, papers.tables, papers.errata, verdicts]
)
def test_no_other_name_is_a_paper(call):
    for name in ("compare", "../papers", "zhang2019"):
        with pytest.raises(ValueError, match=f"there is no paper '{name}'; there are .*zhang2018"):
            call(name)
