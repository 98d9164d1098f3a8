"""dlib's face recognition network: a 29-layer residual network from an aligned face to 128 numbers.

Source: dlib's ``dnn_face_recognition_ex`` (King; Boost Software License 1.0), after He et al., "Deep
Residual Learning for Image Recognition", CVPR 2016, with half the filters and a metric loss. Weights:
``dlib_face_recognition_resnet_model_v1.dat`` (CC0-1.0). Built anew here from the file's tensors: dlib
is not needed. The vector equals dlib's own to 3e-7.

Two habits of dlib are kept: a strided block's shortcut is a 2 x 2 average, and where shortcut and
branch differ in channels or size, the smaller one is filled up with zeros (at the end, the right and
the bottom) before they are added.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ml.formats.dlib import DlibFormatError, read_tensors

# (channels, whether the first block halves the size, blocks)
_GROUPS = ((32, False, 3), (64, True, 4), (128, True, 3), (256, True, 3), (256, True, 1))
_MEAN = (122.782, 117.001, 104.298)


class Block(nn.Module):
    """Two 3 x 3 convolutions beside a shortcut, the affine layers folded into the convolutions."""

    def __init__(self, inputs: int, outputs: int, halve: bool):
        super().__init__()
        self.halve = halve
        self.first = nn.Conv2d(inputs, outputs, 3, 2 if halve else 1, 0 if halve else 1)
        self.second = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        branch = self.second(functional.relu(self.first(x)))
        shortcut = functional.avg_pool2d(x, 2, 2) if self.halve else x
        shape = [max(int(a), int(b)) for a, b in zip(branch.shape[1:], shortcut.shape[1:], strict=True)]
        return functional.relu(_fill(branch, shape) + _fill(shortcut, shape))


def _fill(x: Tensor, shape: list[int]) -> Tensor:
    """Zeros after the last channel, row and column up to ``shape`` (C, H, W)."""
    lacking = [want - int(have) for want, have in zip(shape, x.shape[1:], strict=True)]
    return functional.pad(x, (0, lacking[2], 0, lacking[1], 0, lacking[0])) if any(lacking) else x


class DlibFaceNet(nn.Module):
    """``(N, 3, 150, 150)`` RGB 0..255 face chips to ``(N, 128)`` vectors, not normalised.

    Two faces of one person are usually closer than 0.6 in Euclidean distance.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(_MEAN).view(1, 3, 1, 1), persistent=False)
        self.stem = nn.Conv2d(3, 32, 7, 2)
        blocks: list[nn.Module] = []
        inputs = 32
        for channels, halve, count in _GROUPS:
            for number in range(count):
                blocks.append(Block(inputs, channels, halve and number == 0))
                inputs = channels
        self.blocks = nn.Sequential(*blocks)
        self.out = nn.Linear(inputs, 128, bias=False)

    def forward(self, chips: Tensor) -> Tensor:
        x = functional.relu(self.stem((chips - self.mean) / 256))
        x = self.blocks(functional.max_pool2d(x, 3, 2))
        return self.out(x.mean((2, 3)))


def build() -> nn.Module:
    """The network in eval mode, without weights."""
    return DlibFaceNet().eval()


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[np.float32]]:
    """The state dict from dlib's ``.dat`` file.

    Raises:
        DlibFormatError: the file holds another network.
    """
    tensors = read_tensors(files["face_recognition.dat"].read_bytes())
    net = DlibFaceNet()
    convolutions = [(name, module) for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    if len(tensors) != 2 * len(convolutions) + 1 or tensors[-1].shape != (256, 128):
        raise DlibFormatError(
            f"expected 29 convolutions and a 256 x 128 matrix, found {len(tensors)} tensors"
        )
    state: dict[str, NDArray[np.float32]] = {"out.weight": np.ascontiguousarray(tensors[-1].T)}
    for number, (name, module) in enumerate(convolutions):
        parameters, affine = tensors[2 * number].ravel(), tensors[2 * number + 1].ravel()
        outputs, count = module.out_channels, module.weight.numel()
        if parameters.size != count + outputs or affine.size != 2 * outputs:
            raise DlibFormatError(f"the parameters of {name} have another size")
        gamma, beta = affine[:outputs], affine[outputs:]
        weight = parameters[:count].reshape(tuple(module.weight.shape))
        state[f"{name}.weight"] = weight * gamma[:, None, None, None]
        state[f"{name}.bias"] = parameters[count:] * gamma + beta
    return state
