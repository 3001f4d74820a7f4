"""Studies of zeng2022: what the printed equations do, what each part gives."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.spatial.distance import cdist

from mmhash_nb.experiments.runs import Run
from mmhash_nb.hashers import create
from mmhash_nb.hashers.base import share_label
from mmhash_nb.hashers.deep_objective import TripletRanking
from mmhash_nb.hashers.mah import MAH
from mmhash_nb.hashers.networks.inputs import rows
from mmhash_nb.hashers.networks.modal_aware import ATTENTIONS, KERNELS
from mmhash_nb.hashers.single_code import SingleCode
from mmhash_nb.metrics import average_precision_from_distances
from mmhash_nb.pairs import Pairs


def variants(options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """`options` of MAH with every kind of kernel and attention, for `hyperparameters.compared`."""
    return [
        {**options, "kernel": kernel, "attention": attention}
        for kernel in ("none", *KERNELS)
        for attention in ("none", *ATTENTIONS)
    ]


def beside_real_values(pairs: Pairs, runs: Iterable[Run]) -> pd.DataFrame:
    """What signs lose: mAP by codes beside mAP by the values that they are the signs of.

    Args:
        pairs: the dataset that the runs are on.
        runs: of methods with the triplet ranking loss, which ranks by tanh(u) (Eq. 9).

    Returns:
        One row a run: `method`, `bits`, `seed`, `mAP` by codes, `mAP of values` by the Euclidean
        distance of tanh(u), both as fractions, how many distinct `codes` the database has, and
        `of` how many samples.
    """
    relevant = share_label(pairs.labels[pairs.query], pairs.labels[pairs.database])
    rows = []
    for one in runs:
        method = one.method()
        assert isinstance(method, SingleCode)
        queries, database = (
            np.tanh(method.real_values(pairs.take(part))) for part in (pairs.query, pairs.database)
        )
        scores = average_precision_from_distances(cdist(queries, database), relevant)
        (codes,), (found,) = one.codes().values(), one.metrics.values()
        rows.append(
            {
                **dict(zip(("method", "bits", "seed"), one.key, strict=True)),
                "mAP": found["mAP"],
                "mAP of values": scores.mean(),
                "codes": len(np.unique(codes.bits[pairs.database], axis=0)),
                "of": len(pairs.database),
            }
        )
    return pd.DataFrame(rows)


def start_of_training(pairs: Pairs, bits: int, options: Mapping[str, Any]) -> pd.DataFrame:
    """What each kind of modal-aware operation lets through before the first step.

    Args:
        pairs: one batch.
        options: of MAH, but for kernel and attention.

    Returns:
        A row for each pair of kinds, as a fraction of what plain concatenation has: mean absolute
        `image` and `text` features that are fused, and the norm of the loss's `gradient` at the
        first text layer's weights.
    """
    device = torch.device("cpu")
    found = {}
    for some in variants(options):
        method = create("mah", bits, 0, **some)
        assert isinstance(method, MAH)
        inputs = method.inputs(pairs, device)
        network = method.unfitted(*method.sizes(pairs)).train()
        torch.manual_seed(0)
        network.code.reset_parameters()  # the same code layer behind each of them
        batch = torch.arange(len(pairs))
        image, text = network.features(*rows(inputs, batch))  # type: ignore[arg-type]
        labels = torch.from_numpy(pairs.labels)
        TripletRanking(network, inputs, labels, method).loss(batch).backward()
        gradient = network.text1[0].weight.grad
        assert isinstance(gradient, torch.Tensor)
        pooled = image.mean(dim=(2, 3)).abs().mean().item()
        sizes = (pooled, text.abs().mean().item(), gradient.norm().item())
        found[f"{some['kernel']}, {some['attention']}"] = sizes
    table = pd.DataFrame.from_dict(found, orient="index", columns=["image", "text", "gradient"])
    return (table / table.loc["none, none"]).rename_axis("kernel, attention")
