"""The weights of CNN-F from MatConvNet's MATLAB file `imagenet-vgg-f.mat`."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from mmhash_nb.features.architectures import LRN
from mmhash_nb.io import mat5

ADDRESS = "https://www.vlfeat.org/matconvnet/models/imagenet-vgg-f.mat"


def read(path: Path) -> dict[str, Tensor]:
    """The weights of all layers and the mean image, in PyTorch's axes.

    MatConvNet stores filters as `[h, w, inputs, outputs]`; a fully connected layer (`fc…`) is there
    a convolution as large as its map. Pixels are RGB of 0 to 255.

    Args:
        path: of a file up to MATLAB's version 7. Its variables are the cell array `layers` of
            structs with a `name` and, where something is learned, `weights` {filters, biases}; and
            `meta.normalization.averageImage`, before 2015 `normalization.averageImage`.

    Returns:
        `conv1.weight`, float32 `[outputs, inputs, h, w]`, …, `fc6.weight`, float32
        `[outputs, inputs * h * w]`, …, their `.bias`, and `mean`, `[3, H, W]` on a scale of 0 to 1.

    Raises:
        ValueError: the file is not whole, is another one, or its layers `norm1` and `norm2` are
            not those of CNN-F. `imagenet-matconvnet-vgg-f.mat` has layers of the same shapes
            without them.
    """
    state: dict[str, Tensor] = {}
    try:
        file = mat5.loadmat(path, ("layers", "meta", "normalization"))
        layers = {str(cell["name"][0, 0][0]): cell[0, 0] for cell in file["layers"].flat}
        meta = file["meta"][0, 0] if "meta" in file else file
        state["mean"] = _tensor(meta["normalization"]["averageImage"][0, 0], (2, 0, 1)) / 255
        for name, layer in layers.items():
            if "weights" in layer.dtype.names:
                filters, biases = layer["weights"].flat
                weight = _tensor(filters, (3, 2, 0, 1))
                state[f"{name}.weight"] = weight.flatten(1) if name.startswith("fc") else weight
                state[f"{name}.bias"] = _tensor(biases.ravel(), (0,))
        norms = {name: layers[name]["param"].ravel() for name in ("norm1", "norm2")}
    except Exception as error:
        # scipy and NumPy raise a dozen types here (zlib.error, TypeError, KeyError, ...).
        reason = " ".join(str(error).split()).rstrip(".")
        raise ValueError(
            f"{path} is not whole or is not imagenet-vgg-f.mat ({type(error).__name__}: {reason}): "
            f"get it from {ADDRESS}."
        ) from None
    for name, found in norms.items():
        if found.shape != (4,) or not np.allclose(found, LRN):
            raise ValueError(
                f"{path} normalises in {name} with {found.tolist()}, but CNN-F with {list(LRN)}: "
                f"get {ADDRESS}."
            )
    return state


def _tensor(array: np.ndarray, axes: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array.transpose(axes), dtype=np.float32))
