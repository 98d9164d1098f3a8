"""Memories: what a day brings back: the same day and week in earlier years, trips, and the best of the last years.

Each memory is a search with some of its photos; nothing is stored, so that a photo that is moved, archived or deleted
leaves its memories at once.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, literal, select, union_all

from app.db import ReadSession
from app.models import Photo
from app.search import count_photos, find_photos, timeline
from app.services.accounts import Viewer
from app.services.collections.journeys import Trip, journeys

SHOWN = 12  # photos of one memory
_LOOKED_AT = 60  # photos among which these are chosen
_YEARS = 60
_WEEK = timedelta(days=3)  # on either side
_LEAST_OF_A_WEEK = 3
_TRIPS = 6
_NEAR_ANNIVERSARY = 10  # days
LEAST_LOVED = 5
_BEST_YEARS = 3


@dataclass(frozen=True)
class Memory:
    """``kind``: on_this_day, this_week, trip or best_of_year; ``start`` to ``end`` are its days, ``years`` how long
    ago; ``photos`` are some of the ``count`` that ``query`` finds, favourites first chosen, in order of time."""

    kind: str
    query: str
    count: int
    photos: tuple[Photo, ...]
    start: date
    end: date
    years: int
    places: tuple[str, ...] = ()
    countries: tuple[tuple[str, str], ...] = ()  # (code, name)


def memories(session: ReadSession, viewer: Viewer, today: date) -> list[Memory]:
    """What ``today`` (by the user's clock) brings back, nearest to it first."""
    return [
        *on_this_day(session, viewer, today),
        *_weeks(session, viewer, today),
        *_trips_of(session, viewer, today),
        *_best_years(session, viewer, today),
    ]


def on_this_day(session: ReadSession, viewer: Viewer, today: date, *, most: int = _YEARS) -> list[Memory]:
    """The photos of this very day in each of so many earlier years that have some, the latest year first."""
    found = []
    for start, end in _spans(
        today, timedelta(0), _years_with(session, viewer, today, timedelta(0), 1)[:most]
    ):
        found.append(_memory(session, viewer, "on_this_day", _dates(start, end), start, end, today))
    return [memory for memory in found if memory.count]


def _weeks(session: ReadSession, viewer: Viewer, today: date) -> list[Memory]:
    """The week around this day in those years that have nothing on the day itself."""
    whole = _years_with(session, viewer, today, timedelta(0), 1)
    around = _years_with(session, viewer, today, _WEEK, _LEAST_OF_A_WEEK)
    spans = _spans(today, _WEEK, [year for year in around if year not in whole])
    found = [_memory(session, viewer, "this_week", _dates(a, b), a, b, today) for a, b in spans]
    return [memory for memory in found if memory.count >= _LEAST_OF_A_WEEK]


def _trips_of(session: ReadSession, viewer: Viewer, today: date) -> list[Memory]:
    """Trips that began about this time of an earlier year, then the latest ones."""

    def days_apart(trip: Trip) -> int:
        apart = abs(trip.start.timetuple().tm_yday - today.timetuple().tm_yday)
        return min(apart, 365 - apart)

    known = [trip for trip in journeys(session, viewer).trips if trip.end < today]
    due = [t for t in known if days_apart(t) <= _NEAR_ANNIVERSARY and t.start.year < today.year]
    chosen = list(dict.fromkeys([*due, *known]))[:_TRIPS]
    return [
        _memory(session, viewer, "trip", trip.query, trip.start, trip.end, today, trip.cities, trip.countries)
        for trip in chosen
    ]


def best_of(year: int) -> str:
    """The search for what someone loved in a year."""
    return f"year:{year} (is:favorite or rating:>=4)"


def loved_years(session: ReadSession, viewer: Viewer) -> list[tuple[int, int]]:
    """Years with at least five loved photos and how many, the latest first."""
    years: Counter[int] = Counter()
    for month, count in timeline(session, viewer, "is:favorite or rating:>=4"):
        years[int(month[:4])] += count
    return sorted(((year, count) for year, count in years.items() if count >= LEAST_LOVED), reverse=True)


def _best_years(session: ReadSession, viewer: Viewer, today: date) -> list[Memory]:
    years = [year for year, _ in loved_years(session, viewer) if year < today.year][:_BEST_YEARS]
    return [
        _memory(session, viewer, "best_of_year", best_of(y), date(y, 1, 1), date(y, 12, 31), today) for y in years
    ]  # fmt: skip


def _memory(
    session: ReadSession,
    viewer: Viewer,
    kind: str,
    query: str,
    start: date,
    end: date,
    today: date,
    places: tuple[str, ...] = (),
    countries: tuple[tuple[str, str], ...] = (),
) -> Memory:
    query = f"{query} -is:screenshot"
    looked_at = [hit.photo for hit in find_photos(session, viewer, query, limit=_LOOKED_AT).items]
    chosen = sorted(looked_at, key=lambda p: (not p.favorite, -p.rating))[:SHOWN]
    shown = tuple(sorted(chosen, key=lambda p: (p.taken_local, p.id)))
    count = len(looked_at) if len(looked_at) < _LOOKED_AT else count_photos(session, viewer, query)
    return Memory(kind, query, count, shown, start, end, today.year - start.year, places, countries)


def _years_with(
    session: ReadSession, viewer: Viewer, today: date, margin: timedelta, least: int
) -> list[int]:
    """Earlier years with so many photos about this day: one look into the timeline's index for each year."""
    years = list(range(today.year - 1, max(today.year - _YEARS, 1), -1))
    if not years:
        return []
    spans = union_all(
        *(
            select(
                literal(year).label("year"), literal(_midnight(start)).label("start"),
                literal(_midnight(end + timedelta(days=1))).label("after"),
            )
            for year, (start, end) in zip(years, _spans(today, margin, years), strict=True)
        )
    ).cte("spans")  # fmt: skip
    within = and_(*_here(viewer), Photo.taken_local >= spans.c.start, Photo.taken_local < spans.c.after)
    rows = session.execute(
        select(spans.c.year, func.count())
        .join_from(spans, Photo, within)
        .group_by(spans.c.year)
        .having(func.count() >= least)
        .order_by(spans.c.year.desc())
    ).tuples()
    return [year for year, _ in rows]


def _spans(today: date, margin: timedelta, years: list[int]) -> list[tuple[date, date]]:
    """This day in each of the years, with what lies around it. The 28th of February speaks for the 29th as well."""
    found = []
    for year in years:
        first = last = _same_day(today, year)
        if (first.month, first.day) == (2, 28) and _is_leap(year) and not _is_leap(today.year):
            last = date(year, 2, 29)
        found.append((first - margin, last + margin))
    return found


def _same_day(today: date, year: int) -> date:
    try:
        return today.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def _is_leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _dates(start: date, end: date) -> str:
    return f"date:{start}" if start == end else f"date:{start}..{end}"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day)


def _here(viewer: Viewer) -> tuple[ColumnElement[bool], ...]:
    return Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Photo.archived.is_(False)
