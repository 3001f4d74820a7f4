"""The registry of methods: `create`, `names` and `load`."""

import importlib
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mmhash_nb.hashers.base import Embedder, Hasher, Method
from mmhash_nb.hashers.options import Options, option

__all__ = [
    "Embedder",
    "Hasher",
    "Method",
    "Options",
    "create",
    "load",
    "method_class",
    "names",
    "option",
]


@dataclass(frozen=True)
class _Entry:
    module: str
    class_name: str
    papers: tuple[str, ...]
    preset: dict[str, Any] = field(default_factory=dict)


_MASCI = ("masci2014",)
_ZENG = ("zeng2022",)
_ZHANG = ("zhang2018",)
_LIONG = ("liong2017",)
_BOTH = ("liong2017", "zhang2018")
_METHODS = {
    "random": _Entry("random", "RandomCodes", ()),
    "mmnn_l1": _Entry("mmnn", "MMNN", _MASCI, {"layers": 1}),
    "mmnn_l2": _Entry("mmnn", "MMNN", _MASCI, {"layers": 2}),
    "cmnn_l1": _Entry("cmnn", "CMNN", _MASCI, {"layers": 1}),
    "cmnn_l2": _Entry("cmnn", "CMNN", _MASCI, {"layers": 2}),
    "nnhash_l1": _Entry("nnhash", "NNHash", _MASCI, {"layers": 1}),
    "nnhash_l2": _Entry("nnhash", "NNHash", _MASCI, {"layers": 2}),
    "cmssh": _Entry("cmssh", "CMSSH", _MASCI),
    "diffhash": _Entry("diffhash", "DiffHash", _MASCI),
    "ssh": _Entry("ssh", "SSH", _MASCI),
    "agh1": _Entry("agh", "AnchorGraphHashing", _MASCI, {"layers": 1}),
    "agh2": _Entry("agh", "AnchorGraphHashing", _MASCI, {"layers": 2}),
    "ksh": _Entry("ksh", "KSH", _MASCI),
    "raw": _Entry("raw", "RawFeatures", _MASCI),
    "cca": _Entry("cca", "EuclideanCCA", _MASCI),
    "cm": _Entry("cm", "CorrelationMatching", _MASCI),
    "sm": _Entry("sm", "SemanticMatching", _MASCI),
    "scm_rasiwasia": _Entry("scm_rasiwasia", "SemanticCorrelationMatching", _MASCI),
    "aadah": _Entry("aadah", "AADAH", _ZHANG),
    "aadah_none": _Entry("aadah", "AADAH", _ZHANG, {"attention": "none"}),
    "aadah_visual": _Entry("aadah", "AADAH", _ZHANG, {"attention": "visual"}),
    "aadah_textual": _Entry("aadah", "AADAH", _ZHANG, {"attention": "textual"}),
    "aadah_cnn_f": _Entry("aadah", "AADAH", _ZHANG, {"backbone": "cnn_f"}),
    "cca_hash": _Entry("cca_hash", "CCAHash", _ZHANG),
    "cmfh": _Entry("cmfh", "CMFH", _BOTH),
    "scm": _Entry("scm", "SCM", _BOTH, {"solver": "sequential"}),
    "scm_orth": _Entry("scm", "SCM", _ZHANG, {"solver": "orthogonal"}),
    "stmh": _Entry("stmh", "STMH", _ZHANG),
    "sephkm": _Entry("sephkm", "SePHkm", _BOTH),
    "dcmh": _Entry("dcmh", "DCMH", _BOTH),
    "prdh": _Entry("prdh", "PRDH", _ZHANG),
    "dvsh": _Entry("dvsh", "DVSH", _BOTH),
    "cmdvh": _Entry("cmdvh", "CMDVH", _LIONG),
    "cmdvh1": _Entry("cmdvh", "CMDVH", _LIONG, {"latent": False}),
    "cmdvh2": _Entry("cmdvh", "CMDVH", _LIONG, {"variational": False}),
    "cvh": _Entry("cvh", "CVH", _LIONG),
    "cca_itq": _Entry("cca_itq", "CCAITQ", _LIONG),
    "pdh": _Entry("pdh", "PDH", _LIONG),
    "lssh": _Entry("lssh", "LSSH", _LIONG),
    "discmh": _Entry("discmh", "DisCMH", _LIONG),
    "dnh_c": _Entry("dnh_c", "DNHC", _LIONG),
    "cah": _Entry("cah", "CAH", _LIONG),
    "mah": _Entry("mah", "MAH", _ZENG),
    "mah_printed": _Entry("mah", "MAH", _ZENG, {"kernel": "printed", "attention": "printed"}),
    "mah_no_kn": _Entry("mah", "MAH", _ZENG, {"kernel": "none"}),
    "mah_no_an": _Entry("mah", "MAH", _ZENG, {"attention": "none"}),
    "mah_sentences": _Entry("mah", "MAH", _ZENG),
    "concat": _Entry("concat", "Concat", _ZENG),
    "gmu": _Entry("gmu", "GMU", _ZENG),
    "mcb": _Entry("mcb", "MCB", _ZENG),
    "texthash": _Entry("texthash", "TextHash", _ZENG),
    "dpsh": _Entry("dpsh", "DPSH", _ZENG),
    "dsh": _Entry("dsh", "DSH", _ZENG),
    "hashnet": _Entry("hashnet", "HashNet", _ZENG),
    "dth": _Entry("dth", "DTH", _ZENG),
    "csq": _Entry("csq", "CSQ", _ZENG),
}


def names(paper: str | None = None) -> list[str]:
    """All registered methods, or those that `paper` lists."""
    if paper is None:
        return list(_METHODS)
    chosen = [name for name, entry in _METHODS.items() if paper in entry.papers]
    if not chosen:
        papers = sorted({p for entry in _METHODS.values() for p in entry.papers})
        raise ValueError(f"no method is listed for paper {paper!r}; there are {', '.join(papers)}.")
    return chosen


def method_class(name: str) -> type[Method]:
    """The class that implements method `name`."""
    if name not in _METHODS:
        raise ValueError(f"there is no method {name!r}; there are {', '.join(_METHODS)}.")
    entry = _METHODS[name]
    module = importlib.import_module(f"mmhash_nb.hashers.{entry.module}")
    return getattr(module, entry.class_name)


def create(
    name: str, n_bits: int, seed: int = 0, *, device: str = "auto", **options: Any
) -> Hasher | Embedder:
    """An unfitted method by its registry name.

    Args:
        name: one of `names()`.
        n_bits: code length K (dimensions of the embedding for an `Embedder`).
        seed: everything random in the method comes from it.
        device: `auto`, `cpu` or `cuda`.
        options: the method's own; its class documents them.
    """
    cls = method_class(name)
    # Checked here, an error names the method as the registry does.
    checked = cls.checked_options(name, {**_METHODS[name].preset, **options})
    method = cls(n_bits, seed, device, **checked)
    method.name = name
    assert isinstance(method, Hasher | Embedder)
    return method


def load(folder: str | os.PathLike[str], device: str = "auto") -> Hasher | Embedder:
    """A fitted method from what its `save` left in `folder`."""
    folder = Path(folder)
    if not (folder / "method.json").is_file():
        raise FileNotFoundError(f"{folder} holds no method.json: no method was saved there.")
    try:
        kept = json.loads((folder / "method.json").read_text())
        name, n_bits, seed = kept["name"], kept["n_bits"], kept["seed"]
        options = dict(kept["options"])
    except (KeyError, TypeError, ValueError) as error:
        path = folder / "method.json"
        raise ValueError(f"{path} does not describe a method ({error!r}).") from None
    try:
        method = create(name, n_bits, seed, device=device, **options)
    except (TypeError, ValueError) as error:
        path = folder / "method.json"
        raise ValueError(f"{path} does not describe a method of this version: {error}") from None
    return method.load_state(folder)
