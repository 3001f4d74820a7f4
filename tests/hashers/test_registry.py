"""The registry and what all methods share: options, modalities, saving, refusals."""

import inspect
import json
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from table_cases import table_rows

from mmhash_nb import hashers
from mmhash_nb.hashers import registry
from mmhash_nb.hashers.base import centre_unit, share_label
from mmhash_nb.papers.side_by_side.tables import FAMILIES, family

HERE = Path(__file__).parent
SETTINGS = tomllib.loads((HERE / "settings.toml").read_text())["settings"]


def test_methods_by_paper_and_what_they_encode():
    listed = pd.read_csv(HERE / "registered.csv")
    for paper, rows in listed.groupby("paper"):
        assert sorted(rows.method) == sorted(hashers.names(paper))
    for row in listed.itertuples():
        cls = hashers.method_class(row.method)
        assert (" ".join(cls.modalities), family(row.method)) == (row.modalities, row.family)
    assert sorted(hashers.names()) == sorted({*listed.method, "random"})
    assert hashers.method_class("random").modalities == ("image", "text", "joint")
    assert family("random") == "control" and {*listed.family} <= {*FAMILIES}
    with pytest.raises(ValueError, match="no method is listed for paper 'nobody2000'"):
        hashers.names("nobody2000")


@pytest.mark.parametrize("given", SETTINGS, ids=lambda given: given["methods"][0])
def test_the_papers_settings_are_the_defaults(given):
    for name in given["methods"]:
        options = hashers.create(name, 8).options
        assert given["options"].items() <= options.items()
        assert not {*given.get("without", ())} & {*options}


@pytest.mark.parametrize("name", hashers.names())
def test_values_beyond_their_limits_are_refused_by_create(name):
    beyond = {"least": -1, "above": 0, "most": 1, "below": 0}
    for one in hashers.method_class(name).Options.listed():
        for key, limit in one.limits.items():
            value = limit + beyond[key]
            with pytest.raises(ValueError) as error:
                hashers.create(name, 8, **{one.name: value})
            assert str(error.value) == f"{name}: {one.name} must be {one.takes}, but is {value!r}."


@pytest.mark.parametrize(("name", "options", "takes"), table_rows("wrong_option_values"))
def test_other_values_are_refused_by_create(name, options, takes):
    ((option, value),) = options.items()
    with pytest.raises(ValueError) as error:
        hashers.create(name, 8, **options)
    assert str(error.value) == f"{name}: {option} must be {takes}, but is {value!r}."


@pytest.mark.parametrize(
    ("name", "recorded"),
    [
        ("dpsh", {"objective": "dpsh", "margin": None}),
        ("dth", {"objective": "triplet", "margin": None}),
        ("gmu", {"objective": "triplet", "fusion": "gmu"}),
        ("mah_printed", {"objective": "triplet", "kernel": "printed", "attention": "printed"}),
        ("cmnn_l1", {"layers": 1, "alpha": 0.0}),
        ("aadah_none", {"attention": "none", "adversarial": "both", "attend_queries": False}),
    ],
)
def test_options_that_earlier_versions_recorded_are_those_of_today(name, recorded):
    options = hashers.create(name, 8, **recorded).options
    assert dict(options) == dict(hashers.create(name, 8).options)
    assert recorded.items() <= dict(options).items()


@pytest.mark.parametrize(("name", "then"), table_rows("earlier_options"))
def test_a_method_that_was_saved_without_an_option_does_what_it_did(
    name, then, noisy_views, tmp_path
):
    method = hashers.create(name, 6, **then).fit(noisy_views)
    method.save(tmp_path)
    path = tmp_path / "method.json"
    saved = json.loads(path.read_text())
    saved["options"] = {k: v for k, v in saved["options"].items() if k not in then}
    path.write_text(json.dumps(saved))
    again = hashers.load(tmp_path)
    assert dict(again.options) == dict(method.options) != dict(hashers.create(name, 6).options)
    assert again.encode(noisy_views, "text") == method.encode(noisy_views, "text")
    if method.unified:
        assert again.database_codes(noisy_views) == method.database_codes(noisy_views)


@pytest.mark.parametrize("n_bits", [0, -3, 1.5, "8", True])
def test_a_code_length_is_a_positive_integer(n_bits):
    with pytest.raises(ValueError, match="n_bits must be a positive integer, but is"):
        hashers.create("random", n_bits)


@pytest.mark.parametrize("seed", [-1, 1.5, "0", True, None, float("nan")])
def test_a_seed_is_an_integer_of_at_least_0(seed):
    with pytest.raises(ValueError, match="scm: seed must be an integer of at least 0, but is"):
        hashers.create("scm", 4, seed)
    assert hashers.create("scm", 4, np.int64(3)).seed == 3


@pytest.mark.parametrize("device", ["gpu", "", None, "cuda:x", 0])
def test_a_device_is_refused_before_anything_is_computed(device):
    with pytest.raises(ValueError, match="scm: device must be auto, cpu or cuda, but is"):
        hashers.create("scm", 4, device=device)


def test_refusals_are_sentences(two_views, tmp_path):
    with pytest.raises(ValueError, match="there is no method 'lsh'; there are random, mmnn_l1"):
        hashers.create("lsh", 8)
    with pytest.raises(ValueError, match="clusters has no training samples"):
        hashers.create("random", 8).fit(two_views.take(two_views.query))
    with pytest.raises(FileNotFoundError, match=r"holds no method.json"):
        hashers.load(tmp_path)
    (tmp_path / "method.json").write_text(json.dumps({"name": "random"}))
    with pytest.raises(ValueError, match="does not describe a method"):
        hashers.load(tmp_path)


def test_a_truncated_state_is_refused(two_views, tmp_path):
    hashers.create("random", 8).fit(two_views).save(tmp_path)
    path = tmp_path / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(ValueError, match="not a whole safetensors file"):
        hashers.load(tmp_path)


def test_random_codes_are_blind_to_the_data(two_views, noisy_views):
    one = hashers.create("random", 16).fit(two_views).encode(two_views, "image")
    two = hashers.create("random", 16).fit(noisy_views).encode(noisy_views, "image")
    assert one == two
    assert abs(one.signs().mean()) < 0.1


def test_centre_unit_and_shared_labels_by_loop(rng):
    x = rng.normal(size=(5, 3)).astype(np.float32)
    mean = x[:4].mean(0)
    x[4] = mean
    unit = centre_unit(x, mean)
    for row, original in zip(unit[:4], x[:4], strict=True):
        assert np.allclose(row, (original - mean) / np.linalg.norm(original - mean), atol=1e-6)
    assert (unit[4] == 0).all()
    a, b = rng.random((4, 6)) > 0.6, rng.random((3, 6)) > 0.6
    assert np.array_equal(share_label(a, b), [[bool((i & j).any()) for j in b] for i in a])


class Mine(hashers.Hasher):
    """Signs of the first features, turned by a sign of one's choice.

    More on it.
    """

    class Options(hashers.Hasher.Options):
        sign: int = hashers.option(1, "of all bits", least=-1, most=1)

    def _fit(self, train, checkpoint):
        return {"mean": train.features("image").mean(axis=0)}

    def _project(self, pairs, modality):
        return self.options["sign"] * (pairs.features(modality)[:, : self.n_bits] - 0.1)


@pytest.fixture
def mine(monkeypatch):
    monkeypatch.setattr(registry, "_REGISTERED", {})
    return hashers.register("mine", Mine, papers=("zhang2018", "masci2014"), preset={"sign": -1})


def test_a_method_from_outside_is_created_by_its_name(mine, two_views, tmp_path):
    assert mine is Mine and hashers.method_class("mine") is Mine
    assert hashers.names()[-1] == "mine"
    assert hashers.names("masci2014")[-1] == "mine"
    assert "mine" in hashers.names("zhang2018") and "mine" not in hashers.names("liong2017")
    method = hashers.create("mine", 5, seed=3).fit(two_views)
    assert (method.name, method.n_bits, method.seed) == ("mine", 5, 3)
    assert method.options == {"sign": -1}
    assert hashers.create("mine", 5, sign=1).options == {"sign": 1}
    method.save(tmp_path)
    again = hashers.load(tmp_path)
    assert type(again) is Mine
    assert again.encode(two_views, "text") == method.encode(two_views, "text")
    with pytest.raises(ValueError, match="mine: sign must be an integer of at least -1"):
        hashers.create("mine", 5, sign=2)
    hashers.check("mine")


def test_register_decorates_and_may_be_run_again(mine):
    @hashers.register("mine", preset={"sign": 1})
    class Another(Mine):
        pass

    assert hashers.method_class("mine") is Another and hashers.names().count("mine") == 1
    assert hashers.create("mine", 4).options == {"sign": 1}


def test_what_cannot_be_registered_is_refused(mine):
    with pytest.raises(ValueError, match="'scm' is a method of this package: register yours by"):
        hashers.register("scm", Mine)
    for name in ("my method", "", "3rd", None):
        with pytest.raises(ValueError, match="a method's name has letters, digits and underscores"):
            hashers.register(name, Mine)
    with pytest.raises(TypeError, match=r"register takes a name first: @hashers\.register"):
        hashers.register(Mine)
    with pytest.raises(TypeError, match="other has no option 'signs'; it has sign"):
        hashers.register("other", Mine, preset={"signs": 1})
    with pytest.raises(ValueError, match="other: sign must be an integer"):
        hashers.register("other", Mine, preset={"sign": "up"})
    with pytest.raises(TypeError, match="other must be a subclass of Hasher or Embedder, but is"):
        hashers.register("other", Mine(4))
    with pytest.raises(TypeError, match="papers of other must be a list of names, but is 'zhang20"):
        hashers.register("other", Mine, papers="zhang2018")
    for papers in (["typo"], ("zhang2018", "Zhang2018"), [""], [2018], [["zhang2018"]]):
        with pytest.raises(ValueError, match=r"papers of other must be known, but .*; there are"):
            hashers.register("other", Mine, papers=papers)
    with pytest.raises(TypeError, match="other cannot be created: Hasher lacks _fit, _project"):
        hashers.register("other", hashers.Hasher)
    assert "other" not in hashers.names()


@pytest.mark.parametrize(
    ("module", "first"),
    [
        (__name__, f"import {__name__}, which must register it, first"),
        ("__main__", "first run the cell or script that registers it"),
    ],
)
def test_load_says_what_to_import_of_a_method_that_is_not_registered(
    mine, module, first, two_views, tmp_path, monkeypatch
):
    monkeypatch.setattr(Mine, "__module__", module)
    hashers.create("mine", 4).fit(two_views).save(tmp_path)
    monkeypatch.setattr(registry, "_REGISTERED", {})
    with pytest.raises(ValueError) as error:
        hashers.load(tmp_path)
    told = f"class Mine of module {module}, which is not registered here: {first}."
    assert str(error.value) == f"{tmp_path / 'method.json'} is of method 'mine', {told}"


def test_load_refuses_another_class_of_the_same_name(mine, two_views, tmp_path):
    hashers.create("mine", 4).fit(two_views).save(tmp_path)

    @hashers.register("mine")
    class Another(Mine):
        pass

    with pytest.raises(ValueError, match=r"is of class Mine of module .*: register the class that"):
        hashers.load(tmp_path)


def test_a_name_leads_to_the_file_of_its_method():
    for name, entry in registry.entries().items():
        module, found = entry.target.split(".")
        # The name itself, or without a suffix such as _none, _l1 or 2.
        assert module in (name, name.split("_")[0], name[:-1])
        assert inspect.getfile(hashers.method_class(name)).endswith(f"hashers/{module}.py")
        assert hashers.method_class(name).__name__ == found


def test_classes_are_attributes_of_the_package_and_documented():
    assert hashers.AADAH is hashers.method_class("aadah") and "AADAH" in dir(hashers)
    assert all(hashers.method_class(name).__name__ in dir(hashers) for name in hashers.names())
    assert "    ridge: added to the covariances" in hashers.SCM.__doc__
    with pytest.raises(AttributeError, match="no attribute 'LSH'"):
        hashers.LSH  # noqa: B018


def test_a_description_has_all_options_and_the_preset(mine):
    text = repr(hashers.describe("scm_orth"))
    assert text.startswith("scm_orth (SCM, zhang2018): codes of image, text\nLinear bits Hx = sgn(")
    assert "\nsolver = 'orthogonal': how bits are found (one of sequential, orthogonal)\n" in text
    table = hashers.describe(hashers.SCM).options
    assert list(table.index) == list(hashers.SCM.defaults)
    assert table.loc["ridge"].tolist()[:2] == ["a number above 0", "0.0001"]
    assert repr(hashers.describe("raw")).startswith("raw (RawFeatures, masci2014): vectors of ")
    html = hashers.describe("mine")._repr_html_()
    assert "Signs of the first features, turned by a sign of one&#x27;s choice." in html
    assert "an integer of at least -1 and at most 1" in html


def test_methods_of_this_package_are_saved_as_before(two_views, tmp_path):
    hashers.create("scm", 4, seed=2, ridge=1).fit(two_views).save(tmp_path)
    assert json.loads((tmp_path / "method.json").read_text()) == {
        **{"name": "scm", "n_bits": 4, "seed": 2},
        "options": {
            **{"backbone": "small", "weights": None, "size": None},
            **{"solver": "sequential", "ridge": 1.0},
        },
    }
