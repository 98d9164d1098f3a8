"""Making a photo of its own out of a finished edit: the rendered bytes, with what its owner said about the source."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from app.context import Context
from app.db import WriteSession
from app.errors import NotFound
from app.models import Photo, PhotoTag
from app.services import edits, intake
from app.services.accounts import Viewer

# When and where are facts about the source, whatever the edit's file still says of them.
_TAKEN_OVER = (
    *("title", "description"),
    *("taken_local", "taken_at", "taken_offset", "taken_source"),
    *("latitude", "longitude", "altitude", "location_source", "country_code", "country", "region", "city"),
)


def save_as_photo(context: Context, viewer: Viewer, edit_id: UUID) -> intake.Added:
    """A new photo of an edit's file; a duplicate where its bytes are one of the viewer's photos already.

    It takes over title, description, time, place and the tags its owner confirmed; neither albums nor faces nor edits.

    Raises:
        NotFound: no such edit of this viewer, or its photo is in the trash.
        Conflict: it is not rendered yet, or could not be.
        StorageFull, TooLarge: as ``intake.add_stream``.
    """
    with context.database.read() as session:
        edit, source = edits.get_edit(session, viewer, edit_id)
        if source.deleted_at is not None:
            raise NotFound("The photo is in the trash.")
        path, source_id = edits.finished_file(context, edit), source.id
        filename = f"{Path(source.filename or 'photo').stem}-edit.{edit.format}"

    def settle(session: WriteSession, made: Photo) -> None:
        now = session.get(Photo, source_id)
        if now is None:
            return  # removed for good this very moment; what was asked for is kept all the same
        for name in _TAKEN_OVER:
            setattr(made, name, getattr(now, name))
        confirmed = select(PhotoTag.tag_id).where(
            PhotoTag.photo_id == source_id, PhotoTag.source == "user", PhotoTag.state == "confirmed"
        )
        for tag_id in session.scalars(confirmed).all():
            session.add(
                PhotoTag(tag_id=tag_id, photo_id=made.id, source="user", confidence=1.0, state="confirmed")
            )

    with path.open("rb") as stream:
        return intake.add_stream(context, viewer, stream, intake.Options(filename=filename), settle=settle)
