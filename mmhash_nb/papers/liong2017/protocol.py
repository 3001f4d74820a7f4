"""What liong2017 runs on a dataset."""

from typing import Any

from mmhash_nb.experiments.protocol import Protocol, Request
from mmhash_nb.hashers import registered
from mmhash_nb.papers.folders import setups

_SHALLOW = ("cvh", "cca_itq", "pdh", "lssh", "cmfh", "scm", "sephkm", "discmh")
_DEEP = ("dnh_c", "dvsh", "cah", "dcmh")
_CMDVH = ("cmdvh1", "cmdvh2", "cmdvh")
#: Methods of liong2017, in the order of its tables.
METHODS = (*_SHALLOW, *_DEEP, *_CMDVH)

_BITS = (16, 32, 64, 128)
#: CMDVH has its optimiser, rates and widths at both scales: it takes the backbone's settings alone.
_BACKBONE = ("backbone", "weights", "trainable", "size")
#: Wiki's 10 topics have a narrower text layer (§4.1).
_PRINTED: dict[str, dict[str, Any]] = {"wiki": {"text_hidden": 100}}
#: CVH takes no more bits than its wider view has dimensions.
_MOST_BITS: dict[str, dict[str, int]] = {"uci_digits": {"cvh": 76}}
#: A method that can predict the gallery's codes keeps the learned ones there: §4.2, and the errata.
_GALLERY: dict[str, Any] = {"gallery": "learned"}

DATASETS = setups("liong2017")


def protocol(request: Request, backbone: str = "", weights: str = "") -> Protocol:
    """The experiments of liong2017 (§4) on a dataset.

    Shallow methods are given the mean of the same backbone's last map (CNN-F: its fc7, as in §4.2).
    DVSH reads words one by one: it is left out where texts are vectors.

    Where both views are vectors, no method has a backbone. CMDVH has the paper's settings at both
    scales.
    """
    dataset, vectors, settings = request.dataset, request.setup.vectors, request.settings
    image: dict[str, Any] = {} if vectors else {"backbone": backbone, "weights": weights}
    of_cmdvh = {key: settings[key] for key in _BACKBONE if key in settings}
    of_cmdvh |= _PRINTED.get(dataset, {})
    methods = [method for method in METHODS if not (vectors and method == "dvsh")]
    methods += registered("liong2017")
    options = request.options(methods, **image, **_GALLERY)
    options |= request.options(_CMDVH, of_cmdvh, **image)
    lengths, limited = request.lengths(_BITS), _MOST_BITS.get(dataset, {})
    grids = [((m,), [b for b in lengths if b <= most]) for m, most in limited.items()]
    rest = tuple(method for method in methods if method not in limited)
    return request.protocol([*grids, (rest, lengths)], options)
