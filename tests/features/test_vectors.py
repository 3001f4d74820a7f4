"""Feature vectors of a backbone: those of its maps, cached and found again, never mixed up."""

import numpy as np
import pytest
import torch

from mmhash_nb.features import backbones, image_cache, maps, vectors
from mmhash_nb.features.vectors import feature_vectors


@pytest.fixture
def images(rng, monkeypatch, tmp_path):
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    monkeypatch.setattr(image_cache, "FEW", 0)
    return rng.integers(256, size=(5, 3, 16, 16), dtype=np.uint8)


def test_a_vector_is_the_mean_of_the_last_map(images, monkeypatch):
    monkeypatch.setattr(maps, "BATCH", 2)
    backbone = backbones.create("small")
    expected = maps.stage_maps(backbone, images, 4).astype(np.float32).mean(axis=(2, 3))
    found = feature_vectors(backbone, images)
    assert found.dtype == np.float32 and np.allclose(found, expected, atol=1e-6)


def test_vectors_are_computed_once(images, monkeypatch):
    first = feature_vectors(backbones.create("small"), images)
    computed = []
    whole = maps.passed
    monkeypatch.setattr(vectors, "passed", lambda *a: computed.append(1) or whole(*a))
    assert np.array_equal(feature_vectors(backbones.create("small"), images), first)
    assert not computed
    feature_vectors(backbones.create("small"), images[:4])
    assert computed == [1]


def test_no_more_than_the_maps_of_a_batch_are_made_at_a_time(images, monkeypatch, tmp_path):
    monkeypatch.setattr(maps, "BATCH", 2)
    described = []
    backbone = backbones.create("small")
    whole = backbone.describe
    backbone.describe = lambda part: described.append(len(part)) or whole(part)
    feature_vectors(backbone, images)
    assert described == [2, 2, 1] and not (tmp_path / "maps").exists()


def test_images_that_a_gpu_cannot_hold_together_pass_in_halves(images, monkeypatch):
    backbone = backbones.create("small")
    expected, stage, sizes = feature_vectors(backbone, images), backbone.stages[1].forward, []

    def little_memory(maps):
        sizes.append(len(maps))
        if len(maps) > 2:
            raise torch.OutOfMemoryError
        return stage(maps)

    monkeypatch.setattr(backbone.stages[1], "forward", little_memory)
    found = feature_vectors(backbone, images, size=16)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert sizes[0] == 5 and max(sizes[1:]) == 3 and sizes.count(2) >= 1


def test_values_beyond_float16_stay_as_they_are(images):
    backbone = backbones.create("small")
    with torch.no_grad():
        for weights in list(backbone.stages[3].parameters())[-2:]:
            weights.mul_(1e6)
    found = feature_vectors(backbone, images)
    last = maps.stage_maps(backbone, images, 4)
    assert last.dtype == np.float32 and found.max() > 65504
    np.testing.assert_allclose(found, last.mean(axis=(2, 3)), rtol=1e-5)


def test_other_pixels_sizes_and_weights_are_other_vectors(images):
    backbone = backbones.create("small")
    first = feature_vectors(backbone, images)
    assert not np.array_equal(feature_vectors(backbone, images[::-1].copy()), first)
    assert not np.array_equal(feature_vectors(backbone, images, size=32), first)
    with torch.no_grad():
        next(backbone.stages[3].parameters()).mul_(2)
    assert not np.array_equal(feature_vectors(backbone, images), first)


class Head(torch.nn.Module):
    """The mean over positions, a linear layer."""

    n_features = 6

    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(128, 6)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        return self.layer(image.mean(dim=(2, 3)))


def test_vectors_pass_through_the_head_and_change_with_its_weights(images):
    plain = backbones.create("small")
    headed = backbones.Backbone(
        list(plain.stages), plain.widths, (0.5,) * 3, (0.2,) * 3, head=Head()
    )
    headed.name = "headed"
    first = feature_vectors(headed, images)
    last = maps.stage_maps(headed, images, 4).astype(np.float32)
    expected = headed.describe(torch.from_numpy(last)).detach().numpy()
    assert np.allclose(first, expected, atol=1e-5)
    with torch.no_grad():
        headed.head.layer.weight.mul_(2)
    assert not np.array_equal(feature_vectors(headed, images), first)
