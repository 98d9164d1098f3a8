"""A photo's bytes: the original and the smaller pictures to show."""

from __future__ import annotations

from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from app.api.schemas import PhotoId, problems
from app.context import Context
from app.deps import ContextDep, PhotoReader, ReadDb
from app.imaging.formats import MEDIA_TYPES
from app.models import Photo
from app.services import photos
from app.services.renditions import rendition

router = APIRouter(tags=["photos"])

_BYTES = {"schema": {"type": "string", "format": "binary"}}
PICTURES = {"image/webp": _BYTES, "image/jpeg": _BYTES, "image/avif": _BYTES}
ANY_PICTURE = {"image/*": _BYTES}
_IMMUTABLE = "private, max-age=31536000, immutable"


@router.head("/photos/{photo_id}/original", include_in_schema=False)
@router.get(
    "/photos/{photo_id}/original",
    response_class=FileResponse,
    summary="The original bytes",
    responses={200: {"content": ANY_PICTURE}, **problems(401, 403, 404, 422)},
)
def get_original(
    request: Request, viewer: PhotoReader, session: ReadDb, context: ContextDep, photo_id: PhotoId
) -> Response:
    """Byte-identical to what was uploaded; supports ranges and conditional requests."""
    return send_original(request, context, photos.get_photo(session, viewer, photo_id))


def send_original(request: Request, context: Context, photo: Photo, name: str = "") -> Response:
    """The original under ``name`` (default: its own), or 304 when the client has it."""
    name = name or photo.filename or f"{photo.checksum[:12]}.{photo.format}"
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


@router.head("/photos/{photo_id}/rendition/{kind}", include_in_schema=False)
@router.get(
    "/photos/{photo_id}/rendition/{kind}",
    response_class=FileResponse,
    summary="A smaller picture to show",
    responses={200: {"content": PICTURES}, **problems(401, 403, 404, 422)},
)
def get_rendition(
    request: Request, viewer: PhotoReader, context: ContextDep, photo_id: PhotoId, kind: str
) -> Response:
    """`grid` (short side 320) or `preview` (long side 1600): upright, sRGB, first frame; cacheable for ever.

    A grid picture is WebP, a preview JPEG (WebP where something shows through). A client whose `Accept` leaves that
    out gets the same picture as JPEG, WebP or AVIF.
    """
    with (
        context.database.read() as session
    ):  # here and not as a dependency: a page asks for hundreds of these
        checksum = photos.checksum_of(session, viewer, photo_id)
    return send_rendition(request, context, checksum, kind)


def send_rendition(
    request: Request, context: Context, checksum: str, kind: str, cache: str = _IMMUTABLE
) -> Response:
    """A rendition in a format the client takes, or 304 when it has it."""
    path, media_type = rendition(context, checksum, kind, _accepted(request))
    headers = {
        "Cache-Control": cache,
        "ETag": f'"{checksum[:32]}-{kind}-{media_type.removeprefix("image/")}"',
        "Vary": "Accept",
    }
    if _matches(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if "range" in request.headers:
        return FileResponse(path, media_type=media_type, headers=headers)
    # Small, and read in this thread: a file response would go to other threads four times.
    return Response(path.read_bytes(), media_type=media_type, headers={**headers, "Accept-Ranges": "bytes"})


def _accepted(request: Request) -> tuple[str, ...]:
    """The picture types a client says it takes, best first; nothing when any will do."""
    wanted: dict[str, float] = {}
    for part in request.headers.get("accept", "").split(","):
        kind, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        try:
            wanted[kind] = float(quality)
        except ValueError:
            wanted[kind] = 0.0
    if wanted.get("*/*") or wanted.get("image/*"):
        return ()
    taken = [kind for kind, quality in wanted.items() if kind.startswith("image/") and quality > 0]
    return tuple(sorted(taken, key=lambda kind: -wanted[kind]))


def _matches(request: Request, etag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return given == "*" or etag in {part.strip().removeprefix("W/") for part in given.split(",")}
