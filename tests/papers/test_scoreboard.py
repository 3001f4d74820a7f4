"""The scoreboard adds up to what is printed, and each gap has its reason."""

import pytest

from mmhash_nb import papers
from mmhash_nb.papers import scoreboard as module
from mmhash_nb.papers.scoreboard import COLUMNS, numbers, scoreboard, unjudged

ALL_IMAGES = "masci2014, CIFAR-10 from all 59,000 images"


@pytest.fixture(scope="module")
def board():
    return scoreboard().set_index("paper")


def test_every_printed_number_stands_in_one_column(board):
    first, *others = papers.names()
    assert list(board.index) == [first, ALL_IMAGES, *others, "all"]
    assert tuple(board.columns) == COLUMNS[1:]
    apart = board.drop(columns=["printed", "of these reproduced"]).sum(axis=1)
    assert (apart == board.printed).all()
    for paper in papers.names():
        assert board.printed[paper] == len(papers.tables(paper))
    assert (board.loc["all"] == board.loc[papers.names()].sum()).all()
    assert (board["of these reproduced"] <= board["own data and setting"]).all()


def test_cifar10_stands_by_both_training_sets(board):
    fewer, all_images = board.loc["masci2014"], board.loc[ALL_IMAGES]
    alone = numbers("masci2014", "cifar10_all")
    of_cifar10 = alone[alone.dataset == "cifar10"]
    assert set(of_cifar10.ours_from) == {"cifar10_all", ""}
    assert set(alone[alone.dataset == "wiki"].ours_from) == {"wiki"}
    assert (of_cifar10.verdict == "reproduced").sum() >= 40
    assert all_images["of these reproduced"] > fewer["of these reproduced"]


def test_what_is_not_judged_has_a_reason(board):
    open_ = unjudged()
    counts = open_.groupby("paper").numbers.sum()
    for paper in papers.names():
        assert counts.get(paper, 0) == (board.printed - board["own data and setting"])[paper]
    assert (open_.why.str.len() > 8).all()
    assert "128 visual words" in open_[open_.dataset == "wiki"].why.item()


def test_other_data_stand_only_where_there_is_nothing_else():
    rows = numbers("zeng2022").set_index(["dataset", "method"])
    assert set(rows.loc[("mirflickr25k", "texthash")].verdict) <= set(module.JUDGED)
    assert set(rows.loc[("nuswide", "mah")].verdict) == {"other data"}
