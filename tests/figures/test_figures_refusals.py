"""What cannot be drawn is refused in a sentence that names it."""

import numpy as np
import pytest
from figure_cases import (
    HISTORY,
    N,
    one_task_each,
    some_attention,
    some_codes,
    some_game,
    some_latents,
    some_masks,
    some_pairs,
)
from table_cases import table_rows, with_arrays

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
    figures.trade_off: {
        "pairs": some_pairs(),
        "family": {"a": "deep"},
        "named": (),
        "chance": {"one": 0.1},
    },
}
WITHOUT_QUERIES = {"pairs": some_pairs(query=np.arange(0)), "codes": {"a": some_codes(1)}}
PROFILES = {"a": {"image-text": profile_of(some_pairs(), some_codes(1), "image-text")}}
NO_CURVES = [
    ({"pairs": some_pairs(query=np.arange(0))}, "need a query and a method"),
    ({"codes": {}}, "need a query and a method"),
]
REFUSED = {
    figures.nearest: [
        ({"codes": {"image": some_codes(1)["image"]}}, "no text codes; there are image"),
        ({"codes": some_codes(1, n=7)}, f"7 image codes for {N} samples"),
        ({"pairs": some_pairs(database=np.arange(0))}, "made-up has an empty database"),
    ],
    figures.attended_channels: [
        ({"pairs": some_pairs("features")}, "made-up has no pictures to lay maps over")
    ],
    figures.attended_words: [
        ({"pairs": some_pairs(vocabulary=None)}, "scores are of 6 words, .* vocabulary of 0")
    ],
    figures.latent_gaussians: [({"names": ["a"] * 31}, "31 names for 30 samples")],
    figures.adversarial_curves: [
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
    figures.precision_at_top: NO_CURVES,
    figures.gallery: [
        (
            {"pairs": some_pairs("features"), "show": "picture"},
            "made-up has no pictures to show: ask for words or",
        )
    ],
    figures.annotation: [({"pairs": some_pairs(vocabulary=None)}, "made-up has no vocabulary")],
    found_items: [({"query": Item(None, "a", "b"), "found": []}, "there is no item to show")],
    figures.precision_recall: [(WITHOUT_QUERIES, "need a query")],
    figures.distance_histogram: [
        ({**WITHOUT_QUERIES, "task": "image-text"}, "needs at least one query")
    ],
    figures.lookup_precision_recall: NO_CURVES,
    figures.ranking_curves: [
        (
            {"profiles": {**PROFILES, "b": {"text-image": None}}},
            "b has no rank profile of image-text, but of text-im",
        ),
        ({"profiles": PROFILES, "numbers": [35]}, "cut-off is 35, but the database holds 34 items"),
        ({"profiles": PROFILES, "numbers": [0]}, "cut-off must be a positive integer, but is 0"),
    ],
}
CASES = [(draw, *case) for draw, cases in REFUSED.items() for case in cases]
CASES += [(getattr(figures, name), *case) for name, *case in table_rows("wrong_figures")]


@pytest.mark.parametrize(("draw", "changes", "sentence"), CASES)
def test_what_is_wrong_is_named(draw, changes, sentence) -> None:
    with pytest.raises(ValueError, match=sentence):
        draw(**{**GOOD.get(draw, {}), **with_arrays(changes)})
