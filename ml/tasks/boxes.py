"""Arithmetic on boxes that the detectors share. A box is left, top, right, bottom, in any unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]
"""``(N, 4)``: left, top, right, bottom."""

# So many boxes are compared with all worse ones in one step: few steps, and little memory however many there are.
_AT_ONCE = 256


def areas(boxes: Boxes) -> NDArray[np.floating]:
    """``(N,)``: width times height."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def intersections(a: Boxes, b: Boxes) -> NDArray[np.floating]:
    """The shared area of every box of ``a`` with every box of ``b``: ``(A, B)``."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.maximum(width, 0) * np.maximum(height, 0)


def overlaps(a: Boxes, b: Boxes) -> NDArray[np.floating]:
    """Intersection over union of every box of ``a`` with every box of ``b``, in 0..1: ``(A, B)``."""
    shared = intersections(a, b)
    return shared / np.maximum(areas(a)[:, None] + areas(b)[None] - shared, 1e-12)


def suppress(
    boxes: Boxes, scores: NDArray[np.floating], threshold: float, *, smaller: bool = False
) -> NDArray[np.intp]:
    """Non-maximum suppression: the indices to keep, best score first.

    Args:
        boxes: the candidates.
        scores: ``(N,)``.
        threshold: a box that overlaps a better one by more than this goes.
        smaller: measure the overlap against the smaller box's area rather than the union.
    """
    order = np.argsort(-scores, kind="stable")
    if len(order) < 2:
        return order
    ranked = boxes[order]
    sizes = areas(ranked)
    alive = np.ones(len(order), bool)
    for start in range(0, len(order), _AT_ONCE):
        rows = start + np.flatnonzero(alive[start : start + _AT_ONCE])
        shared = intersections(ranked[rows], ranked[start:])
        mine, others = sizes[rows, None], sizes[None, start:]
        whole = np.minimum(mine, others) if smaller else mine + others - shared
        apart = shared <= threshold * np.maximum(whole, 1e-12)
        for row, untouched in zip(rows, apart, strict=True):
            if alive[row]:
                alive[start:] &= untouched
                alive[row] = True  # it overlaps itself; what was kept before it does not overlap it
    return order[alive]
