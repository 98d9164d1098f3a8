"""The painters: one small network that repaints a photo, with a hand of its own for every painting it was trained on.

Encoder, residual blocks and decoder after Johnson, Alahi & Fei-Fei, "Perceptual Losses for Real-Time Style Transfer and
Super-Resolution", ECCV 2016. What is a painting's own are the scale and shift behind every normalisation (Dumoulin,
Shlens & Kudlur, "A Learned Representation For Artistic Style", ICLR 2017), two thousand numbers each. What the network
draws is added to a smoothed photo, so that training starts from doing nothing. Widths, training and weights are this
project's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

PAINTINGS = 9
SHRUNK = 4
"""Sides of pictures are multiples of this."""
_WIDTHS = (24, 48, 96)
_BLOCKS = 5


class Hand(nn.Module):
    """Instance normalisation, then the painting's own scale and shift; keeps the shape ``(N, C, H, W)``."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(PAINTINGS, channels))
        self.shift = nn.Parameter(torch.zeros(PAINTINGS, channels))

    def forward(self, x: Tensor, painting: Tensor) -> Tensor:
        x = functional.instance_norm(x.float(), eps=1e-4)
        # A sum and no matrix product: it stays exact where training multiplies matrices in 16 bits.
        scale, shift = (
            (painting[:, :, None] * own).sum(1)[:, :, None, None] for own in (self.scale, self.shift)
        )
        return x * scale + shift


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, padding_mode="reflect")


class _Block(nn.Module):
    """Two convolutions beside the way straight on."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first, self.first_hand = _convolution(channels, channels, 3), Hand(channels)
        self.second, self.second_hand = _convolution(channels, channels, 3), Hand(channels)

    def forward(self, x: Tensor, painting: Tensor) -> Tensor:
        y = functional.relu(self.first_hand(self.first(x), painting))
        out: Tensor = x + self.second_hand(self.second(y), painting)
        return out


class _Layer(nn.Module):
    """A convolution in the painting's hand, and ReLU; the picture is doubled before it where told."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, double: bool = False
    ) -> None:
        super().__init__()
        self.doubled = double
        self.convolution, self.hand = _convolution(inputs, outputs, kernel, stride), Hand(outputs)

    def forward(self, x: Tensor, painting: Tensor) -> Tensor:
        if self.doubled:
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
        return functional.relu(self.hand(self.convolution(x), painting))


class Painter(nn.Module):
    """See ``forward``."""

    def __init__(self) -> None:
        super().__init__()
        fine, middle, coarse = _WIDTHS
        self.down = nn.ModuleList(
            [_Layer(6, fine, 5), _Layer(fine, middle, 3, 2), _Layer(middle, coarse, 3, 2)]
        )
        self.blocks = nn.ModuleList([_Block(coarse) for _ in range(_BLOCKS)])
        self.up = nn.ModuleList(
            [_Layer(coarse, middle, 3, double=True), _Layer(middle, fine, 3, double=True)]
        )
        self.last = _convolution(fine, 3, 5)
        nn.init.normal_(self.last.weight, std=1e-3)
        assert self.last.bias is not None
        nn.init.zeros_(self.last.bias)

    def forward(self, picture: Tensor, painting: Tensor) -> Tensor:
        """Paint.

        Args:
            picture: ``(N, 6, H, W)`` RGB in 0..1: the photo in the painting's palette, smoothed and then as it is;
                H and W are multiples of ``SHRUNK``.
            painting: ``(N, PAINTINGS)``, 1 at the painting and 0 elsewhere; shares mix hands.

        Returns:
            ``(N, 3, H, W)`` RGB, about 0..1.
        """
        x = picture * 2 - 1
        for part in (self.down, self.blocks, self.up):
            for layer in part:
                x = layer(x, painting)
        return picture[:, :3].float() + self.last(x).float()


def build() -> Painter:
    """The network, weights not loaded, in eval mode."""
    return Painter().eval()
