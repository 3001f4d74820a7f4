"""Studies of liong2017: the settings of its deep baselines, and interpretations of CMDVH."""

from typing import Any

from mmhash_nb.experiments.hyperparameters import at_rates
from mmhash_nb.experiments.protocol import Protocol

#: of the deep baselines, of which the paper gives none
RATES = (2e-4, 1e-3, 5e-3)
#: of CMDVH over a backbone that is not the paper's; elsewhere it has the paper's rate, the last
RATES_OF_OURS = (1e-3, 3e-3, 1e-2)
#: of Eqs. 5 and 6 (`code_update`) and of Eqs. 13 and 14 (`printed`), the default first
INTERPRETATIONS = (("margins", False), ("margins", True), ("printed", False), ("printed", True))


def candidates(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """The options of each deep method whose rate is to be chosen, at all learning rates."""
    deep = (method for method in ("dnh_c", "dvsh", "cah", "dcmh") if method in protocol.options)
    found = at_rates(protocol, deep, RATES)
    if protocol.options["cmdvh"].get("backbone") == "mobilenet_v2":
        found |= at_rates(protocol, ["cmdvh"], RATES_OF_OURS)
    return found


def interpretations(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """CMDVH's options with all interpretations of its equations."""
    ours = protocol.options["cmdvh"]
    return {"cmdvh": [{**ours, "code_update": u, "printed": p} for u, p in INTERPRETATIONS]}
