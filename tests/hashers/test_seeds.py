"""Seeds, over every registered method that trains a network."""

import pytest
from deep_cases import quick

from mmhash_nb import hashers

DEEP = [n for n in hashers.names() if hashers.method_class(n).family == "deep network"]
NETWORKS = [n for n in hashers.names() if hashers.method_class(n).family == "network on vectors"]


@pytest.mark.parametrize("name", [*DEEP, *NETWORKS])
def test_another_seed_gives_other_codes(name, tiny_pictures, two_views):
    pairs = tiny_pictures if name in DEEP else two_views
    methods = [quick(name, seed=seed, epochs=1).fit(pairs) for seed in (0, 1)]
    modality = methods[0].modalities[0]
    assert methods[0].encode(pairs, modality) != methods[1].encode(pairs, modality)
