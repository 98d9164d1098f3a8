"""SRVGGNetCompact as used by realesr-animevideov3, the "cleanup" super-resolution network.

Wang et al., "Real-ESRGAN: Training Real-World Blind Super-Resolution with Pure Synthetic Data", ICCVW 2021 (code
and weights BSD-3-Clause).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml.formats.ncnn import NcnnFormatError, convolutions, read_ncnn

SCALE = 4


class Srvgg(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> ``(N, 3, 4 H, 4 W)``, not clamped: a plain chain beside nearest enlargement."""

    def __init__(self, features: int = 64, depth: int = 16) -> None:
        super().__init__()
        sizes = [3] + [features] * (depth + 1)
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in pairwise(sizes)])
        self.slopes = nn.ModuleList([nn.PReLU(features) for _ in range(depth + 1)])
        self.last = nn.Conv2d(features, 3 * SCALE * SCALE, 3, padding=1)
        self.shuffle = nn.PixelShuffle(SCALE)

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge; see the class."""
        x = image
        for conv, slope in zip(self.convs, self.slopes, strict=True):
            x = slope(conv(x))
        base = functional.interpolate(image, scale_factor=float(SCALE), mode="nearest")
        return self.shuffle(self.last(x)) + base


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The state dict from ``param`` and ``bin``.

    Raises:
        NcnnFormatError: the files do not hold this network.
    """
    layers = read_ncnn(files["param"], files["bin"])
    found = convolutions(layers)
    slopes = [layer.weights["slope"] for layer in layers if layer.kind == "PReLU"]
    if len(found) != 18 or len(slopes) != 17:
        raise NcnnFormatError("this is not the animevideov3 network")
    state: dict[str, NDArray[Any]] = {}
    names = [f"convs.{n}" for n in range(17)] + ["last"]
    for name, (weight, bias) in zip(names, found, strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    for number, slope in enumerate(slopes):
        state[f"slopes.{number}.weight"] = slope
    return state


def build() -> Srvgg:
    """The network, weights not loaded, in eval mode."""
    return Srvgg().eval()
