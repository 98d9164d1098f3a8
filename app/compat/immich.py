"""The part of Immich's API that its command line uploader (@immich/cli 3.2) uses, over this product's services.

Discovery, who am I, which files are wanted, which are there already, uploading, albums: no more. The key is an
Albumen API key in ``x-api-key`` with the scopes photos.upload, and albums.read and albums.write for albums. Sidecar
files are not read, so they are not asked for.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, Field, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.responses import JSONResponse

from app.api.forms import read_form
from app.compat.dialect import DialectRoute, refusals, viewer_with_key
from app.context import Context
from app.deps import ContextDep, ReadDb, WriteDb
from app.errors import AppError, Invalid
from app.search import count_photos
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.collections import albums
from app.services.collections.albums import AlbumSummary

_SPOKEN = {"major": 3, "minor": 2, "patch": 2}
_EXTENSIONS = [".jpg", ".jpeg", ".jpe", ".jfif", ".mpo", ".png", ".apng", ".gif", ".webp", ".bmp", ".dib"]
_EXTENSIONS += [".tif", ".tiff", ".heic", ".heif", ".hif", ".avif"]
_PERMISSIONS = {
    "photos.read": ("asset.read", "asset.view", "asset.download", "asset.statistics"),
    "photos.upload": ("asset.upload",),
    "photos.write": ("asset.update", "asset.delete"),
    "albums.read": ("album.read",),
    "albums.write": (
        "album.create",
        "album.update",
        "album.delete",
        "albumAsset.create",
        "albumAsset.delete",
    ),
}
MAX_ALBUM_IDS = 65_000
_PART = 500


class _ImmichRoute(DialectRoute):
    def told(self, error: AppError) -> JSONResponse:
        status = 400 if isinstance(error, Invalid) else error.status
        body = {"message": error.detail, "error": error.title, "statusCode": status}
        return JSONResponse(body, status, headers=error.headers)


router = APIRouter(
    route_class=_ImmichRoute,
    tags=["Immich uploader"],
    responses=refusals(400, 401, 403, 404, 409, 413, 415, 422, 507),
)


def _with(scope: str | None) -> Callable[[Request], Viewer]:
    def check(request: Request) -> Viewer:
        return viewer_with_key(request, request.headers.get("x-api-key", ""), scope)

    return check


_AnyKey = Annotated[Viewer, Depends(_with(None))]
_Reader = Annotated[Viewer, Depends(_with("photos.read"))]
_Uploader = Annotated[Viewer, Depends(_with("photos.upload"))]
_AlbumReader = Annotated[Viewer, Depends(_with("albums.read"))]
_AlbumWriter = Annotated[Viewer, Depends(_with("albums.write"))]


# --- who is there ---------------------------------------------------------------------------------------------


@router.get("/.well-known/immich", summary="Where the API is")
def discovery() -> dict[str, Any]:
    return {"api": {"endpoint": "/api"}}


@router.get("/api/server/ping", summary="Is a server there?")
def ping() -> dict[str, str]:
    return {"res": "pong"}


@router.get("/api/server/version", summary="The version of the API spoken here")
def version() -> dict[str, int]:
    return _SPOKEN


@router.get("/api/server/about", summary="The version as text")
def about(_viewer: _AnyKey) -> dict[str, Any]:
    return {"version": "v" + ".".join(str(part) for part in _SPOKEN.values()), "licensed": False}


@router.get("/api/server/media-types", summary="Which files are wanted")
def media_types() -> dict[str, list[str]]:
    return {"image": _EXTENSIONS, "video": [], "sidecar": []}


@router.get("/api/users/me", summary="Whose key this is")
def me(viewer: _AnyKey) -> dict[str, Any]:
    return {
        "id": str(viewer.user_id),
        "name": viewer.username,
        "email": viewer.username,  # users have no address here; the client only shows it
        "isAdmin": viewer.is_admin,
    }


@router.get("/api/api-keys/me", summary="What the key may do")
def key_permissions(viewer: _AnyKey) -> dict[str, Any]:
    allowed = [name for scope, names in _PERMISSIONS.items() if viewer.may(scope) for name in names]
    return {"permissions": ["user.read", "server.about", "apiKey.read", *allowed]}


@router.get("/api/assets/statistics", summary="How many photos there are")
def statistics(viewer: _Reader, session: ReadDb) -> dict[str, int]:
    count = count_photos(session, viewer, "", archived=True)
    return {"images": count, "videos": 0, "total": count}


# --- uploading ------------------------------------------------------------------------------------------------


class _Candidate(BaseModel):
    id: str = Field(max_length=4096)
    checksum: str = Field(max_length=64)


class _Candidates(BaseModel):
    assets: list[_Candidate] = Field(max_length=intake.MAX_CHECKSUMS)


@router.post("/api/assets/bulk-upload-check", summary="Which files are there already?")
def bulk_upload_check(viewer: _Uploader, session: ReadDb, body: _Candidates) -> dict[str, Any]:
    sums = [_hexadecimal(asset.checksum) for asset in body.assets]
    existing = intake.find_existing(session, viewer, set(sums))
    trashed = {
        p.id for p in photos.get_photos(session, viewer, existing.values()) if p.deleted_at is not None
    }
    results: list[dict[str, Any]] = []
    for asset, checksum in zip(body.assets, sums, strict=True):
        photo_id = existing.get(checksum)
        if photo_id is None:
            results.append({"id": asset.id, "action": "accept"})
        else:
            found = {"assetId": str(photo_id), "isTrashed": photo_id in trashed}
            results.append({"id": asset.id, "action": "reject", "reason": "duplicate", **found})
    return {"results": results}


@router.post("/api/assets", status_code=201, summary="Upload a photo")
async def upload(
    request: Request, response: Response, viewer: _Uploader, context: ContextDep
) -> dict[str, str]:
    if announced := request.headers.get("x-immich-checksum"):
        known = await run_in_threadpool(_known, context, viewer, announced)
        if known is not None:
            response.status_code = 200
            return {"id": str(known), "status": "duplicate"}
    form = await read_form(request)
    try:
        file = form.get("assetData")
        if not isinstance(file, UploadFile):
            raise Invalid("The form needs a field named assetData with the picture.", field="assetData")
        options = _options(form, file.filename or "")
        added = await run_in_threadpool(intake.add_stream, context, viewer, file.file, options)
        if not added.duplicate and form.get("visibility") in ("archive", "hidden", "locked"):
            await run_in_threadpool(_archive, context, viewer, added.id)
    finally:
        await form.close()
    response.status_code = 200 if added.duplicate else 201
    return {"id": str(added.id), "status": "duplicate" if added.duplicate else "created"}


def _options(form: FormData, filename: str) -> intake.Options:
    def text(name: str) -> str | None:
        value = form.get(name)
        return value if isinstance(value, str) and value else None

    try:
        created = TypeAdapter(datetime | None).validate_python(
            text("fileCreatedAt") or text("fileModifiedAt")
        )
    except ValidationError:
        raise Invalid("The field fileCreatedAt is not a time.", field="fileCreatedAt") from None
    return intake.Options(
        filename=text("filename") or filename,
        file_time=created,
        device_id=text("deviceId"),
        device_asset_id=text("deviceAssetId"),
        favorite=text("isFavorite") == "true",
    )


def _known(context: Context, viewer: Viewer, announced: str) -> UUID | None:
    checksum = _hexadecimal(announced)
    with context.database.read() as session:
        return intake.find_existing(session, viewer, [checksum]).get(checksum)


def _archive(context: Context, viewer: Viewer, photo_id: UUID) -> None:
    with context.database.write() as session:
        photos.update_photo(session, viewer, photo_id, photos.Change(archived=True))


def _hexadecimal(checksum: str) -> str:
    """A SHA-1 as hexadecimal; the uploader sends it so, the phone app as base64."""
    if len(checksum) == 28:
        try:
            return base64.b64decode(checksum, validate=True).hex()
        except (binascii.Error, ValueError):
            raise Invalid("A checksum is a SHA-1, hexadecimal or base64.", field="checksum") from None
    return checksum.lower()


# --- albums ---------------------------------------------------------------------------------------------------


class _NewAlbum(BaseModel):
    title: str = Field(min_length=1, max_length=200, alias="albumName")
    description: str = Field("", max_length=10_000)
    photo_ids: list[UUID] = Field(default_factory=list, max_length=MAX_ALBUM_IDS, alias="assetIds")


class _AssetIds(BaseModel):
    ids: list[UUID] = Field(max_length=MAX_ALBUM_IDS)


@router.get("/api/albums", summary="List manual albums")
def list_albums(viewer: _AlbumReader, session: ReadDb) -> list[dict[str, Any]]:
    found = albums.choices(session, viewer)
    return [_album(albums.summarise(session, viewer, album)) for album in found]


@router.post("/api/albums", status_code=201, summary="Make an album")
def create_album(viewer: _AlbumWriter, session: WriteDb, body: _NewAlbum) -> dict[str, Any]:
    album = albums.create_album(session, viewer, body.title, description=body.description)
    _put(session, viewer, album.id, body.photo_ids)
    return _album(albums.summarise(session, viewer, album))


@router.put("/api/albums/{album_id}/assets", summary="Put photos into an album")
def add_to_album(
    viewer: _AlbumWriter, session: WriteDb, album_id: UUID, body: _AssetIds
) -> list[dict[str, Any]]:
    own = _put(session, viewer, album_id, body.ids)
    return [
        {"id": str(i), "success": True}
        if i in own
        else {"id": str(i), "success": False, "error": "not_found"}
        for i in body.ids
    ]


def _put(session: WriteDb, viewer: Viewer, album_id: UUID, ids: list[UUID]) -> set[UUID]:
    albums.get_album(session, viewer, album_id, kind="manual")
    own = [photo.id for photo in photos.get_photos(session, viewer, ids)]
    for start in range(0, len(own), _PART):
        albums.add_photos(session, viewer, album_id, own[start : start + _PART])
    return set(own)


def _album(found: AlbumSummary) -> dict[str, Any]:
    album = found.album
    return {
        "id": str(album.id),
        "albumName": album.title,
        "description": album.description,
        "ownerId": str(album.owner_id),
        "albumThumbnailAssetId": None if found.cover_photo_id is None else str(found.cover_photo_id),
        "assetCount": found.count,
        "createdAt": album.created_at.isoformat(),
        "updatedAt": album.updated_at.isoformat(),
        "shared": False,
    }
