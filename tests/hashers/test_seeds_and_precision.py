"""Seeds and reduced precision, over every registered method that has them."""

import numpy as np
import pytest
from deep_cases import quick

from mmhash_nb import hashers

DEEP = [n for n in hashers.names() if hashers.method_class(n).family == "deep network"]
NETWORKS = [n for n in hashers.names() if hashers.method_class(n).family == "network on vectors"]


@pytest.mark.parametrize("name", DEEP)
def test_training_in_bfloat16_gives_finite_float32(name, tiny_pictures):
    state = quick(name, precision="bfloat16", epochs=1).fit(tiny_pictures).state
    floating = {k: v for k, v in state.items() if v.dtype.kind == "f" and k != "curves"}
    assert all(np.isfinite(value).all() for value in floating.values())
    assert {v.dtype for k, v in floating.items() if k.endswith("weight")} == {np.dtype("float32")}


@pytest.mark.parametrize("name", [*DEEP, *NETWORKS])
def test_another_seed_gives_other_codes(name, tiny_pictures, two_views):
    pairs = tiny_pictures if name in DEEP else two_views
    methods = [quick(name, seed=seed, epochs=1).fit(pairs) for seed in (0, 1)]
    modality = methods[0].modalities[0]
    assert methods[0].encode(pairs, modality) != methods[1].encode(pairs, modality)
