"""Taking photos in: hash while receiving, inspect in the sandbox, keep the bytes, then one transaction.

The order is the promise: the original is fsynced and in place before the row that names it exists, and the row and
its pending work are one transaction. A refused or interrupted upload leaves nothing behind; a crash between the two
leaves at most a blob without a row, which ``check --repair`` sweeps.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import or_, select
from sqlalchemy.exc import IntegrityError

from app.context import Context
from app.db import ReadSession, WriteSession, new_id, utcnow
from app.errors import Invalid
from app.imaging.places import locate
from app.imaging.results import Inspection
from app.models import Photo, PhotoTag
from app.search.terms import index_terms
from app.sentences import say
from app.services import jobs
from app.services.accounts import Viewer
from app.services.collections import albums
from app.services.tagging import vocabulary
from app.storage import Incoming, InPlace

_DATA_URL = re.compile(r"^data:[\w.+-]+/[\w.+-]+(;[\w.+-]+=[^;,]*)*;base64,", re.ASCII)
MAX_CHECKSUMS = 5000

Settle = Callable[[WriteSession, Photo], None]
"""Says in the same transaction what is known of a new photo beside its file, instead of the file's own keywords."""


@dataclass(frozen=True)
class Options:
    """What a client may say about a photo it uploads."""

    filename: str = ""
    taken_at: datetime | None = None  # used when the file itself does not know
    file_time: datetime | None = None  # the file's modification time, the last resort before "now"
    device_id: str | None = None
    device_asset_id: str | None = None
    album_id: UUID | None = None
    favorite: bool = False


@dataclass(frozen=True)
class Added:
    """The answer to an upload. A duplicate is a success: the photo is there."""

    id: UUID
    checksum: str
    status: str
    duplicate: bool
    trashed: bool = False


@dataclass(frozen=True)
class _Existing:
    id: UUID
    status: str
    trashed: bool = field(default=False)


def add_stream(
    context: Context, viewer: Viewer, stream: BinaryIO, options: Options, *, settle: Settle | None = None
) -> Added:
    """Take a photo from a binary stream.

    Raises:
        UnsupportedImage, BrokenImage, TooLarge, StorageFull: nothing was kept.
        NotFound: ``album_id`` is not an album of the viewer's.
    """
    with context.storage.receive(stream) as incoming:
        return add_received(context, viewer, incoming, options, settle=settle)


def decode_base64(data: str, field_name: str = "data") -> bytes:
    """The bytes of base64 text, plain or as a ``data:`` URL; white space is allowed. Raises Invalid."""
    match = _DATA_URL.match(data[:200])
    text = data[match.end() :] if match else data
    if data.startswith("data:") and not match:
        raise Invalid("A data: URL of a picture has the form data:image/jpeg;base64,…", field=field_name)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(
            say("The field {name} is not valid base64.", name=field_name), field=field_name
        ) from None


def add_received(
    context: Context,
    viewer: Viewer,
    incoming: Incoming | InPlace,
    options: Options,
    *,
    settle: Settle | None = None,
) -> Added:
    """Take a fully received file; ``incoming`` stays the caller's to discard when this raises."""
    with context.database.read() as session:
        if options.album_id is not None:
            albums.get_album(session, viewer, options.album_id, kind="manual")
        existing = _find(session, viewer, incoming.sha256)
    if existing is None:
        incoming.flush()
        inspection = context.sandbox.inspect(incoming.path)
        photo = _photo(viewer, incoming, inspection, options)
        context.storage.keep(incoming)
        try:
            with context.database.write() as session:
                _insert(session, photo, viewer, options, settle or _by_keywords(viewer, inspection))
            return Added(photo.id, photo.checksum, "pending", duplicate=False)
        except IntegrityError:
            # The same bytes arrived twice at once and the other request won; anything else is a real fault.
            with context.database.read() as session:
                existing = _find(session, viewer, photo.checksum)
            if existing is None:
                raise
    if options.album_id is not None and not existing.trashed:
        with context.database.write() as session:
            albums.add_photos(session, viewer, options.album_id, [existing.id])
    return Added(existing.id, incoming.sha256, existing.status, duplicate=True, trashed=existing.trashed)


def find_existing(session: ReadSession, viewer: Viewer, checksums: Iterable[str]) -> dict[str, UUID]:
    """Which of these SHA-256 or SHA-1 checksums (hex) the viewer already has, the trash included.

    Raises:
        Invalid: more than 5,000 checksums, or one that is not 40 or 64 hexadecimal digits.
    """
    wanted = {given.strip().lower(): given for given in checksums}
    if len(wanted) > MAX_CHECKSUMS:
        raise Invalid(
            say("Ask for at most {most:,} checksums at once.", most=MAX_CHECKSUMS), field="checksums"
        )
    bad = [given for key, given in wanted.items() if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", key)]
    if bad:
        raise Invalid("A checksum is a SHA-256 or SHA-1 in hexadecimal.", field="checksums", bad=bad[:5])
    found: dict[str, UUID] = {}
    keys = sorted(wanted)
    for start in range(0, len(keys), 500):
        part = keys[start : start + 500]
        rows = session.execute(
            select(Photo.checksum, Photo.checksum_sha1, Photo.id).where(
                Photo.owner_id == viewer.user_id,
                or_(Photo.checksum.in_(part), Photo.checksum_sha1.in_(part)),
            )
        )
        for sha256, sha1, photo_id in rows:
            found.update({wanted[key]: photo_id for key in (sha256, sha1) if key in wanted})
    return found


def _find(session: ReadSession, viewer: Viewer, sha256: str) -> _Existing | None:
    row = session.execute(
        select(Photo.id, Photo.status, Photo.deleted_at).where(
            Photo.owner_id == viewer.user_id, Photo.checksum == sha256
        )
    ).first()
    return None if row is None else _Existing(row.id, row.status, row.deleted_at is not None)


def _by_keywords(viewer: Viewer, seen: Inspection) -> Settle:
    def settle(session: WriteSession, photo: Photo) -> None:
        words = seen.metadata.keywords
        for tag_id in {vocabulary.named(session, viewer, word, synonyms=False).id for word in words}:
            # What somebody wrote into the file is a person's word, as if said here.
            session.add(
                PhotoTag(tag_id=tag_id, photo_id=photo.id, source="user", confidence=1.0, state="confirmed")
            )

    return settle


def _insert(session: WriteSession, photo: Photo, viewer: Viewer, options: Options, settle: Settle) -> None:
    session.add(photo)
    session.flush()
    settle(session, photo)
    session.flush()
    index_terms(session, photo)
    if options.album_id is not None:
        albums.add_photos(session, viewer, options.album_id, [photo.id])
    jobs.enqueue(
        session,
        "analyse",
        dedupe=str(photo.id),
        owner_id=photo.owner_id,
        photo_id=photo.id,
        payload={"stages": None},
        priority=jobs.UPLOAD,
    )


def _photo(viewer: Viewer, incoming: Incoming | InPlace, seen: Inspection, options: Options) -> Photo:
    meta = seen.metadata
    local, instant, offset, source = _when(seen, options)
    photo = Photo(
        id=new_id(),
        owner_id=viewer.user_id,
        checksum=incoming.sha256,
        checksum_sha1=incoming.sha1,
        size=incoming.size,
        format=seen.format,
        filename=clean_filename(options.filename),
        device_id=_short(options.device_id, 100),
        device_asset_id=_short(options.device_asset_id, 200),
        width=seen.width,
        height=seen.height,
        orientation=seen.orientation,
        frames=seen.frames,
        color_profile=_short(seen.color_profile, 100),
        thumbhash=seen.thumbhash,
        phash=seen.phash,
        taken_local=local,
        taken_at=instant,
        taken_offset=offset,
        taken_source=source,
        title=(meta.title or "")[:300],
        description=(meta.description or "")[:10_000],
        rating=meta.rating or 0,
        favorite=options.favorite,
        camera_make=_short(meta.camera_make, 100),
        camera_model=_short(meta.camera_model, 100),
        lens=_short(meta.lens, 150),
        iso=meta.iso,
        aperture=meta.aperture,
        exposure_time=meta.exposure_time,
        focal_length=meta.focal_length,
        exif=meta.exif,
    )
    if meta.latitude is not None and meta.longitude is not None:
        photo.latitude, photo.longitude, photo.altitude = meta.latitude, meta.longitude, meta.altitude
        photo.location_source = "exif"
        set_place(photo)
    return photo


def set_place(photo: Photo) -> None:
    """Fill country, region and city from the photo's coordinates."""
    place = None
    if photo.latitude is not None and photo.longitude is not None:
        place = locate([(photo.latitude, photo.longitude)])[0]
    photo.country_code = place.country_code if place else None
    photo.country = _short(place.country, 100) if place else None
    photo.region = _short(place.region, 100) if place else None
    photo.city = _short(place.city, 100) if place else None


def _when(seen: Inspection, options: Options) -> tuple[datetime, datetime, int | None, str]:
    """Wall clock, instant, offset in minutes and source; the file's own word first, then the client's."""
    meta = seen.metadata
    if meta.taken_local is not None:
        return (*instant_of(meta.taken_local, meta.taken_offset), "exif")
    for moment, source in ((options.taken_at, "client"), (options.file_time, "file"), (utcnow(), "added")):
        if moment is None:
            continue
        if moment.tzinfo is None:
            return (*instant_of(moment, None), source)
        # "Z" says the instant, not where the photo was taken: only a real offset is believed to be the place's.
        offset = moment.utcoffset() or timedelta()
        minutes = round(offset.total_seconds() / 60) or None
        return moment.replace(tzinfo=None), moment.astimezone(UTC), minutes, source
    raise AssertionError("there is always now")


def instant_of(local: datetime, offset: int | None) -> tuple[datetime, datetime, int | None]:
    """Wall clock and offset (minutes east of UTC) -> (local, instant, offset); an unknown offset is read as UTC."""
    return local, (local - timedelta(minutes=offset or 0)).replace(tzinfo=UTC), offset


def clean_filename(name: str) -> str:
    """The base name without folders, control and direction-override characters, at most 255 characters."""
    base = name.replace("\\", "/").rpartition("/")[2]
    printable = "".join(c for c in base if c.isprintable() and c not in "\u202a\u202b\u202c\u202d\u202e")
    return printable.strip()[:255]


def _short(text: str | None, length: int) -> str | None:
    return text[:length] if text else None
