"""Fusion modules against their formulas written out."""

import pytest
import torch

from mmhash_nb.hashers.gmu import GatedMultimodalUnit
from mmhash_nb.hashers.mcb import CompactBilinearPooling

B, IMAGE, TEXT = 4, 6, 5


@pytest.fixture
def given():
    generator = torch.Generator().manual_seed(1)
    return torch.randn(B, IMAGE, generator=generator), torch.randn(B, TEXT, generator=generator)


def test_the_gated_unit_is_its_formula(given):
    torch.manual_seed(0)
    unit = GatedMultimodalUnit(IMAGE, TEXT, width=3)
    out = unit(*given)
    a, b = given
    for row in range(B):
        for j in range(3):
            gate = torch.cat([a[row], b[row]]) @ unit.gate.weight[j]
            z = 1 / (1 + (-gate).exp())
            h = z * (a[row] @ unit.image.weight[j]).tanh()
            h = h + (1 - z) * (b[row] @ unit.text.weight[j]).tanh()
            torch.testing.assert_close(out[row, j], h)


def test_compact_bilinear_pooling_is_the_sketched_outer_product(given):
    """FFT of two count sketches against adding up all products a_i b_j where they fall."""
    torch.manual_seed(0)
    pooling = CompactBilinearPooling(IMAGE, TEXT, width=16)
    out = pooling.bilinear(*given)
    naive = torch.zeros(B, 16)
    for row in range(B):
        for i in range(IMAGE):
            for j in range(TEXT):
                place = (pooling.image_place[i] + pooling.text_place[j]) % 16
                sign = pooling.image_sign[i] * pooling.text_sign[j]
                naive[row, place] += sign * given[0][row, i] * given[1][row, j]
    torch.testing.assert_close(out, naive, rtol=1e-4, atol=1e-5)


def test_compact_bilinear_pooling_keeps_inner_products_on_average(given):
    """E⟨Φ(a⊗b), Φ(a'⊗b')⟩ = ⟨a, a'⟩⟨b, b'⟩ over the random sketches."""
    a, b = given
    exact = (a @ a.T) * (b @ b.T)
    total = torch.zeros(B, B)
    for seed in range(400):
        torch.manual_seed(seed)
        sketched = CompactBilinearPooling(IMAGE, TEXT, width=64).bilinear(a, b)
        total += sketched @ sketched.T
    torch.testing.assert_close(total / 400, exact, rtol=0.1, atol=0.15 * exact.abs().max().item())


def test_compact_bilinear_pooling_has_signed_roots_of_unit_length(given):
    torch.manual_seed(0)
    pooling = CompactBilinearPooling(IMAGE, TEXT, width=32)
    product, out = pooling.bilinear(*given), pooling(*given)
    torch.testing.assert_close(out.norm(dim=1), torch.ones(B))
    rooted = product.sign() * product.abs().sqrt()
    expected = rooted / rooted.norm(dim=1, keepdim=True)
    torch.testing.assert_close(out, expected, rtol=1e-2, atol=1e-3)


def test_gradients_of_compact_bilinear_pooling_are_finite_at_zero():
    torch.manual_seed(0)
    a = torch.zeros(2, IMAGE, requires_grad=True)
    CompactBilinearPooling(IMAGE, TEXT, width=8)(a, torch.ones(2, TEXT)).sum().backward()
    assert torch.isfinite(a.grad).all()


def test_the_sketch_is_fixed_saved_and_not_learned(given):
    torch.manual_seed(0)
    first, second = (CompactBilinearPooling(IMAGE, TEXT, width=16) for _ in range(2))
    assert not list(first.parameters())
    assert not torch.allclose(first(*given), second(*given))
    second.load_state_dict(first.state_dict())
    assert torch.equal(first(*given), second(*given))
