"""Shared links and what guests see."""

from __future__ import annotations

from dataclasses import dataclass

from app.web.parts.photos import shape


@dataclass(frozen=True)
class SharedTile:
    """One photo of a share; ``download`` is empty where the owner offers none."""

    href: str
    src: str
    width: int
    height: int
    alt: str
    thumbhash: str = ""
    download: str = ""

    @property
    def shape(self) -> int:
        return shape(self.width, self.height)


@dataclass(frozen=True)
class ShareRow:
    """One link in its owner's list; ``facts`` say what it allows, ``href`` leads to what it shows."""

    id: str
    title: str
    href: str
    cover: str
    made: str
    ends: str
    over: bool
    facts: tuple[str, ...]
