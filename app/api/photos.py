"""Photos: uploading, listing, reading, changing, tags, trash, and their bytes."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, BinaryIO, TypeVar
from uuid import UUID

from fastapi import APIRouter, Header, Query, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import FileResponse, JSONResponse

from app.api.schemas import (
    Base64Upload,
    BatchAnswer,
    BatchRequest,
    Checksums,
    Cursor,
    Existing,
    Fields,
    Limit,
    MonthCount,
    PhotoId,
    PhotoIds,
    PhotoItem,
    PhotoPage,
    PhotoPublic,
    PhotosGot,
    PhotoUpdate,
    Uploaded,
    problems,
)
from app.context import Context
from app.deps import ContextDep, PhotoReader, PhotoUploader, PhotoWriter, ReadDb, WriteDb
from app.errors import Invalid
from app.imaging.formats import MEDIA_TYPES
from app.models import Photo
from app.search import Hit, find_photos, timeline
from app.services import intake, photos, repeats
from app.services.accounts import Viewer
from app.services.renditions import rendition

router = APIRouter(tags=["photos"])

_UPLOAD_FORM = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {
                        "file": {"type": "string", "format": "binary"},
                        "taken_at": {
                            "type": "string",
                            "format": "date-time",
                            "description": "Used when the file does not know.",
                        },
                        "device_id": {"type": "string"},
                        "device_asset_id": {"type": "string"},
                        "album_id": {"type": "string", "format": "uuid"},
                        "favorite": {"type": "boolean", "default": False},
                    },
                }
            }
        },
    }
}
PageOfPhotos = TypeVar("PageOfPhotos", PhotoPage, PhotosGot)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="Any unique text; the same request with it again is answered as the first time.",
    ),
]
AnnouncedChecksum = Annotated[
    str | None,
    Header(
        alias="X-Checksum-SHA256",
        pattern="^[0-9a-fA-F]{64}$",
        description="The file's SHA-256: known bytes are answered unread, other bytes are refused.",
    ),
]
_IMMUTABLE = "private, max-age=31536000, immutable"


@router.post(
    "/photos",
    status_code=201,
    response_model=Uploaded,
    openapi_extra=_UPLOAD_FORM,
    summary="Upload a photo",
    responses={
        200: {"model": Uploaded, "description": "These bytes are already there."},
        **problems(401, 403, 404, 413, 415, 422, 507),
    },
)
async def upload(
    request: Request,
    response: Response,
    viewer: PhotoUploader,
    context: ContextDep,
    key: IdempotencyKey = None,
    announced: AnnouncedChecksum = None,
) -> Uploaded:
    """Multipart with one `file`. The answer comes when the original is safely on disk; analysis follows.

    With `X-Checksum-SHA256` a photo that is there already is answered before the body is read.
    """
    if announced is not None:
        known = await run_in_threadpool(_known, context, viewer, announced, key)
        if known is not None:
            return uploaded(known, response)
    form = await read_form(request)
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise Invalid("The form needs a field named file with the picture.", field="file")
        options = form_options(form, file.filename or "")
        added = await run_in_threadpool(_add, context, viewer, file.file, options, key, announced)
    finally:
        await form.close()
    return uploaded(added, response)


def _known(context: Context, viewer: Viewer, announced: str, key: str | None) -> intake.Added | None:
    """The answer for bytes that are there already, told by their checksum alone."""
    checksum = announced.lower()
    with context.database.read() as session:
        again = repeats.answer_again(session, viewer, key, checksum) if key else None
        found = intake.find_existing(session, viewer, [checksum]).get(checksum)
        if again is not None or found is None:
            return again
        photo = photos.get_photo(session, viewer, found)
        return intake.Added(
            photo.id, photo.checksum, photo.status, duplicate=True, trashed=photo.deleted_at is not None
        )


def _add(
    context: Context,
    viewer: Viewer,
    stream: BinaryIO,
    options: intake.Options,
    key: str | None,
    announced: str | None,
) -> intake.Added:
    """Take a photo in; a repeated request is answered as before, bytes that are not the announced ones refused."""
    kept = None
    if key is not None:
        with context.database.read() as session:
            kept = repeats.kept_checksum(session, viewer, key)
    if kept is not None or announced is not None:
        checksum = hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]
        stream.seek(0)
        if announced is not None and checksum != announced.lower():
            raise Invalid("The bytes are not those X-Checksum-SHA256 announces.", field="X-Checksum-SHA256")
        if key is not None:
            with context.database.read() as session:
                again = repeats.answer_again(session, viewer, key, checksum)
            if again is not None:
                return again
    added = intake.add_stream(context, viewer, stream, options)
    if key is not None:
        with context.database.write() as session:
            repeats.keep(session, viewer, key, added)
    return added


async def read_form(request: Request) -> FormData:
    """The multipart form, parts spooled to disk.

    Raises:
        Invalid: the body is not a readable multipart form.
    """
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        raise Invalid("Send the picture as multipart/form-data.", field="content-type")
    try:
        return await request.form(max_files=1000, max_fields=1000)
    except (MultiPartException, ValueError, KeyError) as error:
        raise Invalid(f"The form cannot be read: {error}") from None


def form_options(form: FormData, filename: str) -> intake.Options:
    def text(name: str) -> str | None:
        value = form.get(name)
        return value if isinstance(value, str) and value != "" else None

    def typed(name: str, kind: Any) -> Any:
        value = text(name)
        try:
            return None if value is None else TypeAdapter(kind).validate_python(value)
        except ValidationError:
            raise Invalid(f"The field {name} cannot be understood.", field=name) from None

    return intake.Options(
        filename=filename,
        taken_at=typed("taken_at", datetime),
        device_id=text("device_id"),
        device_asset_id=text("device_asset_id"),
        album_id=typed("album_id", UUID),
        favorite=bool(typed("favorite", bool)),
    )


def uploaded(added: intake.Added, response: Response) -> Uploaded:
    response.status_code = 200 if added.duplicate else 201
    response.headers["Location"] = f"/api/v1/photos/{added.id}"
    return Uploaded.model_validate(added)


@router.post(
    "/photos/base64",
    status_code=201,
    response_model=Uploaded,
    summary="Upload a photo as base64",
    responses={
        200: {"model": Uploaded, "description": "These bytes are already there."},
        **problems(401, 403, 404, 413, 415, 422, 507),
    },
)
def upload_base64(
    body: Base64Upload,
    response: Response,
    viewer: PhotoUploader,
    context: ContextDep,
    key: IdempotencyKey = None,
) -> Uploaded:
    options = intake.Options(**body.model_dump(exclude={"data"}))
    stream = io.BytesIO(intake.decode_base64(body.data))
    return uploaded(_add(context, viewer, stream, options, key, None), response)


@router.post(
    "/photos/exists",
    response_model=Existing,
    responses=problems(401, 403, 422),
    summary="Which of these are already there?",
)
def exists(viewer: PhotoUploader, session: ReadDb, body: Checksums) -> Existing:
    """Lets a client skip what is there before it sends a byte."""
    return Existing(existing=intake.find_existing(session, viewer, body.checksums))


@router.get(
    "/photos", response_model=PhotoPage, responses=problems(401, 403, 422), summary="List or search photos"
)
def list_photos(
    viewer: PhotoReader,
    session: ReadDb,
    q: Annotated[
        str, Query(max_length=4000, description="The query language.", examples=["beach year:2024"])
    ] = "",
    order: Annotated[str | None, Query(description="newest, oldest, added or relevance.")] = None,
    trashed: Annotated[bool, Query(description="List the trash instead.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    fields: Fields = None,
) -> PhotoPage | JSONResponse:
    """Newest capture first; with free words, most relevant first and each item carries its `score` and `reasons`."""
    names = field_names(fields)
    page = find_photos(session, viewer, q, order=order, limit=limit, cursor=cursor, trashed=trashed)
    return only(PhotoPage(items=items_of(page.items), next_cursor=page.next_cursor), names)


@router.post(
    "/photos/get",
    response_model=PhotosGot,
    responses=problems(401, 403, 422),
    summary="Many photos by their ids",
)
def get_photos(
    viewer: PhotoReader, session: ReadDb, body: PhotoIds, fields: Fields = None
) -> PhotosGot | JSONResponse:
    """Up to 500 at once, trashed ones included, as lists show them."""
    names = field_names(fields)
    found = photos.get_photos(session, viewer, body.ids)
    there = {photo.id for photo in found}
    missing = [photo_id for photo_id in dict.fromkeys(body.ids) if photo_id not in there]
    return only(PhotosGot(items=[PhotoItem.of(photo) for photo in found], missing=missing), names)


def field_names(fields: str | None) -> set[str] | None:
    """The names in ``fields``; None for all. Raises Invalid for one an item does not have."""
    if fields is None:
        return None
    names = {name.strip() for name in fields.split(",") if name.strip()}
    unknown = sorted(names - set(PhotoItem.model_fields))
    if unknown or not names:
        raise Invalid(
            f"A photo in a list has the fields {', '.join(PhotoItem.model_fields)}.",
            field="fields",
            unknown=unknown,
        )
    return names


def only(page: PageOfPhotos, names: set[str] | None) -> PageOfPhotos | JSONResponse:
    """The page whole, or with only some fields of its items."""
    if names is None:
        return page
    rest = page.model_dump(mode="json", exclude={"items"})
    return JSONResponse(
        {"items": [item.model_dump(mode="json", include=names) for item in page.items], **rest}
    )


def items_of(hits: Sequence[Hit]) -> list[PhotoItem]:
    """Search hits as list items, each with its score and reasons where there are any."""
    return [PhotoItem.of(hit.photo, hit.score, [asdict(r) for r in hit.reasons] or None) for hit in hits]


@router.get(
    "/timeline",
    response_model=list[MonthCount],
    responses=problems(401, 403, 422),
    summary="Photos per month",
)
def months(
    viewer: PhotoReader, session: ReadDb, q: Annotated[str, Query(max_length=4000)] = ""
) -> list[MonthCount]:
    return [MonthCount(month=month, count=count) for month, count in timeline(session, viewer, q)]


@router.post(
    "/photos/batch",
    response_model=BatchAnswer,
    responses=problems(401, 403, 404, 422),
    summary="Act on many photos",
)
def batch(viewer: PhotoWriter, session: WriteDb, body: BatchRequest) -> BatchAnswer:
    """Actions: tag, untag, favorite, unfavorite, archive, unarchive, delete, restore, album, retag."""
    result = photos.batch(session, viewer, **body.model_dump())
    return BatchAnswer(done=result.done, missing=result.missing)


@router.get(
    "/photos/{photo_id}",
    response_model=PhotoPublic,
    responses=problems(401, 403, 404, 422),
    summary="Everything about a photo",
)
def get_photo(
    viewer: PhotoReader, session: ReadDb, photo_id: PhotoId, accept_language: Annotated[str, Header()] = ""
) -> PhotoPublic:
    return PhotoPublic.from_detail(
        photos.describe(session, viewer, photo_id), language_of(accept_language, viewer.language)
    )


def language_of(accept_language: str, chosen: str | None = None) -> str:
    """``zh`` or ``en``: what the user chose, else the first of the two the client asks for."""
    for part in [chosen or "", *accept_language.split(",")]:
        tag = part.split(";")[0].strip().lower()[:2]
        if tag in ("en", "zh"):
            return tag
    return "en"


@router.patch(
    "/photos/{photo_id}",
    response_model=PhotoPublic,
    responses=problems(401, 403, 404, 422),
    summary="Change a photo's metadata",
)
def update_photo(
    viewer: PhotoWriter,
    session: WriteDb,
    photo_id: PhotoId,
    body: PhotoUpdate,
    accept_language: Annotated[str, Header()] = "",
) -> PhotoPublic:
    fields = body.model_dump(exclude={"location"})
    location = (body.location.latitude, body.location.longitude) if body.location else None
    cleared = "location" in body.model_fields_set and body.location is None
    change = photos.Change(**fields, location=location, clear_location=cleared)
    photos.update_photo(session, viewer, photo_id, change)
    return PhotoPublic.from_detail(
        photos.describe(session, viewer, photo_id), language_of(accept_language, viewer.language)
    )


@router.delete(
    "/photos/{photo_id}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Move a photo to the trash",
)
def trash_photo(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId) -> None:
    """It can be restored until its time in the trash is over."""
    photos.trash_photo(session, viewer, photo_id)


@router.post(
    "/photos/{photo_id}/restore",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Take a photo out of the trash",
)
def restore_photo(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId) -> None:
    photos.restore_photo(session, viewer, photo_id)


@router.delete("/trash", status_code=204, responses=problems(401, 403), summary="Empty the trash")
def empty_trash(viewer: PhotoWriter, context: ContextDep) -> None:
    """Removes the viewer's trashed photos for good. This alone cannot be undone."""
    with context.database.write() as session:
        checksums = photos.empty_trash(session, viewer)
    photos.forget_files(context, checksums)


@router.put(
    "/photos/{photo_id}/tags/{slug}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Add or confirm a tag",
)
def confirm_tag(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, slug: str) -> None:
    """By slug, or by name in either language; an unknown name becomes a tag of your own."""
    photos.confirm_tag(session, viewer, photo_id, slug)


@router.delete(
    "/photos/{photo_id}/tags/{slug}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Remove or reject a tag",
)
def reject_tag(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, slug: str) -> None:
    photos.reject_tag(session, viewer, photo_id, slug)


# --- bytes ----------------------------------------------------------------------------------------------------


@router.get(
    "/photos/{photo_id}/original",
    response_class=FileResponse,
    summary="The original bytes",
    responses={200: {"content": {"image/*": {}}}, **problems(401, 403, 404, 422)},
)
def original(
    request: Request, viewer: PhotoReader, session: ReadDb, context: ContextDep, photo_id: PhotoId
) -> Response:
    """Byte-identical to what was uploaded; supports ranges and conditional requests."""
    photo = photos.get_photo(session, viewer, photo_id)
    name = photo.filename or f"{photo.checksum[:12]}.{photo.format}"
    headers = {
        "Cache-Control": _IMMUTABLE,
        "ETag": f'"{photo.checksum}"',
        "Content-Security-Policy": "sandbox",
    }
    if _matches(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return FileResponse(
        context.storage.original(photo.checksum),
        media_type=MEDIA_TYPES[photo.format],
        filename=name,
        content_disposition_type="inline",
        headers=headers,
    )


@router.get(
    "/photos/{photo_id}/rendition/{kind}",
    response_class=FileResponse,
    summary="A smaller picture to show",
    responses={200: {"content": {"image/*": {}}}, **problems(401, 403, 404, 422)},
)
def get_rendition(
    request: Request, viewer: PhotoReader, session: ReadDb, context: ContextDep, photo_id: PhotoId, kind: str
) -> Response:
    """`grid` (short side 320) or `preview` (long side 1600): upright, sRGB, first frame; cacheable for ever."""
    photo: Photo = photos.get_photo(session, viewer, photo_id)
    etag = f'"{photo.checksum[:32]}-{kind}"'
    headers = {"Cache-Control": _IMMUTABLE, "ETag": etag}
    if _matches(request, etag):
        return Response(status_code=304, headers=headers)
    path, media_type = rendition(context, photo, kind)
    return FileResponse(path, media_type=media_type, headers=headers)


def _matches(request: Request, etag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}
