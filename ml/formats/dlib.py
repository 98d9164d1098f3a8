"""Reads the tensors of a dlib network file (``serialize()`` of a ``dlib::net``) without dlib.

The file is the layers one after another, input side first. Every tensor in it is written as a version
(the integer 2), four dimensions (samples, channels, rows, columns) and that many raw little-endian
float32. dlib writes an integer as one byte, the count of value bytes, and the value bytes, low byte
first. Layer names and options lie between the tensors as text; they are skipped by looking for the next
header that makes sense.

Source: dlib's ``serialize.h`` and ``tensor.h`` (Boost Software License 1.0), read for the layout only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_VERSION = b"\x01\x02"
_SMALLEST = 16  # parameters; no layer of a network has fewer


class DlibFormatError(ValueError):
    """The file is not a dlib network, or holds other tensors than expected."""


def read_tensors(data: bytes) -> list[NDArray[np.float32]]:
    """All parameter tensors in the file, in order, each ``(samples, channels) float32``.

    dlib keeps a layer's parameters in one tensor without rows and columns: a convolution's weights
    followed by its bias, or an affine layer's factors followed by its offsets, as ``(total, 1)``; a
    fully connected layer's matrix as ``(inputs, outputs)``. Splitting them is the network's business.
    Tensors with rows and columns do not occur among the parameters, so that what looks like one (and a
    short one) is text between the tensors.

    Raises:
        DlibFormatError: no tensor was found.
    """
    tensors: list[NDArray[np.float32]] = []
    position = 0
    while True:
        position = data.find(_VERSION, position)
        if position < 0:
            break
        header = _dimensions(data, position + len(_VERSION))
        if header is None:
            position += 1
            continue
        shape, start = header
        end = start + 4 * shape[0] * shape[1]
        values = np.frombuffer(data, "<f4", count=shape[0] * shape[1], offset=start)
        tensors.append(values.reshape(shape).astype(np.float32))
        position = end
    if not tensors:
        raise DlibFormatError("no tensor found: this is not a dlib network file")
    return tensors


def _dimensions(data: bytes, position: int) -> tuple[tuple[int, int], int] | None:
    """Samples and channels at ``position`` and where the values begin, or None where no tensor can
    start."""
    dimensions: list[int] = []
    for _ in range(4):
        size = data[position] if position < len(data) else 0
        # A dimension is positive and small: one to four bytes, without a sign bit.
        if not 1 <= size <= 4 or position + 1 + size > len(data):
            return None
        dimensions.append(int.from_bytes(data[position + 1 : position + 1 + size], "little"))
        position += 1 + size
    samples, channels, rows, columns = dimensions
    count = samples * channels
    if rows != 1 or columns != 1 or count < _SMALLEST or position + 4 * count > len(data):
        return None
    return (samples, channels), position
