"""The committed searches over settings: the same for all methods, or listed with the reason."""

from types import SimpleNamespace

import pandas as pd
import pytest

from mmhash_nb import papers
from mmhash_nb.experiments import search_space
from mmhash_nb.experiments.hyperparameters import trained
from mmhash_nb.experiments.records import study_files
from mmhash_nb.experiments.search_space import options
from mmhash_nb.io.project import project_root
from mmhash_nb.papers import searches
from mmhash_nb.papers.folders import module_of

#: paper and dataset of each committed comparison of trained methods, but of masci2014's networks
COMPARED = [
    (paper, dataset)
    for paper in ("liong2017", "zhang2018", "zeng2022")
    for dataset in module_of(paper, "protocol").DATASETS
    if len(trained(papers.protocol(paper, dataset))) > 1
    and (dataset == "scenes" or (project_root() / "results" / f"{paper}_{dataset}.csv").is_file())
]


@pytest.mark.parametrize(("paper", "dataset"), COMPARED)
def test_all_methods_had_the_same_search_or_it_is_said_that_they_had_not(paper, dataset):
    protocol = papers.protocol(paper, dataset)
    if dataset not in searches.unequal(paper):
        sentence = searches.check(paper, dataset, protocol)
        assert f"had {search_space.BUDGET} settings" in sentence
        assert sentence == searches.note(paper, dataset, protocol)
        return
    with pytest.raises(ValueError):  # what became equal is not listed
        searches.check(paper, dataset, protocol)
    assert searches.note(paper, dataset, protocol).endswith(searches.unequal(paper)[dataset])


@pytest.mark.parametrize(("paper", "dataset"), COMPARED)
def test_settings_are_those_that_held_out_samples_chose(paper, dataset):
    if reason := searches.unequal(paper).get(dataset):
        pytest.skip(f"not searched alike: {reason}")
    protocol = papers.protocol(paper, dataset)
    study = pd.read_csv(*study_files(f"{paper}_{dataset}_settings"))
    for _, row in study[study.chosen].iterrows():
        of_axes = row[list(search_space.axes(row.method, protocol.search_epochs))]
        wanted = options(of_axes.to_dict())
        assert wanted.items() <= protocol.options[row.method].items(), row.method


def test_a_comparison_without_a_search_is_refused(monkeypatch):
    protocol = papers.protocol("liong2017", "flickr8k")
    with pytest.raises(ValueError, match="cmdvh1 was not searched over"):
        searches.check("liong2017", "flickr8k", protocol)
    with pytest.raises(ValueError, match=r"there is no results/study_liong2017_none_settings.csv"):
        searches.check("liong2017", "none", protocol)
    monkeypatch.setattr(searches, "unequal", lambda paper: {})
    sentence = searches.note("liong2017", "flickr8k", protocol)
    assert sentence.startswith("The search over settings was not the same for all methods: cmdvh1")


def test_side_by_side_names_the_methods_with_another_search(tmp_path, monkeypatch):
    def study(paper, **rows):
        table = pd.DataFrame(
            [{"method": m, "seeds": n} for m, counts in rows.items() for n in counts]
        )
        table.to_csv(tmp_path / f"study_{paper}_wiki_settings.csv")

    protocol = SimpleNamespace(runs=lambda: [(m, 16, 0, {}) for m in ("dcmh", "cah", "prdh")])
    monkeypatch.setattr(searches, "study_files", lambda name: [tmp_path / f"study_{name}.csv"])
    study("liong2017", dcmh=(0, 2), cah=(0, 2))
    study("zhang2018", dcmh=(0, 2), prdh=(0, 1))
    said = searches.note_side_by_side("wiki", protocol)
    assert said == (
        "Of 3 methods that are trained, 2 had the same search over settings (2 settings, 1 of them "
        "in full with 2 seeds); another or none: PRDH."
    )
    study("side_by_side", prdh=(2, 0))
    assert searches.note_side_by_side("wiki", protocol).endswith("none: none of them.")


def test_prdh_on_wiki_has_the_setting_that_was_chosen_beside_the_other_papers():
    protocol = papers.protocol("side_by_side", "wiki")
    study = pd.read_csv(*study_files("side_by_side_wiki_settings"))
    row = study[study.chosen & (study.method == "prdh")].iloc[0]
    of_axes = row[list(search_space.axes("prdh", protocol.search_epochs))]
    assert options(of_axes.to_dict()).items() <= protocol.options["prdh"].items()
