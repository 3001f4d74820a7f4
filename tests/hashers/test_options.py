"""Typed options: what is taken, what is refused in one sentence, and how they are shown."""

import copy
import dataclasses
import pickle
from typing import Any, Literal

import numpy as np
import pytest
from table_cases import table_rows

from mmhash_nb.hashers import Hasher, Options, option


class Tuned(Hasher):
    """A method with an option of each kind."""

    class Options(Hasher.Options):
        epochs: int = option(60, "passes over the training samples", least=1)
        rate: float = option(0.5, "length of a step", above=0, most=1)
        solver: Literal["sgd", "adam", 3] = option("adam", "who steps")
        size: int | None = option(None, "pixels", least=8, below=100)
        printed: bool = option(False, "as printed")
        weights: str | None = option(None, "a file")
        widths: tuple[int, ...] = option((4, 2), "of the layers", least=1)
        pair: tuple[int, str] = option((1, "a"), "two different things")

    options: Options

    def _fit(self, train, checkpoint):
        return {"nothing": np.zeros(1)}

    def _project(self, pairs, modality):
        return np.zeros((len(pairs), self.n_bits))


def test_saved_values_are_completed_by_what_was_done_before_an_option_was():
    class Changed(Tuned.Options):
        rate: float = option(0.1, "another", earlier=0.3)
        shape: str = option("round", "newer", earlier="square")
        epochs: int = 5

    assert Changed.saved({}) == {"rate": 0.3, "shape": "square"}
    assert Changed.saved({"rate": 0.2, "size": 9}) == {"rate": 0.2, "shape": "square", "size": 9}
    assert Tuned.Options.saved({"epochs": 2}) == {"epochs": 2}
    assert Changed().rate == 0.1


@pytest.mark.parametrize(
    ("name", "given", "becomes"),
    [
        ("rate", 1, 1.0),
        ("rate", np.float32(0.5), 0.5),
        ("epochs", np.int64(3), 3),
        ("solver", 3, 3),
        ("solver", np.str_("sgd"), "sgd"),
        ("size", 8, 8),
        ("size", None, None),
        ("printed", np.bool_(True), True),
        ("widths", [7, np.int32(8)], (7, 8)),
        ("widths", (), ()),
        ("pair", [2, "b"], (2, "b")),
    ],
)
def test_values_become_those_of_the_type(name, given, becomes):
    method = Tuned(8, **{name: given})
    value = getattr(method.options, name)
    assert value == becomes and type(value) is type(becomes)
    assert method.options[name] is value and dict(method.options)[name] is value
    if isinstance(value, tuple):
        assert [type(one) for one in value] == [type(one) for one in becomes]


@pytest.mark.parametrize(("name", "given", "takes"), table_rows("refused_option_values"))
def test_other_types_and_values_are_refused_in_one_sentence(name, given, takes):
    with pytest.raises(ValueError) as error:
        Tuned(8, **{name: given})
    assert str(error.value) == f"Tuned: {name} must be {takes}, but is {given!r}."


def test_an_unknown_name_is_refused_with_those_there_are():
    with pytest.raises(TypeError, match="Tuned has no option 'rat'; it has epochs, rate, solver,"):
        Tuned(8, rat=1)

    class Bare(Tuned):
        class Options(Hasher.Options):
            pass

    with pytest.raises(TypeError, match="Bare has no option 'rate'; it has none"):
        Bare(8, rate=1)


def test_options_are_read_only_and_a_mapping():
    method = Tuned(8, epochs=2)
    with pytest.raises(AttributeError):
        method.options.epochs = 3
    assert method.options == {**Tuned.defaults, "epochs": 2} and "epochs" in method.options
    assert method.options.get("missing", 5) == 5 and len(method.options) == 8
    with pytest.raises(KeyError):
        method.options["check"]
    assert Tuned.defaults["widths"] == (4, 2)


def test_a_subclass_adds_options_and_changes_defaults_alone():
    class Slow(Tuned):
        class Options(Tuned.Options):
            epochs: int = 90
            rounds: int = 2

            def check(self):
                if self.rounds > self.epochs:
                    raise ValueError(f"rounds is {self.rounds}, above epochs {self.epochs}.")

    assert Slow.defaults == {**Tuned.defaults, "epochs": 90, "rounds": 2}
    with pytest.raises(ValueError, match="Slow: epochs must be an integer of at least 1, but is 0"):
        Slow(8, epochs=0)
    with pytest.raises(ValueError, match="Slow: rounds is 91, above epochs 90"):
        Slow(8, rounds=91)
    assert Tuned(8).options.epochs == 60


def test_an_option_without_type_or_default_or_with_a_reserved_name_is_refused():
    def declare(**fields: Any):
        types = {name: kind for name, (kind, *_) in fields.items() if kind is not None}
        values = {name: rest[0] for name, (_, *rest) in fields.items() if rest}
        return type("Options", (Tuned.Options,), {"__annotations__": types, **values})

    with pytest.raises(TypeError, match="option 'epochs' of Options needs its type"):
        declare(epochs=(None, 5))
    with pytest.raises(TypeError, match="option 'depth' of Options needs a default"):
        declare(depth=(int,))
    with pytest.raises(TypeError, match="option 'items' of Options has a reserved name"):
        declare(items=(int, 3))
    assert declare(depth=(int, 3)).defaults()["depth"] == 3


def test_options_elsewhere_than_in_a_nested_class_are_refused():
    sentence = "Odd must have its options in a nested class Options, derived from that of its base"
    other = type("Options", (), {"epochs": 3})
    for body in ({"defaults": {"epochs": 3}}, {"Options": other}, {"Options": {"epochs": 3}}):
        with pytest.raises(TypeError, match=sentence):
            type("Odd", (Hasher,), body)


def test_options_are_copied_and_pickled():
    options = Tuned(8, widths=[1, 2]).options
    assert pickle.loads(pickle.dumps(options)) == copy.deepcopy(options) == options
    assert dataclasses.replace(options, epochs=2).epochs == 2
    with pytest.raises(ValueError, match="epochs must be an integer of at least 1, but is 0"):
        dataclasses.replace(options, epochs=0)


def test_the_docstring_has_a_line_on_each_option():
    text = Tuned.__doc__
    assert text.startswith("A method with an option of each kind.\n\nOptions:\n    epochs: passes")
    assert "rate: length of a step (a number above 0 and at most 1; default 0.5)" in text
    assert all(f"    {name}: " in text for name in Tuned.defaults)
    assert "Options:" not in (Options.__init__.__doc__ or "")
