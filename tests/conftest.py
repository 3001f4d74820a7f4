"""Small sets of pairs that several tests share, and what all tests must not touch."""

import numpy as np
import pytest
from hypothesis import settings

from mmhash_nb.pairs import Pairs

# The same examples in every run, on machines of any speed.
settings.register_profile("repeatable", deadline=None, derandomize=True)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory):
    """Tests compute what they need: nothing is read from or left in the user's cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MMHASH_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


def clusters(noise: float, n: int = 160, classes: int = 4, d: int = 20, v: int = 12) -> Pairs:
    """Gaussian clusters, each modality with centres of its own; 30 queries, 80 training samples."""
    rng = np.random.default_rng(7)
    which = np.arange(n) % classes
    views = [rng.normal(size=(classes, w))[which] + noise * rng.normal(size=(n, w)) for w in (d, v)]
    return Pairs(
        images=views[0].astype(np.float32),
        texts=views[1].astype(np.float32),
        labels=np.eye(classes, dtype=bool)[which],
        label_names=[f"class {c}" for c in range(classes)],
        query=np.arange(30),
        database=np.arange(30, n),
        train=np.arange(30, 110),
        name="clusters",
    )


@pytest.fixture(scope="session")
def two_views() -> Pairs:
    """Separated clusters: what any method that learns must solve."""
    return clusters(noise=0.15)


@pytest.fixture(scope="session")
def noisy_views() -> Pairs:
    """Overlapping clusters: better than chance is possible, perfection is not."""
    return clusters(noise=1.2)
