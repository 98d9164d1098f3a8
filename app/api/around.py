"""What lies around one photo: the photos that look like it, and the albums that hold it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.schemas import PhotoId, PhotoItem, Schema, problems
from app.deps import AlbumReader, PhotoReader, ReadDb
from app.search import similar_photos
from app.services import albums

router = APIRouter(tags=["photos"])


class SimilarPhoto(Schema):
    similarity: float
    photo: PhotoItem


class HoldingAlbum(Schema):
    id: UUID
    title: str
    kind: str


@router.get(
    "/photos/{photo_id}/similar",
    response_model=list[SimilarPhoto],
    responses=problems(401, 403, 404, 422),
    summary="Photos that look like this one",
)
def similar(
    viewer: PhotoReader,
    session: ReadDb,
    photo_id: PhotoId,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 24,
) -> list[SimilarPhoto]:
    """The most alike first, with the cosine of their looks; none until the photo has been understood."""
    found = similar_photos(session, viewer, photo_id, limit)
    return [
        SimilarPhoto(similarity=round(similarity, 4), photo=PhotoItem.of(photo))
        for photo, similarity in found
    ]


@router.get(
    "/photos/{photo_id}/albums",
    response_model=list[HoldingAlbum],
    responses=problems(401, 403, 404, 422),
    summary="Albums that hold a photo",
)
def albums_of(viewer: AlbumReader, session: ReadDb, photo_id: PhotoId) -> list[HoldingAlbum]:
    """By title; dynamic albums too, whose rule the photo meets now."""
    return [HoldingAlbum.model_validate(album) for album in albums.holding(session, viewer, photo_id)]
