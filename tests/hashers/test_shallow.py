"""The base of the shallow hashers: features, centring and scale, against plain computation."""

import dataclasses

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from mmhash_nb.features import backbones
from mmhash_nb.features.maps import resized
from mmhash_nb.hashers.shallow import ShallowHasher


class Recorder(ShallowHasher):
    """Remembers what it is given; its projections are the first features."""

    name = "recorder"

    def fit_views(self, image, text, labels, rng):
        self.seen = {"image": image, "text": text, "labels": labels, "drawn": rng.random(3)}
        return {"learned": np.arange(3.0)}

    def project_view(self, x, modality):
        return x[:, : self.n_bits] * (1 if modality == "image" else -1)


def by_hand(backbone, images):
    """Features of pixels, all at once."""
    with torch.inference_mode():
        return backbone.eval()(torch.from_numpy(images)).numpy()


def standardised(features, train):
    """Centred by the training mean and of mean squared training length 1, by a loop."""
    mean = sum(features[i].astype(np.float64) for i in train) / len(train)
    squares = [((features[i] - mean) ** 2).sum() for i in train]
    return np.stack([(f - mean) / np.sqrt(np.mean(squares)) for f in features])


@pytest.mark.parametrize("modality", ["image", "text"])
def test_views_are_centred_and_scaled_by_the_training_samples(two_views, modality):
    method = Recorder(4).fit(two_views)
    expected = standardised(two_views.features(modality), two_views.train)
    np.testing.assert_allclose(method.view(two_views, modality), expected, atol=1e-12)
    seen = method.seen[modality]
    assert seen.dtype == np.float64
    np.testing.assert_allclose(seen, expected[two_views.train], atol=1e-12)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-14)
    assert np.square(seen).sum(axis=1).mean() == pytest.approx(1)


def test_what_a_method_is_given_and_keeps(two_views):
    method = Recorder(4, seed=5).fit(two_views)
    assert np.array_equal(method.seen["labels"], two_views.labels[two_views.train])
    assert np.array_equal(method.seen["drawn"], np.random.default_rng(5).random(3))
    assert np.array_equal(method.state["learned"], np.arange(3.0))


def test_units_of_a_modality_do_not_matter(two_views):
    other = dataclasses.replace(two_views, images=1000 * two_views.images + 7)
    views = [Recorder(4).fit(pairs).view(pairs, "image") for pairs in (two_views, other)]
    np.testing.assert_allclose(views[1], views[0], atol=1e-4)


def test_codes_are_signs_of_each_views_own_projection(two_views):
    method = Recorder(5).fit(two_views)
    for modality, sign in (("image", 1), ("text", -1)):
        x = sign * method.view(two_views, modality)[:, :5]
        assert np.array_equal(method.encode(two_views, modality).signs() > 0, x >= 0)


def test_pixels_are_described_by_the_backbone(tiny_pictures):
    method = Recorder(4, device="cpu").fit(tiny_pictures)
    features = by_hand(backbones.create("small"), tiny_pictures.images)
    expected = standardised(features, tiny_pictures.train)
    np.testing.assert_allclose(method.view(tiny_pictures, "image"), expected, atol=5e-3)
    assert method.seen["image"].shape == (len(tiny_pictures.train), 128)


def test_pixels_are_scaled_to_the_size_asked_for(tiny_pictures):
    method = Recorder(4, device="cpu", size=16).fit(tiny_pictures)
    smaller = resized(torch.from_numpy(tiny_pictures.images), 16).numpy()
    expected = standardised(by_hand(backbones.create("small"), smaller), tiny_pictures.train)
    np.testing.assert_allclose(method.view(tiny_pictures, "image"), expected, atol=5e-3)


def test_weights_come_from_the_file_named(tiny_pictures, tmp_path):
    torch.manual_seed(1)
    backbone = backbones.create("small", pretrained=False)
    save_file(backbone.state_dict(), tmp_path / "own.safetensors")
    method = Recorder(4, device="cpu", weights=str(tmp_path / "own.safetensors"))
    method.fit(tiny_pictures)
    expected = standardised(by_hand(backbone, tiny_pictures.images), tiny_pictures.train)
    np.testing.assert_allclose(method.view(tiny_pictures, "image"), expected, atol=2e-2)


def test_feature_vectors_need_no_backbone(two_views):
    method = Recorder(4, backbone="none such", size=1).fit(two_views)
    assert method.view(two_views, "image").shape == two_views.images.shape
    assert len(method.encode(two_views.take(np.array([], dtype=int)), "image")) == 0


def test_an_unknown_backbone_is_refused_for_pixels(tiny_pictures):
    with pytest.raises(ValueError, match="There is no backbone 'none such'"):
        Recorder(4, backbone="none such").fit(tiny_pictures)


@pytest.mark.parametrize(("field", "modality"), [("images", "image"), ("texts", "text")])
def test_a_constant_view_is_refused(two_views, field, modality):
    values = getattr(two_views, field).copy()
    values[two_views.train] = 0.1  # other samples differ: they are not learned from
    told = f"all training samples of clusters have the same {modality}: recorder has nothing"
    with pytest.raises(ValueError, match=told):
        Recorder(4).fit(dataclasses.replace(two_views, **{field: values}))
