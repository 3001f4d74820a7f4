"""Studies of zeng2022: the printed equations and ours, parts, reductions and lengths."""

from collections.abc import Iterable, Mapping
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
import torch
from scipy.spatial.distance import cdist

from mmhash_nb.experiments.convergence import last_tenth
from mmhash_nb.experiments.runs import Run, frame, run
from mmhash_nb.hashers import create
from mmhash_nb.hashers.base import share_label
from mmhash_nb.hashers.deep_objective import TripletRanking
from mmhash_nb.hashers.mah import MAH
from mmhash_nb.hashers.networks.inputs import rows
from mmhash_nb.hashers.networks.modal_aware import ATTENTIONS, KERNELS
from mmhash_nb.hashers.single_code import SingleCode
from mmhash_nb.metrics import average_precision_from_distances
from mmhash_nb.pairs import Pairs
from mmhash_nb.papers.compare import compare
from mmhash_nb.training.loop import n_batches

#: the modal-aware operations as printed, as we train them, and left out, which is concatenation
OPERATIONS = {
    "printed": {"kernel": "printed", "attention": "printed"},
    "ours": {"kernel": "residual", "attention": "rescaled"},
    "none": {"kernel": "none", "attention": "none"},
}
#: the backbone's last stage, which lies between the two operations
LAST_STAGES = {
    "frozen": {"trainable": "none", "statistics": "fixed"},
    "trained": {"trainable": "last", "statistics": "batch"},
}


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


def settling(
    pairs: Pairs, bits: int, steps: int, seeds: Iterable[int], options: Mapping[str, Any]
) -> pd.DataFrame:
    """MAH with each of `OPERATIONS`, reduction of the loss, weight decay and last stage.

    Args:
        pairs: the dataset.
        bits: code length.
        steps: of each training, at least; its rate does not decay.
        seeds: of each combination.
        options: of `mah` in all of them, such as rate and backbone.

    Returns:
        One row a combination and seed: `operations`, `reduction`, `weight_decay`, `last_stage`,
        `steps`, what `beside_real_values` and `convergence.last_tenth` give, and `seconds`.
    """
    batches = n_batches(len(pairs.train), create("mah", bits, **options).options["batch_size"])
    epochs = -(-steps // batches)
    rows = []
    for (name, operations), reduction, decay, (stage, learned), seed in product(
        OPERATIONS.items(), ("sum", "mean"), (0.0, 1e-5), LAST_STAGES.items(), seeds
    ):
        loss = {"reduction": reduction, "weight_decay": decay}
        length = {"epochs": epochs, "decay_every": epochs}
        given = {**options, **operations, **loss, **learned, **length}
        done = run("zeng2022", "mah", pairs, bits, seed, given)
        (measured,) = beside_real_values(pairs, [done]).to_dict("records")
        rows.append(
            {
                **{"operations": name, **loss, "last_stage": stage, "steps": epochs * batches},
                **measured,
                **last_tenth(done.method()),
                "seconds": done.record["seconds_fit"],
            }
        )
    return pd.DataFrame(rows).drop(columns="method")


def texthash_by_epochs(
    pairs: Pairs,
    bits: Iterable[int],
    epochs: Iterable[int],
    seeds: Iterable[int],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """The verdicts on TextHash's published numbers by length of training.

    Args:
        pairs: `mirflickr25k`, its tags.
        bits: code lengths. epochs: lengths of training, each run in full. seeds: of each.
        options: of `texthash` in all of them.

    Returns:
        One row a length of training and published number: `epochs`, the columns `table, bits,
        published, ours, low, high, n_seeds, verdict` of `papers.compare.compare`, and by how many
        per cent the loss fell in the last tenth, the mean over seeds.
    """
    bits, seeds = list(bits), list(seeds)
    columns = ["table", "bits", "published", "ours", "low", "high", "n_seeds", "verdict"]
    tables = []
    for count in epochs:
        given = {**options, "epochs": count}
        runs = [run("zeng2022", "texthash", pairs, b, s, given) for b in bits for s in seeds]
        judged = compare("zeng2022", frame(runs))
        found = judged[(judged.method == "texthash") & (judged.verdict != "not run")][columns]
        fell = [(one.key[1], last_tenth(one.method())["fall in %"]) for one in runs]
        by_bits = pd.DataFrame(fell, columns=["bits", "fall in %"]).groupby("bits").mean()
        tables.append(found.merge(by_bits, on="bits").assign(epochs=count))
    return pd.concat(tables, ignore_index=True)[["epochs", *columns, "fall in %"]]


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
