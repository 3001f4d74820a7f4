"""Whether the methods of a paper's comparison had the same search over settings."""

import pandas as pd

from mmhash_nb.experiments.chosen_settings import same_search
from mmhash_nb.experiments.hyperparameters import trained
from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.experiments.records import study_files
from mmhash_nb.papers.folders import toml_of


def unequal(paper: str) -> dict[str, str]:
    """Datasets on which the methods of a paper did not have the same search, each with the reason.

    They are `[unequal_search]` of the paper's `settings.toml`.
    """
    return toml_of(paper, "settings").get("unequal_search", {})


def note(paper: str, dataset: str, protocol: Protocol) -> str:
    """A sentence on the search behind a comparison, to stand beside it.

    Args:
        paper: short name. dataset: name of its setup.
        protocol: the paper's on the dataset; of its methods those that are trained are compared.

    Raises:
        ValueError: they did not have the same search, and the paper's settings do not say so.
        FileNotFoundError: there is no study of their settings, and the settings do not say so.
    """
    if reason := unequal(paper).get(dataset):
        return f"The search over settings was not the same for all methods: {reason}"
    name, methods = f"{paper}_{dataset}_settings", trained(protocol)
    (path,) = study_files(name)
    study = pd.read_csv(path)
    same_search(study, methods)
    one = study[study.method == methods[0]]
    return (
        f"Each of the {len(methods)} methods that are trained had {len(one)} settings on held-out "
        f"training samples, {(one.seeds > 0).sum()} of them in full with {one.seeds.max()} seeds: "
        f"results/{path.name}."
    )
