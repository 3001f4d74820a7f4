"""Each objective is its loss, on the labels of the batch, with what it does to the values first."""

import itertools

import numpy as np
import pytest
import torch

from mmhash_nb import hashers
from mmhash_nb.losses.central_similarity import csq_loss, csq_targets, hash_centres
from mmhash_nb.losses.contrastive import dsh_loss
from mmhash_nb.losses.pairwise_likelihood import dpsh_loss, hashnet_loss
from mmhash_nb.losses.triplet import triplet_ranking_loss

BITS, SEED = 12, 5
LABELS = torch.tensor(
    [[1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1], [1, 1, 1], [0, 1, 0]], dtype=torch.bool
)
BATCH = torch.tensor([4, 0, 5, 3, 1])
#: shared labels of the samples 4, 0, 5, 3, 1, counted by hand
SHARED = torch.tensor(
    [[1, 0, 1, 0, 0], [0, 2, 2, 2, 1], [1, 2, 3, 2, 1], [0, 2, 2, 2, 1], [0, 1, 1, 1, 1]]
)
U = torch.randn(len(BATCH), BITS, generator=torch.Generator().manual_seed(0))


class Given(torch.nn.Module):
    """A network whose values are its input."""

    def forward(self, image, text):
        return text


#: methods with one code of a sample and the loss of zeng2022's Eq. 9
RANKING = [
    name for name in hashers.names("zeng2022") if "reduction" in hashers.method_class(name).defaults
]


def objective(name, margin=None, epochs=5, seed=SEED, **options):
    """The loss of values `u` of the samples `batch`, and the objective that it is of."""
    method = hashers.create(name, BITS, seed, epochs=epochs, margin=margin, **options)
    made = method.objective_class(Given(), (None, torch.zeros(7, BITS)), LABELS, method)

    def of_values(u, batch):
        values = torch.zeros(len(LABELS), BITS)
        values[batch] = u
        made.inputs = (None, values)
        return made.loss(batch)

    return of_values, made


def targets(seed=SEED):
    centres = hash_centres(3, BITS, seed)
    return torch.from_numpy(csq_targets(LABELS.numpy(), centres, seed)).float()


@pytest.mark.parametrize(
    ("name", "margin", "loss"),
    [
        ("dth", None, lambda: triplet_ranking_loss(U.tanh(), SHARED, 1.0, "sum")),
        ("dth", 0.3, lambda: triplet_ranking_loss(U.tanh(), SHARED, 0.3, "sum")),
        ("dpsh", None, lambda: dpsh_loss(U, SHARED > 0)),
        ("dsh", None, lambda: dsh_loss(U, SHARED > 0, 2 * BITS)),
        ("dsh", 7.0, lambda: dsh_loss(U, SHARED > 0, 7.0)),
        ("hashnet", None, lambda: hashnet_loss(U.tanh(), SHARED > 0)),
        ("csq", None, lambda: csq_loss(U.tanh(), targets()[BATCH])),
    ],
)
def test_an_objective_is_its_loss_on_the_labels_of_the_batch(name, margin, loss):
    torch.testing.assert_close(objective(name, margin)[0](U, BATCH), loss())


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("name", RANKING)
def test_every_method_with_equation_9_minimises_its_sum_or_its_mean(name, reduction):
    """By a loop over triplets; the history has the mean, whichever is minimised."""
    h = U.tanh()
    costs = [
        (1 + (h[i] - h[j]).norm() - (h[i] - h[k]).norm()).clamp(min=0)
        for i, j, k in itertools.permutations(range(len(BATCH)), 3)
        if SHARED[i, j] > SHARED[i, k]
    ]
    one, made = objective(name, reduction=reduction)
    loss, mean = one(U, BATCH), sum(costs) / len(costs)
    torch.testing.assert_close(loss, sum(costs) if reduction == "sum" else mean)
    torch.testing.assert_close(made.reported(loss), mean)


def test_the_papers_sum_is_the_default_of_the_methods_with_equation_9():
    assert {"dth", "texthash", "concat", "gmu", "mcb", "mah", "mah_printed"} <= {*RANKING}
    for name in (*RANKING, "aadah"):
        method = hashers.create(name, BITS)
        assert method.options.reduction == "sum"
        assert method.Options.saved({})["reduction"] == "mean"  # of methods saved before


def test_triplets_rank_by_how_many_labels_are_shared():
    ungraded = triplet_ranking_loss(U.tanh(), (SHARED > 0).long(), 1.0, "sum")
    assert not torch.isclose(objective("dth")[0](U, BATCH), ungraded)


@pytest.mark.parametrize(
    ("name", "loss"),
    [
        ("dpsh", lambda weight: dpsh_loss(U, SHARED > 0, weight)),
        ("dsh", lambda weight: dsh_loss(U, SHARED > 0, None, weight)),
        ("csq", lambda weight: csq_loss(U.tanh(), targets()[BATCH], weight)),
    ],
)
def test_the_weight_of_quantisation_is_an_option(name, loss):
    for weight in (0.0, 0.5):
        of_values, _ = objective(name, quantisation=weight)
        torch.testing.assert_close(of_values(U, BATCH), loss(weight))


@pytest.mark.parametrize("name", ["dth", "dpsh", "dsh", "hashnet", "csq"])
def test_epochs_change_hashnet_alone(name):
    one, made = objective(name)
    first = one(U, BATCH)
    made.on_epoch(0)
    assert torch.equal(one(U, BATCH), first)
    made.on_epoch(3)
    assert torch.equal(one(U, BATCH), first) == (name != "hashnet")


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_beta_grows_geometrically_from_one_to_ten(epochs):
    one, made = objective("hashnet", epochs=epochs)
    betas = np.geomspace(1, 10, epochs)
    for epoch, beta in enumerate(betas):
        made.on_epoch(epoch)
        expected = hashnet_loss((float(beta) * U).tanh(), SHARED > 0)
        torch.testing.assert_close(one(U, BATCH), expected)


def test_targets_follow_the_batch_and_the_seed():
    one, _ = objective("csq")
    swapped = BATCH.flip(0)
    torch.testing.assert_close(one(U.flip(0), swapped), one(U, BATCH))
    assert not torch.isclose(one(U, swapped), one(U, BATCH))
    torch.testing.assert_close(
        objective("csq", seed=6)[0](U, BATCH), csq_loss(U.tanh(), targets(6)[BATCH])
    )
    assert not torch.equal(targets(6), targets())
