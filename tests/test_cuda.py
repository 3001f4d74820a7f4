"""What needs a card: every method that trains a network gives there what it gives on the CPU.

In float32 without TF32 the losses of two steps from one seed must differ by no more than a
thousandth, and when one fitted method encodes on both, at least 99 % of its values, whose signs are
its codes, by no more than a thousandth of the largest (`benchmarks/gpu.py` has the numbers). Where
that encodes in bfloat16, as methods do by default, 97 % of its bits must be the same. The counts of
`rank_profile` are equal (`tests/test_ranking.py`).
"""

import benchmark_cases
import numpy as np
import pytest
import torch

from mmhash_nb.hashers import deep
from mmhash_nb.training.prefetch import HostSamples, placed
from tests.hashers.test_devices import TRAINED, create, learned

CUDA = torch.device("cuda")
pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")


@pytest.fixture(scope="module")
def gpu():
    return benchmark_cases.load("gpu")


@pytest.mark.parametrize("name", TRAINED)
def test_two_steps_and_encoding_agree_with_the_cpu(gpu, name):
    losses, trained, encoded, bits = gpu.agreement(name, CUDA)
    assert encoded >= gpu.AGREEING
    if losses is None:
        assert trained >= gpu.AGREEING
    else:
        assert losses <= gpu.TOLERANCE and bits >= gpu.AGREEING_BITS


@pytest.mark.parametrize("name", ["dth", "mah", "aadah", "dcmh", "dvsh", "cmdvh"])
def test_mixed_precision_trains(name, tiny_pictures):
    found = learned(create(name, "cuda", precision="bfloat16"), tiny_pictures)
    assert np.isfinite(found["loss"]).all()


@pytest.mark.parametrize("name", ["dth", "mah", "aadah", "prdh", "cmdvh"])
def test_samples_in_the_hosts_memory_train_as_those_on_the_card_do(
    name, tiny_pictures, monkeypatch
):
    expected = learned(create(name, "cuda", precision="float32"), tiny_pictures)
    monkeypatch.setattr(deep, "placed", HostSamples)
    found = learned(create(name, "cuda", precision="float32"), tiny_pictures)
    np.testing.assert_allclose(found["loss"], expected["loss"], rtol=1e-3)


def test_batches_from_the_hosts_memory_are_those_asked_for():
    samples = torch.randint(256, (500, 3, 8, 8), dtype=torch.uint8)
    host = HostSamples(samples, CUDA)
    batches = torch.randperm(500).split(50)
    on_card = [batch.to(CUDA) for batch in batches]
    for batch, same in zip(on_card, batches, strict=True):
        host.ahead(batch, same)
    busy = torch.randn(2000, 2000, device=CUDA)
    for batch, same in zip(on_card, batches, strict=True):
        busy = busy @ busy / 2000  # the copies run beside work
        assert torch.equal(host[batch].cpu(), samples[same])


def test_samples_that_fit_lie_on_the_card_and_others_do_not(monkeypatch):
    samples = torch.zeros(1000, dtype=torch.uint8)
    assert placed(samples, CUDA).is_cuda
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (0, 1))
    monkeypatch.setattr(torch.cuda, "memory_reserved", lambda _: 0)
    monkeypatch.setattr(torch.cuda, "memory_allocated", lambda _: 0)
    assert isinstance(placed(samples, CUDA), HostSamples)
