"""Links for people without an account: made by the owner, followed by whoever holds the token."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import Field
from starlette.responses import FileResponse

from app.api.auth import client_address
from app.api.files import PICTURES, send_rendition
from app.api.forms import file_form, file_of, form_body, read_form
from app.api.schemas import Cursor, Limit, Listing, PhotoId, Place, Schema, local_time, photo_place, problems
from app.cursors import cut
from app.deps import AlbumWriter, ContextDep, PhotoReader, PhotoWriter, ReadDb, WriteDb, check_same_origin
from app.models import Photo, Share
from app.services.collections import shares
from app.services.collections.shares import Opened

router = APIRouter(tags=["shares"])

Token = Annotated[str, Path(max_length=100, description="The secret part of the link.")]
_PRIVATE = {"Cache-Control": "private, max-age=3600", "X-Robots-Tag": "noindex"}
_REFUSALS = (401, 404, 410, 422)


class ShareCreate(Schema):
    """GPS positions leave with a share only when `location` says so; originals only with `download`."""

    password: str | None = Field(None, max_length=1024)
    expires_at: datetime | None = Field(None, examples=["2030-01-01T00:00:00Z"])
    download: bool = False
    location: bool = False
    upload: bool = Field(False, description="Whether guests may add photos (to an album that is a list).")


class SharePublic(Schema):
    id: UUID
    album_id: UUID | None
    photo_id: UUID | None
    has_password: bool
    expires_at: datetime | None
    download: bool
    location: bool
    upload: bool
    received: int = Field(description="Files guests have sent by the link.")
    created_at: datetime

    @classmethod
    def of(cls, share: Share) -> SharePublic:
        names = ("id", "album_id", "photo_id", "expires_at", "download", "location", "upload", "received",
                 "created_at")  # fmt: skip
        return cls(**{n: getattr(share, n) for n in names}, has_password=share.password_hash is not None)


class ShareCreated(SharePublic):
    token: str = Field(description="Shown only this once.")
    path: str = Field(description="The page of the link on this server.", examples=["/s/3sT…"])


class SharedThing(Schema):
    """What a link leads to."""

    kind: Literal["album", "photo"]
    title: str
    description: str
    count: int
    download: bool
    location: bool
    upload: bool
    expires_at: datetime | None


class SharedPhoto(Schema):
    id: UUID
    width: int
    height: int
    taken_at: datetime
    title: str
    description: str
    thumbhash: str | None
    place: Place | None = Field(description="Only where the owner allows it.")

    @classmethod
    def of(cls, photo: Photo, location: bool) -> SharedPhoto:
        names = ("id", "width", "height", "title", "description", "thumbhash")
        place = photo_place(photo) if location else None
        return cls(**{n: getattr(photo, n) for n in names}, taken_at=local_time(photo), place=place)


class SharedPage(Schema):
    items: list[SharedPhoto]
    next_cursor: str | None


class Unlock(Schema):
    password: str = Field(max_length=1024)


class Unlocked(Schema):
    access: str = Field(description="Send it as `X-Share-Access`.")
    expires_at: datetime


# --- the owner's side -----------------------------------------------------------------------------------------


@router.post(
    "/albums/{album_id}/shares",
    status_code=201,
    response_model=ShareCreated,
    responses=problems(401, 403, 404, 422),
    summary="Share an album",
)
def share_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID, body: ShareCreate) -> ShareCreated:
    """A dynamic album's link shows what the album holds at the moment of looking."""
    return _created(*shares.create_share(session, viewer, album_id=album_id, **body.model_dump()))


@router.post(
    "/photos/{photo_id}/shares",
    status_code=201,
    response_model=ShareCreated,
    responses=problems(401, 403, 404, 422),
    summary="Share a photo",
)
def share_photo(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, body: ShareCreate) -> ShareCreated:
    return _created(*shares.create_share(session, viewer, photo_id=photo_id, **body.model_dump()))


@router.get(
    "/shares", response_model=Listing[SharePublic], responses=problems(401, 403, 422), summary="Your links"
)
def list_shares(
    viewer: PhotoReader, session: ReadDb, limit: Limit = 100, cursor: UUID | None = None
) -> Listing[SharePublic]:
    """The newest first; expired ones too."""
    found = shares.list_shares(session, viewer, limit=limit + 1, before=cursor)
    page, end = cut(found, limit)
    items = [SharePublic.of(listed.share) for listed in page]
    return Listing(items=items, next_cursor=str(end.share.id) if end else None)


@router.delete(
    "/shares/{share_id}", status_code=204, responses=problems(401, 403, 404, 422), summary="Revoke a link"
)
def revoke_share(viewer: AlbumWriter, session: WriteDb, share_id: UUID) -> None:
    shares.revoke_share(session, viewer, share_id)


def _created(share: Share, token: str) -> ShareCreated:
    return ShareCreated(**SharePublic.of(share).model_dump(), token=token, path=f"/s/{token}")


# --- the visitor's side ---------------------------------------------------------------------------------------


def cookie_of(token: str) -> str:
    """The name of the cookie that holds the proof for one link."""
    return "albumen_share_" + "".join(c for c in token[:12] if c.isalnum())


def opened_by(
    request: Request,
    session: ReadDb,
    token: Token,
    x_share_access: Annotated[str | None, Header(description="From `unlock`.")] = None,
) -> Opened:
    """The share of the token, if the visitor may see it; pages bring the proof in a cookie."""
    access = x_share_access or request.cookies.get(cookie_of(token))
    return shares.open_share(session, token, access)


_Visited = Annotated[Opened, Depends(opened_by)]


@router.get(
    "/shares/{token}",
    response_model=SharedThing,
    responses=problems(*_REFUSALS),
    summary="What a link leads to",
)
def get_share(opened: _Visited, response: Response) -> SharedThing:
    """With a password and no proof of it: 401 (`share-password-needed`)."""
    response.headers.update(_PRIVATE)
    share = opened.share
    return SharedThing(
        kind="album" if share.album_id is not None else "photo",
        title=opened.title,
        description=opened.description,
        count=opened.count,
        download=share.download,
        location=share.location,
        upload=share.upload,
        expires_at=share.expires_at,
    )


@router.post(
    "/shares/{token}/unlock",
    response_model=Unlocked,
    responses=problems(403, 404, 410, 422, 429),
    summary="Give a link's password",
)
def unlock_share(request: Request, context: ContextDep, token: Token, body: Unlock) -> Unlocked:
    """The password goes into this body and nowhere else; `access` is the proof for twelve hours."""
    check_same_origin(request)
    access, until = shares.unlock(context, token, body.password, client_address(request))
    return Unlocked(access=access, expires_at=until)


@router.get(
    "/shares/{token}/photos",
    response_model=SharedPage,
    responses=problems(*_REFUSALS),
    summary="A link's photos",
)
def list_shared_photos(
    opened: _Visited, session: ReadDb, limit: Limit = 100, cursor: Cursor = None
) -> SharedPage:
    page = shares.shared_photos(session, opened, limit, cursor)
    items = [SharedPhoto.of(hit.photo, opened.share.location) for hit in page.items]
    return SharedPage(items=items, next_cursor=page.next_cursor)


class Received(Schema):
    """A guest's photo is safe with the album's owner."""

    id: UUID
    status: str


@router.post(
    "/shares/{token}/photos",
    status_code=201,
    response_model=Received,
    responses=problems(403, 409, 413, 415, 507, *_REFUSALS),
    summary="Add a photo as a guest",
    openapi_extra=form_body(file_form()),
)
async def upload_to_share(request: Request, context: ContextDep, opened: _Visited) -> Received:
    """Multipart with one `file`, where the owner asks for photos. Whether the photo was there before is not told."""
    check_same_origin(request)
    form = await read_form(request)
    try:
        file = file_of(form)
        added = await run_in_threadpool(shares.receive, context, opened, file.file, file.filename or "")
    finally:
        await form.close()
    return Received(id=added.id, status=added.status)


@router.get(
    "/shares/{token}/photos/{photo_id}/rendition/{kind}",
    response_class=FileResponse,
    responses={200: {"content": PICTURES}, **problems(*_REFUSALS)},
    summary="A shared photo to show",
)
def shared_rendition(
    request: Request, opened: _Visited, session: ReadDb, context: ContextDep, photo_id: PhotoId, kind: str
) -> Response:
    """`grid` or `preview`; they carry no metadata."""
    photo = shares.shared_photo(session, opened, photo_id)
    answer = send_rendition(request, context, photo.checksum, kind, _PRIVATE["Cache-Control"])
    answer.headers.update(_PRIVATE)
    return answer


@router.get(
    "/shares/{token}/photos/{photo_id}/original",
    response_class=FileResponse,
    responses={200: {"content": {"image/*": {}}}, **problems(403, *_REFUSALS)},
    summary="A shared photo to keep",
)
def shared_original(
    opened: _Visited, session: ReadDb, context: ContextDep, photo_id: PhotoId
) -> FileResponse:
    """Where downloads are offered: the original, or without `location` a copy at full size that holds no position."""
    photo = shares.shared_photo(session, opened, photo_id)
    path, media_type, name = shares.download_file(context, opened, photo)
    headers = {**_PRIVATE, "Content-Security-Policy": "sandbox"}
    return FileResponse(path, media_type=media_type, filename=name, headers=headers)
