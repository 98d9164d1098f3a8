"""Albums worth having, computed from the library: a rule for each, one press away from being a dynamic album."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import and_, distinct, func, select
from sqlalchemy.orm import aliased

from app.db import ReadSession
from app.models import Album, Face, Person, Photo
from app.search import count_photos, find_photos, parse
from app.search.tags import tag_book
from app.search.values import quote
from app.services.accounts import Viewer
from app.services.collections.covers import choose
from app.services.collections.journeys import journeys
from app.services.collections.memories import best_of, loved_years

LEAST_TOGETHER = 5
LEAST_OF_A_KIND = 5
_MOST = {"trip": 6, "people": 4, "place": 4, "best_of_year": 3}


@dataclass(frozen=True)
class Idea:
    """An album that could be made. ``kind``: trip, people, place, best_of_year, screenshots or documents.

    ``title`` is a plain English one; the values it is made of stand beside it, for a title in another language.
    """

    kind: str
    title: str
    query: str
    count: int
    cover_photo_id: UUID | None
    people: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    countries: tuple[tuple[str, str], ...] = ()  # (code, name)
    start: date | None = None
    end: date | None = None


def ideas(session: ReadSession, viewer: Viewer) -> list[Idea]:
    """Suggestions by kind, those left out that are a dynamic album's rule already or find nothing."""
    own = select(Album.query).where(Album.owner_id == viewer.user_id, Album.query.is_not(None))
    taken = set(session.scalars(own.where(Album.deleted_at.is_(None))))
    found: list[Idea] = []
    covers: set[UUID] = set()
    for idea in (i for source in (_journeys, _together, _years, _kinds) for i in source(session, viewer)):
        query = str(parse(idea.query))
        same_kind = sum(other.kind == idea.kind for other in found)
        if query in taken or same_kind >= _MOST.get(idea.kind, 1):
            continue
        count = count_photos(session, viewer, query)
        if count >= LEAST_OF_A_KIND:
            found.append(_with_cover(session, viewer, idea, query, count, covers))
    return found


def _with_cover(
    session: ReadSession, viewer: Viewer, idea: Idea, query: str, count: int, used: set[UUID]
) -> Idea:
    hits = find_photos(session, viewer, query, order="newest", limit=20).items
    best = choose(session, [hit.photo for hit in hits], used)
    used.update([best.id] if best else [])
    return Idea(
        idea.kind, idea.title, query, count, best.id if best else None, idea.people, idea.places, idea.countries,
        idea.start, idea.end,
    )  # fmt: skip


def _journeys(session: ReadSession, viewer: Viewer) -> list[Idea]:
    known = journeys(session, viewer)
    found = []
    for trip in known.trips:
        where = " and ".join(trip.cities[:2]) or ", ".join(name for _, name in trip.countries)
        found.append(
            Idea("trip", f"{where}, {trip.start:%B %Y}", trip.query, trip.count, None, places=trip.cities,
                 countries=trip.countries, start=trip.start, end=trip.end)
        )  # fmt: skip
    for haunt in known.haunts:
        land = ((haunt.country_code, haunt.country),)
        found.append(
            Idea("place", haunt.city, haunt.query, haunt.count, None, places=(haunt.city,), countries=land)
        )
    return found


def _together(session: ReadSession, viewer: Viewer) -> list[Idea]:
    """Named people who are often on one photo."""
    one, two = aliased(Face), aliased(Face)
    first, second = aliased(Person), aliased(Person)
    known = [and_(p.owner_id == viewer.user_id, p.name != "", p.hidden.is_(False)) for p in (first, second)]
    photos = func.count(distinct(one.photo_id))
    rows = session.execute(
        select(first.name, second.name, photos)
        .select_from(one)
        .join(two, and_(two.photo_id == one.photo_id, one.person_id < two.person_id))
        .join(first, first.id == one.person_id)
        .join(second, second.id == two.person_id)
        .join(Photo, Photo.id == one.photo_id)
        .where(*known, Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None))
        .group_by(first.id, first.name, second.id, second.name)
        .having(photos >= LEAST_TOGETHER)
        .order_by(photos.desc(), first.name, second.name)
        .limit(20)
    ).tuples()
    return [
        Idea("people", f"{a} and {b}", f"person:{quote(a)} person:{quote(b)}", count, None, people=(a, b))
        for a, b, count in rows
    ]


def _years(session: ReadSession, viewer: Viewer) -> list[Idea]:
    return [
        Idea("best_of_year", f"Best of {year}", best_of(year), count, None, start=date(year, 1, 1),
             end=date(year, 12, 31))
        for year, count in loved_years(session, viewer)
    ]  # fmt: skip


def _kinds(session: ReadSession, viewer: Viewer) -> list[Idea]:
    """Pictures that are no photos; the documents go where an administrator has hidden that tag."""
    kinds = {"screenshots": "is:screenshot"}
    if tag_book(session, viewer.user_id).find("document"):
        kinds["documents"] = "tag:document -is:screenshot"
    return [Idea(kind, kind.capitalize(), query, 0, None) for kind, query in kinds.items()]
