"""Arithmetic on boxes that the detectors share. A box is left, top, right, bottom, in any unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.floating]
"""``(N, 4)``: left, top, right, bottom."""


def areas(boxes: Boxes) -> NDArray[np.floating]:
    """``(N,)``: width times height."""
    return (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])


def intersections(a: Boxes, b: Boxes) -> NDArray[np.floating]:
    """The shared area of every box of ``a`` with every box of ``b``: ``(A, B)``."""
    width = np.minimum(a[:, None, 2], b[None, :, 2]) - np.maximum(a[:, None, 0], b[None, :, 0])
    height = np.minimum(a[:, None, 3], b[None, :, 3]) - np.maximum(a[:, None, 1], b[None, :, 1])
    return np.clip(width, 0, None) * np.clip(height, 0, None)


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
    kept: list[int] = []
    sizes = areas(boxes)
    while len(order):
        best, order = order[0], order[1:]
        kept.append(int(best))
        shared = intersections(boxes[best][None], boxes[order])[0]
        whole = np.minimum(sizes[best], sizes[order]) if smaller else sizes[best] + sizes[order] - shared
        order = order[shared <= threshold * np.maximum(whole, 1e-12)]
    return np.array(kept, np.intp)
