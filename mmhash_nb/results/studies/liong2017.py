"""Studies of liong2017: the settings of its deep baselines."""

from typing import Any

from mmhash_nb.results.protocols import Protocol
from mmhash_nb.results.studies.settings import at_rates

#: of the deep baselines, of which the paper gives none; CMDVH has the paper's
RATES = (2e-4, 1e-3, 5e-3)


def candidates(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """The options of each deep baseline that is run, at all learning rates."""
    deep = (method for method in ("dnh_c", "dvsh", "cah", "dcmh") if method in protocol.options)
    return at_rates(protocol, deep, RATES)
