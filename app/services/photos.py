"""Photos as their owner sees and changes them: reading, user metadata, tags, trash, and actions on many at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import and_, or_, select, update

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import Invalid, NotFound
from app.models import Cue, DetectedObject, Edit, Face, Person, Photo, PhotoTag, Stage, Tag, TextLine
from app.search.tags import TagInfo, tag_book
from app.search.terms import index_terms
from app.sentences import say
from app.services import intake, jobs
from app.services.accounts import Viewer
from app.services.tagging import teaching, vocabulary

_JUST_KEPT = 300.0  # seconds
_PART = 500  # ids in one statement


@dataclass(frozen=True)
class TagOnPhoto:
    """One tag of a photo: the strongest evidence for it, and the user's verdict if there is one.

    ``broader`` where a tag of the photo that is not rejected says it more exactly.
    """

    tag: TagInfo
    confidence: float
    source: str
    state: str
    model: str | None
    broader: bool = False


@dataclass(frozen=True)
class PhotoDetail:
    """Everything known about one photo, read in one go."""

    photo: Photo
    tags: list[TagOnPhoto]
    objects: list[DetectedObject]
    faces: list[tuple[Face, Person | None]]
    cues: list[Cue]
    text: list[TextLine]
    edits: list[Edit]
    stages: list[Stage]


@dataclass(frozen=True)
class Change:
    """What a user changes about a photo; None leaves a field as it is."""

    title: str | None = None
    description: str | None = None
    favorite: bool | None = None
    rating: int | None = None
    archived: bool | None = None
    taken_at: datetime | None = None
    location: tuple[float, float] | None = None
    clear_location: bool = False


def get_photo(session: ReadSession, viewer: Viewer, photo_id: UUID, *, trashed: bool | None = None) -> Photo:
    """The viewer's photo; ``trashed`` asks for one that is (True) or is not (False) in the trash.

    Raises:
        NotFound: no such photo of this viewer (other users' photos included).
    """
    photo = session.get(Photo, photo_id)
    if photo is None or photo.owner_id != viewer.user_id:
        raise NotFound("There is no such photo.")
    if trashed is not None and (photo.deleted_at is not None) != trashed:
        raise NotFound(
            say("The photo is in the trash.") if not trashed else say("The photo is not in the trash.")
        )
    return photo


def checksum_of(session: ReadSession, viewer: Viewer, photo_id: UUID) -> str:
    """What names the files of the viewer's photo. Raises NotFound."""
    mine = select(Photo.checksum).where(Photo.id == photo_id, Photo.owner_id == viewer.user_id)
    checksum = session.scalar(mine)
    if checksum is None:
        raise NotFound("There is no such photo.")
    return checksum


def get_photos(session: ReadSession, viewer: Viewer, photo_ids: Iterable[UUID]) -> list[Photo]:
    """Those of the photos that are the viewer's, trashed ones included, in the order asked for; each once."""
    wanted = list(dict.fromkeys(photo_ids))
    found: dict[UUID, Photo] = {}
    for start in range(0, len(wanted), _PART):
        part = select(Photo).where(
            Photo.id.in_(wanted[start : start + _PART]), Photo.owner_id == viewer.user_id
        )
        found.update((photo.id, photo) for photo in session.scalars(part))
    return [found[photo_id] for photo_id in wanted if photo_id in found]


def neighbours(session: ReadSession, viewer: Viewer, photo: Photo) -> tuple[UUID | None, UUID | None]:
    """The photos before and after this one, as the timeline (the archive, the trash) lists them: newer, older."""
    same = and_(
        Photo.owner_id == viewer.user_id,
        Photo.deleted_at.is_(None) if photo.deleted_at is None else Photo.deleted_at.is_not(None),
        Photo.archived.is_(photo.archived),
    )
    taken, at = Photo.taken_local, photo.taken_local
    newer = select(Photo.id).where(same, taken >= at, or_(taken > at, Photo.id > photo.id))
    older = select(Photo.id).where(same, taken <= at, or_(taken < at, Photo.id < photo.id))
    return (
        session.scalar(newer.order_by(taken, Photo.id).limit(1)),
        session.scalar(older.order_by(taken.desc(), Photo.id.desc()).limit(1)),
    )


def describe(session: ReadSession, viewer: Viewer, photo_id: UUID) -> PhotoDetail:
    photo = get_photo(session, viewer, photo_id)

    def of(table: type, *order: object) -> list:  # type: ignore[type-arg]
        return list(session.scalars(select(table).where(table.photo_id == photo.id).order_by(*order)))  # type: ignore[attr-defined,arg-type]

    faces = session.execute(
        select(Face, Person).outerjoin(Person, Person.id == Face.person_id).where(Face.photo_id == photo.id)
    )
    edits = [edit for edit in of(Edit, Edit.id) if edit.deleted_at is None]
    return PhotoDetail(
        photo,
        tags_of(session, photo),
        of(DetectedObject, DetectedObject.confidence.desc()),
        sorted(((face, person) for face, person in faces), key=lambda pair: pair[0].x),
        of(Cue, Cue.name),
        of(TextLine, TextLine.y, TextLine.x),
        edits,
        of(Stage, Stage.stage),
    )


def tags_of(session: ReadSession, photo: Photo) -> list[TagOnPhoto]:
    """The photo's tags as its owner arranged them, one entry each: confirmed first, then what says most exactly what is
    there, then by confidence; rejected ones last, hidden ones not at all."""
    rows = session.scalars(
        select(PhotoTag).where(PhotoTag.photo_id == photo.id, PhotoTag.source != "guess")
    ).all()
    book = tag_book(session, photo.owner_id)
    best: dict[int, TagOnPhoto] = {}
    for row in rows:
        tag = book.shown(row.tag_id)
        if tag is None:
            continue
        if row.tag_id != tag.id and row.state == "rejected":
            continue  # what is not a corgi may still be a dog
        seen = best.get(tag.id)
        # A model's evidence tells more than the bare fact that the user agreed with it.
        rank = (row.source != "user", row.confidence)
        verdict = _stronger(row.state, seen.state if seen is not None else "suggested")
        if seen is None or rank > (seen.source != "user", seen.confidence):
            best[tag.id] = TagOnPhoto(tag, row.confidence, row.source, verdict, row.model)
        else:
            best[tag.id] = replace(seen, state=verdict)
    above = {up for seen in best.values() if seen.state != "rejected" for up in book.above(seen.tag)}
    told = [replace(seen, broader=seen.tag.id in above) for seen in best.values()]
    order = {"confirmed": 0, "suggested": 1, "rejected": 2}
    return sorted(told, key=lambda t: (order[t.state], t.broader, -t.confidence, t.tag.slug))


def _stronger(one: str, other: str) -> str:
    """Of the states of tags that are shown as one: a rejection of it, else a confirmation of any."""
    return max(one, other, key=("suggested", "confirmed", "rejected").index)


# --- changing -------------------------------------------------------------------------------------------------


def update_photo(session: WriteSession, viewer: Viewer, photo_id: UUID, change: Change) -> Photo:
    photo = get_photo(session, viewer, photo_id)
    if change.rating is not None and not 0 <= change.rating <= 5:
        raise Invalid("A rating is 0 to 5.", field="rating")
    for name in ("title", "description", "favorite", "rating", "archived"):
        value = getattr(change, name)
        if value is not None:
            setattr(photo, name, value)
    if change.taken_at is not None:
        _set_taken(photo, change.taken_at)
    if change.location is not None or change.clear_location:
        _set_location(photo, change.location)
    photo.updated_at = utcnow()
    session.flush()
    index_terms(session, photo)
    return photo


def _set_taken(photo: Photo, moment: datetime) -> None:
    if not 1800 <= moment.year <= 9000:
        raise Invalid("The year must lie between 1800 and 9000.", field="taken_at")
    offset = moment.utcoffset()
    minutes = None if offset is None else round(offset.total_seconds() / 60)
    local, instant, _ = intake.instant_of(moment.replace(tzinfo=None), minutes)
    photo.taken_local, photo.taken_at, photo.taken_offset, photo.taken_source = (
        local,
        instant,
        minutes,
        "user",
    )


def _set_location(photo: Photo, location: tuple[float, float] | None) -> None:
    if location is not None and not (-90 <= location[0] <= 90 and -180 <= location[1] <= 180):
        raise Invalid("Latitude is -90 to 90 and longitude -180 to 180.", field="location")
    photo.latitude, photo.longitude = location or (None, None)
    photo.altitude, photo.location_source = None, "user"
    intake.set_place(photo)


def confirm_tag(session: WriteSession, viewer: Viewer, photo_id: UUID, name: str) -> Tag:
    """Add a tag or confirm a suggested one, by slug or by name in either language; the user's word wins for ever."""
    photo = get_photo(session, viewer, photo_id)
    tag = vocabulary.named(session, viewer, name)
    _decide(session, photo, tag, "confirmed")
    return tag


def reject_tag(session: WriteSession, viewer: Viewer, photo_id: UUID, slug: str) -> None:
    """Remove a tag: a later analysis will not bring it back."""
    photo = get_photo(session, viewer, photo_id)
    there = set(session.scalars(select(PhotoTag.tag_id).where(PhotoTag.photo_id == photo.id)))
    tag, *joined = vocabulary.meant(session, viewer, slug)
    for meant in [tag, *(other for other in joined if other.id in there)]:
        _decide(session, photo, meant, "rejected")


def forget_verdict(session: WriteSession, viewer: Viewer, photo_id: UUID, slug: str) -> None:
    """Take back what the user said of a tag: what the models saw counts again, and without that it is gone.

    Harmless where nothing was said. A taught tag unlearns it.
    """
    photo = get_photo(session, viewer, photo_id)
    of_photo = PhotoTag.photo_id == photo.id
    for tag in vocabulary.meant(session, viewer, slug):
        said = session.get(PhotoTag, (tag.id, photo.id, "user"))
        if said is None:
            continue
        session.delete(said)
        session.flush()
        session.execute(update(PhotoTag).where(of_photo, PhotoTag.tag_id == tag.id).values(state="suggested"))
        photo.updated_at = utcnow()
        teaching.note_verdict(session, tag)


def _decide(session: WriteSession, photo: Photo, tag: Tag, state: str) -> None:
    session.merge(
        PhotoTag(tag_id=tag.id, photo_id=photo.id, source="user", confidence=1.0, state=state, model=None)
    )
    session.flush()
    session.execute(
        update(PhotoTag).where(PhotoTag.photo_id == photo.id, PhotoTag.tag_id == tag.id).values(state=state)
    )
    photo.updated_at = utcnow()
    teaching.note_verdict(session, tag)


# --- trash ----------------------------------------------------------------------------------------------------


def trash_photo(session: WriteSession, viewer: Viewer, photo_id: UUID) -> None:
    """Move to the trash; doing it twice is harmless."""
    photo = get_photo(session, viewer, photo_id)
    if photo.deleted_at is None:
        photo.deleted_at = photo.updated_at = utcnow()


def restore_photo(session: WriteSession, viewer: Viewer, photo_id: UUID) -> Photo:
    photo = get_photo(session, viewer, photo_id)
    if photo.deleted_at is not None:
        photo.deleted_at, photo.updated_at = None, utcnow()
    return photo


def empty_trash(session: WriteSession, viewer: Viewer) -> list[str]:
    """Remove the viewer's trashed photos for good; the checksums whose files may now go (see ``forget_files``)."""
    gone = session.scalars(
        select(Photo).where(Photo.owner_id == viewer.user_id, Photo.deleted_at.is_not(None))
    ).all()
    return _remove(session, gone)


def days_left(photo: Photo, trash_days: int) -> int:
    """Whole days until a trashed photo goes for good; 0 on the last day, and for one that is not in the trash."""
    if photo.deleted_at is None:
        return 0
    return max(0, (photo.deleted_at + timedelta(days=trash_days) - utcnow()).days)


def purge_photo(session: WriteSession, viewer: Viewer, photo_id: UUID) -> list[str]:
    """Remove one trashed photo for good; as ``empty_trash``.

    Raises:
        NotFound: no such photo in the viewer's trash.
    """
    return _remove(session, [get_photo(session, viewer, photo_id, trashed=True)])


def purge_expired(session: WriteSession, trash_days: int) -> list[str]:
    """Remove every photo whose time in the trash is over."""
    limit = utcnow() - timedelta(days=trash_days)
    return _remove(session, session.scalars(select(Photo).where(Photo.deleted_at < limit)).all())


def _remove(session: WriteSession, gone: Sequence[Photo]) -> list[str]:
    checksums = {photo.checksum for photo in gone}
    for start in range(0, len(gone), _PART):
        edits = select(Edit.checksum).where(Edit.photo_id.in_([p.id for p in gone[start : start + _PART]]))
        checksums |= {checksum for checksum in session.scalars(edits) if checksum}
    for photo in gone:
        session.delete(photo)
    session.flush()
    return sorted(checksums)


def forget_files(context: Context, checksums: Iterable[str]) -> None:
    """Delete files and renditions that no photo or edit names any more; call after the removing transaction."""
    for checksum in checksums:
        # The write lock keeps an upload of the same bytes from inserting its row between the look and the delete;
        # one that has kept its file but not written its row yet is spared by the file's age.
        with context.database.write() as session:
            named = (select(table.id).where(table.checksum == checksum).limit(1) for table in (Photo, Edit))
            if all(session.scalar(one) is None for one in named):
                context.storage.remove_original(checksum, unused_for=_JUST_KEPT)
                context.storage.remove_renditions(checksum)


def request_analysis(session: WriteSession, viewer: Viewer, photo_id: UUID) -> UUID | None:
    """Have a photo looked at again; None when that is already waiting."""
    photo = get_photo(session, viewer, photo_id)
    job = jobs.enqueue(
        session,
        "analyse",
        dedupe=str(photo.id),
        owner_id=photo.owner_id,
        photo_id=photo.id,
        priority=jobs.USER_WAITS,
    )
    if job is not None and photo.status == "failed":
        photo.status, photo.error, photo.updated_at = "pending", None, utcnow()
    return job
