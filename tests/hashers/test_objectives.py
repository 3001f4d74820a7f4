"""Each objective is its loss, on the labels of the batch, with what it does to the values first."""

import numpy as np
import pytest
import torch
from mmhash_nb.hashers.objectives import OBJECTIVES

from mmhash_nb import losses

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


def objective(name, margin=None, epochs=5, seed=SEED):
    return OBJECTIVES[name](LABELS, BITS, seed, epochs, margin)


def targets(seed=SEED):
    centres = losses.hash_centres(3, BITS, seed)
    return torch.from_numpy(losses.csq_targets(LABELS.numpy(), centres, seed)).float()


@pytest.mark.parametrize(
    ("name", "margin", "loss"),
    [
        ("triplet", None, lambda: losses.triplet_ranking_loss(U.tanh(), SHARED, 1.0)),
        ("triplet", 0.3, lambda: losses.triplet_ranking_loss(U.tanh(), SHARED, 0.3)),
        ("dpsh", None, lambda: losses.dpsh_loss(U, SHARED > 0)),
        ("dsh", None, lambda: losses.dsh_loss(U, SHARED > 0, 2 * BITS)),
        ("dsh", 7.0, lambda: losses.dsh_loss(U, SHARED > 0, 7.0)),
        ("hashnet", None, lambda: losses.hashnet_loss(U.tanh(), SHARED > 0)),
        ("csq", None, lambda: losses.csq_loss(U.tanh(), targets()[BATCH])),
    ],
)
def test_an_objective_is_its_loss_on_the_labels_of_the_batch(name, margin, loss):
    torch.testing.assert_close(objective(name, margin)(U, BATCH), loss())


def test_triplets_rank_by_how_many_labels_are_shared():
    ungraded = losses.triplet_ranking_loss(U.tanh(), (SHARED > 0).long(), 1.0)
    assert not torch.isclose(objective("triplet")(U, BATCH), ungraded)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_epochs_change_hashnet_alone(name):
    one = objective(name)
    first = one(U, BATCH)
    one.on_epoch(0)
    assert torch.equal(one(U, BATCH), first)
    one.on_epoch(3)
    assert torch.equal(one(U, BATCH), first) == (name != "hashnet")


@pytest.mark.parametrize("epochs", [1, 2, 5])
def test_beta_grows_geometrically_from_one_to_ten(epochs):
    one = objective("hashnet", epochs=epochs)
    betas = np.geomspace(1, 10, epochs)
    for epoch, beta in enumerate(betas):
        one.on_epoch(epoch)
        expected = losses.hashnet_loss((float(beta) * U).tanh(), SHARED > 0)
        torch.testing.assert_close(one(U, BATCH), expected)


def test_targets_follow_the_batch_and_the_seed():
    one = objective("csq")
    swapped = BATCH.flip(0)
    torch.testing.assert_close(one(U.flip(0), swapped), one(U, BATCH))
    assert not torch.isclose(one(U, swapped), one(U, BATCH))
    torch.testing.assert_close(
        objective("csq", seed=6)(U, BATCH), losses.csq_loss(U.tanh(), targets(6)[BATCH])
    )
    assert not torch.equal(targets(6), targets())
