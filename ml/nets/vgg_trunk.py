"""The first ten convolutions of VGG16: the feature space in which style and content are compared.

Simonyan & Zisserman, "Very Deep Convolutional Networks for Large-Scale Image Recognition", ICLR 2015. The weights come
from an edge detector (HED; Xie & Tu, ICCV 2015) whose trunk started from ImageNet and was barely moved; its layers
2_2 and 3_3 feed edge maps and are sparse, so that style and content are read elsewhere (``STYLE``, ``CONTENT``).
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

from ml.formats.h5 import read_arrays

WIDTHS = {"1_1": 64, "1_2": 64, "2_1": 128, "2_2": 128, "3_1": 256, "3_2": 256, "3_3": 256, "4_1": 512}
STYLE = ("1_1", "2_1", "3_1", "4_1")
CONTENT = "3_1"
_KERAS = ("conv2d", "conv2d_1", "conv2d_2")


def _key(layer: str) -> str:
    """The module name of a layer; dots and digits alone are no identifiers."""
    return f"conv{layer}"


class VggTrunk(nn.Module):
    """``(N, 3, H, W)`` RGB in 0..1 -> the activations of ``STYLE``, in that order; ReLU after every convolution."""

    def __init__(self) -> None:
        super().__init__()
        width = 3
        for layer, outputs in WIDTHS.items():
            self.add_module(_key(layer), nn.Conv2d(width, outputs, 3, padding=1))
            width = outputs
        self.mean: Tensor
        # Mean of the ImageNet pixels in the order of the weights: blue, green, red.
        self.register_buffer(
            "mean", torch.tensor([103.939, 116.779, 123.68]).view(1, 3, 1, 1), persistent=False
        )

    def features(self, image: Tensor, last: str = "4_1") -> dict[str, Tensor]:
        """Activations by layer name, up to and including ``last``."""
        x = image.flip(1) * 255.0 - self.mean.to(image.dtype)
        found: dict[str, Tensor] = {}
        for layer in WIDTHS:
            if layer.endswith("_1") and layer != "1_1":
                x = functional.max_pool2d(x, 2)
            x = functional.relu(self.get_submodule(_key(layer))(x))
            found[layer] = x
            if layer == last:
                break
        return found

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """The activations of ``STYLE``; see the class."""
        found = self.features(image)
        return tuple(found[layer] for layer in STYLE)


def gram(features: Tensor) -> Tensor:
    """How the channels occur together, ``(N, C, C)`` in 32-bit floats: Gatys et al.'s description of style."""
    # Channels last, as the features lie in memory: no copy here, and none of the gradient on the way back.
    flat = features.permute(0, 2, 3, 1).flatten(1, 2)
    return (flat.transpose(1, 2) @ flat).float() / flat.shape[1]


def convert(files: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """The state dict from the Keras file ``weights``.

    Raises:
        ml.formats.h5.H5FormatError: the file does not hold the trunk.
    """
    places = {layer: f"block{layer[0]}/layers/{_KERAS[int(layer[2]) - 1]}/vars" for layer in WIDTHS}
    names = [f"{place}/{part}" for place in places.values() for part in (0, 1)]
    arrays = read_arrays(files["weights"], names)
    state: dict[str, NDArray[Any]] = {}
    for layer, place in places.items():
        state[f"{_key(layer)}.weight"] = arrays[f"{place}/0"].transpose(3, 2, 0, 1).astype(np.float32)
        state[f"{_key(layer)}.bias"] = arrays[f"{place}/1"].astype(np.float32)
    return state


def build() -> VggTrunk:
    """The trunk, weights not loaded, in eval mode."""
    return VggTrunk().eval()
