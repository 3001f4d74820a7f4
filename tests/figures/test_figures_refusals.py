"""What cannot be drawn is refused in a sentence that names it."""

import numpy as np
import pytest
from figure_cases import (
    HISTORY,
    C,
    N,
    one_task_each,
    some_attention,
    some_codes,
    some_game,
    some_latents,
    some_masks,
    some_pairs,
)

from mmhash_nb import figures
from mmhash_nb.figures.precision_curves import profile_of
from mmhash_nb.figures.search_results import Item, found_items

COMMON = {"pairs": some_pairs(), "samples": [0, 1]}
SEARCH = {"pairs": some_pairs(), "codes": some_codes(1), "task": "image-text", "queries": [0]}
#: what each function draws; the cases below change an argument
GOOD = {
    figures.nearest: SEARCH | {"k": 3},
    figures.gallery: SEARCH | {"codes": {"ksh": some_codes(1)}},
    figures.show_pairs: {"pairs": some_pairs()},
    figures.attended_channels: COMMON
    | dict(zip(("weights", "maps"), some_attention(2), strict=True)),
    figures.attended_words: COMMON | {"scores": np.ones((2, 6))},
    figures.attended_regions: some_masks(),
    figures.latent_gaussians: {
        **dict(zip(("mean", "std", "codes"), some_latents(), strict=True)),
        "names": ["a"],
    },
    figures.precision_at_top: {"pairs": some_pairs(), "codes": one_task_each(), "numbers": [1]},
    figures.lookup_precision_recall: {"pairs": some_pairs(), "codes": one_task_each()},
    figures.channel_gallery: {"pairs": some_pairs(), "channels": [0]}
    | dict(zip(("weights", "maps"), some_attention(N), strict=True)),
    figures.word_queries: {"pairs": some_pairs(), "words": [["snow"]]},
    figures.annotation: {"codes": {"a": some_codes(1)}, "queries": [0]},
    figures.trade_off: {"family": {"a": "deep"}, "named": (), "chance": {"one": 0.1}},
}
WITHOUT_QUERIES = {"pairs": some_pairs(query=np.arange(0)), "codes": {"a": some_codes(1)}}
PROFILES = {"a": {"image-text": profile_of(some_pairs(), some_codes(1), "image-text")}}
NO_CURVES = [
    ({"pairs": some_pairs(query=np.arange(0))}, "need a query and a method"),
    ({"codes": {}}, "need a query and a method"),
]
REFUSED = {
    figures.nearest: [
        ({"task": "image-sound"}, "task must be query-database.*'image-sound'"),
        ({"task": "joint-image"}, "task must be query-database.*'joint-image'"),
        ({"task": "unified-image"}, "task must be query-database.*'unified-image'"),
        ({"task": "joint-unified"}, "task must be query-database.*'joint-unified'"),
        ({"queries": [N]}, f"query {N} is not one of the {N}"),
        ({"k": 0}, "number of results must be at least 1, but is 0"),
        ({"codes": {"image": some_codes(1)["image"]}}, "no text codes; there are image"),
        ({"codes": some_codes(1, n=7)}, f"7 image codes for {N} samples"),
        ({"pairs": some_pairs(database=np.arange(0))}, "made-up has an empty database"),
    ],
    figures.attended_channels: [
        ({"samples": []}, "at least one sample to show"),
        ({"samples": [0, N]}, f"sample {N} is not one of the {N}"),
        ({"samples": [0, -1]}, "sample -1 is not one of"),
        ({"weights": np.ones((3, C))}, r"weights must be .* each of the 2 samples, .* \[3, 7\]"),
        ({"weights": np.ones(C)}, r"weights must be .* but are \[7\]"),
        ({"weights": np.full((2, C), np.nan)}, "weights must be finite"),
        ({"maps": np.ones((2, C, 4))}, r"maps must be .* weights of \[2, 7\], but are \[2, 7, 4\]"),
        ({"maps": np.ones((2, C - 1, 2, 2))}, r"but are \[2, 6, 2, 2\]"),
        ({"maps": np.full((2, C, 2, 2), np.inf)}, "maps must be finite"),
        ({"k": 0}, "number to show must be at least 1, but is 0"),
        ({"pairs": some_pairs("features")}, "made-up has no pictures to lay maps over"),
    ],
    figures.attended_words: [
        ({"scores": np.ones((2, 5))}, "scores are of 5 words, but made-up has a vocabulary of 6"),
        ({"pairs": some_pairs(vocabulary=None)}, "scores are of 6 words, .* vocabulary of 0"),
        ({"scores": np.ones((1, 6))}, "scores must be .* each of the 2 samples"),
        ({"naming": np.ones((2, 6))}, r"naming must be bool \[2, 6\], as scores, but is float64"),
        ({"k": 0}, "number to show must be at least 1"),
        ({"samples": [N, 0]}, f"sample {N} is not one"),
    ],
    figures.attended_regions: [
        (
            {"images": np.zeros((0, 3, 8, 12), dtype=np.uint8)},
            "N at least 1, .* uint8 .0, 3, 8, 12",
        ),
        ({"images": np.zeros((3, 3, 8, 12))}, "need images, uint8 .* but they are float64"),
        ({"images": np.zeros((3, 8, 12, 3), dtype=np.uint8)}, r"are uint8 \[3, 8, 12, 3\]"),
        ({"masks": np.ones((3, 2, 4))}, r"masks must be bool \[3, h, w\], but is float64"),
        ({"masks": np.ones((2, 2, 4), dtype=bool)}, r"but is bool \[2, 2, 4\]"),
        ({"masks": np.ones((3, 3, 4), dtype=bool)}, "8 x 12 pixels must be multiples .* 3 x 4"),
        ({"objects": np.ones((3, 2, 4), dtype=bool)}, r"objects must be bool \[3, 8, 12\], but"),
        ({"objects": np.ones((3, 8, 12))}, "objects must be bool .* is float64"),
        ({"titles": ["one"]}, "a title for each of 3 images, but 1 are"),
    ],
    figures.latent_gaussians: [
        ({"std": np.ones((30, 15))}, r"are \[30, 16\], \[30, 15\], \[30, 16\]"),
        ({"codes": np.zeros((30, 16), dtype=int)}, "codes hold 0, but a bit is -1 or 1"),
        ({"std": np.zeros((30, 16))}, "std holds 0.0, but a standard deviation is above 0"),
        ({"std": np.full((30, 16), np.nan)}, "std holds nan"),
        ({"names": []}, "0 names for 30 samples"),
        ({"names": ["a"] * 31}, "31 names for 30 samples"),
    ],
    figures.adversarial_curves: [
        ({"losses": []}, "losses of at least one seed and step"),
        ({"losses": [np.full((4, 3), np.nan)]}, "losses of at least one seed and step"),
        ({"losses": [some_game(), some_game(59)]}, r"must be \[60, 3\], .* seed 1 are \[59, 3\]"),
        ({"losses": [some_game()[:, :2]]}, r"must be \[60, 3\], .* seed 0 are \[60, 2\]"),
    ],
    figures.code_updates: [
        ({"history": HISTORY[:0]}, r"at least one round, but is \[0, 4\]"),
        (
            {"history": HISTORY[:, :3]},
            r"must be \[rounds, 4\] with at least one round, but is \[3, 3\]",
        ),
        ({"history": HISTORY[0]}, r"but is \[4\]"),
        ({"history": HISTORY * [1, 1, 1, 100]}, "share of bits that changed is 50.0 in round 1"),
        ({"history": HISTORY * [1, 1, 1, np.nan]}, "share of bits that changed is nan in round 1"),
    ],
    figures.precision_at_top: [
        *NO_CURVES,
        ({"numbers": []}, "needs at least one number of items"),
        ({"numbers": [35]}, "cut-off is 35, but the database holds 34 items"),
        ({"numbers": [0]}, "cut-off must be a positive integer, but is 0"),
    ],
    figures.show_pairs: [
        ({"indices": []}, "at least one sample to show"),
        ({"indices": [N]}, f"sample {N}"),
    ],
    figures.gallery: [
        ({"queries": []}, "at least one query and one method"),
        ({"codes": {}}, "at least one query and one method"),
        (
            {"pairs": some_pairs("features"), "show": "picture"},
            "made-up has no pictures to show: ask for words or",
        ),
    ],
    figures.channel_gallery: [
        ({"channels": []}, "at least one channel to show"),
        ({"channels": [C]}, f"channel {C} is not one of the {C}"),
        ({"weights": np.ones((3, C))}, r"weights must be .* of the 40 samples, but are \[3, 7\]"),
    ],
    figures.word_queries: [
        ({"words": [["dragon"]]}, "'dragon' is not in the vocabulary of made-up"),
        ({}, "none of the words snow is a label"),
        ({"labels": [["dragon"]]}, "'dragon' is not a label"),
    ],
    figures.annotation: [({"pairs": some_pairs(vocabulary=None)}, "made-up has no vocabulary")],
    found_items: [({"query": Item(None, "a", "b"), "found": []}, "there is no item to show")],
    figures.forest: [({"comparisons": {}}, "at least one comparison")],
    figures.training_curves: [({"losses": {}}, "at least one")],
    figures.map_by_bits: [({"values": {}}, "at least one")],
    figures.tie_bars: [
        ({"scores": {}}, "at least one"),
        ({"scores": {"a": (0.3, 0.2, 0.1)}}, "scores of a must be worst ≤ expected ≤ best"),
    ],
    figures.trade_off: [
        ({"points": {"one": {}}}, "at least one method in each panel"),
        ({"points": {"one": {"a": (0, 0.5)}}}, "seconds of a must be positive, but are 0"),
    ],
    figures.precision_recall: [(WITHOUT_QUERIES, "need a query")],
    figures.distance_histogram: [
        ({**WITHOUT_QUERIES, "task": "image-text"}, "needs at least one query"),
    ],
    figures.lookup_precision_recall: NO_CURVES,
    figures.ranking_curves: [
        ({"profiles": {}}, "at least one method and task"),
        ({"profiles": {"a": {}}}, "at least one method and task"),
        (
            {"profiles": {**PROFILES, "b": {"text-image": None}}},
            "b has no rank profile of image-text, but of text-im",
        ),
        ({"profiles": PROFILES, "numbers": [35]}, "cut-off is 35, but the database holds 34 items"),
        ({"profiles": PROFILES, "numbers": [0]}, "cut-off must be a positive integer, but is 0"),
    ],
}


@pytest.mark.parametrize(
    ("draw", "changes", "sentence"),
    [(draw, *case) for draw, cases in REFUSED.items() for case in cases],
)
def test_what_is_wrong_is_named(draw, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        draw(**{**GOOD.get(draw, {}), **changes})
