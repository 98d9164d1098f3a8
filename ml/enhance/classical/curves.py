"""Luma, histograms and tone curves: what the tone, colour and filter operations are made of.

Curves are tables of 65,536 values over 0..1, so the 256 levels of an 8-bit picture fall exactly on table
entries.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance.operation import Pixels

Curve = NDArray[np.float32]
LEVELS = 1 << 16
BINS = 16 * 255 + 1  # the 256 levels of 8 bits are exactly every 16th
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # Rec. 601, the weights of JPEG's own Y


def ramp() -> NDArray[np.float64]:
    """The inputs of a curve: 65,536 values from 0 to 1."""
    return np.linspace(0.0, 1.0, LEVELS)


def to_linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Undo the sRGB transfer curve (IEC 61966-2-1)."""
    return np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)


def from_linear(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Apply the sRGB transfer curve to light in 0..1."""
    values = np.clip(values, 0.0, 1.0)
    return np.where(values <= 0.0031308, values * 12.92, 1.055 * values ** (1 / 2.4) - 0.055)


def as_curve(values: NDArray[np.float64]) -> Curve:
    """Clip to 0..1 and store as a table."""
    return np.clip(values, 0.0, 1.0).astype(np.float32)


def apply_curves(image: Pixels, curves: tuple[Curve, ...]) -> Pixels:
    """Look every pixel up: one curve for all channels, or one per channel. ``image`` (H, W, 3) in 0..1."""
    index = np.clip(image * (LEVELS - 1) + 0.5, 0, LEVELS - 1).astype(np.uint16)
    if len(curves) == 1:
        return np.take(curves[0], index)
    return np.stack([np.take(curve, index[:, :, c]) for c, curve in enumerate(curves)], axis=2)


def luma(image: Pixels) -> Pixels:
    """Weighted brightness ``(H, W)`` of ``(H, W, 3)``."""
    return np.asarray(cv2.transform(image, LUMA.reshape(1, 3)), np.float32).reshape(image.shape[:2])


def with_luma(image: Pixels, old: Pixels, new: Pixels) -> Pixels:
    """Change the luma from ``old`` to ``new`` (both ``(H, W)``).

    Half of the change scales the colour, half is added to it: scaling alone makes dark pixels' noise garish,
    adding alone washes them out. Grey stays grey, and luma is met exactly unless a channel clips.
    """
    scaled = image * np.clip(new / np.maximum(old, 1e-4), 0.0, 4.0)[:, :, None]
    added = image + (new - old)[:, :, None]
    return np.clip(0.5 * scaled + 0.5 * added, 0.0, 1.0).astype(np.float32)


def histogram(plane: Pixels, visible: NDArray[np.bool_] | None) -> NDArray[np.int64]:
    """Counts of 4,081 levels of a plane in 0..1, over the visible pixels."""
    values = plane.ravel() if visible is None else plane[visible]
    counts = np.zeros(BINS, np.int64)
    for start in range(0, values.size, 1 << 20):
        index = np.clip(values[start : start + (1 << 20)] * (BINS - 1) + 0.5, 0, BINS - 1).astype(np.intp)
        counts += np.bincount(index, minlength=BINS)
    return counts


def percentile(counts: NDArray[np.int64], share: float) -> float:
    """The level (0..1) below which ``share`` (0..1) of the counted pixels lie; 0 for an empty histogram."""
    total = int(counts.sum())
    if total == 0:
        return 0.0
    return float(np.searchsorted(np.cumsum(counts), share * total, side="left").clip(0, BINS - 1)) / (
        BINS - 1
    )


def equalising_curve(counts: NDArray[np.int64]) -> Curve:
    """The curve that flattens a histogram, (cdf - cdf_min) / (n - cdf_min); none for a single level."""
    cumulated = np.cumsum(counts)
    total = int(cumulated[-1])
    first = int(counts[np.argmax(counts > 0)])
    if total == first:
        return as_curve(ramp())
    levels = (cumulated - first) / (total - first)
    return as_curve(np.interp(ramp() * (BINS - 1), np.arange(BINS), levels))


def blend(original: Pixels, changed: Pixels, amount: float) -> Pixels:
    """``original`` at 0, ``changed`` at 1."""
    if amount == 1.0:
        return changed
    return np.asarray(original + np.float32(amount) * (changed - original), np.float32)
