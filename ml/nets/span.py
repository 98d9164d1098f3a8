"""SPAN, the "faithful" super-resolution network, in its re-parameterised form.

Wan et al., "Swift Parameter-free Attention Network for Efficient Super-Resolution", CVPRW 2024 (code and weights
Apache-2.0). The published weights used here are the merged 3x3 convolutions; the three-branch blocks that
existed during training do not.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml.formats.ncnn import NcnnFormatError, convolutions, read_ncnn

BLOCKS = 6


class SpanBlock(nn.Module):
    """Three convolutions whose last output, through a shifted sigmoid, is its own attention."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.c1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.c2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.c3 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The block's output and its first, activated, feature map."""
        first = functional.silu(self.c1(x))
        last = self.c3(functional.silu(self.c2(first)))
        return (last + x) * (torch.sigmoid(last) - 0.5), first


class Span(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> ``(N, 3, H * scale, W * scale)``, not clamped: noise goes far beyond 0..1."""

    def __init__(self, scale: int, channels: int = 48) -> None:
        super().__init__()
        self.conv_1 = nn.Conv2d(3, channels, 3, padding=1)
        self.blocks = nn.ModuleList([SpanBlock(channels) for _ in range(BLOCKS)])
        self.conv_2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.conv_cat = nn.Conv2d(4 * channels, channels, 1)
        self.upsampler = nn.Conv2d(channels, 3 * scale * scale, 3, padding=1)
        self.shuffle = nn.PixelShuffle(scale)
        self.mean: Tensor
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Enlarge; see the class."""
        start = self.conv_1((image - self.mean) * 255.0)
        x, after_first, inner = start, start, start
        for number, block in enumerate(self.blocks):
            x, inner = block(x)
            if number == 0:
                after_first = x
        x = self.conv_cat(torch.cat([start, self.conv_2(x), after_first, inner], 1))
        return self.shuffle(self.upsampler(x))


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The state dict from ``param`` and ``bin``.

    Raises:
        NcnnFormatError: the files do not hold a SPAN network of six blocks.
    """
    layers = read_ncnn(files["param"], files["bin"])
    constants = [layer.weights["data"] for layer in layers if layer.kind == "MemoryData"]
    found = convolutions(layers)
    names = ["conv_1"]
    names += [f"blocks.{n}.{c}" for n in range(BLOCKS) for c in ("c1", "c2", "c3")]
    names += ["conv_2", "conv_cat", "upsampler"]
    if len(found) != len(names) or len(constants) != 1 or constants[0].size != 3:
        raise NcnnFormatError("this is not a SPAN network")
    state: dict[str, NDArray[Any]] = {"mean": constants[0].reshape(1, 3, 1, 1).astype(np.float32)}
    for name, (weight, bias) in zip(names, found, strict=True):
        state[f"{name}.weight"], state[f"{name}.bias"] = weight, bias
    return state


def build_x2() -> Span:
    """The x2 network, weights not loaded, in eval mode."""
    return Span(2).eval()


def build_x4() -> Span:
    """The x4 network, weights not loaded, in eval mode."""
    return Span(4).eval()
