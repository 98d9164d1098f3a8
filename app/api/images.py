"""Enhancement: what there is, edits of stored photos, and one-shot processing and analysis of pictures not stored."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Header, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from app.api.files import send_rendition
from app.api.forms import file_of, parsed, read_form
from app.api.schemas import (
    EditCreate,
    EditPublic,
    EditRequested,
    Listing,
    OperationPublic,
    PhotoId,
    ProcessRequest,
    problems,
)
from app.context import Context
from app.deps import ContextDep, ImageProcessor, PhotoReader, PhotoWriter, ReadDb, WriteDb, language_of
from app.errors import Invalid
from app.imaging.formats import MEDIA_TYPES
from app.sentences import say
from app.services import edits, intake

router = APIRouter(tags=["enhancement"])


@router.get(
    "/enhancements",
    response_model=list[OperationPublic],
    responses=problems(401, 403),
    summary="Every edit operation",
)
def list_enhancements(
    viewer: PhotoReader, accept_language: Annotated[str, Header()] = ""
) -> list[dict[str, Any]]:
    """Name, kind, parameters with type, range, default and unit, and rough CPU seconds per megapixel."""
    return edits.operations(language_of(accept_language, viewer.language))


@router.post(
    "/photos/{photo_id}/edits",
    status_code=202,
    response_model=EditRequested,
    summary="Edit a photo",
    responses=problems(401, 403, 404, 422),
)
def create_edit(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, body: EditCreate) -> EditRequested:
    """Renders a recipe in the background; the original never changes."""
    requested = edits.create_edit(session, viewer, photo_id, body.recipe, body.title)
    return EditRequested(edit=EditPublic.of(requested.edit), job=requested.job_id)


@router.post(
    "/photos/{photo_id}/edits/preview",
    response_class=Response,
    summary="How a recipe will look",
    responses={200: {"content": {"image/jpeg": {}}}, **problems(401, 403, 404, 422)},
)
def preview_edit(
    viewer: PhotoReader, session: ReadDb, context: ContextDep, photo_id: PhotoId, body: EditCreate
) -> Response:
    """A JPEG with a long side of at most 1,024 pixels; nothing is stored."""
    with tempfile.TemporaryDirectory(dir=context.settings.data / "incoming") as folder:
        target = Path(folder) / "preview.jpg"
        edits.preview(context, session, viewer, photo_id, body.recipe, target)
        return Response(target.read_bytes(), media_type="image/jpeg", headers={"Cache-Control": "no-store"})


@router.get(
    "/photos/{photo_id}/edits",
    response_model=Listing[EditPublic],
    responses=problems(401, 403, 404, 422),
    summary="A photo's edits",
)
def list_edits(viewer: PhotoReader, session: ReadDb, photo_id: PhotoId) -> Listing[EditPublic]:
    return Listing(items=[EditPublic.of(edit) for edit in edits.list_edits(session, viewer, photo_id)])


@router.get(
    "/edits/{edit_id}", response_model=EditPublic, responses=problems(401, 403, 404, 422), summary="One edit"
)
def get_edit(viewer: PhotoReader, session: ReadDb, edit_id: UUID) -> EditPublic:
    return EditPublic.of(edits.get_edit(session, viewer, edit_id)[0])


@router.get(
    "/edits/{edit_id}/file",
    response_class=FileResponse,
    summary="The edited picture",
    responses={200: {"content": {"image/*": {}}}, **problems(401, 403, 404, 409, 422)},
)
def edit_file(viewer: PhotoReader, session: ReadDb, context: ContextDep, edit_id: UUID) -> FileResponse:
    edit, photo = edits.get_edit(session, viewer, edit_id)
    path = edits.finished_file(context, edit)
    kind = edit.format or "jpeg"
    stem = Path(photo.filename or "photo").stem
    headers = {"Cache-Control": "private, max-age=31536000, immutable", "Content-Security-Policy": "sandbox"}
    return FileResponse(
        path,
        media_type=MEDIA_TYPES[kind],
        filename=f"{stem}-edit.{kind}",
        content_disposition_type="inline",
        headers=headers,
    )


@router.get(
    "/edits/{edit_id}/preview",
    response_class=FileResponse,
    summary="The edited picture, small",
    responses={200: {"content": {"image/*": {}}}, **problems(401, 403, 404, 409, 422)},
)
def edit_preview(
    request: Request, viewer: PhotoReader, session: ReadDb, context: ContextDep, edit_id: UUID
) -> Response:
    """Like a photo's rendition `preview`: long side 1600, sRGB, first frame; cacheable for ever."""
    edit, _ = edits.get_edit(session, viewer, edit_id)
    return send_rendition(request, context, edits.finished_checksum(edit), "preview")


@router.delete(
    "/edits/{edit_id}", status_code=204, responses=problems(401, 403, 404, 422), summary="Delete an edit"
)
def delete_edit(viewer: PhotoWriter, session: WriteDb, edit_id: UUID) -> None:
    """It can be restored."""
    edits.delete_edit(session, viewer, edit_id)


@router.post(
    "/edits/{edit_id}/restore",
    response_model=EditPublic,
    responses=problems(401, 403, 404, 422),
    summary="Bring a deleted edit back",
)
def restore_edit(viewer: PhotoWriter, session: WriteDb, edit_id: UUID) -> EditPublic:
    return EditPublic.of(edits.restore_edit(session, viewer, edit_id))


def _picture_body(**more: str) -> dict[str, Any]:
    """OpenAPI of a picture sent as a form or as JSON; ``more`` are text fields of the form and what they mean."""
    fields = {name: {"type": "string", "description": meaning} for name, meaning in more.items()}
    file = {"type": "string", "format": "binary"}
    form = {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}
    content = {
        "multipart/form-data": {"schema": form},
        "application/json": {"schema": ProcessRequest.model_json_schema()},
    }
    return {"requestBody": {"required": True, "content": content}}


@router.post(
    "/images/process",
    response_class=Response,
    openapi_extra=_picture_body(
        recipe="The recipe as a JSON list.", format="Shorthand for a last output step."
    ),
    summary="Process a picture, storing nothing",
    responses={
        200: {"content": {"image/*": {}, "application/json": {}}},
        **problems(401, 403, 413, 415, 422),
    },
)
async def process_image(request: Request, _viewer: ImageProcessor, context: ContextDep) -> Response:
    """Multipart gives picture bytes back; JSON with base64 gives JSON with base64 back. Size and time are limited."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = parsed(ProcessRequest, await request.body())
        data, kind = await run_in_threadpool(
            _process, context, intake.decode_base64(body.image, "image"), body.recipe, body.format
        )
        return JSONResponse({"image": base64.b64encode(data).decode(), "format": kind})
    form = await read_form(request)
    try:
        source = await file_of(form.get("file"))
        recipe = _recipe_of(form.get("recipe"))
        wanted = form.get("format")
        data, kind = await run_in_threadpool(
            _process, context, source, recipe, wanted if isinstance(wanted, str) else None
        )
    finally:
        await form.close()
    return Response(data, media_type=MEDIA_TYPES[kind])


@router.post(
    "/images/analyze",
    summary="Analyse a picture, storing nothing",
    openapi_extra=_picture_body(),
    responses=problems(401, 403, 413, 415, 422, 503),
)
async def analyze_image(
    request: Request,
    viewer: ImageProcessor,
    context: ContextDep,
    accept_language: Annotated[str, Header()] = "",
) -> dict[str, Any]:
    """Multipart `file`, or JSON {image: base64}: tags, objects, faces, cues and text."""
    if request.headers.get("content-type", "").startswith("application/json"):
        data = intake.decode_base64(parsed(ProcessRequest, await request.body()).image, "image")
    else:
        form = await read_form(request)
        try:
            data = await file_of(form.get("file"))
        finally:
            await form.close()
    language = language_of(accept_language, viewer.language)

    def look() -> dict[str, Any]:
        with _stored(context, data) as path:
            return context.lookout.ask("look_at", path=str(path), language=language)

    return await run_in_threadpool(look)


def _process(context: Context, data: bytes, recipe: Any, wanted: str | None) -> tuple[bytes, str]:
    if wanted:
        recipe = [*recipe, {"op": "output", "format": wanted}]
    with _stored(context, data) as path:
        target = path.with_name("result")
        done = edits.process_once(context, path, recipe, target)
        return target.read_bytes(), done.format


@contextmanager
def _stored(context: Context, data: bytes) -> Iterator[Path]:
    """The bytes as a file for a moment: decoding happens in another process."""
    with tempfile.TemporaryDirectory(dir=context.settings.data / "incoming") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        yield path


def _recipe_of(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else []
    except json.JSONDecodeError as error:
        raise Invalid(say("The recipe is not valid JSON: {error}.", error=error), field="recipe") from None
