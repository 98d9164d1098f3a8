"""Searching by an example picture."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from app.api.forms import file_form, form_body, picture_of
from app.api.schemas import Limit, PhotoItem, PhotoPage, PictureRequest, problems
from app.deps import ContextDep, PhotoReader
from app.services.understanding import examples

router = APIRouter(tags=["photos"])


@router.post(
    "/search/picture",
    response_model=PhotoPage,
    openapi_extra=form_body(
        file_form(),
        {"schema": PictureRequest.model_json_schema(), "example": {"image": "/9j/4AAQSkZJRgABAQ..."}},
    ),
    responses=problems(401, 403, 413, 415, 422, 503),
    summary="Search by an example picture",
)
async def search_by_picture(
    request: Request, viewer: PhotoReader, context: ContextDep, limit: Limit = 100
) -> PhotoPage:
    """Multipart `file`, or JSON {image: base64}. The photos that look most like it, each with its `score` (the cosine
    of the two vectors). The picture is not kept. There is no second page."""
    data = await picture_of(request, PictureRequest)
    found = await run_in_threadpool(examples.photos_like, context, viewer, data, limit)
    return PhotoPage(items=[PhotoItem.of(photo, round(score, 4)) for photo, score in found], next_cursor=None)
