"""People, places, memories, copies."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.parts.photos import Tile
from app.web.parts.tags import TermCard


@dataclass(frozen=True)
class PersonCard:
    """Someone on the photos; ``name`` is empty until given, ``cover`` is the address of a face's picture."""

    id: str
    name: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class PersonPair:
    """Two who may be one person."""

    first: PersonCard
    second: PersonCard


@dataclass(frozen=True)
class FaceView:
    """One face of a person; ``said`` where someone said who it is, ``cover`` where it stands for the person."""

    id: str
    src: str
    photo_href: str
    said: bool
    cover: bool


@dataclass(frozen=True)
class CountryView:
    """A country and its cities, each as a card with a cover."""

    name: str
    href: str
    count: int
    cities: tuple[TermCard, ...]


@dataclass(frozen=True)
class MapPin:
    """Photos near each other on the map: ``x, y, r`` are hundredths of a degree, y southwards; ``href`` goes nearer."""

    x: float
    y: float
    r: float
    label: str
    href: str


@dataclass(frozen=True)
class DuplicatePhoto:
    """One photo of a group of duplicates; ``keep`` is the suggested one, ``goes`` is ticked for the trash."""

    tile: Tile
    name: str
    size: str
    taken: str
    notes: tuple[str, ...]
    keep: bool
    goes: bool


@dataclass(frozen=True)
class DuplicateSet:
    """Photos that are one picture, the one to keep first, and why that one."""

    id: str
    title: str
    reason: str
    photos: tuple[DuplicatePhoto, ...]


@dataclass(frozen=True)
class MemoryView:
    """What a day brings back: a sentence, the days it is about, some photos, and the search for all of them."""

    title: str
    when: str
    href: str
    count: int
    tiles: tuple[Tile, ...]
