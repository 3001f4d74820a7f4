"""The network of zeng2022: an image and a text branch that meet in one code (§V, Figs. 2 and 5)."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from mmhash_nb.hashers.networks.modal_aware import ModalAwareOperation
from mmhash_nb.hashers.networks.staged import Staged, start_small


class Concatenation(nn.Module):
    """[a; b]: the vectors side by side."""

    def __init__(self, image: int, text: int) -> None:
        super().__init__()
        self.n_outputs = image + text

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """`[B, image + text]`."""
        return torch.cat([image, text], dim=1)


class JointNetwork(Staged):
    """Image map and bag of words to `n_bits` real values, whose signs are the code.

    Text: words → `text_hidden` → `text_features`, each with ReLU. Image: the stages of a backbone
    that come after those whose maps are given. With modal-aware operations, the first one works on
    the map before the last stage and the first text layer's output, and both go on from what it
    gives; the second on the last stage's map and the second text layer's output (Fig. 5). Then the
    mean of the map over places and the text are fused, and a linear layer gives the values.

    Args:
        stages: of the backbone, those that the given maps have not passed; none where the maps are
            the last ones.
        widths: channels of the map before the last stage, and of the last stage's.
        n_words: columns of the text, 0 where there is no text branch.
        n_bits: code length K.
        branch: `image`, `text` or `joint`.
        fusion: of the joint branch; makes a module of `n_outputs` from the widths of both vectors.
        operations: variants (kernel, attention) of the two modal-aware operations; None leaves
            them out. The first needs the last stage in `stages`.
        frozen: the stages do not learn.
        statistics: of their batch normalisation, see `Staged`.
    """

    text1: nn.Sequential
    text2: nn.Sequential

    def __init__(
        self,
        stages: Sequence[nn.Module],
        widths: Sequence[int],
        n_words: int,
        n_bits: int,
        *,
        branch: str,
        fusion: type[nn.Module] = Concatenation,
        text_hidden: int = 8192,
        text_features: int = 512,
        operations: tuple[str, str] | None = None,
        frozen: bool = False,
        statistics: str = "fixed",
    ) -> None:
        super().__init__(stages, statistics)
        if operations is not None and not stages:
            raise ValueError("modal-aware operations need the map before the last stage.")
        self.branch = branch
        self.stages.requires_grad_(not frozen)
        if branch != "image":
            self.text1 = text_layer(WordLinear(n_words, text_hidden))
            self.text2 = text_layer(nn.Linear(text_hidden, text_features))
        self.operations = nn.ModuleList()
        if operations is not None:
            for channels, width in zip(widths, (text_hidden, text_features), strict=True):
                self.operations.append(ModalAwareOperation(channels, width, *operations))
        self.fusion: nn.Module | None = None
        n_joint = {"image": widths[1], "text": text_features}.get(branch)
        if branch == "joint":
            self.fusion = fusion(widths[1], text_features)
            n_joint = int(self.fusion.n_outputs)  # type: ignore[arg-type]
        assert n_joint is not None
        self.code = nn.Linear(n_joint, n_bits)

    def forward(self, image: Tensor | None, text: Tensor | None) -> Tensor:
        """Real values `[B, K]` from maps `[B, C, h, w]` and texts `[B, V]`."""
        if self.branch == "text":
            assert text is not None
            return self.code(self.text2(self.text1(text)))
        assert image is not None
        if self.branch == "image":
            return self.code(self.last_map(image).mean(dim=(2, 3)))
        assert text is not None and self.fusion is not None
        image, text = self.features(image, text)
        return self.code(self.fusion(image.mean(dim=(2, 3)), text))

    def features(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """The last map `[B, C, h, w]` and the last text vector `[B, text_features]`."""
        text = self.text1(text)
        if not self.operations:
            return self.last_map(image), self.text2(text)
        *before, last = self.stages
        for stage in before:
            image = stage(image)
        image, text = self.operations[0](image, text)
        return self.operations[1](last(image), self.text2(text))

    def attention(self, image: Tensor, text: Tensor) -> list[tuple[Tensor, Tensor, Tensor, Tensor]]:
        """What each attention network works on, and its weights.

        Of both operations the map `[B, C, h, w]` and text `[B, K]` that attention is to weigh, and
        its weights of channels `[B, C]` and units `[B, K]`.
        """
        seen: list[tuple[Tensor, Tensor, Tensor, Tensor]] = []

        def note(operation: nn.Module, given: tuple[Tensor, Tensor]) -> None:
            assert isinstance(operation, ModalAwareOperation)
            if operation.attention is not None:
                f, t = given if operation.kernel is None else operation.kernel(*given)
                seen.append((f, t, *operation.attention.weights(f.mean(dim=(2, 3)), t)))

        handles = [op.register_forward_pre_hook(note) for op in self.operations]
        try:
            self.features(image, text)
        finally:
            for handle in handles:
                handle.remove()
        return seen


class WordLinear(nn.Linear):
    """A linear layer over bags of words: words that the whole batch lacks are not multiplied.

    A hundred tagged pictures use a third of 1,386 tags; their zeros would take most of the time.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.is_cuda:  # to find them, the host would wait for the GPU at every step
            return super().forward(x)
        words = x.any(dim=0).nonzero()[:, 0]
        if 2 * len(words) > x.shape[1]:
            return super().forward(x)
        return functional.linear(x[:, words], self.weight[:, words], self.bias)


def text_layer(linear: nn.Linear) -> nn.Sequential:
    """The layer, from small weights, with ReLU."""
    start_small(linear)
    return nn.Sequential(linear, nn.ReLU())
