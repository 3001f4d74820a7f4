"""What zeng2022 runs on a dataset."""

from mmhash_nb.experiments.protocol import Protocol, Request
from mmhash_nb.hashers import registered
from mmhash_nb.papers.folders import setups

_IMAGE_HASHING = ("dpsh", "dsh", "hashnet", "dth", "csq")
_FUSION = ("concat", "gmu", "mcb")
_MODAL_AWARE = ("mah", "mah_no_kn", "mah_no_an")
#: Methods of zeng2022, in the order of its tables.
METHODS = (*_IMAGE_HASHING, "texthash", *_FUSION, *_MODAL_AWARE)
#: MAH by the printed equations, and on sentence vectors (Table III).
_VARIANTS = ("mah_printed", "mah_sentences")

_BITS = (16, 32, 48, 64)
DATASETS = setups("zeng2022")
#: Texts without pictures.
_TAGS_ALONE = ("mirflickr25k_tags",)


def protocol(request: Request, backbone: str = "", weights: str = "") -> Protocol:
    """The experiments of zeng2022 (§VI) on a dataset.

    `mirflickr25k_tags` is MIRFlickr without its photos: TextHash with the paper's network, rate and
    batches.
    """
    tags_alone = request.dataset in _TAGS_ALONE
    methods = ("texthash",) if tags_alone else (*METHODS, *registered("zeng2022"))
    options = request.options((*methods, *_VARIANTS), backbone=backbone, weights=weights)
    lengths = request.lengths(_BITS)
    if tags_alone:
        return request.protocol([(methods, lengths)], options, views={})
    # One length shows what the printed equations do to learning.
    printed = (("mah_printed",), [min(lengths, key=lambda k: abs(k - 32))])
    return request.protocol([(methods, lengths), printed], options)
