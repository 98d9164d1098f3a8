"""Two small descriptions of a picture: a placeholder shown while it loads, and a hash that finds its
copies.
"""

from __future__ import annotations

import base64
import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float64]


def thumbhash(image: Image.Image) -> str:
    """The ThumbHash of an RGB or RGBA picture, base64: about 25 bytes that a browser turns into a blurred
    picture.

    The format is Evan Wallace's (public algorithm, 2023): luminance, two colour differences and alpha, each
    as a few cosine terms in four bits. Written for numpy from that description.
    """
    small = image.convert("RGBA")
    small.thumbnail((100, 100), Image.Resampling.BOX)
    width, height = small.size
    rgba = np.asarray(small, dtype=np.float64) / 255
    alpha = rgba[..., 3]
    weight = alpha.sum()
    average = (rgba[..., :3] * alpha[..., None]).sum((0, 1)) / weight if weight else np.zeros(3)
    red, green, blue = np.moveaxis(average * (1 - alpha[..., None]) + rgba[..., :3] * alpha[..., None], 2, 0)

    has_alpha = bool(weight < width * height)
    terms = 5 if has_alpha else 7  # less room for luminance where alpha needs some
    across = max(1, _round(terms * width / max(width, height)))
    down = max(1, _round(terms * height / max(width, height)))
    light = _cosines((red + green + blue) / 3, max(3, across), max(3, down))
    yellow = _cosines((red + green) / 2 - blue, 3, 3)
    magenta = _cosines(red - green, 3, 3)
    landscape = width > height

    head = _round(63 * light[0]) | _round(31.5 + 31.5 * yellow[0]) << 6
    head |= _round(31.5 + 31.5 * magenta[0]) << 12 | _round(31 * light[2]) << 18 | has_alpha << 23
    shape = (down if landscape else across) | _round(63 * yellow[2]) << 3
    shape |= _round(63 * magenta[2]) << 9 | landscape << 15
    result = head.to_bytes(3, "little") + shape.to_bytes(2, "little")
    nibbles = [*light[1], *yellow[1], *magenta[1]]
    if has_alpha:
        opacity = _cosines(alpha, 5, 5)
        result += bytes([_round(15 * opacity[0]) | _round(15 * opacity[2]) << 4])
        nibbles += opacity[1]
    nibbles += [0] * (len(nibbles) % 2)
    result += bytes(low | high << 4 for low, high in zip(nibbles[::2], nibbles[1::2], strict=True))
    return base64.b64encode(result).decode()


def _cosines(channel: Floats, across: int, down: int) -> tuple[float, list[int], float]:
    """(mean, other terms as 0..15, the largest of them): the low cosine terms of one channel."""
    height, width = channel.shape
    rows = np.cos(np.pi / height * np.outer(np.arange(down), np.arange(height) + 0.5))
    columns = np.cos(np.pi / width * np.outer(np.arange(across), np.arange(width) + 0.5))
    terms = rows @ channel @ columns.T / (width * height)
    triangle = [(y, x) for y in range(down) for x in range(across) if x * down < across * (down - y)]
    kept = [float(terms[place]) for place in triangle]
    scale = max((abs(term) for term in kept[1:]), default=0.0)
    levels = [_round(15 * (0.5 + 0.5 / scale * term)) if scale else 0 for term in kept[1:]]
    return kept[0], levels, scale


def _round(value: float) -> int:
    return math.floor(value + 0.5)  # halves go up as in JavaScript, so that hashes agree with other writers'


def phash(image: Image.Image) -> int:
    """A 64-bit perceptual hash as a signed integer: a scaled or recompressed copy differs in a few bits.

    The 8 x 8 lowest cosine terms of a 32 x 32 grey picture, each compared with their median (Zauner 2010,
    "Implementation and benchmarking of perceptual image hash functions"). Compare two by counting differing
    bits.
    """
    grey = image.convert("RGBA")
    white = Image.new("RGBA", grey.size, "white")
    grey = Image.alpha_composite(white, grey).convert("L").resize((32, 32), Image.Resampling.LANCZOS)
    basis = np.cos(np.pi / 32 * np.outer(np.arange(8), np.arange(32) + 0.5))
    terms = basis @ np.asarray(grey, dtype=np.float64) @ basis.T
    ordered = np.sort(terms, axis=None)
    bits = terms.flatten() > (ordered[31] + ordered[32]) / 2
    return int.from_bytes(np.packbits(bits).tobytes(), "big", signed=True)
