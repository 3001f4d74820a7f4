"""The committed searches over settings: the same for all methods, or listed with the reason."""

import pandas as pd
import pytest

from mmhash_nb import papers
from mmhash_nb.experiments import search_space
from mmhash_nb.experiments.chosen_settings import same_search
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
    sentence = searches.note(paper, dataset, protocol)
    if dataset not in searches.unequal(paper):
        assert f"{search_space.BUDGET} settings" in sentence
        return
    assert sentence.startswith("The search over settings was not the same for all methods: ")
    with pytest.raises((ValueError, FileNotFoundError)):  # what became equal is not listed
        same_search(
            *map(pd.read_csv, study_files(f"{paper}_{dataset}_settings")), trained(protocol)
        )


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
    protocol = papers.protocol("liong2017", "wiki")
    monkeypatch.setattr(searches, "unequal", lambda paper: {})
    with pytest.raises(ValueError, match="cmdvh was not searched over"):
        searches.note("liong2017", "wiki", protocol)
    with pytest.raises(FileNotFoundError, match="study_liong2017_none_settings"):
        searches.note("liong2017", "none", protocol)
