import os
from pathlib import Path

import numpy as np
import pytest
import torch
from on_disk import needs
from safetensors.torch import save_file
from torch import nn

from mmhash_nb.datasets import flipkart, load
from mmhash_nb.features.backbones import Backbone, create

WIDTHS = {"resnet18": (64, 128, 256, 512), "mobilenet_v2": (16, 24, 32, 96, 1280)}
STRIDES = {"resnet18": (4, 8, 16, 32), "mobilenet_v2": (2, 4, 8, 16, 32)}
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

both = pytest.mark.parametrize("name", list(WIDTHS))


def whole_model(name: str) -> nn.Module:
    """torchvision's model with random weights and batch statistics."""
    import torchvision

    torch.manual_seed(3)
    model = getattr(torchvision.models, name)()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean, std=0.1)
            nn.init.uniform_(module.running_var, 0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1)
            nn.init.normal_(module.bias, std=0.1)
    return model.eval()


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (2, 3, 64, 64), dtype=np.uint8)


@pytest.fixture(params=list(WIDTHS))
def loaded(request, tmp_path: Path) -> tuple[str, nn.Module, Backbone]:
    """A name, torchvision's model and our backbone with its weights, through a file."""
    model = whole_model(request.param)
    save_file(model.state_dict(), tmp_path / "weights.safetensors")
    backbone = create(request.param, weights=tmp_path / "weights.safetensors")
    return request.param, model, backbone.eval()


@both
@pytest.mark.parametrize("side", [64, 224])
def test_shapes_of_the_stages(name: str, side: int) -> None:
    backbone = create(name, pretrained=False).eval()
    with torch.inference_mode():
        maps = backbone.maps(torch.zeros(2, 3, side, side, dtype=torch.uint8))
    expected = zip(WIDTHS[name], STRIDES[name], strict=True)
    assert [tuple(m.shape) for m in maps] == [(2, w, side // s, side // s) for w, s in expected]
    assert backbone.widths == WIDTHS[name] and backbone.n_features == WIDTHS[name][-1]
    assert backbone.name == name


@both
def test_nothing_but_the_classifier_is_left_out(name: str) -> None:
    import torchvision

    model = getattr(torchvision.models, name)()
    classifier = model.fc if name == "resnet18" else model.classifier
    n = sum(p.numel() for p in model.parameters()) - sum(p.numel() for p in classifier.parameters())
    assert sum(p.numel() for p in create(name, pretrained=False).parameters()) == n


@torch.inference_mode()
def test_features_are_those_of_torchvision(loaded, images: np.ndarray) -> None:
    import torchvision

    name, model, backbone = loaded
    setattr(model, "fc" if name == "resnet18" else "classifier", nn.Identity())
    x = torchvision.transforms.functional.normalize(torch.from_numpy(images) / 255, MEAN, STD)
    expected = model(x)  # the classifier's input
    assert expected.std() > 1e-3
    torch.testing.assert_close(backbone(torch.from_numpy(images)), expected)


@torch.inference_mode()
def test_the_last_two_maps_are_the_taps_of_the_paper(loaded, images: np.ndarray) -> None:
    name, model, backbone = loaded
    seen = []
    taps = (
        (model.layer3, model.layer4)  # type: ignore[union-attr]
        if name == "resnet18"
        else (model.features[13], model.features[18])  # type: ignore[index]
    )
    for tap in taps:
        tap.register_forward_hook(lambda module, x, y: seen.append(y.clone()))
    model(backbone.normalise(torch.from_numpy(images)))
    for found, expected in zip(backbone.maps(torch.from_numpy(images))[-2:], seen, strict=True):
        torch.testing.assert_close(found, expected)


@both
def test_float16_without_counters_and_classifier(name: str, tmp_path: Path) -> None:
    path = tmp_path / "half.safetensors"
    left_out = ("fc", "classifier")
    state = {
        key: value.half()
        for key, value in whole_model(name).state_dict().items()
        if not key.endswith("num_batches_tracked") and not key.startswith(left_out)
    }
    save_file(state, path)
    backbone = create(name, weights=path)
    prefix = "" if name == "resnet18" else "features."
    for key, value in backbone.state_dict().items():
        if not key.endswith("num_batches_tracked"):
            assert value.dtype == torch.float32
            assert torch.equal(value, state[prefix + key.split(".", 2)[2]].float())


def test_identity_depends_on_what_maps_depend_on() -> None:
    small = create("small")
    whole, before_last = small.identity(), small.identity(3)
    assert whole != before_last and create("small").identity() == whole
    small.train()
    small.stages[0][0][1].num_batches_tracked += 1
    assert small.identity() == whole
    with torch.no_grad():
        small.stages[3][0].weight[0, 0, 0, 0] += 1
    assert small.identity(3) == before_last and small.identity() != whole
    with torch.no_grad():
        small.stages[2][1][1].running_var[5] += 1
    assert small.identity(3) != before_last
    changed = small.identity()
    small.mean += 0.1
    assert small.identity() != changed
    changed = small.identity()
    small.name = "other"
    assert small.identity() != changed


DATA = os.environ.get("MMHASH_DATA", "")
MOBILENET = Path(DATA).parent / "weights" / "mobilenet_v2_imagenet.safetensors"


@needs(flipkart)
@pytest.mark.skipif(not (DATA and MOBILENET.is_file()), reason=f"no weights at {MOBILENET}")
def test_imagenet_weights_tell_products_apart() -> None:
    """The nearest of 99 other photos is of the same of five classes (chance: 0.19)."""
    pairs = load("flipkart", size=160)
    label = pairs.labels.argmax(axis=1)
    chosen = np.concatenate([np.flatnonzero(label == c)[:20] for c in range(5)])
    images, y = pairs.images[chosen], label[chosen]

    def accuracy(backbone: Backbone) -> float:
        with torch.inference_mode():
            parts = [backbone.eval()(part) for part in torch.from_numpy(images).split(50)]
        x = torch.cat(parts).numpy()
        x = x / np.linalg.norm(x, axis=1, keepdims=True)
        similar = x @ x.T
        np.fill_diagonal(similar, -1)
        return float((y[similar.argmax(axis=1)] == y).mean())

    torch.manual_seed(0)
    known = accuracy(create("mobilenet_v2", weights=MOBILENET))
    untrained = accuracy(create("mobilenet_v2", pretrained=False))
    assert known > 0.7 and known > untrained + 0.15
