"""A canvas for painted photos: noise combed along the shapes of a photo, and in swirls where it has none.

Noise averaged along the lines of a field is a picture of that field (Cabral & Leedom, "Imaging Vector Fields Using Line
Integral Convolution", SIGGRAPH 1993). The field here runs along edges, by the smoothed structure tensor (Förstner &
Gülch, 1987), and round the hills of a smooth random landscape where there are no edges.
"""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

from ml.enhance.operation import Pixels
from ml.enhance.transfer import LUMA

# At half of the picture's size, where all this is worked out: strokes are a few pixels wide.
_SWIRL = 24.0  # width of the hills that swirls go round (Gaussian)
_EDGE_SIGMA = 4.0  # over how much edges are smoothed
_SWIRLED = 1e-5  # what swirls count beside edges
_STROKE = 8  # half of a stroke's length


def canvas(picture: Pixels) -> Pixels:
    """The canvas that fits a picture.

    Args:
        picture: ``(H, W, 3)`` float32 in 0..1, sides of 4 at least.

    Returns:
        ``(H, W)`` float32, mean about 0 and standard deviation 1; the same for the same picture.
    """
    height, width = picture.shape[:2]
    small = cv2.resize(picture @ LUMA, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
    noise, hills = np.random.default_rng(0).standard_normal((2, *small.shape), np.float32)
    field = _along(np.asarray(small, np.float32), cv2.GaussianBlur(hills, (0, 0), _SWIRL))
    grown = cv2.resize(_combed(noise, field), (width, height))
    return np.asarray(grown / grown.std(), np.float32)


def _along(light: Pixels, hills: Pixels) -> Pixels:
    """Unit vectors ``(H, W, 2)`` along the edges of a picture ``(H, W)``, round ``hills`` where it has none."""
    x, y = _slopes(light)
    round_x, round_y = _slopes(hills)
    steep = np.square(round_x) + np.square(round_y) + np.float32(1e-18)
    weight = np.float32(_SWIRLED) / steep
    xx, xy, yy = (
        cv2.GaussianBlur(edge + weight * hill, (0, 0), _EDGE_SIGMA)
        for edge, hill in (
            (x * x, round_x * round_x),
            (x * y, round_x * round_y),
            (y * y, round_y * round_y),
        )
    )
    across = np.arctan2(2 * xy, xx - yy) / 2
    return np.stack([-np.sin(across), np.cos(across)], 2)


def _slopes(picture: Pixels) -> Iterator[Pixels]:
    """The derivatives along x and y."""
    return (np.asarray(cv2.Sobel(picture, cv2.CV_32F, dx, 1 - dx, scale=0.125), np.float32) for dx in (1, 0))


def _combed(noise: Pixels, field: Pixels) -> Pixels:
    """The sum of ``noise`` along the lines of ``field``, ``_STROKE`` pixels to both sides."""
    here = np.indices(noise.shape)[::-1].astype(np.float32).transpose(1, 2, 0)
    total = noise.copy()
    for sense in (1, -1):
        place, way = here, sense * field
        for _ in range(_STROKE):
            place = place + way
            total += _sampled(noise, place, cv2.INTER_LINEAR)
            there = _sampled(field, place, cv2.INTER_NEAREST)
            ahead = (there * way).sum(2, keepdims=True) >= 0  # a line has two senses: keep on going
            way = np.where(ahead, there, -there)
    return total


def _sampled(picture: Pixels, places: Pixels, how: int) -> Pixels:
    """A picture at places ``(H, W, 2)``, x and y; mirrored beyond its edges."""
    return np.asarray(
        cv2.remap(picture, places[..., 0], places[..., 1], how, borderMode=cv2.BORDER_REFLECT_101),
        np.float32,
    )
