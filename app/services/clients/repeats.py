"""Requests a client sends twice because an answer was lost: the same answer again, and nothing done twice."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from datetime import timedelta
from typing import Any, BinaryIO
from uuid import UUID

from sqlalchemy import delete

from app.context import Context
from app.db import ReadSession, WriteSession, insert_into, utcnow
from app.errors import Invalid
from app.models import KeptAnswer, Photo
from app.services.accounts import Viewer
from app.services.intake import Added, Options, add_stream, find_existing

LIFETIME = timedelta(days=2)


class KeyReused(Invalid):
    code, title = "idempotency-key-reused", "The idempotency key belongs to another request"


def known(context: Context, viewer: Viewer, announced: str, key: str | None) -> Added | None:
    """The answer for bytes that are there already, told by their announced SHA-256 alone; None for unknown ones.

    Raises:
        KeyReused: the key was used for other bytes.
    """
    checksum = announced.lower()
    with context.database.read() as session:
        again = _answer_again(session, viewer, key, checksum) if key else None
        found = find_existing(session, viewer, [checksum]).get(checksum)
        if again is not None or found is None:
            return again
        photo = session.get_one(Photo, found)
        return Added(photo.id, checksum, photo.status, duplicate=True, trashed=photo.deleted_at is not None)


def add_once(
    context: Context,
    viewer: Viewer,
    stream: BinaryIO,
    options: Options,
    key: str | None,
    announced: str | None = None,
) -> Added:
    """Take a photo in; a request repeated with its key is answered as before.

    Raises:
        Invalid: the bytes are not those of the ``announced`` SHA-256.
        KeyReused: the key was used for other bytes.
    """
    with context.database.read() as session:
        repeated = key is not None and _get(session, viewer, key) is not None
    if repeated or announced is not None:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        stream.seek(0)
        if announced is not None and checksum != announced.lower():
            raise Invalid("The bytes are not those X-Checksum-SHA256 announces.", field="X-Checksum-SHA256")
        if key is not None:
            with context.database.read() as session:
                again = _answer_again(session, viewer, key, checksum)
            if again is not None:
                return again
    added = add_stream(context, viewer, stream, options)
    if key is not None:
        with context.database.write() as session:
            _keep(session, viewer, key, added)
    return added


def _answer_again(session: ReadSession, viewer: Viewer, key: str, checksum: str) -> Added | None:
    """What the upload of ``checksum`` with this key was answered; None when there is nothing to repeat."""
    kept = _get(session, viewer, key)
    if kept is None:
        return None
    if kept.checksum != checksum:
        raise KeyReused("This Idempotency-Key was used for another photo.", field="Idempotency-Key")
    answer: dict[str, Any] = {**kept.answer, "id": UUID(kept.answer["id"])}
    return Added(**answer)


def _keep(session: WriteSession, viewer: Viewer, key: str, added: Added) -> None:
    """Remember an answer for two days; the first one given for a key stays."""
    session.execute(delete(KeptAnswer).where(KeptAnswer.created_at < utcnow() - LIFETIME))
    values = {
        "owner_id": viewer.user_id,
        "key": key,
        "checksum": added.checksum,
        "answer": {**asdict(added), "id": str(added.id)},
    }
    session.execute(insert_into(session, KeptAnswer).values(values).on_conflict_do_nothing())


def _get(session: ReadSession, viewer: Viewer, key: str) -> KeptAnswer | None:
    kept = session.get(KeptAnswer, (viewer.user_id, key))
    if kept is None or kept.created_at < utcnow() - LIFETIME:
        return None
    # A photo deleted for good since then is not there: the upload has to be done again.
    return kept if session.get(Photo, UUID(kept.answer["id"])) is not None else None
