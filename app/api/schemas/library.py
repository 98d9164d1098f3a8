"""The library as a whole: completions, places, the map, memories."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.api.schemas.photos import PhotoItem
from app.services.collections.memories import Memory
from app.services.collections.places import Cluster, PlaceSummary

SuggestionKind = Literal[
    "field", "choice", "tag", "object", "person", "place", "album", "camera", "lens", "year", "date"
]


class SuggestionPublic(Schema):
    kind: SuggestionKind
    text: str = Field(description="Put this in place of the range.", examples=["tag:beach"])
    label: str = Field(description="What to show.", examples=["beach"])
    count: int | None = Field(description="Photos it finds; null where counting would take too long.")
    start: int = Field(description="The range to replace begins here, in characters from 0 ...")
    end: int = Field(description="... and ends before here.")


class CityPublic(Schema):
    name: str = Field(examples=["Lisbon"])
    count: int
    latitude: float
    longitude: float
    cover_photo_id: UUID
    query: str = Field(description="The search for its photos.", examples=["country:PT place:Lisbon"])

    @classmethod
    def of(cls, place: PlaceSummary) -> CityPublic:
        return cls(
            name=place.city,
            count=place.count,
            latitude=round(place.latitude, 5),
            longitude=round(place.longitude, 5),
            cover_photo_id=place.cover_photo_id,
            query=place.query,
        )


class RegionPublic(Schema):
    name: str = Field(description="Empty where a country has no regions.", examples=["Lisbon"])
    count: int
    cities: list[CityPublic] = Field(
        description="The most photographed first; far from any, one without name."
    )


class CountryPublic(Schema):
    code: str = Field(description="ISO 3166-1 alpha-2.", examples=["PT"])
    name: str = Field(examples=["Portugal"])
    count: int
    query: str = Field(examples=["country:PT"])
    regions: list[RegionPublic]

    @classmethod
    def of(cls, code: str, name: str, places: Sequence[PlaceSummary]) -> CountryPublic:
        regions: dict[str, list[PlaceSummary]] = {}
        for place in places:
            regions.setdefault(place.region, []).append(place)
        nodes = [
            RegionPublic(
                name=r, count=sum(p.count for p in cities), cities=[CityPublic.of(p) for p in cities]
            )
            for r, cities in regions.items()
        ]
        return cls(
            code=code,
            name=name,
            count=sum(node.count for node in nodes),
            query=f"country:{code}",
            regions=sorted(nodes, key=lambda node: -node.count),
        )


class ClusterPublic(Schema):
    """Photos near each other; zoom in on `box` to see them part."""

    count: int
    latitude: float
    longitude: float
    box: list[float] = Field(description="west, south, east, north of its photos, in degrees.")
    photo_id: UUID = Field(description="One of them, to be shown.")
    place: str = Field(description="The town or country of that one; may be empty.")
    query: str = Field(description="The search for its photos.", examples=["near:38.7200,-9.1400,5"])

    @classmethod
    def of(cls, cluster: Cluster) -> ClusterPublic:
        return cls(
            count=cluster.count,
            latitude=round(cluster.latitude, 5),
            longitude=round(cluster.longitude, 5),
            box=[round(side, 5) for side in cluster.box],
            photo_id=cluster.photo_id,
            place=cluster.place,
            query=cluster.query,
        )


class MapPublic(Schema):
    clusters: list[ClusterPublic] = Field(description="The largest first, at most 400.")


class CountryName(Schema):
    code: str
    name: str


class MemoryPublic(Schema):
    kind: Literal["on_this_day", "this_week", "trip", "best_of_year"]
    years: int = Field(description="How many years ago it began.")
    start: date
    end: date
    count: int = Field(description="How many photos `query` finds.")
    query: str
    places: list[str] = Field(description="Towns of a trip, the most photographed first.")
    countries: list[CountryName]
    photos: list[PhotoItem] = Field(description="Some of its photos, in order of time.")

    @classmethod
    def of(cls, memory: Memory) -> MemoryPublic:
        return cls(
            kind=memory.kind,  # type: ignore[arg-type]
            years=memory.years,
            start=memory.start,
            end=memory.end,
            count=memory.count,
            query=memory.query,
            places=list(memory.places),
            countries=[CountryName(code=code, name=name) for code, name in memory.countries],
            photos=[PhotoItem.of(photo) for photo in memory.photos],
        )


class MemoriesPublic(Schema):
    today: date
    items: list[MemoryPublic]
