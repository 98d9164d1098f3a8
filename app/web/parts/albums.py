"""Albums and rules."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class AlbumChoice:
    id: str
    title: str
    chosen: bool = False


@dataclass(frozen=True)
class AlbumCard:
    """One album in a list. ``query`` is the rule of a dynamic album, empty for a manual one."""

    id: str
    title: str
    href: str
    count: int
    query: str = ""
    cover: str = ""


@dataclass(frozen=True)
class IdeaCard:
    """An album worth having; ``query`` is its rule."""

    title: str
    query: str
    href: str
    count: int
    cover: str = ""


@dataclass(frozen=True)
class FieldHelp:
    """One field of the query language: what it means and an example that can be tried."""

    name: str
    text: str
    example: str
    href: str


@dataclass(frozen=True)
class Headline:
    """What a search is called: its name, the kind of thing that is, and the section it belongs to."""

    name: str
    kind: str = ""
    nav: str = ""
    back: str = ""
    back_name: str = ""


@dataclass(frozen=True)
class QueryProblem:
    """A search that does not parse: the text around the fault, and better words as (text, href)."""

    detail: str
    before: str
    at: str
    after: str
    suggestions: tuple[tuple[str, str], ...] = ()
