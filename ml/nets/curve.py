"""The low-light network: per-pixel tone curves predicted from a small picture.

Every pixel value ``x`` in 0..1 is moved ``STEPS`` times by ``x += a * x * (1 - x)`` with ``a`` in -1..1, which
keeps 0 and 1 where they are, stays within 0..1 and is monotone. The network predicts the ``a``, so it can
only relight a picture, never invent structure. Curve form: Guo et al., "Zero-Reference Deep Curve Estimation
for Low-Light Image Enhancement", CVPR 2020; architecture, training and weights are this project's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

STEPS = 8
MULTIPLE = 16
"""Height and width of the input must be multiples of this."""


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class CurveNet(nn.Module):
    """Predicts curve maps and applies them."""

    def __init__(self, widths: tuple[int, int, int, int] = (24, 32, 48, 64)) -> None:
        super().__init__()
        a, b, c, d = widths
        # The picture twice: as it is, and with its shadows stretched so that dark detail is visible to the net.
        self.down = nn.ModuleList([_conv(6, a, 2), _conv(a, b, 2), _conv(b, c, 2), _conv(c, d, 2)])
        self.bottom = _conv(d, d)
        self.overall = nn.Sequential(nn.Linear(d, d), nn.ReLU(), nn.Linear(d, d))
        self.up = nn.ModuleList([_conv(d + c, c), _conv(c + b, b), _conv(b + a, a)])
        self.head = _conv(a, 3 * STEPS)
        nn.init.zeros_(self.head.weight)  # no curve: training starts from the picture as it is

    def curves(self, image: Tensor) -> Tensor:
        """The curve maps ``(N, 3 * STEPS, H / 2, W / 2)`` in -1..1 of RGB pictures ``(N, 3, H, W)`` in 0..1."""
        x = torch.cat([image, image.clamp(min=1e-4) ** 0.4], 1) - 0.5
        skips: list[Tensor] = []
        for layer in self.down:
            x = functional.relu(layer(x))
            skips.append(x)
        x = functional.relu(self.bottom(x))
        x = x + self.overall(x.mean((2, 3)))[:, :, None, None]
        for layer, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = functional.relu(layer(torch.cat([x, skip], 1)))
        return torch.tanh(self.head(x))

    def forward(self, image: Tensor) -> Tensor:
        """Curve maps at the picture's own size: ``(N, 3 * STEPS, H, W)`` in -1..1, steps outermost.

        Args:
            image: ``(N, 3, H, W)`` float32 sRGB in 0..1; H and W multiples of ``MULTIPLE``.
        """
        return functional.interpolate(
            self.curves(image), scale_factor=2.0, mode="bilinear", align_corners=False
        )


def apply_curves(image: Tensor, maps: Tensor) -> Tensor:
    """Move ``image`` (N, 3, H, W) along the curves ``maps`` (N, 3 * STEPS, H, W); stays in 0..1."""
    for a in maps.chunk(STEPS, 1):
        image = image + a * image * (1 - image)
    return image


def build() -> CurveNet:
    """The network, weights not loaded, in eval mode."""
    return CurveNet().eval()
