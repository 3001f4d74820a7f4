"""MCB: multimodal hashing with bilinear pooling (Fukui et al. 2016; zeng2022, §VI-C)."""

from typing import Literal

import torch
from torch import Tensor, nn

from mmhash_nb.hashers.options import option
from mmhash_nb.hashers.single_code import JointHasher


class CompactBilinearPooling(nn.Module):
    """MCB: the outer product of both vectors in a count sketch (Fukui et al. 2016, Algorithm 1).

    Ψ(x)[h_j] += s_j x_j with fixed random h and s; the sketch of the outer product a ⊗ b is the
    circular convolution of Ψ(a) and Ψ(b), which is a product in the Fourier domain. Then signed
    square root and unit length. zeng2022 does not say how wide its sketch is.

    Args:
        image, text: widths of the inputs. width: d of the sketch.
    """

    image_place: Tensor
    image_sign: Tensor
    text_place: Tensor
    text_sign: Tensor

    def __init__(self, image: int, text: int, width: int = 2048) -> None:
        super().__init__()
        self.n_outputs = width
        for name, size in (("image", image), ("text", text)):
            self.register_buffer(f"{name}_place", torch.randint(width, (size,)))
            self.register_buffer(f"{name}_sign", torch.randint(2, (size,)).float() * 2 - 1)

    def sketch(self, x: Tensor, place: Tensor, sign: Tensor) -> Tensor:
        """Ψ(x), `[B, width]`, of `[B, size]`."""
        return x.new_zeros(len(x), self.n_outputs).index_add(1, place, x * sign)

    def bilinear(self, image: Tensor, text: Tensor) -> Tensor:
        """The sketch of the outer product, before the square root, `[B, width]`."""
        a = self.sketch(image.float(), self.image_place, self.image_sign)
        b = self.sketch(text.float(), self.text_place, self.text_sign)
        return torch.fft.irfft(torch.fft.rfft(a) * torch.fft.rfft(b), n=self.n_outputs)

    def forward(self, image: Tensor, text: Tensor) -> Tensor:
        """`[B, width]`."""
        product = self.bilinear(image, text)
        # The root has no slope at zero, where most of a sketch lies: it starts a little beside it.
        rooted = product.sign() * ((product.abs() + 1e-8).sqrt() - 1e-4)
        return nn.functional.normalize(rooted, dim=1)


class MCB(JointHasher):
    """Concatenation's network with compact bilinear pooling in its place."""

    fusion = CompactBilinearPooling

    class Options(JointHasher.Options):
        fusion: Literal["mcb"] = option("mcb", "how both vectors become one")
