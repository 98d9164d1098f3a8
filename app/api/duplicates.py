"""Duplicates: looking through them, making one of several, taking that back."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from app.api.schemas import Cursor, PhotoItem, problems
from app.api.schemas.duplicates import (
    DuplicateKind,
    DuplicateMerge,
    DuplicateMerged,
    DuplicatesPublic,
    NotDuplicates,
)
from app.deps import PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.services import photos
from app.services.copies import duplicates, keeping

router = APIRouter(tags=["duplicates"])


@router.get(
    "/duplicates",
    response_model=DuplicatesPublic,
    responses=problems(401, 403, 422),
    summary="Photos that are one picture",
)
def list_duplicates(
    viewer: PhotoReader,
    session: ReadDb,
    kind: Annotated[DuplicateKind | None, Query(description="Only groups of this kind.")] = None,
    limit: Annotated[int, Query(ge=1, le=100)] = 20,
    cursor: Cursor = None,
) -> DuplicatesPublic:
    """Groups with the photo to keep first, those with the newest photo first. The same bytes are never kept twice."""
    return DuplicatesPublic.of(duplicates.list_groups(session, viewer, kind=kind, limit=limit, cursor=cursor))


@router.post(
    "/duplicates/merge",
    response_model=DuplicateMerged,
    responses=problems(401, 403, 404, 409, 422),
    summary="Keep one photo of several",
)
def merge_photos(viewer: PhotoWriter, session: WriteDb, body: DuplicateMerge) -> DuplicateMerged:
    """The keeper takes over albums, confirmed tags, favourite, rating, words and people; the others go to the trash."""
    row = keeping.merge(session, viewer, body.keeper, body.others)
    return DuplicateMerged(id=row.id, keeper=PhotoItem.of(photos.get_photo(session, viewer, row.keeper_id)))


@router.post(
    "/duplicates/merges/{photo_merge_id}/undo",
    response_model=list[PhotoItem],
    responses=problems(401, 403, 404, 409, 422),
    summary="Take a merge back",
)
def undo_photo_merge(viewer: PhotoWriter, session: WriteDb, photo_merge_id: UUID) -> list[PhotoItem]:
    """Everything is as before: the photos come back from the trash, the keeper first in the answer."""
    return [PhotoItem.of(photo) for photo in keeping.undo(session, viewer, photo_merge_id)]


@router.post(
    "/duplicates/dismiss",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="These are not duplicates",
)
def dismiss_duplicates(viewer: PhotoWriter, session: WriteDb, body: NotDuplicates) -> None:
    """Remembered for good, whatever is found later."""
    duplicates.dismiss(session, viewer, body.ids)


@router.delete(
    "/duplicates/dismiss",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Forget that these were said to be no duplicates",
)
def suggest_duplicates_again(
    viewer: PhotoWriter, session: WriteDb, ids: Annotated[list[UUID], Query(max_length=100)]
) -> None:
    duplicates.take_back(session, viewer, ids)
