"""Enhancement: what there is, edits of stored photos, and one-shot processing and analysis of pictures not stored."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import FileResponse, JSONResponse, Response

from app.api.files import send_rendition
from app.api.forms import file_form, file_of, form_body, is_json, parsed, picture_of, read_form
from app.api.intake import answer
from app.api.schemas import (
    EditCreate,
    EditPublic,
    EditRequested,
    Listing,
    OperationPublic,
    PhotoId,
    ProcessRequest,
    ReasonPublic,
    SuggestionsPublic,
    Uploaded,
    problems,
)
from app.context import Context
from app.deps import ContextDep, ImageProcessor, Language, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.errors import Invalid
from app.imaging.formats import MEDIA_TYPES
from app.sentences import say
from app.services import edit_copies, edits, intake, suggestions

router = APIRouter(tags=["enhancement"])


@router.get(
    "/enhancements",
    response_model=list[OperationPublic],
    responses=problems(401, 403),
    summary="Every edit operation",
)
def list_enhancements(viewer: PhotoReader, language: Language) -> list[dict[str, Any]]:
    """Name, kind, parameters with type, range, default and unit, and rough CPU seconds per megapixel."""
    return edits.operations(language)


@router.get(
    "/photos/{photo_id}/suggestions",
    response_model=SuggestionsPublic,
    responses=problems(401, 403, 404, 422),
    summary="What would make a photo better",
)
def suggest_edits(
    viewer: PhotoReader, session: ReadDb, context: ContextDep, language: Language, photo_id: PhotoId
) -> SuggestionsPublic:
    """A recipe with a reason for each step, measured from the photo; nothing is changed. Empty where it is fine."""
    found = suggestions.for_photo(context, session, viewer, photo_id)
    reasons = [ReasonPublic(op=s.step["op"], text=suggestions.said(s.reason, language)) for s in found]
    nothing = ReasonPublic(op=None, text=suggestions.said(suggestions.NOTHING, language))
    return SuggestionsPublic(recipe=[s.step for s in found], reasons=reasons or [nothing])


@router.post(
    "/photos/{photo_id}/edits",
    status_code=202,
    response_model=EditRequested,
    summary="Edit a photo",
    responses=problems(401, 403, 404, 422),
)
def create_edit(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, body: EditCreate) -> EditRequested:
    """Renders a recipe in the background; the original never changes. Of an animation, and of a file of several pages,
    the first picture is edited and the result holds no other.
    """
    requested = edits.create_edit(session, viewer, photo_id, body.recipe, body.title)
    return EditRequested(edit=EditPublic.of(requested.edit), job=requested.job_id)


@router.post(
    "/photos/{photo_id}/edits/preview",
    response_class=Response,
    summary="How a recipe will look",
    responses={
        200: {"content": {"image/jpeg": {}}},
        204: {"description": "With `quick`: the preview itself is quick."},
        **problems(401, 403, 404, 422),
    },
)
def preview_edit(
    viewer: PhotoReader,
    session: ReadDb,
    context: ContextDep,
    photo_id: PhotoId,
    body: EditCreate,
    quick: Annotated[
        bool, Query(description="A stand-in within about a second, where one is needed.")
    ] = False,
) -> Response:
    """A JPEG with a long side of at most 1,024 pixels; nothing is stored.

    Slow recipes take seconds. With `quick` their quickest models work on fewer pixels: something to look at until then.
    """
    if quick and not edits.wants_stand_in(session, viewer, photo_id, body.recipe):
        return Response(status_code=204)
    with context.storage.scratch() as folder:
        target = folder / "preview.jpg"
        edits.preview(context, session, viewer, photo_id, body.recipe, target, stand_in=quick)
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


@router.post(
    "/edits/{edit_id}/copy",
    status_code=201,
    response_model=Uploaded,
    summary="Save an edit as a new photo",
    responses={
        200: {"model": Uploaded, "description": "These bytes are already a photo."},
        **problems(401, 403, 404, 409, 413, 415, 422, 507),
    },
)
def copy_edit(viewer: PhotoWriter, context: ContextDep, response: Response, edit_id: UUID) -> Uploaded:
    """A photo of the edited picture, with its source's title, description, time, place and confirmed tags."""
    return answer(edit_copies.save_as_photo(context, viewer, edit_id), response)


@router.post(
    "/images/process",
    response_class=Response,
    openapi_extra=form_body(
        file_form(
            recipe={"type": "string", "description": "The recipe as a JSON list."},
            format={"type": "string", "description": "Shorthand for a last output step, such as png or jpg."},
        ),
        {"schema": ProcessRequest.model_json_schema()},
    ),
    summary="Process a picture, storing nothing",
    responses={
        200: {"content": {"image/*": {}, "application/json": {}}},
        **problems(401, 403, 413, 415, 422),
    },
)
async def process_image(request: Request, _viewer: ImageProcessor, context: ContextDep) -> Response:
    """Multipart gives picture bytes back; JSON with base64 gives JSON with base64 back. Size and time are limited. Of
    an animation, and of a file of several pages, the first picture is processed and the result holds no other.
    """
    if is_json(request):
        body = parsed(ProcessRequest, await request.body())
        data, kind = await run_in_threadpool(
            _process, context, intake.decode_base64(body.image, "image"), body.recipe, body.format
        )
        return JSONResponse({"image": base64.b64encode(data).decode(), "format": kind})
    form = await read_form(request)
    try:
        source = await file_of(form).read()
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
    openapi_extra=form_body(file_form(), {"schema": ProcessRequest.model_json_schema()}),
    responses=problems(401, 403, 413, 415, 422, 503),
)
async def analyze_image(
    request: Request,
    viewer: ImageProcessor,
    context: ContextDep,
    language: Language,
) -> dict[str, Any]:
    """Multipart `file`, or JSON {image: base64}: tags, objects, faces, cues and text."""
    data = await picture_of(request, ProcessRequest)

    def look() -> dict[str, Any]:
        with context.storage.scratch() as folder:
            path = folder / "picture"
            path.write_bytes(data)
            return context.lookout.ask("look_at", path=str(path), language=language)

    return await run_in_threadpool(look)


def _process(context: Context, data: bytes, recipe: Any, wanted: str | None) -> tuple[bytes, str]:
    if wanted:
        recipe = [*recipe, {"op": "output", "format": wanted}]
    with context.storage.scratch() as folder:
        source, target = folder / "picture", folder / "result"
        source.write_bytes(data)
        done = edits.process_once(context, source, recipe, target)
        return target.read_bytes(), done.format


def _recipe_of(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else []
    except json.JSONDecodeError as error:
        raise Invalid(say("The recipe is not valid JSON: {error}.", error=error), field="recipe") from None
