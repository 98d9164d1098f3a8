"""Where a person's photos were taken: cities, regions and countries with their counts, and clusters for a map."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_, select

from app.db import ReadSession
from app.errors import Invalid
from app.models import Photo
from app.search.conditions import EARTH_KM
from app.search.values import quote
from app.sentences import say
from app.services.accounts import Viewer

MAX_ZOOM = 18
MOST_CLUSTERS = 400
_CELLS_ACROSS = 48  # a cluster needs about so much of a map's width to stand clear of the next
_JOINED = 0.55  # share of a cell within which two clusters become one


@dataclass(frozen=True)
class PlaceSummary:
    """One city (or what of a country lies near none): its photos, their mean position in degrees, the best of them."""

    country_code: str
    country: str
    region: str
    city: str
    count: int
    latitude: float
    longitude: float
    cover_photo_id: UUID

    @property
    def query(self) -> str:
        """The search that finds its photos."""
        return place_query(self.country_code, self.country, self.region, self.city)


@dataclass(frozen=True)
class Box:
    """A part of the world in degrees; ``west`` greater than ``east`` crosses the date line."""

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        if not (-90 <= self.south < self.north <= 90):
            raise Invalid("A map's south lies below its north, both within ±90 degrees.", field="bbox")
        if not (-180 <= self.west <= 180 and -180 <= self.east <= 180) or self.west == self.east:
            raise Invalid("A map's west and east are two longitudes within ±180 degrees.", field="bbox")

    @property
    def width(self) -> float:
        return self.east - self.west if self.east > self.west else self.east - self.west + 360

    @classmethod
    def read(cls, text: str) -> Box:
        """``west,south,east,north`` as text."""
        try:
            west, south, east, north = (float(part) for part in text.split(","))
        except ValueError:
            raise Invalid("A bbox is west,south,east,north in degrees.", field="bbox") from None
        return cls(west, south, east, north)


WORLD = Box(-180, -90, 180, 90)


@dataclass(frozen=True)
class Cluster:
    """Photos that stand close together at some zoom: how many, their middle and bounds in degrees, one of them."""

    count: int
    latitude: float
    longitude: float
    box: tuple[float, float, float, float]  # west, south, east, north
    photo_id: UUID
    place: str = ""  # the city or country of the sample photo

    @property
    def query(self) -> str:
        """The search that finds its photos, and what else lies as near to their middle as the farthest of them."""
        west, south, east, north = self.box
        corners = ((latitude, longitude) for latitude in (south, north) for longitude in (west, east))
        reach = max(distance_km(self.latitude, self.longitude, *corner) for corner in corners)
        return f"near:{self.latitude:.5f},{self.longitude:.5f},{math.ceil(reach * 100 + 3) / 100:g}"


def distance_km(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """Great-circle distance of two positions in degrees, by the haversine formula."""
    phi1, phi2 = math.radians(lat1), math.radians(lat2)
    half = math.sin((phi2 - phi1) / 2) ** 2
    half += math.cos(phi1) * math.cos(phi2) * math.sin(math.radians(lon2 - lon1) / 2) ** 2
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def list_places(session: ReadSession, viewer: Viewer) -> list[PlaceSummary]:
    """The places of the viewer's photos outside trash and archive, the most photographed first.

    The cover is the newest favourite where there is one, else what was added last.
    """
    place = (Photo.country_code, Photo.region, Photo.city)
    middle = func.avg(Photo.latitude), func.avg(Photo.longitude)
    located = (*_here(viewer), Photo.country_code.is_not(None), *_positioned())
    name = func.max(Photo.country)
    rows = session.execute(
        select(*place, name, func.count(), *middle, _latest(session)).where(*located).group_by(*place)
    ).tuples()
    loved = session.execute(
        select(*place, _latest(session)).where(*located, Photo.favorite.is_(True)).group_by(*place)
    ).tuples()
    favorites = {(code, region, city): _id(cover) for code, region, city, cover in loved}
    found = [
        PlaceSummary(
            code or "", country or code or "", region or "", city or "", count, float(latitude), float(longitude),
            favorites.get((code, region, city)) or _id(cover),
        )
        for code, region, city, country, count, latitude, longitude, cover in rows
    ]  # fmt: skip
    return sorted(found, key=lambda p: (-p.count, p.country_code, p.city, p.region))


def place_query(country_code: str, country: str, region: str, city: str) -> str:
    """The search for a town's photos; the region tells two of one name apart."""
    names = dict.fromkeys(name for name in (city, region) if name and name != country)
    return " ".join([f"country:{quote(country_code)}", *(f"place:{quote(name)}" for name in names)])


def by_country(places: Iterable[PlaceSummary]) -> list[tuple[str, list[PlaceSummary]]]:
    """Places gathered by country code, the most photographed country first; each keeps the order of its places."""
    ordered = sorted(places, key=lambda place: place.country_code)
    groups = [(code, list(group)) for code, group in groupby(ordered, key=lambda place: place.country_code)]
    return sorted(groups, key=lambda pair: (-sum(place.count for place in pair[1]), pair[0]))


def clusters(session: ReadSession, viewer: Viewer, box: Box, zoom: int) -> list[Cluster]:
    """The viewer's photos within ``box``, those near each other at ``zoom`` put together; the largest first.

    Zoom 0 shows the world, each further one half of it. The database counts the cells of a grid in one pass over
    an index; cells whose middles are close are then joined, so that no group is cut where two cells meet.
    """
    if not 0 <= zoom <= MAX_ZOOM:
        raise Invalid(say("The zoom lies between 0 and {most}.", most=MAX_ZOOM), field="zoom")
    cell = max(90 / 2**zoom, box.width / _CELLS_ACROSS)
    # round(x - 0.5) is the floor for numbers above zero, on both databases; floor() is not in every SQLite.
    grid = (
        select(
            func.round((Photo.longitude + 180) / cell - 0.5).label("x"),
            func.round((Photo.latitude + 90) / cell - 0.5).label("y"),
            Photo.latitude.label("latitude"), Photo.longitude.label("longitude"), Photo.id.label("id"),
        )
        .where(*_here(viewer), *_within(box))
        .subquery()
    )  # fmt: skip
    lat, lon = grid.c.latitude, grid.c.longitude
    rows = session.execute(
        select(
            func.count(), func.avg(lat), func.avg(lon), func.min(lon), func.min(lat), func.max(lon),
            func.max(lat), _latest(session, grid.c.id),
        )
        .group_by(grid.c.x, grid.c.y)
        .order_by(func.count().desc(), grid.c.x, grid.c.y)
        .limit(MOST_CLUSTERS)
    ).tuples()  # fmt: skip
    found = _join(
        [Cluster(count, float(la), float(lo), (w, s, e, n), _id(sample)) for count, la, lo, w, s, e, n, sample in rows],
        cell * _JOINED,
    )  # fmt: skip
    return _named(session, found)


def _join(found: list[Cluster], reach: float) -> list[Cluster]:
    """Each cluster, from the largest on, takes in those whose middle lies within ``reach`` degrees of its own."""
    left, joined = sorted(found, key=lambda c: -c.count), []
    while left:
        first, *others = left
        near = [
            c for c in others
            if abs(c.latitude - first.latitude) < reach and abs(c.longitude - first.longitude) < reach
        ]  # fmt: skip
        left = [c for c in others if c not in near]
        joined.append(_united([first, *near]))
    return sorted(joined, key=lambda c: -c.count)


def _united(parts: list[Cluster]) -> Cluster:
    count = sum(c.count for c in parts)
    west, south = (min(c.box[i] for c in parts) for i in (0, 1))
    east, north = (max(c.box[i] for c in parts) for i in (2, 3))
    latitude = sum(c.latitude * c.count for c in parts) / count
    longitude = sum(c.longitude * c.count for c in parts) / count
    return Cluster(count, latitude, longitude, (west, south, east, north), parts[0].photo_id)


def _named(session: ReadSession, found: list[Cluster]) -> list[Cluster]:
    rows = session.execute(
        select(Photo.id, func.coalesce(Photo.city, Photo.country)).where(
            Photo.id.in_([cluster.photo_id for cluster in found])
        )
    )
    names = {photo_id: name or "" for photo_id, name in rows.tuples()}
    return [
        Cluster(c.count, c.latitude, c.longitude, c.box, c.photo_id, names.get(c.photo_id, "")) for c in found
    ]


def _here(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    return Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Photo.archived.is_(False)


def _positioned() -> tuple[ColumnElement[bool], ...]:
    return Photo.latitude.is_not(None), Photo.longitude.is_not(None)


def _within(box: Box) -> tuple[ColumnElement[bool], ...]:
    across: ColumnElement[bool]
    if box.east > box.west:
        across = Photo.longitude.between(box.west, box.east)
    else:
        across = or_(Photo.longitude >= box.west, Photo.longitude <= box.east)
    return Photo.latitude.between(box.south, box.north), and_(Photo.longitude.is_not(None), across)


def _latest(session: ReadSession, column: ColumnElement[UUID] | None = None) -> ColumnElement[Any]:
    """The greatest id of a group, which is what was added last. PostgreSQL has no max() of UUIDs before 18."""
    of: ColumnElement[Any] = Photo.id.expression if column is None else column
    native = session.get_bind().dialect.name == "postgresql"
    return func.max(cast(of, Text) if native else of)


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
