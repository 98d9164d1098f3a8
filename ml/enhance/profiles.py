"""RGB profiles of the matrix kind in floating point: Pillow's colour management has 8 bits, some files have 16.

Source: ICC.1:2022, 8.3.3 (three-component matrix-based profiles), 10.6 and 10.18 (the curves).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

LEVELS = 1 << 16
_BAND = 1 << 20  # pixels converted at a time


@dataclass(frozen=True)
class Matrix:
    """Device values to light: ``curves`` three tables ``(65536,) float32``, then ``to_xyz`` ``(3, 3)`` to XYZ (D50)."""

    curves: tuple[NDArray[np.float32], ...]
    to_xyz: NDArray[np.float64]


def matrix_of(profile: bytes) -> Matrix | None:
    """What a profile says; None if it is damaged or of another kind: tables, other colours
    than RGB, or a black that is none and that colour management has to bring down.
    """
    try:
        (count,) = struct.unpack_from(">I", profile, 128)
        if profile[16:24] != b"RGB XYZ " or count > 200:
            return None
        entries = (struct.unpack_from(">4sII", profile, 132 + 12 * number) for number in range(count))
        tags = {name: profile[offset : offset + size] for name, offset, size in entries}
        if b"A2B0" in tags or b"A2B1" in tags:
            return None
        columns = [struct.unpack_from(">3i", tags[name], 8) for name in (b"rXYZ", b"gXYZ", b"bXYZ")]
        curves = tuple(_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC"))
    except (struct.error, KeyError, ValueError):
        return None
    if max(curve[0] for curve in curves) > 1e-3:
        return None
    return Matrix(curves, np.array(columns, np.float64).T / 65536)


def _curve(tag: bytes) -> NDArray[np.float32]:
    """A tone curve as a table.

    Raises:
        ValueError, struct.error: it is damaged or of an unknown kind.
    """
    values = np.linspace(0.0, 1.0, LEVELS)
    kind, number = tag[:4], struct.unpack_from(">I", tag, 8)[0]
    if kind == b"curv" and number == 1:
        values = values ** (struct.unpack_from(">H", tag, 12)[0] / 256)
    elif kind == b"curv" and number > 1:
        table = np.frombuffer(tag, ">u2", number, 12) / 65535
        values = np.interp(values, np.linspace(0.0, 1.0, number), table)
    elif kind == b"para":
        values = _formula(values, number >> 16, tag)
    elif kind != b"curv":
        raise ValueError(f"unknown curve {kind!r}")
    return np.clip(np.nan_to_num(values), 0.0, 1.0).astype(np.float32)


def _formula(x: NDArray[np.float64], kind: int, tag: bytes) -> NDArray[np.float64]:
    """Parametric curves 0 to 4: Y = (a X + b) ** g + e from d on, below it c X + f."""
    count = (1, 3, 4, 5, 7)[kind] if kind < 5 else 0
    if not count:
        raise ValueError("unknown formula")
    given = [value / 65536 for value in struct.unpack_from(f">{count}i", tag, 12)]
    g, a, b, c, d, e, f = given + [0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][count:]
    if kind in (1, 2):
        # Here the fourth value, if any, is added everywhere, and the break is where the base becomes 0.
        c, d, e, f = 0.0, -b / a if a else 2.0, c, c
    base = np.maximum(a * x + b, 0.0)
    with np.errstate(all="ignore"):
        return np.where(x >= d, base**g + e, c * x + f)


def convert(pixels: NDArray[np.uint16], source: Matrix, target: Matrix) -> NDArray[np.float32]:
    """``(H, W, 3) uint16`` of one profile to ``float32`` 0..1 of another; colours that it lacks are clipped."""
    matrix = (np.linalg.inv(target.to_xyz) @ source.to_xyz).astype(np.float32)
    # Tables over the square root of light are as fine in the shadows as in the lights.
    ramp = np.linspace(0.0, 1.0, LEVELS)
    back = [np.interp(ramp**2, curve, ramp).astype(np.float32) for curve in target.curves]
    result = np.empty(pixels.shape, np.float32)
    rows = max(1, _BAND // pixels.shape[1])
    for top in range(0, len(pixels), rows):
        part: Any = pixels[top : top + rows]
        light = np.stack([np.take(source.curves[c], part[:, :, c]) for c in range(3)], axis=2) @ matrix.T
        index = (np.sqrt(np.clip(light, 0.0, 1.0)) * np.float32(LEVELS - 1) + np.float32(0.5)).astype(
            np.uint16
        )
        for c in range(3):
            result[top : top + rows, :, c] = np.take(back[c], index[:, :, c])
    return result
