"""People as their owner sees and corrects them: lists, names, covers, splitting, and who a face is.

Merging and "is this the same person?" live in ``merging``; the machine's own work in ``grouping``. Everything said
here is a decision: it is never overwritten by a grouping or a new analysis.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import and_, case, delete, func, or_, select

from app.cursors import as_kinds, cut, read_cursor, write_cursor
from app.db import ReadSession, WriteSession, utcnow
from app.errors import Invalid, NotFound
from app.models import Face, FaceRejection, Person, Photo
from app.sentences import say
from app.services.accounts import Viewer
from app.services.faces import grouping

SHOWN_FROM = 3
"""People with fewer faces are passers-by: lists leave them out unless they have a name."""
MAX_FACES = 1000


@dataclass(frozen=True)
class PersonSummary:
    """A person with how many faces and photos outside the trash show them, and the face that stands for them."""

    person: Person
    faces: int
    photos: int
    cover_face_id: UUID | None


@dataclass(frozen=True)
class PeoplePage:
    items: list[PersonSummary]
    next_cursor: str | None


@dataclass(frozen=True)
class FacePage:
    items: list[Face]
    next_cursor: str | None


@dataclass(frozen=True)
class PhotosPage:
    items: list[Photo]
    next_cursor: str | None


# --- reading --------------------------------------------------------------------------------------------------


def get_person(session: ReadSession, viewer: Viewer, person_id: UUID) -> Person:
    """The viewer's person.

    Raises:
        NotFound: no such person of this viewer.
    """
    person = session.get(Person, person_id)
    if person is None or person.owner_id != viewer.user_id:
        raise NotFound("There is no such person.")
    return person


def get_face(session: ReadSession, viewer: Viewer, face_id: UUID) -> tuple[Face, Photo]:
    """A face in one of the viewer's photos, and the photo.

    Raises:
        NotFound: no such face of this viewer.
    """
    row = session.execute(
        select(Face, Photo).join(Photo).where(Face.id == face_id, Photo.owner_id == viewer.user_id)
    ).first()
    if row is None:
        raise NotFound("There is no such face.")
    return row[0], row[1]


def list_people(
    session: ReadSession,
    viewer: Viewer,
    *,
    min_faces: int = SHOWN_FROM,
    hidden: bool = False,
    limit: int = 100,
    cursor: str | None = None,
) -> PeoplePage:
    """Named people first, then by number of faces; the named are listed however few faces they have.

    ``hidden`` lists the hidden people instead.
    """
    counted = (
        select(
            Face.person_id,
            func.count().label("faces"),
            func.count(Face.photo_id.distinct()).label("photos"),
        )
        .join(Photo)
        .where(Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Face.person_id.is_not(None))
        .group_by(Face.person_id)
        .subquery()
    )
    unnamed = case((Person.name == "", 1), else_=0)
    fewest = case((Person.name == "", min_faces), else_=min(min_faces, 1))
    faces = func.coalesce(counted.c.faces, 0)
    query = (
        select(Person, faces, func.coalesce(counted.c.photos, 0), unnamed)
        .outerjoin(counted, counted.c.person_id == Person.id)
        .where(Person.owner_id == viewer.user_id, Person.hidden.is_(hidden), faces >= fewest)
        .order_by(unnamed, faces.desc(), Person.id)
        .limit(limit + 1)
    )
    if cursor is not None:
        rank, count, last = as_kinds(read_cursor(cursor, "people"), int, int, UUID)
        query = query.where(
            or_(
                unnamed > rank,
                and_(unnamed == rank, or_(faces < count, and_(faces == count, Person.id > last))),
            )
        )
    rows, end = cut(session.execute(query).all(), limit)
    covers = _covers(session, [row[0] for row in rows])
    items = [PersonSummary(p, n, photos, covers.get(p.id)) for p, n, photos, _ in rows]
    more = None
    if end is not None:
        person, count, _, rank = end
        more = write_cursor([rank, count, person.id.hex], "people")
    return PeoplePage(items, more)


def summarise(session: ReadSession, person: Person) -> PersonSummary:
    shown = select(func.count(), func.count(Face.photo_id.distinct())).join(Photo)
    faces, photos = session.execute(
        shown.where(Face.person_id == person.id, Photo.deleted_at.is_(None)).select_from(Face)
    ).one()
    return PersonSummary(person, faces, photos, _covers(session, [person]).get(person.id))


def _covers(session: ReadSession, people: Sequence[Person]) -> dict[UUID, UUID]:
    """Person -> the face the user chose while it is still theirs, else the largest and surest one."""
    chosen = [person.cover_face_id for person in people if person.cover_face_id is not None]
    kept = session.execute(
        select(Face.person_id, Face.id).join(Photo).where(Face.id.in_(chosen), Photo.deleted_at.is_(None))
    )
    covers = {owner: face for owner, face in kept.tuples() if owner is not None}
    covers = {p.id: covers[p.id] for p in people if p.id in covers and covers[p.id] == p.cover_face_id}
    rest = [person.id for person in people if person.id not in covers]
    best = func.row_number().over(
        partition_by=Face.person_id,
        order_by=(
            (Face.width * Photo.width * Face.height * Photo.height * Face.score * Face.score).desc(),
            Face.id,
        ),
    )
    ranked = (
        select(Face.person_id, Face.id, best.label("place"))
        .join(Photo)
        .where(Face.person_id.in_(rest), Photo.deleted_at.is_(None))
        .subquery()
    )
    found = session.execute(select(ranked.c.person_id, ranked.c.id).where(ranked.c.place == 1))
    return covers | dict(found.tuples().all())


def faces_of(
    session: ReadSession, viewer: Viewer, person_id: UUID, *, limit: int = 100, cursor: str | None = None
) -> FacePage:
    """The person's faces, the latest found first."""
    person = get_person(session, viewer, person_id)
    query = select(Face).join(Photo).where(Face.person_id == person.id, Photo.deleted_at.is_(None))
    if cursor is not None:
        query = query.where(Face.id < as_kinds(read_cursor(cursor, "faces"), UUID)[0])
    faces, end = cut(session.scalars(query.order_by(Face.id.desc()).limit(limit + 1)).all(), limit)
    return FacePage(faces, write_cursor([end.id.hex], "faces") if end else None)


def photos_of(
    session: ReadSession, viewer: Viewer, person_id: UUID, *, limit: int = 100, cursor: str | None = None
) -> PhotosPage:
    """The photos that show the person, newest capture first."""
    person = get_person(session, viewer, person_id)
    shows = select(Face.photo_id).where(Face.person_id == person.id)
    query = select(Photo).where(Photo.id.in_(shows), Photo.deleted_at.is_(None))
    if cursor is not None:
        taken, last = as_kinds(read_cursor(cursor, "photos of a person"), datetime.fromisoformat, UUID)
        same = and_(Photo.taken_local == taken, Photo.id < last)
        query = query.where(or_(Photo.taken_local < taken, same))
    newest = query.order_by(Photo.taken_local.desc(), Photo.id.desc()).limit(limit + 1)
    photos, end = cut(session.scalars(newest).all(), limit)
    more = write_cursor([end.taken_local.isoformat(), end.id.hex], "photos of a person") if end else None
    return PhotosPage(photos, more)


# --- deciding -------------------------------------------------------------------------------------------------


def update_person(
    session: WriteSession,
    viewer: Viewer,
    person_id: UUID,
    *,
    name: str | None = None,
    hidden: bool | None = None,
    cover: UUID | None = None,
) -> Person:
    """Name (an empty name unnames), hide or show, choose the cover face. None leaves a thing as it is."""
    person = get_person(session, viewer, person_id)
    if name is not None:
        person.name = clean_name(name, empty=True)
        person.settled = person.settled or bool(person.name)
        grouping.touch_photos(session, Face.person_id == person.id)
    if hidden is not None:
        person.hidden = hidden
    if cover is not None:
        face, _ = get_face(session, viewer, cover)
        if face.person_id != person.id:
            raise Invalid("The cover must be a face of this person.", field="cover")
        person.cover_face_id = face.id
    person.updated_at = utcnow()
    if name is not None or hidden is not None:
        grouping.note_decision(session, viewer.user_id)
    return person


def clean_name(name: str, *, empty: bool = False) -> str:
    name = " ".join(name.split())
    if len(name) > 100 or not name.isprintable() or not (name or empty):
        raise Invalid("A name has 1 to 100 characters.", field="name")
    return name


def split(
    session: WriteSession, viewer: Viewer, person_id: UUID, face_ids: Sequence[UUID], name: str = ""
) -> Person:
    """Make a person of their own of some of a person's faces; the two are never put together again by themselves.

    Raises:
        Invalid: no faces, faces that are not this person's, or all of them.
    """
    person = get_person(session, viewer, person_id)
    wanted = set(face_ids)
    if not 1 <= len(wanted) <= MAX_FACES:
        raise Invalid(say("Choose 1 to {most:,} faces.", most=MAX_FACES), field="faces")
    faces = session.scalars(select(Face).where(Face.id.in_(wanted), Face.person_id == person.id)).all()
    if len(faces) < len(wanted):
        raise Invalid("Some of these faces are not this person's.", field="faces")
    total = session.scalar(select(func.count()).select_from(Face).where(Face.person_id == person.id))
    if total == len(faces):
        raise Invalid("At least one face stays with the person.", field="faces")
    other = Person(owner_id=viewer.user_id, name=clean_name(name, empty=True), settled=True)
    session.add(other)
    session.flush()
    for face in faces:
        _put(session, face, other)
        session.merge(FaceRejection(face_id=face.id, person_id=person.id))
    session.merge(grouping.apart_pair(person.id, other.id))
    person.settled = True
    _decided(session, viewer, {face.photo_id for face in faces})
    return other


def assign(
    session: WriteSession,
    viewer: Viewer,
    face_id: UUID,
    person_id: UUID | None = None,
    *,
    name: str | None = None,
    nobody: bool = False,
) -> Face:
    """Say who a face is: a person, by id or by name (made when new), or not the one it was taken for.

    Without a person the face leaves the one it is with and never returns there; it may join others. With ``nobody``
    it joins no one any more: a stranger, a statue.
    """
    face, photo = get_face(session, viewer, face_id)
    if sum((person_id is not None, name is not None, nobody)) > 1:
        raise Invalid("Give either a person, a name or nobody.", field="person")
    before = face.person_id
    if person_id is not None:
        _put(session, face, get_person(session, viewer, person_id))
    elif name is not None:
        _put(session, face, _by_name(session, viewer, clean_name(name)))
    else:
        if before is not None:
            session.merge(FaceRejection(face_id=face.id, person_id=before))
        face.person_id, face.person_source = None, "user" if nobody else None
    session.flush()
    if before is not None and before != face.person_id:
        grouping.forget_empty(session, viewer.user_id)
    _decided(session, viewer, {photo.id})
    return face


def _put(session: WriteSession, face: Face, person: Person) -> None:
    session.execute(
        delete(FaceRejection).where(FaceRejection.face_id == face.id, FaceRejection.person_id == person.id)
    )
    face.person_id, face.person_source = person.id, "user"
    person.settled, person.updated_at = True, utcnow()


def _by_name(session: WriteSession, viewer: Viewer, name: str) -> Person:
    mine = session.scalars(select(Person).where(Person.owner_id == viewer.user_id, Person.name != ""))
    for person in mine:
        if person.name.casefold() == name.casefold():
            return person
    person = Person(owner_id=viewer.user_id, name=name, settled=True)
    session.add(person)
    session.flush()
    return person


def _decided(session: WriteSession, viewer: Viewer, photo_ids: set[UUID]) -> None:
    session.flush()
    for photo in session.scalars(select(Photo).where(Photo.id.in_(photo_ids))):
        photo.updated_at = utcnow()
    grouping.note_decision(session, viewer.user_id)
