"""Where someone lives, where they travelled and where they return to, read from days and places of their photos.

One statement counts the photos of every day and place; the rest is arithmetic over some thousand rows:

- **Home** of a year is the town with photos from most months of that year and its neighbours. A holiday, however much
  it is photographed, fills a month or two. Someone whose photos show no home has no trips.
- A **trip** is a run of days whose photos lie mostly more than 60 km from home, broken by a day at home or by more than
  four days without a photo.
- A **haunt** is a town away from home that was visited at least three times, weeks apart.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby, pairwise
from uuid import UUID

from sqlalchemy import func, select

from app.db import ReadSession
from app.models import Photo
from app.search.values import quote
from app.services.accounts import Viewer
from app.services.collections.places import distance_km, place_query
from app.services.collections.remembered import Remembered

AWAY_KM = 60.0
HOME_MONTHS = 3
LONGEST_PAUSE = timedelta(days=4)
LEAST_PHOTOS = 8
LEAST_PHOTOS_OF_A_DAY = 15
LONGEST_TRIP = timedelta(days=120)  # who stays longer has moved
LEAST_VISITS = 3
BETWEEN_VISITS = timedelta(days=14)
_MARGIN_KM = 15


@dataclass(frozen=True)
class Stay:
    """The photos of one day in one town: how many, and their mean position in degrees."""

    day: date
    country_code: str
    country: str
    region: str
    city: str
    count: int
    latitude: float
    longitude: float

    @property
    def town(self) -> tuple[str, str, str]:
        return self.country_code, self.region, self.city


@dataclass(frozen=True)
class Trip:
    """Days away from home: first and last day, towns and countries with most photos first, and the search for it."""

    start: date
    end: date
    count: int
    cities: tuple[str, ...]
    countries: tuple[tuple[str, str], ...]  # (code, name)
    query: str


@dataclass(frozen=True)
class Haunt:
    """A town someone returns to."""

    city: str
    country_code: str
    country: str
    visits: int
    count: int
    query: str


@dataclass(frozen=True)
class Journeys:
    trips: tuple[Trip, ...]  # the latest first
    haunts: tuple[Haunt, ...]  # the most visited first


_remembered: Remembered[UUID, Journeys] = Remembered(100)


def journeys(session: ReadSession, viewer: Viewer) -> Journeys:
    """The viewer's trips and haunts, computed anew when something of theirs changed."""

    def compute() -> Journeys:
        known = stays(session, viewer)
        return Journeys(tuple(trips(known)), tuple(haunts(known)))

    return _remembered.get(session, viewer, viewer.user_id, compute)


def stays(session: ReadSession, viewer: Viewer) -> list[Stay]:
    """Every day and town with photos of the viewer, in order of time; trash and archive excluded."""
    day = func.date(Photo.taken_local)
    place = (Photo.country_code, Photo.region, Photo.city)
    rows = session.execute(
        select(
            day, *place, func.max(Photo.country), func.count(), func.avg(Photo.latitude),
            func.avg(Photo.longitude),
        )
        .where(
            Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Photo.archived.is_(False),
            Photo.country_code.is_not(None), Photo.latitude.is_not(None), Photo.longitude.is_not(None),
        )
        .group_by(day, *place)
        .order_by(day)
    ).tuples()  # fmt: skip
    return [
        Stay(
            date.fromisoformat(str(when)), code or "", country or code or "", region or "", city or "", count,
            float(latitude), float(longitude),
        )
        for when, code, region, city, country, count, latitude, longitude in rows
    ]  # fmt: skip


def homes(found: Sequence[Stay]) -> dict[int, Stay]:
    """The home of each year in which there are photos, as one stay there; years without a home are left out."""
    months: dict[int, dict[tuple[str, str, str], set[tuple[int, int]]]] = defaultdict(
        lambda: defaultdict(set)
    )
    example = {stay.town: stay for stay in found}
    days = Counter(stay.town for stay in found)
    for stay in found:
        for year in (stay.day.year - 1, stay.day.year, stay.day.year + 1):
            months[year][stay.town].add((stay.day.year, stay.day.month))
    known = {}
    for year in {stay.day.year for stay in found}:
        towns = months[year]
        town = max(towns, key=lambda t: (len(towns[t]), days[t], t))
        if len(towns[town]) >= HOME_MONTHS:
            known[year] = example[town]
    return known


def trips(found: Sequence[Stay]) -> list[Trip]:
    """The viewer's trips, the latest first."""
    home, runs = homes(found), list[list[Stay]]()
    last: date | None = None
    for day, group in groupby(found, key=lambda stay: stay.day):
        there, away = list(group), list[Stay]()
        if day.year in home:
            away = [stay for stay in there if _far(stay, home[day.year])]
        if 2 * sum(s.count for s in away) <= sum(s.count for s in there):
            last = None
        elif last is not None and day - last <= LONGEST_PAUSE:
            runs[-1] += away
            last = day
        else:
            runs.append(away)
            last = day
    made = (_trip(run, home[run[0].day.year]) for run in runs)
    return sorted((trip for trip in made if trip is not None), key=lambda t: t.start, reverse=True)


def haunts(found: Sequence[Stay]) -> list[Haunt]:
    """Towns away from home with at least three visits, the most visited first."""
    home = homes(found)
    of_town: dict[tuple[str, str, str], list[Stay]] = defaultdict(list)
    for stay in found:
        if stay.city and stay.day.year in home and _far(stay, home[stay.day.year]):
            of_town[stay.town].append(stay)
    result = []
    for (code, region, city), there in of_town.items():
        visits = 1 + sum(b.day - a.day > BETWEEN_VISITS for a, b in pairwise(there))
        if visits >= LEAST_VISITS:
            query = place_query(code, there[0].country, region, city)
            count = sum(s.count for s in there)
            result.append(Haunt(city, code, there[0].country, visits, count, query))
    return sorted(result, key=lambda h: (-h.visits, -h.count, h.city))


def _trip(run: list[Stay], home: Stay) -> Trip | None:
    start, end, count = run[0].day, run[-1].day, sum(stay.count for stay in run)
    least = LEAST_PHOTOS_OF_A_DAY if start == end else LEAST_PHOTOS
    if count < least or end - start > LONGEST_TRIP:
        return None
    towns: Counter[str] = Counter()
    lands: Counter[tuple[str, str]] = Counter()
    for stay in run:
        lands[stay.country_code, stay.country] += stay.count
        if stay.city:
            towns[stay.city] += stay.count
    span = f"date:{start}" if start == end else f"date:{start}..{end}"
    # What a camera without GPS took meanwhile belongs to the trip as well.
    where = _abroad(lands) if home.country_code not in {code for code, _ in lands} else _around(run)
    cities = tuple(city for city, _ in towns.most_common(3))
    return Trip(start, end, count, cities, tuple(land for land, _ in lands.most_common()), f"{span} {where}")


def _abroad(lands: Counter[tuple[str, str]]) -> str:
    names = [f"country:{quote(code)}" for (code, _), _ in lands.most_common()]
    return f"({' or '.join([*names, '-has:gps'])})"


def _around(run: list[Stay]) -> str:
    latitude, longitude = _middle(run)
    reach = max(distance_km(stay.latitude, stay.longitude, latitude, longitude) for stay in run)
    return f"(near:{latitude:.3f},{longitude:.3f},{math.ceil(reach) + _MARGIN_KM} or -has:gps)"


def _middle(run: Iterable[Stay]) -> tuple[float, float]:
    """The mean direction: right on both sides of the date line."""
    x = y = z = 0.0
    for stay in run:
        phi, lam = math.radians(stay.latitude), math.radians(stay.longitude)
        x += stay.count * math.cos(phi) * math.cos(lam)
        y += stay.count * math.cos(phi) * math.sin(lam)
        z += stay.count * math.sin(phi)
    return math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))


def _far(stay: Stay, home: Stay) -> bool:
    return distance_km(stay.latitude, stay.longitude, home.latitude, home.longitude) > AWAY_KM
