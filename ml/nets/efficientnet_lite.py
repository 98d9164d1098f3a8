"""EfficientNet-Lite in torch: the scene and things classifier, its feature vector and its evidence maps.

Architecture: EfficientNet (Tan & Le, ICML 2019) without squeeze-and-excite, ReLU6 in place of swish, stem and
head not scaled (the "Lite" variants published with TensorFlow TPU, Apache-2.0). Written from the description.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

_BN_EPSILON = 1e-3
# (repeats, kernel, stride, expansion, channels out) of each stage at Lite2's depth (x1.2) and width (x1.1).
_LITE2_STAGES = (
    (1, 3, 1, 1, 16),
    (3, 3, 2, 6, 24),
    (3, 5, 2, 6, 48),
    (4, 3, 2, 6, 88),
    (4, 5, 1, 6, 120),
    (5, 5, 2, 6, 208),
    (1, 3, 1, 6, 352),
)
# The same at Lite0's depth and width, which are EfficientNet-B0's.
_LITE0_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM, _HEAD, _CLASSES = 32, 1280, 1000


class SameConv2d(nn.Conv2d):
    """Convolution with TensorFlow's SAME padding: the odd pixel goes right and bottom.

    Symmetric padding would shift every stride-2 layer by half a pixel and silently cost accuracy.
    """

    def forward(self, x: Tensor) -> Tensor:
        (kh, kw), (sh, sw) = self.kernel_size, self.stride
        height, width = int(x.shape[-2]), int(x.shape[-1])  # plain ints: traced shapes divide by truncation
        down = max((math.ceil(height / sh) - 1) * sh + kh - height, 0)
        across = max((math.ceil(width / sw) - 1) * sw + kw - width, 0)
        if down or across:
            x = F.pad(x, (across // 2, across - across // 2, down // 2, down - down // 2))
        return F.conv2d(x, self.weight, self.bias, self.stride, 0, self.dilation, self.groups)


class ConvBlock(nn.Sequential):
    """Convolution and batch normalisation, with ReLU6 unless ``linear``."""

    def __init__(
        self, channels: int, out: int, kernel: int, stride: int = 1, groups: int = 1, linear: bool = False
    ) -> None:
        super().__init__()
        self.conv = SameConv2d(channels, out, kernel, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(out, eps=_BN_EPSILON)
        if not linear:
            self.act = nn.ReLU6()


class InvertedResidual(nn.Module):
    """Expand, depthwise, project (MobileNetV2's block); adds its input where shapes allow."""

    def __init__(self, channels: int, out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide = channels * expansion
        self.expand = ConvBlock(channels, wide, 1) if expansion != 1 else nn.Identity()
        self.depthwise = ConvBlock(wide, wide, kernel, stride, groups=wide)
        self.project = ConvBlock(wide, out, 1, linear=True)
        self.residual = stride == 1 and channels == out

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(self.depthwise(self.expand(x)))
        return x + y if self.residual else y


class EfficientNetLite(nn.Module):
    """The classifier; see ``forward``."""

    def __init__(self, stages: tuple[tuple[int, int, int, int, int], ...] = _LITE2_STAGES) -> None:
        super().__init__()
        self.stem = ConvBlock(3, _STEM, 3, 2)
        blocks: list[nn.Module] = []
        channels = _STEM
        for repeats, kernel, stride, expansion, out in stages:
            for i in range(repeats):
                blocks.append(InvertedResidual(channels, out, kernel, stride if i == 0 else 1, expansion))
                channels = out
        self.blocks = nn.Sequential(*blocks)
        self.head = ConvBlock(channels, _HEAD, 1)
        self.classifier = nn.Linear(_HEAD, _CLASSES)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Classify pictures.

        Args:
            x: ``(N, 3, S, S)`` float32, (value - 127) / 128; S is 260 for Lite2, 224 for Lite0.

        Returns:
            probabilities ``(N, 1000)``, summing to 1; feature ``(N, 1280)`` of unit length; activation
            ``(N, 1000, S / 32, S / 32)``, rounded up, each class's logit before pooling (class activation maps, Zhou
            et al., CVPR 2016): their mean over space plus the bias is the logit.
        """
        spatial = self.head(self.blocks(self.stem(x)))
        pooled = spatial.mean((2, 3))
        probabilities = self.classifier(pooled).softmax(1)
        activation = F.conv2d(spatial, self.classifier.weight[:, :, None, None])
        return probabilities, F.normalize(pooled, dim=1), activation


def build_lite2() -> EfficientNetLite:
    """EfficientNet-Lite2 without weights, in eval mode."""
    return EfficientNetLite().eval()


def build_lite0() -> EfficientNetLite:
    """EfficientNet-Lite0 without weights, in eval mode."""
    return EfficientNetLite(_LITE0_STAGES).eval()


def convert(files: dict[str, Path]) -> dict[str, NDArray[Any]]:
    """Rename the weights of ``efficientnet-lite*.pth`` (key ``weights``) to this module's names.

    Raises:
        ValueError: the file holds a tensor this network has no place for.
    """
    state = torch.load(files["weights"], map_location="cpu", weights_only=True)
    result: dict[str, NDArray[Any]] = {}
    for key, value in state.items():
        if not key.endswith("num_batches_tracked"):
            result[_renamed(key)] = np.array(value.numpy())
    return result


convert_lite2 = convert  # this name is part of the recipe that installed models were made by


def _renamed(key: str) -> str:
    """``_blocks.3._bn1.weight`` -> ``blocks.3.depthwise.norm.weight``, and so on."""
    *path, leaf = key.split(".")
    if path[0] == "_fc":
        return f"classifier.{leaf}"
    if len(path) == 1:
        part = {
            "_conv_stem": "stem.conv",
            "_bn0": "stem.norm",
            "_conv_head": "head.conv",
            "_bn1": "head.norm",
        }.get(path[0])
        if part:
            return f"{part}.{leaf}"
    elif path[0] == "_blocks" and len(path) == 3:
        part = {
            "_expand_conv": "expand.conv",
            "_bn0": "expand.norm",
            "_depthwise_conv": "depthwise.conv",
            "_bn1": "depthwise.norm",
            "_project_conv": "project.conv",
            "_bn2": "project.norm",
        }.get(path[2])
        # The first block does not expand, and numbers its normalisations like the others.
        if part:
            return f"blocks.{path[1]}.{part}.{leaf}"
    raise ValueError(f"no place for the weight {key}")
