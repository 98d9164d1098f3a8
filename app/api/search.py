"""Searching by an example picture."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from app.api.forms import file_of, parsed, read_form
from app.api.schemas import Limit, PhotoItem, PhotoPage, PictureRequest, problems
from app.deps import ContextDep, PhotoReader
from app.services import intake
from app.services.understanding import examples

router = APIRouter(tags=["photos"])

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["file"],
                    "properties": {"file": {"type": "string", "format": "binary"}},
                }
            },
            "application/json": {
                "schema": PictureRequest.model_json_schema(),
                "example": {"image": "/9j/4AAQSkZJRgABAQ..."},
            },
        },
    }
}


@router.post(
    "/search/picture",
    response_model=PhotoPage,
    openapi_extra=_BODY,
    responses=problems(401, 403, 413, 415, 422, 503),
    summary="Search by an example picture",
)
async def search_by_picture(
    request: Request, viewer: PhotoReader, context: ContextDep, limit: Limit = 100
) -> PhotoPage:
    """Multipart `file`, or JSON {image: base64}. The photos that look most like it, each with its `score` (the cosine
    of the two vectors). The picture is not kept. There is no second page."""
    if request.headers.get("content-type", "").startswith("application/json"):
        data = intake.decode_base64(parsed(PictureRequest, await request.body()).image, "image")
    else:
        form = await read_form(request)
        try:
            data = await file_of(form.get("file"))
        finally:
            await form.close()
    found = await run_in_threadpool(examples.photos_like, context, viewer, data, limit)
    return PhotoPage(items=[PhotoItem.of(photo, round(score, 4)) for photo, score in found], next_cursor=None)
