"""torchvision's weights over the network: from a server of our own, and from none."""

import hashlib
import io
import pickle
import re
from pathlib import Path

import pytest
import torch
from file_server import serving

from mmhash_nb.features import pretrained
from mmhash_nb.features.backbones import create


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where torch.hub puts downloads."""
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def server():
    with serving({}) as running:
        yield running


@pytest.fixture(scope="module")
def state() -> dict[str, torch.Tensor]:
    import torchvision

    torch.manual_seed(5)
    return torchvision.models.mobilenet_v2().state_dict()


@pytest.fixture
def offer(server, monkeypatch: pytest.MonkeyPatch):
    """Offer an object, saved by torch, as the weights at an address that names its hash."""

    def offered(thing: object, digits: str | None = None) -> str:
        buffer = io.BytesIO()
        torch.save(thing, buffer)
        body = buffer.getvalue()
        path = f"/mobilenet_v2-{digits or hashlib.sha256(body).hexdigest()[:8]}.pth"
        server.files[path] = body
        monkeypatch.setattr(pretrained, "address", lambda name: server.url + path)
        return server.url + path

    return offered


def test_the_addresses_are_those_of_torchvision() -> None:
    assert (
        pretrained.address("resnet18")
        == "https://download.pytorch.org/models/resnet18-f37072fd.pth"
    )
    assert pretrained.address("mobilenet_v2").endswith("/models/mobilenet_v2-b0353104.pth")
    assert pretrained.address("vgg19").endswith("/models/vgg19-dcbb9e9d.pth")


def test_weights_are_downloaded_once(server, offer, state, folder: Path) -> None:
    url = offer(state)
    backbone = create("mobilenet_v2")
    found = backbone.state_dict()
    for key, value in found.items():
        assert torch.equal(value, state["features." + key.split(".", 2)[2]])
    assert [p.name for p in folder.glob("[!.]*")] == [url.rpartition("/")[2]]
    assert create("mobilenet_v2").identity() == backbone.identity()
    assert len(server.requested) == 1


def test_a_wrong_hash_is_refused(offer, state, folder: Path) -> None:
    url = offer(state, "0123abcd")
    with pytest.raises(
        ValueError, match=rf"{url} has sha256 .* instead of 0123abcd .* put a good copy at .*pth"
    ):
        create("mobilenet_v2")
    assert not list(folder.glob("[!.]*"))


def test_a_file_that_is_not_there(offer, server, state) -> None:
    url = offer(state)
    server.files.clear()
    with pytest.raises(
        ConnectionError, match=rf"could not download {url} \(the server answered 404"
    ):
        create("mobilenet_v2")


def test_without_a_network(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    url = "http://127.0.0.1:9/resnet18-f37072fd.pth"
    monkeypatch.setattr(pretrained, "address", lambda name: url)
    with pytest.raises(ConnectionError) as raised:
        create("resnet18")
    assert re.fullmatch(
        rf"could not download {url} \(.*refused.*\): get it by hand and put it at "
        rf"{folder}/resnet18-f37072fd\.pth\.",
        str(raised.value),
    )


def test_a_copy_put_there_by_hand(server, offer, state, folder: Path) -> None:
    name = offer(state).rpartition("/")[2]
    folder.mkdir(parents=True)
    (folder / name).write_bytes(server.files["/" + name])
    create("mobilenet_v2")
    assert server.requested == []
    (folder / name).write_bytes(server.files["/" + name][:-1])
    create("mobilenet_v2")  # a bad one is replaced
    assert server.requested == ["/" + name]


class Trap:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_nothing_but_tensors_is_unpickled(offer, state, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    pickle.loads(pickle.dumps(Trap(trap)))
    assert trap.exists()
    trap.unlink()
    offer(state | {"trap": Trap(trap)})
    with pytest.raises(ValueError, match=r"What came from .* is not taken \(.*\): pass weights="):
        create("mobilenet_v2")
    assert not trap.exists()


def test_other_weights_under_the_right_hash(offer, state) -> None:
    url = offer({k: v for k, v in state.items() if k != "features.18.1.bias"})
    with pytest.raises(ValueError, match=rf"{url} does not hold .*: features.18.1.bias should be"):
        create("mobilenet_v2")


def test_an_address_without_a_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretrained, "address", lambda name: "http://127.0.0.1:9/resnet18.pth")
    with pytest.raises(ValueError, match=r"resnet18.pth does not carry its SHA-256 sum"):
        create("resnet18")
