"""Putting a user's new faces to people: the durable ``people`` job between the database and ``ml.people``.

The job reads what is known, decides in memory without holding any transaction, and writes in chunks. A user's decision
meanwhile (``note_decision``) makes it read again and go on from there, so that no result of the machine ever meets
a decision it does not know. Faces of an older model keep their person and are compared with nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, bindparam, delete, insert, select, update

from app.context import Context
from app.db import ReadSession, WriteSession, new_id, utcnow
from app.models import Face, FaceRejection, Job, KeyValue, PeopleApart, PeopleSuggestion, Person, Photo
from app.services import jobs
from ml.people import Changes, Grouping

KIND = "people"
SUGGESTIONS = 200
_CHUNK = 2000  # faces per transaction: bounds both lost work and how long other writers wait
_SOME = 500  # ids in one statement


class LostLease(Exception):
    """The job was cancelled or taken over: nothing more may be written for it."""


def request_grouping(session: WriteSession, owner_id: UUID) -> None:
    """Have this user's new faces looked at once nothing more urgent is waiting; asking again changes nothing."""
    jobs.enqueue(session, KIND, dedupe=str(owner_id), owner_id=owner_id, priority=jobs.CAMPAIGN)


def note_decision(session: WriteSession, owner_id: UUID) -> None:
    """Tell a grouping under way that the user has decided something about people, and have suggestions renewed."""
    session.merge(KeyValue(key=_key(owner_id), value={"revision": _revision(session, owner_id) + 1}))
    request_grouping(session, owner_id)


def forget_empty(session: WriteSession, owner_id: UUID) -> None:
    """Remove people that nobody named and that have no face any more."""
    inhabited = select(Face.id).where(Face.person_id == Person.id)
    session.execute(
        delete(Person).where(
            Person.owner_id == owner_id,
            Person.name == "",
            Person.hidden.is_(False),
            ~inhabited.exists(),
        ),
        execution_options={"synchronize_session": False},
    )


def touch_photos(session: WriteSession, faces: ColumnElement[bool]) -> None:
    """What is known of the photos with these faces has changed: clients that follow changes fetch them again."""
    session.execute(
        update(Photo).where(Photo.id.in_(select(Face.photo_id).where(faces))).values(updated_at=utcnow()),
        execution_options={"synchronize_session": False},
    )


def group_faces(context: Context, worker: str, job: Job) -> None:
    """Do one claimed ``people`` job.

    Raises:
        LostLease: the job was cancelled or taken over.
    """
    if job.owner_id is None:
        raise ValueError("a people job belongs to a user")
    while True:
        with context.database.read() as session:
            known = _read(session, job.owner_id)
        if _assign(context, worker, job, known) and _conclude(context, worker, job, known):
            return


@dataclass
class _Known:
    """What one reading saw; ``revision`` tells whether the user has decided anything since."""

    owner_id: UUID
    revision: int
    grouping: Grouping[UUID, UUID]
    people: dict[UUID, str]  # rows there are: id -> name
    waiting: list[UUID]
    photos: list[UUID]  # of the waiting faces
    idle: set[UUID]  # free faces of other models: they wait for their photo to be looked at again
    vectors: NDArray[np.float32]


# --- reading --------------------------------------------------------------------------------------------------


def _key(owner_id: UUID) -> str:
    return f"people:{owner_id}"


def _revision(session: ReadSession, owner_id: UUID) -> int:
    """How many decisions there were; a writer holds the row until its transaction ends."""
    query = select(KeyValue).where(KeyValue.key == _key(owner_id))
    row = session.scalar(query.with_for_update() if isinstance(session, WriteSession) else query)
    return int(row.value["revision"]) if row is not None else 0


def _late(owner_id: UUID) -> Select[UUID]:
    """Faces that can be compared and of which nobody has said anything yet."""
    free = and_(Face.person_id.is_(None), Face.person_source.is_(None), Face.embedding.is_not(None))
    return select(Face.id).join(Photo).where(Photo.owner_id == owner_id, free)


def _read(session: ReadSession, owner_id: UUID) -> _Known:
    revision = _revision(session, owner_id)
    newest = select(Face.model).join(Photo).where(Photo.owner_id == owner_id, Face.embedding.is_not(None))
    model = session.scalar(newest.order_by(Face.id.desc()).limit(1))
    rows = session.execute(
        select(Face.id, Face.photo_id, Face.person_id, Face.person_source, Face.embedding)
        .join(Photo)
        .where(Photo.owner_id == owner_id, Face.model == model, Face.embedding.is_not(None))
        .order_by(Face.id)
    ).all()
    vectors = np.frombuffer(b"".join(row[4] or b"" for row in rows), "<f4")
    vectors = vectors.reshape(len(rows), -1 if rows else 0).astype(np.float32, copy=False)
    settled = {i: row[2] for i, row in enumerate(rows) if row[2] is not None}
    waiting = [i for i, row in enumerate(rows) if row[2] is None and row[3] is None]
    grouping: Grouping[UUID, UUID] = Grouping(new_id)
    grouping.restore(
        [rows[i][0] for i in settled],
        vectors[list(settled)],
        list(settled.values()),
        [rows[i][1] for i in settled],
    )
    people = _restore_decisions(session, owner_id, grouping, {rows[i][0] for i in settled})
    return _Known(
        owner_id,
        revision,
        grouping,
        people,
        [rows[i][0] for i in waiting],
        [rows[i][1] for i in waiting],
        set(session.scalars(_late(owner_id).where(Face.model != model))),
        vectors[waiting],
    )


def _restore_decisions(
    session: ReadSession, owner_id: UUID, grouping: Grouping[UUID, UUID], placed: set[UUID]
) -> dict[UUID, str]:
    people = session.scalars(select(Person).where(Person.owner_id == owner_id)).all()
    present = set(grouping.groups())
    for person in people:
        if person.id in present and (person.settled or person.name):
            grouping.settle(person.id)
    rejected = session.execute(
        select(FaceRejection.face_id, FaceRejection.person_id).join(Person).where(Person.owner_id == owner_id)
    )
    for face_id, person_id in rejected.tuples():
        if person_id in present and (face_id not in placed or grouping.group_of(face_id) != person_id):
            grouping.forbid(face_id, person_id)
    apart = select(PeopleApart).join(Person, Person.id == PeopleApart.first_id)
    for pair in session.scalars(apart.where(Person.owner_id == owner_id)):
        if {pair.first_id, pair.second_id} <= present:
            grouping.keep_apart(pair.first_id, pair.second_id)
    return {person.id: person.name for person in people}


# --- writing --------------------------------------------------------------------------------------------------


def _assign(context: Context, worker: str, job: Job, known: _Known) -> bool:
    """Find a person for every waiting face; False when the user decided something meanwhile."""
    total = len(known.waiting)
    for start in range(0, total, _CHUNK):
        part = slice(start, start + _CHUNK)
        changes = known.grouping.add(known.waiting[part], known.vectors[part], known.photos[part])
        with context.database.write() as session:
            if _revision(session, known.owner_id) != known.revision:
                return False
            if not jobs.set_progress(session, worker, job.id, min(start + _CHUNK, total) / (total + 1)):
                raise LostLease
            _write(session, known, changes)
    return True


def _write(session: WriteSession, known: _Known, changes: Changes[UUID, UUID]) -> None:
    targets = {*changes.assigned.values(), *changes.merged.values()} - known.people.keys()
    if targets:
        session.execute(insert(Person), [{"id": key, "owner_id": known.owner_id} for key in sorted(targets)])
        known.people |= dict.fromkeys(targets, "")
    for gone, into in changes.merged.items():
        if known.people.pop(gone, None) is not None:
            absorb(session, gone, into)
    faces: Any = Face.__table__
    session.connection().execute(
        update(faces)
        .where(faces.c.id == bindparam("face"), faces.c.person_id.is_(None), faces.c.person_source.is_(None))
        .values(person_id=bindparam("person"), person_source="model"),
        [{"face": face, "person": person} for face, person in changes.assigned.items()],
    )
    named = [face for face, person in changes.assigned.items() if known.people[person]]
    for some in _portions(named):
        touch_photos(session, Face.id.in_(some))


def absorb(session: WriteSession, gone: UUID, into: UUID) -> None:
    """Move everything of one person to another and remove it; what was said of it holds for the other."""
    quiet = {"synchronize_session": False}
    session.execute(
        update(Face).where(Face.person_id == gone).values(person_id=into), execution_options=quiet
    )
    inside = set(session.scalars(select(Face.id).where(Face.person_id == into)))
    for face_id in session.scalars(
        select(FaceRejection.face_id).where(FaceRejection.person_id == gone)
    ).all():
        if face_id not in inside:  # else the one who merged has overruled it
            session.merge(FaceRejection(face_id=face_id, person_id=into))
    for other in strangers(session, gone) - {into}:
        session.merge(apart_pair(other, into))
    session.flush()
    session.execute(delete(Person).where(Person.id == gone), execution_options=quiet)
    session.expire_all()


def strangers(session: ReadSession, person_id: UUID) -> set[UUID]:
    """The people a user said this one is not."""
    pairs = session.execute(
        select(PeopleApart.first_id, PeopleApart.second_id).where(
            (PeopleApart.first_id == person_id) | (PeopleApart.second_id == person_id)
        )
    )
    return {other for pair in pairs for other in pair} - {person_id}


def apart_pair(one: UUID, other: UUID) -> PeopleApart:
    first, second = sorted((one, other))
    return PeopleApart(first_id=first, second_id=second)


def _conclude(context: Context, worker: str, job: Job, known: _Known) -> bool:
    """Suggestions and the end of the job; False when the user decided something meanwhile."""
    if known.waiting:  # what is asked follows from who is who, not from the order in which that was found out
        with context.database.read() as session:
            known.grouping = _read(session, known.owner_id).grouping
    found = known.grouping.suggestions(2 * SUGGESTIONS)
    with context.database.write() as session:
        if _revision(session, known.owner_id) != known.revision:
            return False
        session.execute(delete(PeopleSuggestion).where(PeopleSuggestion.owner_id == known.owner_id))
        people = {
            person.id: person
            for person in session.scalars(select(Person).where(Person.owner_id == known.owner_id))
        }
        rows = [
            {
                "first_id": s.first,
                "second_id": s.second,
                "owner_id": known.owner_id,
                "distance": s.distance,
            }
            for s in found
            if _worth_asking(people.get(s.first), people.get(s.second))
        ]
        if rows:
            session.execute(insert(PeopleSuggestion), rows[:SUGGESTIONS])
        forget_empty(session, known.owner_id)
        if not jobs.finish(session, worker, job.id):
            raise LostLease
        # Faces that arrived since could not enqueue beside this job while it ran.
        if not set(session.scalars(_late(known.owner_id))) <= {*known.waiting, *known.idle}:
            request_grouping(session, known.owner_id)
    return True


def _worth_asking(first: Person | None, second: Person | None) -> bool:
    """Two different names, or somebody hidden, are no question."""
    if first is None or second is None or first.hidden or second.hidden:
        return False
    return not (first.name and second.name and first.name.casefold() != second.name.casefold())


def _portions(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + _SOME] for start in range(0, len(ids), _SOME))
