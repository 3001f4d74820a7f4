"""What zeng2022 runs on a dataset."""

from collections.abc import Sequence

from mmhash_nb.experiments.protocol import Protocol, given, setup_of
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
#: A demo on the tags alone, without pictures.
_TAGS_ALONE = {("mirflickr25k", "demo")}


def protocol(
    dataset: str,
    scale: str = "demo",
    bits: Sequence[int] = (),
    seeds: Sequence[int] = (),
    epochs: int = 0,
    backbone: str = "",
    weights: str = "",
) -> Protocol:
    """The experiments of zeng2022 (§VI) on a dataset.

    A demo on `mirflickr25k` takes its tags alone: TextHash with the paper's network, rate and
    batches.

    Args:
        dataset, scale, bits, seeds, epochs, backbone, weights: as `papers.protocol` takes them.
    """
    setup = setup_of("zeng2022", DATASETS, dataset, scale)
    settings = setup.settings(scale)
    changed = given(epochs=epochs, backbone=backbone, weights=weights)
    tags_alone = (dataset, scale) in _TAGS_ALONE
    methods = ("texthash",) if tags_alone else (*METHODS, *registered("zeng2022"))
    lengths = setup.lengths(scale, bits, _BITS)
    grids: list[tuple[Sequence[str], Sequence[int]]] = [(methods, lengths)]
    if not tags_alone:
        # One length shows what the printed equations do to learning.
        grids.append((("mah_printed",), [min(lengths, key=lambda k: abs(k - 32))]))
    return Protocol(
        dataset=setup.load or dataset,
        grids=grids,
        seeds=setup.seeds_at(scale, seeds),
        views={} if tags_alone else setup.views_at(scale),
        options=setup.options((*methods, *_VARIANTS), scale, settings, changed),
    )
