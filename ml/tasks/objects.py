"""Objects: COCO's 80 kinds of things, their boxes, and how sure the network is.

The fast choice squeezes the whole picture into one look. The thorough choice also looks at overlapping
quarters and ninths, which brings small things up to the size the network knows; it costs fourteen looks
instead of one.

Animals of one shape are the detector's weak spot, so that boxes of two animals on one spot are one
animal, and the scene network, where it ran, has a say in which.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ml import registry
from ml.runtime import Device, open_network, to_batch
from ml.stages import Findings
from ml.tasks.boxes import overlaps, suppress
from ml.types import Box, Detection, Image, Vector

FAST = "object/ssdlite-mobilenet-v2@coco"
THOROUGH = "object/ssdlite-mobilenet-v2-tiled@coco"

CLASSES = (
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,"
    "keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush"
)
NAMES = tuple(CLASSES.split(","))
"""The 80 names in COCO's order, as COCO writes them."""

MINIMUM = {FAST: 0.4, THOROUGH: 0.45}
"""Detections below this score are not worth storing; at it, about 9 names in 10 are right."""

# ImageNet classes (by index) that are one of COCO's animals. It has no giraffe.
_ANIMALS: dict[str, tuple[int, ...]] = {
    "bird": (*range(7, 25), *range(80, 101), *range(127, 147)),
    "cat": tuple(range(281, 286)),
    "dog": tuple(range(151, 269)),
    "horse": (339,),
    "sheep": (348, 349),
    "cow": (345, 346, 347),
    "elephant": (101, 385, 386),
    "bear": (294, 295, 296, 297),
    "zebra": (340,),
    "giraffe": (),
}
_ANIMAL_COLUMNS = np.array([NAMES.index(name) for name in _ANIMALS])

_FLOOR = 0.05  # what the network is less sure of than this never becomes a detection
_MOST = 100
_LOOKS_AT_ONCE = 4  # more gain nothing on a CPU and cost memory
_SAME_ANIMAL = 0.7
_INSIDE = 0.9


@dataclass(frozen=True)
class _Grid:
    """``count`` x ``count`` tiles overlapping by ``overlap`` of their side; their scores are scaled by
    ``trust``."""

    count: int
    overlap: float
    trust: float

    def tiles(self) -> Iterator[tuple[float, float, float, float]]:
        """Left, top, right, bottom in 0..1 of the picture."""
        side = 1 / (self.count - (self.count - 1) * self.overlap)
        starts = [number * side * (1 - self.overlap) for number in range(self.count)]
        for top in starts:
            for left in starts:
                yield left, top, min(left + side, 1.0), min(top + side, 1.0)


# A tile lacks context, and half a thing looks like a whole one: what is seen in it counts a little less.
_GRIDS = {FAST: (), THOROUGH: (_Grid(2, 0.25, 0.85), _Grid(3, 0.3, 0.75))}
_SUPPRESSION = {FAST: 0.6, THOROUGH: 0.5}


@dataclass(frozen=True)
class _Look:
    """One look at a part of a picture: its place in 0..1, the pixels, and the trust in it."""

    place: tuple[float, float, float, float]
    pixels: Image
    trust: float


class ObjectStage:
    """Detects objects; see ``ml.stages.Stage`` for the contract.

    Args:
        models_dir: the zoo's folder.
        device: where to run.
        model: ``FAST`` or ``THOROUGH``.
        minimum: detections below this score are left out; the model's own by default.
        int8: run the quantised graph where one was made.

    Raises:
        ValueError: the model is not a detector of this stage.
    """

    stage = "objects"
    version = "1"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ("scenes",)

    def __init__(
        self,
        models_dir: Path,
        *,
        device: Device = "cpu",
        model: str = FAST,
        minimum: float | None = None,
        int8: bool = False,
    ) -> None:
        if model not in _GRIDS:
            raise ValueError(f"{model!r} is no object detector; there are {', '.join(_GRIDS)}")
        self.model_ids: tuple[str, ...] = (model,) if model == FAST else (model, FAST)
        self._grids, self._suppression = _GRIDS[model], _SUPPRESSION[model]
        self._minimum = MINIMUM[model] if minimum is None else minimum
        self._network = open_network(FAST, models_dir, device=device, int8=int8)
        self.version = self._network.marked(ObjectStage.version)
        preprocessing = registry.get(FAST).preprocessing
        assert preprocessing is not None
        self._preprocessing = preprocessing

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Find ``objects`` in each picture, best first, at most 100."""
        looks = [self._looks(image) for image in images]
        seen = iter(self._see([look for looks_of_one in looks for look in looks_of_one]))
        results: list[Findings | Exception] = []
        for looks_of_one, findings in zip(looks, so_far, strict=True):
            raw = [next(seen) for _ in looks_of_one]
            objects = self._decide(looks_of_one, raw, findings.get("probabilities"))
            results.append(Findings(objects=objects))
        return results

    def unload(self) -> None:
        """Let the network go."""
        self._network.unload()

    def _looks(self, image: Image) -> list[_Look]:
        height, width = image.shape[:2]
        looks = [_Look((0.0, 0.0, 1.0, 1.0), image, 1.0)]
        for grid in self._grids:
            for left, top, right, bottom in grid.tiles():
                x, y = round(left * width), round(top * height)
                x_end, y_end = max(round(right * width), x + 1), max(round(bottom * height), y + 1)
                place = (x / width, y / height, x_end / width, y_end / height)
                looks.append(_Look(place, image[y:y_end, x:x_end], grid.trust))
        return [look for look in looks if look.pixels.size]

    def _see(self, looks: Sequence[_Look]) -> Iterator[tuple[NDArray[np.float32], NDArray[np.float32]]]:
        """Boxes ``(N, 4)`` in 0..1 of the look and scores ``(N, 80)`` where any score is above the
        floor."""
        for start in range(0, len(looks), _LOOKS_AT_ONCE):
            pixels = [look.pixels for look in looks[start : start + _LOOKS_AT_ONCE]]
            boxes, scores = self._network.run(to_batch(pixels, self._preprocessing))
            for one_boxes, one_scores in zip(boxes, scores, strict=True):
                likely = one_scores.max(1) > _FLOOR
                yield np.clip(one_boxes[likely], 0, 1), one_scores[likely]

    def _decide(
        self,
        looks: Sequence[_Look],
        raw: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
        probabilities: Vector | None,
    ) -> tuple[Detection, ...]:
        """One picture's detections from what all looks at it saw."""
        placed = [_place(look, boxes, scores) for look, (boxes, scores) in zip(looks, raw, strict=True)]
        boxes = np.concatenate([boxes for boxes, _ in placed])
        scores = _settle_animals(np.concatenate([scores for _, scores in placed]), probabilities)
        rows, classes = np.nonzero(scores > max(_FLOOR, self._minimum))
        kept: list[tuple[float, int, NDArray[np.float32]]] = []
        for number in np.unique(classes):
            of_class = rows[classes == number]
            best = of_class[suppress(boxes[of_class], scores[of_class, number], self._suppression)]
            if self._grids:  # a tile may have shown a part of the thing that another look saw whole
                best = best[suppress(boxes[best], scores[best, number], _INSIDE, smaller=True)]
            kept += [(float(scores[row, number]), int(number), boxes[row]) for row in best]
        kept.sort(key=lambda found: -found[0])
        return tuple(
            Detection(NAMES[number], round(score, 4), _box(box))
            for score, number, box in _one_animal_each(kept)[:_MOST]
        )


def _place(
    look: _Look, boxes: NDArray[np.float32], scores: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Boxes in 0..1 of the picture, without those that a tile's inner edge cuts: a neighbour sees them
    whole."""
    left, top, right, bottom = look.place
    edge = 0.01
    cut = np.zeros(len(boxes), bool)
    for inner, distance in (
        (left > 0, boxes[:, 0]),
        (top > 0, boxes[:, 1]),
        (right < 1, 1 - boxes[:, 2]),
        (bottom < 1, 1 - boxes[:, 3]),
    ):
        if inner:
            cut |= distance < edge
    scale = np.array([right - left, bottom - top] * 2, np.float32)
    origin = np.array([left, top] * 2, np.float32)
    return boxes[~cut] * scale + origin, scores[~cut] * np.float32(look.trust)


def _settle_animals(scores: NDArray[np.float32], probabilities: Vector | None) -> NDArray[np.float32]:
    """Leave each box one animal at most: the likeliest, with the best animal's score.

    The scene network at most doubles an animal's weight, by its share among the animals that the
    network sees: it decides close calls, and does not turn the second animal in a picture into the
    first.
    """
    animals = scores[:, _ANIMAL_COLUMNS]
    weights = np.ones(len(_ANIMAL_COLUMNS), np.float32)
    if probabilities is not None:
        seen = np.array([probabilities[list(classes)].sum() for classes in _ANIMALS.values()], np.float32)
        if seen.sum() > 0.1:
            weights += seen / seen.sum()
    best = (animals * weights).argmax(1)
    settled = scores.copy()
    settled[:, _ANIMAL_COLUMNS] = 0
    settled[np.arange(len(scores)), _ANIMAL_COLUMNS[best]] = animals.max(1, initial=0)
    return settled


def _one_animal_each(
    found: list[tuple[float, int, NDArray[np.float32]]],
) -> list[tuple[float, int, NDArray[np.float32]]]:
    """Drop an animal that stands where a better one of another kind does; ``found`` is best first."""
    kept: list[tuple[float, int, NDArray[np.float32]]] = []
    animals: list[NDArray[np.float32]] = []
    for score, number, box in found:
        if number in _ANIMAL_COLUMNS:
            if animals and overlaps(box[None], np.stack(animals)).max() > _SAME_ANIMAL:
                continue
            animals.append(box)
        kept.append((score, number, box))
    return kept


def _box(box: NDArray[np.float32]) -> Box:
    left, top, right, bottom = (float(np.clip(value, 0, 1)) for value in box)
    return Box(left, top, right - left, bottom - top)
