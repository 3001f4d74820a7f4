"""What the papers' experiments run: methods, lengths and settings."""

import importlib
import inspect
from functools import partial
from itertools import product

import pytest
from table_cases import table_rows

from mmhash_nb import hashers, papers
from mmhash_nb.io.project import project_root
from mmhash_nb.papers import folders

RESULTS = project_root() / "results"
zeng2022 = partial(papers.protocol, "zeng2022")
zhang2018 = partial(papers.protocol, "zhang2018")

IMAGE = {"dpsh", "dsh", "hashnet", "dth", "csq"}
PHOTOS, VECTORS = ("flipkart", "flipkart_sub", "flickr8k"), ("wiki", "uci_digits")
COLLECTIONS = ("mirflickr25k", "nuswide", "iaprtc12")


EXPERIMENTS = [
    (room, dataset)
    for room in (*papers.names(), "side_by_side")
    for dataset in folders.module_of(room, "protocol").DATASETS
]


def lengths(protocol):
    """Code lengths by method."""
    planned = {}
    for method, bits, _, _ in protocol.runs():
        planned.setdefault(method, set()).add(bits)
    return planned


LENGTHS = {"liong2017": (16, 32, 64, 128), "zhang2018": (16, 32, 64), "zeng2022": (16, 32, 48, 64)}
#: a file of weights, and an optional extra, that are named by hand
BY_HAND = {"aadah_cnn_f", "mah_sentences"}


@pytest.mark.parametrize("scale", ["demo", "paper"])
@pytest.mark.parametrize(
    ("paper", "dataset"),
    [
        *product(LENGTHS, ("scenes", "flipkart", "flickr8k")),
        *(("zeng2022", "flipkart_sub"), ("liong2017", "wiki"), ("liong2017", "uci_digits")),
    ],
)
def test_all_methods_run_at_the_papers_lengths(paper, dataset, scale):
    protocol = papers.protocol(paper, dataset, scale)
    demo_on_scenes = (dataset, scale) == ("scenes", "demo")
    expected = dict.fromkeys(
        {*hashers.names(paper), "random"} - BY_HAND,
        {32} if demo_on_scenes else set(LENGTHS[paper]),
    )
    if paper == "zeng2022":
        expected["mah_printed"] = {32}
    if dataset in VECTORS:
        del expected["dvsh"]
    if dataset == "uci_digits":  # its views have 76 and 64 dimensions
        expected["cvh"] = {16, 32, 64}
    assert lengths(protocol) == expected
    assert tuple(protocol.seeds) == ((0, 1, 2, 3, 4) if dataset == "wiki" else (0, 1, 2))
    assert protocol.dataset == ("flipkart" if dataset == "flipkart_sub" else dataset)
    views = {"labels": "both"} if dataset == "flipkart_sub" else {}
    if dataset in PHOTOS and (scale == "paper" or paper != "zeng2022"):
        views["size"] = 224  # of what the loader decodes, for a training at 224 pixels
    assert protocol.views == views


@pytest.mark.parametrize("paper", papers.names())
def test_the_methods_and_lengths_of_the_published_tables_are_those_that_run(paper):
    printed = papers.tables(paper)
    for dataset, rows in printed.groupby("dataset"):
        planned = lengths(papers.protocol(paper, dataset, "paper"))
        for method, bits in (
            rows.groupby("method").bits.agg(lambda bits: set(bits.dropna())).items()
        ):
            assert method in BY_HAND or bits <= planned[method], (dataset, method)


def test_a_demo_on_tags_alone_runs_the_text_method():
    protocol = zeng2022("mirflickr25k_tags")
    assert protocol.dataset == "mirflickr25k"
    assert lengths(protocol) == {name: {16, 32, 48, 64} for name in ("texthash", "random")}
    assert protocol.options["texthash"] == {"epochs": 10} and protocol.views == {}


@pytest.mark.parametrize(
    ("paper", "dataset"),
    [
        *(("liong2017", name) for name in ("nuswide", "iaprtc12")),
        *((paper, name) for paper in ("zhang2018", "zeng2022") for name in COLLECTIONS),
    ],
)
def test_the_papers_own_photos_run_all_methods_with_the_papers_split(paper, dataset):
    make = partial(papers.protocol, paper)
    protocol = make(dataset, "paper")
    given = {"images": "pixels", "size": 224, "protocol": paper}
    assert protocol.dataset == dataset and protocol.views == given
    loader = importlib.import_module(f"mmhash_nb.datasets.{dataset}")
    assert paper in loader.PROTOCOLS
    assert protocol.views.keys() <= inspect.signature(loader.load).parameters.keys()
    assert lengths(protocol) == lengths(make("flickr8k", "paper"))
    demo = make(dataset)
    small = paper == "zeng2022" and dataset != "mirflickr25k"
    assert demo.views == given | {"size": 96 if small else 224}
    other = make("flickr8k").options
    for method, options in demo.options.items():
        if "size" in options:
            assert options["size"] == demo.views["size"]
            other[method]["size"] = options["size"]
    assert demo.options == other | {
        name: demo.options[name] for name in ("dnh_c",) if name in demo.options
    }


@pytest.mark.parametrize(
    ("paper", "backbone", "method", "printed"), table_rows("settings_of_the_papers")
)
def test_the_papers_scale_trains_its_backbone_whole_at_the_papers_settings(
    paper, backbone, method, printed
):
    options = papers.protocol(paper, "flickr8k", "paper", weights="w.safetensors").options
    image = {"backbone": backbone, "size": 224, "weights": "w.safetensors"}
    for name, some in options.items():
        family = hashers.method_class(name).family
        expected = {**image, "trainable": "all"} if family == "deep network" else image
        learned = {"gallery": "learned"} if (paper, name) == ("liong2017", "sephkm") else {}
        assert some == ({} if name == "texthash" else expected | learned), name
    assert printed.items() <= hashers.create(method, 32, **options[method]).options.items()


@pytest.mark.parametrize("dataset", PHOTOS)
def test_the_demo_on_photos_trains_new_layers_over_a_frozen_backbone(dataset):
    options = zeng2022(dataset).options
    image = {"backbone": "mobilenet_v2", "trainable": "none", "size": 96, "learning_rate": 1e-3}
    text = {"text_hidden": 1024, "learning_rate": 1e-3, "epochs": 12}
    for method in IMAGE:
        assert options[method] == {**image, "epochs": 60}
    assert options["texthash"] == text
    for method in ("concat", "gmu", "mcb", "mah", "mah_no_kn", "mah_no_an", "mah_printed"):
        assert options[method] == {**image, **text}
    assert options["mah_sentences"] == options["mah"]


@pytest.mark.parametrize(
    ("paper", "dataset"), [*product(LENGTHS, ("scenes", "flipkart", "flickr8k"))]
)
def test_a_demo_gives_all_methods_one_frozen_backbone(paper, dataset):
    options = papers.protocol(paper, dataset).options
    if dataset == "scenes":
        assert {some.get("epochs", 60) for some in options.values()} == {60}
    for method in options.keys() - {"texthash"}:
        deep = hashers.method_class(method).family == "deep network"
        assert options[method]["backbone"] == ("small" if dataset == "scenes" else "mobilenet_v2")
        assert options[method].get("trainable") == ("none" if deep else None)
    slow, other = {
        **{"liong2017": (("dcmh", "dnh_c"), "cah"), "zhang2018": (("dcmh", "prdh"), "aadah")},
        "zeng2022": ((), "mah"),
    }[paper]
    twice = 1 if dataset == "scenes" else 2  # where a search chose, all learn for as long
    assert all(options[method]["epochs"] == twice * options[other]["epochs"] for method in slow)


@pytest.mark.parametrize("scale", ["demo", "paper"])
@pytest.mark.parametrize(("room", "dataset"), EXPERIMENTS)
def test_all_settings_are_options_and_what_is_given_takes_their_place(room, dataset, scale):
    given = {"epochs": 3}
    if room != "masci2014":  # it has no backbone, and an optimiser in its place
        given |= {"backbone": "resnet18", "weights": "w.safetensors"}
    default = papers.protocol(room, dataset, scale)
    changed = papers.protocol(room, dataset, scale, bits=[24, 60], seeds=[7], **given)
    for protocol in (default, changed):
        for method, bits, seed, options in protocol.runs():
            hashers.create(method, bits, seed, **options)
    assert tuple(changed.seeds) == (7,)
    planned = lengths(changed)
    assert planned.pop("mah_printed", {24}) == {24}  # the one nearest to 32
    once = {method for method in planned if not hashers.method_class(method).uses_n_bits}
    assert {method for method, bits in planned.items() if bits != {24, 60}} == once
    if not any("backbone" in options for options in default.options.values()):
        given = {"epochs": 3}  # feature vectors
    for method, options in changed.options.items():
        known = hashers.method_class(method).defaults
        assert {k: v for k, v in given.items() if k in known}.items() <= options.items(), method


@pytest.mark.parametrize("room", [*papers.names(), "side_by_side"])
def test_other_datasets_and_scales_are_refused(room):
    with pytest.raises(ValueError, match=f"{room} has no experiment on 'coco'; it has .*scenes"):
        papers.protocol(room, "coco")
    with pytest.raises(ValueError, match="scale must be demo or paper, but is 'full'"):
        papers.protocol(room, "scenes", "full")
