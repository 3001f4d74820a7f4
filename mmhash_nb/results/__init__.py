"""Runs and their records, the papers' numbers beside ours, and the papers' claims."""

from mmhash_nb.results.claims import verdicts
from mmhash_nb.results.compare import compare, interval, scores, table
from mmhash_nb.results.runs import Run, frame, run, run_protocol

__all__ = [
    "Run",
    "compare",
    "frame",
    "interval",
    "run",
    "run_protocol",
    "scores",
    "table",
    "verdicts",
]
