"""Photos in lists, and what is known of one."""

from __future__ import annotations

import math
from dataclasses import dataclass


def shape(width: int, height: int) -> int:
    """The shape of a photo in a grid: 24 times the binary logarithm of width / height, within -32..48 (rows.js)."""
    if width <= 0 or height <= 0:
        return 0
    return min(48, max(-32, math.floor(24 * math.log2(width / height) + 0.5)))


@dataclass(frozen=True)
class Reason:
    """Why a search found a photo: words to show and, where one exists, how strong it is in 0..1."""

    text: str
    strength: float | None = None


@dataclass(frozen=True)
class Tile:
    """One photo in a grid. ``width`` and ``height`` are the upright picture's, for its shape."""

    id: str
    href: str
    src: str
    width: int
    height: int
    alt: str
    thumbhash: str = ""
    favorite: bool = False
    status: str = "ready"
    month: str = ""
    reasons: tuple[Reason, ...] = ()

    @property
    def shape(self) -> int:
        return shape(self.width, self.height)


@dataclass(frozen=True)
class Month:
    """A section of the timeline; ``key`` is ``2024-06``.

    ``count`` counts all its photos, ``before`` those the page shows above it.
    """

    key: str
    title: str
    count: int
    tiles: tuple[Tile, ...]
    before: int = 0


@dataclass(frozen=True)
class Fact:
    """A labelled value; ``href`` searches for photos that share it."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True)
class BoxView:
    """Something found: x, y, width, height in 0..1 of the upright picture; ``tags`` are what it speaks for, and
    ``label`` is what is written at it.
    """

    kind: str  # object face
    label: str
    confidence: float
    x: float
    y: float
    width: float
    height: float
    tags: tuple[str, ...] = ()


@dataclass(frozen=True)
class SeenThing:
    """A kind of object on a photo: its label with the number, its name, how sure in 0..1, the numbers of its boxes."""

    label: str
    name: str
    confidence: float
    href: str
    boxes: tuple[str, ...]
    tags: tuple[str, ...] = ()
    doubtful: bool = False


@dataclass(frozen=True)
class SeenFace:
    """A face on a photo: whose it is or the question, its picture, the number of its box."""

    label: str
    src: str
    box: str
    href: str = ""
    named: bool = False


@dataclass(frozen=True)
class PlaceView:
    """Where a photo was taken; ``x, y`` are hundredths of a degree on the map, y southwards."""

    label: str
    coordinates: str
    x: int
    y: int
    href: str = ""


@dataclass(frozen=True)
class StageView:
    """How one stage of understanding went."""

    name: str
    model: str
    at: str
    seconds: str
    error: str = ""


@dataclass(frozen=True)
class EditView:
    """A rendered recipe of a photo; forms about it go below ``action``."""

    title: str
    status: str
    href: str
    detail: str
    action: str


@dataclass(frozen=True)
class HoldingAlbum:
    """An album a photo is in; out of it go forms below ``action``, empty where a rule decides."""

    title: str
    href: str
    action: str = ""
