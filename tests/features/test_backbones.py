from pathlib import Path

import numpy as np
import pytest
import torch
from benchmark_cases import load
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from sklearn.linear_model import Ridge
from torch import nn

from mmhash_nb.features import backbones
from mmhash_nb.features.architectures import ARCHITECTURES, Architecture
from mmhash_nb.features.backbones import WEIGHTS, Backbone, create
from mmhash_nb.features.vectors import feature_vectors
from mmhash_nb.hashers.deep_options import ImageOptions


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (7, 3, 64, 64), dtype=np.uint8)


def test_shapes_of_the_stages(images: np.ndarray) -> None:
    small = create("small")
    maps = small.maps(torch.from_numpy(images))
    assert [tuple(m.shape) for m in maps] == [
        (7, 24, 32, 32),
        (7, 48, 16, 16),
        (7, 88, 8, 8),
        (7, 128, 8, 8),
    ]
    assert small.widths == (24, 48, 88, 128) and small.n_features == 128
    assert len(small.stages) == 4
    assert 200_000 < sum(p.numel() for p in small.parameters()) < 300_000


def test_features_are_the_mean_of_the_last_map_of_normalised_pixels(images: np.ndarray) -> None:
    small = create("small").eval()
    batch = torch.from_numpy(images)
    x = (batch.double() / 255 - small.mean) / small.std
    for stage in small.stages:
        x = stage.double()(x)
    naive = x.flatten(2).sum(dim=2) / 64
    small.float()
    torch.testing.assert_close(small(batch).double(), naive, rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(small(batch), small(batch.float() / 255))


@pytest.mark.parametrize("name", ["small", "resnet18", "mobilenet_v2"])
def test_maps_start_the_last_stage_and_gradients_and_files_reach_all(
    name: str, images: np.ndarray, tmp_path: Path
) -> None:
    """Methods fine-tune the last stage over cached maps."""
    torch.manual_seed(1)
    backbone, batch = create(name, pretrained=False), torch.from_numpy(images)
    backbone(batch).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in backbone.parameters())
    cached = backbone.eval().maps(batch)[-2].detach()
    torch.testing.assert_close(backbone.stages[-1](cached).mean(dim=(2, 3)), backbone(batch))
    save_file(backbone.state_dict(), tmp_path / "saved.safetensors")
    again = create(name, weights=tmp_path / "saved.safetensors")
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in backbone.state_dict().items())
    assert again.identity() == backbone.identity()


def test_the_packaged_weights_are_small_and_say_how_they_came_about() -> None:
    sizes, path = load("pretrain_small").SIZES, WEIGHTS / "small.safetensors"
    assert path.stat().st_size < 600_000
    with safe_open(path, "pt") as weights:
        record = weights.metadata()
    assert record["made_by"] == "python benchmarks/pretrain_small.py"
    for name, chance in {**{k: 1 / n for k, n in sizes.items()}, "backdrop": 1 / 6}.items():
        assert float(record[f"held_out_accuracy_{name}"]) > 4 * chance
    state = load_file(path)
    assert {v.dtype for v in state.values() if v.is_floating_point()} == {torch.float16}


def test_the_packaged_weights_know_attributes() -> None:
    """A linear probe of the last map on pictures that the training never drew."""
    pretraining = load("pretrain_small")
    pictures, seen, _ = pretraining.draw(50_000, 120)

    def accuracy(backbone: Backbone, attribute: int) -> float:
        with torch.inference_mode():
            cells = backbone.eval().maps(torch.from_numpy(pictures))[-1].permute(0, 2, 3, 1)
        there = seen[:, attribute] != pretraining.NOTHING
        x, y = cells.numpy()[there], seen[:, attribute][there]
        fit = len(y) * 2 // 3
        probe = Ridge(alpha=1.0).fit(x[:fit], np.eye(y.max() + 1)[y[:fit]])
        return (probe.predict(x[fit:]).argmax(axis=1) == y[fit:]).mean()

    torch.manual_seed(0)
    trained, untrained = create("small"), create("small", pretrained=False)
    for attribute, least in enumerate((0.6, 0.55, 0.6)):
        known = accuracy(trained, attribute)
        assert known > least and known > accuracy(untrained, attribute) + 0.1


def test_bad_weights(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"weights of backbone small are not at .*absent"):
        create("small", weights=tmp_path / "absent.safetensors")
    broken = tmp_path / "broken.safetensors"
    broken.write_bytes((WEIGHTS / "small.safetensors").read_bytes()[:5000])
    with pytest.raises(ValueError, match=r"broken.safetensors is not a whole safetensors file"):
        create("small", weights=broken)


def test_bad_arguments() -> None:
    with pytest.raises(ValueError, match="There is no backbone 'vgg': choose one of small"):
        create("vgg")
    with pytest.raises(ValueError, match="weights='w' would not be read with pretrained=False"):
        create("small", pretrained=False, weights="w")


@pytest.mark.parametrize("name", backbones.names())
def test_every_backbone_takes_the_smallest_size_of_the_options(name: str) -> None:
    side = next(o for o in ImageOptions.listed() if o.name == "size").limits["least"]
    backbone = create(name, pretrained=False)
    assert backbone.maps(torch.zeros(2, 3, side, side))[-1].numel()
    if name == "cnn_f":
        with pytest.raises(RuntimeError, match="size is too small"):
            backbone.maps(torch.zeros(2, 3, side - 1, side - 1))


def test_another_backbone_is_one_line(images: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    flat = lambda: Architecture([nn.AvgPool2d(2), nn.Conv2d(3, 5, 1)], (3, 5), (0,) * 3, (1,) * 3)  # noqa: E731
    monkeypatch.setitem(ARCHITECTURES, "flat", flat)
    assert backbones.names() == ("small", "resnet18", "mobilenet_v2", "vgg19", "cnn_f", "flat")
    assert feature_vectors(create("flat", pretrained=False), images).shape == (7, 5)
