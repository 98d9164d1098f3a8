"""Albums: manual ones are lists, dynamic ones are saved queries that fill themselves (with pinned exceptions)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Select, and_, delete, func, or_, select

from app.cursors import as_kinds, cut, read_cursor, write_cursor
from app.db import ReadSession, WriteSession, insert_into, utcnow
from app.errors import BadQuery, Conflict, Invalid, NotFound
from app.models import Album, AlbumPhoto, Photo
from app.search import count_photos, finds, parse
from app.sentences import say
from app.services.accounts import Viewer
from app.services.collections import tallies

ORDERS = ("newest", "oldest", "added")
MOST_PINS = 500  # shown of one album


@dataclass(frozen=True)
class AlbumSummary:
    """An album with how many photos it holds now and the photo that stands for it."""

    album: Album
    count: int
    cover_photo_id: UUID | None


def get_album(session: ReadSession, viewer: Viewer, album_id: UUID, *, kind: str | None = None) -> Album:
    """The viewer's album.

    Raises:
        NotFound: no such album of this viewer.
        Conflict: it is not of the ``kind`` the action needs.
    """
    album = session.get(Album, album_id)
    if album is None or album.owner_id != viewer.user_id or album.deleted_at is not None:
        raise NotFound("There is no such album.")
    if kind is not None and album.kind != kind:
        raise Conflict(
            say(
                "This needs a {kind} album; {title} is a {other} one.",
                kind=say(kind),
                title=album.title,
                other=say(album.kind),
            )
        )
    return album


@dataclass(frozen=True)
class AlbumsPage:
    items: list[AlbumSummary]
    next_cursor: str | None


def list_albums(
    session: ReadSession,
    viewer: Viewer,
    *,
    kind: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
) -> AlbumsPage:
    """A page of the viewer's albums, all or of one kind, the latest changed first.

    Raises:
        Invalid: a cursor of another list.
    """
    query = _living(viewer).limit(limit + 1)
    if kind is not None:
        query = query.where(Album.kind == kind)
    if cursor is not None:
        changed, last = as_kinds(read_cursor(cursor, "albums"), datetime.fromisoformat, UUID)
        same = and_(Album.updated_at == changed, Album.id > last)
        query = query.where(or_(Album.updated_at < changed, same))
    page, end = cut(session.scalars(query).all(), limit)
    return AlbumsPage(
        [summarise(session, viewer, album) for album in page],
        write_cursor([end.updated_at.isoformat(), end.id.hex], "albums") if end else None,
    )


def choices(session: ReadSession, viewer: Viewer) -> list[Album]:
    """The albums one can put photos into by hand, the latest changed first; nothing is counted."""
    return list(session.scalars(_living(viewer).where(Album.kind == "manual")))


def holding(session: ReadSession, viewer: Viewer, photo_id: UUID, *, rules: bool = True) -> list[Album]:
    """The viewer's albums that hold a photo, by title. Without ``rules`` only those it was put into by hand.

    Every rule is asked about this one photo alone, so that the size of the library matters little.

    Raises:
        NotFound: no such photo of this viewer.
    """
    _own_photos(session, viewer, [photo_id])
    placed = dict(
        session.execute(select(AlbumPhoto.album_id, AlbumPhoto.pin).where(AlbumPhoto.photo_id == photo_id))
        .tuples()
        .all()
    )

    def holds(album: Album) -> bool:
        if album.id in placed:
            return placed[album.id] != "never"
        if album.kind == "manual" or not rules:
            return False
        try:
            return finds(session, viewer, members(album), photo_id)
        except BadQuery:  # its rule names what is gone; the album's own page says so
            return False

    return sorted(
        (album for album in session.scalars(_living(viewer)) if holds(album)),
        key=lambda a: a.title.casefold(),
    )


def _living(viewer: Viewer) -> Select[Album]:
    mine = select(Album).where(Album.owner_id == viewer.user_id, Album.deleted_at.is_(None))
    return mine.order_by(Album.updated_at.desc(), Album.id)


def summarise(session: ReadSession, viewer: Viewer, album: Album) -> AlbumSummary:
    """Count an album; one whose rule names what is gone holds nothing (its own page says why)."""
    try:
        found = tallies.of_album(session, viewer, album.id, members(album))
    except BadQuery:
        return AlbumSummary(album, 0, album.cover_photo_id)
    return AlbumSummary(album, found.count, album.cover_photo_id or found.newest)


def members(album: Album) -> str:
    """The query whose result is the album: its list, or its rule with the pinned exceptions."""
    return f"album:{album.id}"


def create_album(
    session: WriteSession,
    viewer: Viewer,
    title: str,
    *,
    query: str | None = None,
    description: str = "",
    sort: str = "newest",
) -> Album:
    """A manual album, or a dynamic one when a ``query`` is given.

    Raises:
        BadQuery: the rule does not parse; its ``position`` says where.
    """
    album = Album(
        owner_id=viewer.user_id,
        title=_title(title),
        description=description[:10_000],
        kind="manual" if query is None else "dynamic",
        query=None if query is None else _rule(query),
        sort=_sort(sort),
    )
    session.add(album)
    session.flush()
    if query is not None:
        count_photos(session, viewer, members(album))  # the rule must compile: known albums, no cycle
    return album


def find_or_create(session: WriteSession, viewer: Viewer, title: str) -> Album:
    """The viewer's manual album of that title; made when there is none."""
    album = session.scalar(
        select(Album).where(
            Album.owner_id == viewer.user_id,
            Album.title == title,
            Album.kind == "manual",
            Album.deleted_at.is_(None),
        )
    )
    return album or create_album(session, viewer, title)


def update_album(
    session: WriteSession,
    viewer: Viewer,
    album_id: UUID,
    *,
    title: str | None = None,
    description: str | None = None,
    query: str | None = None,
    cover_photo_id: UUID | None = None,
    sort: str | None = None,
) -> Album:
    album = get_album(session, viewer, album_id)
    if sort is not None:
        album.sort = _sort(sort)
    if title is not None:
        album.title = _title(title)
    if description is not None:
        album.description = description[:10_000]
    if query is not None:
        if album.kind != "dynamic":
            raise Conflict("A manual album has no rule. Make a dynamic album instead.")
        album.query = _rule(query)
        session.flush()
        count_photos(session, viewer, members(album))
    if cover_photo_id is not None:
        _own_photos(session, viewer, [cover_photo_id])
        album.cover_photo_id = cover_photo_id
    album.updated_at = utcnow()
    return album


def delete_album(session: WriteSession, viewer: Viewer, album_id: UUID) -> None:
    """Put the album away; its photos stay, and ``restore_album`` brings it back."""
    get_album(session, viewer, album_id).deleted_at = utcnow()


def restore_album(session: WriteSession, viewer: Viewer, album_id: UUID) -> Album:
    album = session.get(Album, album_id)
    if album is None or album.owner_id != viewer.user_id:
        raise NotFound("There is no such album.")
    album.deleted_at = None
    return album


def add_photos(session: WriteSession, viewer: Viewer, album_id: UUID, photo_ids: Sequence[UUID]) -> int:
    """Put photos into a manual album, or pin them into a dynamic one; how many were new there."""
    album = get_album(session, viewer, album_id)
    _own_photos(session, viewer, photo_ids)
    return _put(session, album, photo_ids, "always" if album.kind == "dynamic" else None)


def remove_photos(session: WriteSession, viewer: Viewer, album_id: UUID, photo_ids: Sequence[UUID]) -> None:
    """Take photos out of a manual album, or pin them out of a dynamic one ("never this one")."""
    album = get_album(session, viewer, album_id)
    if album.kind == "dynamic":
        _own_photos(session, viewer, photo_ids)
        _put(session, album, photo_ids, "never")
        return
    session.execute(
        delete(AlbumPhoto).where(AlbumPhoto.album_id == album.id, AlbumPhoto.photo_id.in_(photo_ids))
    )
    album.updated_at = utcnow()


def pinned(session: ReadSession, viewer: Viewer, album_id: UUID) -> dict[str, list[Photo]]:
    """The exceptions of a dynamic album: photos pinned in (``always``) and out (``never``), the latest pin first."""
    album = get_album(session, viewer, album_id, kind="dynamic")
    rows = session.execute(
        select(AlbumPhoto.pin, Photo)
        .join(Photo, Photo.id == AlbumPhoto.photo_id)
        .where(AlbumPhoto.album_id == album.id, Photo.deleted_at.is_(None))
        .order_by(AlbumPhoto.added_at.desc(), Photo.id)
        .limit(MOST_PINS)
    ).tuples()
    found: dict[str, list[Photo]] = {"always": [], "never": []}
    for pin, photo in rows:
        if pin in found:
            found[pin].append(photo)
    return found


def unpin(session: WriteSession, viewer: Viewer, album_id: UUID, photo_id: UUID) -> None:
    """Let the rule decide about a photo again; doing it twice is harmless."""
    album = get_album(session, viewer, album_id, kind="dynamic")
    _own_photos(session, viewer, [photo_id])
    session.execute(
        delete(AlbumPhoto).where(AlbumPhoto.album_id == album.id, AlbumPhoto.photo_id == photo_id)
    )
    album.updated_at = utcnow()


def _put(session: WriteSession, album: Album, photo_ids: Sequence[UUID], pin: str | None) -> int:
    if not photo_ids:
        return 0
    rows = [{"album_id": album.id, "photo_id": photo_id, "pin": pin} for photo_id in photo_ids]
    key = [AlbumPhoto.album_id, AlbumPhoto.photo_id]
    before = session.scalar(select(func.count()).where(AlbumPhoto.album_id == album.id)) or 0
    session.execute(
        insert_into(session, AlbumPhoto)
        .values(rows)
        .on_conflict_do_update(index_elements=key, set_={"pin": pin})
    )
    album.updated_at = utcnow()
    return (session.scalar(select(func.count()).where(AlbumPhoto.album_id == album.id)) or 0) - before


def _own_photos(session: ReadSession, viewer: Viewer, photo_ids: Iterable[UUID]) -> None:
    wanted = set(photo_ids)
    owned = session.scalar(select(func.count()).where(Photo.id.in_(wanted), Photo.owner_id == viewer.user_id))
    if owned != len(wanted):
        raise NotFound("There is no such photo.")


def _rule(text: str) -> str:
    """The canonical text of a rule."""
    canonical = str(parse(text))
    if not canonical:
        raise Invalid("A dynamic album needs a rule, such as tag:beach year:2024.", field="query")
    return canonical


def _sort(sort: str) -> str:
    if sort not in ORDERS:
        raise Invalid(say("The order is one of {orders}.", orders=", ".join(ORDERS)), field="sort")
    return sort


def _title(title: str) -> str:
    if not 1 <= len(title.strip()) <= 200:
        raise Invalid("An album has a title of 1 to 200 characters.", field="title")
    return title.strip()
