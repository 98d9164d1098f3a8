"""The colours of one picture given to another, by the straight map that moves them least.

Pitié & Kokaram, "The Linear Monge-Kantorovitch Linear Colour Mapping for Example-Based Colour Transfer", CVMP 2007: of
all linear maps that give one cloud of colours the mean and covariance of another, the one that changes colours least.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ml.enhance.operation import Pixels

_LEAST = 2e-3
"""Variance every colour axis is taken to have at least: a gray photo is not stretched into a rainbow of its noise."""


class Palette(NamedTuple):
    """Mean ``(3,)`` and covariance ``(3, 3)`` of sRGB values in 0..1."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


def palette(image: Pixels) -> Palette:
    """The palette of a picture ``(H, W, 3)`` in 0..1."""
    colours = image.reshape(-1, 3).astype(np.float64)
    mean = colours.mean(axis=0)
    return Palette(mean, (colours - mean).T @ (colours - mean) / len(colours))


def recoloured(image: Pixels, wanted: Palette, own: Palette | None = None) -> Pixels:
    """The picture in another palette, same shape, clipped to 0..1; ``own`` is its own palette where that is known."""
    mean, covariance = own or palette(image)
    covariance = covariance + _LEAST * np.eye(3)
    root = _power(covariance, 0.5)
    back = _power(covariance, -0.5)
    turn = back @ _power(root @ wanted.covariance @ root, 0.5) @ back
    moved = (image - mean.astype(np.float32)) @ turn.T.astype(np.float32) + wanted.mean.astype(np.float32)
    return np.clip(moved, 0, 1, dtype=np.float32)


def _power(matrix: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    """A power of a symmetric matrix without negative eigenvalues."""
    values, vectors = np.linalg.eigh(matrix)
    return np.asarray((vectors * np.maximum(values, 1e-9) ** exponent) @ vectors.T)
