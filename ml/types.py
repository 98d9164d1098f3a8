"""What the models say, as frozen values. No tensor leaves ``ml``; boxes are relative to the upright picture.

Pictures come in as ``(H, W, 3) uint8`` sRGB arrays, upright (EXIF orientation already applied).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]
Vector = NDArray[np.float32]


@dataclass(frozen=True)
class Box:
    """A rectangle in 0..1 of the picture's width and height; ``x, y`` is the top left corner."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class TagScore:
    """A vocabulary tag with its calibrated confidence in 0..1 and the evidence it rests on.

    ``source`` is ``scene``, ``object``, ``face``, ``cue``, or ``guess`` (good enough to search, too unsure to show);
    ``model`` is the registry id of the network that saw it.
    """

    slug: str
    confidence: float
    source: str
    model: str


@dataclass(frozen=True)
class Detection:
    """An object: its COCO name in English, score in 0..1 and box."""

    name: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class FaceDetection:
    """A face: score in 0..1, box, five landmarks (eyes, nose, mouth corners; relative x, y) and its embedding.

    ``embedding`` is ``(128,) float32``, raw (not normalised), or None for a face too small or too uncertain to compare.
    """

    score: float
    box: Box
    landmarks: tuple[tuple[float, float], ...]
    embedding: Vector | None


@dataclass(frozen=True)
class CueValue:
    """A measured quality: ``value`` in its own unit, ``flagged`` when its calibrated rule says so."""

    name: str
    value: float
    flagged: bool


@dataclass(frozen=True)
class TextBlock:
    """One recognised line of text with its mean confidence and upright bounding box."""

    content: str
    confidence: float
    box: Box


@dataclass(frozen=True)
class StageRun:
    """How one stage went: the registry id and version that ran, seconds spent, and the error that stopped it."""

    stage: str
    model: str
    version: str
    seconds: float
    error: str | None = None


@dataclass(frozen=True)
class Analysis:
    """Everything the requested stages saw in one picture. A part whose stage did not run is empty."""

    tags: tuple[TagScore, ...] = ()
    objects: tuple[Detection, ...] = ()
    faces: tuple[FaceDetection, ...] = ()
    cues: tuple[CueValue, ...] = ()
    text: tuple[TextBlock, ...] = ()
    visual: Vector | None = None  # (1280,) unit length, float32: similar pictures
    semantic: Vector | None = None  # (384,) unit length, float32: search by meaning
    image_text: Vector | None = (
        None  # unit length, float32, as wide as the chosen image-text model's: the same
    )
    stages: tuple[StageRun, ...] = field(default=())
