"""The joint network against written-out computations: its branches, operations and gradients."""

import pytest
import torch
from torch import Tensor, nn

from mmhash_nb.hashers.gmu import GatedMultimodalUnit
from mmhash_nb.hashers.mcb import CompactBilinearPooling
from mmhash_nb.hashers.networks.joint_network import Concatenation, JointNetwork, WordLinear

B, V, BITS, HIDDEN, FEATURES = 4, 10, 8, 7, 5
WIDTHS = (4, 6)
FORMS = ("residual", "rescaled")
BRANCHES = [("image", None), ("text", None), ("joint", None), ("joint", FORMS)]


def stage(inputs: int, outputs: int) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def network(branch: str = "joint", **options) -> JointNetwork:
    """A small network in training mode, all its weights large enough to tell right from wrong."""
    torch.manual_seed(1)
    stages = [stage(3, WIDTHS[0]), stage(*WIDTHS)]
    widths = {"text_hidden": HIDDEN, "text_features": FEATURES}
    made = JointNetwork(stages, WIDTHS, V, BITS, branch=branch, **widths, **options).double()
    for weight in made.parameters():
        nn.init.normal_(weight, std=0.5)
    for module in made.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.running_mean)
            nn.init.uniform_(module.running_var, 0.5, 2)
    return made.train()


@pytest.fixture
def given() -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(0)
    image = torch.randn(B, 3, 5, 6, generator=draw, dtype=torch.float64)
    return image, torch.rand(B, V, generator=draw, dtype=torch.float64)


def through(stage: nn.Sequential, image: Tensor) -> Tensor:
    """Convolution, normalisation by the stored statistics, ReLU."""
    convolution, norm, _ = stage
    x = nn.functional.conv2d(image, convolution.weight, convolution.bias, padding=1)
    mean, var, scale, shift = (
        v[:, None, None] for v in (norm.running_mean, norm.running_var, norm.weight, norm.bias)
    )
    return ((x - mean) / (var + norm.eps).sqrt() * scale + shift).clamp(min=0)


def layer(sequential: nn.Sequential, text: Tensor) -> Tensor:
    linear = sequential[0]
    return (text @ linear.weight.T + linear.bias).clamp(min=0)


def code(made: JointNetwork, joint: Tensor) -> Tensor:
    return joint @ made.code.weight.T + made.code.bias


def pooled(image: Tensor) -> Tensor:
    return image.sum(dim=(2, 3)) / (image.shape[2] * image.shape[3])


def test_the_image_branch_is_stages_mean_and_code_layer(given):
    made = network("image")
    image = through(made.stages[1], through(made.stages[0], given[0]))
    torch.testing.assert_close(made(given[0], None), code(made, pooled(image)))


def test_the_text_branch_is_two_layers_with_relu_and_the_code_layer(given):
    made = network("text")
    text = layer(made.text2, layer(made.text1, given[1]))
    assert text.shape == (B, FEATURES)
    torch.testing.assert_close(made(None, given[1]), code(made, text))


@pytest.mark.parametrize("fusion", [Concatenation, GatedMultimodalUnit, CompactBilinearPooling])
def test_the_joint_branch_fuses_the_mean_of_the_map_and_the_text(given, fusion):
    made = network(fusion=fusion).float()
    given = [x.float() for x in given]
    seen = []
    made.fusion.register_forward_pre_hook(lambda _, inputs: seen.append(inputs))
    values = made(*given)
    image = pooled(through(made.stages[1], through(made.stages[0], given[0])))
    torch.testing.assert_close(seen[0], (image, layer(made.text2, layer(made.text1, given[1]))))
    joint = torch.cat(seen[0], 1) if fusion is Concatenation else made.fusion(*seen[0])
    torch.testing.assert_close(values, code(made, joint))
    assert type(made.fusion) is fusion


def test_operations_stand_before_the_last_stage_and_after_each_text_layer(given):
    made = network(operations=FORMS)
    first, second = made.operations
    image, text = first(through(made.stages[0], given[0]), layer(made.text1, given[1]))
    image, text = second(through(made.stages[1], image), layer(made.text2, text))
    torch.testing.assert_close(made(*given), code(made, torch.cat([pooled(image), text], 1)))


@pytest.mark.parametrize("which", [0, 1])
def test_both_branches_go_on_from_what_the_first_operation_gives(given, which):
    """With zeros in place of one of its outputs, that modality no longer matters."""

    class Zeros(nn.Module):
        def forward(self, *both: Tensor) -> tuple[Tensor, ...]:
            return tuple(x * (i != which) for i, x in enumerate(both))

    made = network(operations=FORMS)
    before = made(*given)
    made.operations[0] = Zeros()
    blind = made(*given)
    assert not torch.allclose(blind, before)
    for modality in (0, 1):
        changed = [x.flip(0) if i == modality else x for i, x in enumerate(given)]
        assert torch.equal(made(*changed), blind) == (modality == which)


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize(("branch", "operations"), BRANCHES)
def test_gradients_reach_all_that_is_learned_and_nothing_frozen(given, branch, operations, frozen):
    made = network(branch, operations=operations, frozen=frozen)
    made(*given).square().sum().backward()
    for name, weight in made.named_parameters():
        if name.startswith("stages."):
            assert weight.requires_grad != frozen
            if frozen or branch == "text":
                assert weight.grad is None
                continue
        assert weight.grad is not None and weight.grad.abs().sum() > 0, name


@pytest.mark.parametrize("frozen", [False, True])
def test_batch_normalisation_keeps_its_statistics_in_training(given, frozen):
    made = network("image", frozen=frozen)
    assert made.training and made.code.training
    norms = [m for m in made.modules() if isinstance(m, nn.BatchNorm2d)]
    assert len(norms) == 2 and not any(m.training for m in norms)
    before = {name: value.clone() for name, value in made.named_buffers()}
    values = made(given[0], None)
    assert all(torch.equal(value, before[name]) for name, value in made.named_buffers())
    assert torch.equal(made.eval()(given[0], None), values)


def test_text_layers_start_as_the_paper_says():
    torch.manual_seed(0)
    made = JointNetwork([], WIDTHS, 90, BITS, branch="text", text_hidden=80, text_features=70)
    for linear in (made.text1[0], made.text2[0]):
        assert linear.weight.mean().item() == pytest.approx(0, abs=1e-3)
        assert linear.weight.std().item() == pytest.approx(0.01, rel=0.1)
        assert not linear.bias.any()
    assert made.text2[0].weight.shape == (70, 80)


@pytest.mark.parametrize("words", [[], [3], [1, 4, 8], list(range(V))])
def test_a_layer_over_words_is_a_linear_layer(words):
    torch.manual_seed(0)
    ours, plain = WordLinear(V, 6), nn.Linear(V, 6)
    plain.load_state_dict(ours.state_dict())
    x = torch.zeros(B, V)
    x[:, words] = torch.randn(B, len(words))
    weight = torch.randn(B, 6)
    for linear in (ours, plain):
        (linear(x) * weight).sum().backward()
    torch.testing.assert_close(ours(x), plain(x))
    torch.testing.assert_close(ours.weight.grad, plain.weight.grad)
    torch.testing.assert_close(ours.bias.grad, plain.bias.grad)
    absent = [v for v in range(V) if v not in words]
    assert not ours.weight.grad[:, absent].any()
    assert ours.weight.grad[:, words].all()


def test_a_word_of_one_text_counts_and_words_that_cancel_are_words():
    layer = WordLinear(V, 3)
    x = torch.zeros(2, V)
    x[0, 2], x[0, 5], x[1, 5] = 1, 1, -1  # column 5 sums to zero
    torch.testing.assert_close(layer(x), nn.functional.linear(x, layer.weight, layer.bias))


def test_operations_without_a_stage_are_refused():
    with pytest.raises(ValueError, match="operations need the map before the last stage"):
        JointNetwork([], WIDTHS, V, BITS, branch="joint", operations=FORMS)


@pytest.mark.parametrize("kernel", ["residual", "printed", "none"])
@pytest.mark.parametrize("attention", ["rescaled", "printed"])
def test_attention_is_what_the_attention_networks_see_and_say(given, kernel, attention):
    made = network(operations=(kernel, attention))
    image, text = through(made.stages[0], given[0]), layer(made.text1, given[1])
    expected = []
    for operation in made.operations:
        if operation.kernel is not None:
            image, text = operation.kernel(image, text)
        both = torch.cat([pooled(image), text], dim=1)
        heads = (operation.attention.image, operation.attention.text)
        channels, units = ((both @ h.weight.T + h.bias).softmax(dim=1) for h in heads)
        expected.append((image, text, channels, units))
        image, text = operation.attention(image, text)
        if len(expected) == 1:
            image, text = through(made.stages[1], image), layer(made.text2, text)
    seen = made.attention(*given)
    assert len(seen) == 2
    for ours, right in zip(seen, expected, strict=True):
        torch.testing.assert_close(ours, right)


def test_attention_leaves_no_hooks_behind(given):
    made = network(operations=FORMS)
    made.attention(*given)
    with pytest.raises(RuntimeError):
        made.attention(given[0], given[1][:, 1:])
    assert not any(operation._forward_pre_hooks for operation in made.operations)
    assert network(operations=("residual", "none")).attention(*given) == []
