"""Codes that are learned as bits, with classifiers on them and a network that fits them in turn."""

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC
from torch import Tensor, nn

from mmhash_nb.hashers.base import Method, State
from mmhash_nb.hashers.deep_objective import DeepObjective
from mmhash_nb.hashers.networks.inputs import Inputs

#: rounds end where the objective changes by less than this fraction of it
TOLERANCE = 1e-3
#: passes of liblinear over its rows, after which J was at most 0.3 % above what 5,000 came to
PASSES = 300


def svm_classifiers(codes: np.ndarray, labels: np.ndarray, seed: int = 0) -> np.ndarray:
    """M of liong2017's Eq. 4: for each class j the m that minimises ‖m‖² + Σ_n [1 − y_nj m'b_n]₊.

    y is 1 where the sample has label j and −1 where it has not. A linear SVM minimises
    ½ ‖m‖² + C Σ ξ, which is half of that with C = ½. There is no intercept, as Eqs. 4 to 6 have
    none. From `codes`, −1 or 1 `[n, K]`, and `labels`, `bool [n, C]`, comes `float64 [K, C]`; the
    seed is of the order in which liblinear goes through the rows.
    """
    # Equal codes are one row that weighs more: in late rounds there are few different ones.
    different, of = np.unique(codes, axis=0, return_inverse=True)
    of = of.reshape(-1)
    columns = []
    for has in labels.T:
        having = np.bincount(of, has, len(different))
        lacking = np.bincount(of, ~has, len(different))
        # Without an intercept, only y b matters. liblinear wants two classes, of which there may be
        # one: half of the first row goes in with both signs turned.
        rows = np.concatenate([different[having > 0], -different[lacking > 0]])
        weights = np.concatenate([having[having > 0], lacking[lacking > 0]])
        weights[0] /= 2
        rows, weights = np.concatenate([-rows[:1], rows]), np.concatenate([weights[:1], weights])
        solver = LinearSVC(
            C=0.5, loss="hinge", fit_intercept=False, max_iter=PASSES, random_state=seed
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            solver.fit(rows, np.arange(len(rows)) > 0, sample_weight=weights)
        columns.append(solver.coef_[0])
    return np.stack(columns, axis=1)


def best_codes(
    classifiers: np.ndarray,
    h: np.ndarray,
    labels: np.ndarray,
    lambda_: float,
    update: str = "margins",
) -> np.ndarray:
    """The codes that minimise liong2017's Eq. 5, −Σ_j m_{c_n,j}'b_n + λ ‖b_n − h_n‖², exactly.

    With p_n = Σ_j m_{c_n,j}, and as ‖b‖² = K for all codes, b_n = sgn(p_n + 2λ h_n). Eq. 6 prints
    λ h_n, which is a λ of half the size in this step.

    The paper does not define m_{c_n,j}, c_n being the classes of sample n. In Eq. 6 p_n is
    y_n M' = Σ_{c in c_n} m_c, of the sample's classes (`printed`). But then bits that all codes
    share, on which classifiers without an intercept rest, often turn over from round to round,
    where the network follows slowly. `margins` settles more often, though not always. It reads the
    term as the discrete hinge loss of supervised discrete hashing does (Shen et al. 2015, the
    paper's [24]): m_{c_n,j} = Σ_{c in c_n} (m_c − m_j).

    `classifiers` is M `[K, C]`, `h` are outputs of the fusion network `[n, K]`, `labels` `bool
    [n, C]`. Codes are −1 or 1, `float64 [n, K]`; 1 where the value is 0.
    """
    pull = labels @ classifiers.T
    if update == "margins":
        every = labels.sum(axis=1, keepdims=True) * classifiers.sum(axis=1)
        pull = labels.shape[1] * pull - every
    return np.where(pull + 2 * lambda_ * h >= 0, 1.0, -1.0)


def code_objective(
    codes: np.ndarray, classifiers: np.ndarray, h: np.ndarray, labels: np.ndarray, lambda_: float
) -> tuple[float, float]:
    """The two parts of Eq. 4: ‖M‖² + Σ_nj [1 − y_nj m_j'b_n]₊, and λ ‖B − H‖².

    y is ±1. The equation prints one slack ξ_n for all classes of a sample, the largest of theirs;
    a standard SVM, which the paper uses, has one for each class, and so has this sum.
    """
    signs = np.where(labels, 1.0, -1.0)
    slack = np.maximum(0, 1 - signs * (codes @ classifiers)).sum()
    return np.square(classifiers).sum() + slack, lambda_ * np.square(codes - h).sum()


def balanced_codes(n: int, n_bits: int, rng: np.random.Generator) -> np.ndarray:
    """Random codes, each bit 1 in half of the samples (one less where n is odd), `[n, K]`."""
    half = np.where(np.arange(n) < n // 2, 1.0, -1.0)
    return rng.permuted(np.repeat(half[:, None], n_bits, axis=1), axis=0)


class CodeLearning(DeepObjective):
    """The alternation of liong2017's Algorithm 1 over classifiers M, codes B and fusion network.

    Its objective is Eq. 4: J = ‖M‖² + Σ ξ + λ ‖B − H‖² (see `code_objective`). Each round solves
    the SVMs (`svm_classifiers`), then the codes (`best_codes`), then has the network descend
    λ ‖B − H‖² (Eq. 7) for one epoch of mini-batches. The SVMs lower J, as does the network
    where its steps are small. The codes minimise Eq. 5, which is not the part of J that depends on
    them: they can raise J, and J does not fall from round to round.

    A checkpoint holds B, M and the history with the network.
    """

    codes: Tensor
    classifiers: Tensor
    history: Tensor

    def __init__(self, network: nn.Module, inputs: Inputs, labels: Tensor, method: Method) -> None:
        super().__init__(network, inputs, labels, method)
        self.belongs = labels.cpu().numpy()
        n, rounds = len(labels), self.options.rounds
        start = balanced_codes(n, self.n_bits, np.random.default_rng(self.seed))
        self.register_buffer("codes", torch.from_numpy(start).float())
        start = np.zeros((self.n_bits, self.belongs.shape[1]))
        self.register_buffer("classifiers", torch.from_numpy(start))
        self.register_buffer("history", torch.full((rounds, 4), torch.nan, dtype=torch.float64))

    def on_epoch(self, epoch: int) -> bool:
        """Before a round, set M and B from the network; True where it has converged."""
        h = self.outputs()
        if epoch:
            self.close(epoch - 1, h)
        if epoch > 1:
            before, now = self.history[epoch - 2 : epoch, 0].tolist()
            if abs(now - before) < TOLERANCE * before:
                return True
        codes = self.codes.cpu().numpy().astype(np.float64)
        classifiers = svm_classifiers(codes, self.belongs, self.seed)
        lambda_, update = self.options.lambda_, self.options.code_update
        new = best_codes(classifiers, h, self.belongs, lambda_, update)
        self.history[epoch, 3] = float((new != codes).mean())
        self.classifiers.copy_(torch.from_numpy(classifiers))
        self.codes.copy_(torch.from_numpy(new))
        return False

    def loss(self, batch: Tensor) -> Tensor:
        """λ ‖b − h‖² (Eq. 7), the mean of the training samples `batch`."""
        h = self.network(**self.given(batch)).float()
        return self.options.lambda_ * (self.codes[batch] - h).square().sum(dim=1).mean()

    def close(self, epoch: int, h: np.ndarray) -> None:
        """Note J and its parts after a round, from the network's outputs `h`, `[n, K]`."""
        codes, classifiers = (x.cpu().numpy() for x in (self.codes, self.classifiers))
        parts = code_objective(codes, classifiers, h, self.belongs, self.options.lambda_)
        self.history[epoch, :3] = torch.tensor([sum(parts), *parts])

    @torch.no_grad()
    def outputs(self) -> np.ndarray:
        """H: what the network gives for all training samples, `float64 [n, K]`."""
        self.network.eval()
        h = torch.cat([self.network(**given).double() for _, given in self.all_given()])
        self.network.train()
        return h.cpu().numpy()

    def record(self) -> State:
        """`codes` B, `classifier` M and `history`, `float64 [rounds, 4]`, after the last round.

        Of each round that has J, ‖M‖² + Σ ξ and λ ‖B − H‖² after the network's epoch, and the share
        of the bits that the round changed.
        """
        rounds = int((~self.history[:, 3].isnan()).sum())
        self.close(rounds - 1, self.outputs())
        return {
            "codes": self.codes.cpu().numpy().astype(np.int8),
            "classifier": self.classifiers.cpu().numpy(),
            "history": self.history[:rounds].cpu().numpy(),
        }
