"""Uploads that arrive in pieces over bad networks: what tus needs, without HTTP.

A row says whose upload it is and what it will become; the file ``<data>/uploads/<id>`` holds the bytes that have
arrived, and its size is the offset: one fact in one place, true after any crash. Only one request at a time writes
to it (a lock on the file, held across processes). The last byte makes the photo through ``intake``; because that is
idempotent by checksum, an upload that was complete when the server died is simply completed again.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select

from app.context import Context
from app.db import utcnow
from app.errors import AppError, Conflict, NotFound, StorageFull, TooLarge, TooManyRequests
from app.models import Photo, ResumableUpload
from app.sentences import say
from app.services import intake
from app.services.accounts import Viewer
from app.services.collections import albums
from app.storage import disk_full

LIFETIME = timedelta(days=3)  # since the last piece; what expired is swept
MAX_OPEN = 100  # unfinished uploads of one user


class UploadExpired(AppError):
    code, status, title = "upload-expired", 410, "The upload has expired"


class UploadLocked(AppError):
    code, status, title = "upload-locked", 423, "The upload is in use"


class ChecksumMismatch(AppError):
    """The bytes are not those the client announced; they were not kept."""

    code, status, title = "checksum-mismatch", 460, "The checksum does not match"


@dataclass(frozen=True)
class State:
    """How far an upload is. ``added`` is its photo, once there is one."""

    id: UUID
    length: int
    offset: int
    expires_at: datetime
    added: intake.Added | None


def create(
    context: Context, viewer: Viewer, length: int, options: intake.Options, checksum: str | None = None
) -> UUID:
    """Begin an upload of ``length`` bytes; ``checksum`` is the whole file's SHA-256, checked at the end.

    Raises:
        TooLarge: more than the setting ``max_upload_bytes``.
        TooManyRequests: the viewer has too many unfinished uploads.
        NotFound: the album is not a manual one of the viewer's.
    """
    limit = context.settings.max_upload_bytes
    if length > limit:
        raise TooLarge(say("The file is larger than {size:.0f} MB.", size=limit / 1024**2), limit=limit)
    sweep(context)
    with context.database.write() as session:
        if options.album_id is not None:
            albums.get_album(session, viewer, options.album_id, kind="manual")
        mine = select(func.count()).where(
            ResumableUpload.owner_id == viewer.user_id, ResumableUpload.photo_id.is_(None)
        )
        if (session.scalar(mine) or 0) >= MAX_OPEN:
            raise TooManyRequests(
                say("There are {count} unfinished uploads. Finish or delete some first.", count=MAX_OPEN),
                headers={"Retry-After": "60"},
            )
        upload = ResumableUpload(
            owner_id=viewer.user_id,
            length=length,
            options=_stored(options),
            checksum=checksum,
            expires_at=utcnow() + LIFETIME,
        )
        session.add(upload)
        session.flush()
        with disk_full():
            _path(context, upload.id).touch()
    return upload.id


def state(context: Context, viewer: Viewer, upload_id: UUID) -> State:
    """How far the upload is; one that was complete when its server died is completed here.

    Raises:
        NotFound: no such upload of the viewer's.
        UploadExpired: it was not continued in time.
    """
    upload = _get(context, viewer, upload_id)
    path = _path(context, upload_id)
    if upload.photo_id is None and _size(path) == upload.length:
        try:
            with _locked(path):
                return complete(context, viewer, upload_id)
        except UploadLocked:
            pass  # another request is completing it at this moment
    return _state(context, upload)


class Appending:
    """The right to write to an upload, from ``offset`` on; made by ``append``."""

    def __init__(
        self, file: int, upload: ResumableUpload, offset: int, checksum: tuple[str, bytes] | None
    ) -> None:
        self._file = file
        self._start = self.offset = offset
        self._length = upload.length
        self._wanted = checksum
        self._hash = hashlib.new(checksum[0], usedforsecurity=False) if checksum else None

    def write(self, data: bytes) -> None:
        """Add bytes. Raises TooLarge (the piece is forgotten) and StorageFull."""
        if self.offset + len(data) > self._length:
            self.forget()
            raise TooLarge("More bytes came than the upload was announced to have.", limit=self._length)
        with disk_full():
            view = memoryview(data)
            while view:
                written = os.write(self._file, view)
                view, self.offset = view[written:], self.offset + written
        if self._hash is not None:
            self._hash.update(data)

    def end(self) -> None:
        """The request's body is over. Raises ChecksumMismatch when the piece is not what its checksum says."""
        if self._hash is not None and self._wanted is not None and self._hash.digest() != self._wanted[1]:
            self.forget()
            raise ChecksumMismatch("The piece is not what its checksum says; send it again.")

    def broken(self) -> None:
        """The connection was lost: what came stays, unless it had a checksum that cannot be checked now."""
        if self._hash is not None:
            self.forget()

    def forget(self) -> None:
        os.ftruncate(self._file, self._start)
        self.offset = self._start


@contextmanager
def append(
    context: Context, viewer: Viewer, upload_id: UUID, offset: int, checksum: tuple[str, bytes] | None = None
) -> Iterator[Appending]:
    """Hold the upload's lock and write from ``offset`` on; call ``complete`` inside when everything is there.

    Raises:
        NotFound, UploadExpired: as ``state``.
        UploadLocked: another request is writing to it.
        Conflict: ``offset`` is not where the upload ends.
    """
    _get(context, viewer, upload_id)
    with _locked(_path(context, upload_id)) as file:
        upload = _get(context, viewer, upload_id)  # again: the request before this one may have ended it
        there = upload.length if upload.photo_id is not None else os.lseek(file, 0, os.SEEK_END)
        if offset != there:
            raise Conflict(
                say("The upload is at {at}, not at {offset}.", at=there, offset=offset), offset=there
            )
        yield Appending(file, upload, offset, checksum)


def complete(context: Context, viewer: Viewer, upload_id: UUID) -> State:
    """Make the photo of an upload whose bytes are all there; the caller holds its lock. Doing it twice is harmless.

    Raises:
        ChecksumMismatch, UnsupportedImage, BrokenImage, TooLarge: it is no picture that can be kept; the upload
            is gone with its bytes.
        StorageFull: the upload stays and can be completed later.
    """
    upload = _get(context, viewer, upload_id)
    path = _path(context, upload_id)
    if upload.photo_id is not None:
        return _state(context, upload)
    try:
        with path.open("rb") as stream:
            if upload.checksum and hashlib.file_digest(stream, "sha256").hexdigest() != upload.checksum:
                raise ChecksumMismatch("The file is not what its checksum says; send it again.")
            stream.seek(0)
            added = intake.add_stream(context, viewer, stream, _options(upload.options))
    except (StorageFull, OSError):
        raise
    except AppError:
        _forget(context, upload_id)
        raise
    with context.database.write() as session:
        row = session.get(ResumableUpload, upload_id)
        if row is not None:
            row.photo_id, row.duplicate = added.id, added.duplicate
    path.unlink(missing_ok=True)
    return State(upload.id, upload.length, upload.length, upload.expires_at, added)


def prolong(context: Context, upload_id: UUID) -> datetime:
    """A piece has come: the upload may wait for the next one as long as it waited for this."""
    expires = utcnow() + LIFETIME
    with context.database.write() as session:
        row = session.get(ResumableUpload, upload_id)
        if row is not None:
            row.expires_at = expires
    return expires


def terminate(context: Context, viewer: Viewer, upload_id: UUID) -> None:
    """Give an upload up; a photo it became stays. Raises NotFound, UploadExpired, UploadLocked."""
    if _get(context, viewer, upload_id).photo_id is not None:
        _forget(context, upload_id)
        return
    with _locked(_path(context, upload_id)):
        _forget(context, upload_id)


def sweep(context: Context) -> int:
    """Remove expired uploads and files without a row; how many files there were."""
    with context.database.read() as session:
        old = select(ResumableUpload.id).where(ResumableUpload.expires_at < utcnow()).limit(1)
        if session.scalar(old) is None:
            return 0
    with context.database.write() as session:
        session.execute(delete(ResumableUpload).where(ResumableUpload.expires_at < utcnow()))
        known = {row.hex for row in session.scalars(select(ResumableUpload.id))}
    removed = 0
    for path in _folder(context).iterdir():
        # A file a day old: a row of a creation that is not committed yet cannot be seen here.
        if path.name not in known and path.stat().st_mtime < (utcnow() - timedelta(days=1)).timestamp():
            path.unlink(missing_ok=True)
            removed += 1
    return removed


# --- rows and files -------------------------------------------------------------------------------------------


def _get(context: Context, viewer: Viewer, upload_id: UUID) -> ResumableUpload:
    with context.database.read() as session:
        upload = session.get(ResumableUpload, upload_id)
    if upload is None or upload.owner_id != viewer.user_id:
        raise NotFound("There is no such upload.")
    if upload.expires_at <= utcnow():
        raise UploadExpired("The upload was not continued in time. Start it again.")
    return upload


def _state(context: Context, upload: ResumableUpload) -> State:
    if upload.photo_id is None:
        return State(upload.id, upload.length, _size(_path(context, upload.id)), upload.expires_at, None)
    with context.database.read() as session:
        photo = session.get(Photo, upload.photo_id)
    if photo is None:
        raise NotFound("The photo this upload became has been deleted.")
    added = intake.Added(
        photo.id, photo.checksum, photo.status, upload.duplicate, trashed=photo.deleted_at is not None
    )
    return State(upload.id, upload.length, upload.length, upload.expires_at, added)


def _forget(context: Context, upload_id: UUID) -> None:
    with context.database.write() as session:
        session.execute(delete(ResumableUpload).where(ResumableUpload.id == upload_id))
    _path(context, upload_id).unlink(missing_ok=True)


def _folder(context: Context) -> Path:
    folder = context.settings.data / "uploads"
    folder.mkdir(exist_ok=True)
    return folder


def _path(context: Context, upload_id: UUID) -> Path:
    return _folder(context) / upload_id.hex


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


@contextmanager
def _locked(path: Path) -> Iterator[int]:
    """The file, open for appending and locked; the lock goes with the process."""
    with disk_full():
        try:
            file = os.open(path, os.O_RDWR | os.O_APPEND)
        except FileNotFoundError:
            raise Conflict("The upload is finished.") from None
    try:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UploadLocked(
                "Another request is writing to this upload.", headers={"Retry-After": "5"}
            ) from None
        yield file
    finally:
        os.close(file)


def _stored(options: intake.Options) -> dict[str, Any]:
    values = {name: value for name, value in asdict(options).items() if value not in (None, "", False)}
    return {name: value if isinstance(value, str | bool) else str(value) for name, value in values.items()}


def _options(stored: dict[str, Any]) -> intake.Options:
    values = dict(stored)
    for name in ("taken_at", "file_time"):
        if name in values:
            values[name] = datetime.fromisoformat(values[name])
    if "album_id" in values:
        values["album_id"] = UUID(values["album_id"])
    return intake.Options(**values)
