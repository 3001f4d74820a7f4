"""Learned weights into a backbone: from files, or downloaded from torchvision.

Two layouts of keys are read: the backbone's (`stages.3.…`, `head.fc6.…`) and that in which its
authors give them, torchvision's (`layer4.…`, `features.14.…`) or MatConvNet's (`conv1.…`). What
only serves to name ImageNet's classes is left out.
"""

import pickle
import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from mmhash_nb.features import matconvnet
from mmhash_nb.io.download import fetch


class _Layout(NamedTuple):
    """How others call our keys.

    Attributes:
        stages: what they have for `stages.i.`, whose number i they do not tell.
        classifier: how the keys begin that we leave out.
        others: our beginnings of all other keys, and theirs.
    """

    stages: str
    classifier: tuple[str, ...]
    others: Mapping[str, str] = {}


#: backbones whose weights torchvision has
TORCHVISION = ("resnet18", "mobilenet_v2", "vgg19")
_LAYOUTS = {
    "resnet18": _Layout("", ("fc.",)),
    "mobilenet_v2": _Layout("features.", ("classifier.",)),
    "vgg19": _Layout(
        "features.",
        ("classifier.6.",),
        {"head.fc6.": "classifier.0.", "head.fc7.": "classifier.3."},
    ),
    "cnn_f": _Layout("", ("fc8.",), {"head.": "", "mean": "mean"}),
}
_COUNTER = "num_batches_tracked"  # of batch norm; no output depends on it


def read(path: Path, name: str) -> dict[str, Tensor]:
    """The tensors of a safetensors file, or of CNN-F's `.mat` file.

    Raises:
        FileNotFoundError: no such file.
        ValueError: it is not whole.
    """
    if not path.is_file():
        fix = f": get {matconvnet.ADDRESS}, and pass weights= with its path" * (name == "cnn_f")
        raise FileNotFoundError(f"The weights of backbone {name} are not at {path}{fix}.")
    if name == "cnn_f" and path.suffix == ".mat":
        return matconvnet.read(path)
    try:
        return load_file(path)
    except SafetensorError as error:
        raise ValueError(f"{path} is not a whole safetensors file: {error}.") from error


def address(name: str) -> str:
    """The address of torchvision's ImageNet weights of a backbone.

    Of MobileNetV2 there are two versions. Version 1 is taken: like the only one of ResNet-18 it
    comes from the plain recipe of the papers, without the label smoothing of version 2.
    """
    from torchvision.models import get_model_weights  # a second that most callers need not wait

    return get_model_weights(name)["IMAGENET1K_V1"].url


def downloaded(name: str) -> Path:
    """Where torchvision's weights of a backbone lie once they are fetched."""
    return Path(torch.hub.get_dir()) / "checkpoints" / address(name).rpartition("/")[2]


def fetched(name: str) -> Path:
    """Fetch torchvision's weights of a backbone, where they are not there; give the file.

    Raises:
        ConnectionError, OSError, ValueError: as `download`.
    """
    path = downloaded(name)
    digits = re.search(r"-([0-9a-f]{8,})\.", path.name)
    if digits is None:
        raise ValueError(
            f"{address(name)} does not carry its SHA-256 sum in its name: pass weights=."
        )
    return fetch(address(name), path, sha256=digits[1])


def download(name: str) -> tuple[dict[str, Tensor], str]:
    """torchvision's ImageNet weights, and the address they come from.

    They lie where `torch.hub` puts downloads. The file's name carries the first digits of its
    SHA-256 sum, which both a download and a copy put there by hand must have; nothing but tensors
    is unpickled.

    Raises:
        ConnectionError, OSError, ValueError: as `io.download.fetch`; or the file holds other things
            than tensors.
    """
    url = address(name)
    fetched(name)
    try:
        state = torch.hub.load_state_dict_from_url(url, map_location="cpu", weights_only=True)
    except (RuntimeError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0].rstrip(".")
        raise ValueError(f"What came from {url} is not taken ({reason}): pass weights=.") from None
    return state, url


def fill(backbone: nn.Module, name: str, state: Mapping[str, Tensor], source: str | Path) -> None:
    """Set the backbone's weights; float16 becomes float32.

    Args:
        state: tensors by key, in one of the two layouts; batch norm's counters may be absent.
        source: where they come from, for errors.

    Raises:
        ValueError: a key or shape is not the backbone's, or a value not finite.
    """
    ours = backbone.state_dict()
    key_of = {key: key for key in ours}  # by the key in `state`
    if name in _LAYOUTS and not any(key.startswith("stages.") for key in state):
        key_of = {their_key(name, key): key for key in ours}
        classifier = _LAYOUTS[name].classifier
        state = {key: v for key, v in state.items() if not key.startswith(classifier)}
    for key in sorted(key_of.keys() | state.keys()):
        wanted = ours[key_of[key]].shape if key in key_of else None
        found = state[key].shape if key in state else None
        if wanted != found and not (found is None and key.endswith(_COUNTER)):
            raise ValueError(
                f"{source} does not hold the weights of backbone {name}: {key} should be "
                f"{_shape(wanted)} and is {_shape(found)}."
            )
        if found is not None and not state[key].isfinite().all():
            raise ValueError(
                f"{source} has values in {key} that are not finite: get or save the weights again."
            )
    backbone.load_state_dict(ours | {key_of[key]: value for key, value in state.items()})


def their_key(name: str, key: str) -> str:
    """What the authors of a backbone's weights call our `key`."""
    layout = _LAYOUTS[name]
    for ours, theirs in layout.others.items():
        if key.startswith(ours):
            return theirs + key.removeprefix(ours)
    return layout.stages + key.split(".", 2)[2]


def _shape(shape: torch.Size | None) -> str:
    return "absent" if shape is None else str(list(shape))
