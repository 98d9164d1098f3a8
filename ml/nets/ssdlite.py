"""SSDLite on MobileNetV2: 80 kinds of objects in one look at a 300 x 300 picture.

Papers: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks", CVPR 2018; Liu et al.,
"SSD: Single Shot MultiBox Detector", ECCV 2016. Weights: ``ssdlite_mobilenet_v2_coco`` of the
TensorFlow object detection models (Apache-2.0), as a TensorFlow.js graph with most batch normalisations
folded; what is left is folded here. Strided layers pad as TensorFlow's SAME does: the odd pixel goes to
the right and the bottom.
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

from ml.formats.tfjs import read_weights

# COCO numbers its classes 1 to 90 and leaves these out.
_UNUSED_IDS = frozenset({12, 26, 29, 30, 45, 66, 68, 69, 71, 83})
_USED = tuple(number - 1 for number in range(1, 91) if number not in _UNUSED_IDS)

_STRIDES = (1, 2, 1, 2, 1, 1, 2, 1, 1, 1, 1, 1, 1, 2, 1, 1, 1)
_CHANNELS = (16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320)
_EXTRAS = ((256, 512), (128, 256), (128, 256), (64, 128))
_ANCHORS_PER_CELL = (3, 6, 6, 6, 6, 6)
_TAP = 13  # this block's expanded features feed the first predictor
_SCALES = (10.0, 5.0)  # of centre and size in the box code


def same_padding(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Pad ``(N, C, H, W)`` as TensorFlow's SAME does for this kernel and stride."""
    amounts: list[int] = []
    for side in (int(x.shape[3]), int(x.shape[2])):  # plain ints: traced shapes would export a wrong division
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        amounts += [total // 2, total - total // 2]
    return functional.pad(x, amounts) if any(amounts) else x


class ConvRelu6(nn.Module):
    """Convolution with SAME padding and bias, then ReLU6 unless told otherwise."""

    def __init__(
        self, inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1, act: bool = True
    ):
        super().__init__()
        self.kernel, self.stride, self.act = kernel, stride, act
        self.conv = nn.Conv2d(inputs, outputs, kernel, stride, groups=groups)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(same_padding(x, self.kernel, self.stride))
        return functional.relu6(x) if self.act else x


class InvertedResidual(nn.Module):
    """MobileNetV2's block; ``forward`` also returns the expanded features."""

    def __init__(self, inputs: int, outputs: int, stride: int, expand: int):
        super().__init__()
        middle = inputs * expand
        self.expand = ConvRelu6(inputs, middle, 1) if expand > 1 else nn.Identity()
        self.depthwise = ConvRelu6(middle, middle, 3, stride, groups=middle)
        self.project = ConvRelu6(middle, outputs, 1, act=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        expanded = self.expand(x)
        out = self.project(self.depthwise(expanded))
        return (x + out if self.residual else out), expanded


class Predictor(nn.Module):
    """A depthwise 3 x 3 and a 1 x 1 convolution: ``width`` numbers for every anchor, ``(N, anchors,
    width)``."""

    def __init__(self, inputs: int, anchors: int, width: int):
        super().__init__()
        self.width = width
        self.depthwise = ConvRelu6(inputs, inputs, 3, groups=inputs)
        self.out = nn.Conv2d(inputs, anchors * width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(self.depthwise(x)).permute(0, 2, 3, 1).flatten(1).unflatten(1, (-1, self.width))


class SSDLite(nn.Module):
    """The detector without its non-maximum suppression.

    ``forward`` takes ``(N, 3, 300, 300)`` RGB in -1..1 and returns boxes ``(N, 1917, 4)`` as left, top,
    right, bottom in 0..1 of the picture (not clipped) and class scores ``(N, 1917, 80)`` in 0..1.
    """

    anchors: Tensor
    used: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.stem = ConvRelu6(3, 32, 3, 2)
        inputs = [32, *_CHANNELS[:-1]]
        self.blocks = nn.ModuleList(
            InvertedResidual(i, o, s, 1 if n == 0 else 6)
            for n, (i, o, s) in enumerate(zip(inputs, _CHANNELS, _STRIDES, strict=True))
        )
        self.head = ConvRelu6(_CHANNELS[-1], 1280, 1)
        self.extras = nn.ModuleList()
        features = [inputs[_TAP] * 6, 1280]
        for narrow, wide in _EXTRAS:
            self.extras.append(
                nn.Sequential(
                    ConvRelu6(features[-1], narrow, 1),
                    ConvRelu6(narrow, narrow, 3, 2, groups=narrow),
                    ConvRelu6(narrow, wide, 1),
                )
            )
            features.append(wide)
        pairs = list(zip(features, _ANCHORS_PER_CELL, strict=True))
        self.boxes = nn.ModuleList(Predictor(channels, anchors, 4) for channels, anchors in pairs)
        self.classes = nn.ModuleList(Predictor(channels, anchors, 91) for channels, anchors in pairs)
        self.register_buffer("anchors", torch.zeros(1917, 4))  # centre y, centre x, height, width
        self.register_buffer("used", torch.tensor(_USED) + 1, persistent=False)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.stem(image)
        features: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            x, expanded = block(x)
            if number == _TAP:
                features.append(expanded)
        features.append(self.head(x))
        for extra in self.extras:
            features.append(extra(features[-1]))
        codes = torch.cat([predict(f) for predict, f in zip(self.boxes, features, strict=True)], 1)
        logits = torch.cat([predict(f) for predict, f in zip(self.classes, features, strict=True)], 1)
        return self._decode(codes), torch.sigmoid(logits.index_select(2, self.used))

    def _decode(self, codes: Tensor) -> Tensor:
        """Box codes (dy, dx, log height, log width, relative to the anchors) to corners."""
        anchor_centre, anchor_size = self.anchors[:, :2], self.anchors[:, 2:]
        centre = codes[..., :2] / _SCALES[0] * anchor_size + anchor_centre
        half = torch.exp(codes[..., 2:] / _SCALES[1]) * anchor_size / 2
        return torch.cat([(centre - half).flip(-1), (centre + half).flip(-1)], -1)


def build() -> nn.Module:
    """The network in eval mode, without weights."""
    return SSDLite().eval()


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[np.float32]]:
    """The state dict from the TensorFlow.js files.

    Args:
        files: ``model.json`` and every shard by the name that the manifest gives it.

    Raises:
        TfjsFormatError: the files do not fit together.
        KeyError: the graph is another one.
    """
    weights = read_weights(files["model.json"], files)
    state: dict[str, NDArray[np.float32]] = {}
    root = "FeatureExtractor/MobilenetV2/"
    _take_dense(state, "stem", weights, root + "Conv")
    for number in range(len(_STRIDES)):
        block = root + "expanded_conv" + (f"_{number}" if number else "")
        if number:
            _take_dense(state, f"blocks.{number}.expand", weights, block + "/expand")
        _take_depthwise(state, f"blocks.{number}.depthwise", weights, block + "/depthwise")
        _take_dense(state, f"blocks.{number}.project", weights, block + "/project")
    _take_dense(state, "head", weights, root + "Conv_1")
    for number, (narrow, wide) in enumerate(_EXTRAS):
        first = f"{root}layer_19_1_Conv2d_{number + 2}_1x1_{narrow}"
        second = f"{root}layer_19_2_Conv2d_{number + 2}_3x3_s2_{wide}"
        _take_dense(state, f"extras.{number}.0", weights, first)
        _take_depthwise(state, f"extras.{number}.1", weights, second + "_depthwise")
        _take_dense(state, f"extras.{number}.2", weights, second)
    for number in range(len(_ANCHORS_PER_CELL)):
        for ours, theirs in (("boxes", "BoxEncodingPredictor"), ("classes", "ClassPredictor")):
            _take_predictor(state, f"{ours}.{number}", weights, f"BoxPredictor_{number}/{theirs}")
    top, left, bottom, right = np.split(weights["Postprocessor/ExpandDims"][0], 4, axis=1)
    anchors = [(top + bottom) / 2, (left + right) / 2, bottom - top, right - left]
    state["anchors"] = np.concatenate(anchors, axis=1).astype(np.float32)
    return state


State = dict[str, NDArray[np.float32]]
Weights = Mapping[str, NDArray[Any]]


def _take_dense(state: State, ours: str, weights: Weights, theirs: str) -> None:
    kernel = weights[f"{theirs}/Conv2D/merged_input"]
    state[f"{ours}.conv.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1))
    state[f"{ours}.conv.bias"] = weights[f"{theirs}/BatchNorm/batchnorm/sub"]


def _take_depthwise(state: State, ours: str, weights: Weights, theirs: str) -> None:
    kernel = weights[f"{theirs}/depthwise_weights"].transpose(2, 3, 0, 1)
    scale = weights[f"{theirs}/BatchNorm/batchnorm/mul"]
    state[f"{ours}.conv.weight"] = np.ascontiguousarray(kernel * scale[:, None, None, None])
    state[f"{ours}.conv.bias"] = weights[f"{theirs}/BatchNorm/batchnorm/sub"]


def _take_predictor(state: State, ours: str, weights: Weights, theirs: str) -> None:
    norm = f"{theirs}_depthwise/BatchNorm/"
    deviation = np.sqrt(weights[norm + "moving_variance"].astype(np.float32) + np.float32(1e-3))
    scale = weights[norm + "gamma"].astype(np.float32) / deviation
    kernel = weights[f"{theirs}_depthwise/depthwise_weights"].transpose(2, 3, 0, 1)
    state[f"{ours}.depthwise.conv.weight"] = np.ascontiguousarray(kernel * scale[:, None, None, None])
    offset = weights[norm + "beta"] - weights[norm + "moving_mean"] * scale
    state[f"{ours}.depthwise.conv.bias"] = offset.astype(np.float32)
    state[f"{ours}.out.weight"] = np.ascontiguousarray(weights[f"{theirs}/weights"].transpose(3, 2, 0, 1))
    state[f"{ours}.out.bias"] = weights[f"{theirs}/biases"]
