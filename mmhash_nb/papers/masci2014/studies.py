"""The same codes scored under every evaluation that a paper's "mAP" may have meant."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist

from mmhash_nb import metrics
from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.held_out import held_out
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.experiments.runs import Run, run
from mmhash_nb.hashers.base import Embedder, share_label
from mmhash_nb.hashers.siamese import SiameseHasher
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import RankProfile, rank_profile
from mmhash_nb.ties import NormaliseBy

CUTS = (10, 50, 100, 500)
#: of `by_classifier`; the first takes too long for tens of thousands of samples
CLASSIFIERS = ("SVM, RBF kernel", "logistic regression", "MLP")
#: training samples over whose pairs a loss is taken, at most
MOST = 4000


def by_evaluation(pairs: Pairs, codes: Mapping[str, HashCodes]) -> pd.DataFrame:
    """Cross-modal mAP of one method under other queries, databases and normalisations.

    Args:
        pairs: the dataset.
        codes: for `image` and `text`, codes of all samples.

    Returns:
        One row an evaluation, columns `evaluation`, `image-text` and `text-image` (fractions 0..1).
    """
    q, d, t = pairs.query, pairs.database, pairs.train
    whole, against = metrics.mean_average_precision, "queries against the database"
    normalisers: dict[NormaliseBy, str] = {
        "relevant": "over all relevant",
        "retrieved": "over those retrieved",
    }
    evaluations: list[tuple[str, np.ndarray, np.ndarray, Callable[[RankProfile], float]]] = [
        (f"{against}, full mAP (ours)", q, d, whole),
        ("queries against the queries (Rasiwasia et al. 2010)", q, q, whole),
        ("training samples against the training samples", t, t, whole),
        ("training samples against the queries", t, q, whole),
        *(
            (f"{against}, mAP@{at} {words}", q, d, partial(whole, at=at, normalise_by=by))
            for at, (by, words) in product(CUTS, normalisers.items())
        ),
        ("full mAP, mean over classes instead of queries", q, d, partial(_by_class, pairs)),
    ]
    labels, ways = pairs.labels, [task.split("-") for task in CROSS_MODAL]
    rows = []
    for name, query, database, score in evaluations:
        sides = (labels[query], labels[database])
        profiles = (rank_profile(codes[a][query], codes[b][database], *sides) for a, b in ways)
        rows.append((name, *map(score, profiles)))
    return pd.DataFrame(rows, columns=["evaluation", *CROSS_MODAL])


def by_epochs(
    paper: str,
    method: str,
    pairs: Pairs,
    bits: int,
    epochs: Iterable[int],
    seeds: Iterable[int],
    options: Mapping[str, Any],
) -> pd.DataFrame:
    """How cross-modal mAP moves with the length of training, mean over seeds.

    Args:
        paper, method, pairs, bits, options: as `runs.run` takes them.
        epochs: lengths of training, each run in full.

    Returns:
        One row a length, columns `epochs`, `loss`, `image-text` and `text-image`.
    """
    rows = []
    for count, seed in product(epochs, seeds):
        full = {**options, "epochs": count, "tolerance": None}
        done = run(paper, method, pairs, bits, seed, full)
        scores = {task: done.metrics[task]["mAP"] for task in CROSS_MODAL}
        loss = float(done.method().state["image.loss"][-1])
        rows.append({"epochs": count, "loss": loss, **scores})
    return pd.DataFrame(rows).groupby("epochs", as_index=False).mean()


def by_settings(
    methods: Iterable[str],
    pairs: Pairs,
    bits: int,
    seeds: Iterable[int],
    options: Mapping[str, Any],
    grid: Mapping[str, Iterable[Any]],
) -> pd.DataFrame:
    """What networks reach with each setting on held-out training samples, mean over seeds.

    Args:
        methods: registry names; pairs: the dataset, whose queries are not used (`held_out`).
        bits, seeds: of every run.
        options: of every run; grid: values of further options, all combinations of which are run.

    Returns:
        One row a method and combination: `method`, its values, the `epochs_run`, the `loss` over
        all pairs of `MOST` training samples, how many `codes` of images are distinct, and `mAP`,
        the mean over directions.
    """
    part, rows = held_out(pairs), []
    trained = _trained(part)
    for method, values, seed in product(methods, product(*grid.values()), seeds):
        chosen = dict(zip(grid, values, strict=True))
        done = run("masci2014", method, part, bits, seed, {**options, **chosen})
        fitted = done.method()
        assert isinstance(fitted, SiameseHasher)
        rows.append(
            {
                **{"method": method, **chosen},
                "epochs_run": len(fitted.state["image.loss"]),
                "loss": fitted.loss(trained),
                "codes": len(np.unique(done.codes()["image"].bits[part.database], axis=0)),
                "mAP": np.mean([scores["mAP"] for scores in done.metrics.values()]),
            }
        )
    return pd.DataFrame(rows).groupby(["method", *grid], as_index=False, sort=False).mean()


def by_solver(
    pairs: Pairs, bits: int, seeds: Iterable[int], plans: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """MM-NN trained by several solvers, mean over seeds.

    Args:
        plans: by solver, the options of each method.

    Returns:
        Indexed by `method` and `solver`: `seconds` of training, the `loss` over all pairs of
        `MOST` training samples, and mAP in per cent by task.
    """
    trained, rows = _trained(pairs), []
    for solver, method, seed in product(plans, ("mmnn_l1", "mmnn_l2"), seeds):
        done = run("masci2014", method, pairs, bits, seed, plans[solver][method])
        fitted = done.method()
        assert isinstance(fitted, SiameseHasher)
        measured = {"seconds": done.record["seconds_fit"], "loss": fitted.loss(trained)}
        scores = {task: 100 * one["mAP"] for task, one in done.metrics.items()}
        rows.append({"method": method, "solver": solver, **measured, **scores})
    return pd.DataFrame(rows).groupby(["method", "solver"], sort=False).mean().round(2)


def references_against_queries(pairs: Pairs, runs: Iterable[Run]) -> pd.DataFrame:
    """Cross-modal mAP of embedders, queries ranked against queries (Rasiwasia et al. 2010).

    Returns:
        Indexed by method, columns `image-text` and `text-image` (fractions 0..1).
    """
    queries = pairs.take(pairs.query)
    relevant = share_label(queries.labels, queries.labels)
    rows = {}
    for one in runs:
        method = one.method()
        if method.cross_modal and not method.has_codes:
            assert isinstance(method, Embedder)
            image, text = method.embed(queries, "image"), method.embed(queries, "text")
            ways = {"image-text": cdist(image, text), "text-image": cdist(text, image)}
            rows[method.name] = {
                task: metrics.average_precision_from_distances(distances, relevant).mean()
                for task, distances in ways.items()
            }
    return pd.DataFrame(rows).T.rename_axis("method")


def by_classifier(
    pairs: Pairs, names: Iterable[str] = CLASSIFIERS, modalities: Iterable[str] = ("image", "text")
) -> pd.DataFrame:
    """How classifiers of one modality rank the database: what its features allow codes.

    A sample is known by its class probabilities, of scikit-learn's default classifier on features
    that are standardised by the training samples. A query ranks others by the probability that
    they are of its class.

    Args:
        pairs: with one label a sample.
        names: out of `CLASSIFIERS`; modalities: whose features to learn from.

    Returns:
        Indexed by `modality` and `classifier`. The `log loss` on a fifth of the training samples,
        held out, is what to choose a classifier by. `accuracy` is that of the queries, `mAP` theirs
        against the probabilities of the database, and `mAP, true labels` against its true labels,
        which no modality of the database improves on.
    """
    part, of, rows = pairs.held_out(), pairs.labels.argmax(axis=1), []
    relevant = of[pairs.query, None] == of[pairs.database]
    for modality, name in product(modalities, names):
        tried = _probabilities(name, part, modality)[part.query]
        chances = tried[part.labels[part.query]]
        p = _probabilities(name, pairs, modality)
        query, truth = p[pairs.query], pairs.labels[pairs.database]
        scores = [
            metrics.average_precision_from_distances(-query @ known.T, relevant).mean()
            for known in (p[pairs.database], truth)
        ]
        accuracy = (query.argmax(axis=1) == of[pairs.query]).mean()
        loss = -np.log(np.maximum(chances, np.finfo(float).tiny)).mean()
        rows.append((modality, name, loss, accuracy, *scores))
    columns = ["modality", "classifier", "log loss", "accuracy", "mAP", "mAP, true labels"]
    return pd.DataFrame(rows, columns=columns).set_index(columns[:2])


def _probabilities(name: str, pairs: Pairs, modality: str) -> np.ndarray:
    """Class probabilities of all samples by a classifier of the training samples, `[N, C]`."""
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.linear_model import LogisticRegression
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    made = {
        "logistic regression": LogisticRegression(max_iter=1000),
        "SVM, RBF kernel": CalibratedClassifierCV(SVC(), ensemble=False),
        "MLP": MLPClassifier(256, early_stopping=True, random_state=0),
    }
    model = make_pipeline(StandardScaler(), made[name])
    x, train = pairs.features(modality), pairs.train
    model.fit(x[train], pairs.labels[train].argmax(axis=1))
    p = np.zeros(pairs.labels.shape)
    p[:, model.classes_] = model.predict_proba(x)
    return p


def _trained(pairs: Pairs) -> Pairs:
    """The training samples, `MOST` of them drawn where there are more."""
    return pairs.take(np.random.default_rng(0).permutation(pairs.train)[:MOST])


def _by_class(pairs: Pairs, profile: RankProfile) -> float:
    scores, labels = metrics.average_precision(profile), pairs.labels[pairs.query]
    return float(np.mean([scores[column].mean() for column in labels.T if column.any()]))
