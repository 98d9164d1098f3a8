"""What every shape shares: pages, problems, boxes."""

from __future__ import annotations

from typing import Annotated, Any, Generic, TypeVar
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

Limit = Annotated[int, Query(ge=1, le=500, description="How many items at most.")]


Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]


Fields = Annotated[
    str | None,
    Query(
        max_length=500,
        description="Only these fields of each item, separated by commas.",
        examples=["id,thumbhash"],
    ),
]


PhotoId = Annotated[UUID, Path(description="A photo's id.")]


class Schema(BaseModel):
    model_config = ConfigDict(from_attributes=True)


Item = TypeVar("Item")


class Listing(Schema, Generic[Item]):
    """A list as every list is answered; `next_cursor` is null at its end."""

    items: list[Item]
    next_cursor: str | None = None


class Problem(BaseModel):
    """An error (RFC 9457): `type` is stable and meant for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=["urn:albumen:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such photo."])


_PROBLEMS = {
    401: "Sign-in needed (`not-signed-in`).",
    403: "Not allowed, or the key lacks the scope (`not-allowed`).",
    404: "No such thing, or not yours (`not-found`).",
    409: "It contradicts the present state (`conflict`).",
    410: "It is over: start again (`upload-expired`, `cursor-expired`, `share-expired`).",
    412: "Another version of the protocol is spoken here (`wrong-version`).",
    413: "Too large (`too-large`).",
    415: "Not a picture type Albumen keeps (`unsupported-image`).",
    422: "The request, query or picture is wrong (`invalid`, `bad-query`, `broken-image`).",
    423: "Another request is writing to it; see `Retry-After` (`upload-locked`).",
    429: "Too many requests; see `Retry-After` (`too-many-requests`).",
    460: "The bytes are not what their checksum says (`checksum-mismatch`).",
    503: "A model this needs is not on the server (`model-missing`).",
    507: "The disk is full (`storage-full`).",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors a route can answer with."""
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


class BoxSchema(Schema):
    """A rectangle relative (0..1) to the upright picture; x, y is the top left corner."""

    x: float
    y: float
    width: float
    height: float
