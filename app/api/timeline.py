"""The timeline for clients that draw it themselves: photos per month, and a month's photos as columns."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query
from pydantic import Field

from app.api.schemas import Cursor, MonthCount, Schema, local_time, problems
from app.deps import PhotoReader, ReadDb
from app.search import month_of_photos, timeline

router = APIRouter(tags=["photos"])
_Query = Annotated[str, Query(max_length=4000, description="The query language.", examples=["is:favorite"])]


class Month(Schema):
    """A month's photos, newest first: the n-th entries of all columns belong to one photo."""

    month: str = Field(examples=["2024-06"])
    id: list[UUID]
    taken_at: list[datetime]
    width: list[int]
    height: list[int]
    thumbhash: list[str | None]
    favorite: list[bool]
    status: list[str]
    title: list[str]
    next_cursor: str | None


@router.get(
    "/timeline",
    response_model=list[MonthCount],
    responses=problems(401, 403, 422),
    summary="Photos per month",
)
def list_months(viewer: PhotoReader, session: ReadDb, q: _Query = "") -> list[MonthCount]:
    return [MonthCount(month=month, count=count) for month, count in timeline(session, viewer, q)]


@router.get(
    "/timeline/{month}", response_model=Month, responses=problems(401, 403, 422), summary="A month's photos"
)
def get_month(
    viewer: PhotoReader,
    session: ReadDb,
    month: Annotated[str, Path(pattern=r"^\d{4}-\d{2}$", examples=["2024-06"])],
    q: _Query = "",
    limit: Annotated[int, Query(ge=1, le=1000, description="How many photos at most.")] = 1000,
    cursor: Cursor = None,
) -> Month:
    """What a grid needs and no more, as columns: a third of the bytes of a list."""
    tiles, next_cursor = month_of_photos(session, viewer, month, q, limit=limit, cursor=cursor)
    names = ("id", "width", "height", "thumbhash", "favorite", "status", "title")
    columns = {name: [getattr(tile, name) for tile in tiles] for name in names}
    return Month(
        month=month, taken_at=[local_time(tile) for tile in tiles], next_cursor=next_cursor, **columns
    )
