"""Reads ncnn models: the text graph (``.param``) and the weights (``.bin``), in the order of the graph.

A ``.param`` file is the magic number, a line of two counts, then one layer a line:
``type name n_in n_out inputs... outputs... key=value...``. The ``.bin`` file holds the layers' weights one after
another without names. A convolution begins with a 4-byte tag: 0x01306B47 announces 16-bit floats padded to 4
bytes, 0 announces 32-bit floats; biases, slopes and constants are plain 32-bit floats.

Source: the layout as described by the ncnn project (BSD-3-Clause). Only the layer types of the super-resolution
networks are known here; another one with weights is refused rather than guessed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

MAGIC = "7767517"
_HALF = 0x01306B47
_WEIGHTLESS = frozenset(
    {"Input", "Split", "BinaryOp", "Swish", "Sigmoid", "Concat", "PixelShuffle", "Interp", "Eltwise"}
)


class NcnnFormatError(ValueError):
    """The two files do not fit together or use something this reader does not know."""


@dataclass(frozen=True)
class Layer:
    """One layer: its type, name, blobs, scalar options by number, and weights.

    ``weights`` holds for a Convolution ``weight`` (out, in, k, k) and ``bias`` (out,), for a PReLU ``slope`` (n,),
    for MemoryData ``data`` with the shape the graph gives. All float32.
    """

    kind: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    options: dict[int, str]
    weights: dict[str, Array] = field(default_factory=dict)

    def integer(self, key: int, default: int = 0) -> int:
        """The option ``key`` as an integer."""
        return int(self.options.get(key, default))


def read_ncnn(param: Path, binary: Path) -> list[Layer]:
    """All layers in graph order, weights included.

    Raises:
        NcnnFormatError: malformed text, an unknown layer with weights, or bytes missing or left over.
    """
    layers = _read_graph(param.read_text(encoding="ascii", errors="replace"))
    source = _Bytes(binary.read_bytes())
    for layer in layers:
        if layer.kind == "Convolution":
            layer.weights.update(_convolution(layer, source))
        elif layer.kind == "PReLU":
            layer.weights["slope"] = source.floats(layer.integer(0), layer.name)
        elif layer.kind == "MemoryData":
            shape = tuple(n for n in (layer.integer(2), layer.integer(1), layer.integer(0)) if n)
            layer.weights["data"] = source.floats(int(np.prod(shape)), layer.name).reshape(shape)
        elif layer.kind not in _WEIGHTLESS:
            raise NcnnFormatError(f"layer {layer.name} has the unknown type {layer.kind}")
    if source.left:
        raise NcnnFormatError(f"{source.left} bytes are left over after the last layer")
    return layers


def convolutions(layers: list[Layer]) -> list[tuple[Array, Array]]:
    """The (weight, bias) of every convolution, in order."""
    return [(x.weights["weight"], x.weights["bias"]) for x in layers if x.kind == "Convolution"]


def _read_graph(text: str) -> list[Layer]:
    lines = [line for line in text.splitlines() if line.strip()]
    if len(lines) < 2 or lines[0].strip() != MAGIC:
        raise NcnnFormatError("this is not an ncnn .param file")
    try:
        count = int(lines[1].split()[0])
        layers = [_layer(line) for line in lines[2:]]
    except (ValueError, IndexError) as error:
        raise NcnnFormatError(f"malformed .param file: {error}") from error
    if count != len(layers):
        raise NcnnFormatError(f"the file announces {count} layers and has {len(layers)}")
    return layers


def _layer(line: str) -> Layer:
    words = line.split()
    ins, outs = int(words[2]), int(words[3])
    rest = words[4 + ins + outs :]
    if len(words) < 4 + ins + outs:
        raise ValueError(f"layer {words[1]} names too few blobs")
    options = {int(key): value for key, value in (word.split("=", 1) for word in rest)}
    return Layer(
        words[0], words[1], tuple(words[4 : 4 + ins]), tuple(words[4 + ins : 4 + ins + outs]), options
    )


class _Bytes:
    """The weight file, read from front to back."""

    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, 0

    @property
    def left(self) -> int:
        return len(self._data) - self._position

    def take(self, dtype: str, count: int, name: str) -> NDArray[np.generic]:
        size = np.dtype(dtype).itemsize * count
        if size > self.left:
            raise NcnnFormatError(f"the weights end inside layer {name}")
        values = np.frombuffer(self._data, dtype, count, self._position)
        self._position += size
        return values

    def floats(self, count: int, name: str) -> Array:
        return self.take("<f4", count, name).astype(np.float32)


def _convolution(layer: Layer, source: _Bytes) -> dict[str, Array]:
    outputs, kernel, count = layer.integer(0), layer.integer(1, 1), layer.integer(6)
    tall = layer.integer(11, kernel)
    if outputs <= 0 or kernel <= 0 or count <= 0 or count % (outputs * kernel * tall):
        raise NcnnFormatError(f"layer {layer.name} has impossible sizes")
    tag = int(source.take("<u4", 1, layer.name)[0])
    if tag == _HALF:
        flat = source.take("<f2", count, layer.name).astype(np.float32)
        source.take("u1", -2 * count % 4, layer.name)
    elif tag == 0:
        flat = source.floats(count, layer.name)
    else:
        raise NcnnFormatError(f"layer {layer.name} stores its weights in an unknown way ({tag:#x})")
    bias = source.floats(outputs, layer.name) if layer.integer(5) else np.zeros(outputs, np.float32)
    return {"weight": flat.reshape(outputs, -1, tall, kernel), "bias": bias}
