"""Files of the commands: a fitted method with the preprocessing of its data, and named codes."""

import hashlib
import json
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes, load_codes, save_codes
from mmhash_nb.datasets.preprocessing import Preprocessing
from mmhash_nb.hashers.base import EncodedModality, Hasher
from mmhash_nb.pairs import Pairs

DATA = "data.json"
_MODEL_FILES = ("method.json", "state.safetensors", DATA)


@dataclass(frozen=True, eq=False)
class Model:
    """A fitted method that encodes new items.

    Attributes:
        method: as `hashers.load` gives it; preprocessing: how items become its arrays.
        digest: of its files, by which codes are known to be of this model.
    """

    method: Hasher
    preprocessing: Preprocessing
    digest: str


@dataclass(frozen=True, eq=False)
class PictureReader:
    """A fitted method that is given pictures and encodes what its preprocessing makes of them."""

    method: Hasher
    preprocessing: Preprocessing

    @property
    def modalities(self) -> tuple[str, ...]:
        """Those of the method."""
        return self.method.modalities

    def encode(self, pairs: Pairs, modality: EncodedModality) -> HashCodes:
        """As `Hasher.encode`, of pairs whose images are pixels."""
        seen = self.preprocessing.described(pairs.images)
        return self.method.encode(replace(pairs, images=seen), modality)


@dataclass(frozen=True, eq=False)
class Gallery:
    """Codes of items, and what to call these.

    Attributes:
        codes: N codes; modality: `image`, `text` or `joint`, that they were made from.
        items: line, image and text of each item.
        model: the digest of the model that made them.
    """

    codes: HashCodes
    modality: str
    items: list[tuple[int, str, str]]
    model: str

    def save(self, path: Path) -> None:
        """Write one `.npz` file, whole or not at all; `HashCodes.load` reads its codes alone."""
        about = {"modality": self.modality, "items": self.items, "model": self.model}
        text = json.dumps(about, ensure_ascii=False).encode()
        save_codes(path, {"codes": self.codes}, about=np.frombuffer(text, dtype=np.uint8))

    @classmethod
    def load(cls, path: Path) -> "Gallery":
        """Read what `save` wrote.

        Raises:
            FileNotFoundError: there is no such file.
            ValueError: it is not whole or something else.
        """
        if not path.is_file():
            raise FileNotFoundError(f"there are no codes in {path}: the command encode makes some.")
        try:
            codes = load_codes(path)["codes"]
            with np.load(path, allow_pickle=False) as arrays:
                about = json.loads(arrays["about"].tobytes())
            items = [(int(line), str(image), str(text)) for line, image, text in about["items"]]
            if len(items) != len(codes):
                raise ValueError(f"{len(items)} items but {len(codes)} codes")
            return cls(codes, str(about["modality"]), items, str(about["model"]))
        except Exception as error:  # a damaged archive raises many kinds
            reason = " ".join(str(error).split()).rstrip(".")
            raise ValueError(f"{path} holds no codes of the command encode ({reason}).") from None


def check_absent(path: Path, option: str = "--out") -> None:
    """Refuse to write where something is."""
    if path.exists():
        raise ValueError(f"{path} is there already: remove it, or give another {option}.")


def save_model(folder: Path, method: Hasher, preprocessing: Preprocessing) -> None:
    """Write a fitted method and the preprocessing of its data, the whole folder or nothing.

    Raises:
        ValueError: something is there.
    """
    check_absent(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{folder.name}-", dir=folder.parent) as made:
        aside = Path(made) / "whole"
        aside.mkdir()
        method.save(aside)
        preprocessing.save(aside / DATA)
        os.rename(aside, folder)


def load_model(folder: Path, device: str = "auto") -> Model:
    """Read what `save_model` wrote, to compute on a device.

    Raises:
        FileNotFoundError: there is no such folder, or it lacks a file.
        ValueError: a file is not whole or something else.
    """
    missing = [name for name in _MODEL_FILES if not (folder / name).is_file()]
    if missing:
        raise FileNotFoundError(f"{folder} has no {missing[0]}: the command fit makes a model.")
    method = hashers.load(folder, device)
    if not method.has_codes:
        raise ValueError(f"{folder} holds {method.name}, which has no codes.")
    assert isinstance(method, Hasher)
    digest = hashlib.sha256()
    for name in _MODEL_FILES:
        digest.update((folder / name).read_bytes())
    return Model(method, Preprocessing.load(folder / DATA), digest.hexdigest())
