"""Renditions on demand: usually the worker made them; else they are made now, in the sandbox.

They derive from immutable originals, so a lost renditions folder heals by itself.
"""

from __future__ import annotations

from pathlib import Path

from app.context import Context
from app.errors import NotFound
from app.models import Photo
from app.sentences import say
from app.storage import media_type

KINDS = ("grid", "preview")


def rendition(context: Context, photo: Photo, kind: str) -> tuple[Path, str]:
    """Path and media type of a photo's ``grid`` or ``preview``.

    Raises:
        NotFound: another kind.
        BrokenImage, TooLarge: the original cannot be decoded (any more).
    """
    if kind not in KINDS:
        raise NotFound(say("There is no rendition {kind}; there are grid and preview.", kind=kind))
    path = context.storage.rendition(photo.checksum, kind)
    if not path.exists():
        render(context, photo)
        path = context.storage.rendition(photo.checksum, kind)  # its suffix is known only now
    return path, media_type(path)


def render(context: Context, photo: Photo) -> None:
    storage = context.storage
    grid, preview = (storage.rendition(photo.checksum, kind) for kind in KINDS)
    context.sandbox.render(storage.original(photo.checksum), grid=grid, preview=preview)
