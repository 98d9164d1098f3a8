"""Reads what an ONNX file says about itself, without onnx or onnxruntime.

An ONNX file is one protocol buffer message; its ``metadata_props`` (field 14) are key and value strings
beside the graph. Walking the outer fields skips the weights unread.

Source: ``onnx.proto`` (Apache-2.0) and the protocol buffers encoding, read for the layout only.
"""

from __future__ import annotations

import mmap
from pathlib import Path

_METADATA = 14
_VARINT, _FIXED64, _LENGTH, _FIXED32 = 0, 1, 2, 5


class OnnxFormatError(ValueError):
    """The file is not an ONNX model."""


def read_metadata(path: Path) -> dict[str, str]:
    """The model's ``metadata_props``; empty if it has none.

    Raises:
        OnnxFormatError: the file is not a protocol buffer.
    """
    if path.stat().st_size == 0:
        raise OnnxFormatError(f"{path.name} is empty")
    found: dict[str, str] = {}
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for number, start, end in _fields(data, 0, len(data)):
            if number == _METADATA:
                parts = {n: data[a:b].decode("utf-8") for n, a, b in _fields(data, start, end)}
                found[parts.get(1, "")] = parts.get(2, "")
    return found


def _fields(data: mmap.mmap, start: int, end: int) -> list[tuple[int, int, int]]:
    """Number and place of every length-delimited field of the message between ``start`` and ``end``."""
    fields: list[tuple[int, int, int]] = []
    position = start
    while position < end:
        tag, position = _varint(data, position, end)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            _, position = _varint(data, position, end)
        elif kind in (_FIXED64, _FIXED32):
            position += 8 if kind == _FIXED64 else 4
        elif kind == _LENGTH:
            length, position = _varint(data, position, end)
            fields.append((number, position, position + length))
            position += length
        else:
            raise OnnxFormatError(f"unknown field type {kind}: this is no ONNX file")
    if position != end:
        raise OnnxFormatError("a field runs past the end: the file is cut short or no ONNX file")
    return fields


def _varint(data: mmap.mmap, position: int, end: int) -> tuple[int, int]:
    """The number at ``position``, seven bits a byte, low ones first; and the position after it."""
    value = shift = 0
    while position < end and shift < 64:
        byte = data[position]
        value |= (byte & 0x7F) << shift
        position += 1
        if byte < 0x80:
            return value, position
        shift += 7
    raise OnnxFormatError("a number does not end: the file is cut short or no ONNX file")
