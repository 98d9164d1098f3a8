"""COCO's average precision for boxes, written from its definition.

For every class and intersection-over-union threshold (.50, .55, ... .95) detections of all pictures are
taken by falling score; each claims the unclaimed true box it overlaps most, if by the threshold at
least, and is right then. Precision, made monotonous from the right, is read at 101 recall levels (0,
.01, ... 1) and averaged; classes without a true box do not count. At most 100 detections of a picture
are looked at.

For a size range (COCO's: small below 32 x 32 pixels, large above 96 x 96), true boxes outside it
neither count nor harm, and detections outside it harm only if they claim a box.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.tasks.boxes import areas, overlaps

THRESHOLDS = tuple(0.5 + 0.05 * step for step in range(10))
SIZES = {"small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, float("inf"))}
_RECALLS = np.linspace(0, 1, 101)
_MOST = 100

Boxes = NDArray[np.float64]
"""``(N, 4)``: left, top, right, bottom in pixels."""


@dataclass(frozen=True)
class Truth:
    """The true boxes of one picture."""

    names: tuple[str, ...]
    boxes: Boxes


@dataclass(frozen=True)
class Found:
    """What a detector found in one picture."""

    names: tuple[str, ...]
    scores: NDArray[np.float64]
    boxes: Boxes


@dataclass(frozen=True)
class Precision:
    """Average precision over all thresholds (``ap``), at .50 and .75, and per class at .50."""

    ap: float
    ap50: float
    ap75: float
    by_class: Mapping[str, float]


def average_precision(
    truths: Sequence[Truth], found: Sequence[Found], size: tuple[float, float] = (0.0, float("inf"))
) -> Precision:
    """Score ``found`` against ``truths``, picture by picture; ``size`` is a range of areas in square
    pixels."""
    names = sorted({name for truth in truths for name in truth.names})
    table: dict[str, list[float]] = {}
    for name in names:
        scores: list[float] = []
        right: dict[float, list[int]] = defaultdict(list)  # 1 right, 0 wrong, -1 does not count
        positives = 0
        for truth, result in zip(truths, found, strict=True):
            boxes = truth.boxes[[n == name for n in truth.names]]
            counts = _inside(boxes, size)
            positives += int(counts.sum())
            rows = np.flatnonzero(np.array(result.names) == name)
            order = rows[np.argsort(-result.scores[rows], kind="stable")][:_MOST]
            scores += result.scores[order].tolist()
            iou = overlaps(result.boxes[order], boxes)
            outside = ~_inside(result.boxes[order], size)
            for threshold in THRESHOLDS:
                right[threshold] += _claims(iou, counts, outside, threshold)
        if positives:
            table[name] = [_area(scores, right[t], positives) for t in THRESHOLDS]
    values = np.array(list(table.values())) if table else np.zeros((1, len(THRESHOLDS)))
    by_class = {name: row[0] for name, row in table.items()}
    return Precision(float(values.mean()), float(values[:, 0].mean()), float(values[:, 5].mean()), by_class)


def _inside(boxes: Boxes, size: tuple[float, float]) -> NDArray[np.bool_]:
    return (areas(boxes) >= size[0]) & (areas(boxes) < size[1])


def claims(found: Boxes, truth: Boxes, threshold: float) -> list[int]:
    """For each box found, best first, 1 if it claims a true box and 0 if not."""
    counts, outside = np.ones(len(truth), bool), np.zeros(len(found), bool)
    return _claims(overlaps(found, truth), counts, outside, threshold)


def _claims(
    iou: NDArray[np.float64], counts: NDArray[np.bool_], outside: NDArray[np.bool_], threshold: float
) -> list[int]:
    """For each detection, best first: 1, 0 or -1 as in ``average_precision``."""
    free = np.ones(iou.shape[1], bool)
    outcome: list[int] = []
    for row, beyond in zip(iou, outside, strict=True):
        # Boxes that count are claimed first; one that does not count excuses a detection that fits no
        # other.
        best = _best(row, free & counts, threshold)
        if best is None:
            best = _best(row, free & ~counts, threshold)
            outcome.append(-1 if best is not None or beyond else 0)
        else:
            outcome.append(1)
        if best is not None:
            free[best] = False
    return outcome


def _best(row: NDArray[np.float64], allowed: NDArray[np.bool_], threshold: float) -> int | None:
    candidates = np.where(allowed, row, -1.0)
    best = int(candidates.argmax()) if len(candidates) else -1
    return best if best >= 0 and candidates[best] >= threshold else None


def _area(scores: Sequence[float], right: Sequence[int], positives: int) -> float:
    """Mean precision over 101 recall levels."""
    order = np.argsort(-np.array(scores), kind="stable")
    marks = np.array(right, int)[order]
    marks = marks[marks >= 0]
    if not len(marks):
        return 0.0
    hits = np.cumsum(marks)
    precision = np.maximum.accumulate((hits / np.arange(1, len(marks) + 1))[::-1])[::-1]
    places = np.searchsorted(hits / positives, _RECALLS - 1e-12)
    return float(
        np.where(places < len(precision), precision[np.minimum(places, len(precision) - 1)], 0.0).mean()
    )
