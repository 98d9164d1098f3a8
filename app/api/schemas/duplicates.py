"""Duplicates and their merges."""

from __future__ import annotations

from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.api.schemas.photos import PhotoItem
from app.services.copies.duplicates import MAX_TOGETHER, Candidate, DuplicateGroup, DuplicatesPage

DuplicateKind = Literal["copy", "similar"]
Reason = Literal[
    "edits", "favorite", "rating", "albums", "people", "pixels", "sharpness", "size", "added"
]  # fmt: skip


class DuplicatePhoto(PhotoItem):
    edits: int = Field(description="Finished edits; they stay with their photo.")
    albums: int = Field(description="Manual albums it is in.")
    people: int = Field(description="Faces with a named person.")
    sharpness: float | None = Field(description="0 to 1; null before the photo is understood.")

    @classmethod
    def of_candidate(cls, candidate: Candidate) -> DuplicatePhoto:
        item = PhotoItem.of(candidate.photo).model_dump()
        return cls(
            **item,
            edits=candidate.edits,
            albums=candidate.albums,
            people=candidate.people,
            sharpness=None if candidate.sharpness is None else round(candidate.sharpness, 3),
        )


class DuplicateGroupPublic(Schema):
    id: UUID = Field(description="Of the newest photo in it.")
    kind: DuplicateKind = Field(
        description="`copy`: one picture in several files. `similar`: several shots of one moment."
    )
    keeper: UUID = Field(description="The photo suggested to be kept; it is the first of `photos`.")
    reasons: list[Reason] = Field(description="In what the keeper is better than every other.")
    photos: list[DuplicatePhoto]

    @classmethod
    def of(cls, group: DuplicateGroup) -> DuplicateGroupPublic:
        return cls(
            id=group.id,
            kind=group.kind,  # type: ignore[arg-type]
            keeper=group.photos[0].photo.id,
            reasons=list(group.reasons),  # type: ignore[arg-type]
            photos=[DuplicatePhoto.of_candidate(candidate) for candidate in group.photos],
        )


class DuplicatesPublic(Schema):
    items: list[DuplicateGroupPublic]
    next_cursor: str | None
    total: int = Field(description="How many groups there are of the kind asked for.")
    searching: bool = Field(description="Some photos are not compared yet.")

    @classmethod
    def of(cls, page: DuplicatesPage) -> DuplicatesPublic:
        return cls(
            items=[DuplicateGroupPublic.of(group) for group in page.items],
            next_cursor=page.next_cursor,
            total=page.total,
            searching=page.searching,
        )


class DuplicateMerge(Schema):
    keeper: UUID
    others: list[UUID] = Field(min_length=1, max_length=MAX_TOGETHER, description="These go to the trash.")


class DuplicateMerged(Schema):
    id: UUID = Field(description="For `POST /duplicates/merges/{id}/undo`.")
    keeper: PhotoItem


class NotDuplicates(Schema):
    ids: list[UUID] = Field(min_length=2, max_length=MAX_TOGETHER)
