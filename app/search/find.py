"""The one entry to search: pages of photos with scores and reasons, counts, and months.

Without free words a query is one SQL statement with a keyset cursor. With free words the same statement gives
the ids it finds, and ``app.search.ranking`` orders them; a cursor then holds the last photo's score and id.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, String, and_, func, literal, or_, select, type_coerce

from app.cursors import as_kinds, bad_cursor, cut, read_cursor, write_cursor
from app.db import ReadSession
from app.errors import Invalid
from app.models import Photo
from app.search import forms
from app.search.compile import Plan, compile_query
from app.search.forms import NEWEST
from app.search.language import Query, parse
from app.search.meaning import Meaning
from app.search.ranking import Reason, head, rank, reasons_of
from app.search.similar import MOST_SIMILAR, similar_matches
from app.sentences import say
from app.services.accounts import Viewer

MAX_LIMIT = 1000
ORDERS = ("newest", "oldest", "added", "relevance")


@dataclass(frozen=True)
class Hit:
    """A found photo. ``score`` (0 to 1) and ``reasons`` are there when the query has free words."""

    photo: Photo
    score: float | None = None
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Page:
    items: list[Hit]
    next_cursor: str | None


class Tile(NamedTuple):
    """What a grid needs of a photo."""

    id: UUID
    taken_local: datetime
    taken_at: datetime
    taken_offset: int | None
    width: int
    height: int
    thumbhash: str | None
    favorite: bool
    status: str
    title: str


def find_photos(
    session: ReadSession,
    viewer: Viewer,
    query: str | Query,
    *,
    order: str | None = None,
    limit: int = 100,
    cursor: str | None = None,
    trashed: bool = False,
    archived: bool = False,
) -> Page:
    """The viewer's photos that a query finds, a page at a time.

    Args:
        order: ``newest`` (default), ``oldest``, ``added`` (last added first) or ``relevance`` (default when
            the query has free words).
        cursor: ``next_cursor`` of the page before, for the same query and order.
        trashed: look in the trash; archived: also find archived photos.

    Raises:
        BadQuery: the query cannot be understood; ``extra`` says where.
        Invalid: an unknown order, a limit outside 1..1000, or a cursor of another search.
    """
    parsed = query if isinstance(query, Query) else parse(query)
    order = order or ("relevance" if parsed.has_free_words else "newest")
    if order not in ORDERS:
        raise Invalid(say("The order is one of {known}.", known=", ".join(ORDERS)), field="order")
    if not 1 <= limit <= MAX_LIMIT:
        raise Invalid(say("The limit lies between 1 and {most}.", most=MAX_LIMIT), field="limit")
    if order == "relevance" and not parsed.has_free_words:
        order = "newest"  # nothing to be relevant to
    plan = _plan(session, viewer, parsed, trashed, archived)
    seal = hashlib.sha256(f"{viewer.user_id}|{order}|{trashed}|{archived}|{parsed}".encode()).hexdigest()[:12]
    after = read_cursor(cursor, seal) if cursor else None
    page = _by_relevance if order == "relevance" else _by_column
    photos, scores, last = page(session, plan, order, limit, after)
    reasons = reasons_of(session, plan, [p.id for p in photos])
    hits = [Hit(p, scores.get(p.id), reasons.get(p.id, ())) for p in photos]
    return Page(hits, write_cursor(last, seal) if last is not None else None)


def count_photos(
    session: ReadSession,
    viewer: Viewer,
    query: str | Query,
    *,
    trashed: bool = False,
    archived: bool = False,
) -> int:
    """How many photos ``find_photos`` would find."""
    plan = _plan(session, viewer, query, trashed, archived)
    return session.scalar(forms.every(session, plan, select(func.count()).select_from(Photo))) or 0


@dataclass(frozen=True)
class Tally:
    """How many photos a query finds and the newest of them; ``lasting`` while nothing of its owner changes."""

    count: int
    newest: UUID | None
    lasting: bool


def tally(session: ReadSession, viewer: Viewer, query: str | Query, *, archived: bool = False) -> Tally:
    """Count what ``find_photos`` would find, and tell which photo would come first by time."""
    plan = _plan(session, viewer, query, False, archived)
    count = session.scalar(forms.every(session, plan, select(func.count()).select_from(Photo))) or 0
    newest = forms.first(session, plan, select(Photo.id), NEWEST, 1) if count else []
    return Tally(count, newest[0][0] if newest else None, plan.lasting)


def find_ids(
    session: ReadSession, viewer: Viewer, query: str | Query, *, archived: bool = False
) -> list[UUID]:
    """The ids of all photos a query finds, newest first."""
    plan = _plan(session, viewer, query, False, archived)
    return list(session.scalars(forms.every(session, plan, select(Photo.id)).order_by(*NEWEST.by)))


def finds(session: ReadSession, viewer: Viewer, query: str | Query, photo_id: UUID) -> bool:
    """Whether a query finds this one photo, archived or not."""
    plan = _plan(session, viewer, query, False, True)
    return session.scalar(select(Photo.id).where(plan.where, Photo.id == photo_id)) is not None


def timeline(session: ReadSession, viewer: Viewer, query: str | Query = "") -> list[tuple[str, int]]:
    """Photos per month, as ``("2024-06", 12)``, the latest month first."""
    parsed = query if isinstance(query, Query) else parse(query)
    plan = _plan(session, viewer, parsed, False, False)
    if parsed.root is None:
        return _months(session, plan)
    # A piece of the column's text costs SQLite half of what the parts of a date do.
    text = session.get_bind().dialect.name == "sqlite"
    month: Any = (
        func.substr(type_coerce(Photo.taken_local, String), 1, 7)
        if text
        else func.to_char(Photo.taken_local, "YYYY-MM")
    )
    counted = forms.every(session, plan, select(month, func.count()).select_from(Photo)).group_by(month)
    rows = session.execute(counted).tuples()
    return sorted(((m, count) for m, count in rows), reverse=True)


def _months(session: ReadSession, plan: Plan) -> list[tuple[str, int]]:
    """The months of all photos: from one to the next by a look into the timeline's index, which counts them alone.

    Grouping would make a text of every photo's time, at eight times the cost.
    """
    newest = func.max(Photo.taken_local)
    if session.get_bind().dialect.name == "sqlite":
        day = func.substr(type_coerce(newest, String), 1, 7).concat("-01 00:00:00.000000")
        month: ColumnElement[datetime] = type_coerce(day, DateTime)
    else:
        month = func.date_trunc("month", newest)
    end = literal(datetime.max, DateTime)
    months = select(month.label("start"), end.label("end")).where(plan.where).cte("months", recursive=True)
    before = (
        select(month)
        .where(plan.where, Photo.taken_local < months.c.start)
        .correlate(months)
        .scalar_subquery()
    )
    months = months.union_all(select(before, months.c.start).where(months.c.start.is_not(None)))
    within = Photo.taken_local >= months.c.start, Photo.taken_local < months.c.end
    count = (
        select(func.count()).select_from(Photo).where(plan.where, *within).correlate(months).scalar_subquery()
    )
    rows = session.execute(select(months.c.start, count).where(months.c.start.is_not(None))).tuples()
    return [(start.strftime("%Y-%m"), photos) for start, photos in rows]


def month_of_photos(
    session: ReadSession,
    viewer: Viewer,
    month: str,
    query: str | Query = "",
    *,
    limit: int = MAX_LIMIT,
    cursor: str | None = None,
) -> tuple[list[Tile], str | None]:
    """One month of ``timeline``, newest first: what a grid needs of each photo, and the next page's cursor.

    Raises:
        Invalid: ``month`` is not like 2024-06, or the cursor is of another month or query.
    """
    parsed = query if isinstance(query, Query) else parse(query)
    try:
        start = datetime.strptime(month, "%Y-%m")
        end = (start + timedelta(days=31)).replace(day=1)
    except (ValueError, OverflowError):
        raise Invalid("A month is written as 2024-06.", field="month") from None
    seal = hashlib.sha256(f"{viewer.user_id}|{month}|{parsed}".encode()).hexdigest()[:12]
    statement = select(
        Photo.id, Photo.taken_local, Photo.taken_at, Photo.taken_offset, Photo.width, Photo.height,
        Photo.thumbhash, Photo.favorite, Photo.status, Photo.title,
    ).where(_plan(session, viewer, parsed, False, False).where)  # fmt: skip
    statement = statement.where(Photo.taken_local >= start, Photo.taken_local < end)
    if cursor:
        moment, last = as_kinds(read_cursor(cursor, seal), datetime.fromisoformat, UUID)
        at_once = and_(Photo.taken_local == moment, Photo.id < last)
        statement = statement.where(or_(Photo.taken_local < moment, at_once), Photo.taken_local <= moment)
    newest = statement.order_by(Photo.taken_local.desc(), Photo.id.desc()).limit(limit + 1)
    tiles, closing = cut([Tile._make(row) for row in session.execute(newest)], limit)
    return tiles, write_cursor([closing.taken_local.isoformat(), str(closing.id)], seal) if closing else None


def _plan(session: ReadSession, viewer: Viewer, query: str | Query, trashed: bool, archived: bool) -> Plan:
    parsed = query if isinstance(query, Query) else parse(query)
    return compile_query(
        session,
        viewer,
        parsed,
        trashed=trashed,
        archived=archived,
        meaning=Meaning(session, viewer),
        similar_to=lambda photo_id: [
            m.photo_id for m in similar_matches(session, viewer, photo_id, MOST_SIMILAR)
        ],
    )


# --- orders ---------------------------------------------------------------------------------------------

_Found = tuple[list[Photo], dict[UUID, float], list[Any] | None]

_ORDERS = {
    "newest": NEWEST,
    "oldest": forms.Order(Photo.taken_local, descending=False),
    "added": forms.Order(Photo.added_at),
}


def _by_column(session: ReadSession, plan: Plan, order: str, limit: int, after: list[Any] | None) -> _Found:
    behind = as_kinds(after, datetime.fromisoformat, UUID) if after else None
    rows = forms.first(session, plan, select(Photo), _ORDERS[order], limit + 1, behind)
    photos: list[Photo] = [photo for (photo,) in rows]
    ids = [p.id for p in photos]
    scores = dict(rank(session, plan, ids).best(len(ids))) if plan.groups else {}
    last = None
    if len(photos) > limit:
        photos.pop()
        end = photos[-1]
        last = [(end.added_at if order == "added" else end.taken_local).isoformat(), str(end.id)]
    return photos, scores, last


def _by_relevance(
    session: ReadSession, plan: Plan, _order: str, limit: int, after: list[Any] | None
) -> _Found:
    """The head by score; behind it, when there is more than the head, the rest by time."""
    ids, complete = head(session, plan)
    part, *position = after if after else ["head"]
    page: dict[UUID, float] = {}
    last: list[Any] | None = None
    if part == "head":
        best = rank(session, plan, ids).best(limit + 1, as_kinds(position, float, UUID) if position else None)
        page, position = dict(best[:limit]), []
        if len(best) > limit:
            last = ["head", best[limit - 1][1], str(best[limit - 1][0])]
    elif part != "rest":
        raise bad_cursor()
    photos = {p.id: p for p in session.scalars(select(Photo).where(Photo.id.in_(list(page))))}
    found = [photos[photo_id] for photo_id in page if photo_id in photos]
    if last is None and not complete and len(page) == limit:
        last = ["rest"]
    elif last is None and not complete:
        behind = and_(plan.where, Photo.id.not_in(ids))
        more, scores, end = _by_column(
            session, replace(plan, where=behind), "newest", limit - len(page), position
        )
        found, page, last = [*found, *more], page | scores, ["rest", *end] if end else None
    return found, page, last
