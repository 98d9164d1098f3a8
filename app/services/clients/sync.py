"""Delta sync: which photos, albums, memberships, people and tags of a user changed since a client last asked.

Every change is numbered by triggers in the database, so that no way of changing anything (a bulk statement, a
cascade, a migration) can be forgotten. ``changes`` holds one row per thing with the number of its latest change.

Why no change can be missed. Numbers come from one counter row per user. A transaction that takes a number holds
that row until it ends (SQLite has one writer; PostgreSQL locks the row), so numbers become visible in their order:
whoever sees n sees every smaller number that will ever be. A reader that has everything up to n and asks for what
is above n therefore misses nothing. A thing that changes again moves up to a new number and is sent again. On
PostgreSQL the triggers are deferred to the commit, so that the counter is held for the commit alone.
"""

from __future__ import annotations

import base64
import binascii
import json
import secrets
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Row, delete, func, select, update

from app.db import Database, ReadSession, WriteSession, utcnow
from app.errors import AppError, Invalid
from app.models import (
    Album,
    AlbumPhoto,
    Change,
    ChangeCounter,
    Face,
    KeyValue,
    Person,
    Photo,
    PhotoTag,
    Tag,
)
from app.search.tags import tag_book
from app.services.accounts import Viewer

MAX_PAGE = 500
_ALBUM_KINDS = ("album", "member")
_KINDS = ("photo", "person", "tag")
_EPOCH = "changes"
_FORGET_AFTER = timedelta(days=180)


class CursorExpired(AppError):
    """The client has to start again without a cursor: what it missed is no longer known."""

    code, status, title = "cursor-expired", 410, "Too long ago"


@dataclass(frozen=True)
class Member:
    """A photo's place in an album: in a manual one, or pinned into (always) or out of (never) a dynamic one."""

    album_id: UUID
    photo_id: UUID
    pin: str | None


@dataclass(frozen=True)
class SyncedPhoto:
    """A photo with what lists of it depend on: slugs of its tags (rejected ones left out), ids of its people."""

    photo: Photo
    tags: list[str]
    people: list[UUID]


Thing = SyncedPhoto | Album | Member | Person | Tag


@dataclass(frozen=True)
class Delta:
    """One page of changes: things as they are now, and (kind, name) of things that are gone."""

    changed: list[Thing]
    deleted: list[tuple[str, str]]
    cursor: str
    has_more: bool


@dataclass(frozen=True)
class Counts:
    """How much of everything there is, for a client to check itself against."""

    photos: int
    trashed: int
    albums: int
    members: int
    people: int
    tags: int


# --- reading --------------------------------------------------------------------------------------------------


def changes(session: ReadSession, viewer: Viewer, since: str | None, limit: int = 200) -> Delta:
    """What changed after ``since`` (None: everything there is), oldest change first.

    Raises:
        CursorExpired: the cursor is of another history, or older than what is still known.
        Invalid: it is no cursor.
    """
    albums_too = viewer.may("albums.read")
    epoch, start = _epoch(session), 0
    counter = session.execute(
        select(ChangeCounter.value, ChangeCounter.forgotten).where(ChangeCounter.owner_id == viewer.user_id)
    ).first()
    newest, forgotten = (counter.value, counter.forgotten) if counter else (0, 0)
    if since is not None:
        start, floor = _position(since, epoch, albums_too)
        # A new client's pages begin below what was forgotten before it came, which it has never seen.
        if start > newest or (start < forgotten and floor != forgotten):
            raise CursorExpired("The changes since then are no longer known. Start again without a cursor.")
    kinds = _KINDS + (_ALBUM_KINDS if albums_too else ())
    wanted = (
        select(Change.kind, Change.entity, Change.sequence, Change.gone)
        .where(Change.owner_id == viewer.user_id, Change.sequence > start, Change.kind.in_(kinds))
        .order_by(Change.sequence)
        .limit(limit + 1)
    )
    if since is None:
        wanted = wanted.where(Change.gone.is_(False))  # a new client has nothing to delete
    rows = session.execute(wanted).all()
    page = rows[:limit]
    end = page[-1].sequence if page else start
    if len(rows) <= limit:
        end = max(end, newest)  # the rows were read after the counter: nothing up to it is left
    found = _things(session, viewer, page)
    changed = [found[row.kind, row.entity] for row in page if (row.kind, row.entity) in found]
    deleted = [(row.kind, row.entity) for row in page if (row.kind, row.entity) not in found]
    return Delta(changed, deleted, _cursor(epoch, end, albums_too, forgotten), len(rows) > limit)


def counts(session: ReadSession, viewer: Viewer) -> Counts:
    """Counted in one statement, so that the numbers belong together."""
    owned = Photo.owner_id == viewer.user_id
    alive = select(Album.id).where(Album.owner_id == viewer.user_id, Album.deleted_at.is_(None))
    row = session.execute(
        select(
            _count(Photo.id, owned, Photo.deleted_at.is_(None)),
            _count(Photo.id, owned, Photo.deleted_at.is_not(None)),
            _count(Album.id, Album.owner_id == viewer.user_id, Album.deleted_at.is_(None)),
            _count(AlbumPhoto.photo_id, AlbumPhoto.album_id.in_(alive)),
            _count(Person.id, Person.owner_id == viewer.user_id),
            _count(Tag.id, Tag.owner_id == viewer.user_id),
        )
    ).one()
    return Counts(*row)


def _count(column: object, *where: object):  # type: ignore[no-untyped-def]
    return select(func.count(column)).where(*where).scalar_subquery()  # type: ignore[arg-type]


def _things(
    session: ReadSession, viewer: Viewer, page: Sequence[Row[str, str, int, bool]]
) -> dict[tuple[str, str], Thing]:
    """The things the rows speak of, as far as they are still there."""
    names: dict[str, list[str]] = {}
    for row in page:
        if not row.gone:
            names.setdefault(row.kind, []).append(row.entity)
    found: dict[tuple[str, str], Thing] = {}
    ids = {kind: [UUID(hex=name) for name in names.get(kind, ())] for kind in ("photo", "album", "person")}
    for photo in _photos(session, viewer, ids["photo"]):
        found["photo", photo.photo.id.hex] = photo
    for album in session.scalars(select(Album).where(Album.id.in_(ids["album"]), Album.deleted_at.is_(None))):
        found["album", album.id.hex] = album
    for person in session.scalars(select(Person).where(Person.id.in_(ids["person"]))):
        found["person", person.id.hex] = person
    mine = select(Tag).where(Tag.owner_id == viewer.user_id, Tag.slug.in_(names.get("tag", ())))
    for tag in session.scalars(mine):
        found["tag", tag.slug] = tag
    for member in _members(session, names.get("member", ())):
        found["member", member.album_id.hex + member.photo_id.hex] = member
    return found


def _photos(session: ReadSession, viewer: Viewer, ids: list[UUID]) -> list[SyncedPhoto]:
    tags: dict[UUID, set[str]] = {photo_id: set() for photo_id in ids}
    people: dict[UUID, set[UUID]] = {photo_id: set() for photo_id in ids}
    seen = select(PhotoTag.photo_id, PhotoTag.tag_id).where(
        PhotoTag.photo_id.in_(ids), PhotoTag.state != "rejected"
    )
    book = tag_book(session, viewer.user_id)
    for photo_id, tag_id in session.execute(seen):
        if (tag := book.shown(tag_id)) is not None:
            tags[photo_id].add(tag.slug)
    faces = select(Face.photo_id, Face.person_id).where(Face.photo_id.in_(ids), Face.person_id.is_not(None))
    for photo_id, person_id in session.execute(faces):
        people[photo_id].add(person_id)  # type: ignore[arg-type]
    return [
        SyncedPhoto(photo, sorted(tags[photo.id]), sorted(people[photo.id]))
        for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))
    ]


def _members(session: ReadSession, names: Iterable[str]) -> list[Member]:
    wanted: dict[UUID, set[UUID]] = {}
    for name in names:
        wanted.setdefault(UUID(hex=name[:32]), set()).add(UUID(hex=name[32:]))
    members = []
    for album_id, photo_ids in wanted.items():
        rows = (
            select(AlbumPhoto.album_id, AlbumPhoto.photo_id, AlbumPhoto.pin)
            .join(Album, Album.id == AlbumPhoto.album_id)
            .where(AlbumPhoto.album_id == album_id, AlbumPhoto.photo_id.in_(photo_ids))
            .where(Album.deleted_at.is_(None))
        )
        members += [Member(*row) for row in session.execute(rows)]
    return members


# --- cursors --------------------------------------------------------------------------------------------------


def _cursor(epoch: str, position: int, albums_too: bool, floor: int) -> str:
    packed = json.dumps([epoch, position, int(albums_too), floor], separators=(",", ":"))
    return base64.urlsafe_b64encode(packed.encode()).decode().rstrip("=")


def _position(cursor: str, epoch: str, albums_too: bool) -> tuple[int, int]:
    """Position and floor of a cursor."""
    try:
        packed = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        given, position, had_albums, floor = json.loads(packed)
        position, floor, had_albums = int(position), int(floor), bool(had_albums)
    except (binascii.Error, ValueError, TypeError):
        raise Invalid("This is not a cursor of /changes.", field="since") from None
    if given != epoch or had_albums != albums_too:
        raise CursorExpired("The cursor is of another history. Start again without a cursor.")
    return position, floor


def _epoch(session: ReadSession) -> str:
    kept = session.get(KeyValue, _EPOCH)
    return str(kept.value["epoch"]) if kept is not None else ""


def renew_epoch(session: WriteSession) -> None:
    """Make every client start again: the history is another one now (a backup was restored)."""
    session.merge(KeyValue(key=_EPOCH, value={"epoch": secrets.token_hex(4)}))


def forget_old(session: WriteSession, older_than: timedelta = _FORGET_AFTER) -> int:
    """Forget what was deleted long ago; clients that have not asked since start again. How many were forgotten."""
    old = (Change.gone.is_(True), Change.at < utcnow() - older_than)
    last = select(Change.owner_id, func.max(Change.sequence)).where(*old).group_by(Change.owner_id)
    for owner_id, sequence in session.execute(last).all():
        session.execute(
            update(ChangeCounter).where(ChangeCounter.owner_id == owner_id).values(forgotten=sequence)
        )
    return session.execute(delete(Change).where(*old)).rowcount  # type: ignore[attr-defined]


# --- the triggers ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Watched:
    """How a row of one table names the thing that changes with it.

    ``owner`` and ``entity`` are SQL with ``{row}`` for NEW or OLD and ``{hex}`` for a function. The rows of a table
    that is not ``whole`` are parts of the thing, which stays when they go. ``columns`` limits which updates count.
    """

    table: str
    kind: str
    owner: str
    entity: str
    whole: bool = True
    columns: str = ""


_OF_PHOTO = "(SELECT owner_id FROM photos WHERE id = {row}.photo_id)"
_OF_ALBUM = "(SELECT owner_id FROM albums WHERE id = {row}.album_id)"
_WATCHED = (
    _Watched("photos", "photo", "{row}.owner_id", "{hex}({row}.id)"),
    _Watched("photo_tags", "photo", _OF_PHOTO, "{hex}({row}.photo_id)", False, " OF state"),
    _Watched("faces", "photo", _OF_PHOTO, "{hex}({row}.photo_id)", False, " OF person_id"),
    _Watched("albums", "album", "{row}.owner_id", "{hex}({row}.id)"),
    _Watched("album_photos", "member", _OF_ALBUM, "{hex}({row}.album_id) || {hex}({row}.photo_id)"),
    _Watched("people", "person", "{row}.owner_id", "{hex}({row}.id)"),
    _Watched("tags", "tag", "{row}.owner_id", "{row}.slug"),
)
_EVENTS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}
# Deleting an album hides its members and restoring it shows them again.
_ALBUM_HIDDEN = "(OLD.deleted_at IS NULL) <> (NEW.deleted_at IS NULL)"
_TOUCH_MEMBERS = "UPDATE album_photos SET pin = pin WHERE album_id = NEW.id"
_TO_NUMBER = {
    "photos": "owner_id",
    "albums": "owner_id",
    "album_photos": "pin",
    "people": "owner_id",
    "tags": "slug",
}


def install(database: Database) -> None:
    """Put the triggers into the database, in place of older ones, and number what has no number yet."""
    with database.write() as session:
        run = session.connection().exec_driver_sql
        for statement in _sqlite() if database.is_sqlite else _postgresql():
            run(statement)
        if session.get(KeyValue, _EPOCH) is None:
            renew_epoch(session)
        if session.scalar(select(Change.sequence).limit(1)) is None:
            for table, column in _TO_NUMBER.items():  # an update that changes nothing, but for the number
                run(f"UPDATE {table} SET {column} = {column}")  # noqa: S608


def _sqlite() -> Iterator[str]:
    now = "strftime('%Y-%m-%d %H:%M:%f', 'now') || '000'"
    for watched in _WATCHED:
        for event, row in _EVENTS.items():
            owner = watched.owner.format(row=row)
            entity = f"lower({watched.entity.format(row=row, hex='hex')})"
            gone = int(event == "delete" and watched.whole)
            name = f"changed_{watched.table}_{event}"
            columns = watched.columns if event == "update" else ""
            yield f"DROP TRIGGER IF EXISTS {name}"
            yield f"""
                CREATE TRIGGER {name} AFTER {event}{columns} ON {watched.table}
                WHEN {owner} IS NOT NULL BEGIN
                    INSERT INTO change_counters (owner_id, value, forgotten) VALUES ({owner}, 1, 0)
                    ON CONFLICT (owner_id) DO UPDATE SET value = value + 1;
                    INSERT INTO changes (owner_id, kind, entity, sequence, gone, at)
                    SELECT owner_id, '{watched.kind}', {entity}, value, {gone}, {now}
                    FROM change_counters WHERE owner_id = {owner}
                    ON CONFLICT (owner_id, kind, entity)
                    DO UPDATE SET sequence = excluded.sequence, gone = excluded.gone, at = excluded.at;
                END"""  # noqa: S608
    yield "DROP TRIGGER IF EXISTS changed_albums_hidden"
    yield f"""
        CREATE TRIGGER changed_albums_hidden AFTER UPDATE OF deleted_at ON albums
        WHEN {_ALBUM_HIDDEN} BEGIN {_TOUCH_MEMBERS}; END"""


def _postgresql() -> Iterator[str]:
    yield """
        CREATE OR REPLACE FUNCTION note_change(owner uuid, kind_ text, entity_ text, gone_ boolean) RETURNS void AS $$
        DECLARE number bigint;
        BEGIN
            IF owner IS NULL THEN RETURN; END IF;
            INSERT INTO change_counters (owner_id, value, forgotten) VALUES (owner, 1, 0)
            ON CONFLICT (owner_id) DO UPDATE SET value = change_counters.value + 1 RETURNING value INTO number;
            INSERT INTO changes (owner_id, kind, entity, sequence, gone, at)
            VALUES (owner, kind_, entity_, number, gone_, clock_timestamp() AT TIME ZONE 'utc')
            ON CONFLICT (owner_id, kind, entity)
            DO UPDATE SET sequence = excluded.sequence, gone = excluded.gone, at = excluded.at;
        END $$ LANGUAGE plpgsql"""
    yield """
        CREATE OR REPLACE FUNCTION changed_hex(id uuid) RETURNS text AS $$
            SELECT replace(id::text, '-', '')
        $$ LANGUAGE sql"""
    for watched in _WATCHED:
        for event, row in _EVENTS.items():
            owner = watched.owner.format(row=row)
            entity = watched.entity.format(row=row, hex="changed_hex")
            gone = event == "delete" and watched.whole
            name = f"changed_{watched.table}_{event}"
            columns = watched.columns if event == "update" else ""
            yield f"""
                CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN
                    PERFORM note_change({owner}, '{watched.kind}', {entity}, {gone});
                    RETURN NULL;
                END $$ LANGUAGE plpgsql"""
            yield f"DROP TRIGGER IF EXISTS {name} ON {watched.table}"
            yield f"""
                CREATE CONSTRAINT TRIGGER {name} AFTER {event}{columns} ON {watched.table}
                DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}()"""
    yield f"""
        CREATE OR REPLACE FUNCTION changed_albums_hidden() RETURNS trigger AS $$ BEGIN
            {_TOUCH_MEMBERS};
            RETURN NULL;
        END $$ LANGUAGE plpgsql"""
    yield "DROP TRIGGER IF EXISTS changed_albums_hidden ON albums"
    yield f"""
        CREATE TRIGGER changed_albums_hidden AFTER UPDATE OF deleted_at ON albums FOR EACH ROW
        WHEN ({_ALBUM_HIDDEN}) EXECUTE FUNCTION changed_albums_hidden()"""
