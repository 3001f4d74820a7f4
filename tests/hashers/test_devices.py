"""Every method that trains a network has what it works on together on the device.

A pretended GPU refuses what a real one does, on a machine without one. `tests/test_cuda.py` has the
tests that need a card.
"""

import dataclasses

import numpy as np
import pytest
import torch
from pretend import on_gpu, pretended_gpu

from mmhash_nb import hashers
from mmhash_nb.hashers import deep
from mmhash_nb.hashers.deep import DeepHasher
from mmhash_nb.hashers.networks import inputs as network_inputs
from mmhash_nb.hashers.siamese import SiameseHasher
from mmhash_nb.training.prefetch import HostSamples

#: what every method is made smaller by, where it has such an option
TINY = {
    **{"text_hidden": 24, "text_features": 16, "image_hidden": 24, "lstm_hidden": 12},
    **{"backbone": "small", "epochs": 2, "rounds": 2, "batch_size": 12, "hashing_steps": 2},
}
CLASSES = {name: hashers.method_class(name) for name in hashers.names()}
DEEP = [name for name, cls in CLASSES.items() if issubclass(cls, DeepHasher)]
TRAINED = [name for name, cls in CLASSES.items() if issubclass(cls, DeepHasher | SiameseHasher)]


def create(name, device, **options):
    known = CLASSES[name].defaults
    some = {key: value for key, value in {**TINY, **options}.items() if key in known}
    return hashers.create(name, 8, 0, device=device, **some)


def learned(method, pairs, checkpoint=None):
    """What a method has learned of `pairs`, and all that it then says of them."""
    method.fit(pairs, checkpoint)
    found = {**method.state, **{m: method.encode(pairs, m).bits for m in method.modalities}}
    if hasattr(method, "database_codes"):
        found["unified"] = method.database_codes(pairs).bits
    if hasattr(method, "latents") and method.options["variational"]:
        found["latents"] = np.concatenate(method.latents(pairs, "text"))
    attention = method.options.get("attention", "none")
    if hasattr(method, "attend") and attention != "none":
        if isinstance(method, CLASSES["aadah"]):
            seen = [method.attend(pairs, "image" if attention != "textual" else "text")]
        else:
            seen = method.attend(pairs)
        for number, one in enumerate(seen):
            arrays = {k: v for k, v in vars(one).items() if v is not None}
            found |= {f"attended {number} {key}": value for key, value in arrays.items()}
    return found


def assert_equal(one, other):
    assert one.keys() == other.keys()
    for key in one:
        np.testing.assert_array_equal(one[key], other[key], err_msg=key)


@pytest.mark.parametrize(
    ("name", "trainable"),
    [
        *((n, t) for n in DEEP for t in ("all", "none")),
        *((n, "") for n in TRAINED if n not in DEEP),
    ],
)
def test_nothing_is_left_on_the_cpu(name, trainable, tiny_pictures, two_views, tmp_path):
    vectors = issubclass(CLASSES[name], SiameseHasher)
    pairs = two_views if vectors else tiny_pictures
    expected = learned(create(name, "cpu", trainable=trainable), pairs)
    with pretended_gpu():
        found = learned(create(name, "cuda", trainable=trainable), pairs, tmp_path)
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # WordLinear multiplies all words on a GPU, so that sums are taken in another order.
        np.testing.assert_allclose(found[key], value, rtol=1e-3, atol=1e-4, err_msg=key)


@pytest.mark.parametrize("name", [n for n in DEEP if CLASSES[n].cross_modal and n != "dvsh"])
def test_feature_vectors_are_moved_too(name, two_views):
    options = {"attention": "none"} if name.startswith("aadah") else {}
    with pretended_gpu():
        found = learned(create(name, "cuda", **options), two_views)
    assert np.isfinite(found["loss"]).all()


@pytest.mark.parametrize("trainable", ["all", "none"])
@pytest.mark.parametrize("name", ["dth", "mah", "aadah", "prdh", "cmdvh"])
def test_samples_in_the_hosts_memory_train_and_encode_the_same(
    name, trainable, tiny_pictures, monkeypatch
):
    monkeypatch.setattr(network_inputs, "BATCH", 20)
    expected = learned(create(name, "cpu", trainable=trainable), tiny_pictures)
    placed = []

    def host(samples, device):
        placed.append(HostSamples(samples, device))
        return placed[-1]

    monkeypatch.setattr(deep, "placed", host)
    assert_equal(learned(create(name, "cpu", trainable=trainable), tiny_pictures), expected)
    vectors = name == "cmdvh" and trainable == "none"
    assert bool(placed) != vectors
    assert not any(one._coming for one in placed)  # every batch that was announced was taken


@pytest.mark.parametrize("name", DEEP)
def test_every_deep_method_trains_in_mixed_precision(name, tiny_pictures):
    """By the CPU's autocast: dtypes that do not go together would end it."""
    exact, mixed = (
        learned(create(name, "cpu", trainable="all", precision=precision), tiny_pictures)
        for precision in ("float32", "bfloat16")
    )
    assert exact.keys() == mixed.keys()
    weights = [value for key, value in mixed.items() if key.endswith("weight")]
    assert all(value.dtype == np.float32 and np.isfinite(value).all() for value in weights)
    scale = np.abs(exact["loss"]).max()
    np.testing.assert_allclose(mixed["loss"] / scale, exact["loss"] / scale, atol=0.05)
    # In so few steps the printed operations let nothing through that float32 tells apart.
    printed = name == "mah_printed"
    assert printed == all(np.array_equal(mixed[key], exact[key]) for key in exact)


@pytest.mark.parametrize("name", ["dth", "texthash", "mah", "aadah_none", "dvsh", "cmdvh"])
def test_encoding_has_the_precision_of_the_training(name, tiny_pictures):
    method = create(name, "cpu").fit(tiny_pictures)
    modality = method.modalities[-1]

    def values():
        found = [method._project(tiny_pictures, modality)]
        if name == "cmdvh":
            found += method.latents(tiny_pictures, modality)
        assert all(x.dtype == np.float32 for x in found)
        return found

    exact, by_itself = values(), method.options["precision"]
    assert by_itself == "auto"
    method.options = dataclasses.replace(method.options, precision="bfloat16")
    for one, mixed in zip(exact, values(), strict=True):
        assert 1e-4 < np.abs(one - mixed).max() / np.abs(one).max() < 0.05
    if name == "cmdvh":
        assert len(method.database_codes(tiny_pictures)) == len(tiny_pictures)
    method.options = dataclasses.replace(method.options, precision="float32")
    assert all(np.array_equal(*pair) for pair in zip(exact, values(), strict=True))


def test_the_pretended_gpu_refuses_what_a_real_one_does():
    here, index = torch.arange(6.0), torch.tensor([0, 2])
    with pretended_gpu():
        there, chosen = here.to("cuda"), index.to(torch.device("cuda", 0))
        assert there.device.type == "cuda" and there.is_cuda and not here.is_cuda
        assert on_gpu(there[index]) and on_gpu(there * 2 + torch.tensor(1.0))
        assert on_gpu(torch.zeros(3, device=there.device)) and on_gpu(torch.ones_like(there))
        assert not on_gpu(there.cpu()) and not on_gpu(torch.zeros(3))
        there[:2] = here[:2]
        for wrong in (
            lambda: there + here,
            lambda: torch.cat([there, here]),
            lambda: here[chosen],
            lambda: there.__setitem__(chosen, here[:2]),
            lambda: torch.nn.functional.linear(there[None], torch.zeros(2, 6)),
        ):
            with pytest.raises(RuntimeError, match=r"on the CPU|on cpu"):
                wrong()
        with pytest.raises(TypeError, match="to numpy"):
            there.numpy()
        layer = torch.nn.Linear(6, 2).to(there.device)
        assert layer.weight.is_cuda and on_gpu(layer(there))
        with pytest.raises(RuntimeError, match="on the CPU"):
            layer(here)
