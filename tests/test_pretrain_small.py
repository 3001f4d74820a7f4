import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from benchmark_cases import load
from safetensors import safe_open
from torch.nn.functional import binary_cross_entropy_with_logits, log_softmax

from mmhash_nb.datasets import scenes
from mmhash_nb.datasets.rendering import Draws, render
from mmhash_nb.features.backbones import create

pretrain_small = load("pretrain_small")
NOTHING, SIZES = pretrain_small.NOTHING, pretrain_small.SIZES
draw, main, train = pretrain_small.draw, pretrain_small.main, pretrain_small.train


def hashes(pictures: np.ndarray) -> set[bytes]:
    return {hashlib.sha256(picture.tobytes()).digest() for picture in pictures}


def test_pictures_are_disjoint_from_scenes() -> None:
    mine, theirs = hashes(draw(0, 400)[0]), hashes(scenes.load(n=400).images)
    assert len(mine) == len(theirs) == 400 and mine.isdisjoint(theirs)


@pytest.mark.slow
def test_all_pictures_are_disjoint_from_scenes() -> None:
    """The 8,000 trained on, the 2,000 held out and the 4,000 of the dataset are 14,000."""
    mine, held_out = hashes(draw(0, 8000)[0]), hashes(draw(8000, 2000)[0])
    assert len(mine | held_out | hashes(scenes.load().images)) == 14_000


def test_no_concept_is_in_the_pictures() -> None:
    _, seen, _ = draw(0, 400)
    things = {tuple(thing) for thing in seen.transpose(0, 2, 3, 1).reshape(-1, 3)}
    concepts = set(zip(*(a.tolist() for a in scenes._looks()[:3]), strict=True))
    assert len(things) > 300 and things.isdisjoint(concepts)


def test_attributes_of_cells_against_a_loop() -> None:
    n, first = 6, 30
    pictures, seen, backdrop = draw(first, n)
    draws = Draws(pretrain_small.SEED, np.arange(first, first + n))
    behind = draws.integers(0, 6)
    layers, things = pretrain_small.unnamed_layers(draws)
    again, owners = render(pretrain_small.SEED + 1, np.arange(first, first + n), behind, layers)
    assert np.array_equal(again, pictures) and np.array_equal(behind, backdrop)
    for i in range(n):
        for row in range(8):
            for column in range(8):
                cell = owners[i, row * 8 : row * 8 + 8, column * 8 : column * 8 + 8]
                most = np.bincount(cell.ravel()).argmax()
                expected = things[most - 1][i] if most else [NOTHING] * 3
                assert np.array_equal(seen[i, :, row, column], expected)


def small_batch() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    features = torch.randn(3, 5, 2, 2, generator=torch.Generator().manual_seed(0))
    seen = torch.tensor(np.random.default_rng(0).integers(0, 6, (3, 3, 2, 2)))
    seen[0, :, 0, 1] = seen[2, :, 1, 1] = NOTHING
    return features, seen, torch.tensor([0, 5, 2])


def test_loss_and_accuracy_against_a_loop() -> None:
    torch.manual_seed(0)
    head = pretrain_small.AttributeHead(5)
    features, seen, backdrop = small_batch()
    with torch.no_grad():
        scores, photo = head.cells(features), head.backdrop(features.mean(dim=(2, 3)))
    there, terms = [], {name: [] for name in SIZES}
    right: dict[str, list[bool]] = {name: [] for name in SIZES}
    for i in range(3):
        for y in range(2):
            for x in range(2):
                present = seen[i, 0, y, x] != NOTHING
                there.append(binary_cross_entropy_with_logits(scores[i, 0, y, x], present.float()))
                start = 1
                for k, (name, size) in enumerate(SIZES.items()):
                    of_kind = scores[i, start : start + size, y, x]
                    start += size
                    if present:
                        terms[name].append(-log_softmax(of_kind, 0)[seen[i, k, y, x]])
                        right[name].append(bool(of_kind.argmax() == seen[i, k, y, x]))
    photos = [-log_softmax(photo[i], 0)[backdrop[i]] for i in range(3)]
    expected = sum(np.mean([float(t) for t in kind]) for kind in (there, photos, *terms.values()))
    assert head.loss(features, seen, backdrop).item() == pytest.approx(expected, rel=1e-5)
    measured = head.accuracy(features, seen, backdrop)
    for name in SIZES:
        assert measured[name] == pytest.approx(np.mean(right[name]))
    assert measured["backdrop"] == pytest.approx((photo.argmax(dim=1) == backdrop).float().mean())


def test_training_lowers_the_loss_and_repeats(capsys: pytest.CaptureFixture[str]) -> None:
    first, right = train(32, epochs=4, seed=3, batch_size=16)
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert len(losses) == 4 and losses[-1] < losses[0] - 0.2
    assert set(right) == {"shape", "texture", "colour", "backdrop"}
    again, _ = train(32, epochs=4, seed=3, batch_size=16)
    other, _ = train(32, epochs=1, seed=4, batch_size=16)
    weights = [b.stages[0][0][0].weight for b in (first, again, other)]
    assert torch.equal(weights[0], weights[1]) and not torch.equal(weights[0], weights[2])


def test_the_command_writes_weights_that_load(tmp_path: Path) -> None:
    out = tmp_path / "w.safetensors"
    main(["--pictures", "64", "--epochs", "1", "--seed", "5", "--out", str(out)])
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]
    with safe_open(out, "pt") as weights:
        record = weights.metadata()
        assert weights.get_tensor("stages.0.0.0.weight").dtype == torch.float16
    assert (record["seed"], record["epochs"]) == ("5", "1")
    assert record["pictures"] == f"64 of seed {pretrain_small.SEED}"
    assert 0 <= float(record["held_out_accuracy_shape"]) <= 1
    expected, _ = train(64, epochs=1, seed=5)
    for name, value in create("small", weights=out).state_dict().items():
        torch.testing.assert_close(value, expected.state_dict()[name], rtol=2e-3, atol=1e-4)


@pytest.mark.parametrize("pictures", ["10", "-1"])
def test_too_few_pictures(pictures: str, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    with pytest.raises(SystemExit):
        main(["--pictures", pictures, "--out", str(tmp_path / "w.safetensors")])
    assert f"--pictures {pictures}: give at least 64" in capsys.readouterr().err
