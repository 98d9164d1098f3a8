"""Albums."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.api.schemas.library import CountryName
from app.api.schemas.photos import PhotoItem
from app.models import Album
from app.services.collections.album_rules import Imported
from app.services.collections.albums import AlbumSummary
from app.services.collections.ideas import Idea

AlbumOrder = Literal["newest", "oldest", "added"]


class AlbumCreate(Schema):
    title: str = Field(min_length=1, max_length=200, examples=["Summer by the sea"])
    kind: Literal["manual", "dynamic"] = "manual"
    query: str | None = Field(None, max_length=4000, examples=["beach year:2024"])
    description: str = Field("", max_length=10_000)
    sort: AlbumOrder = "newest"


class AlbumUpdate(Schema):
    title: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=10_000)
    query: str | None = Field(None, max_length=4000)
    cover_photo_id: UUID | None = None
    sort: AlbumOrder | None = None


class AlbumPublic(Schema):
    id: UUID
    title: str
    description: str
    kind: Literal["manual", "dynamic"]
    query: str | None
    sort: AlbumOrder
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
            sort=album.sort,  # type: ignore[arg-type]
            count=summary.count,
            cover_photo_id=summary.cover_photo_id,
            created_at=album.created_at,
            updated_at=album.updated_at,
        )


class AlbumIdea(Schema):
    """An album worth having: post `title` and `query` to `/albums` to have it."""

    kind: Literal["trip", "people", "place", "best_of_year", "screenshots", "documents"]
    title: str = Field(description="In plain English; the values below make one in another language.")
    query: str = Field(examples=["date:2024-06-01..2024-06-08 (country:PT or -has:gps)"])
    count: int
    cover_photo_id: UUID | None
    people: list[str]
    places: list[str]
    countries: list[CountryName]
    start: date | None
    end: date | None

    @classmethod
    def of(cls, idea: Idea) -> AlbumIdea:
        values = vars(idea) | {
            "countries": [CountryName(code=code, name=name) for code, name in idea.countries],
            "people": list(idea.people),
            "places": list(idea.places),
        }
        return cls(**values)


class RuleImported(Schema):
    id: UUID
    title: str
    query: str
    outcome: Literal["created", "updated", "unchanged"]

    @classmethod
    def of(cls, imported: Imported) -> RuleImported:
        album = imported.album
        return cls(id=album.id, title=album.title, query=album.query or "", outcome=imported.outcome)  # type: ignore[arg-type]


class PinsPublic(Schema):
    always: list[PhotoItem] = Field(description="In the album whatever the rule says.")
    never: list[PhotoItem] = Field(description="Out of it whatever the rule says.")


class QueryOrTree(Schema):
    """Either of the two forms of a query."""

    query: str | None = Field(None, max_length=4000, examples=["tag:beach -is:blurry"])
    tree: Any = Field(
        None,
        description="all, any, not, field, words, phrase; null is the empty query.",
        examples=[{"all": [{"field": "tag", "value": "beach"}, {"not": {"field": "is", "value": "blurry"}}]}],
    )


class QueryRead(Schema):
    canonical: str = Field(description="The query's one text.", examples=["tag:beach -is:blurry"])
    tree: dict[str, Any] | None
    count: int = Field(description="Photos it finds now, outside trash and archive.")
