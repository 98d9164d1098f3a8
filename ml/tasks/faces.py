"""Faces: where they are, their landmarks, and the vector that tells people apart.

MTCNN's cascade over a picture of 640 pixels finds boxes and five landmarks; each face is then cut from
the full picture, turned and scaled so that its landmarks fall on fixed places, and dlib's network makes
128 numbers of it. The vector is the mean of the chip's and its mirror image's, which separates people
better than either.

Method: Zhang et al., "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional
Networks", IEEE SPL 2016, with its usual thresholds. Deviations: windows that reach over the picture's
edge are filled with black instead of squeezed, a picture with people in it is searched for smaller
faces than one without, and a face that no detected person has must be sure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.runtime import Device, open_network
from ml.stages import Findings
from ml.tasks.boxes import suppress
from ml.types import Box, FaceDetection, Image

DETECTOR = "face-detection/mtcnn-onet@facenet"
_PROPOSALS = "face-proposal/mtcnn-pnet@facenet"
_REFINEMENT = "face-refinement/mtcnn-rnet@facenet"
EMBEDDER = "face-embedding/dlib-resnet29@dlib-v1"

COMPARABLE_SCORE = 0.95
"""Faces the detector is less sure of get no vector: what is no face would make strange acquaintances."""

COMPARABLE_WIDTH = 24.0
"""Nor do faces narrower than this many pixels of the analysed picture."""

_SIDE = 640  # the long side that faces are searched at
_LARGE, _SMALL = (
    40.0,
    20.0,
)  # the smallest face searched for, in pixels of that picture: without and with people
_PYRAMID = 0.709
_WINDOW, _STRIDE = 12, 2  # of the first network
_THRESHOLDS = (0.6, 0.7, 0.7)
_MOST_WINDOWS = 600
_WINDOWS_AT_ONCE = 128
_CHIPS_AT_ONCE = 8
_CHIP = 150

# Where the landmarks lie in dlib's own chips: the medians over many faces, in pixels of the 150 x 150 chip.
_TEMPLATE = np.array([(46.9, 45.5), (101.8, 45.8), (75.7, 79.6), (47.6, 100.6), (100.6, 100.3)], np.float64)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class _Faces:
    """Faces of one picture: boxes ``(N, 4)`` in its pixels, scores ``(N,)``, landmarks ``(N, 5, 2)``."""

    boxes: Floats
    scores: Floats
    landmarks: Floats


class FaceStage:
    """Finds ``faces``; see ``ml.stages.Stage`` for the contract.

    Args:
        models_dir: the zoo's folder. device: where to run. small_faces: search for small faces in every
        picture, at twice the time, not only where the object stage
            saw people.
    """

    stage = "faces"
    version = "2"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ("objects",)
    model_ids: tuple[str, ...] = (DETECTOR, _PROPOSALS, _REFINEMENT, EMBEDDER)

    def __init__(self, models_dir: Path, *, device: Device = "cpu", small_faces: bool = False) -> None:
        self._proposals = open_network(_PROPOSALS, models_dir, device=device)
        self._refinement = open_network(_REFINEMENT, models_dir, device=device)
        self._output = open_network(DETECTOR, models_dir, device=device)
        self._embedder = open_network(EMBEDDER, models_dir, device=device)
        self._small_faces = small_faces

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Find ``faces`` in each picture, best first."""
        found = [
            _believed(self._detect(image, self._smallest(known)), image, known)
            for image, known in zip(images, so_far, strict=True)
        ]
        comparable = [_comparable(faces) for faces in found]
        chips = [
            align(image, faces.landmarks[index])
            for image, faces, indices in zip(images, found, comparable, strict=True)
            for index in indices
        ]
        vectors = iter(self.embed(chips))
        results: list[Findings | Exception] = []
        for image, faces, indices in zip(images, found, comparable, strict=True):
            own = {int(index): next(vectors) for index in indices}
            results.append(Findings(faces=_as_faces(faces, own, image)))
        return results

    def embed(self, chips: Sequence[Image]) -> Floats:
        """Aligned ``(150, 150, 3) uint8`` chips to ``(N, 128)`` float32 vectors, not normalised."""
        vectors: list[Floats] = [np.zeros((0, 128), np.float32)]
        for start in range(0, len(chips), _CHIPS_AT_ONCE):
            batch = np.stack(chips[start : start + _CHIPS_AT_ONCE]).transpose(0, 3, 1, 2).astype(np.float32)
            both = np.ascontiguousarray(np.concatenate([batch, batch[..., ::-1]]))
            out = self._embedder.run(both)[0]
            vectors.append(np.asarray((out[: len(batch)] + out[len(batch) :]) / 2, np.float32))
        return np.concatenate(vectors)

    def unload(self) -> None:
        """Let the networks go."""
        for network in (self._proposals, self._refinement, self._output, self._embedder):
            network.unload()

    def _smallest(self, known: Findings) -> float:
        people = any(found.name == "person" for found in known.get("objects", ()))
        return _SMALL if people or self._small_faces else _LARGE

    def _detect(self, image: Image, smallest: float) -> _Faces:
        """The cascade on one picture; boxes and landmarks in the picture's own pixels."""
        scale = min(1.0, _SIDE / max(image.shape[:2]))
        picture = _resized(image, scale)
        windows = self._propose(picture, smallest)
        if len(windows):
            windows = self._refine(picture, windows)
        if not len(windows):
            return _Faces(
                np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
            )
        faces = self._settle(picture, windows)
        factor = np.array([image.shape[1] / picture.shape[1], image.shape[0] / picture.shape[0]], np.float32)
        limits = np.array([image.shape[1], image.shape[0]] * 2, np.float32)
        boxes = np.clip(faces.boxes * np.tile(factor, 2), 0, limits)
        return _Faces(boxes, faces.scores, faces.landmarks * factor)

    def _propose(self, picture: Image, smallest: float) -> Floats:
        """First network, over a pyramid: square windows ``(N, 4)`` that may hold a face."""
        scale = _WINDOW / smallest
        shorter = min(picture.shape[:2])
        boxes: list[Floats] = [np.zeros((0, 4), np.float32)]
        scores: list[Floats] = [np.zeros(0, np.float32)]
        base, shrunk = picture, 1.0  # halved again and again: an area average costs what it looks at
        while shorter * scale >= _WINDOW:
            while shrunk >= 2 * scale:
                base, shrunk = _resized(base, 0.5), shrunk / 2
            height, width = (max(1, round(side * scale)) for side in picture.shape[:2])
            small = cv2.resize(base, (width, height), interpolation=cv2.INTER_AREA)
            found, score = self._propose_at(cast(Image, small), scale)
            kept = suppress(found, score, 0.5)
            boxes.append(found[kept])
            scores.append(score[kept])
            scale *= _PYRAMID
        all_boxes, all_scores = np.concatenate(boxes), np.concatenate(scores)
        return _square(all_boxes[suppress(all_boxes, all_scores, 0.7)[:_MOST_WINDOWS]])

    def _propose_at(self, small: Image, scale: float) -> tuple[Floats, Floats]:
        probabilities, shifts = self._proposals.run(_normalised(small[None]))
        rows, columns = np.nonzero(probabilities[0] >= _THRESHOLDS[0])
        corner = np.stack([columns, rows], 1) * _STRIDE
        windows = np.concatenate([corner, corner + _WINDOW], 1).astype(np.float32) / np.float32(scale)
        shift = shifts[0][:, rows, columns].T
        return windows + shift * np.float32(_WINDOW / scale), probabilities[0][rows, columns]

    def _refine(self, picture: Image, windows: Floats) -> Floats:
        """Second network: fewer, better windows."""
        cut = _cut(picture, windows, 24)
        outs = [self._refinement.run(part) for part in _parts(cut)]
        scores, shifts = (np.concatenate([out[index] for out in outs]) for index in range(2))
        good = np.flatnonzero(scores >= _THRESHOLDS[1])
        good = good[suppress(windows[good], scores[good], 0.7)]
        return _square(_shifted(windows[good], shifts[good]))

    def _settle(self, picture: Image, windows: Floats) -> _Faces:
        """Third network: final boxes and landmarks, best first."""
        outs = [self._output.run(part) for part in _parts(_cut(picture, windows, 48))]
        scores, shifts, points = (np.concatenate([out[index] for out in outs]) for index in range(3))
        good = np.flatnonzero(scores >= _THRESHOLDS[2])
        windows, scores, shifts, points = windows[good], scores[good], shifts[good], points[good]
        sides = windows[:, 2:] - windows[:, :2]
        landmarks = points.reshape(-1, 2, 5).transpose(0, 2, 1) * sides[:, None] + windows[:, None, :2]
        boxes = _shifted(windows, shifts)
        kept = suppress(boxes, scores, 0.7, smaller=True)
        return _Faces(boxes[kept], scores[kept], landmarks[kept])


def align(image: Image, landmarks: Floats) -> Image:
    """The face as dlib's network wants it.

    Args:
        image: the upright picture, ``(H, W, 3) uint8``.
        landmarks: ``(5, 2)`` pixels: eyes, nose, mouth corners, left in the picture first.

    Returns:
        ``(150, 150, 3) uint8``; black where the chip reaches over the picture's edge.
    """
    # The best similarity in the least-squares sense is one complex factor once both sets are centred.
    source = landmarks[:, 0].astype(np.float64) + 1j * landmarks[:, 1].astype(np.float64)
    target = _TEMPLATE[:, 0] + 1j * _TEMPLATE[:, 1]
    centred = source - source.mean()
    spread = max(float((np.abs(centred) ** 2).sum()), 1e-6)
    turn = complex((np.conj(centred) * (target - target.mean())).sum() / spread)
    shift = complex(target.mean() - turn * source.mean())
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    scale = abs(turn)
    if (
        scale < 0.5
    ):  # shrinking by more than half needs an area average first, or fine detail turns into noise
        image = _resized(image, 2 * scale)
        matrix[:, :2] /= 2 * scale
    chip = cv2.warpAffine(image, matrix, (_CHIP, _CHIP), flags=cv2.INTER_LINEAR)
    return cast(Image, chip)


def _believed(faces: _Faces, image: Image, known: Findings) -> _Faces:
    """Without the unsure faces that no detected person has: dogs' heads, wheels, patterns of leaves.

    Of 20 faces in the labelled photos of animals that leaves the 7 of people.
    """
    if "objects" not in known:
        return faces
    people = [found.box for found in known["objects"] if found.name == "person"]
    size = np.array([image.shape[1], image.shape[0]], np.float32)
    middles = (faces.boxes[:, :2] + faces.boxes[:, 2:]) / 2 / size
    held = [any(p.x <= x <= p.x + p.width and p.y <= y <= p.y + p.height for p in people) for x, y in middles]
    kept = np.flatnonzero(np.array(held, bool) | (faces.scores >= COMPARABLE_SCORE))
    return _Faces(faces.boxes[kept], faces.scores[kept], faces.landmarks[kept])


def _comparable(faces: _Faces) -> NDArray[np.intp]:
    widths = faces.boxes[:, 2] - faces.boxes[:, 0]
    return np.flatnonzero((faces.scores >= COMPARABLE_SCORE) & (widths >= COMPARABLE_WIDTH))


def _as_faces(faces: _Faces, vectors: dict[int, Floats], image: Image) -> tuple[FaceDetection, ...]:
    height, width = image.shape[:2]
    result = []
    for index, (box, score) in enumerate(zip(faces.boxes, faces.scores, strict=True)):
        left, top, right, bottom = (float(v) for v in box / [width, height, width, height])
        points = tuple((float(x) / width, float(y) / height) for x, y in faces.landmarks[index])
        place = Box(left, top, right - left, bottom - top)
        result.append(FaceDetection(round(float(score), 4), place, points, vectors.get(index)))
    return tuple(result)


def _resized(image: Image, scale: float) -> Image:
    """Scaled by an area average (shrinking) or linearly (growing)."""
    if scale == 1.0:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    resized = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    return cast(Image, resized)


def _normalised(pixels: NDArray[np.uint8]) -> Floats:
    """``(N, H, W, 3) uint8`` to ``(N, 3, H, W)`` float32 in -1..1."""
    return np.ascontiguousarray(((pixels.astype(np.float32) - 127.5) / 128).transpose(0, 3, 1, 2))


def _square(boxes: Floats) -> Floats:
    """The same centres with both sides the longer one."""
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    half = np.abs(boxes[:, 2:] - boxes[:, :2]).max(1, keepdims=True) / 2
    return np.concatenate([centre - half, centre + half], 1).astype(np.float32)


def _shifted(windows: Floats, shifts: Floats) -> Floats:
    """Windows corrected by regressions in units of their sides."""
    sides = windows[:, 2:] - windows[:, :2]
    return windows + shifts * np.tile(sides, 2)


def _cut(picture: Image, windows: Floats, side: int) -> Floats:
    """Windows cut out, black beyond the edge, scaled to ``side``: ``(N, 3, side, side)``."""
    corners = np.round(windows).astype(int)
    size = np.array([picture.shape[1], picture.shape[0]])
    before = int(max(0, -corners[:, :2].min()))
    after = int(max(0, (corners[:, 2:] - size).max())) + 1
    padded = cv2.copyMakeBorder(picture, before, after, before, after, cv2.BORDER_CONSTANT, value=(0, 0, 0))
    cut = np.empty((len(windows), side, side, 3), np.uint8)
    for index, (left, top, right, bottom) in enumerate(corners + before):
        part = padded[top : max(bottom, top + 1), left : max(right, left + 1)]
        cut[index] = cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)
    return _normalised(cut)


def _parts(windows: Floats) -> list[Floats]:
    return [windows[start : start + _WINDOWS_AT_ONCE] for start in range(0, len(windows), _WINDOWS_AT_ONCE)]
