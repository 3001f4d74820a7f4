"""VGG19 and CNN-F: true shapes on the device `meta`, values at a sixteenth of the width."""

from pathlib import Path

import numpy as np
import pytest
import scipy.io
import torch
from numpy.lib.stride_tricks import sliding_window_view
from safetensors.torch import load_file, save_file
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.features import architectures, pretrained
from mmhash_nb.features.backbones import Backbone, create
from mmhash_nb.features.maps import stage_maps
from mmhash_nb.features.vectors import feature_vectors

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = {"vgg19": (64, 128, 256, 512, 512), "cnn_f": (64, 256, 256, 256, 256)}
SIDES = {"vgg19": (224, 112, 56, 28, 14), "cnn_f": (54, 27, 13, 13, 13)}
both = pytest.mark.parametrize("name", list(WIDTHS))


@pytest.fixture
def thin(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both architectures with few channels and units; everything else is as it is."""
    monkeypatch.setattr(architectures, "VGG19_WIDTHS", (4, 8, 16, 32, 24))
    monkeypatch.setattr(architectures, "CNN_F_WIDTHS", (6, 8, 7, 5, 9))
    monkeypatch.setattr(architectures, "FULLY_CONNECTED", 40)


def random(name: str) -> Backbone:
    torch.manual_seed(3)
    return create(name, pretrained=False).eval()


def pixels(side: int = 224, n: int = 2) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (n, 3, side, side), dtype=np.uint8)


@both
def test_true_shapes(name: str) -> None:
    with torch.device("meta"):
        backbone = create(name, pretrained=False)
        images = torch.zeros(2, 3, 224, 224, dtype=torch.uint8)
    maps = backbone.maps(images)
    expected = zip(WIDTHS[name], SIDES[name], SIDES[name], strict=True)
    assert [tuple(m.shape) for m in maps] == [(2, *shape) for shape in expected]
    assert backbone.widths == WIDTHS[name] and backbone.n_features == 4096
    assert backbone.describe(maps[-1]).shape == backbone(images).shape == (2, 4096)
    n = {part: sum(p.numel() for p in getattr(backbone, part).parameters()) for part in PARTS}
    assert n == PARTS_OF[name]


PARTS = ("stages", "head")
PARTS_OF = {
    "vgg19": {"stages": 20_024_384, "head": 4096 * (25088 + 4096 + 2)},
    "cnn_f": {
        "stages": 64 * 363 + 256 * 1600 + 3 * 256 * 2304 + 64 + 4 * 256,
        "head": 4096 * (256 * 36 + 4096 + 2),
    },
}


def test_true_keys_of_torchvisions_vgg19() -> None:
    import torchvision

    with torch.device("meta"):
        theirs = torchvision.models.vgg19(init_weights=False).state_dict()
        ours = create("vgg19", pretrained=False).state_dict()
    found = {pretrained.their_key("vgg19", key): value.shape for key, value in ours.items()}
    assert found == {k: v.shape for k, v in theirs.items() if not k.startswith("classifier.6")}


@pytest.fixture
def torchvisions(thin: None) -> nn.Module:
    """torchvision's class, as narrow as `thin`."""
    from torchvision.models.vgg import VGG, cfgs, make_layers

    torch.manual_seed(4)
    narrow = dict(zip((64, 128, 256, 512), architectures.VGG19_WIDTHS, strict=False))
    plan = [layer if layer == "M" else narrow[layer] for layer in cfgs["E"]]
    plan[-5:-1] = [architectures.VGG19_WIDTHS[-1]] * 4  # conv5_1 to conv5_4
    with torch.device("meta"):  # its fully connected layers take 400 MB
        model = VGG(make_layers(plan), init_weights=False)
    units = architectures.FULLY_CONNECTED
    model.classifier[0] = nn.Linear(49 * architectures.VGG19_WIDTHS[-1], units)
    model.classifier[3] = nn.Linear(units, units)
    model.classifier[6] = nn.Linear(units, 10)
    model.to_empty(device="cpu")
    for module in model.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
            nn.init.uniform_(module.bias, -0.1, 0.1)
    return model.eval()


@torch.inference_mode()
def test_vgg19_is_torchvisions_up_to_fc7(torchvisions: nn.Module, tmp_path: Path) -> None:
    import torchvision

    save_file(torchvisions.state_dict(), tmp_path / "theirs.safetensors")
    backbone = create("vgg19", weights=tmp_path / "theirs.safetensors").eval()
    batch = torch.from_numpy(pixels())
    x = torchvision.transforms.functional.normalize(batch / 255, MEAN, STD)
    seen: dict[str, torch.Tensor] = {}
    for number in (26, 35):  # the ReLUs of conv4_4 and conv5_4
        torchvisions.features[number].register_forward_hook(
            lambda module, given, y, number=number: seen.update({str(number): y.clone()})
        )
    torchvisions.classifier[4].register_forward_hook(
        lambda module, given, y: seen.update(relu7=y.clone())
    )
    torchvisions(x)
    *_, before_last, last = backbone.maps(batch)
    torch.testing.assert_close(before_last, seen["26"])
    torch.testing.assert_close(last, seen["35"])
    assert seen["relu7"].std() > 1e-2 and 0.2 < (seen["relu7"] == 0).float().mean() < 0.8
    torch.testing.assert_close(backbone(batch), seen["relu7"])
    torch.testing.assert_close(backbone.stages[-1](before_last), last)


def test_wrong_files_of_vgg19_are_named(torchvisions: nn.Module, tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    state = torchvisions.state_dict()

    def refused(state: dict[str, torch.Tensor], message: str) -> None:
        save_file(state, path)
        with pytest.raises(ValueError, match=message):
            create("vgg19", weights=path)

    without = {k: v for k, v in state.items() if k != "classifier.3.bias"}
    refused(without, r"of backbone vgg19: classifier.3.bias should be \[40\] and is absent\.")
    refused(
        state | {"classifier.0.weight": torch.zeros(40, 9)},
        r"classifier.0.weight should be \[40, 1176\] and is \[40, 9\]\.",
    )
    refused(state | {"features.37.weight": torch.zeros(1)}, r"features.37.weight should be absent")
    refused(state | {"features.2.bias": torch.full((4,), torch.nan)}, r"features.2.bias that are n")
    refused(create("small").state_dict(), r"head.fc6.bias should be \[40\] and is absent")
    left_out = {k: v for k, v in state.items() if not k.startswith("classifier.6")}
    save_file(left_out, path)
    create("vgg19", weights=path)


def cell(*values: object) -> np.ndarray:
    """MATLAB's cell array `{…}`."""
    array = np.empty((1, len(values)), dtype=object)
    array[0] = values
    return array


def matconvnet(rng: np.random.Generator) -> dict:
    """Random layers as `imagenet-vgg-f.mat` has them, with the widths that are set."""
    one, two, three, four, five = architectures.CNN_F_WIDTHS
    units = architectures.FULLY_CONNECTED
    shapes = {
        **{"conv1": (11, 11, 3, one), "conv2": (5, 5, one, two), "conv3": (3, 3, two, three)},
        **{"conv4": (3, 3, three, four), "conv5": (3, 3, four, five), "fc6": (6, 6, five, units)},
        **{"fc7": (1, 1, units, units), "fc8": (1, 1, units, 10)},
    }
    layers: list[dict] = []
    for i in range(1, 9):
        name = f"conv{i}" if i < 6 else f"fc{i}"
        h, w, inputs, outputs = shapes[name]
        filters = rng.normal(size=shapes[name]) * np.sqrt(2 / (h * w * inputs))
        filters *= 50 if i == 2 else 1  # so that its normalisation has a say
        biases = rng.normal(size=(1, outputs)) / 10
        weights = cell(filters.astype(np.float32), biases.astype(np.float32))
        layers.append({"type": "conv", "name": name, "weights": weights, "stride": [[1, 1]]})
        layers.append({"type": "relu", "name": f"relu{i}"})
        if i in (1, 2):
            layers.append({"type": "lrn", "name": f"norm{i}", "param": [[5, 2, 1e-4, 0.75]]})
        if i in (1, 2, 5):
            layers.append({"type": "pool", "name": f"pool{i}", "method": "max"})
    mean = rng.uniform(90, 140, (224, 224, 3)).astype(np.float32)
    return {"layers": cell(*layers), "meta": {"normalization": {"averageImage": mean}}}


def change(file: dict, layer: str, **fields: object) -> dict:
    """The file with other fields in one layer."""
    layers = [old | fields if old["name"] == layer else old for old in file["layers"][0]]
    return file | {"layers": cell(*layers)}


@pytest.fixture
def mat(thin: None, tmp_path: Path) -> tuple[dict, Path]:
    file = matconvnet(np.random.default_rng(5))
    path = tmp_path / "imagenet-vgg-f.mat"
    scipy.io.savemat(path, file)
    return file, path


def naive(file: dict, image: np.ndarray) -> dict[str, np.ndarray]:
    """The network on one image `[3, 224, 224]` by MatConvNet's formulas, its axes [h, w, c]."""
    x = image.transpose(1, 2, 0) - file["meta"]["normalization"]["averageImage"].astype(float)
    weights = {
        layer["name"]: layer["weights"][0] for layer in file["layers"][0] if "weights" in layer
    }
    seen = {}

    def layer(x: np.ndarray, name: str, stride: int = 1, pad: int = 0) -> np.ndarray:
        filters, biases = weights[name]
        x = np.pad(x, ((pad, pad), (pad, pad), (0, 0)))
        windows = sliding_window_view(x, filters.shape[:2], axis=(0, 1))[::stride, ::stride]
        seen[name] = np.maximum(np.einsum("yxcij,ijcn->yxn", windows, filters) + biases[0], 0)
        return seen[name]

    def normalised(x: np.ndarray) -> np.ndarray:
        y = np.empty_like(x)
        for k in range(x.shape[2]):
            around = x[:, :, max(0, k - 2) : k + 3]
            y[:, :, k] = x[:, :, k] / (2 + 1e-4 * (around**2).sum(axis=2)) ** 0.75
        return y

    def pooled(x: np.ndarray, pad: int) -> np.ndarray:
        x = np.pad(x, ((0, pad), (0, pad), (0, 0)), constant_values=-np.inf)
        return sliding_window_view(x, (3, 3), axis=(0, 1))[::2, ::2].max(axis=(3, 4))

    x = pooled(normalised(layer(x, "conv1", stride=4)), pad=1)
    x = pooled(normalised(layer(x, "conv2", pad=2)), pad=0)
    for name in ("conv3", "conv4", "conv5"):
        x = layer(x, name, pad=1)
    layer(layer(pooled(x, pad=0), "fc6"), "fc7")
    return seen


@pytest.mark.parametrize("older", [False, True])
@torch.inference_mode()
def test_cnn_f_is_matconvnets_network(mat: tuple[dict, Path], older: bool) -> None:
    file, path = mat
    if older:
        scipy.io.savemat(path, {"layers": file["layers"], **file["meta"]})
    backbone = create("cnn_f", weights=path).eval()
    images = pixels(n=1)
    images[0, :, :, :150] //= 2  # so that the positions differ
    seen = naive(file, images[0])
    batch = torch.from_numpy(images)
    for i, found in enumerate(backbone.maps(batch), 1):
        expected = seen[f"conv{i}"]
        assert expected.std() > 0.05 and found.shape[1] == architectures.CNN_F_WIDTHS[i - 1]
        near = 1e-5 * expected.max()
        np.testing.assert_allclose(found[0].permute(1, 2, 0), expected, rtol=1e-4, atol=near)
    # The normalisation's alpha has a say.
    assert seen["conv1"].max() > 100 and seen["conv2"].max() > 100
    assert seen["fc7"].std() > 0.05
    near = 1e-5 * seen["fc7"].max()
    np.testing.assert_allclose(backbone(batch)[0], seen["fc7"][0, 0], rtol=1e-4, atol=near)


def test_cnn_f_in_our_own_layout(mat: tuple[dict, Path], tmp_path: Path) -> None:
    file, path = mat
    backbone = create("cnn_f", weights=path)
    ours = tmp_path / "ours.safetensors"
    save_file(backbone.state_dict(), ours)
    again = create("cnn_f", weights=ours)
    assert {*load_file(ours)} == {
        *(f"stages.{i - 1}.conv{i}.{part}" for i in range(1, 6) for part in ("weight", "bias")),
        *(f"head.fc{i}.{part}" for i in (6, 7) for part in ("weight", "bias")),
        "mean",
    }
    assert all(torch.equal(v, again.state_dict()[k]) for k, v in backbone.state_dict().items())
    assert again.identity() == backbone.identity()
    mean = file["meta"]["normalization"]["averageImage"].transpose(2, 0, 1) / 255
    np.testing.assert_allclose(backbone.mean, mean, rtol=1e-6)
    state = {k: v for k, v in backbone.state_dict().items() if k != "mean"}
    save_file(state, ours)
    with pytest.raises(ValueError, match=r"mean should be \[3, 224, 224\] and is absent"):
        create("cnn_f", weights=ours)


def test_wrong_mat_files_are_named(mat: tuple[dict, Path]) -> None:
    file, path = mat

    def refused(file: dict, message: str) -> None:
        scipy.io.savemat(path, file)
        with pytest.raises(ValueError, match=message):
            create("cnn_f", weights=path)

    wide = cell(np.zeros((7, 7, 3, 6), np.float32), np.zeros((1, 6), np.float32))
    refused(
        change(file, "conv1", weights=wide),
        r"vgg-f.mat does not hold the weights of backbone cnn_f: conv1.weight should be "
        r"\[6, 3, 11, 11\] and is \[6, 3, 7, 7\]\.",
    )
    colour = {"normalization": {"averageImage": np.full((1, 1, 3), 100.0)}}
    refused(file | {"meta": colour}, r"mean should be \[3, 224, 224\] and is \[3, 1, 1\]\.")
    refused(
        change(file, "norm2", param=[[5, 1, 2e-5, 0.75]]),
        r"normalises in norm2 with \[5.0, 1.0, 2e-05, 0.75\], but CNN-F with \[5, 2.0, 0.0001, 0",
    )
    layers = [layer for layer in file["layers"][0] if layer["name"] != "norm1"]
    refused(file | {"layers": cell(*layers)}, r"is not imagenet-vgg-f.mat \(KeyError: 'norm1'\): ")
    layers = [layer for layer in file["layers"][0] if layer["name"] != "fc7"]
    refused(file | {"layers": cell(*layers)}, r"fc7.bias should be \[40\] and is absent")
    refused({"layers": file["layers"]}, r"\(KeyError: 'normalization'\): get it from https://www.v")
    refused({"x": 1.0}, r"KeyError: 'layers'")
    whole = matconvnet(np.random.default_rng(5))
    scipy.io.savemat(path, whole)
    for part in (path.read_bytes()[:50_000], b"no .mat file at all" * 20):
        path.write_bytes(part)
        with pytest.raises(ValueError, match=r"vgg-f.mat is not whole or is not imagenet-vgg-f.ma"):
            create("cnn_f", weights=path)


def test_without_a_file_cnn_f_says_where_to_get_it(thin: None, tmp_path: Path) -> None:
    message = (
        r"weights of backbone cnn_f are not at .*{}: get https://www.vlfeat.org/matconvnet/"
        r"models/imagenet-vgg-f.mat, and pass weights= with its path\.$"
    )
    with pytest.raises(FileNotFoundError, match=message.format("cnn_f.safetensors")):
        create("cnn_f")
    with pytest.raises(FileNotFoundError, match=message.format("absent.mat")):
        create("cnn_f", weights=tmp_path / "absent.mat")
    with pytest.raises(FileNotFoundError, match=r"backbone vgg19 are not at .*absent.mat\.$"):
        create("vgg19", weights=tmp_path / "absent.mat")


@both
@torch.inference_mode()
def test_half_of_the_head_is_dropped_in_training_alone(thin: None, name: str) -> None:
    backbone = random(name)
    head = backbone.head
    assert head is not None
    last = torch.rand(400, backbone.widths[-1], head.side, head.side)
    expected = head(last)
    x = head.pool5(last).flatten(1)
    for layer in (head.fc6, head.fc7):
        x = (x @ layer.weight.T + layer.bias).clamp(min=0)
    torch.testing.assert_close(expected, x)
    assert torch.equal(head(last), expected)
    nn.init.zeros_(head.fc6.weight)
    nn.init.zeros_(head.fc7.weight)
    nn.init.ones_(head.fc6.bias)
    nn.init.ones_(head.fc7.bias)
    dropped = backbone.train().describe(last)
    assert {*dropped.unique().tolist()} == {0.0, 2.0}
    assert 0.45 < (dropped == 0).float().mean() < 0.55
    nn.init.eye_(head.fc7.weight)
    nn.init.zeros_(head.fc7.bias)
    twice = backbone.describe(last)
    assert {*twice.unique().tolist()} == {0.0, 4.0}  # fc6's output is dropped too
    assert 0.2 < (twice > 0).float().mean() < 0.3


@both
def test_another_size_is_told_but_has_maps(thin: None, name: str) -> None:
    backbone, batch = random(name), torch.from_numpy(pixels(96))
    side = {"vgg19": 6, "cnn_f": 5}[name]
    assert backbone.maps(batch)[-1].shape == (2, backbone.widths[-1], side, side)
    whole = SIDES[name][-1]
    with pytest.raises(
        ValueError,
        match=rf"fully connected layers take the {whole}×{whole} map of 224×224 pixels, but the "
        rf"map is {side}×{side}: scale the images with size=224\.",
    ):
        backbone(batch)


@both
def test_features_are_those_of_the_head(thin: None, name: str) -> None:
    backbone, images = random(name), pixels(n=3)
    features = feature_vectors(backbone, images)
    maps = torch.from_numpy(stage_maps(backbone, images, 5)).float()
    with torch.inference_mode():
        found = backbone.describe(maps)
    assert features.shape == (3, 40) and features.std() > 1e-3
    np.testing.assert_allclose(found, features, rtol=2e-2, atol=2e-2 * features.max())


@both
def test_random_weights_keep_the_scale(thin: None, name: str) -> None:
    backbone = random(name)
    with torch.inference_mode():
        batch = torch.from_numpy(pixels())
        given = backbone.normalise(batch).std()
        for of_stage in (*backbone.maps(batch), backbone(batch)):
            assert given / 30 < of_stage.std() < given * 30


@both
def test_gradients_reach_every_parameter_that_is_not_frozen(thin: None, name: str) -> None:
    backbone = random(name)
    backbone.stages[:-1].requires_grad_(False)
    backbone(torch.from_numpy(pixels())).square().sum().backward()
    for key, parameter in backbone.named_parameters():
        learned = key.startswith(("stages.4.", "head."))
        assert (parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)) == learned


@both
def test_identity_is_of_the_maps(thin: None, name: str) -> None:
    backbone = random(name)
    before = backbone.identity()
    assert backbone.head is not None
    with torch.no_grad():
        backbone.head.fc6.weight += 1
    assert backbone.identity() == before
    with torch.no_grad():
        backbone.mean[0, 0, 0] += 1e-3
    assert backbone.identity() != before


def test_a_mean_image_is_scaled_to_the_pixels() -> None:
    mean = torch.linspace(0, 1, 8)[None, :, None].repeat(3, 1, 8)
    backbone = Backbone([nn.Identity()], (3,), mean, (1.0,) * 3)
    images = torch.rand(2, 3, 8, 8)
    torch.testing.assert_close(backbone.normalise(images), images - mean)
    half = mean.unflatten(1, (4, 2)).unflatten(3, (4, 2)).mean(dim=(2, 4))
    found = -backbone.normalise(torch.zeros(1, 3, 4, 4))[0]
    torch.testing.assert_close(found[:, 1:3], half[:, 1:3])  # at the edges the filter is cut off
    assert backbone.normalise(torch.zeros(1, 3, 8, 5)).shape == (1, 3, 8, 5)
    assert [*backbone.state_dict()] == ["mean"]


@both
@pytest.mark.parametrize(("method", "trainable"), [("mah", "last"), ("dth", "all")])
def test_the_deep_hashers_take_them(
    thin: None, name: str, method: str, trainable: str, tmp_path: Path, tiny_pictures
) -> None:
    path = tmp_path / "random.safetensors"
    save_file(random(name).state_dict(), path)
    options = {"text_hidden": 8, "text_features": 6} if method == "mah" else {}
    hasher = hashers.create(
        method,
        8,
        **{"backbone": name, "weights": str(path), "trainable": trainable, "epochs": 1, **options},
        device="cpu",
    ).fit(tiny_pictures)
    codes = hasher.encode(tiny_pictures, hasher.modalities[0])
    assert len(codes) == len(tiny_pictures)
    hasher.save(tmp_path / "method")
    again = hashers.load(tmp_path / "method").encode(tiny_pictures, hasher.modalities[0])
    assert again == codes
    assert not any("head" in key or key == "mean" for key in hasher.state)
