"""Shares: links to an album or a photo for people without an account.

A link holds a random token of which only the SHA-256 is kept. A password is kept as Argon2; whoever gave it right
gets a proof that expires, so that it is neither in an address nor sent with every picture. What leaves by a share
says nothing about where a photo was taken unless its owner allows it: neither as JSON nor inside a file. What guests
add, where its owner invites them to, belongs to the owner.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

from sqlalchemy import func, select, update

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import AppError, Conflict, Invalid, NotAllowed, NotFound, TooManyRequests
from app.imaging import darkroom
from app.imaging.formats import MEDIA_TYPES
from app.models import Album, LoginFailure, Photo, Share, User
from app.search import Hit, Page, count_photos, find_photos, parse
from app.search.compile import compile_query
from app.search.meaning import Meaning
from app.search.similar import MOST_SIMILAR, similar_matches
from app.services import accounts, intake, passwords, photos
from app.services.accounts import Viewer
from app.services.collections import albums
from app.storage import media_type

ACCESS_LASTS = timedelta(hours=12)
MOST_RECEIVED = 1000  # files guests may send by one link
_WITHOUT_LOCATION = "shared"  # the kind of rendition that is an original for download, but for its location
_SUFFIX = {"jpeg": ".jpg", "png": ".png"}


class ShareExpired(AppError):
    code, status, title = "share-expired", 410, "The link has expired"


class PasswordNeeded(AppError):
    code, status, title = "share-password-needed", 401, "The link needs a password"


class WrongPassword(AppError):
    code, status, title = "share-password-wrong", 403, "The password is wrong"


@dataclass(frozen=True)
class Opened:
    """A share that may be looked at, and the owner in whose name its photos are read."""

    share: Share
    owner: Viewer
    title: str
    description: str
    count: int


# --- the owner's side -----------------------------------------------------------------------------------------


def create_share(
    session: WriteSession,
    viewer: Viewer,
    *,
    album_id: UUID | None = None,
    photo_id: UUID | None = None,
    password: str | None = None,
    expires_at: datetime | None = None,
    download: bool = False,
    location: bool = False,
    upload: bool = False,
) -> tuple[Share, str]:
    """A new share and its token, which is shown this once.

    Raises:
        NotFound: the album or photo is not the viewer's.
        Invalid: the time is past, the password too short, or guests could not add to what is shared.
    """
    kind = "photo"
    if album_id is not None:
        kind = albums.get_album(session, viewer, album_id).kind
    else:
        photos.get_photo(session, viewer, photo_id or UUID(int=0), trashed=False)
    if expires_at is not None and (expires_at.tzinfo is None or expires_at <= utcnow()):
        raise Invalid("A link expires in the future, at a time with an offset.", field="expires_at")
    if password is not None and not 4 <= len(password) <= 1024:
        raise Invalid("A link's password has at least 4 characters.", field="password")
    if upload and kind != "manual":
        raise Invalid("Guests can add photos only to an album that is a list.", field="upload")
    token = secrets.token_urlsafe(24)
    share = Share(
        owner_id=viewer.user_id,
        album_id=album_id,
        photo_id=photo_id,
        token_hash=passwords.digest(token),
        password_hash=passwords.hash_password(password) if password is not None else None,
        expires_at=expires_at,
        download=download,
        location=location,
        upload=upload,
    )
    session.add(share)
    session.flush()
    return share, token


@dataclass(frozen=True)
class Listed:
    """A share in its owner's list, with what it leads to."""

    share: Share
    title: str
    cover_photo_id: UUID | None


def list_shares(
    session: ReadSession, viewer: Viewer, *, limit: int = 500, before: UUID | None = None
) -> list[Listed]:
    """The viewer's shares, the newest first; expired ones too. ``before`` is the id the list goes on after.

    An album without a cover of its own is shown by the one it has in the list of albums, its newest photo.
    """
    query = (
        select(Share, Album, Photo.title, Photo.filename)
        .outerjoin(Album, Album.id == Share.album_id)
        .outerjoin(Photo, Photo.id == Share.photo_id)
        .where(Share.owner_id == viewer.user_id)
        .order_by(Share.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(Share.id < before)
    covers: dict[UUID, UUID | None] = {}

    def cover(album: Album | None) -> UUID | None:
        if album is None or album.deleted_at is not None:
            return None
        if album.id not in covers:
            covers[album.id] = albums.summarise(session, viewer, album).cover_photo_id
        return covers[album.id]

    return [
        Listed(share, (album.title if album else title or filename) or "", share.photo_id or cover(album))
        for share, album, title, filename in session.execute(query).tuples()
    ]


def revoke_share(session: WriteSession, viewer: Viewer, share_id: UUID) -> None:
    """From now on the link leads nowhere."""
    share = session.get(Share, share_id)
    if share is None or share.owner_id != viewer.user_id:
        raise NotFound("There is no such link.")
    session.delete(share)


# --- the visitor's side ---------------------------------------------------------------------------------------


def find_share(session: ReadSession, token: str) -> Share:
    """The share of a token, whose password may still be needed.

    Raises:
        NotFound: no such token, or what it led to is gone.
        ShareExpired: its time is over.
    """
    share = session.scalar(select(Share).where(Share.token_hash == passwords.digest(token)))
    owner = session.get(User, share.owner_id) if share is not None else None
    if share is None or owner is None or owner.disabled_at is not None:
        raise NotFound("There is no such link (any more).")
    if share.expires_at is not None and share.expires_at <= utcnow():
        raise ShareExpired("The link has expired.")
    return share


def open_share(session: ReadSession, token: str, access: str | None) -> Opened:
    """The share, if ``access`` proves that the password was given where one is needed.

    Raises:
        NotFound, ShareExpired: as ``find_share``.
        PasswordNeeded: there is a password, and no proof of it or one that has expired.
    """
    share = find_share(session, token)
    if share.password_hash is not None and not _proves(share, access or ""):
        raise PasswordNeeded("This link needs a password.")
    owner = _owner(session, share)
    if share.album_id is not None:
        album = session.get(Album, share.album_id)
        if album is None or album.deleted_at is not None:
            raise NotFound("There is no such link (any more).")
        count = count_photos(session, owner, albums.members(album), archived=True)
        return Opened(share, owner, album.title, album.description, count)
    photo = session.get(Photo, share.photo_id)
    if photo is None or photo.deleted_at is not None:
        raise NotFound("There is no such link (any more).")
    return Opened(share, owner, photo.title, photo.description, 1)


def unlock(context: Context, token: str, password: str, address: str) -> tuple[str, datetime]:
    """The proof that a visitor knows the password, and until when it holds.

    Raises:
        WrongPassword: it is wrong (counted, for throttling).
        TooManyRequests: too many wrong ones for this link in the last 15 minutes.
    """
    with context.database.read() as session:
        share = find_share(session, token)
        _throttle(context, session, share, address)
    if share.password_hash is None:
        return "", utcnow() + ACCESS_LASTS
    if not passwords.matches(share.password_hash, password):
        with context.database.write() as session:
            session.add_all(LoginFailure(key=key) for key in _throttle_keys(share, address))
        raise WrongPassword("The password is wrong.")
    until = utcnow() + ACCESS_LASTS
    return f"{int(until.timestamp())}.{_proof(share, int(until.timestamp()))}", until


def shared_photos(session: ReadSession, opened: Opened, limit: int, cursor: str | None) -> Page:
    """The photos, newest first."""
    share = opened.share
    if share.album_id is None:
        return Page([Hit(shared_photo(session, opened, share.photo_id or UUID(int=0)))], None)
    query = f"album:{share.album_id}"
    return find_photos(
        session, opened.owner, query, order="newest", limit=limit, cursor=cursor, archived=True
    )


def shared_photo(session: ReadSession, opened: Opened, photo_id: UUID) -> Photo:
    """One of the share's photos.

    Raises:
        NotFound: the photo is not in the share, whoever else's it is.
    """
    share = opened.share
    if share.album_id is None:
        inside = photo_id == share.photo_id
    else:
        plan = compile_query(
            session,
            opened.owner,
            parse(f"album:{share.album_id}"),
            archived=True,
            meaning=Meaning(session, opened.owner),
            similar_to=lambda like: [
                m.photo_id for m in similar_matches(session, opened.owner, like, MOST_SIMILAR)
            ],
        )
        inside = session.scalar(select(Photo.id).where(plan.where, Photo.id == photo_id)) is not None
    photo = session.get(Photo, photo_id) if inside else None
    if photo is None or photo.deleted_at is not None:
        raise NotFound("There is no such photo behind this link.")
    return photo


def receive(context: Context, opened: Opened, stream: BinaryIO, filename: str) -> intake.Added:
    """Take a guest's photo into the shared album, where it belongs to the album's owner.

    Raises:
        NotAllowed: the link is not for adding.
        Conflict: as many files have come by this link as may.
        UnsupportedImage, BrokenImage, TooLarge, StorageFull: as ``intake.add_stream``.
    """
    share = opened.share
    if not share.upload or share.album_id is None:
        raise NotAllowed("The owner of this link does not ask for photos.")
    with context.database.write() as session:
        # Counted before the file is looked at, so that refused files are bounded too.
        counted = session.execute(
            update(Share)
            .where(Share.id == share.id, Share.received < MOST_RECEIVED)
            .values(received=Share.received + 1)
            .returning(Share.id)
        ).first()
    if counted is None:
        raise Conflict("As many photos have come by this link as it takes. Ask its owner for a new one.")
    options = intake.Options(filename=filename, album_id=share.album_id)
    return intake.add_stream(context, opened.owner, stream, options)


def download_file(context: Context, opened: Opened, photo: Photo) -> tuple[Path, str, str]:
    """Path, media type and file name of the file to download.

    The original where the owner allows its location to be seen; else it is written anew at full size, because
    a location can hide in many places of a file.

    Raises:
        NotAllowed: the share is for looking only.
    """
    if not opened.share.download:
        raise NotAllowed("The owner of this link does not offer downloads.")
    stem = Path(photo.filename).stem or photo.checksum[:12]
    if opened.share.location:
        return context.storage.original(photo.checksum), MEDIA_TYPES[photo.format], f"{stem}.{photo.format}"
    path = context.storage.rendition(photo.checksum, _WITHOUT_LOCATION)
    if not path.exists():
        path = _without_location(context, photo)
    return path, media_type(path), f"{stem}{path.suffix}"


def _without_location(context: Context, photo: Photo) -> Path:
    kind = "png" if photo.format == "png" else "jpeg"
    output = {"op": "output", "format": kind, "quality": 95, "metadata": "keep_without_location"}
    with context.storage.scratch() as folder:
        target = folder / "shared"
        order = darkroom.Order(context.storage.original(photo.checksum), [output], target)
        darkroom.develop(context.settings, order, seconds=context.settings.process_seconds)
        return context.storage.write_rendition(
            photo.checksum, _WITHOUT_LOCATION, _SUFFIX[kind], target.read_bytes()
        )


# --- secrets --------------------------------------------------------------------------------------------------


def _owner(session: ReadSession, share: Share) -> Viewer:
    user = session.get(User, share.owner_id)
    if user is None:
        raise NotFound("There is no such link (any more).")
    return accounts.viewer_of(user)


def _proof(share: Share, until: int) -> str:
    """Only the server knows the key, and another password makes another one."""
    key = f"{share.password_hash}{share.token_hash}".encode()
    return hmac.new(key, str(until).encode(), hashlib.sha256).hexdigest()


def _proves(share: Share, access: str) -> bool:
    until, _, proof = access.partition(".")
    if not until.isascii() or not until.isdigit() or len(until) > 12 or int(until) < utcnow().timestamp():
        return False
    return hmac.compare_digest(proof.encode(), _proof(share, int(until)).encode())


def _throttle_keys(share: Share, address: str) -> tuple[str, str]:
    return f"share:{share.id}", f"share:{share.id}:{address[:100]}"


def _throttle(context: Context, session: ReadSession, share: Share, address: str) -> None:
    since = utcnow() - accounts.LOGIN_WINDOW
    limit = context.settings.login_attempts
    # Ten times as many from everywhere together: one visitor cannot lock the others out.
    for key, most in zip(_throttle_keys(share, address), (10 * limit, limit), strict=True):
        failures = select(func.count()).where(LoginFailure.key == key, LoginFailure.at > since)
        if (session.scalar(failures) or 0) >= most:
            raise TooManyRequests(
                "Too many wrong passwords. Wait a quarter of an hour and try again.",
                headers={"Retry-After": str(int(accounts.LOGIN_WINDOW.total_seconds()))},
            )
