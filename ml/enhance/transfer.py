"""Carries an effect computed on a small copy over to the full-size picture.

In every small window the effect is taken for a straight line per channel, ``out = a * in + b``, fitted on the small
copy (the guided filter's model: He, Sun & Tang, "Guided Image Filtering", ECCV 2010; enlarged as in He & Sun, "Fast
Guided Filter", 2015). Lines are smooth, so that they can be enlarged without losing the detail of the full picture,
and a network whose cost grows with the picture's size runs once at a fixed size.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from ml.enhance.operation import EnhanceContext, Pixels

LUMA = np.array([0.299, 0.587, 0.114], np.float32)


class Lines(NamedTuple):
    """Slopes and offsets, ``(h, w, C)`` float32 each: one straight line per pixel of the small copy and channel."""

    slope: Pixels
    offset: Pixels


def eased(strength: float) -> float:
    """A slider's 0..1 as the share of the effect: fine steps near the full effect, where they are wanted; 0.8 gives
    0.96.
    """
    return 1 - (1 - strength) ** 2


def shrink(image: Pixels, long_side: int, multiple: int = 1) -> Pixels:
    """A copy whose long side is about ``long_side`` and whose sides are multiples of ``multiple``.

    A picture that is smaller already is enlarged only as far as ``multiple`` demands.
    """
    height, width = image.shape[:2]
    scale = min(1.0, long_side / max(height, width))
    h, w = (max(multiple, round(side * scale / multiple) * multiple) for side in (height, width))
    how = cv2.INTER_AREA if h * w < height * width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(image, (w, h), interpolation=how), np.float32).reshape(h, w, -1)


def box(image: Pixels, radius: int) -> Pixels:
    """The mean over a square window of ``2 * radius + 1`` pixels; at the edges the picture is mirrored."""
    side = 2 * radius + 1
    return np.asarray(cv2.boxFilter(image, -1, (side, side), borderType=cv2.BORDER_REFLECT_101), np.float32)


def fit(before: Pixels, after: Pixels, radius: int = 8, eps: float = 1e-5) -> Lines:
    """The lines that lead from ``before`` to ``after``, ``(h, w, C)`` in 0..1 both, channel by channel.

    Args:
        before: the small copy.
        after: what the effect made of it.
        radius: of the window in pixels.
        eps: how readily a flat window is taken for noise. Dark pictures vary by little, so that 1e-3, usual
            elsewhere, turns their shadows to fog.
    """
    mean_before, mean_after = box(before, radius), box(after, radius)
    together = box(before * after, radius) - mean_before * mean_after
    alone = box(before * before, radius) - mean_before * mean_before
    slope = np.asarray(together / (np.maximum(alone, 0) + eps), np.float32)
    offset = mean_after - slope * mean_before
    return Lines(box(slope, radius), box(offset, radius))


def guided(source: Pixels, guide: Pixels, radius: int, eps: float) -> Lines:
    """The guided filter's lines from a one-channel ``guide`` ``(h, w)`` to a map ``source`` ``(h, w)``."""
    lines = fit(guide[..., None], source[..., None], radius, eps)
    return Lines(lines.slope.reshape(source.shape), lines.offset.reshape(source.shape))


class Enlarged:
    """A small map ``(h, w[, C])`` seen at full size, rows at a time: bilinear, in bounded memory."""

    def __init__(self, small: Pixels, height: int, width: int) -> None:
        rows = small.shape[0]
        self._wide = np.asarray(cv2.resize(small, (width, rows), interpolation=cv2.INTER_LINEAR), np.float32)
        position = np.clip((np.arange(height) + 0.5) * rows / height - 0.5, 0, rows - 1)
        self._upper = np.minimum(position.astype(np.int64), max(0, rows - 2))
        self._share = (position - self._upper).astype(np.float32)
        self._lower = np.minimum(self._upper + 1, rows - 1)

    def rows(self, top: int, bottom: int) -> Pixels:
        """Rows ``top`` to ``bottom`` (exclusive), ``(bottom - top, width[, C])``."""
        share = self._share[top:bottom].reshape(-1, *[1] * (self._wide.ndim - 1))
        found = self._wide[self._lower[top:bottom]]
        upper = self._wide[self._upper[top:bottom]]
        found -= upper
        found *= share
        found += upper
        return found


def bands(image: Pixels, context: EnhanceContext) -> list[tuple[int, int]]:
    """Row ranges of about ``context.band_pixels`` pixels."""
    height, width = image.shape[:2]
    step = max(1, context.band_pixels // max(1, width))
    return [(top, min(height, top + step)) for top in range(0, height, step)]


def apply(image: Pixels, lines: Lines, context: EnhanceContext) -> Pixels:
    """Move a full-size picture ``(H, W, C)`` along lines fitted on its small copy; the result is clipped to 0..1.

    Raises:
        Cancelled: the context asked to stop.
    """
    height, width = image.shape[:2]
    slope, offset = Enlarged(lines.slope, height, width), Enlarged(lines.offset, height, width)
    result = np.empty_like(image)
    for top, bottom in bands(image, context):
        context.check()
        part = slope.rows(top, bottom).reshape(bottom - top, width, -1)
        part *= image[top:bottom]
        part += offset.rows(top, bottom).reshape(part.shape)
        np.clip(part, 0, 1, out=result[top:bottom])
    return result
