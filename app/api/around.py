"""What lies around one photo: the photos that look like it, and the albums that hold it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.schemas import Listing, PhotoId, PhotoItem, PhotoPage, Schema, problems
from app.deps import AlbumReader, PhotoReader, ReadDb
from app.search import similar_photos
from app.services.collections import albums

router = APIRouter(tags=["photos"])


class HoldingAlbum(Schema):
    id: UUID
    title: str
    kind: str


@router.get(
    "/photos/{photo_id}/similar",
    response_model=PhotoPage,
    responses=problems(401, 403, 404, 422),
    summary="Photos that look like this one",
)
def similar(
    viewer: PhotoReader,
    session: ReadDb,
    photo_id: PhotoId,
    limit: Annotated[int, Query(ge=1, le=200, description="How many at most.")] = 24,
) -> PhotoPage:
    """The most alike first; `score` is the cosine of their looks. None until the photo has been understood."""
    found = similar_photos(session, viewer, photo_id, limit)
    return PhotoPage(
        items=[PhotoItem.of(photo, round(cosine, 4)) for photo, cosine in found], next_cursor=None
    )


@router.get(
    "/photos/{photo_id}/albums",
    response_model=Listing[HoldingAlbum],
    responses=problems(401, 403, 404, 422),
    summary="Albums that hold a photo",
)
def albums_of(viewer: AlbumReader, session: ReadDb, photo_id: PhotoId) -> Listing[HoldingAlbum]:
    """By title; dynamic albums too, whose rule the photo meets now."""
    holding = albums.holding(session, viewer, photo_id)
    return Listing(items=[HoldingAlbum.model_validate(album) for album in holding])
