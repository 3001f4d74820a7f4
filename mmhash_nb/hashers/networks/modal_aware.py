"""The modal-aware operation: a kernel network, then an attention network (Zeng et al. 2019, §IV).

Both take any image map `[B, C, H, W]` and any text vector `[B, K]` and give the same shapes back.
Eq. 1 to 8 are those of the 2019 version.
"""

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.networks.staged import start_small

KERNELS = ("residual", "printed")
ATTENTIONS = ("rescaled", "printed")


class KernelNetwork(nn.Module):
    """Reweigh each modality by its similarity to the other in a learned space (Eqs. 1 to 6).

    Image: f̂_m = ⟨φ(f)_m, ϕ(t)⟩ f_m at each of the M = H·W positions m (Eqs. 3, 4), φ a 1×1
    convolution C → C and ϕ a linear layer K → C. Text: t̂ = ⟨φ'(f̄), ϕ'(t)⟩ t, f̄ the mean of f
    over positions, φ' and ϕ' linear layers to K (Eqs. 5, 6).

    Args:
        channels: C. width: K.
        variant: `printed`, the equations as they stand: the similarity is a factor, near zero at
            the start, of either sign, and without bound. `residual` adds what comes out to what
            went in, as the non-local networks do that the paper is inspired by (its [32]), and
            divides the similarity by its number of terms, which is ours: f̂ = f + ⟨φ, ϕ⟩ f / C and
            t̂ = t + ⟨φ', ϕ'⟩ t / K.
    """

    def __init__(self, channels: int, width: int, variant: str = "residual") -> None:
        super().__init__()
        self.variant = variant
        self.image_phi = nn.Conv2d(channels, channels, 1)
        self.image_psi = nn.Linear(width, channels)
        self.text_phi = nn.Linear(channels, width)
        self.text_psi = nn.Linear(width, width)
        start_small(self.image_psi, self.text_phi, self.text_psi)

    def factors(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """What each place of the map, `[B, H·W]`, and the text, `[B, 1]`, are multiplied by."""
        flat = positions_last(image)  # [B, M, C]
        t = self.image_psi(text)  # [B, C], T of Eq. 3
        # ⟨Wf + b, T⟩ = ⟨f, WᵀT⟩ + ⟨b, T⟩: the same number without the map V of Eq. 3.
        weight, bias = self.image_phi.weight[:, :, 0, 0], self.image_phi.bias
        local = (flat @ (t @ weight)[:, :, None])[:, :, 0] + (t @ bias)[:, None]  # [B, M], Eq. 4
        pooled = flat.mean(dim=1)  # [B, C]
        whole = (self.text_phi(pooled) * self.text_psi(text)).sum(dim=1, keepdim=True)  # Eqs. 5, 6
        if self.variant == "printed":
            return local, whole
        return 1 + local / flat.shape[2], 1 + whole / text.shape[1]

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Reweighed map `[B, C, H, W]` and vector `[B, K]`."""
        local, whole = self.factors(image, text)
        return image * local.unflatten(1, image.shape[2:])[:, None], text * whole


class AttentionNetwork(nn.Module):
    """Weigh the channels of the map and the units of the text by both modalities (Eqs. 7, 8).

    F = [mean of the map over positions; text], a_I = softmax(W_I F + b_I) over the C channels and
    a_T = softmax(W_T F + b_T) over the K units; each channel and unit is multiplied by its weight.

    Args:
        channels: C. width: K.
        variant: `printed`, the equations as they stand: the weights of C channels sum to one, so
            that the map is made about C times smaller, and the text K times. `rescaled` multiplies
            by C and K as well, so that even weights change nothing.
    """

    def __init__(self, channels: int, width: int, variant: str = "rescaled") -> None:
        super().__init__()
        self.variant = variant
        self.image = nn.Linear(channels + width, channels)
        self.text = nn.Linear(channels + width, width)
        start_small(self.image, self.text)

    def weights(self, pooled: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Attention over channels `[B, C]` and text units `[B, K]`; each row sums to one."""
        both = torch.cat([pooled, text], dim=1)  # [B, C + K], F of Eq. 7
        return self.image(both).softmax(dim=1), self.text(both).softmax(dim=1)

    def factors(self, pooled: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """What each channel, `[B, C]`, and unit, `[B, K]`, is multiplied by."""
        channels, units = self.weights(pooled, text)
        if self.variant == "rescaled":
            return channels * channels.shape[1], units * units.shape[1]
        return channels, units

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Weighted map `[B, C, H, W]` and vector `[B, K]`."""
        channels, units = self.factors(image.mean(dim=(2, 3)), text)
        return image * channels[:, :, None, None], text * units


class ModalAwareOperation(nn.Module):
    """A kernel network, then an attention network; either may be left out (the ablations).

    Args:
        channels: C of the map. width: K of the text vector.
        kernel: variant of the `KernelNetwork`, or `none`.
        attention: variant of the `AttentionNetwork`, or `none`.
    """

    def __init__(
        self, channels: int, width: int, kernel: str = "residual", attention: str = "rescaled"
    ) -> None:
        super().__init__()
        self.kernel = None if kernel == "none" else KernelNetwork(channels, width, kernel)
        self.attention = (
            None if attention == "none" else AttentionNetwork(channels, width, attention)
        )

    def forward(self, image: Tensor, text: Tensor) -> tuple[Tensor, Tensor]:
        """Modal-aware map `[B, C, H, W]` and vector `[B, K]`.

        The two networks one after the other, but the map is multiplied once: by the product of what
        its positions and what its channels are multiplied by.
        """
        flat = positions_last(image)  # [B, M, C]
        local = image.new_ones(flat.shape[:2])
        if self.kernel is not None:
            local, whole = self.kernel.factors(image, text)
            text = text * whole
        if self.attention is None:
            gate = local[:, :, None]
        else:
            # The mean over positions of the reweighed map, without making that map.
            pooled = (local[:, None] @ flat)[:, 0] / flat.shape[1]  # [B, C]
            channels, units = self.attention.factors(pooled, text)
            gate, text = local[:, :, None] @ channels[:, None], text * units  # [B, M, C]
        image = (flat * gate).unflatten(1, image.shape[2:]).permute(0, 3, 1, 2)
        return image, text


def positions_last(image: Tensor) -> Tensor:
    """A map `[B, C, H, W]` as `[B, H·W, C]`; a view where its channels lie last."""
    return image.permute(0, 2, 3, 1).flatten(1, 2)
