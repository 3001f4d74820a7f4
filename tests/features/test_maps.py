import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from mmhash_nb.features import image_cache
from mmhash_nb.features import maps as module
from mmhash_nb.features.backbones import Backbone, create
from mmhash_nb.features.maps import resized, stage_maps


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MMHASH_CACHE", str(tmp_path))
    monkeypatch.setattr(image_cache, "FEW", 0)
    return tmp_path / "maps"


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (5, 3, 32, 32), dtype=np.uint8)


@pytest.fixture
def small() -> Backbone:
    return create("small")


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How often maps are computed and not read."""
    made, computed = [], module._maps

    def counted(backbone, x, *rest):
        made.append(len(x))
        return computed(backbone, x, *rest)

    monkeypatch.setattr(module, "_maps", counted)
    return made


@pytest.mark.parametrize("upto", [1, 2, 3, 4])
def test_maps_are_those_of_the_backbone(small, images, upto: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    maps = stage_maps(small, images, upto)
    with torch.inference_mode():
        expected = small.eval().maps(torch.from_numpy(images))[upto - 1].numpy()
    assert maps.dtype == np.float16 and maps.shape == expected.shape
    np.testing.assert_allclose(maps, expected, rtol=1e-3, atol=1e-3)


def test_a_cpu_takes_as_many_images_as_its_caches_hold(small, images, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PIXELS", 2 * 32 * 32)
    given = (small, images, 2, torch.device("cpu"))
    assert [len(batch) for batch in module.passed(*given, None)] == [2, 2, 1]
    assert [len(batch) for batch in module.passed(*given, 16)] == [5]
    assert [len(batch) for batch in module.passed(*given, 128)] == [1] * 5


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v2"])
def test_maps_of_torchvisions_backbones(name: str) -> None:
    torch.manual_seed(0)
    backbone = create(name, pretrained=False)
    images = np.random.default_rng(1).integers(0, 256, (3, 3, 64, 64), dtype=np.uint8)
    maps = stage_maps(backbone, images, len(backbone.stages) - 1)
    assert maps.shape == (3, backbone.widths[-2], 4, 4) and maps.dtype == np.float16
    with torch.inference_mode():
        expected = backbone.eval().maps(torch.from_numpy(images))[-2].numpy()
    np.testing.assert_allclose(maps, expected, rtol=2e-3, atol=2e-3 * np.abs(expected).max())


def test_the_last_stage_goes_on_from_them(small: Backbone, images: np.ndarray) -> None:
    maps = torch.from_numpy(stage_maps(small, images, 3)).float()
    with torch.inference_mode():
        features = small.eval().stages[-1](maps).mean(dim=(2, 3))
        torch.testing.assert_close(features, small(torch.from_numpy(images)), rtol=1e-2, atol=1e-2)


def test_the_backbone_stays_as_it_was(small: Backbone, images: np.ndarray) -> None:
    small.train()
    small.stages[0].eval()  # frozen
    before = copy.deepcopy(small.state_dict())
    stage_maps(small, images, 3)
    assert small.training and small.stages[1].training and not small.stages[0].training
    assert all(torch.equal(v, before[k]) for k, v in small.state_dict().items())
    assert small.stages[0][0][0].weight.is_contiguous()
    assert all(p.requires_grad and not p.is_inference() for p in small.parameters())


def test_the_second_time_is_read_from_the_cache(small, images, calls, cache: Path) -> None:
    first = stage_maps(small, images, 3)
    again = stage_maps(create("small"), images.copy(), 3)
    np.testing.assert_array_equal(again, first)
    assert again.dtype == first.dtype and calls == [5] and len(list(cache.glob("*.npy"))) == 1


def test_what_changes_the_maps_is_computed_anew(small, images, calls) -> None:
    found = [stage_maps(small, images, 3)]
    changed = images.copy()
    changed[4, 2, 31, 31] ^= 255
    found.append(stage_maps(small, changed, 3))
    found.append(stage_maps(small, images, 3, size=31))
    found.append(stage_maps(small, images, 2))
    for name, value in (("weight", 0.5), ("running_mean", 0.5)):
        with torch.no_grad():
            getattr(small.stages[2][1][1], name)[7] += value
        found.append(stage_maps(small, images, 3))
    assert calls == [5] * 6
    for i, one in enumerate(found):
        assert not any(np.array_equal(one, other) for other in found[:i])


def test_later_stages_do_not_matter(small, images, calls) -> None:
    first = stage_maps(small, images, 3)
    with torch.no_grad():
        small.stages[3][0].weight += 1
    np.testing.assert_array_equal(stage_maps(small, images, 3), first)
    assert calls == [5]


def test_the_same_weights_in_another_architecture(images, calls) -> None:
    for stride in (1, 2):
        torch.manual_seed(0)
        stages = [nn.Conv2d(3, 4, 3, stride=stride)]
        maps = stage_maps(Backbone(stages, (4,), (0.5,) * 3, (1.0,) * 3), images, 1)
        assert maps.shape[2] == (30, 15)[stride - 1]
    assert calls == [5, 5]


def one_number(value: float) -> Backbone:
    """A stage that gives `value` times the red channel."""
    stage = nn.Conv2d(3, 1, 1, bias=False)
    with torch.no_grad():
        stage.weight.zero_()[0, 0] = value
    return Backbone([stage], (1,), (0.0,) * 3, (1.0,) * 3)


def test_values_beyond_float16_stay_in_float32(images, calls, monkeypatch) -> None:
    monkeypatch.setattr(module, "BATCH", 2)
    images[:, 0] = 1
    images[4, 0, 3, 3] = 255  # in the last of three batches
    maps = stage_maps(one_number(1e5), images, 1)
    assert maps.dtype == np.float32
    np.testing.assert_allclose(maps, images[:, :1] * np.float32(1e5 / 255), rtol=1e-6)
    again = stage_maps(one_number(1e5), images, 1)
    assert again.dtype == np.float32 and np.array_equal(again, maps) and calls[-1:] == [5]
    assert stage_maps(one_number(65504), images, 1).dtype == np.float16


def test_values_that_are_not_finite_are_refused(images, cache: Path) -> None:
    with pytest.raises(ValueError, match=r"stage 1 of backbone .* not finite: its weights are"):
        stage_maps(one_number(float("nan")), images, 1)
    assert not list(cache.glob("*.npy"))


def test_images_are_scaled_like_pillow_does() -> None:
    rng = np.random.default_rng(2)
    images = rng.integers(0, 256, (2, 3, 40, 60), dtype=np.uint8)
    for size in (16, 100):
        found = resized(torch.from_numpy(images), size).numpy()
        assert found.dtype == np.uint8 and found.shape == (2, 3, size, size)
        for image, scaled in zip(images, found, strict=True):
            pillow = Image.fromarray(image.transpose(1, 2, 0)).resize((size, size), 2)
            difference = np.abs(np.asarray(pillow).transpose(2, 0, 1) - scaled.astype(int))
            assert difference.max() <= 2 and difference.mean() < 0.5


def test_scaled_maps_are_the_maps_of_scaled_images(small: Backbone, images: np.ndarray) -> None:
    by_hand = resized(torch.from_numpy(images), 24).numpy()
    found = stage_maps(small, images, 3, size=24)
    np.testing.assert_array_equal(found, stage_maps(small, by_hand, 3))
    same = torch.from_numpy(images)
    assert resized(same, 32) is same


def test_bad_arguments(small: Backbone, images: np.ndarray) -> None:
    for wrong in (images.astype(np.float32), images[0], images[:, :2], images[:0]):
        with pytest.raises(
            ValueError, match=r"images must be uint8 \[N, 3, H, W\], (but is|at least one)"
        ):
            stage_maps(small, wrong, 3)
    for upto in (0, 5):
        with pytest.raises(ValueError, match=f"upto must be 1 to 4, .* small, but is {upto}"):
            stage_maps(small, images, upto)
    for size in (0, 2.5, True):
        with pytest.raises(ValueError, match=f"size must be a whole number .* but is {size}"):
            stage_maps(small, images, 3, size=size)


def test_maps_have_their_own_precision_whatever_that_of_the_caller(small, images, cache) -> None:
    expected = stage_maps(small, images, 2)
    for path in cache.glob("*.npy"):
        path.unlink()
    with torch.autocast("cpu", torch.bfloat16):
        np.testing.assert_array_equal(stage_maps(small, images, 2), expected)
