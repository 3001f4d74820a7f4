"""The kernel and attention networks against loops over Eqs. 1 to 8, their gradients and limits."""

import pytest
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.networks.joint_network import JointNetwork
from mmhash_nb.hashers.networks.modal_aware import (
    ATTENTIONS,
    KERNELS,
    AttentionNetwork,
    KernelNetwork,
    ModalAwareOperation,
)

B, C, K, H, W = 3, 5, 7, 2, 4


@pytest.fixture
def given() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(4)
    image = torch.randn(B, C, H, W, generator=generator, dtype=torch.float64)
    return image, torch.randn(B, K, generator=generator, dtype=torch.float64)


def seeded(module, *arguments) -> nn.Module:
    """A module whose weights are large enough to tell a wrong formula from a right one."""
    torch.manual_seed(2)
    made = module(*arguments).double()
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.5)
    return made


def naive_kernel(network: KernelNetwork, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
    """Eqs. 3 to 6 with a loop over samples and places, Eq. 3's map V made in full."""
    new_image, new_text = torch.empty_like(image), torch.empty_like(text)
    for b in range(B):
        v = network.image_phi(image[b : b + 1])[0]
        t = network.image_psi.weight @ text[b] + network.image_psi.bias
        for y in range(H):
            for x in range(W):
                new_image[b, :, y, x] = sum(v[c, y, x] * t[c] for c in range(C)) * image[b, :, y, x]
        pooled = torch.stack([image[b, c].sum() / (H * W) for c in range(C)])
        v = network.text_phi.weight @ pooled + network.text_phi.bias
        t = network.text_psi.weight @ text[b] + network.text_psi.bias
        new_text[b] = sum(v[k] * t[k] for k in range(K)) * text[b]
    return new_image, new_text


def naive_attention(
    network: AttentionNetwork, image: Tensor, text: Tensor
) -> tuple[Tensor, Tensor]:
    """Eqs. 7 and 8 with loops."""
    new_image, new_text = torch.empty_like(image), torch.empty_like(text)
    for b in range(B):
        both = torch.stack([*(image[b, c].mean() for c in range(C)), *text[b]])
        for layer, old, new in (
            (network.image, image[b], new_image[b]),
            (network.text, text[b], new_text[b]),
        ):
            scores = [w @ both + beta for w, beta in zip(layer.weight, layer.bias, strict=True)]
            total = sum(score.exp() for score in scores)
            for i, score in enumerate(scores):
                new[i] = score.exp() / total * old[i]
    return new_image, new_text


@pytest.mark.parametrize("variant", KERNELS)
def test_the_kernel_is_equations_3_to_6_or_adds_its_share_to_its_input(given, variant):
    network = seeded(KernelNetwork, C, K, variant)
    expected = naive_kernel(network, *given)
    if variant == "residual":
        expected = tuple(x + y / n for x, y, n in zip(given, expected, (C, K), strict=True))
    torch.testing.assert_close(network(*given), expected)


@pytest.mark.parametrize("variant", ATTENTIONS)
def test_attention_is_equations_7_and_8_or_a_multiple_of_them(given, variant):
    network = seeded(AttentionNetwork, C, K, variant)
    image, text = naive_attention(network, *given)
    expected = (image, text) if variant == "printed" else (C * image, K * text)
    torch.testing.assert_close(network(*given), expected)


def test_attention_weights_sum_to_one_and_look_at_both_modalities(given):
    network = seeded(AttentionNetwork, C, K)
    image, text = given
    pooled = image.mean(dim=(2, 3))
    channels, units = network.weights(pooled, text)
    assert channels.shape == (B, C) and units.shape == (B, K)
    torch.testing.assert_close(channels.sum(1), torch.ones(B, dtype=torch.float64))
    torch.testing.assert_close(units.sum(1), torch.ones(B, dtype=torch.float64))
    for other in (network.weights(pooled, text + 1), network.weights(pooled + 1, text)):
        assert not torch.allclose(channels, other[0]) and not torch.allclose(units, other[1])


@pytest.mark.parametrize("kernel", [*KERNELS, "none"])
@pytest.mark.parametrize("attention", [*ATTENTIONS, "none"])
def test_the_operation_is_one_network_after_the_other_and_its_gradients_are_right(
    given, kernel, attention
):
    operation = seeded(ModalAwareOperation, C, K, kernel, attention)
    image, text = (x.requires_grad_() for x in given)
    new = operation(image, text)
    naive = given
    for network in (operation.kernel, operation.attention):
        naive = naive if network is None else network(*naive)
    torch.testing.assert_close(new, tuple(naive))
    assert new[0].shape == image.shape and new[1].shape == text.shape
    assert torch.autograd.gradcheck(lambda *x: operation(*x), (image, text))
    (new[0].square().sum() + new[1].square().sum()).backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in operation.parameters())


def constant(layer: nn.Module, value: float) -> None:
    nn.init.zeros_(layer.weight)
    nn.init.constant_(layer.bias, value)


def make_neutral(operation: ModalAwareOperation) -> None:
    """Weights with which an operation changes nothing: factor 1, even attention."""
    if (kernel := operation.kernel) is not None:
        wanted = 0.0 if kernel.variant == "residual" else 1.0
        constant(kernel.image_phi, wanted)
        constant(kernel.image_psi, 1 / kernel.image_psi.out_features)
        constant(kernel.text_phi, wanted)
        constant(kernel.text_psi, 1 / kernel.text_psi.out_features)
    if operation.attention is not None:
        constant(operation.attention.image, 0.3)
        constant(operation.attention.text, -0.2)


@pytest.mark.parametrize(
    ("kernel", "attention"),
    [(k, a) for k in (*KERNELS, "none") for a in ("rescaled", "none")],
)
def test_in_the_limit_the_network_is_plain_concatenation(kernel, attention):
    def network(operations):
        torch.manual_seed(0)
        stages = [nn.Conv2d(4, 6, 3, padding=1)]
        made = JointNetwork(
            stages, (4, 6), 9, 8, branch="joint", text_hidden=11, text_features=5,
            operations=operations,
        )  # fmt: skip
        for operation in made.operations:
            for weight in operation.parameters():
                nn.init.normal_(weight, std=0.5)
        return made.eval()

    plain, ours = network(None), network((kernel, attention))
    ours.load_state_dict(plain.state_dict(), strict=False)
    images, texts = torch.randn(3, 4, 5, 5), torch.rand(3, 9)
    if kernel != "none" or attention != "none":
        assert not torch.allclose(ours(images, texts), plain(images, texts), atol=1e-5)
    for operation in ours.operations:
        make_neutral(operation)
    torch.testing.assert_close(ours(images, texts), plain(images, texts))


def test_fully_connected_layers_start_as_the_paper_says():
    torch.manual_seed(0)
    operation = ModalAwareOperation(40, 60)
    for layer in operation.modules():
        if isinstance(layer, nn.Linear):
            assert layer.weight.std().item() == pytest.approx(0.01, rel=0.1)
            assert not layer.bias.any()
