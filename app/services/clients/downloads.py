"""Many photos as one ZIP that is written while it is sent: nothing is stored, and memory stays flat.

Pictures are compressed already, so they are put in as they are. Names are unique without regard to case and safe on
every system.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

from sqlalchemy import func, select

from app.context import Context
from app.db import ReadSession
from app.errors import Invalid, NotFound
from app.models import Edit, Photo
from app.search import find_ids
from app.sentences import say
from app.services.accounts import Viewer

MOST = 5000
_SOME = 500  # ids in one statement
_CHUNK = 1 << 18
_UNSAFE = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')
_RESERVED = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)(\.|$)", re.IGNORECASE)
_LONGEST = 180  # bytes of a name's stem
_MISSING = "NOT INCLUDED.txt"


@dataclass(frozen=True)
class Entry:
    """One file of the ZIP: its name there, where it lies, and when the photo was taken."""

    name: str
    path: Path
    taken: datetime


def entries(
    context: Context,
    session: ReadSession,
    viewer: Viewer,
    *,
    ids: Sequence[UUID] | None = None,
    query: str | None = None,
    edited: bool = False,
) -> list[Entry]:
    """What a download holds: the viewer's photos that are listed or found, the trash excluded, the newest first.

    With ``edited`` the newest finished edit of each photo, and the original where there is none.

    Raises:
        Invalid: neither or both of ``ids`` and ``query``, or more than 5,000 photos.
        NotFound: nothing is left to download.
    """
    if (ids is None) == (query is None):
        raise Invalid("Give either ids or a query.", field="ids")
    wanted = find_ids(session, viewer, query) if query is not None else list(dict.fromkeys(ids or ()))
    if len(wanted) > MOST:
        raise Invalid(
            say("Download at most {most:,} photos at once; albumen export has no limit.", most=MOST),
            field="ids",
        )
    rows: list[tuple[datetime, str, str, str]] = []  # taken, file name, format, checksum
    for start in range(0, len(wanted), _SOME):
        rows += _rows(session, viewer, wanted[start : start + _SOME], edited)
    if not rows:
        raise NotFound("None of these photos is there.")
    rows.sort(key=lambda row: row[0], reverse=True)
    names = _Names()
    return [
        Entry(names.fresh(name or checksum[:12], kind), context.storage.original(checksum), taken)
        for taken, name, kind, checksum in rows
    ]


def _rows(
    session: ReadSession, viewer: Viewer, some: Sequence[UUID], edited: bool
) -> list[tuple[datetime, str, str, str]]:
    mine = (Photo.id.in_(some), Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None))
    photos = session.execute(
        select(Photo.id, Photo.taken_local, Photo.filename, Photo.format, Photo.checksum).where(*mine)
    ).tuples()
    newest: dict[UUID, tuple[str, str]] = {}
    if edited:
        last = select(func.max(Edit.id)).where(
            Edit.photo_id.in_(some), Edit.status == "ready", Edit.deleted_at.is_(None)
        )
        made = session.execute(
            select(Edit.photo_id, Edit.format, Edit.checksum).where(Edit.id.in_(last.group_by(Edit.photo_id)))
        )
        newest = {photo_id: (kind or "jpeg", checksum) for photo_id, kind, checksum in made if checksum}
    return [
        (taken, name, *newest.get(photo_id, (kind, checksum)))
        for photo_id, taken, name, kind, checksum in photos
    ]


class _Names:
    """Gives each file a name that no other of the ZIP has."""

    def __init__(self) -> None:
        self._taken = {_MISSING.casefold()}

    def fresh(self, filename: str, kind: str) -> str:
        """The photo's own name made safe, with the suffix of what is in it."""
        given = Path(_UNSAFE.sub("_", filename))
        stem = given.stem.strip(". ") or "photo"
        stem = stem.encode()[:_LONGEST].decode(errors="ignore")
        if _RESERVED.match(stem):
            stem = f"_{stem}"
        suffix = given.suffix if _suits(given.suffix, kind) else f".{'jpg' if kind == 'jpeg' else kind}"
        name, number = f"{stem}{suffix}", 1
        while name.casefold() in self._taken:
            number += 1
            name = f"{stem} ({number}){suffix}"
        self._taken.add(name.casefold())
        return name


def _suits(suffix: str, kind: str) -> bool:
    same = {"jpg": "jpeg", "jpe": "jpeg", "tif": "tiff", "heif": "heic"}
    plain = suffix.lower().removeprefix(".")
    return same.get(plain, plain) == kind


class _Sink:
    """What a ZIP is written to: keeps the bytes until they are taken. It cannot seek, as a connection cannot."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def write(self, data: bytes, /) -> int:
        self._parts.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is buffered below."""

    def close(self) -> None:
        """Nothing is held open."""

    def take(self) -> bytes:
        data = b"".join(self._parts)
        self._parts.clear()
        return data


def stream(files: Sequence[Entry]) -> Iterator[bytes]:
    """The ZIP, a quarter of a megabyte at a time. Files that have gone since are named in a text beside the others."""
    sink, missing = _Sink(), []
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as packed:
        for entry in files:
            info = zipfile.ZipInfo(entry.name, _dos_time(entry.taken))
            info.external_attr = 0o644 << 16
            try:
                source = entry.path.open("rb")
            except OSError:
                missing.append(entry.name)
                continue
            # The size is not announced, so that a file may be larger than 4 GiB.
            with source, packed.open(info, "w", force_zip64=True) as target:
                while chunk := source.read(_CHUNK):
                    target.write(chunk)
                    yield sink.take()
        if missing:
            packed.writestr(_MISSING, "These files could not be read:\n" + "\n".join(missing) + "\n")
    yield sink.take()


def _dos_time(taken: datetime) -> tuple[int, int, int, int, int, int]:
    """ZIP knows the years 1980 to 2107."""
    at = min(max(taken, datetime(1980, 1, 1)), datetime(2107, 12, 31, 23, 59, 58))
    return at.year, at.month, at.day, at.hour, at.minute, at.second
