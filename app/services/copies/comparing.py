"""The durable job that finds a user's duplicates: what is new is compared with everything.

A library is gone through once, after that each upload costs little. The job reads what it knows, compares
without holding a transaction, and writes pairs in chunks; a user's row in ``key_values`` says how far it came, by the
number of the newest vector and the newest photo. Killed in between, it does a chunk again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, delete, insert, or_, select

from app.context import Context
from app.db import ReadSession, WriteSession
from app.models import DuplicatePair, Embedding, Job, KeyValue, Photo, User
from app.search.duplicates import Look, candidates, kind_of
from app.search.vectors import vectors_of
from app.services import jobs
from app.services.faces.grouping import LostLease

KIND = "duplicates"
_CHUNK = 2000  # photos compared in one transaction
_SOME = 500  # ids in one statement


def request_search(session: WriteSession, owner_id: UUID) -> None:
    """Have this user's new photos compared once nothing more urgent is waiting; asking again changes nothing."""
    jobs.enqueue(session, KIND, dedupe=str(owner_id), owner_id=owner_id, priority=jobs.CAMPAIGN)


def request_first_search(session: WriteSession) -> int:
    """Have every library compared that never was: those from before there was this search. How many."""
    understood = (
        select(Embedding.photo_id).join(Photo).where(Photo.owner_id == User.id, Embedding.kind == "visual")
    )
    owners = session.scalars(select(User.id).where(understood.exists())).all()
    keys = [_key(owner) for owner in owners]
    known = set(session.scalars(select(KeyValue.key).where(KeyValue.key.in_(keys))))
    late = [owner for owner in owners if _key(owner) not in known]
    for owner in late:
        request_search(session, owner)
    return len(late)


def find_duplicates(context: Context, worker: str, job: Job) -> None:
    """Do one claimed ``duplicates`` job.

    Raises:
        LostLease: the job was cancelled or taken over; what was found so far stays.
    """
    if job.owner_id is None:
        raise ValueError("a duplicates job belongs to a user")
    with context.database.read() as session:
        known = _read(session, job.owner_id)
    for start in range(0, len(known.fresh), _CHUNK):
        part = known.fresh[start : start + _CHUNK]
        with context.database.read() as session:
            rows = _compare(session, job.owner_id, known, part)
        with context.database.write() as session:
            _replace(session, [known.ids[at] for at in part], rows)
            if not jobs.set_progress(session, worker, job.id, (start + len(part)) / (len(known.fresh) + 1)):
                raise LostLease
    with context.database.write() as session:
        session.merge(KeyValue(key=_key(job.owner_id), value={"vector": known.vector, "photo": known.photo}))
        if not jobs.finish(session, worker, job.id):
            raise LostLease
        # Photos that were understood meanwhile could not enqueue beside this job.
        if _read(session, job.owner_id).fresh:
            request_search(session, job.owner_id)


@dataclass
class _Known:
    """One reading of a library: photos with what is compared of them, and the positions of those that are new."""

    ids: list[UUID]
    looks: list[Look]
    fresh: list[int]
    vector: int  # the number of the newest vector seen
    photo: str  # the id of the newest photo seen


def _key(owner_id: UUID) -> str:
    return f"duplicates:{owner_id}"


def _read(session: ReadSession, owner_id: UUID) -> _Known:
    mark = session.get(KeyValue, _key(owner_id))
    vector, photo = (mark.value["vector"], mark.value["photo"]) if mark is not None else (-1, "")
    rows = session.execute(
        select(
            Photo.id, Photo.phash, Photo.width, Photo.height, Photo.taken_local, Photo.taken_source,
            Embedding.version,
        )
        .outerjoin(Embedding, and_(Embedding.photo_id == Photo.id, Embedding.kind == "visual"))
        .where(Photo.owner_id == owner_id, Photo.phash.is_not(None))
        .order_by(Photo.id)
    ).all()  # fmt: skip
    looks = [
        Look(phash, width, height, taken.timestamp() if source == "exif" else None)
        for _, phash, width, height, taken, source, _ in rows
        if phash is not None
    ]
    ids = [row[0] for row in rows]
    fresh = [at for at, row in enumerate(rows) if (row[6] or -1) > vector or str(row[0]) > photo]
    newest = max((row[6] or -1 for row in rows), default=-1)
    return _Known(ids, looks, fresh, max(newest, vector), str(ids[-1]) if ids else photo)


def _compare(
    session: ReadSession, owner_id: UUID, known: _Known, part: Sequence[int]
) -> list[dict[str, Any]]:
    found = list(candidates(known.looks, part))
    vectors = _vectors(session, {known.ids[at] for one, other, _ in found for at in (one, other)})
    rows = []
    for one, other, bits in found:
        a, b = vectors.get(known.ids[one]), vectors.get(known.ids[other])
        cosine = float(a[1] @ b[1]) if a is not None and b is not None and a[0] == b[0] else None
        kind = kind_of(known.looks[one], known.looks[other], bits, cosine)
        if kind is not None:
            first, second = sorted((known.ids[one], known.ids[other]))
            rows.append({"first_id": first, "second_id": second, "owner_id": owner_id, "kind": kind,
                         "bits": bits, "cosine": cosine})  # fmt: skip
    return rows


def _vectors(session: ReadSession, ids: set[UUID]) -> dict[UUID, tuple[str, NDArray[np.float32]]]:
    """The visual vectors of photos, each with its model."""
    known: dict[UUID, tuple[str, NDArray[np.float32]]] = {}
    models = session.scalars(select(Embedding.model).where(Embedding.kind == "visual").distinct()).all()
    for model in models if ids else ():
        for some in _portions(sorted(ids)):
            found, vectors = vectors_of(session, "visual", model, some)
            known.update((i, (model, vector)) for i, vector in zip(found, vectors, strict=True))
    return known


def _replace(session: WriteSession, compared: list[UUID], rows: list[dict[str, Any]]) -> None:
    """Put what was found now in place of what was known of these photos, those deleted meanwhile left out."""
    ids = {row[side] for row in rows for side in ("first_id", "second_id")}
    there: set[UUID] = set()
    for some in _portions(sorted(ids)):
        there |= set(session.scalars(select(Photo.id).where(Photo.id.in_(some))))
    for some in _portions(compared):
        pair = or_(DuplicatePair.first_id.in_(some), DuplicatePair.second_id.in_(some))
        session.execute(delete(DuplicatePair).where(pair))
    lasting = [row for row in rows if {row["first_id"], row["second_id"]} <= there]
    if lasting:
        session.execute(insert(DuplicatePair), lasting)


def _portions(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + _SOME] for start in range(0, len(ids), _SOME))
