"""One colour and marker a method, in all figures; at most eight lines have colours."""

from mmhash_nb import hashers
from mmhash_nb.figures.method_looks import CONTROL, PLACES, lines, looks


def test_no_two_methods_look_alike():
    names = hashers.names()
    assert set(PLACES) | {CONTROL} == set(names)
    found = looks([*names, "mine", "another"])
    assert len({(look["color"], look["marker"]) for look in found.values()}) == len(names) + 2


def test_a_method_looks_the_same_beside_any_others():
    everywhere = looks(hashers.names())
    for some in (["cmdvh"], ["random", "mine", "cmdvh", "mah"], ["mah", "mmnn_l2"]):
        here = looks(some)
        assert all(here[name] == everywhere[name] for name in some if name in everywhere)


def test_past_eight_lines_are_grey_but_the_first_random_codes_and_the_highest():
    scores = {"cmdvh": 0.1, **{f"m{i}": i / 20 for i in range(3, 12)}, "random": 0.0}
    found = lines(scores)
    assert list(found) == list(scores)
    coloured = {name for name, style in found.items() if style["marker"]}
    assert coloured == {"cmdvh", "random", "m11", "m10", "m9", "m8", "m7", "m6"}
    assert found["cmdvh"]["label"] == "CMDVH"
    grey = [found[f"m{i}"] for i in (3, 4, 5)]
    assert len({style["color"] for style in grey}) == 1
    assert [style["label"] for style in grey] == ["others", "_m4", "_m5"]


def test_eight_lines_all_have_colours():
    assert all(style["marker"] for style in lines(dict.fromkeys("abcdefgh", 0.5)).values())
