"""Recipes, operations, edits."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.models import Edit


class EditPublic(Schema):
    id: UUID
    title: str
    recipe: list[dict[str, Any]]
    status: str
    error: str | None
    format: str | None
    width: int | None
    height: int | None
    created_at: datetime

    @classmethod
    def of(cls, edit: Edit) -> EditPublic:
        return cls.model_validate(edit)


class EditCreate(Schema):
    recipe: list[dict[str, Any]] = Field(max_length=100, examples=[[{"op": "dehaze", "strength": 0.6}]])
    title: str = Field("", max_length=200)


class EditRequested(Schema):
    edit: EditPublic
    job: UUID | None


class PictureRequest(Schema):
    image: str = Field(min_length=1, description="Base64, plain or as a data: URL.")


class ProcessRequest(Schema):
    image: str = Field(min_length=1, description="Base64, plain or as a data: URL.")
    recipe: list[dict[str, Any]] = Field(default_factory=list, max_length=100)
    format: str | None = Field(None, max_length=8)


class ParameterPublic(Schema):
    name: str
    type: str
    description: str
    default: Any = None
    unit: str | None
    range: dict[str, Any] | None
    only_for: dict[str, list[Any]] | None


class OperationPublic(Schema):
    name: str
    kind: str
    title: str
    description: str
    parameters: list[ParameterPublic]
    seconds_per_megapixel: float
