"""Studies of liong2017: interpretations of CMDVH."""

from typing import Any

from mmhash_nb.experiments.protocol import Protocol

#: of Eqs. 5 and 6 (`code_update`) and of Eqs. 13 and 14 (`printed`), the default first
INTERPRETATIONS = (("margins", False), ("margins", True), ("printed", False), ("printed", True))


def interpretations(protocol: Protocol) -> dict[str, list[dict[str, Any]]]:
    """CMDVH's options with all interpretations of its equations, for `hyperparameters.compared`."""
    ours = protocol.options["cmdvh"]
    return {"cmdvh": [{**ours, "code_update": u, "printed": p} for u, p in INTERPRETATIONS]}
