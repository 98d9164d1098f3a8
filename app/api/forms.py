"""Multipart forms: reading them, and what a client says about a photo in their fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from app.api.schemas import PictureRequest, ProcessRequest
from app.errors import Invalid
from app.sentences import say
from app.services import intake

Body = TypeVar("Body", bound=BaseModel)


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
        raise Invalid(say("The form cannot be read: {error}", error=error)) from None


def file_of(form: FormData) -> UploadFile:
    """The form's field ``file``. Raises Invalid when it is not there, or is no file."""
    value = form.get("file")
    if not isinstance(value, UploadFile):
        raise Invalid("The form needs a field named file with the picture.", field="file")
    return value


def is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").startswith("application/json")


async def picture_of(request: Request, kind: type[PictureRequest] | type[ProcessRequest]) -> bytes:
    """A picture sent as a multipart ``file``, or as JSON of a ``kind`` with base64 in ``image``. Raises Invalid."""
    if is_json(request):
        return intake.decode_base64(parsed(kind, await request.body()).image, "image")
    form = await read_form(request)
    try:
        return await file_of(form).read()
    finally:
        await form.close()


def file_form(**fields: dict[str, Any]) -> dict[str, Any]:
    """OpenAPI of a multipart form with a ``file`` and other fields."""
    file = {"type": "string", "format": "binary"}
    return {"schema": {"type": "object", "required": ["file"], "properties": {"file": file, **fields}}}


def form_body(form: dict[str, Any], json: dict[str, Any] | None = None) -> dict[str, Any]:
    """OpenAPI of a body read here and not by the framework: a form, and JSON where that is taken too."""
    content = {"multipart/form-data": form, **({"application/json": json} if json else {})}
    return {"requestBody": {"required": True, "content": content}}


def parsed(kind: type[Body], body: bytes) -> Body:
    """A JSON body of an address that also takes forms.

    Raises:
        Invalid: it is not what ``kind`` describes.
    """
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(
            say("{where}: {problem}.", where=".".join(map(str, first["loc"])), problem=first["msg"]),
            field=str(first["loc"]),
        ) from None


def form_options(form: FormData, filename: str) -> intake.Options:
    def text(name: str) -> str | None:
        value = form.get(name)
        return value if isinstance(value, str) and value != "" else None

    def typed(name: str, kind: Any) -> Any:
        value = text(name)
        try:
            return None if value is None else TypeAdapter(kind).validate_python(value)
        except ValidationError:
            raise Invalid(say("The field {name} cannot be understood.", name=name), field=name) from None

    return intake.Options(
        filename=filename,
        taken_at=typed("taken_at", datetime),
        device_id=text("device_id"),
        device_asset_id=text("device_asset_id"),
        album_id=typed("album_id", UUID),
        favorite=bool(typed("favorite", bool)),
    )
