"""Train the backbone `small` and write its weights: `python benchmarks/pretrain_small.py`.

It learns the shape, the texture and the colour of the things in pictures that `scenes` does not
hold: drawn from another seed, and of things that are no concept of `scenes`. So the backbone
stands to `scenes` as one trained on ImageNet stands to photos from Flickr. Minutes on one core.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from tqdm.auto import tqdm

from mmhash_nb.datasets import scenes
from mmhash_nb.datasets.patterns import BACKDROPS, SHAPES, TEXTURES
from mmhash_nb.datasets.rendering import COLOURS, SIZE, Draws, Objects, render
from mmhash_nb.features.backbones import WEIGHTS, Backbone, create
from mmhash_nb.io.files import whole

SEED = 1966  # of the pictures; `scenes` has another
CELL = 8  # pixels, both sides: one position of the backbone's last map
NOTHING = -1
BATCH = 64
SIZES = {"shape": len(SHAPES), "texture": len(TEXTURES), "colour": len(COLOURS)}


def unnamed_layers(draws: Draws) -> tuple[list[Objects], list[np.ndarray]]:
    """Layers as `scenes.draw_pictures` has them, all of things that are no concept; attributes."""
    drawn = [
        scenes.unnamed_objects(draws, draws.integers(0, 4) < often, at, (18, 31))
        for often, at in zip((4, 3, 3, 3), scenes.random_positions(draws), strict=False)
    ]
    layers, things = zip(*drawn, strict=True)
    return list(layers), list(things)


def draw(first: int, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures number `first` to `first + n - 1` of the training stream, and their attributes.

    Returns:
        Pixels `uint8 [n, 3, 64, 64]`; shape, texture and colour of what covers most of each cell,
        `int64 [n, 3, 8, 8]`, `NOTHING` where that is the backdrop; and backdrops `int64 [n]`.
    """
    samples = np.arange(first, first + n)
    draws = Draws(SEED, samples)
    backdrop = draws.integers(0, len(BACKDROPS))
    layers, things = unnamed_layers(draws)
    pictures, owners = render(SEED + 1, samples, backdrop, layers)
    cells = owners.reshape(n, SIZE // CELL, CELL, SIZE // CELL, CELL)
    area = np.stack(
        [(cells == k).sum(axis=(2, 4)) for k in range(len(layers) + 1)]
    )  # [L+1, n, 8, 8]
    top = area.argmax(axis=0)
    nothing = np.full((1, n, len(SIZES)), NOTHING)
    attributes = np.concatenate([nothing, np.stack(things)])  # [L+1, n, 3]
    seen = attributes[top, np.arange(n)[:, None, None]]  # [n, 8, 8, 3]
    return pictures, seen.transpose(0, 3, 1, 2), backdrop


class AttributeHead(nn.Module):
    """Linear scores of every attribute for each cell, and of the backdrop for the picture."""

    def __init__(self, n_features: int) -> None:
        super().__init__()
        self.cells = nn.Conv2d(
            n_features, 1 + sum(SIZES.values()), 1
        )  # the first: is a thing there?
        self.backdrop = nn.Linear(n_features, len(BACKDROPS))

    def loss(self, features: Tensor, seen: Tensor, backdrop: Tensor) -> Tensor:
        """Cross-entropies of attributes over cells with a thing, of presence, and of backdrops."""
        thing, *scores = self.cells(features).float().split([1, *SIZES.values()], dim=1)
        present = (seen[:, :1] != NOTHING).float()
        loss = nn.functional.binary_cross_entropy_with_logits(thing, present)
        loss = loss + cross_entropy(self.backdrop(features.mean(dim=(2, 3))).float(), backdrop)
        for number, score in enumerate(scores):
            loss = loss + cross_entropy(score, seen[:, number], ignore_index=NOTHING)
        return loss

    @torch.inference_mode()
    def accuracy(self, features: Tensor, seen: Tensor, backdrop: Tensor) -> dict[str, float]:
        """The fraction of cells with a thing, or of pictures, whose attribute is named rightly."""
        _, *scores = self.cells(features).split([1, *SIZES.values()], dim=1)
        right = {}
        for number, (name, score) in enumerate(zip(SIZES, scores, strict=True)):
            present = seen[:, number] != NOTHING
            right[name] = (score.argmax(dim=1) == seen[:, number])[present].float().mean().item()
        guess = self.backdrop(features.mean(dim=(2, 3))).argmax(dim=1)
        return right | {"backdrop": (guess == backdrop).float().mean().item()}


def train(
    n: int, epochs: int, seed: int, batch_size: int = BATCH, rate: float = 4e-3
) -> tuple[Backbone, dict[str, float]]:
    """A backbone trained on `n` pictures, and its accuracies on a quarter as many others.

    Args:
        n: pictures in an epoch, the same in each, flipped at random.
        seed: of the first weights and of the order of the pictures.
        rate: highest learning rate, reached after a fifth of the steps (one-cycle schedule).
    """
    torch.manual_seed(seed)
    pictures, seen, backdrop = (torch.from_numpy(a) for a in draw(0, n))
    backbone = create("small", pretrained=False).to(memory_format=torch.channels_last)
    head = AttributeHead(backbone.n_features)
    parameters = [*backbone.parameters(), *head.parameters()]
    optimiser = torch.optim.AdamW(parameters, weight_decay=1e-2)
    steps = n // batch_size
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, epochs * steps, pct_start=0.2)
    for epoch in range(epochs):
        order = torch.randperm(n)[: steps * batch_size].reshape(steps, batch_size)
        total = 0.0
        for rows in tqdm(order, desc=f"epoch {epoch + 1}", disable=None):
            flipped = [-1] if torch.rand(()) < 0.5 else []
            x = pictures[rows].flip(flipped).contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                features = backbone.maps(x)[-1]
                loss = head.loss(features, seen[rows].flip(flipped), backdrop[rows])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        print(f"epoch {epoch + 1} of {epochs}: loss {total / steps:.3f}", flush=True)
    return backbone, evaluate(backbone, head, *draw(n, n // 4))


@torch.inference_mode()
def evaluate(
    backbone: Backbone,
    head: AttributeHead,
    pictures: np.ndarray,
    seen: np.ndarray,
    backdrop: np.ndarray,
) -> dict[str, float]:
    """Accuracies of attributes on pictures drawn by `draw`."""
    backbone.eval()
    batches = torch.from_numpy(pictures).split(250)
    features = torch.cat([backbone.maps(batch)[-1] for batch in batches])
    return head.accuracy(features, torch.from_numpy(seen), torch.from_numpy(backdrop))


def save(backbone: Backbone, path: Path, record: dict[str, str]) -> None:
    """Write the weights as float16, with a record of how they came about as metadata."""
    state = {
        name: (value.half() if value.is_floating_point() else value).contiguous()
        for name, value in backbone.state_dict().items()
    }
    with whole(path) as aside:
        save_file(state, aside, metadata=record)


def main(arguments: list[str] | None = None) -> None:
    """Read the command line, train, write the weights."""
    parser = argparse.ArgumentParser(
        prog="python benchmarks/pretrain_small.py", description=__doc__
    )
    parser.add_argument("--pictures", type=int, default=8_000, help="pictures in an epoch")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=WEIGHTS / "small.safetensors")
    options = parser.parse_args(arguments)
    if options.pictures < BATCH:
        parser.error(f"--pictures {options.pictures}: give at least {BATCH}, one batch.")
    if options.epochs < 1:
        parser.error(f"--epochs {options.epochs}: give at least 1.")
    started = time.perf_counter()
    backbone, right = train(options.pictures, options.epochs, options.seed)
    record = {
        "made_by": "python benchmarks/pretrain_small.py",
        "pictures": f"{options.pictures} of seed {SEED}",
        "epochs": str(options.epochs),
        "seed": str(options.seed),
        "torch": torch.__version__.split("+")[0],
        **{f"held_out_accuracy_{name}": f"{value:.3f}" for name, value in right.items()},
    }
    save(backbone, options.out, record)
    print(
        f"{time.perf_counter() - started:.0f} s",
        *(f"{k}: {v}" for k, v in record.items()),
        sep="\n",
    )


if __name__ == "__main__":
    main()
