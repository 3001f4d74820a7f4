"""How long runs take on data of another size, from the committed records."""

import pandas as pd

from mmhash_nb.experiments.protocol import Protocol
from mmhash_nb.io.project import project_root
from mmhash_nb.papers.folders import toml_of

#: seconds of training up to which a run is a quick one
QUICK = 5.0


def expected_seconds(n_train: int) -> dict[str, float]:
    """The seconds in which a method learns from `n_train` pairs, by method.

    They are the median of the committed runs, in proportion to the pairs these learned from: good
    to a factor of three, on a machine such as theirs. Methods without a record are not there.
    """
    known = toml_of("side_by_side", "about")["learned_from"]
    parts = []
    for name, learned_from in known.items():
        path = project_root() / "results" / f"{name}.csv"
        if path.is_file():
            records = pd.read_csv(path, usecols=["method", "seconds_fit"])
            parts.append(records.assign(seconds=records.seconds_fit / learned_from * n_train))
    if not parts:
        return {}
    return pd.concat(parts).groupby("method").seconds.median().to_dict()


def quick(protocol: Protocol, n_train: int) -> list[str]:
    """The methods of a protocol whose runs take seconds, and those whose time is not known."""
    seconds = expected_seconds(n_train)
    methods = dict.fromkeys(method for method, *_ in protocol.runs())
    return [method for method in methods if seconds.get(method, 0.0) <= QUICK]
