"""The library as folders of files, for programs that know nothing else: a manual album is a folder, its title the path.

Albums titled ``Camera`` and ``Camera/2024`` are a folder within a folder. The files of a folder are the album's photos
by their file names. A folder may hold a name only once and an album need not: the photo that came last has the bare
name, older ones carry the beginning of their checksum (``IMG_1~3f9a01bc.jpg``), so that putting a file never replaces
another one. The same bytes under several names are one photo with several ``AlbumFile`` names. Nothing here deletes
for good: what no folder holds any more goes to the trash.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import PurePosixPath
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, delete, exists, func, select

from app.db import ReadSession, WriteSession, insert_into, utcnow
from app.errors import Conflict, Invalid, NotAllowed, NotFound
from app.imaging.formats import SUFFIXES
from app.models import Album, AlbumFile, AlbumPhoto, Photo
from app.search.terms import index_terms
from app.services import photos
from app.services.accounts import Viewer
from app.services.collections import albums

_OLDER = re.compile(r"(?P<stem>.*)~(?P<sum>[0-9a-f]{8})(?P<suffix>\.[^.]*)?", re.DOTALL)
_NAMELESS = re.compile(r"(?P<sum>[0-9a-f]{12})\.[a-z]+")
_READ_AHEAD = 1000


@dataclass(frozen=True)
class Folder:
    """``album_id`` is None for the root and for a folder that only has folders in it."""

    path: str
    album_id: UUID | None
    changed: datetime


@dataclass(frozen=True)
class File:
    folder: str
    name: str
    album_id: UUID
    photo: Photo


# --- looking --------------------------------------------------------------------------------------------------


def find(session: ReadSession, viewer: Viewer, path: str) -> Folder | File:
    """What lies at a path. Raises NotFound."""
    path = clean(path)
    folder = _folder(session, viewer, path)
    if folder is not None:
        return folder
    above, _, name = path.rpartition("/")
    album = _album(session, viewer, above)
    photo = _named(session, viewer, album.id, name) if album is not None else None
    if album is None or photo is None:
        raise NotFound("There is no such file or folder.")
    return File(above, name, album.id, photo)


def clean(path: str) -> str:
    """The path without empty parts and outer spaces: ``/Camera//2024/`` is ``Camera/2024``. Raises Invalid."""
    if "\0" in path or any(len(part) > 255 for part in path.split("/")):
        raise Invalid("A name has at most 255 characters, all of them readable.", field="path")
    return "/".join(part.strip() for part in path.split("/") if part.strip())


def subfolders(session: ReadSession, viewer: Viewer, folder: Folder) -> list[Folder]:
    """The folders directly in a folder, by name."""
    below = f"{folder.path}/" if folder.path else ""
    rows = session.execute(
        select(Album.title, Album.id, Album.updated_at).where(*_manual(viewer)).where(_begins(below))
    )
    found: dict[str, Folder] = {}
    for title, album_id, changed in sorted(rows, key=lambda row: (row.title, row.id), reverse=True):
        name, _, rest = title[len(below) :].partition("/")
        path = below + name
        if not name or path != clean(path):
            continue  # a title that is no path, such as one that begins with a slash
        other = found.get(path)
        found[path] = Folder(path, (other.album_id if other else None) if rest else album_id, changed)
    return [found[path] for path in sorted(found)]


def files(session: ReadSession, viewer: Viewer, folder: Folder) -> Iterator[File]:
    """The files of a folder by name, read as they are asked for."""
    if folder.album_id is None:
        return
    album_id = folder.album_id
    given = select(AlbumFile.name, Photo).join(Photo, Photo.id == AlbumFile.photo_id).order_by(AlbumFile.name)
    taken: set[str] = set()
    for name, photo in _stream(
        session, given.where(*_member(viewer, album_id), AlbumFile.album_id == album_id)
    ):
        taken.add(name)
        yield File(folder.path, name, album_id, photo)
    before = ""
    for (photo,) in _stream(session, _plain(viewer, album_id).order_by(Photo.filename, Photo.id.desc())):
        name = _own_name(photo)
        if name == before or name in taken:
            path = PurePosixPath(name)
            yield File(folder.path, f"{path.stem}~{photo.checksum[:8]}{path.suffix}", album_id, photo)
        else:
            yield File(folder.path, name, album_id, photo)
        before = name


def _stream(session: ReadSession, statement: Select[*tuple[Any, ...]]) -> Iterator[Any]:
    for part in session.execute(statement.execution_options(yield_per=_READ_AHEAD)).partitions():
        yield from part
        session.expunge_all()


def _named(session: ReadSession, viewer: Viewer, album_id: UUID, name: str) -> Photo | None:
    given = select(Photo).join(AlbumFile, AlbumFile.photo_id == Photo.id)
    found = session.scalar(
        given.where(*_member(viewer, album_id), AlbumFile.album_id == album_id, AlbumFile.name == name)
    )
    if found is not None:
        return found
    newest = _plain(viewer, album_id).order_by(Photo.id.desc()).limit(1)
    found = session.scalar(newest.where(Photo.filename == name))
    if found is None and (older := _OLDER.fullmatch(name)):
        own = older["stem"] + (older["suffix"] or "")
        found = session.scalar(newest.where(Photo.filename == own, Photo.checksum.startswith(older["sum"])))
    if found is None and (nameless := _NAMELESS.fullmatch(name)):
        found = session.scalar(newest.where(Photo.filename == "", Photo.checksum.startswith(nameless["sum"])))
    return found


def _own_name(photo: Photo) -> str:
    return photo.filename or photo.checksum[:12] + SUFFIXES[photo.format]


def _member(viewer: Viewer, album_id: UUID) -> tuple[ColumnElement[bool], ...]:
    inside = exists().where(AlbumPhoto.album_id == album_id, AlbumPhoto.photo_id == Photo.id)
    return (Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), inside)


def _plain(viewer: Viewer, album_id: UUID) -> Select[Photo]:
    """The photos of an album that go by their own name there."""
    renamed = exists().where(AlbumFile.album_id == album_id, AlbumFile.photo_id == Photo.id)
    return select(Photo).where(*_member(viewer, album_id), ~renamed)


def _manual(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    return (Album.owner_id == viewer.user_id, Album.kind == "manual", Album.deleted_at.is_(None))


def _begins(prefix: str) -> ColumnElement[bool]:
    # By substring and not by LIKE, which on SQLite takes "camera" for "Camera".
    return func.substr(Album.title, 1, len(prefix)) == prefix


def _album(session: ReadSession, viewer: Viewer, path: str) -> Album | None:
    """The album of a folder; of several with one title the oldest."""
    return session.scalar(
        select(Album).where(*_manual(viewer), Album.title == path).order_by(Album.id).limit(1)
    )


def _folder(session: ReadSession, viewer: Viewer, path: str) -> Folder | None:
    if not path:
        return Folder("", None, datetime(2000, 1, 1, tzinfo=UTC))
    album = _album(session, viewer, path)
    if album is not None:
        return Folder(path, album.id, album.updated_at)
    below = session.scalar(select(func.max(Album.updated_at)).where(*_manual(viewer), _begins(path + "/")))
    return None if below is None else Folder(path, None, below)


# --- changing -------------------------------------------------------------------------------------------------


def make(session: WriteSession, viewer: Viewer, path: str) -> Album:
    """A new folder. Raises Conflict when the one above is missing; the caller knows that ``path`` is free."""
    path = clean(path)
    if _folder(session, viewer, path.rpartition("/")[0]) is None:
        raise Conflict("Make the folder above it first.")
    return albums.create_album(session, viewer, path)


def place(session: ReadSession, viewer: Viewer, path: str) -> tuple[Folder, str]:
    """The folder and the name for a file to be put at ``path``.

    Raises:
        Conflict: there is no such folder, or a folder has that name.
        NotAllowed: files lie in folders, not beside them.
    """
    path = clean(path)
    above, _, name = path.rpartition("/")
    if not above:
        raise NotAllowed("Each folder is an album. Put the file into one of them.")
    folder = _folder(session, viewer, above)
    if folder is None:
        raise Conflict("There is no such folder. Make it first.")
    if _folder(session, viewer, path) is not None:
        raise Conflict("A folder has this name.")
    return folder, name


def put(session: WriteSession, viewer: Viewer, album_id: UUID, name: str, photo_id: UUID) -> None:
    """Let a photo of the viewer's lie in a folder as ``name``; one from the trash comes back, being put there again."""
    photo = photos.restore_photo(session, viewer, photo_id)
    session.flush()
    own_name_counts = (
        session.get(AlbumPhoto, (album_id, photo_id)) is not None
        and not _has_names(session, album_id, photo_id)
        and photo.filename != name
    )
    albums.add_photos(session, viewer, album_id, [photo_id])
    if own_name_counts and _named(session, viewer, album_id, name) is None:
        _give(session, album_id, _own_name(photo), photo_id)  # the same bytes lie there under two names now
    _call(session, viewer, album_id, name, photo_id)


def _call(session: WriteSession, viewer: Viewer, album_id: UUID, name: str, photo_id: UUID) -> None:
    """Make ``name`` mean this photo, if it does not by itself."""
    session.flush()
    found = _named(session, viewer, album_id, name)
    if found is None or found.id != photo_id:
        _give(session, album_id, name, photo_id)


def _give(session: WriteSession, album_id: UUID, name: str, photo_id: UUID) -> None:
    row = insert_into(session, AlbumFile).values(album_id=album_id, name=name, photo_id=photo_id)
    key = [AlbumFile.album_id, AlbumFile.name]
    session.execute(row.on_conflict_do_update(index_elements=key, set_={"photo_id": photo_id}))


def _has_names(session: ReadSession, album_id: UUID, photo_id: UUID) -> bool:
    names = select(AlbumFile.name).where(AlbumFile.album_id == album_id, AlbumFile.photo_id == photo_id)
    return session.scalar(names.limit(1)) is not None


def _is_elsewhere(session: ReadSession, viewer: Viewer, file: File) -> bool:
    """Whether another folder holds the photo too."""
    others = (
        select(AlbumPhoto.album_id)
        .join(Album, Album.id == AlbumPhoto.album_id)
        .where(AlbumPhoto.photo_id == file.photo.id, AlbumPhoto.album_id != file.album_id, *_manual(viewer))
    )
    return session.scalar(others.limit(1)) is not None


def remove(session: WriteSession, viewer: Viewer, thing: Folder | File) -> None:
    """Take a file out of its folder, and to the trash when no other folder holds the photo; put a folder's albums
    away, whose photos stay."""
    if isinstance(thing, Folder):
        if not thing.path:
            raise NotAllowed("The folder of all folders stays.")
        for album in _albums_at(session, viewer, thing.path):
            albums.delete_album(session, viewer, album.id)
        return
    _uncall(session, thing)
    if _has_names(session, thing.album_id, thing.photo.id):
        return
    if _is_elsewhere(session, viewer, thing):
        albums.remove_photos(session, viewer, thing.album_id, [thing.photo.id])
    else:
        photos.trash_photo(session, viewer, thing.photo.id)


def _uncall(session: WriteSession, file: File) -> bool:
    """Take a given name away; whether it was one."""
    gone = delete(AlbumFile).where(AlbumFile.album_id == file.album_id, AlbumFile.name == file.name)
    return bool(session.execute(gone.returning(AlbumFile.name)).first())


def _albums_at(session: ReadSession, viewer: Viewer, path: str) -> list[Album]:
    """The albums that are this folder or lie in it."""
    inside = _begins(path + "/")
    return list(session.scalars(select(Album).where(*_manual(viewer), (Album.title == path) | inside)))


def move(session: WriteSession, viewer: Viewer, thing: Folder | File, path: str) -> None:
    """Give a file or folder another name or place. A file that had the new name stays beside it as an older one.

    Raises:
        Conflict: there is no folder to move it to, or a folder is there already.
        NotAllowed: to or from the root.
    """
    path = clean(path)
    if isinstance(thing, File):
        folder, name = place(session, viewer, path)
        if folder.album_id is None:
            raise Conflict("There is no such folder. Make it first.")
        _move_file(session, viewer, thing, folder.album_id, name)
        return
    if not thing.path or not path:
        raise NotAllowed("The folder of all folders stays where it is.")
    if _folder(session, viewer, path) is not None or path.startswith(thing.path + "/"):
        raise Conflict("A folder cannot be moved there.")
    if _folder(session, viewer, path.rpartition("/")[0]) is None:
        raise Conflict("Make the folder above it first.")
    for album in _albums_at(session, viewer, thing.path):
        albums.update_album(session, viewer, album.id, title=path + album.title[len(thing.path) :])


def _move_file(session: WriteSession, viewer: Viewer, file: File, album_id: UUID, name: str) -> None:
    photo = photos.get_photo(session, viewer, file.photo.id)
    given = _uncall(session, file)
    if not given and not _is_elsewhere(session, viewer, file):
        photo.filename, photo.updated_at = name, utcnow()
        session.flush()
        index_terms(session, photo)
    if file.album_id != album_id:
        if not _has_names(session, file.album_id, photo.id):
            albums.remove_photos(session, viewer, file.album_id, [photo.id])
        albums.add_photos(session, viewer, album_id, [photo.id])
    _call(session, viewer, album_id, name, photo.id)
