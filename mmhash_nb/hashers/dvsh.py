"""DVSH: deep visual-semantic hashing (Cao, Long, Wang and Yu, KDD 2016)."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from mmhash_nb.features.backbones import Backbone
from mmhash_nb.features.text import tokens
from mmhash_nb.hashers.cross_modal import CrossModalDeep
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.staged import Staged
from mmhash_nb.hashers.options import option
from mmhash_nb.losses.max_margin import bitwise_max_margin_loss, cosine_max_margin_loss
from mmhash_nb.losses.quantisation import quantisation_loss
from mmhash_nb.pairs import Pairs


def sequences(pairs: Pairs, longest: int) -> np.ndarray:
    """The words of each sample's bag in the order of its caption, `int64 [N, T]`.

    DVSH reads sentences. Here it is given the words that the other methods are given, at most
    `longest` of them, and such order as there is: those of the bag that the caption has, by where
    it has them first, then the others by column.

    Args:
        pairs: words count where `texts` is above 0.
        longest: T at most.

    Returns:
        One more than the column of each word; 0 after the last.
    """
    texts = pairs.features("text")
    column = {word: i for i, word in enumerate(pairs.vocabulary or ())}
    rows = []
    for sample, text in enumerate(texts):
        present = dict.fromkeys(np.flatnonzero(text > 0).tolist())
        caption = pairs.captions[sample] if pairs.captions is not None and column else ""
        named = (column[word] for word in tokens(caption) if word in column)
        ordered = [*dict.fromkeys(c for c in named if c in present)]
        rows.append([*ordered, *(c for c in present if c not in set(ordered))][:longest])
    padded = np.zeros((len(rows), max([1, *map(len, rows)])), np.int64)
    for row, words in zip(padded, rows, strict=True):
        row[: len(words)] = np.array(words, np.int64) + 1
    return padded


class Reader(nn.Module):
    """A recurrent network over words: `int64 [B, T]` to hidden states `[B, T, hidden]`."""

    def __init__(self, n_words: int, hidden: int) -> None:
        super().__init__()
        self.words = nn.Embedding(n_words + 1, hidden, padding_idx=0)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True)

    def forward(self, text: Tensor) -> Tensor:
        """States; those after the last word mean nothing."""
        # Some processors have no LSTM in bfloat16.
        with torch.autocast(text.device.type, enabled=False):
            return self.lstm(self.words(text))[0]


def trimmed(text: Tensor) -> Tensor:
    """The columns of `text`, `[B, T]`, in which any of its samples has a word; one at least."""
    return text[:, : max(1, int((text > 0).sum(dim=1).max()))]


def mean_over_words(states: Tensor, text: Tensor) -> Tensor:
    """Mean of states `[B, T, d]` over the words of `text`, `[B, d]`; 0 where there are none."""
    words = (text > 0).to(states.dtype)[:, :, None]
    return (states * words).sum(dim=1) / words.sum(dim=1).clamp(min=1)


class VisualSemanticNetwork(Staged):
    """The fusion network, whose codes are learned from both, and the two that imitate them.

    Fusion: at every word, image features and the state of an LSTM pass a layer each and are added;
    the mean over words passes the code layer. Image: a layer and a code layer. Text: another
    LSTM, the mean of its states over words, and a code layer. All codes pass tanh.

    Args:
        backbone, stages, n_words, n_bits: as of `CrossModalNetwork`; fc6 and fc7 are learned.
        image_hidden, lstm_hidden: units of the image's layers and of the text's.
    """

    def __init__(
        self,
        backbone: Backbone,
        stages: Sequence[nn.Module],
        n_words: int,
        n_bits: int,
        *,
        image_hidden: int,
        lstm_hidden: int,
    ) -> None:
        super().__init__(stages)
        self.head = backbone.head
        features = backbone.n_features
        self.fusion_reader = Reader(n_words, lstm_hidden)
        self.fusion_image = nn.Linear(features, lstm_hidden)
        self.fusion_state = nn.Linear(lstm_hidden, lstm_hidden)
        self.fusion_code = nn.Linear(lstm_hidden, n_bits)
        self.image_layer = nn.Linear(features, image_hidden)
        self.image_code = nn.Linear(image_hidden, n_bits)
        self.reader = Reader(n_words, lstm_hidden)
        self.text_code = nn.Linear(lstm_hidden, n_bits)

    def features(self, image: Tensor) -> Tensor:
        """Image features `[B, d]` of maps or pixels."""
        last = self.last_map(image)
        return last.mean(dim=(2, 3)) if self.head is None else self.head(last)

    def fuse(self, features: Tensor, text: Tensor) -> Tensor:
        """Joint values `[B, K]` from image features `[B, d]` and words `[B, T]`."""
        text = trimmed(text)
        states = self.fusion_state(self.fusion_reader(text))  # [B, T, hidden]
        fused = (states + self.fusion_image(features)[:, None]).relu()
        return self.fusion_code(mean_over_words(fused, text))

    def image_values(self, features: Tensor) -> Tensor:
        """Values `[B, K]` from image features alone."""
        return self.image_code(self.image_layer(features).relu())

    def text_values(self, text: Tensor) -> Tensor:
        """Values `[B, K]` from words alone."""
        text = trimmed(text)
        return self.text_code(mean_over_words(self.reader(text), text))

    def forward(self, modality: str, given: Tensor) -> Tensor:
        """Real values `[B, K]` of one modality, whose signs are its code."""
        if modality == "text":
            return self.text_values(given)
        return self.image_values(self.features(given))


class VisualSemantic(DeepObjective):
    """Joint codes by max-margin losses, and modality-specific codes that imitate them.

    With H, X, Y the tanh values of fusion, image and text network:
    cosine max-margin(H) + λ bitwise max-margin(H) + β ½ K (‖H − X‖² + ‖H − Y‖²), each a mean.
    """

    def loss(self, batch: Tensor) -> Tensor:
        given, options, network = self.given(batch), self.options, self.network
        features = network.features(given["image"])
        joint = network.fuse(features, given["text"]).float().tanh()
        image = network.image_values(features).float().tanh()
        text = network.text_values(given["text"]).float().tanh()
        similarity = cosine_max_margin_loss(joint, self.similar(batch), options.margin)
        binary = bitwise_max_margin_loss(joint, options.bit_margin)
        imitation = quantisation_loss(image, joint) + quantisation_loss(text, joint)
        squares = options.beta * self.n_bits / 2 * imitation
        return similarity + options.lambda_ * binary + squares


class DVSH(CrossModalDeep):
    """Deep visual-semantic hashing, with the others' backbone and an LSTM for texts."""

    network_class = VisualSemanticNetwork
    network_options = ("image_hidden", "lstm_hidden")
    objective_class = VisualSemantic

    class Options(CrossModalDeep.Options):
        image_hidden: int = option(4096, "units of the image layer", least=1)
        lstm_hidden: int = option(256, "width of word vectors and states", least=1)
        max_words: int = option(40, "of a text, the first so many", least=1)
        margin: float = option(0.5, "of the cosine max-margin loss", least=0)
        bit_margin: float = option(0.5, "of the bitwise max-margin loss", least=0)
        lambda_: float = option(1.0, "weight of the bitwise loss", least=0)
        beta: float = option(1.0, "weight of imitation", least=0)

    def _words(self, pairs: Pairs) -> np.ndarray:
        texts = pairs.features("text")
        if (texts != np.round(texts)).any():
            raise ValueError(
                f"texts of {pairs.name} have fractions and so are no counts of words, which "
                f"{self.name} reads one by one: give it bags of words, or leave it out."
            )
        return sequences(pairs, self.options.max_words)
