"""The SQL pieces queries are made of. Every condition is true or false for every photo, never NULL.

That matters for negation: ``-iso:>800`` means all other photos, also those whose film speed is unknown.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence, Set
from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Float,
    Select,
    and_,
    case,
    cast,
    distinct,
    false,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
    true,
)
from sqlalchemy.orm import InstrumentedAttribute

from app.models import Face, Photo, PhotoTag, PhotoTerm
from app.search.values import Day, Interval, Near, Number

Condition = ColumnElement[bool]
Column = ColumnElement[Any] | InstrumentedAttribute[Any]
EARTH_KM = 6371.0088  # mean radius, IUGG
_KM_PER_DEGREE = math.pi * EARTH_KM / 180
ALL_TERM_FIELDS = frozenset(("title", "name", "place", "text"))
_SLACK = 1e-6  # 14/5 may be stored as 2.8000000000000003


def nothing() -> Condition:
    return false()


def all_conditions(conditions: Sequence[Condition]) -> Condition:
    return and_(true(), *conditions)


def any_condition(conditions: Sequence[Condition]) -> Condition:
    return or_(false(), *conditions)


def in_interval(column: Column, interval: Interval[Number], rounding: float = 0.0) -> Condition:
    """``column`` within ``interval``; NULL lies in none. ``rounding`` widens a plain value both ways."""
    low, high = interval.low, interval.high
    whole = isinstance(column.type, BigInteger) or column.type.python_type is int
    slack = 0.0 if whole else _SLACK
    if low is not None and low == high and rounding:
        value = float(low.value)
        return and_(column.is_not(None), column >= value - rounding, column < value + rounding)
    parts: list[Condition] = [column.is_not(None)]
    if low is not None:
        bound = _bound(low.value, whole)
        parts.append(column > bound + slack if interval.low_open else column >= bound - slack)
    if high is not None:
        bound = _bound(high.value, whole)
        parts.append(column < bound - slack if interval.high_open else column <= bound + slack)
    return and_(*parts)


def _bound(value: Decimal, whole: bool) -> Any:
    return int(value) if whole and value == int(value) else float(value)


def bounds(interval: Interval[Day]) -> tuple[datetime | None, datetime | None]:
    """The start (included) and end (excluded) of an interval of days."""
    low, high = interval.low, interval.high
    start = None if low is None else low.after if interval.low_open else low.first
    end = None if high is None else high.first if interval.high_open else high.after
    return start, end


def between(column: Column, start: datetime | None, end: datetime | None) -> Condition:
    """A never-NULL time ``column`` from ``start`` to before ``end``."""
    parts = [column >= start] if start is not None else []
    return all_conditions([*parts, column < end] if end is not None else parts)


def has_count(table: Any, interval: Interval[Number], *where: Condition) -> Condition:
    """Photos with so many rows of ``table``; photos without any count as zero."""
    within = in_interval(func.count(), interval)
    rows = select(table.photo_id).where(*where).group_by(table.photo_id)
    if holds_zero(interval):
        return Photo.id.not_in(rows.having(not_(within)))
    return Photo.id.in_(rows.having(within))


def holds_zero(interval: Interval[Number]) -> bool:
    low, high = interval.low, interval.high
    above = low is None or low.value < 0 or (low.value == 0 and not interval.low_open)
    return above and (high is None or high.value > 0 or (high.value == 0 and not interval.high_open))


def of_photos(rows: Select[UUID]) -> Condition:
    return Photo.id.in_(rows)


def tagged(
    tags: Collection[int],
    roots: Collection[int],
    confidence: Interval[Number] | None = None,
    *,
    guesses: bool = False,
) -> Condition:
    """Photos with one of ``tags`` that was not rejected, and none of ``roots`` rejected.

    ``guesses`` lets those count too that the scene network is too unsure of to show.

    The second part is the user's word about the tag that was asked for: who says "not a dog" does not want to
    find the photo under dog because a model still thinks it a beagle.
    """
    if not tags:
        return nothing()
    rows = select(PhotoTag.photo_id).where(PhotoTag.tag_id.in_(sorted(tags)), PhotoTag.state != "rejected")
    if not guesses:
        rows = rows.where(PhotoTag.source != "guess")
    if confidence is not None:
        rows = rows.where(_sure(confidence))
    return and_(Photo.id.in_(rows), Photo.id.not_in(decided(roots, "rejected")))


def decided(tags: Collection[int], state: str) -> Select[UUID]:
    """The photos on which someone confirmed or rejected one of ``tags``."""
    # Said in these words, it is what the index of decided rows holds.
    by_someone = PhotoTag.state != literal_column("'suggested'")
    return select(PhotoTag.photo_id).where(
        PhotoTag.tag_id.in_(sorted(tags)), by_someone, PhotoTag.state == state
    )


def effective_confidence() -> ColumnElement[float]:
    """What the user confirmed is certain."""
    return case((PhotoTag.state == "confirmed", literal(1.0)), else_=PhotoTag.confidence)


def _sure(confidence: Interval[Number]) -> Condition:
    """Rows of tags within ``confidence``; what a user confirmed is certain."""
    low = confidence.low
    if confidence.high is None and (
        low is None or low.value < 1
    ):  # the usual case, put so that it costs less
        return or_(PhotoTag.state == "confirmed", in_interval(PhotoTag.confidence, confidence))
    return in_interval(effective_confidence(), confidence)


def showing(people: Collection[UUID]) -> Condition:
    if not people:
        return nothing()
    return Photo.id.in_(select(Face.photo_id).where(Face.person_id.in_(sorted(people))))


def worded(
    lookup: Sequence[str], fields: Set[str], *, prefix: bool = False, collation: str | None = None
) -> Condition:
    """Photos in whose index all terms of ``lookup`` stand, in one field; see ``word_rows``."""
    if not lookup:
        return nothing()
    rows = word_rows(lookup, fields, prefix=prefix, collation=collation)
    return Photo.id.in_(rows.with_only_columns(PhotoTerm.photo_id))


def word_rows(
    lookup: Sequence[str], fields: Set[str], *, prefix: bool = False, collation: str | None = None
) -> Select[UUID, str]:
    """Photo and field of every place where all terms of ``lookup`` stand; ``prefix`` lets the last one go on.

    ``collation`` is the one that compares by code point, where the database has another default.
    """
    exact = [*lookup[:-1]] if prefix else [*lookup]
    parts: list[Condition] = [PhotoTerm.term.in_(exact)] if exact else []
    if prefix:
        term: Any = PhotoTerm.term if collation is None else PhotoTerm.term.collate(collation)
        parts.append(and_(term >= lookup[-1], term < lookup[-1] + "\U0010ffff"))
    rows = select(PhotoTerm.photo_id, PhotoTerm.field).where(or_(*parts))
    if not fields >= ALL_TERM_FIELDS:  # said without need it makes SQLite look up each of them
        rows = rows.where(PhotoTerm.field.in_(sorted(fields)))
    if len(lookup) == 1:
        return rows
    found: ColumnElement[int] = func.count(distinct(PhotoTerm.term))
    if prefix:  # many terms may begin so; they count as one
        found = func.count(distinct(case((PhotoTerm.term.in_(exact), PhotoTerm.term), else_=lookup[-1])))
    return rows.group_by(PhotoTerm.photo_id, PhotoTerm.field).having(found == len(set(lookup)))


def contains(column: Column, text: str, *, anchored: bool = False) -> Condition:
    """``text`` within ``column``, case ignored; ``*`` stands for anything and then anchors both ends."""
    pattern = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_").replace("*", "%")
    if not anchored:
        pattern = f"%{pattern}%"
    return and_(column.is_not(None), column.ilike(pattern, escape="\\"))


def near(place: Near) -> Condition:
    """Within ``place.km`` on the great circle, by arithmetic alone: not every SQLite has trigonometry.

    hav(d/R) = hav(Δφ) + cos φ₁ cos φ₂ hav(Δλ), with hav as a Taylor polynomial of degree 20: exact to rounding
    for small angles, to 1e-10 at ±π. Haversines are compared, so no root or arcsine is needed.
    """
    radians, km = math.pi / 180, float(place.km)
    phi1, lambda1 = float(place.latitude), float(place.longitude)
    reach = km / _KM_PER_DEGREE
    latitude, longitude = cast(Photo.latitude, Float), cast(Photo.longitude, Float)
    delta = longitude - lambda1
    turned = case((delta > 180.0, delta - 360.0), (delta < -180.0, delta + 360.0), else_=delta)
    hav_phi = _haversine((latitude - phi1) * radians)
    cos_phi2 = 1.0 - 2.0 * _haversine(latitude * radians)
    hav = hav_phi + math.cos(phi1 * radians) * cos_phi2 * _haversine(turned * radians)
    limit = math.sin(min(km / EARTH_KM, math.pi) / 2) ** 2
    return and_(
        Photo.latitude.is_not(None),
        Photo.longitude.is_not(None),
        Photo.latitude.between(phi1 - reach, phi1 + reach),
        _longitudes(phi1, lambda1, reach),
        hav <= limit + 1e-15,
    )


def _longitudes(phi: float, lam: float, reach: float) -> Condition:
    """The meridians that a circle of ``reach`` degrees touches: most photos need no further arithmetic."""
    if abs(phi) + reach >= 90:
        return true()  # it holds a pole
    half = math.degrees(math.asin(math.sin(math.radians(reach)) / math.cos(math.radians(phi)))) + 1e-9
    west, east = lam - half, lam + half
    if west < -180:
        return or_(Photo.longitude >= west + 360, Photo.longitude <= east)
    if east > 180:
        return or_(Photo.longitude >= west, Photo.longitude <= east - 360)
    return Photo.longitude.between(west, east)


def _haversine(angle: ColumnElement[Any]) -> ColumnElement[Any]:
    """(1 - cos x) / 2 for |x| <= π, as the Taylor series of the cosine by Horner's rule in x²."""
    square = angle * angle
    total: Any = literal(0.0, Float)
    for k in range(10, 0, -1):
        total = square * ((1.0 if k % 2 else -1.0) / math.factorial(2 * k) / 2 + total)
    return total
