"""Heat maps as pictures to lay over a photo."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

_STOPS = np.array([0.0, 0.35, 0.65, 1.0])
_RED, _GREEN, _BLUE = (60, 255, 255, 220), (90, 200, 120, 20), (220, 60, 20, 30)
_STRONGEST = 190  # alpha where the heat is 1: the photo stays visible


def paint(heat: NDArray[np.float32]) -> bytes:
    """``(H, W)`` values in 0..1 as an RGBA PNG: blue through yellow to red, transparent at 0."""
    from PIL import Image

    value = np.clip(heat, 0, 1)
    colours = [np.interp(value, _STOPS, stops) for stops in (_RED, _GREEN, _BLUE)]
    pixels = np.stack([*colours, value * _STRONGEST], -1).round().astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(buffer, "PNG")
    return buffer.getvalue()
