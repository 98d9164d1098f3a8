"""The feed-forward style network: one painting, one pass.

After Johnson et al., "Perceptual Losses for Real-Time Style Transfer and Super-Resolution", ECCV 2016, with instance
normalisation (Ulyanov et al. 2016), a quarter of the channels, bilinear enlargement (no checkerboards) and an
output that starts as the picture itself: ``sigmoid(0.6 logit(x) + change)``. Architecture details, training and
weights are this project's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLE = 4
"""Height and width of the input must be multiples of this."""


class _Layer(nn.Module):
    """Reflection padding, convolution, instance normalisation."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.pad = kernel // 2
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride=stride, bias=False)
        self.norm = nn.InstanceNorm2d(outputs, affine=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(self.conv(functional.pad(x, [self.pad] * 4, mode="reflect")))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _Layer(channels, channels, 3)
        self.second = _Layer(channels, channels, 3)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.relu(self.first(x)))


class Styler(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> the same shape and range; H and W multiples of ``MULTIPLE``, at least 16."""

    def __init__(self, width: int = 16, residuals: int = 5) -> None:
        super().__init__()
        self.down = nn.ModuleList(
            [_Layer(3, width, 9), _Layer(width, 2 * width, 3, 2), _Layer(2 * width, 4 * width, 3, 2)]
        )
        self.middle = nn.Sequential(*(_Residual(4 * width) for _ in range(residuals)))
        self.up = nn.ModuleList([_Layer(4 * width, 2 * width, 3), _Layer(2 * width, width, 3)])
        self.last = nn.Conv2d(width, 3, 5)
        nn.init.normal_(self.last.weight, std=1e-3)
        nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]  # a convolution made with its bias

    def forward(self, image: Tensor) -> Tensor:
        """Paint; see the class."""
        x = image - 0.5
        for layer in self.down:
            x = functional.relu(layer(x))
        x = self.middle(x)
        for layer in self.up:
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = functional.relu(layer(x))
        change = self.last(functional.pad(x, [2, 2, 2, 2], mode="reflect"))
        return torch.sigmoid(0.6 * torch.logit(image.clamp(0.01, 0.99)) + change)


def build() -> Styler:
    """The network, weights not loaded, in eval mode."""
    return Styler().eval()
