"""Run records made up for a test."""

import pandas as pd

from mmhash_nb.experiments.records import COLUMNS


def made(
    dataset, values, task="image-text", bits=48, metric="mAP", paper="masci2014", source="made up"
):
    """Records of one cell a method, or (method, code length): a value for each seed."""
    rows = [
        (paper, method, dataset, source, task, length, seed, metric, value, 1.0, "cpu")
        for key, seeds in values.items()
        for method, length in [key if isinstance(key, tuple) else (key, bits)]
        for seed, value in (seeds.items() if isinstance(seeds, dict) else enumerate(seeds))
    ]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"bits": "Int64"})
