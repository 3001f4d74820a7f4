"""Runs and their tables: what notebooks use of `experiments` and `papers`, under one name."""

from mmhash_nb.experiments.collection import collect
from mmhash_nb.experiments.intervals import interval
from mmhash_nb.experiments.protocol_runs import run_protocol
from mmhash_nb.experiments.runs import Run, frame, run
from mmhash_nb.papers.compare import compare, scores, table
from mmhash_nb.papers.scoreboard import scoreboard, unjudged
from mmhash_nb.papers.verdicts import verdicts
