"""Requests a client sends twice because an answer was lost: the same answer again, and nothing done twice."""

from __future__ import annotations

from dataclasses import asdict
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import delete

from app.db import ReadSession, WriteSession, insert_into, utcnow
from app.errors import Invalid
from app.models import KeptAnswer, Photo
from app.services.accounts import Viewer
from app.services.intake import Added

LIFETIME = timedelta(days=2)


class KeyReused(Invalid):
    code, title = "idempotency-key-reused", "The idempotency key belongs to another request"


def kept_checksum(session: ReadSession, viewer: Viewer, key: str) -> str | None:
    """The checksum of the upload that was sent with this key before, if its photo is still there."""
    kept = _get(session, viewer, key)
    return None if kept is None else kept.checksum


def answer_again(session: ReadSession, viewer: Viewer, key: str, checksum: str) -> Added | None:
    """What the upload of ``checksum`` with this key was answered; None when there is nothing to repeat.

    Raises:
        KeyReused: the key was used for other bytes.
    """
    kept = _get(session, viewer, key)
    if kept is None:
        return None
    if kept.checksum != checksum:
        raise KeyReused("This Idempotency-Key was used for another photo.", field="Idempotency-Key")
    answer: dict[str, Any] = {**kept.answer, "id": UUID(kept.answer["id"])}
    return Added(**answer)


def keep(session: WriteSession, viewer: Viewer, key: str, added: Added) -> None:
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
