"""The training loop: it minimises, it resumes to the same result, it says what went wrong."""

import functools
import os
import re
import signal
from itertools import pairwise

import pytest
import torch
from safetensors.torch import load_file, save_file
from table_cases import table_rows
from torch import nn
from training_cases import minimise

from mmhash_nb.training import checkpoints, devices, progress
from mmhash_nb.training import loop as training
from mmhash_nb.training.adversary import Adversary
from mmhash_nb.training.devices import one_thread
from mmhash_nb.training.loop import Plateau
from mmhash_nb.training.optimisers import LBFGS, SGD, Adam


def least_squares(seed=0):
    """A linear model with weights from `seed`, and its loss on one fixed set of 64 samples."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Linear(5, 1)
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(64, 5, generator=draw)
    y = x @ torch.randn(5, 1, generator=draw)
    return model, lambda batch: (model(x[batch]) - y[batch]).square().mean()


@pytest.mark.parametrize(
    ("optimiser", "learning_rate", "epochs"), [(Adam, 0.05, 150), (LBFGS, 1.0, 5)]
)
def test_reaches_the_minimum_of_a_convex_problem(optimiser, learning_rate, epochs):
    model, loss = least_squares()
    history = minimise(
        model,
        loss,
        64,
        epochs=epochs,
        batch_size=32,
        optimiser=optimiser(learning_rate=learning_rate),
    )
    assert history[-1] < 1e-3 < history[0]


@pytest.mark.parametrize("curvature", [1.0, 50.0])
def test_a_burst_is_five_iterations_whatever_the_line_search_needs(monkeypatch, curvature):
    """PyTorch counts line-search evaluations against a limit that would cut bursts short."""
    taken = []
    step = torch.optim.LBFGS.step

    def counted(self, closure):
        value = step(self, closure)
        taken.append(self.state_dict()["state"][0]["n_iter"])
        return value

    monkeypatch.setattr(torch.optim.LBFGS, "step", counted)
    model = nn.Linear(6, 6)
    x = torch.randn(30, 6, generator=torch.Generator().manual_seed(0))
    scales = torch.linspace(1, curvature, 6)
    loss = lambda batch: (torch.tanh(model(x[batch])) * scales - x[batch]).pow(4).sum()  # noqa: E731
    minimise(model, loss, 30, epochs=4, batch_size=10, optimiser=LBFGS(learning_rate=1.0))
    assert taken == [5] * 12


@pytest.mark.parametrize(
    ("optimiser", "learning_rate", "epochs"),
    [(Adam, 0.05, 600), (LBFGS, 1.0, 30), (SGD, 0.005, 200)],
)
def test_weight_decay_pulls_to_the_ridge_solution(optimiser, learning_rate, epochs):
    draw = torch.Generator().manual_seed(1)
    x, y = torch.randn(40, 3, generator=draw), torch.randn(40, 1, generator=draw)
    torch.manual_seed(0)  # of the first weights, which whatever ran before would decide
    model = nn.Linear(3, 1, bias=False)
    minimise(
        model,
        lambda batch: 0.5 * (model(x[batch]) - y[batch]).square().sum(),
        40,
        epochs=epochs,
        batch_size=40,
        optimiser=optimiser(learning_rate=learning_rate, weight_decay=2.0),
    )
    ridge = torch.linalg.solve(x.T @ x + 2.0 * torch.eye(3), x.T @ y)
    assert torch.allclose(model.weight.detach(), ridge.T, atol=1e-4)


def noisy(loss):
    """The loss with noise drawn in it, so that resuming must restore the random stream too."""
    return lambda batch: loss(batch) * (1 + 0.1 * torch.rand(()))


def convolutions(seed=0):
    """Two convolutions whose weights lie in memory with the channels last, and a loss."""
    x = torch.randn(64, 3, 5, 5, generator=torch.Generator().manual_seed(0))
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, 3))
    model = model.to(memory_format=torch.channels_last)
    assert not model[0].weight.is_contiguous()
    return model, lambda batch: (model(x[batch]) - 1).square().mean()


@pytest.mark.parametrize(
    ("optimiser", "make"),  # PyTorch's L-BFGS takes no weights with the channels last
    [*((o, least_squares) for o in (Adam, LBFGS, SGD)), (Adam, convolutions), (SGD, convolutions)],
)
def test_resumed_training_takes_the_same_steps(tmp_path, monkeypatch, optimiser, make):
    """Fused optimisers go through weights and their averages in the order of memory."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)  # a checkpoint after every epoch

    def run(seed, epochs, checkpoint=None):
        model, loss = make(seed)
        rates = {"decay_every": 2, "rates": [(next(model.children(), model), 0.005)]}
        chosen = optimiser(
            learning_rate=0.01, weight_decay=0.01, **(rates if optimiser is SGD else {})
        )
        settings = {"batch_size": 10, "optimiser": chosen, "seed": 3, "checkpoint": checkpoint}
        return minimise(model, noisy(loss), 64, epochs=epochs, **settings), model

    expected, whole = run(0, 6)
    run(0, 3, tmp_path)
    history, resumed = run(9, 6, tmp_path)  # the checkpoint must replace these initial weights
    assert history == expected
    for ours, theirs in zip(resumed.parameters(), whole.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def steps_to_one(kill_at, checkpoint):
    """Eight epochs of four steps; at step `kill_at` the process is killed."""
    draw = torch.Generator().manual_seed(0)
    x = torch.randn(64, 5, generator=draw)
    model, _ = least_squares()
    seen = 0

    def loss(batch):
        nonlocal seen
        seen += 1
        if seen == kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        return (model(x[batch]) - 1).square().mean()

    history = minimise(model, loss, 64, epochs=8, batch_size=16, checkpoint=checkpoint)
    return history, model.weight.detach(), seen


def killed_in_a_write(nth):
    """`save_file` that is killed in the middle of its `nth` file."""
    written = []

    def save(tensors, path, metadata):
        save_file(tensors, path, metadata)
        written.append(path)
        if len(written) == nth:
            path.write_bytes(path.read_bytes()[:50])
            os.kill(os.getpid(), signal.SIGKILL)

    return save


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the process to kill is a fork of this one")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("kill", ["in the fifth epoch", "in the fifth checkpoint"])
def test_a_killed_training_resumes_to_the_uninterrupted_result(tmp_path, monkeypatch, kill):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    in_a_write = "checkpoint" in kill
    with one_thread():  # threads do not live on in a fork
        child = os.fork()
        if child == 0:
            try:
                signal.alarm(60)  # were it to hang, it would end by another signal
                if in_a_write:
                    monkeypatch.setattr(checkpoints, "save_file", killed_in_a_write(5))
                steps_to_one(0 if in_a_write else 18, tmp_path)
            finally:
                os._exit(0)
        _, status = os.waitpid(child, 0)
        assert os.WTERMSIG(status) == signal.SIGKILL
        assert (tmp_path / "training.safetensors").is_file()
        assert len(list(tmp_path.glob(".*.part*"))) == in_a_write
        history, weight, steps = steps_to_one(0, tmp_path)
        expected, straight, _ = steps_to_one(0, None)
    assert steps == 16  # the last four epochs
    assert history == expected
    assert torch.equal(weight, straight)


def sizes_of_steps(epochs, checkpoint=None, events=None, on_epoch=None, decay_every=None):
    """By how much each epoch's one step of Adam lowers a weight whose gradient is always one.

    That is the learning rate.
    """
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    seen = []

    def loss(batch):
        seen.append(model.weight.item())
        if events is not None:
            events.append("loss")
        return model.weight.sum()

    minimise(
        model, loss, 4, epochs=epochs, batch_size=4, checkpoint=checkpoint, on_epoch=on_epoch,
        optimiser=Adam(learning_rate=0.1, decay_every=decay_every),
    )  # fmt: skip
    seen.append(model.weight.item())
    return [before - after for before, after in pairwise(seen)]


def test_the_learning_rate_falls_to_a_tenth_after_every_so_many_epochs(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    rates = [0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.001, 0.001]
    assert sizes_of_steps(8, decay_every=3) == pytest.approx(rates, rel=1e-3)
    assert sizes_of_steps(8) == pytest.approx([0.1] * 8, rel=1e-3)
    sizes_of_steps(4, tmp_path, decay_every=3)
    assert sizes_of_steps(8, tmp_path, decay_every=3) == pytest.approx(rates[4:], rel=1e-3)


def test_the_number_of_each_epoch_is_told_before_it(tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    events = []
    sizes_of_steps(2, tmp_path, events, on_epoch=events.append)
    assert events == [0, "loss", 1, "loss"]
    events.clear()
    sizes_of_steps(4, tmp_path, events, on_epoch=events.append)
    assert events == [2, "loss", 3, "loss"]


def test_convergence_stops_early_and_not_before_patience():
    model, loss = least_squares()
    settings = dict(epochs=500, batch_size=64, optimiser=Adam(learning_rate=0.0))
    assert len(minimise(model, loss, 64, plateau=Plateau(1e-3, 5), **settings)) == 6
    assert len(minimise(model, loss, 64, plateau=None, **{**settings, "epochs": 20})) == 20


@pytest.mark.parametrize(("history", "tolerance", "patience", "converged"), table_rows("converged"))
def test_converged_means_the_best_was_not_lowered_by_the_fraction(
    history, tolerance, patience, converged
):
    assert Plateau(tolerance, patience).reached(history) is converged


def test_one_thread_inside_and_as_many_as_before_after_it_and_after_an_error():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with one_thread():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
        with pytest.raises(ZeroDivisionError), one_thread():
            1 / 0  # noqa: B018
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def against(every):
    return Adversary(nn.Linear(1, 1), lambda batch: torch.zeros(()), every)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"n_samples": 1}, "training needs at least 2 samples, but there is 1."),
        *(
            (
                {"adversary": against(1), "optimiser": other},
                "an adversary is trained by Adam: use that optimiser.",
            )
            for other in (LBFGS(), SGD())
        ),
    ],
)
def test_settings_out_of_range_are_named(settings, sentence):
    model, loss = least_squares()
    with pytest.raises(ValueError, match=f"^{re.escape(sentence)}$"):
        minimise(model, loss, **{"n_samples": 64, "epochs": 1, "batch_size": 2, **settings})


@pytest.mark.parametrize(
    "other", [nn.Linear(5, 2), nn.Linear(4, 1), nn.Sequential(nn.Linear(5, 1))]
)
def test_a_checkpoint_of_another_network_is_not_used(tmp_path, monkeypatch, other):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    length = lambda batch: sum(p.square().sum() for p in other.parameters())  # noqa: E731
    minimise(other, length, 8, epochs=2, batch_size=4, checkpoint=tmp_path)
    settings = {"epochs": 2, "batch_size": 16}
    afresh, loss = least_squares()
    expected = minimise(afresh, loss, 64, **settings)
    model, loss = least_squares()
    assert minimise(model, loss, 64, checkpoint=tmp_path, **settings) == expected
    assert torch.equal(model.weight, afresh.weight)


def test_a_loss_that_is_not_finite_names_the_epoch_and_the_rate():
    model, _ = least_squares()
    with pytest.raises(FloatingPointError, match="toy: the loss is nan in epoch 1: lower learning"):
        minimise(
            model,
            lambda batch: model.weight.sum() * float("nan"),
            8,
            epochs=2,
            batch_size=4,
            label="toy",
        )


@pytest.mark.parametrize(
    ("most", "advice"),
    [
        (16, "try batch_size=16, which fits."),
        (15, "try batch_size=8, which fits."),
        (1, "use device='cpu'."),
    ],
)
def test_out_of_gpu_memory_says_which_batch_size_fits(most, advice):
    model, _ = least_squares()
    tried = []

    def hungry(batch):
        tried.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return model.weight.square().sum()

    sentence = f"toy ran out of GPU memory at batch_size=32: {advice}"
    with pytest.raises(RuntimeError, match=re.escape(sentence)):
        minimise(model, hungry, 64, epochs=1, batch_size=32, label="toy")
    assert tried == [size for size in (32, 16, 8, 4, 2) if 2 * size > most]


def test_bfloat16_runs_the_loss_under_autocast():
    model, _ = least_squares()
    seen = []

    def loss(batch):
        out = model(torch.ones(4, 5))
        seen.append(out.dtype)
        return out.float().square().mean()

    minimise(model, loss, 4, epochs=1, batch_size=4, precision="bfloat16")
    minimise(model, loss, 4, epochs=1, batch_size=4)
    minimise(model, loss, 4, epochs=1, batch_size=4, precision="auto")
    assert seen == [torch.bfloat16, torch.float32, torch.float32]


@pytest.mark.parametrize("able", [True, False])
def test_precision_is_mixed_by_itself_on_a_gpu_that_computes_in_bfloat16(able, monkeypatch):
    calls = []
    monkeypatch.setattr(
        torch.cuda, "is_bf16_supported", lambda **how: calls.append(how) or how == {} or able
    )
    monkeypatch.setattr(torch.cuda.amp.common, "amp_definitely_not_available", lambda: False)
    modes = [devices.autocast(p, torch.device("cuda", 1)) for p in ("auto", "float32", "bfloat16")]
    assert [mode._enabled for mode in modes] == [able, False, True]
    assert calls[0] == {"including_emulation": False}


def test_headless_progress_prints_lines_to_the_log_alone(monkeypatch, capsys):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    monkeypatch.setenv("MMHASH_HEADLESS", "1")
    model, loss = least_squares()
    minimise(model, loss, 64, epochs=2, batch_size=32, label="toy")
    printed, logged = capsys.readouterr()
    assert printed == "" and logged.startswith("toy: epoch 1/2, loss ")
    assert logged.count("\n") == 2


class Game(nn.Module):
    """Two weights: `x` minimises and `y` maximises; what their losses saw is in `seen`."""

    def __init__(self, start=(1.0, 1.0), n=2):
        super().__init__()
        self.first, self.second = nn.Linear(1, n, bias=False), nn.Linear(1, n, bias=False)
        nn.init.constant_(self.first.weight, start[0])
        nn.init.constant_(self.second.weight, start[1])
        self.seen = []

    def values(self):
        return self.first.weight.detach().clone(), self.second.weight.detach().clone()

    def play(self, payoff, n_samples=4, every=1, noise=0.0, adam=None, **settings):
        """Train on `payoff` of both weights; samples have the numbers 0 … `n_samples` − 1."""

        def see(who, batch):
            self.seen.append((who, batch.tolist(), *self.values()))
            value = payoff(self.first.weight, self.second.weight).mean()
            # Something of the batch and something drawn, so that a step depends on both.
            return value * (1 + noise * (batch.float().mean() + torch.rand(())))

        adversary = Adversary(self.second, lambda batch: -see("second", batch), every)
        settings = {"batch_size": 2, "epochs": 1, "optimiser": Adam(**(adam or {})), **settings}
        return minimise(
            self, lambda batch: see("first", batch), n_samples, adversary=adversary, **settings
        )


def test_each_sides_weights_move_in_its_own_steps_alone():
    game = Game()
    game.play(lambda x, y: x * y, epochs=3, adam={"learning_rate": 0.1})
    states = [*game.seen, ("end", [], *game.values())]
    assert [who for who, *_ in game.seen] == ["first", "second"] * 6
    for (who, _, *before), (_, _, *after) in pairwise(states):
        moved = [not torch.equal(*both) for both in zip(before, after, strict=True)]
        assert moved == [who == "first", who == "second"]
    assert all(p.requires_grad for p in game.parameters())


@pytest.mark.parametrize("every", [1, 2, 4, 5])
def test_the_adversary_has_one_step_after_every_so_many_counted_over_epochs(every):
    game = Game()
    game.play(lambda x, y: x * y, n_samples=6, every=every, epochs=5)  # 15 steps
    expected = []
    for step in range(1, 16):
        expected += ["first", *(["second"] if step % every == 0 else [])]
    assert [who for who, *_ in game.seen] == expected
    batches = [batch for _, batch, *_ in game.seen]
    for i, (who, *_) in enumerate(game.seen):
        if who == "second":
            assert batches[i] == batches[i - 1]  # on the batch just seen
    firsts = [batch for who, batch, *_ in game.seen if who == "first"]
    for i in range(0, 15, 3):  # every sample once an epoch
        assert sorted(j for batch in firsts[i : i + 3] for j in batch) == list(range(6))


@pytest.mark.parametrize(
    ("n_samples", "batch_size", "sizes"),
    [
        (770, 64, [60] * 3 + [59] * 10),  # not twelve of 64 and one of 2
        (128, 64, [64, 64]),
        (65, 64, [33, 32]),
        (5, 2, [3, 2]),
        (3, 2, [3]),
        (2, 64, [2]),
    ],
)
def test_mini_batches_are_of_equal_size_and_never_of_one_sample(n_samples, batch_size, sizes):
    model, seen = nn.Linear(1, 1), []

    def loss(batch):
        seen.append(batch.tolist())
        return model.weight.square().sum()

    minimise(model, loss, n_samples, epochs=2, batch_size=batch_size)
    assert training.n_batches(n_samples, batch_size) == len(sizes)
    for epoch in (seen[: len(sizes)], seen[len(sizes) :]):
        assert sorted(map(len, epoch), reverse=True) == sizes
        assert sorted(sample for batch in epoch for sample in batch) == list(range(n_samples))


def test_gradients_flow_through_weights_that_are_fixed():
    """What the gradient of one side passes on its way are layers of the other."""
    torch.manual_seed(0)
    first, second, last = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 1)
    module = nn.ModuleDict({"first": first, "second": second, "last": last})
    x, learned = torch.randn(6, 3), []

    def loss(batch):
        learned.append((first.weight.requires_grad, second.weight.requires_grad))
        return last(second(first(x[batch])).tanh()).mean()

    start = {name: p.detach().clone() for name, p in module.named_parameters()}
    adversary = Adversary(second, lambda batch: -loss(batch), 1)
    minimise(module, loss, 6, epochs=1, batch_size=6, adversary=adversary)
    assert learned == [(True, False), (False, True)]
    assert all((p != start[name]).any() for name, p in module.named_parameters())


def test_without_an_adversary_all_weights_descend():
    alone, fought = Game(), Game()
    minimise(alone, lambda batch: (alone.first.weight * alone.second.weight).mean(), 4,
          epochs=1, batch_size=4, optimiser=Adam(learning_rate=0.1))  # fmt: skip
    fought.play(lambda x, y: x * y, batch_size=4, adam={"learning_rate": 0.1})
    for game, wanted in ((alone, (0.9, 0.9)), (fought, (0.9, 1.1))):
        for weight, value in zip(game.values(), wanted, strict=True):
            torch.testing.assert_close(weight, torch.full_like(weight, value))


def test_the_game_ends_at_the_saddle_point():
    """x² / 2 + xy − y² / 2 + x − 3y: the first minimises, the second maximises."""
    # Where both derivatives are zero: x + y + 1 = 0, x − y − 3 = 0.
    game = Game(start=(-2.0, 2.0))
    payoff = lambda x, y: x.square() / 2 + x * y - y.square() / 2 + x - 3 * y  # noqa: E731
    game.play(payoff, epochs=250, batch_size=4, adam={"learning_rate": 0.05})
    assert torch.allclose(game.first.weight, torch.tensor(1.0), atol=1e-2)
    assert torch.allclose(game.second.weight, torch.tensor(-2.0), atol=1e-2)


def test_both_adams_have_the_same_settings(monkeypatch):
    made = []
    adam = torch.optim.Adam

    def noted(params, **settings):
        made.append((adam(params, **settings), settings))
        return made[-1][0]

    monkeypatch.setattr(torch.optim, "Adam", noted)
    adam_ = {"decay_every": 2, "beta1": 0.5, "learning_rate": 0.1, "weight_decay": 0.3}
    Game().play(lambda x, y: x * y, epochs=5, adam=adam_)
    assert len(made) == 2
    for one, settings in made:
        assert settings["betas"] == (0.5, 0.999) and settings["weight_decay"] == 0.3
        assert one.param_groups[0]["lr"] == pytest.approx(0.001)
        assert len(one.param_groups[0]["params"]) == 1


@pytest.mark.parametrize("beta1", [0.0, 0.5, 0.9])
def test_beta1_is_how_much_of_the_mean_gradient_is_kept(beta1):
    """Gradients 1, then −1: after two steps the mean is β₁ (1 − β₁) − (1 − β₁), of 1 − β₁²."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.zeros_(model.weight)
    signs = iter((1.0, -1.0))
    settings = {} if beta1 == 0.9 else {"beta1": beta1}  # 0.9 by default
    minimise(model, lambda batch: next(signs) * model.weight.sum(), 4, epochs=2, batch_size=4,
          optimiser=Adam(learning_rate=0.1, **settings))  # fmt: skip
    second = (beta1 * (1 - beta1) - (1 - beta1)) / (1 - beta1**2)
    assert model.weight.item() == pytest.approx(-0.1 - 0.1 * second, abs=1e-5)


@pytest.mark.parametrize("every", [1, 3])
def test_resumed_training_with_an_adversary_takes_the_same_steps(tmp_path, monkeypatch, every):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    settings = {
        "n_samples": 8,
        "every": every,
        "noise": 0.1,
        "adam": {"learning_rate": 0.05},
        "seed": 3,
    }
    payoff = lambda x, y: x.square() / 2 + x * y - y.square() / 2 + x  # noqa: E731
    whole = Game()
    expected = whole.play(payoff, epochs=6, **settings)
    Game().play(payoff, epochs=4, checkpoint=tmp_path, **settings)
    second = Game(start=(5.0, 5.0))  # the checkpoint must replace these initial weights
    assert second.play(payoff, epochs=6, checkpoint=tmp_path, **settings) == expected
    assert torch.equal(second.first.weight, whole.first.weight)
    assert torch.equal(second.second.weight, whole.second.weight)
    assert [entry[:2] for entry in second.seen] == [
        entry[:2] for entry in whole.seen[-len(second.seen) :]
    ]


@pytest.mark.parametrize("layout", ["another optimiser", "keys of one optimiser"])
def test_a_checkpoint_with_other_optimisers_is_not_used(tmp_path, monkeypatch, layout):
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    Game().play(lambda x, y: x * y, epochs=2, checkpoint=tmp_path)
    path = tmp_path / "training.safetensors"
    if layout == "keys of one optimiser":
        # No other optimiser's, and a right checksum: it is the keys that are refused.
        tensors = {
            key.replace("optimiser.0.", "optimiser."): v
            for key, v in load_file(path).items()
            if not key.startswith("optimiser.1.")
        }
        history = "[1.0, 1.0]"
        metadata = {"history": history, "sha256": checkpoints._digest(tensors, history)}
        save_file(tensors, path, metadata=metadata)
    afresh, again = Game(), Game()
    for game, checkpoint in ((afresh, None), (again, tmp_path)):
        alone = lambda batch, game=game: game.first.weight.sum() + game.second.weight.sum()  # noqa: E731
        history = minimise(game, alone, 4, epochs=3, batch_size=2, checkpoint=checkpoint)
        assert len(history) == 3
    assert torch.equal(afresh.first.weight, again.first.weight)


def test_the_adversarys_loss_runs_under_autocast_too_and_its_memory_is_minded():
    game, seen = Game(), []

    def loss(batch):
        seen.append(game.second(torch.ones(4, 1)).dtype)
        return game.first.weight.sum() + game.second.weight.sum()

    for precision in ("bfloat16", "float32"):
        adversary = Adversary(game.second, loss, 1)
        minimise(game, loss, 2, epochs=1, batch_size=2, adversary=adversary, precision=precision)
    assert seen == [torch.bfloat16] * 2 + [torch.float32] * 2

    def hungry(batch, most):
        if len(batch) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return game.second.weight.sum()

    for most, advice in ((0, "use device='cpu'"), (9, "try batch_size=8, which fits")):
        with pytest.raises(RuntimeError, match=f"ran out of GPU memory at batch_size=32: {advice}"):
            adversary = Adversary(game.second, functools.partial(hungry, most=most), 7)
            minimise(game, loss, 1024, epochs=1, batch_size=32, adversary=adversary)


@pytest.mark.parametrize("part", ["weights", "history", "the end"])
def test_a_checkpoint_with_one_bit_turned_or_cut_short_is_not_used(tmp_path, part):
    network = nn.Linear(3, 2)
    path = tmp_path / "c.safetensors"
    checkpoints.save(path, network, [], [1.0])
    assert checkpoints.resume(path, nn.Linear(3, 2), []) == [1.0]
    data = bytearray(path.read_bytes())
    place = data.index(b"[1.0]") + 3 if part == "history" else -1
    data[place] ^= 1
    path.write_bytes(data if part != "the end" else data[:50])
    other = nn.Linear(3, 2)
    before = other.weight.clone()
    assert checkpoints.resume(path, other, []) == [] and torch.equal(other.weight, before)
