"""A photo's bytes: the original and the smaller pictures to show."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from app.api.schemas import PhotoId, problems
from app.deps import ContextDep, PhotoReader, ReadDb
from app.imaging.formats import MEDIA_TYPES
from app.services import photos
from app.services.renditions import rendition

router = APIRouter(tags=["photos"])

_IMMUTABLE = "private, max-age=31536000, immutable"


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
    photo = photos.get_photo(session, viewer, photo_id)
    etag = f'"{photo.checksum[:32]}-{kind}"'
    headers = {"Cache-Control": _IMMUTABLE, "ETag": etag}
    if _matches(request, etag):
        return Response(status_code=304, headers=headers)
    path, media_type = rendition(context, photo, kind)
    return FileResponse(path, media_type=media_type, headers=headers)


def _matches(request: Request, etag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}
