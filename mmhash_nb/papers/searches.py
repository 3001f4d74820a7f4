"""Whether the methods of a paper's comparison had the same search over settings."""

from collections import Counter

import pandas as pd

from mmhash_nb.experiments.chosen_settings import budgets, same_search
from mmhash_nb.experiments.hyperparameters import trained
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import study_files
from mmhash_nb.hashers.names_in_print import in_print
from mmhash_nb.papers.folders import names, toml_of


def unequal(paper: str) -> dict[str, str]:
    """Datasets on which the methods of a paper did not have the same search, each with the reason.

    They are `[unequal_search]` of the paper's `settings.toml`.
    """
    return toml_of(paper, "settings").get("unequal_search", {})


def check(paper: str, dataset: str, protocol: Protocol) -> str:
    """Refuse a comparison whose methods did not have the same search.

    Args:
        paper: short name. dataset: name of its setup.
        protocol: the paper's on the dataset; of its methods those that are trained are compared.

    Returns:
        What each of them had, and where it is recorded.

    Raises:
        ValueError: they did not have the same search, or there is none.
    """
    methods, name = trained(protocol), f"{paper}_{dataset}_settings"
    try:
        (path,) = study_files(name)
    except FileNotFoundError:
        raise ValueError(f"there is no results/study_{name}.csv.") from None
    study = pd.read_csv(path)
    same_search(study, methods)
    return (
        f"Each of the {len(methods)} methods that are trained had "
        f"{budgets(study)[methods[0]]}, on held-out training samples: results/{path.name}."
    )


def note(paper: str, dataset: str, protocol: Protocol) -> str:
    """A sentence on the search behind a comparison, to stand beside it; arguments as `check`."""
    try:
        return check(paper, dataset, protocol)
    except ValueError as error:
        reason = unequal(paper).get(dataset, error)
        return f"The search over settings was not the same for all methods: {reason}"


def note_side_by_side(dataset: str, protocol: Protocol) -> str:
    """The same of all papers' methods side by side: which had the search that most had.

    Args:
        dataset: its name. protocol: that of `side_by_side` on it.
    """
    methods = trained(protocol)
    had: dict[str, str] = {}
    for paper in (*names(), "side_by_side"):  # where two list a method, the later one counts
        try:
            study = pd.read_csv(*study_files(f"{paper}_{dataset}_settings"))
        except FileNotFoundError:
            continue
        had |= budgets(study) if "seeds" in study else {}
    counts = Counter(had[method] for method in methods if method in had)
    usual = max(counts, key=counts.__getitem__, default="none")
    others = [method for method in methods if had.get(method) != usual]
    named = ", ".join(map(in_print, others))
    return (
        f"Of {len(methods)} methods that are trained, {len(methods) - len(others)} had the same "
        f"search over settings ({usual}); another or none: {named or 'none of them'}."
    )
