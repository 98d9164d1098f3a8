"""Where a person's photos were taken: cities, regions and countries with their counts, and clusters for a map."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import ColumnElement, Text, cast, func, select

from app.db import ReadSession
from app.errors import Invalid
from app.models import Photo
from app.search.conditions import EARTH_KM
from app.search.values import quote
from app.sentences import say
from app.services.accounts import Viewer
from app.services.collections import atlas

MAX_ZOOM = 18
MOST_CLUSTERS = 400
_CELLS_ACROSS = 48  # a cluster needs about so much of a map's width to stand clear of the next
_JOINED = 0.55  # share of a cell within which two clusters become one
_DENSE = 1_000_000  # cells up to which each has its own number


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

    Zoom 0 shows the world, each further one half of it. Photos are counted by the cells of a grid, in one pass over
    the positions in memory; cells whose middles are close are then joined, so that no group is cut where two meet.
    """
    if not 0 <= zoom <= MAX_ZOOM:
        raise Invalid(say("The zoom lies between 0 and {most}.", most=MAX_ZOOM), field="zoom")
    cell = max(90 / 2**zoom, box.width / _CELLS_ACROSS)
    cells = _cells(_within(atlas.positions(session, viewer), box), cell)
    return _named(session, _join(cells, cell * _JOINED))


def _within(known: atlas.Positions, box: Box) -> atlas.Positions:
    lat, lon = known.latitudes, known.longitudes
    across = (lon >= box.west, lon <= box.east)
    inside = (across[0] & across[1]) if box.east > box.west else (across[0] | across[1])
    inside &= (lat >= box.south) & (lat <= box.north)
    return atlas.Positions(known.ids[inside], lat[inside], lon[inside])


def _cells(found: atlas.Positions, size: float) -> list[Cluster]:
    """What lies in each cell of ``size`` degrees, the fullest first; the sample is what was added last."""
    lat, lon = found.latitudes, found.longitudes
    column, row = np.floor((lon + 180) / size).astype(np.int64), np.floor((lat + 90) / size).astype(np.int64)
    codes = column * (row.max(initial=0) + 1) + row
    if codes.size and np.ptp(codes) < _DENSE:  # numbers small enough to count by need no sorting
        of_cell, places = codes - codes.min(), int(np.ptp(codes)) + 1
    else:
        some, of_cell = np.unique(codes, return_inverse=True)
        places = len(some)
    counts = np.bincount(of_cell, minlength=places)
    middles = [np.bincount(of_cell, values, places) / np.maximum(counts, 1) for values in (lat, lon)]
    last = np.zeros(places, np.int64)
    np.maximum.at(last, of_cell, np.arange(len(lat)))
    bounds = [np.full(places, edge) for edge in (np.inf, np.inf, -np.inf, -np.inf)]
    for bound, reach, values in zip(
        bounds, (np.minimum,) * 2 + (np.maximum,) * 2, (lon, lat) * 2, strict=True
    ):
        reach.at(bound, of_cell, values)
    fullest = np.argsort(-counts, kind="stable")[: int((counts > 0).sum())]
    return [
        Cluster(
            int(counts[i]), float(middles[0][i]), float(middles[1][i]),
            (float(bounds[0][i]), float(bounds[1][i]), float(bounds[2][i]), float(bounds[3][i])),
            atlas.as_uuid(found.ids[last[i]]),
        )
        for i in fullest[:MOST_CLUSTERS]
    ]  # fmt: skip


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


def _latest(session: ReadSession) -> ColumnElement[Any]:
    """The greatest id of a group, which is what was added last. PostgreSQL has no max() of UUIDs before 18."""
    native = session.get_bind().dialect.name == "postgresql"
    return func.max(cast(Photo.id, Text) if native else Photo.id)


def _id(value: object) -> UUID:
    return value if isinstance(value, UUID) else UUID(str(value))
