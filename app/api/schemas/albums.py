"""Albums."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.models import Album
from app.services.albums import AlbumSummary


class AlbumCreate(Schema):
    title: str = Field(min_length=1, max_length=200, examples=["Summer by the sea"])
    kind: Literal["manual", "dynamic"] = "manual"
    query: str | None = Field(None, max_length=4000, examples=["beach year:2024"])
    description: str = Field("", max_length=10_000)


class AlbumUpdate(Schema):
    title: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=10_000)
    query: str | None = Field(None, max_length=4000)
    cover_photo_id: UUID | None = None


class AlbumPublic(Schema):
    id: UUID
    title: str
    description: str
    kind: Literal["manual", "dynamic"]
    query: str | None
    count: int
    cover_photo_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, summary: AlbumSummary) -> AlbumPublic:
        album: Album = summary.album
        return cls(
            id=album.id,
            title=album.title,
            description=album.description,
            kind=album.kind,  # type: ignore[arg-type]
            query=album.query,
            count=summary.count,
            cover_photo_id=summary.cover_photo_id,
            created_at=album.created_at,
            updated_at=album.updated_at,
        )
