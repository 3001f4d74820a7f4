"""The contract of all methods: every registered one meets it, and each broken one is found out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mmhash_nb import hashers
from mmhash_nb.codes import HashCodes
from mmhash_nb.hashers import Embedder, Hasher, option
from mmhash_nb.hashers.made_up_pairs import made_up_pairs


@pytest.mark.parametrize("name", hashers.names())
def test_every_method_meets_the_contract(name):
    hashers.check(name)


class Projected(Hasher):
    """Signs of random projections: what the broken ones below are but for one thing."""

    class Options(Hasher.Options):
        scale: float = option(1.0, "of the projections", above=0)

    def _fit(self, train, checkpoint):
        rng = np.random.default_rng(self.seed)
        state = {}
        for modality in ("image", "text"):
            x = train.features(modality)
            state[f"{modality}.mean"] = x.mean(axis=0)
            state[modality] = rng.standard_normal((x.shape[1], self.n_bits))
        return state

    def _project(self, pairs, modality):
        return (pairs.features(modality) - self.state[f"{modality}.mean"]) @ self.state[modality]


def test_a_method_from_outside_meets_it():
    hashers.check(Projected)
    hashers.check(Projected, scale=2)


class OnPixels(Projected):
    def _fit(self, train, checkpoint):
        return {"means": train.images.mean(axis=(2, 3))}

    def _project(self, pairs, modality):
        x = pairs.images.mean(axis=(2, 3)) if modality == "image" else pairs.texts
        return x[:, :3] @ np.eye(3, self.n_bits) - 10


def test_images_that_a_class_does_not_declare_are_those_it_can_learn_from():
    hashers.check(OnPixels)


class Unfitted(Projected):
    def _fit(self, train, checkpoint):
        return {}


class Listed(Projected):
    def _fit(self, train, checkpoint):
        return {**super()._fit(train, checkpoint), "names": np.array(["a"])}


class Short(Projected):
    def _project(self, pairs, modality):
        return super()._project(pairs, modality)[:, 1:]


class Peeking(Projected):
    def fit(self, train, checkpoint=None):
        super().fit(train, checkpoint)
        self.state["image.mean"] = train.features("image").mean(axis=0)
        return self


class Unseeded(Projected):
    def _fit(self, train, checkpoint):
        state = super()._fit(train, checkpoint)
        return {**state, "image": np.random.default_rng().standard_normal(state["image"].shape)}


class Forgetful(Projected):
    def _fit(self, train, checkpoint):
        self.sign = -1
        return super()._fit(train, checkpoint)

    def _project(self, pairs, modality):
        return super()._project(pairs, modality) * getattr(self, "sign", 1)


class Mixed(Projected):
    def _project(self, pairs, modality):
        extra = 100 * pairs.features("text")[:, :4] if modality == "image" else 0
        return super()._project(pairs, modality) + extra - 30


class Labelled(Projected):
    def _project(self, pairs, modality):
        return pairs.labels[:, [0, 1, 2, 0]] - 0.5


class Centred(Projected):
    def _project(self, pairs, modality):
        values = super()._project(pairs, modality)
        return values - values[-1:]


class OfBatch(Projected):
    def _project(self, pairs, modality):
        x = pairs.features(modality)
        return (x - x.mean(axis=0)) @ self.state[modality]


class OfFirst(Projected):
    def _project(self, pairs, modality):
        values = super()._project(pairs, modality)
        return values - values[:1] / 2


class Overwriting(Projected):
    def _project(self, pairs, modality):
        values = super()._project(pairs, modality)
        pairs.texts[:] = 0
        return values


class Unsigned(Projected):
    def _project(self, pairs, modality):
        return (super()._project(pairs, modality) >= 0).astype(np.float32)


class Noisy(Projected):
    def _project(self, pairs, modality):
        return np.random.default_rng().standard_normal((len(pairs), self.n_bits))


class Remembering(Projected):
    def _project(self, pairs, modality):
        self.state["last"] = np.zeros(1)
        return super()._project(pairs, modality)


class Unreturned(Projected):
    def fit(self, train, checkpoint=None):
        super().fit(train, checkpoint)


class Lacking(Projected):
    def _project(self, pairs, modality):
        return self.state["lost"]


class Changing(Projected):
    def fit(self, train, checkpoint=None):
        train.images[0] += 1
        return super().fit(train, checkpoint)


class Eager(Projected):
    def encode(self, pairs, modality):
        return HashCodes.from_signs(np.resize([-1.0, 1.0], (len(pairs), self.n_bits)))


class Lax(Projected):
    def _check_encodable(self, modality):
        self._check_fitted()


class Tolerant(Projected):
    def __init__(self, n_bits, seed=0, device="auto", no_such_option=None, **options):
        super().__init__(n_bits, seed, device, **options)


class Untyped(Projected):
    class Options(Hasher.Options):
        scale: Any = option(1.0)


def tagged(name: str, **tags: object) -> type[Projected]:
    return type(name, (Projected,), tags)


class Failing(Projected):
    def _project(self, pairs, modality):
        raise IndexError("out of bounds")


class Partial(Hasher):
    def _fit(self, train, checkpoint):
        return {}


class Doubled(Embedder):
    def _fit(self, train, checkpoint):
        return {"nothing": np.zeros(1)}

    def _embed(self, pairs, modality):
        return np.repeat(pairs.features(modality), 2, axis=0)


class NotFinite(Doubled):
    def _embed(self, pairs, modality):
        return np.full((len(pairs), 2), np.nan)


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (Unfitted, "learns no state of named arrays"),
        (Listed, "has a state of which 'names' is no named array of numbers"),
        (Short, r"fails to encode image: Short gives values of shape \[48, 3\] for the image"),
        (Labelled, "encodes image from labels as well"),
        (Centred, "encodes image of a sample by the other samples as well"),
        (OfBatch, "encodes image of a sample by the other samples as well"),
        (OfFirst, "encodes image of a sample by the other samples as well"),
        (Overwriting, "changes the pairs that it encodes"),
        (
            Unsigned,
            "gives nothing but ones for image: return bits as an array of bool",
        ),
        (Noisy, "encodes image otherwise each time"),
        (Remembering, "changes its state when it encodes"),
        (Unreturned, "does not return itself from fit"),
        (NotFinite, "gives vectors of image that are not finite"),
        (Lacking, "fails to encode image: KeyError 'lost'"),
        (tagged("Strange", family="foo"), "is of family 'foo': name one of"),
        (tagged("Codeless", has_codes=False), "must have has_codes = True"),
        (Doubled, "does not give 48 vectors of float32 for image of 48 samples"),
        (Peeking, "reads samples outside `train`: with others there it learns otherwise"),
        (Unseeded, "learns another state from the same seed and pairs"),
        (Forgetful, "encodes image otherwise once it is loaded"),
        (Mixed, "encodes image from texts as well"),
        (Changing, "changes the pairs that it learns from"),
        (Eager, "does not refuse to encode before fit"),
        (Lax, "refuses to encode joint with RuntimeError in place of ValueError"),
        (Tolerant, "does not refuse an unknown option"),
        (Untyped, "does not refuse a value of another type for scale"),
        (
            tagged("Joint", modalities=("image", "sound")),
            r"has modalities \('image', 'sound'\): name some of",
        ),
        (Failing, "fails to encode image: out of bounds"),
        (Partial, "cannot be created: it lacks _project"),
    ],
)
def test_what_breaks_the_contract_is_named_in_one_sentence(broken, sentence):
    with pytest.raises(ValueError, match=f"^{broken.__name__} {sentence}") as error:
        hashers.check(broken)
    assert "\n" not in str(error.value) and str(error.value).endswith(".")


def test_only_methods_are_checked():
    with pytest.raises(ValueError, match="no method: give a name or a class"):
        hashers.check(Path)
    with pytest.raises(ValueError, match="there is no method 'nothing'"):
        hashers.check("nothing")


def test_made_up_pairs_can_be_told_apart():
    for view in ("pixels", "vectors"):
        pairs = made_up_pairs(view)
        method = hashers.create("cca_hash", 4).fit(pairs)
        codes = method.encode(pairs, "image").signs()
        classes = pairs.labels.argmax(axis=1)
        middles = np.stack([codes[classes == c].mean(axis=0) for c in range(3)])
        assert (np.argmax(codes @ middles.T, axis=1) == classes).mean() > 0.6
