"""RRDBNet as used by realesrgan-x4plus, the "best" super-resolution network.

Wang et al., "ESRGAN: Enhanced Super-Resolution Generative Adversarial Networks", ECCVW 2018, trained as in
"Real-ESRGAN", ICCVW 2021 (code and weights BSD-3-Clause).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml.formats.ncnn import NcnnFormatError, convolutions, read_ncnn

SCALE = 4
FEATURES, GROWTH, BLOCKS = 64, 32, 23


def _leaky(x: Tensor) -> Tensor:
    return functional.leaky_relu(x, 0.2)


class DenseBlock(nn.Module):
    """Five convolutions, each seeing all earlier outputs; the result is a fifth of the change."""

    def __init__(self) -> None:
        super().__init__()
        ins = [FEATURES + n * GROWTH for n in range(5)]
        outs = [GROWTH] * 4 + [FEATURES]
        self.convs = nn.ModuleList([nn.Conv2d(a, b, 3, padding=1) for a, b in zip(ins, outs, strict=True)])

    def forward(self, x: Tensor) -> Tensor:
        """``(N, 64, H, W)`` -> the same shape."""
        seen = [x]
        for conv in self.convs[:-1]:
            seen.append(_leaky(conv(torch.cat(seen, 1))))
        return self.convs[-1](torch.cat(seen, 1)) * 0.2 + x


class Rrdb(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> ``(N, 3, 4 H, 4 W)``, not clamped."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_first = nn.Conv2d(3, FEATURES, 3, padding=1)
        self.body = nn.ModuleList([nn.Sequential(*(DenseBlock() for _ in range(3))) for _ in range(BLOCKS)])
        self.conv_body = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.conv_up1 = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.conv_up2 = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.conv_hr = nn.Conv2d(FEATURES, FEATURES, 3, padding=1)
        self.conv_last = nn.Conv2d(FEATURES, 3, 3, padding=1)

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge; see the class."""
        start = self.conv_first(image)
        x = start
        for block in self.body:
            x = block(x) * 0.2 + x
        x = start + self.conv_body(x)
        for conv in (self.conv_up1, self.conv_up2):
            x = _leaky(conv(functional.interpolate(x, scale_factor=2.0, mode="nearest")))
        return self.conv_last(_leaky(self.conv_hr(x)))


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The state dict from ``param`` and ``bin``.

    Raises:
        NcnnFormatError: the files do not hold this network.
    """
    found = convolutions(read_ncnn(files["param"], files["bin"]))
    names = ["conv_first"]
    names += [f"body.{b}.{d}.convs.{c}" for b in range(BLOCKS) for d in range(3) for c in range(5)]
    names += ["conv_body", "conv_up1", "conv_up2", "conv_hr", "conv_last"]
    if len(found) != len(names):
        raise NcnnFormatError("this is not an RRDB network of 23 blocks")
    state: dict[str, NDArray[Any]] = {}
    for name, (weight, bias) in zip(names, found, strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    return state


def build() -> Rrdb:
    """The network, weights not loaded, in eval mode."""
    return Rrdb().eval()
