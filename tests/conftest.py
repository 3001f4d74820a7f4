"""Small sets of pairs that several tests share, and what all tests must not touch."""

import numpy as np
import pytest
from hypothesis import settings
from pair_cases import gaussian_clusters, pictures

from mmhash_nb.pairs import Pairs  # here, before PyTorch: it sets how threads wait

# The same examples in every run, on machines of any speed.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _cache_of_the_tests(tmp_path_factory):
    """Tests compute what they need: nothing is read from or left in the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMHASH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture(scope="session")
def two_views() -> Pairs:
    """Separated clusters: what any method that learns must solve."""
    return gaussian_clusters(noise=0.15)


@pytest.fixture(scope="session")
def noisy_views() -> Pairs:
    """Overlapping clusters: better than chance is possible, perfection is not."""
    return gaussian_clusters(noise=1.2)


@pytest.fixture(scope="session")
def tiny_pictures() -> Pairs:
    """Pixels and words of three classes: what the deep methods must solve in seconds."""
    return pictures()
