"""What every page carries."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    """The one who is signed in."""

    name: str
    is_admin: bool


@dataclass(frozen=True)
class Flash:
    """A message about what the last form did; ``kind`` is ``done`` or ``problem``."""

    kind: str
    text: str
    undo: str = ""  # address that takes it back, by POST


@dataclass(frozen=True)
class Shell:
    """What every page carries; ``theme`` is system, light or dark, ``nav`` the open section.

    ``density`` says how large photos are in lists: tiny, small, large, or empty for the usual. ``into`` is the album
    (id, title) photos are being chosen for.
    """

    language: str
    theme: str
    csrf_token: str
    path: str
    nav: str = ""
    query: str = ""
    person: Person | None = None
    flash: Flash | None = None
    density: str = ""
    into: tuple[str, str] | None = None
