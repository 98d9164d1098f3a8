"""One photo instead of several: the one that is kept takes over what was said of the others, which go to the trash.

Taken over are albums and covers, confirmed tags, favourite and rating, title and description, and who the faces are
where both photos show a face at the same place. ``undo`` puts back everything as it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select, update

from app.db import WriteSession, utcnow
from app.errors import Conflict, Invalid, NotFound
from app.models import Album, AlbumPhoto, Face, Person, Photo, PhotoMerge, PhotoTag, Tag
from app.search.terms import index_terms
from app.services.accounts import Viewer
from app.services.copies import duplicates
from app.services.faces import grouping
from app.services.tagging import teaching
from app.services.understanding import snapshots

_SAME_PLACE = 0.4  # intersection over union of two boxes from which they are one face
_SAID = ("favorite", "rating", "title", "description")


def merge(session: WriteSession, viewer: Viewer, keeper_id: UUID, others: Sequence[UUID]) -> PhotoMerge:
    """Make ``keeper_id`` stand for ``others`` as well. The row it returns is what ``undo`` needs.

    Raises:
        NotFound: one of them is not the viewer's. Conflict: one lies in the trash. Invalid: none or too many others.
    """
    gone_ids = [i for i in dict.fromkeys(others) if i != keeper_id]
    if not gone_ids:
        raise Invalid("Name the photos that go.", field="others")
    duplicates.own_photos(session, viewer, [keeper_id, *gone_ids])
    photos = {p.id: p for p in session.scalars(select(Photo).where(Photo.id.in_([keeper_id, *gone_ids])))}
    keeper, gone = photos[keeper_id], [photos[i] for i in gone_ids]
    if any(photo.deleted_at is not None for photo in photos.values()):
        raise Conflict("One of these photos lies in the trash. Restore it first.")
    before = {
        "others": [str(photo.id) for photo in gone],
        "said": {name: getattr(keeper, name) for name in _SAID},
        "albums": _take_albums(session, keeper, gone_ids),
        "covers": _take_covers(session, viewer, keeper, gone_ids),
        "tags": _take_tags(session, keeper, gone_ids),
        "faces": _take_people(session, viewer, keeper, gone_ids),
    }
    before["became"] = _take_words(keeper, gone)
    now = utcnow()
    keeper.updated_at = now
    for photo in gone:
        photo.deleted_at = photo.updated_at = now
    row = PhotoMerge(owner_id=viewer.user_id, keeper_id=keeper.id, before=before)
    session.add(row)
    session.flush()
    index_terms(session, keeper)
    return row


def undo(session: WriteSession, viewer: Viewer, merge_id: UUID) -> list[Photo]:
    """Take a merge back: the others return, and the one kept is as it was but for what was said of it since.

    Raises:
        NotFound: no such merge of this viewer. Conflict: it is undone already, or the trash was emptied.
    """
    row = session.get(PhotoMerge, merge_id)
    if row is None or row.owner_id != viewer.user_id:
        raise NotFound("There is no such merge.")
    if row.undone_at is not None:
        raise Conflict("This merge has been undone already.")
    before = row.before
    ids = [UUID(i) for i in before["others"]]
    gone = {photo.id: photo for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))}
    keeper = session.get(Photo, row.keeper_id)
    if keeper is None or len(gone) < len(ids):
        raise Conflict("The other photos are gone for good: the trash has been emptied.")
    _give_back_albums(session, viewer, keeper, before)
    _give_back_tags(session, keeper, before["tags"])
    _give_back_people(session, viewer, before["faces"])
    for name in _SAID:
        if getattr(keeper, name) == before["became"][name]:
            setattr(keeper, name, before["said"][name])
    keeper.updated_at = row.undone_at = utcnow()
    for photo in gone.values():
        photo.deleted_at, photo.updated_at = None, keeper.updated_at
    session.flush()
    index_terms(session, keeper)
    return [keeper, *(gone[i] for i in ids)]


# --- what the user wrote ----------------------------------------------------------------------------------------


def _take_words(keeper: Photo, gone: Sequence[Photo]) -> dict[str, Any]:
    """Love is kept if any was loved; words only where the keeper has none. What the fields became."""
    keeper.favorite = keeper.favorite or any(photo.favorite for photo in gone)
    keeper.rating = max(keeper.rating, *(photo.rating for photo in gone))
    keeper.title = keeper.title or next((photo.title for photo in gone if photo.title), "")
    keeper.description = keeper.description or next((p.description for p in gone if p.description), "")
    return {name: getattr(keeper, name) for name in _SAID}


# --- albums -----------------------------------------------------------------------------------------------------


def _take_albums(session: WriteSession, keeper: Photo, gone: Sequence[UUID]) -> list[str]:
    """The keeper's new memberships, by album; a place it has itself, also a pinned one, stays."""
    own = set(session.scalars(select(AlbumPhoto.album_id).where(AlbumPhoto.photo_id == keeper.id)))
    rows = session.scalars(
        select(AlbumPhoto).where(AlbumPhoto.photo_id.in_(gone)).order_by(AlbumPhoto.added_at)
    ).all()
    added = []
    for row in rows:
        if row.album_id not in own and row.pin != "never":
            own.add(row.album_id)
            added.append(str(row.album_id))
            place = AlbumPhoto(album_id=row.album_id, photo_id=keeper.id, pin=row.pin, added_at=row.added_at)
            session.add(place)
    session.flush()
    return added


def _take_covers(
    session: WriteSession, viewer: Viewer, keeper: Photo, gone: Sequence[UUID]
) -> dict[str, str]:
    """Albums whose cover goes get the keeper as cover: album -> the cover it had."""
    mine = select(Album).where(Album.owner_id == viewer.user_id, Album.cover_photo_id.in_(gone))
    changed = {}
    for album in session.scalars(mine):
        changed[str(album.id)] = str(album.cover_photo_id)
        album.cover_photo_id = keeper.id
    return changed


def _give_back_albums(session: WriteSession, viewer: Viewer, keeper: Photo, before: dict[str, Any]) -> None:
    albums = [UUID(i) for i in before["albums"]]
    session.execute(
        delete(AlbumPhoto).where(AlbumPhoto.photo_id == keeper.id, AlbumPhoto.album_id.in_(albums)),
        execution_options={"synchronize_session": False},
    )
    for album_id, cover in before["covers"].items():
        session.execute(
            update(Album)
            .where(Album.id == UUID(album_id), Album.owner_id == viewer.user_id)
            .where(Album.cover_photo_id == keeper.id)
            .values(cover_photo_id=UUID(cover))
        )


# --- tags -------------------------------------------------------------------------------------------------------


def _take_tags(session: WriteSession, keeper: Photo, gone: Sequence[UUID]) -> dict[str, list[dict[str, Any]]]:
    """Tags the user confirmed on another photo, unless they said something of them here: tag -> the rows before."""
    decided = select(PhotoTag.tag_id).where(PhotoTag.source == "user")
    own = set(session.scalars(decided.where(PhotoTag.photo_id == keeper.id)))
    wanted = decided.where(PhotoTag.photo_id.in_(gone), PhotoTag.state == "confirmed").distinct()
    before = {}
    for tag_id in sorted(set(session.scalars(wanted)) - own):
        rows = session.scalars(_rows_of(keeper, tag_id)).all()
        before[str(tag_id)] = [snapshots.as_json(row) for row in rows]
        for row in rows:
            row.state = "confirmed"
        session.add(
            PhotoTag(tag_id=tag_id, photo_id=keeper.id, source="user", confidence=1.0, state="confirmed", model=None)
        )  # fmt: skip
        session.flush()
        _note(session, tag_id)
    return before


def _give_back_tags(session: WriteSession, keeper: Photo, before: dict[str, list[dict[str, Any]]]) -> None:
    for text, rows in before.items():
        tag_id = int(text)
        if session.get(Tag, tag_id) is None:
            continue
        for row in session.scalars(_rows_of(keeper, tag_id)).all():
            if row.source == "user":
                session.delete(row)
            else:
                row.state = "suggested"
        session.flush()
        for values in rows:
            session.merge(snapshots.from_json(PhotoTag, values))
        _note(session, tag_id)


def _rows_of(photo: Photo, tag_id: int):  # type: ignore[no-untyped-def]
    return select(PhotoTag).where(PhotoTag.photo_id == photo.id, PhotoTag.tag_id == tag_id)


def _note(session: WriteSession, tag_id: int) -> None:
    tag = session.get(Tag, tag_id)
    if tag is not None:
        teaching.note_verdict(session, tag)


# --- people -----------------------------------------------------------------------------------------------------


def _take_people(
    session: WriteSession, viewer: Viewer, keeper: Photo, gone: Sequence[UUID]
) -> list[list[str | None]]:
    """Who the user said a face is, for the keeper's face at the same place: [face, person and source before, now]."""
    free = session.scalars(
        select(Face).where(Face.photo_id == keeper.id, Face.person_source.is_distinct_from("user"))
    )
    faces = list(free)
    said = select(Face).where(
        Face.photo_id.in_(gone), Face.person_source == "user", Face.person_id.is_not(None)
    )
    before: list[list[str | None]] = []
    for named in session.scalars(said.order_by(Face.id)):
        best = max(faces, key=lambda face: _overlap(face, named), default=None)
        if best is None or _overlap(best, named) < _SAME_PLACE:
            continue
        faces.remove(best)
        was = str(best.person_id) if best.person_id else None
        before.append([str(best.id), was, best.person_source, str(named.person_id)])
        best.person_id, best.person_source = named.person_id, "user"
    if before:
        session.flush()
        grouping.note_decision(session, viewer.user_id)
    return before


def _give_back_people(session: WriteSession, viewer: Viewer, before: list[list[str | None]]) -> None:
    for face_id, was, source, given in before:
        face = session.get(Face, UUID(face_id)) if face_id else None
        if face is None or str(face.person_id) != given:
            continue  # looked at anew, or given to somebody else since
        person = session.get(Person, UUID(was)) if was else None
        face.person_id, face.person_source = (person.id, source) if person else (None, None)
    if before:
        session.flush()
        grouping.note_decision(session, viewer.user_id)


def _overlap(one: Face, other: Face) -> float:
    """Intersection over union of two boxes."""
    width = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    height = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (one.width * one.height + other.width * other.height - both)
