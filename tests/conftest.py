"""Small sets of pairs that several tests share, and what all tests must not touch."""

import numpy as np
import pytest
from hypothesis import settings

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


def clusters(noise: float, n: int = 160, classes: int = 4, d: int = 20, v: int = 12) -> Pairs:
    """Gaussian clusters, other centres in each modality; 30 queries, 80 training samples."""
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


def pictures(n: int = 48, classes: int = 3, words: int = 6) -> Pairs:
    """Noisy stripes and bags of words, both told apart by class; 12 queries, 36 training samples.

    A class has `words` words of its own, and as many are in the texts of all classes.
    """
    rng = np.random.default_rng(3)
    which = np.arange(n) % classes
    stripes = np.sin(np.arange(32) * (1 + which[:, None]) / 2)[:, None, None, :]  # [n, 1, 1, 32]
    colours = rng.uniform(-1, 1, (classes, 3))[which][:, :, None, None]
    noise = rng.normal(size=(n, 3, 32, 32))
    columns = np.arange(words * (classes + 1)) // words
    likely = np.where(columns == which[:, None], 0.6, np.where(columns == classes, 0.4, 0.02))
    return Pairs(
        images=(128 + 40 * stripes + 40 * colours + 20 * noise).clip(0, 255).astype(np.uint8),
        texts=(rng.random(likely.shape) < likely).astype(np.float32),
        labels=np.eye(classes, dtype=bool)[which],
        label_names=[f"class {c}" for c in range(classes)],
        query=np.arange(12),
        database=np.arange(12, n),
        train=np.arange(12, n),
        name="pictures",
    )


@pytest.fixture(scope="session")
def tiny_pictures() -> Pairs:
    """Pixels and words of three classes: what the deep methods must solve in seconds."""
    return pictures()
