"""Multipart forms: reading them, and what a client says about a photo in their fields."""

from __future__ import annotations

from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from fastapi import Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

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


async def file_of(value: Any) -> bytes:
    """The bytes of a form's file field.

    Raises:
        Invalid: the field is not there, or is no file.
    """
    if not isinstance(value, UploadFile):
        raise Invalid("The form needs a field named file with the picture.", field="file")
    return await value.read()


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
