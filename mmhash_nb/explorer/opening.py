"""Where the explorer's page opens: on the best method, at a query with results."""

from collections.abc import Mapping

import numpy as np

from mmhash_nb.codes import HashCodes
from mmhash_nb.experiments.collection import Collection
from mmhash_nb.experiments.records import CROSS_MODAL
from mmhash_nb.explorer.controls import InitialValues
from mmhash_nb.explorer.search import directions
from mmhash_nb.figures.nearest import nearest, sides
from mmhash_nb.metrics import mean_average_precision
from mmhash_nb.pairs import Pairs
from mmhash_nb.ranking import rank_profile

#: by how many queries methods are compared, and how many results the first radius holds
_QUERIES, _RESULTS = 200, 5


def opening(collection: Collection) -> InitialValues:
    """The method, length and direction with the highest mAP over the first queries, and a query.

    Methods are compared in one direction: text to image where one has it, else image to text, else
    the first of each. The query is the first that has something to find, and the radius the
    smallest with five results.

    Raises:
        ValueError: the collection has no query with something to find.
    """
    pairs = collection.pairs
    findable = pairs.labels[:, pairs.labels[pairs.database].any(axis=0)]
    positions = np.flatnonzero(findable[pairs.query].any(axis=1))[:_QUERIES]
    if not positions.size:
        raise ValueError(f"{pairs.name} has no query with something to find.")
    offered = {key: directions(key[0], codes) for key, codes in collection.codes.items()}
    there = {task for tasks in offered.values() for task in tasks}
    wanted = next((task for task in reversed(CROSS_MODAL) if task in there), None)
    scores = {}
    for key, tasks in offered.items():
        if tasks and wanted in (None, *tasks):
            task = wanted or tasks[0]
            scores[key, task] = _score(pairs, collection.codes[key], task, positions)
    (key, task), position = max(scores, key=scores.__getitem__), int(positions[0])
    found = nearest(pairs, collection.codes[key], task, pairs.query[[position]], _RESULTS)
    radius = int(found.distances[0, -1])
    first: InitialValues = {"method": key[0], "bits": key[1], "direction": task}
    return {**first, "query": position, "radius": radius}


def _score(pairs: Pairs, codes: Mapping[str, HashCodes], task: str, positions: np.ndarray) -> float:
    """mAP of some queries, by their positions."""
    query, database = sides(task)
    some = pairs.query[positions]
    ranked = rank_profile(
        codes[query][some],
        codes[database][pairs.database],
        pairs.labels[some],
        pairs.labels[pairs.database],
    )
    return mean_average_precision(ranked)
