"""The three small networks of MTCNN: propose face windows, refine them, place five landmarks.

Paper: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", IEEE Signal Processing Letters 2016. Weights: the authors' Caffe models as facenet-pytorch
2.6.0 (MIT) converted them. The cascade around the networks is in ``ml.tasks.faces``. Each takes RGB
``(x - 127.5) / 128``; regressions are in units of the window's side, in the order left, top, right,
bottom.

Deviation: facenet-pytorch flattens features column-major as Caffe did; here the first dense layer's
columns are reordered at conversion instead, so that the forward pass flattens plainly.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def _stage(inputs: int, outputs: int, kernel: int, pool: int = 0) -> nn.Sequential:
    """Convolution and PReLU, then a max pooling of ``pool`` with stride 2 that keeps partial windows."""
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, kernel), nn.PReLU(outputs)]
    if pool:
        layers.append(nn.MaxPool2d(pool, 2, ceil_mode=True))
    return nn.Sequential(*layers)


class ProposalNet(nn.Module):
    """P-Net, fully convolutional: a 12 x 12 window every 2 pixels.

    ``forward`` takes ``(N, 3, H, W)``, H and W >= 12, and returns face probabilities ``(N, h, w)`` and
    box regressions ``(N, 4, h, w)``; cell (y, x) looks at the window whose top left corner is (2y, 2x).
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(_stage(3, 10, 3, pool=2), _stage(10, 16, 3), _stage(16, 32, 3))
        self.face = nn.Conv2d(32, 2, 1)
        self.box = nn.Conv2d(32, 4, 1)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        x = self.features(image)
        return torch.softmax(self.face(x), 1)[:, 1], self.box(x)


class RefinementNet(nn.Module):
    """R-Net: ``(N, 3, 24, 24)`` windows to face probabilities ``(N,)`` and box regressions ``(N, 4)``."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(_stage(3, 28, 3, pool=3), _stage(28, 48, 3, pool=3), _stage(48, 64, 2))
        self.dense = nn.Sequential(nn.Linear(576, 128), nn.PReLU(128))
        self.face = nn.Linear(128, 2)
        self.box = nn.Linear(128, 4)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor]:
        x = self.dense(self.features(windows).flatten(1))
        return torch.softmax(self.face(x), 1)[:, 1], self.box(x)


class OutputNet(nn.Module):
    """O-Net: ``(N, 3, 48, 48)`` windows to probabilities ``(N,)``, boxes ``(N, 4)`` and landmarks ``(N,
    10)``.

    Landmarks are five x, then five y, in 0..1 of the window: left eye, right eye, nose, left and right
    mouth corner, left meaning left in the picture.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _stage(3, 32, 3, pool=3), _stage(32, 64, 3, pool=3), _stage(64, 64, 3, pool=2), _stage(64, 128, 2)
        )
        self.dense = nn.Sequential(nn.Linear(1152, 256), nn.PReLU(256))
        self.face = nn.Linear(256, 2)
        self.box = nn.Linear(256, 4)
        self.landmarks = nn.Linear(256, 10)

    def forward(self, windows: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        x = self.dense(self.features(windows).flatten(1))
        return torch.softmax(self.face(x), 1)[:, 1], self.box(x), self.landmarks(x)


def build_proposal() -> nn.Module:
    """P-Net in eval mode, without weights."""
    return ProposalNet().eval()


def build_refinement() -> nn.Module:
    """R-Net in eval mode, without weights."""
    return RefinementNet().eval()


def build_output() -> nn.Module:
    """O-Net in eval mode, without weights."""
    return OutputNet().eval()


def convert_proposal(files: Mapping[str, Path]) -> dict[str, NDArray[np.float32]]:
    """P-Net's state dict from ``pnet.pt``."""
    theirs = _load(files["pnet.pt"])
    return {**_features(theirs, 3), **_heads(theirs, {"conv4_1": "face", "conv4_2": "box"})}


def convert_refinement(files: Mapping[str, Path]) -> dict[str, NDArray[np.float32]]:
    """R-Net's state dict from ``rnet.pt``."""
    theirs = _load(files["rnet.pt"])
    heads = {"dense5_1": "face", "dense5_2": "box"}
    return {**_features(theirs, 3), **_dense(theirs, "dense4", "prelu4", 64), **_heads(theirs, heads)}


def convert_output(files: Mapping[str, Path]) -> dict[str, NDArray[np.float32]]:
    """O-Net's state dict from ``onet.pt``."""
    theirs = _load(files["onet.pt"])
    heads = {"dense6_1": "face", "dense6_2": "box", "dense6_3": "landmarks"}
    return {**_features(theirs, 4), **_dense(theirs, "dense5", "prelu5", 128), **_heads(theirs, heads)}


State = dict[str, NDArray[np.float32]]


def _load(path: Path) -> State:
    state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.numpy().astype(np.float32) for name, tensor in state.items()}


def _features(theirs: State, stages: int) -> State:
    state: State = {}
    for number in range(stages):
        state[f"features.{number}.0.weight"] = theirs[f"conv{number + 1}.weight"]
        state[f"features.{number}.0.bias"] = theirs[f"conv{number + 1}.bias"]
        state[f"features.{number}.1.weight"] = theirs[f"prelu{number + 1}.weight"]
    return state


def _dense(theirs: State, layer: str, activation: str, channels: int) -> State:
    weight = theirs[f"{layer}.weight"]
    # Columns run over (width, height, channels); ours over (channels, height, width). All windows are
    # square.
    side = round((weight.shape[1] / channels) ** 0.5)
    columns = weight.reshape(len(weight), side, side, channels).transpose(0, 3, 2, 1)
    return {
        "dense.0.weight": np.ascontiguousarray(columns.reshape(len(weight), -1)),
        "dense.0.bias": theirs[f"{layer}.bias"],
        "dense.1.weight": theirs[f"{activation}.weight"],
    }


def _heads(theirs: State, names: Mapping[str, str]) -> State:
    return {
        f"{ours}.{kind}": theirs[f"{name}.{kind}"]
        for name, ours in names.items()
        for kind in ("weight", "bias")
    }
