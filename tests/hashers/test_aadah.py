"""AADAH: Eqs. 4 to 9 of zhang2018 by loops, which side learns by what, curves and masks."""

import itertools
import json

import numpy as np
import pytest
import torch
from deep_cases import create, quick
from torch import nn

from mmhash_nb import hashers
from mmhash_nb.hashers.adversarial_retrieval import CURVES, AdversarialRetrieval
from mmhash_nb.hashers.networks.cross_modal_network import CrossModalNetwork
from mmhash_nb.training import steps

MASKS = {"both": ("image", "text"), "visual": ("image",), "textual": ("text",), "none": ()}
#: query and database of the adversarial loss's terms, by the modality that has a mask
TERMS = {"image": ("text", "image"), "text": ("image", "text")}


def learning(pairs, start=0.2, **options):
    """The losses of an unfitted method, whose masks are neither full nor empty."""
    method = create("aadah", bits=4, **{"batch_size": 9, "epochs": 3, **options})
    inputs = method.inputs(pairs, torch.device("cpu"))
    network = method.unfitted(pairs.texts.shape[1]).train()
    torch.manual_seed(5)
    for name, weight in network.named_parameters():
        if not name.startswith("stages."):
            nn.init.normal_(weight, std=start)
    labels = torch.from_numpy(pairs.labels.copy())
    labels[::4] |= torch.roll(labels[::4], 1, 1)  # some have two
    return AdversarialRetrieval(network, inputs, labels, method)


BATCH = torch.tensor([3, 40, 17, 8, 22, 31])


def ranking(queries, database, labels, margin, within=False):
    """Eq. 5 by a loop: the sum, and the sum divided by the number of triplets."""
    n, costs = len(queries), []
    s = [[int((a & b).any()) for b in labels] for a in labels]
    for i, j, k in itertools.product(range(n), repeat=3):
        if s[i][j] > s[i][k] and not (within and i in (j, k)):
            nearer, farther = (torch.dist(queries[i], database[m]) for m in (j, k))
            costs.append((margin + nearer - farther).clamp(min=0))
    assert costs
    return torch.stack([sum(costs), sum(costs) / len(costs)])


def part_code(network, modality, features, z):
    """The code of the part of the features that z is 1 at; of maps by their mean over its area."""
    if modality == "text":
        return network.values("text", z * features).tanh()
    mean = (z[:, None] * features).sum((2, 3)) / z.sum((1, 2))[:, None]
    return network.values("image", mean[:, :, None, None]).tanh()


def naive(made, batch=BATCH):
    """The losses of Eqs. 4 and 6, by both reductions, and the codes H and Ĥ they are of."""
    network, margin = made.network, made.options["margin"]
    labels = made.labels[batch].bool()
    attended, unattended = {}, {}
    for modality, x in zip(("image", "text"), made.inputs, strict=True):
        f = network.features(modality, x[batch].float())
        if modality in network.attention:
            z = network.attention[modality](f).mask
            assert 0 < z.mean() < 1
            unattended[modality] = part_code(network, modality, f, 1 - z)
            attended[modality] = part_code(network, modality, f, z)
        else:
            attended[modality] = network.values(modality, f).tanh()
    i, t = attended["image"], attended["text"]
    retrieval = (
        ranking(t, i, labels, margin)
        + ranking(i, t, labels, margin)
        + ranking(i, i, labels, margin, within=True)
        + ranking(t, t, labels, margin, within=True)
    )
    adversarial = torch.zeros(2)
    for modality, hidden in unattended.items():
        query = attended[TERMS[modality][0]]
        adversarial = adversarial + ranking(query, hidden, labels, margin)
    return retrieval, adversarial, attended, unattended


def features(made):
    return {m: made.network.features(m, given) for m, given in made.given(BATCH).items()}


def gradients(value, module):
    weights = [p for p in module.parameters() if p.requires_grad]
    found = torch.autograd.grad(value, weights, allow_unused=True)
    return [torch.zeros_like(p) if g is None else g for p, g in zip(weights, found, strict=True)]


@pytest.mark.parametrize("reduction", ["sum", "mean"])
@pytest.mark.parametrize("margin", [0.3, 2.0])
@pytest.mark.parametrize("attention", MASKS)
def test_losses_are_equations_4_and_6_by_loops(attention, margin, reduction, tiny_pictures):
    made = learning(tiny_pictures, attention=attention, margin=margin, reduction=reduction)
    kind = ["sum", "mean"].index(reduction)
    retrieval, adversarial, attended, unattended = naive(made)
    ours = made.codes(features(made))
    assert tuple(ours[1]) == MASKS[attention] == tuple(unattended)
    for mine, theirs in zip(ours, (attended, unattended), strict=True):
        for modality in theirs:
            assert 0.1 < theirs[modality].abs().max() <= 1
            torch.testing.assert_close(mine[modality], theirs[modality])
    loss = made.loss(BATCH)
    torch.testing.assert_close(loss, (retrieval + adversarial)[kind])
    means = torch.stack([retrieval[1], adversarial[1]])  # curves are per triplet
    torch.testing.assert_close(made.curves[0, :2], means)
    torch.testing.assert_close(made.reported(loss), means.sum().detach())
    if MASKS[attention]:
        torch.testing.assert_close(made.gain(BATCH), -adversarial[kind])
        torch.testing.assert_close(made.curves[0, 2], adversarial[1])
        assert adversarial.min() > 0
    else:
        assert not adversarial.any() and made.adversary is None


@pytest.mark.parametrize("sides", ["both", "hashing", "attention", "none"])
def test_hashing_minimises_both_losses_or_the_first(sides, tiny_pictures):
    """Eq. 8 in value and gradient of E and D: G's weights are no variables of it."""
    made = learning(tiny_pictures, adversarial=sides)
    made.network.attention.requires_grad_(False)
    retrieval, adversarial, *_ = naive(made)
    wanted = retrieval + adversarial if sides in ("both", "hashing") else retrieval
    ours = made.loss(BATCH)
    torch.testing.assert_close(ours, wanted[0])
    torch.testing.assert_close(
        made.curves[0, :2], torch.stack([retrieval[1], adversarial[1]]).detach()
    )  # both are recorded, whichever side learns
    torch.testing.assert_close(made.reported(ours), wanted[1].detach())
    code = made.network.text_code
    for one, other in zip(gradients(ours, code), gradients(wanted[0], code), strict=True):
        torch.testing.assert_close(one, other)
    assert (made.adversary is not None) == (sides in ("both", "attention"))


def straight_through_gain(made, attend_queries):
    """−Eq. 6 with Z put together so that autograd takes it for P: the sum Z + P − P.detach()."""
    network, labels = made.network, made.labels[BATCH].bool()
    h, hidden = {}, {}
    for modality, x in zip(("image", "text"), made.inputs, strict=True):
        f = network.features(modality, x[BATCH].float())
        layer = network.attention[modality].layer
        p = layer(f).flatten(1).softmax(1)
        z = (p >= 1 / p.shape[1]).float() + p - p.detach()
        z = z.view(len(BATCH), *f.shape[2:]) if modality == "image" else z
        h[modality] = part_code(network, modality, f, z)
        if not attend_queries:
            h[modality] = h[modality].detach()
        hidden[modality] = part_code(network, modality, f, 1 - z)
    margin = made.options["margin"]
    return -(
        ranking(h["text"], hidden["image"], labels, margin)
        + ranking(h["image"], hidden["text"], labels, margin)
    )[0]


@pytest.mark.parametrize("attend_queries", [False, True])
def test_attention_maximises_equation_6_through_unattended_features(attend_queries, tiny_pictures):
    made = learning(tiny_pictures, attend_queries=attend_queries)
    made.loss(BATCH)
    found = [gradients(made.gain(BATCH), made.network.attention)]
    values = [made.gain(BATCH)]
    for queries_too in (attend_queries, not attend_queries):
        values.append(straight_through_gain(made, queries_too))
        found.append(gradients(values[-1], made.network.attention))
    for value in values[1:]:
        torch.testing.assert_close(values[0], value)
    for ours, same_switch, other_switch in zip(*found, strict=True):
        if ours.numel() > 1:  # softmax takes no notice of the bias of the map's layer
            assert ours.abs().max() > 1e-6
            torch.testing.assert_close(ours, same_switch, rtol=1e-3, atol=1e-6)
            assert not torch.allclose(ours, other_switch, rtol=1e-3, atol=1e-6)


def test_attention_learns_from_the_features_of_the_step_just_taken(tiny_pictures):
    """E moves between its step and G's, which sees the features of before, and D of after."""
    made = learning(tiny_pictures)
    before = features(made)
    made.loss(BATCH)
    with torch.no_grad():
        made.network.text1[0].weight.add_(1.0)
        made.network.text_code.weight.mul_(-1.0)
    attended, unattended = made.codes(before)
    wanted = made.adversarial(attended, unattended, made.similar(BATCH).long())
    torch.testing.assert_close(-made.gain(BATCH), wanted[0])
    moved = made.adversarial(*made.codes(features(made)), made.similar(BATCH).long())
    assert not torch.allclose(wanted, moved)
    assert not any(maps.requires_grad for maps in made.seen.values())


@pytest.mark.parametrize(("attention", "own"), [("visual", "image"), ("textual", "text")])
def test_a_mask_hides_its_own_modality_alone(attention, own, tiny_pictures):
    """F of unattended images is for the queries of texts, and the other way around."""
    made = learning(tiny_pictures, attention=attention)
    labels, margin = made.labels[BATCH].bool(), made.options["margin"]
    made.loss(BATCH)
    attended, unattended = made.codes(made.seen)
    query, database = TERMS[own]
    wanted = ranking(attended[query], unattended[database], labels, margin)
    torch.testing.assert_close(-made.gain(BATCH), wanted[0])


@pytest.mark.parametrize("attend_queries", [False, True])
def test_with_one_mask_queries_have_none_to_attend_through(attend_queries, tiny_pictures):
    """Texts are queries without a mask, so that the switch changes nothing."""
    made = learning(tiny_pictures, attention="visual", attend_queries=attend_queries)
    other = learning(tiny_pictures, attention="visual", attend_queries=not attend_queries)
    made.loss(BATCH)
    other.loss(BATCH)
    for one, two in zip(
        gradients(made.gain(BATCH), made.network.attention),
        gradients(other.gain(BATCH), other.network.attention),
        strict=True,
    ):
        torch.testing.assert_close(one, two)


@pytest.mark.parametrize("adversarial", ["both", "hashing", "attention", "none"])
@pytest.mark.parametrize("attention", ["both", "none"])
def test_who_moves_in_whose_steps(attention, adversarial, tiny_pictures, monkeypatch):
    """G is fixed in steps of E and D (Eq. 8), E and D in those of G (Eq. 9)."""
    moved = {"loss": set(), "gain": set()}
    step = steps.Steps._step
    made = []

    def watched(self, adam, objective, batch):
        module = made[0]
        before = {k: p.detach().clone() for k, p in module.network.named_parameters()}
        loss, gain = module.loss, module.gain
        called = []
        with monkeypatch.context() as patch:
            patch.setattr(AdversarialRetrieval, "codes", tell(called, AdversarialRetrieval.codes))
            value = step(self, adam, objective, batch)
        assert len(called) == 1 and loss and gain
        which = "gain" if len(adam.param_groups[0]["params"]) <= 4 else "loss"
        for key, p in module.network.named_parameters():
            if not torch.equal(before[key], p):
                moved[which].add("G" if key.startswith("attention.") else "ED")
        return value

    def tell(called, codes):
        return lambda self, given: (called.append(1), codes(self, given))[1]

    init = AdversarialRetrieval.__init__
    monkeypatch.setattr(
        AdversarialRetrieval, "__init__", lambda self, *a: (init(self, *a), made.append(self))[0]
    )
    monkeypatch.setattr(steps.Steps, "_step", watched)
    options = {"hashing_steps": 1, "epochs": 2, "learning_rate": 1e-2}
    create("aadah", attention=attention, adversarial=adversarial, **options).fit(tiny_pictures)
    learns = attention == "both" and adversarial in ("both", "attention")
    assert moved == {"loss": {"ED"}, "gain": {"G"} if learns else set()}


def test_steps_of_attention_raise_the_adversarial_loss(tiny_pictures):
    made = learning(tiny_pictures, margin=2.0)
    made.loss(BATCH)
    adam = torch.optim.Adam(made.network.attention.parameters(), lr=0.01)
    start = made.gain(BATCH).item()
    for _ in range(50):
        adam.zero_grad()
        made.gain(BATCH).backward()
        adam.step()
    assert made.gain(BATCH).item() < start - 0.01


@pytest.mark.parametrize("hashing_steps", [1, 4])
def test_curves_are_the_losses_step_by_step(hashing_steps, tiny_pictures, tmp_path):
    method = create("aadah", epochs=5, hashing_steps=hashing_steps).fit(tiny_pictures)
    curves = method.curves()
    steps = 5 * 3  # 36 samples in batches of 12
    assert curves.shape == (steps, len(CURVES)) and curves.dtype == np.float32
    assert np.isfinite(curves[:, :2]).all()
    theirs = np.flatnonzero(np.isfinite(curves[:, 2]))
    assert theirs.tolist() == list(range(hashing_steps - 1, steps, hashing_steps))
    # G sees the same batch after one step of E and D more: nearly the same loss.
    np.testing.assert_allclose(curves[theirs, 2], curves[theirs, 1], rtol=0.2)
    np.testing.assert_allclose(
        curves[:, :2].sum(1).reshape(5, 3).mean(1), method.state["loss"], rtol=1e-5
    )
    method.save(tmp_path)
    np.testing.assert_array_equal(hashers.load(tmp_path, "cpu").curves(), curves)


def test_every_step_has_its_row_in_the_curves(tiny_pictures):
    curves = create("aadah", epochs=2, batch_size=7).fit(tiny_pictures).curves()
    assert curves.shape == (12, 3) and np.isfinite(curves[:, :2]).all()  # 36 in 6 batches of 6


def test_without_masks_the_second_loss_is_zero(tiny_pictures):
    curves = quick("aadah_none").fit(tiny_pictures).curves()
    assert (curves[:, 1] == 0).all() and np.isnan(curves[:, 2]).all()
    assert (curves[:, 0] > 0).all()


@pytest.fixture(scope="module")
def attentive():
    """A network whose masks differ from sample to sample, as a fitted method holds it."""
    from pair_cases import pictures

    pairs = pictures()
    method = quick("aadah").fit(pairs)
    rng = np.random.default_rng(1)
    for key, value in method.state.items():
        if key.startswith(("text", "attention.")):
            method.state[key] = rng.normal(0, 0.5, value.shape).astype(np.float32)
    texts = pairs.texts * rng.integers(1, 3, pairs.texts.shape)  # counts of 1 and 2
    texts[5] = 0
    object.__setattr__(pairs, "texts", texts.astype(np.float32))
    return method, pairs


@pytest.mark.parametrize("modality", ["image", "text"])
def test_attend_is_the_networks_mask_of_every_sample(modality, attentive, monkeypatch):
    method, pairs = attentive
    network = method.fitted()
    assert isinstance(network, CrossModalNetwork) and not network.training
    x = method.inputs(pairs, torch.device("cpu"))[modality == "text"].float()
    with torch.no_grad():
        m = network.attention[modality].layer(network.features(modality, x))
    p = m.flatten(1).double().softmax(1).numpy()
    monkeypatch.setattr("mmhash_nb.hashers.networks.inputs.BATCH", 7)
    attended = method.attend(pairs, modality)
    assert attended.probabilities.dtype == np.float32 and attended.mask.dtype == np.bool_
    assert attended.mask.shape == attended.probabilities.shape
    assert attended.mask.shape == ((48, 4, 4) if modality == "image" else (48, 32))
    np.testing.assert_allclose(attended.probabilities.reshape(48, -1), p, rtol=1e-3, atol=1e-6)
    wanted = p >= 1 / p.shape[1]
    sure = np.abs(p * p.shape[1] - 1) > 1e-4
    assert (attended.mask.reshape(48, -1) == wanted)[sure].all() and sure.mean() > 0.95
    features = network.features(modality, x).detach().numpy()
    strength = np.linalg.norm(features, axis=1) if modality == "image" else features
    np.testing.assert_allclose(attended.strength, strength, rtol=1e-4, atol=1e-6)
    assert 0 < attended.mask.mean() < 1 and len(np.unique(attended.mask.sum(-1))) > 1


@pytest.mark.parametrize("part", ["attended", "unattended", "whole"])
def test_word_shares_are_gradient_times_input(part, attentive):
    """A unit's slope along a word is the derivative of the unit by the word's count."""
    method, pairs = attentive
    network = method.fitted()
    shares = method.word_shares(pairs, part)
    assert shares.shape == pairs.texts.shape and shares.dtype == np.float32
    for n, text in enumerate(torch.from_numpy(pairs.texts)):
        expected = torch.zeros(len(text))
        x = text.clone().requires_grad_()
        units = network.text2(network.text1(x[None]))[0]
        divided = network.attention["text"](units[None])
        wanted = {"attended": (1,), "unattended": (0,), "whole": (0, 1)}[part]
        chosen = torch.isin(divided.mask[0], torch.tensor(wanted))
        for k in torch.arange(len(units))[chosen & (units > 0)]:
            slope = torch.autograd.grad(units[k], x, retain_graph=True)[0]
            parts = (slope * text).clamp(min=0)
            if parts.sum() > 0:
                expected += units[k].detach() * parts / parts.sum()
        if expected.sum() > 0:
            expected = expected / expected.sum()
        np.testing.assert_allclose(shares[n], expected, rtol=1e-3, atol=1e-5)
    assert (shares >= 0).all() and not shares[pairs.texts == 0].any() and not shares[5].any()
    total = shares.sum(1)
    assert np.isclose(total[total > 0], 1, atol=1e-5).all() and (total > 0).sum() > 20


def test_attended_and_unattended_words_differ(attentive):
    method, pairs = attentive
    np.testing.assert_array_equal(method.word_shares(pairs), method.word_shares(pairs, "attended"))
    others = method.word_shares(pairs, "unattended")
    assert np.abs(method.word_shares(pairs) - others).max() > 0.05
    with pytest.raises(ValueError, match=r"part must be one of attended, .*, but is 'half'"):
        method.word_shares(pairs, "half")


@pytest.mark.parametrize(
    ("name", "modality"),
    [
        ("aadah_none", "image"),
        ("aadah_none", "text"),
        ("aadah_visual", "text"),
        ("aadah_textual", "image"),
    ],
)
def test_masks_that_are_not_there_are_refused(name, modality, tiny_pictures):
    method = quick(name)
    with pytest.raises(RuntimeError, match=f"{name} is not fitted: call fit first"):
        method.attend(tiny_pictures, modality)
    with pytest.raises(RuntimeError, match=f"{name} is not fitted: call fit first"):
        method.curves()
    method.fit(tiny_pictures)
    has = method.options["attention"]
    sentence = f"{name} was fitted with attention='{has}': it has no {modality} mask"
    with pytest.raises(ValueError, match=sentence):
        method.attend(tiny_pictures, modality)
    if modality == "text":
        with pytest.raises(ValueError, match=sentence):
            method.word_shares(tiny_pictures)
    if has != "none":
        other = {"image": "text", "text": "image"}[modality]
        assert method.attend(tiny_pictures, other).mask.shape[0] == 48


def test_smaller_batches_are_tried_where_memory_runs_out_at_the_last_step(
    tiny_pictures, monkeypatch
):
    loss, sizes = AdversarialRetrieval.loss, []

    def little_memory(self, batch):
        value = loss(self, batch)  # memory runs out on the way back
        sizes.append(len(batch))
        if len(batch) > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return value

    monkeypatch.setattr(AdversarialRetrieval, "loss", little_memory)
    method = create("aadah", epochs=1, batch_size=100)
    with pytest.raises(RuntimeError, match=r"aadah .* batch_size=(\d+): try batch_size=[2-5], "):
        method.fit(tiny_pictures)
    assert len(sizes) > 2 and sizes[-1] <= 5 and sizes[0] == len(tiny_pictures.train)


def test_a_method_that_was_saved_with_the_old_name_of_an_option_loads(tiny_pictures, tmp_path):
    fitted = create("aadah", adversarial="hashing", epochs=1).fit(tiny_pictures)
    fitted.save(tmp_path)
    saved = tmp_path / "method.json"
    saved.write_text(saved.read_text().replace('"adversarial"', '"players"'))
    loaded = hashers.load(tmp_path)
    assert loaded.options == fitted.options
    assert loaded.encode(tiny_pictures, "image") == fitted.encode(tiny_pictures, "image")


def test_a_method_that_was_saved_before_the_mean_was_over_the_area_gives_its_codes(
    tiny_pictures, tmp_path
):
    fitted = create("aadah", pooling="all", epochs=3, learning_rate=1e-2).fit(tiny_pictures)
    fitted.save(tmp_path)
    path = tmp_path / "method.json"
    saved = json.loads(path.read_text())
    assert saved["options"].pop("pooling") == "all" != hashers.create("aadah", 4).options.pooling
    path.write_text(json.dumps(saved))
    loaded = hashers.load(tmp_path)
    assert loaded.options == fitted.options
    wanted = fitted._project(tiny_pictures, "image")
    assert np.array_equal(loaded._project(tiny_pictures, "image"), wanted)
    today = create("aadah", epochs=3, learning_rate=1e-2)
    today.state = fitted.state
    assert not np.allclose(today._project(tiny_pictures, "image"), wanted, rtol=1e-2)
