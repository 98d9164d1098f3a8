"""Which photo stands for a group: one that shows something rather than paper, loved ones first, none twice."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import select

from app.db import ReadSession
from app.models import Photo, PhotoTag, Tag

# Pictures to read and not to look at.
_PAPER = ("document", "receipt", "text", "screenshot")


def choose(session: ReadSession, photos: Sequence[Photo], used: Collection[UUID] = ()) -> Photo | None:
    """The best of some photos, the earlier of two that are alike; one of ``used`` only when there is no other."""
    paper = set(
        session.scalars(
            select(PhotoTag.photo_id)
            .join(Tag, Tag.id == PhotoTag.tag_id)
            .where(
                PhotoTag.photo_id.in_([photo.id for photo in photos]),
                PhotoTag.state != "rejected",
                Tag.slug.in_(_PAPER),
            )
        )
    )
    return max(
        photos,
        key=lambda p: (p.id not in used, p.id not in paper, p.favorite, p.rating),
        default=None,
    )
