"""Tags: on a photo, in the tree, being arranged."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TagView:
    """A tag on a photo. ``state`` is suggested, confirmed or rejected, ``confidence`` in 0..1.

    ``broader`` where another tag of the photo says it more exactly.
    """

    slug: str
    name: str
    confidence: float
    source: str
    state: str
    model: str
    href: str
    broader: bool = False

    @property
    def aside(self) -> bool:
        """Whether it stands in the line below the others: nobody said it, and another says it more exactly."""
        return self.broader and self.state != "confirmed"


@dataclass(frozen=True)
class TermCard:
    """A tag with its number of photos and the address of a picture that shows it."""

    name: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class TagBranch:
    """A tag with those right below it; ``below`` are the most used of all below it where they are many."""

    name: str
    href: str
    count: int
    children: tuple[TagBranch, ...] = ()
    below: int = 0
    most: tuple[TagBranch, ...] = ()


@dataclass(frozen=True)
class TagRow:
    """A tag to be arranged; ``parent`` is the name of the tag above, ``own`` one the user made."""

    slug: str
    name: str
    name_en: str
    name_zh: str
    parent: str
    href: str
    count: int
    own: bool


@dataclass(frozen=True)
class ChangedTag:
    """A tag by the name it ships with, and what its user made of it, in sentences."""

    slug: str
    name: str
    said: tuple[str, ...]
