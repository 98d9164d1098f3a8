"""Text: lines of print in a picture, where they are and what they say, in Chinese and English.

Every picture is looked at: looking costs about 40 ms, and a gate of cheap rules before it missed three
of four photos with signs or labels in them. Only lines that are there cost more, about 30 ms each.

Method: PP-OCR, a differentiable-binarisation detector (Liao et al., AAAI 2020) and a line recogniser
whose columns are decoded by connectionist temporal classification (Graves et al., ICML 2006), greedily.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.formats.onnx import read_metadata
from ml.runtime import Device, open_network
from ml.stages import Findings
from ml.types import Box, Image, TextBlock

DETECTOR = "text-detection/pp-ocrv6-small@rapidocr"
RECOGNISER = "text-recognition/pp-ocrv6-small@rapidocr"

MINIMUM = 0.7
"""Lines whose mean confidence is below this are left out: they are mostly texture."""

SHORT_MINIMUM = 0.85
"""The same for one or two characters, which a round or straight thing is easily taken for."""

_Floats = NDArray[np.float32]

_SIDE = 960  # the long side at which lines are looked for
_PIXEL = 0.3  # probability from which a pixel is text
_LINE = 0.5  # mean probability from which a blob of them is a line
_GROW = 1.6  # the detector marks the core of a line; this times area over perimeter is added around it
_SMALLEST = 3  # pixels
_MOST_LINES = 300
_HEIGHT = 48
_WIDEST = 2400
_WIDTH_AT_ONCE = 2400  # of a batch of lines together: bounds the memory


@dataclass(frozen=True)
class _Line:
    """A place where text is: corners ``(4, 2)`` in pixels, clockwise from the upper left one."""

    corners: _Floats

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = (
            float(np.linalg.norm(self.corners[1 if i == 0 else 3] - self.corners[0])) for i in (0, 1)
        )
        return max(1, round(width)), max(1, round(height))


class TextStage:
    """Reads ``text``; see ``ml.stages.Stage`` for the contract.

    Args:
        models_dir: the zoo's folder.
        device: where to run; the graphs are run by onnxruntime on the CPU.
    """

    stage = "text"
    version = "1"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ()
    model_ids: tuple[str, ...] = (RECOGNISER, DETECTOR)

    def __init__(self, models_dir: Path, *, device: Device = "cpu") -> None:
        self._detector = open_network(DETECTOR, models_dir, device=device)
        self._recogniser = open_network(RECOGNISER, models_dir, device=device)
        self._characters: tuple[str, ...] = ()

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Read each picture's lines, from top to bottom."""
        return [Findings(text=self.read(image)) for image in images]

    def read(self, image: Image) -> tuple[TextBlock, ...]:
        """All lines of one picture, from top to bottom."""
        lines = self._find(image)
        height, width = image.shape[:2]
        blocks = []
        for line, (content, confidence) in zip(lines, self._recognise(image, lines), strict=True):
            if content and confidence >= (MINIMUM if len(content) > 2 else SHORT_MINIMUM):
                left, top = np.clip(line.corners.min(0) / (width, height), 0, 1).tolist()
                right, bottom = np.clip(line.corners.max(0) / (width, height), 0, 1).tolist()
                place = Box(left, top, right - left, bottom - top)
                blocks.append(TextBlock(content, round(confidence, 4), place))
        return tuple(blocks)

    def unload(self) -> None:
        """Let the networks go."""
        self._detector.unload()
        self._recogniser.unload()
        self._characters = ()

    def _find(self, image: Image) -> list[_Line]:
        """Lines in reading order."""
        height, width = image.shape[:2]
        scale = min(1.0, _SIDE / max(height, width))
        size = tuple(max(32, round(side * scale / 32) * 32) for side in (width, height))
        small = cv2.resize(image, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        (answer,) = self._detector.run(_normalised(np.asarray(small, np.uint8)))
        lines = find_lines(np.asarray(answer[0, 0], np.float32))[:_MOST_LINES]
        factor = np.array([width / size[0], height / size[1]], np.float32)
        return in_reading_order([_Line(corners * factor) for corners in lines])

    def _recognise(self, image: Image, lines: Sequence[_Line]) -> list[tuple[str, float]]:
        """What each line says and how sure the network is; in batches of lines of like length."""
        found: list[tuple[str, float]] = [("", 0.0)] * len(lines)
        cut = [_cut(image, line) for line in lines]
        for members in _batches([line.shape[1] for line in cut]):
            widest = max(cut[index].shape[1] for index in members)
            batch = np.zeros((len(members), 3, _HEIGHT, _padded(widest)), np.float32)
            for row, index in enumerate(members):
                batch[row, :, :, : cut[index].shape[1]] = _normalised(cut[index])[0]
            (answer,) = self._recogniser.run(batch)
            for row, index in enumerate(members):
                found[index] = decode(answer[row], self._alphabet())
        return found

    def _alphabet(self) -> tuple[str, ...]:
        """Characters by the network's numbers: nothing, those listed in the file, and the space."""
        if not self._characters:
            listed = read_metadata(self._recogniser.folder / "model.onnx")["character"]
            self._characters = ("", *listed.split("\n"), " ")
        return self._characters


def find_lines(probability: _Floats) -> list[_Floats]:
    """Corners ``(4, 2)`` of the lines in a map ``(H, W)`` of text probability, most certain first."""
    mask = cv2.dilate((probability > _PIXEL).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(mask, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found: list[tuple[float, _Floats]] = []
    for contour in contours:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _SMALLEST:
            continue
        score = _mean_inside(
            probability, np.asarray(cv2.boxPoints((centre, (width, height), angle)), np.float32)
        )
        if score < _LINE:
            continue
        grow = 2 * _GROW * width * height / (2 * (width + height))
        corners = cv2.boxPoints((centre, (width + grow, height + grow), angle))
        found.append((score, _clockwise(np.asarray(corners, np.float32))))
    found.sort(key=lambda line: -line[0])
    return [corners for _, corners in found]


def in_reading_order(lines: Sequence[_Line]) -> list[_Line]:
    """From top to bottom, and from left to right where lines stand beside each other."""
    rows: list[list[_Line]] = []
    for line in sorted(lines, key=lambda one: float(one.corners[:, 1].mean())):
        middle = float(line.corners[:, 1].mean())
        if rows:
            last = rows[-1][0]
            if middle - float(last.corners[:, 1].mean()) < 0.5 * min(line.size[1], last.size[1]):
                rows[-1].append(line)
                continue
        rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda one: float(one.corners[:, 0].min()))]


def decode(columns: _Floats, characters: Sequence[str]) -> tuple[str, float]:
    """Greedy decoding of one line.

    Args:
        columns: ``(T, len(characters))`` probabilities, column by column; number 0 stands for nothing.
        characters: what each number stands for.

    Returns:
        The text without spaces around it, and the mean probability of its characters (0 for no text).
    """
    best = columns.argmax(1)
    kept = [t for t in range(len(best)) if best[t] and (t == 0 or best[t] != best[t - 1])]
    content = "".join(characters[best[t]] for t in kept).strip()
    return content, float(columns[kept, best[kept]].mean()) if content else 0.0


def _batches(widths: Sequence[int]) -> list[list[int]]:
    """Indices of lines of like width, so many together that the batch stays within ``_WIDTH_AT_ONCE``."""
    batches: list[list[int]] = []
    for index in sorted(range(len(widths)), key=widths.__getitem__):
        if batches and (len(batches[-1]) + 1) * _padded(widths[index]) <= _WIDTH_AT_ONCE:
            batches[-1].append(index)
        else:
            batches.append([index])
    return batches


def _padded(width: int) -> int:
    """Widths are rounded up, so that the network sees few different ones."""
    return math.ceil(width / 32) * 32


def _mean_inside(probability: _Floats, corners: _Floats) -> float:
    height, width = probability.shape
    left, top = np.clip(np.floor(corners.min(0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(0)), 0, (width - 1, height - 1)).astype(int)
    inside = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(inside, [np.round(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(probability[top : bottom + 1, left : right + 1], inside)[0])


def _clockwise(corners: _Floats) -> _Floats:
    """Clockwise from the upper left corner, so that a line leans by less than 45 degrees or stands
    upright."""
    by_column = corners[np.argsort(corners[:, 0], kind="stable")]
    left = by_column[:2][np.argsort(by_column[:2, 1])]
    right = by_column[2:][np.argsort(by_column[2:, 1])]
    return np.stack([left[0], right[0], right[1], left[1]])


def _cut(image: Image, line: _Line) -> Image:
    """The line straightened, 48 pixels high; one that stands upright is laid on its side."""
    width, height = line.size
    target = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
    matrix = cv2.getPerspectiveTransform(line.corners, target)
    flat = cv2.warpPerspective(image, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    if height >= 1.5 * width:
        flat = np.rot90(flat)
        width, height = height, width
    wide = min(_WIDEST, max(_HEIGHT // 4, math.ceil(_HEIGHT * width / height)))
    shrink = cv2.INTER_AREA if height > _HEIGHT else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(np.ascontiguousarray(flat), (wide, _HEIGHT), interpolation=shrink), np.uint8)


def _normalised(image: Image) -> _Floats:
    """``(H, W, 3) uint8`` RGB to ``(1, 3, H, W)`` BGR in -1..1."""
    values = image[..., ::-1].astype(np.float32) / 127.5 - 1
    return np.ascontiguousarray(values.transpose(2, 0, 1)[None])
