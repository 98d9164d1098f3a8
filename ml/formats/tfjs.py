"""Reads the weights of a TensorFlow.js model (``model.json`` and its binary shards) without TensorFlow.

``weightsManifest`` lists groups; a group's files joined in order hold its tensors one after another, little
endian and without padding. A tensor may be stored quantised: float16 is cast back, uint8 and uint16 are
``value * scale + min``.

Source: the TensorFlow.js converter's description of its format (Apache-2.0), read for the layout only.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_STORED = {"float32": "<f4", "float16": "<f2", "int32": "<i4", "uint8": "u1", "uint16": "<u2", "bool": "u1"}


class TfjsFormatError(ValueError):
    """The manifest and the binary files do not fit together."""


def read_weights(model_json: Path, shards: Mapping[str, Path]) -> dict[str, NDArray[Any]]:
    """All tensors by TensorFlow name, in TensorFlow's own layout (convolutions are height, width, in, out).

    Args:
        model_json: the model's ``model.json``.
        shards: where each file named in ``weightsManifest[*].paths`` lies.

    Raises:
        TfjsFormatError: a file is missing, or bytes are missing or left over.
    """
    manifest = json.loads(model_json.read_text(encoding="utf-8")).get("weightsManifest")
    if not isinstance(manifest, list):
        raise TfjsFormatError(f"{model_json.name} has no weightsManifest")
    tensors: dict[str, NDArray[Any]] = {}
    for group in manifest:
        missing = [name for name in group["paths"] if name not in shards]
        if missing:
            raise TfjsFormatError(f"{model_json.name} names a file that was not given: {missing[0]}")
        data = b"".join(shards[name].read_bytes() for name in group["paths"])
        position = 0
        for spec in group["weights"]:
            tensors[spec["name"]], position = _tensor(spec, data, position)
        if position != len(data):
            raise TfjsFormatError(f"{len(data) - position} bytes are left over after the last tensor")
    return tensors


def _tensor(spec: Mapping[str, Any], data: bytes, position: int) -> tuple[NDArray[Any], int]:
    """The tensor that ``spec`` describes at ``position``, and the position after it."""
    quantization = spec.get("quantization")
    stored = quantization["dtype"] if quantization else spec["dtype"]
    if stored not in _STORED:
        raise TfjsFormatError(f"{spec['name']} has the unknown type {stored}")
    dtype = np.dtype(_STORED[stored])
    count = int(np.prod(spec["shape"], dtype=np.int64))
    end = position + count * dtype.itemsize
    if end > len(data):
        raise TfjsFormatError(f"the data ends inside {spec['name']}")
    values: NDArray[Any] = np.frombuffer(data, dtype, count=count, offset=position).reshape(spec["shape"])
    if quantization:
        values = values.astype(np.float32)
        if "scale" in quantization:
            values = values * np.float32(quantization["scale"]) + np.float32(quantization["min"])
    return values.astype(spec["dtype"]), end
