"""The dehazing network: how much of the scene's light arrives (transmission) and the colour of the haze.

Model of a hazy picture (Koschmieder; used by He et al., "Single Image Haze Removal Using Dark Channel Prior",
CVPR 2009): ``I = J t + A (1 - t)``. The network predicts ``t`` per pixel and ``A`` once, from a small picture; the
clear picture ``J`` follows by arithmetic at full size. Architecture, training and weights are this project's own.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

MULTIPLE = 16
"""Height and width of the input must be multiples of this."""


def _conv(inputs: int, outputs: int, stride: int = 1) -> nn.Conv2d:
    return nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1)


class HazeNet(nn.Module):
    """Predicts transmission and airlight."""

    def __init__(self, widths: tuple[int, int, int, int] = (24, 32, 48, 64)) -> None:
        super().__init__()
        a, b, c, d = widths
        self.down = nn.ModuleList([_conv(4, a, 2), _conv(a, b, 2), _conv(b, c, 2), _conv(c, d, 2)])
        self.bottom = nn.ModuleList([_conv(d, d), _conv(d, d)])
        self.overall = nn.Sequential(nn.Linear(2 * d, d), nn.ReLU(), nn.Linear(d, d))
        self.up = nn.ModuleList([_conv(d + c, c), _conv(c + b, b), _conv(b + a, a)])
        self.transmission = _conv(a, 1)
        self.where = nn.Conv2d(d, 1, 1)
        self.correction = nn.Linear(d, 3)
        nn.init.zeros_(self.correction.weight)
        nn.init.ones_(self.transmission.bias)  # type: ignore[arg-type]  # made with its bias; nearly clear air

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Transmission ``(N, 1, H, W)`` in 0..1 and airlight ``(N, 3)`` in 0..1.

        Args:
            image: ``(N, 3, H, W)`` float32 sRGB in 0..1; H and W multiples of ``MULTIPLE``.
        """
        # Haze shows where even the darkest channel of a neighbourhood is bright: give the net that picture.
        dark = -functional.max_pool2d(-image.amin(1, keepdim=True), 7, stride=1, padding=3)
        x = torch.cat([image, dark], 1) - 0.5
        skips: list[Tensor] = []
        for layer in self.down:
            x = functional.relu(layer(x))
            skips.append(x)
        for layer in self.bottom:
            x = functional.relu(layer(x)) + x
        pooled = torch.cat([x.mean((2, 3)), x.amax((2, 3))], 1)
        overall = self.overall(pooled)
        airlight = self._airlight(image, x, overall)
        x = x + overall[:, :, None, None]
        for layer, skip in zip(self.up, reversed(skips[:-1]), strict=True):
            x = functional.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = functional.relu(layer(torch.cat([x, skip], 1)))
        t = torch.sigmoid(self.transmission(x))
        return functional.interpolate(t, scale_factor=2.0, mode="bilinear", align_corners=False), airlight

    def _airlight(self, image: Tensor, deep: Tensor, overall: Tensor) -> Tensor:
        """A colour looked up in the picture where the haze is thickest, then corrected."""
        colours = functional.avg_pool2d(image, 16).flatten(2)
        weights = torch.softmax(self.where(deep).flatten(2), dim=2)
        found = (colours * weights).sum(2).clamp(0.02, 0.98)
        return torch.sigmoid(torch.logit(found) + self.correction(overall))


def build() -> HazeNet:
    """The network, weights not loaded, in eval mode."""
    return HazeNet().eval()
