"""What Albumen would do to a photo, and why. The rules are ``ml.enhance.auto``; no network runs for them.

The rendition ``preview`` is measured, decoded in the sandbox, so that noise counts as far as a screen shows it. What
the analysis raised (night, sunset, black and white, screenshots) restrains the rules.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from app.context import Context
from app.db import ReadSession
from app.imaging.results import Pixels
from app.services import edits, photos, renditions
from app.services.accounts import Viewer
from ml.enhance.auto import Suggestion, measure, propose
from ml.enhance.operation import Text

NOTHING = Text("This photo needs nothing.", "这张照片无需调整。")
_SIDE = 1600  # as renditions are


def for_photo(context: Context, session: ReadSession, viewer: Viewer, photo_id: UUID) -> list[Suggestion]:
    """The steps a photo would gain from, in the order of their use; often none.

    Raises:
        NotFound: no such photo of this viewer, or it is in the trash.
        BrokenImage, TooLarge: the original cannot be decoded (any more).
    """
    photo = photos.get_photo(session, viewer, photo_id, trashed=False)
    flags = edits.cues_of(session, photo)
    path, _ = renditions.rendition(context, photo.checksum, "preview")
    pixels = context.sandbox.decode(path, long_side=_SIDE)[..., :3]
    return _proposed(pixels, flags, photo.width, photo.height)


def for_file(context: Context, path: Path) -> list[Suggestion]:
    """The same for a file that is not stored; a sunset is not known as one.

    Raises:
        UnsupportedImage, BrokenImage, TooLarge: it is not a picture Albumen can read.
    """
    from ml.tasks import cues

    seen = context.sandbox.inspect(path)
    pixels = context.sandbox.decode(path, long_side=_SIDE)[..., :3]
    flags = {cue.name: float(cue.flagged) for cue in cues.measure(pixels)}
    return _proposed(pixels, flags, seen.width, seen.height)


def _proposed(pixels: Pixels, flags: Mapping[str, float], width: int, height: int) -> list[Suggestion]:
    return propose({**measure(pixels), **flags, "width": float(width), "height": float(height)})


def said(text: Text, language: str) -> str:
    """A reason in the reader's language."""
    return text.zh if language == "zh" else text.en
