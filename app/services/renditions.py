"""Renditions on demand: usually the worker made them; else they are made now, in the sandbox.

They derive from immutable originals, so a lost renditions folder heals by itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from app.context import Context
from app.errors import NotFound
from app.imaging.renditions import FORMATS, encode_as
from app.sentences import say
from app.storage import MEDIA_TYPES, media_type

KINDS = ("grid", "preview")


def rendition(context: Context, checksum: str, kind: str, accepted: Sequence[str] = ()) -> tuple[Path, str]:
    """Path and media type of the ``grid`` or ``preview`` of an original or a finished edit, named by its checksum.

    ``accepted`` are media types, best first; a rendition that is stored in none of them is made in the first one we
    can write, and kept beside. When there is no such type, or nothing is said, the stored one is given.

    Raises:
        NotFound: another kind.
        BrokenImage, TooLarge: the original cannot be decoded (any more).
    """
    if kind not in KINDS:
        raise NotFound(say("There is no rendition {kind}; there are grid and preview.", kind=kind))
    path = context.storage.rendition(checksum, kind)
    if not path.exists():
        _render(context, checksum)
        path = context.storage.rendition(checksum, kind)  # its suffix is known only now
    stored = media_type(path)
    suffixes = [suffix for wanted in accepted for suffix in FORMATS if MEDIA_TYPES[suffix] == wanted]
    if stored in accepted or not suffixes:
        return path, stored
    return _converted(context, checksum, kind, path, suffixes[0]), MEDIA_TYPES[suffixes[0]]


def _converted(context: Context, checksum: str, kind: str, path: Path, suffix: str) -> Path:
    other = f"{kind}-{suffix.removeprefix('.')}"
    made = context.storage.rendition(checksum, other)
    if made.exists():
        return made
    pixels = context.sandbox.decode(path)
    return context.storage.write_rendition(checksum, other, suffix, encode_as(pixels, suffix))


def _render(context: Context, checksum: str) -> None:
    storage = context.storage
    grid, preview = (storage.rendition(checksum, kind) for kind in KINDS)
    context.sandbox.render(storage.original(checksum), grid=grid, preview=preview)
