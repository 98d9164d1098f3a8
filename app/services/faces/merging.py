"""One person instead of two: merging, taking a merge back, and answering "is this the same person?"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from app.db import ReadSession, WriteSession, utcnow
from app.errors import Conflict, Invalid, NotFound
from app.models import (
    Face,
    FaceRejection,
    PeopleApart,
    PeopleMerge,
    PeopleSuggestion,
    Person,
)
from app.sentences import say
from app.services.accounts import Viewer
from app.services.faces import grouping
from app.services.faces.people import PersonSummary, get_person, summarise

MAX_PEOPLE = 100
_SOME = 500  # ids in one statement


@dataclass(frozen=True)
class Question:
    """Two people who may be one, and how far apart they are (see ``ml.people``)."""

    first: PersonSummary
    second: PersonSummary
    distance: float


def merge(session: WriteSession, viewer: Viewer, people_ids: Sequence[UUID], into: UUID) -> PeopleMerge:
    """Make ``people_ids`` one person with ``into``, which keeps its name or takes the first one there is.

    The row it returns is what ``undo`` needs, for as long as ``into`` exists.
    """
    target = get_person(session, viewer, into)
    gone = [get_person(session, viewer, i) for i in dict.fromkeys(people_ids) if i != into]
    if not 1 <= len(gone) <= MAX_PEOPLE:
        raise Invalid(say("Choose 1 to {most} other people to merge.", most=MAX_PEOPLE), field="people")
    stay = {
        "name": target.name,
        "settled": target.settled,
        "cover": _text(target.cover_face_id),
        "rejections": _rejections(session, target.id),
        "apart": _strangers(session, target.id),
    }
    before: dict[str, Any] = {"into": stay, "people": [_remember(session, person) for person in gone]}
    name = target.name or next((person.name for person in gone if person.name), "")
    for person in gone:
        grouping.absorb(session, person.id, target.id)
    # What the user said of the parts does not hold against the whole.
    here = select(Face.id).where(Face.person_id == target.id)
    session.execute(
        delete(FaceRejection).where(FaceRejection.person_id == target.id, FaceRejection.face_id.in_(here)),
        execution_options={"synchronize_session": False},
    )
    target.name, target.settled, target.updated_at = name, True, utcnow()
    row = PeopleMerge(owner_id=viewer.user_id, into_id=target.id, before=before)
    session.add(row)
    session.flush()
    grouping.touch_photos(session, Face.person_id == target.id)
    grouping.note_decision(session, viewer.user_id)
    return row


def undo(session: WriteSession, viewer: Viewer, merge_id: UUID) -> list[Person]:
    """Take a merge back: everybody gets the faces they had, unless these were given to someone else since.

    The people are kept apart from then on.

    Raises:
        NotFound: no such merge of this viewer.
        Conflict: it is undone already, or the merged person is gone (a later merge: undo that first).
    """
    row = session.get(PeopleMerge, merge_id)
    if row is None or row.owner_id != viewer.user_id:
        raise NotFound("There is no such merge.")
    if row.undone_at is not None:
        raise Conflict("This merge has been undone already.")
    target = session.get(Person, row.into_id)
    if target is None:
        raise Conflict("The merged person is gone. If it was merged again, undo that first.")
    grouping.touch_photos(session, Face.person_id == target.id)
    stay, people = row.before["into"], []
    given = stay["name"] or next((p["name"] for p in row.before["people"] if p["name"]), "")
    if target.name == given:
        target.name = stay["name"]
    target.settled = True
    _take_back_carried(session, target, row.before)
    _put_back_said(session, target.id, stay)
    for kept in row.before["people"]:
        people.append(_put_back(session, viewer, target, kept))
    row.undone_at = utcnow()
    grouping.note_decision(session, viewer.user_id)
    return [target, *people]


def _remember(session: ReadSession, person: Person) -> dict[str, Any]:
    faces = session.execute(select(Face.id, Face.person_source).where(Face.person_id == person.id))
    return {
        "id": str(person.id),
        "name": person.name,
        "hidden": person.hidden,
        "settled": person.settled,
        "cover": _text(person.cover_face_id),
        "faces": [[str(face_id), source] for face_id, source in faces],
        "rejections": _rejections(session, person.id),
        "apart": _strangers(session, person.id),
    }


def _rejections(session: ReadSession, person_id: UUID) -> list[str]:
    rows = session.scalars(select(FaceRejection.face_id).where(FaceRejection.person_id == person_id))
    return [str(face_id) for face_id in rows]


def _strangers(session: ReadSession, person_id: UUID) -> list[str]:
    return [str(other) for other in grouping.strangers(session, person_id)]


def _text(value: UUID | None) -> str | None:
    return str(value) if value else None


def _put_back(session: WriteSession, viewer: Viewer, target: Person, kept: dict[str, Any]) -> Person:
    person = Person(
        id=UUID(kept["id"]),
        owner_id=viewer.user_id,
        name=kept["name"],
        hidden=kept["hidden"],
        settled=True,
        cover_face_id=UUID(kept["cover"]) if kept["cover"] else None,
    )
    session.add(person)
    session.flush()
    for source in ("model", "user"):
        faces = [UUID(face_id) for face_id, by in kept["faces"] if by == source]
        for start in range(0, len(faces), _SOME):
            session.execute(
                update(Face)
                .where(Face.id.in_(faces[start : start + _SOME]), Face.person_id == target.id)
                .values(person_id=person.id, person_source=source),
                execution_options={"synchronize_session": False},
            )
    session.expire_all()
    _put_back_said(session, person.id, kept)
    session.merge(grouping.apart_pair(person.id, target.id))
    session.flush()
    return person


def _put_back_said(session: WriteSession, person_id: UUID, kept: dict[str, Any]) -> None:
    """Rejections and "not the same person" as they were; what concerned people or faces gone since is left out."""
    faces = [UUID(face_id) for face_id in kept["rejections"]]
    others = [UUID(other) for other in kept["apart"]]
    for face_id in session.scalars(select(Face.id).where(Face.id.in_(faces))).all():
        session.merge(FaceRejection(face_id=face_id, person_id=person_id))
    for other in session.scalars(select(Person.id).where(Person.id.in_(others))).all():
        session.merge(grouping.apart_pair(person_id, other))
    session.flush()


def _take_back_carried(session: WriteSession, target: Person, before: dict[str, Any]) -> None:
    """What was said of the others was carried over to the merged person; it does not hold for the one who stays."""
    stay = before["into"]
    for face_id in {f for person in before["people"] for f in person["rejections"]} - {*stay["rejections"]}:
        session.execute(
            delete(FaceRejection).where(
                FaceRejection.person_id == target.id, FaceRejection.face_id == UUID(face_id)
            )
        )
    for other in {o for person in before["people"] for o in person["apart"]} - {*stay["apart"]}:
        pair = grouping.apart_pair(target.id, UUID(other))
        session.execute(
            delete(PeopleApart).where(
                PeopleApart.first_id == pair.first_id, PeopleApart.second_id == pair.second_id
            )
        )
    session.flush()


# --- is this the same person? ---------------------------------------------------------------------------------


def questions(session: ReadSession, viewer: Viewer, *, limit: int = 20) -> list[Question]:
    """Pairs in the grey zone, nearest first, as the last grouping saw them."""
    rows = session.scalars(
        select(PeopleSuggestion)
        .where(PeopleSuggestion.owner_id == viewer.user_id)
        .order_by(PeopleSuggestion.distance, PeopleSuggestion.first_id, PeopleSuggestion.second_id)
        .limit(limit)
    ).all()
    pairs = [(session.get(Person, r.first_id), session.get(Person, r.second_id), r.distance) for r in rows]
    found = [Question(summarise(session, a), summarise(session, b), d) for a, b, d in pairs if a and b]
    return [question for question in found if question.first.faces and question.second.faces]


def accept(session: WriteSession, viewer: Viewer, first: UUID, second: UUID) -> PeopleMerge:
    """They are the same: the first one stays, unless only the second has a name."""
    _question(session, viewer, first, second)
    stays, goes = get_person(session, viewer, first), get_person(session, viewer, second)
    if goes.name and not stays.name:
        stays, goes = goes, stays
    return merge(session, viewer, [goes.id], stays.id)


def reject(session: WriteSession, viewer: Viewer, first: UUID, second: UUID) -> None:
    """They are two: never asked again, never put together by themselves."""
    session.delete(_question(session, viewer, first, second))
    session.merge(grouping.apart_pair(first, second))
    session.flush()
    grouping.note_decision(session, viewer.user_id)


def _question(session: ReadSession, viewer: Viewer, first: UUID, second: UUID) -> PeopleSuggestion:
    row = session.get(PeopleSuggestion, (first, second)) or session.get(PeopleSuggestion, (second, first))
    if row is None or row.owner_id != viewer.user_id:
        raise NotFound("There is no such suggestion.")
    return row
