"""The library as a whole: completion of searches, places, the map, memories."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from app.api.schemas import problems
from app.api.schemas.library import (
    ClusterPublic,
    CountryPublic,
    MapPublic,
    MemoriesPublic,
    MemoryPublic,
    SuggestionPublic,
)
from app.deps import Language, PhotoReader, ReadDb
from app.search import suggest
from app.search.countries import chinese_name
from app.services.collections import memories, places

router = APIRouter(tags=["library"])


@router.get(
    "/suggest",
    response_model=list[SuggestionPublic],
    responses=problems(401, 403, 422),
    summary="Complete a search",
)
def complete_search(
    viewer: PhotoReader,
    session: ReadDb,
    q: Annotated[
        str, Query(max_length=4000, description="The search up to the caret.", examples=["year:2024 be"])
    ],
    limit: Annotated[int, Query(ge=1, le=50)] = 12,
) -> list[SuggestionPublic]:
    """What the last word of `q` could become: fields, tags, people, places and albums, best first."""
    return [
        SuggestionPublic(
            kind=one.kind,  # type: ignore[arg-type]
            text=one.text, label=one.label, count=one.count, start=one.start, end=len(q),
        )
        for one in suggest(session, viewer, q, limit)
    ]  # fmt: skip


@router.get(
    "/places",
    response_model=list[CountryPublic],
    responses=problems(401, 403),
    summary="Countries, regions and towns with counts",
)
def list_places(viewer: PhotoReader, session: ReadDb, language: Language) -> list[CountryPublic]:
    """Every place where there are photos outside trash and archive, the most photographed first."""
    chinese = language == "zh"
    return [
        CountryPublic.of(code, (chinese_name(code) if chinese else None) or towns[0].country, towns)
        for code, towns in places.by_country(places.list_places(session, viewer))
    ]


@router.get(
    "/map",
    response_model=MapPublic,
    responses=problems(401, 403, 422),
    summary="Photos on the map, near ones put together",
)
def map_clusters(
    viewer: PhotoReader,
    session: ReadDb,
    bbox: Annotated[
        str, Query(max_length=200, description="west,south,east,north in degrees.", examples=["-10,36,4,44"])
    ] = "-180,-90,180,90",
    zoom: Annotated[
        int, Query(ge=0, le=places.MAX_ZOOM, description="0 is the world, each further one half.")
    ] = 0,
) -> MapPublic:
    """A box whose west is greater than its east crosses the date line."""
    found = places.clusters(session, viewer, places.Box.read(bbox), zoom)
    return MapPublic(clusters=[ClusterPublic.of(cluster) for cluster in found])


@router.get(
    "/memories",
    response_model=MemoriesPublic,
    responses=problems(401, 403, 422),
    summary="What this day brings back",
)
def list_memories(
    viewer: PhotoReader,
    session: ReadDb,
    today: Annotated[
        date | None,
        Query(description="By the user's clock; the server's day if left out.", examples=["2024-06-01"]),
    ] = None,
) -> MemoriesPublic:
    """The same day and week in earlier years, trips, and the best of the last years; archive and trash left out."""
    today = today or date.today()
    found = memories.memories(session, viewer, today)
    return MemoriesPublic(today=today, items=[MemoryPublic.of(memory) for memory in found])
