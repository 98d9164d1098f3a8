"""What stages found in one photo, as JSON, and back: the memory that makes a re-tag campaign undoable."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, inspect, select

from app.db import ReadSession, WriteSession, utcnow
from app.models import (
    Base,
    Cue,
    DetectedObject,
    Embedding,
    Face,
    FaceRejection,
    Person,
    Photo,
    PhotoTag,
    Stage,
    TextLine,
)
from app.search import index_terms
from app.services.faces import grouping
from app.services.tagging import teaching

# stage -> (table, condition that says which of the photo's rows are that stage's)
_TABLES: dict[str, list[tuple[type[Base], Any]]] = {
    "tags": [(PhotoTag, PhotoTag.source.not_in(("user", "learned")))],
    "scenes": [(Embedding, Embedding.kind == "visual")],
    "renditions": [],
    "objects": [(DetectedObject, None)],
    "faces": [(Face, None)],
    "embedding": [(Embedding, Embedding.kind == "semantic")],
    "image-text": [(Embedding, Embedding.kind == "imgtext")],
    "cues": [(Cue, None)],
    "text": [(TextLine, None)],
}
# Whatever is asked for, pictures are rendered and other stages may run the scene network.
ALWAYS = ("scenes", "renditions")


def take(session: ReadSession, photo: Photo, stages: Sequence[str]) -> dict[str, Any]:
    """Everything these stages hold for the photo now."""
    before: dict[str, Any] = {"taken_at": utcnow().isoformat(), "stages": {}}
    for stage in stages:
        row = session.get(Stage, (photo.id, stage))
        before["stages"][stage] = {
            "run": as_json(row) if row is not None else None,
            "rows": {table.__tablename__: [as_json(r) for r in _rows(session, photo, table, condition)]
                     for table, condition in _TABLES[stage]},
        }  # fmt: skip
    return before


def restore(session: WriteSession, photo: Photo, before: dict[str, Any]) -> bool:
    """Put a snapshot back; verdicts users gave since then win over it. False when nothing was put back."""
    verdicts = {
        row.tag_id: row.state
        for row in session.scalars(select(PhotoTag).where(PhotoTag.photo_id == photo.id))
        if row.state != "suggested"
    }
    for stage, kept in before["stages"].items():
        for table, condition in _TABLES[stage]:
            _replace(session, photo, table, condition, kept["rows"][table.__tablename__], verdicts)
        session.execute(delete(Stage).where(Stage.photo_id == photo.id, Stage.stage == stage))
        if kept["run"] is not None:
            session.add(from_json(Stage, kept["run"]))
    photo.updated_at = utcnow()
    session.flush()
    if "faces" in before["stages"]:
        grouping.request_grouping(session, photo.owner_id)
    if "text" in before["stages"]:
        index_terms(session, photo)
    if "scenes" in before["stages"] or "embedding" in before["stages"]:
        teaching.tag_photo(session, photo)  # taught tags follow the vectors that are back
    return bool(before["stages"])


def _replace(
    session: WriteSession,
    photo: Photo,
    table: type[Base],
    condition: Any,
    rows: list[dict[str, Any]],
    verdicts: dict[int, str],
) -> None:
    back = {_rich(values["id"]) for values in rows} if table is Face else set()
    for row in _rows(session, photo, table, condition):
        # A face of which a user has said something since then stays, whatever the campaign found.
        if not (isinstance(row, Face) and (row.id in back or _is_said(session, row))):
            session.delete(row)
    session.flush()
    for values in rows:
        row = from_json(table, values)
        if isinstance(row, Face):
            _keep_person(session, row)
        if isinstance(row, PhotoTag):
            row.state = verdicts.get(row.tag_id, "suggested")
        session.merge(row)


def _is_said(session: ReadSession, face: Face) -> bool:
    """Whether a user has said who this is, or is not."""
    rejected = select(FaceRejection.face_id).where(FaceRejection.face_id == face.id).limit(1)
    return face.person_source == "user" or session.scalar(rejected) is not None


def _keep_person(session: ReadSession, face: Face) -> None:
    """A face that is still there keeps the person it has now; one that is not goes back to theirs, if they exist."""
    now = session.get(Face, face.id)
    if now is not None:
        face.person_id, face.person_source = now.person_id, now.person_source
    elif face.person_id is not None and session.get(Person, face.person_id) is None:
        face.person_id = face.person_source = None


def _rows(session: ReadSession, photo: Photo, table: type[Base], condition: Any) -> Sequence[Any]:
    query = select(table).where(table.photo_id == photo.id)  # type: ignore[attr-defined]
    return session.scalars(query if condition is None else query.where(condition)).all()


def as_json(row: Base) -> dict[str, Any]:
    """A row's columns as JSON; ``from_json`` makes the row again."""
    return {column.key: _plain(getattr(row, column.key)) for column in inspect(type(row)).column_attrs}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, bytes):
        return {"bytes": base64.b64encode(value).decode()}
    return value


def from_json(table: type[Any], values: dict[str, Any]) -> Any:
    return table(**{name: _rich(value) for name, value in values.items()})


def _rich(value: Any) -> Any:
    if not isinstance(value, dict) or len(value) != 1:
        return value
    ((kind, inner),) = value.items()
    readers: dict[str, Any] = {"uuid": UUID, "time": datetime.fromisoformat, "bytes": base64.b64decode}
    return readers[kind](inner) if kind in readers else value
