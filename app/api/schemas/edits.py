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


class ReasonPublic(Schema):
    op: str | None = Field(description="The step it is about; null where nothing is proposed.")
    text: str = Field(description="One sentence in your language.", examples=["Most of the photo is dark."])


class SuggestionsPublic(Schema):
    """A recipe a photo would gain from, as `POST /photos/{id}/edits` takes it, and why each step is in it."""

    recipe: list[dict[str, Any]] = Field(
        description="Empty where the photo is fine.", examples=[[{"op": "low_light", "strength": 0.72}]]
    )
    reasons: list[ReasonPublic] = Field(
        examples=[[{"op": "low_light", "text": "Most of the photo is dark."}]]
    )


class PictureRequest(Schema):
    image: str = Field(min_length=1, description="Base64, plain or as a data: URL.")


class ProcessRequest(Schema):
    image: str = Field(min_length=1, description="Base64, plain or as a data: URL.")
    recipe: list[dict[str, Any]] = Field(default_factory=list, max_length=100)
    format: str | None = Field(None, max_length=8)


class ChoicePublic(Schema):
    value: str = Field(examples=["starry-night"])
    title: str = Field(examples=["The Starry Night"])


class ParameterPublic(Schema):
    name: str
    type: str
    description: str
    default: Any = None
    unit: str | None
    range: dict[str, Any] | None
    choices: list[ChoicePublic] | None = Field(
        description="The names a text may be, with titles in your language; null where there is no list of them."
    )
    only_for: dict[str, list[Any]] | None


class OperationPublic(Schema):
    name: str
    kind: str
    title: str
    description: str
    parameters: list[ParameterPublic]
    seconds_per_megapixel: float
