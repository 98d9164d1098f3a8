"""Taking photos in: multipart, base64, and what is there already. Resumable uploads are in ``uploads``."""

from __future__ import annotations

import io
from typing import Annotated

from fastapi import APIRouter, Header, Request, Response
from fastapi.concurrency import run_in_threadpool

from app.api.forms import file_form, file_of, form_body, form_options, read_form
from app.api.schemas import Base64Upload, Checksums, Existing, Uploaded, problems
from app.deps import ContextDep, PhotoUploader, ReadDb
from app.services import intake
from app.services.clients import repeats

router = APIRouter(tags=["photos"])

_UPLOAD_FORM = form_body(
    file_form(
        taken_at={
            "type": "string",
            "format": "date-time",
            "description": "Used when the file does not know.",
        },
        device_id={"type": "string"},
        device_asset_id={"type": "string"},
        album_id={"type": "string", "format": "uuid"},
        favorite={"type": "boolean", "default": False},
    )
)
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
async def upload_photo(
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
        known = await run_in_threadpool(repeats.known, context, viewer, announced, key)
        if known is not None:
            return answer(known, response)
    form = await read_form(request)
    try:
        file = file_of(form)
        options = form_options(form, file.filename or "")
        added = await run_in_threadpool(repeats.add_once, context, viewer, file.file, options, key, announced)
    finally:
        await form.close()
    return answer(added, response)


def answer(added: intake.Added, response: Response) -> Uploaded:
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
def upload_photo_base64(
    body: Base64Upload,
    response: Response,
    viewer: PhotoUploader,
    context: ContextDep,
    key: IdempotencyKey = None,
) -> Uploaded:
    options = intake.Options(**body.model_dump(exclude={"data"}))
    stream = io.BytesIO(intake.decode_base64(body.data))
    return answer(repeats.add_once(context, viewer, stream, options, key), response)


@router.post(
    "/photos/exists",
    response_model=Existing,
    responses=problems(401, 403, 422),
    summary="Which of these are already there?",
)
def find_existing(viewer: PhotoUploader, session: ReadDb, body: Checksums) -> Existing:
    """Lets a client skip what is there before it sends a byte."""
    return Existing(existing=intake.find_existing(session, viewer, body.checksums))
