"""How SQLite is asked for a query's photos: by sets, or photo by photo.

``photos.id IN (SELECT photo_id FROM photo_tags ...)`` makes SQLite gather every photo with the tag before it looks at
the first one. That is right for rare tags; of a tag on a tenth of a million photos it takes half a second, though the
first page lies among the newest thousand. The same condition can be put as ``EXISTS`` for each photo: that needs an
index by photo, and stops as soon as the page is full. Which is cheaper is decided by how many rows the sets have (of
tags the kept counts say it) and how many photos the plain conditions leave. PostgreSQL decides by itself.

All forms find the same photos. Estimates only choose between them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import (
    BinaryExpression,
    BindParameter,
    BooleanClauseList,
    ColumnElement,
    ScalarSelect,
    Select,
    and_,
    exists,
    func,
    literal,
    literal_column,
    not_,
    or_,
    select,
)
from sqlalchemy.sql import operators, visitors
from sqlalchemy.sql.elements import Grouping, UnaryExpression

from app.db import ReadSession
from app.models import Photo, PhotoTag, TagCount
from app.search.compile import Plan
from app.search.conditions import Condition

_MOST_COUNTED = 50_000  # rows of a set beyond which its size does not matter
_ROWS_PER_PHOTO = 3  # rows gathered in the time one photo is asked, with what stands beside
_SMALL = 1_000  # rows of a set that is gathered in no time
_ROWS_IN_ORDER = 15  # rows read in the table's order in the time one is read by an index
_OF_TIME = {"owner_id", "deleted_at", "archived", "taken_local"}  # the timeline's index
# No index helps to compare these:
_IN_ROWS = {"rating", "favorite", "camera_make", "camera_model", "lens", "iso", "aperture", "exposure_time",
            "focal_length", "size", "width", "height", "format"}  # fmt: skip
_LEAST_WINDOW = 2_000  # photos asked one by one before the sets are gathered after all

Row = TypeVar("Row")


@dataclass(frozen=True)
class Order:
    """By a time of the photo, and by id where that is the same."""

    column: Any
    descending: bool = True

    @property
    def by(self) -> tuple[Any, Any]:
        return (self.column.desc(), Photo.id.desc()) if self.descending else (self.column, Photo.id)

    def ahead(self, moment: datetime) -> Condition:
        """Photos that come before those of ``moment``."""
        ahead: Condition = self.column > moment if self.descending else self.column < moment
        return ahead

    def behind(self, moment: datetime, last: UUID) -> tuple[Condition, Condition]:
        """Photos that come after that photo; the first condition is implied by the second, and lets the index help."""
        near: Condition = self.column <= moment if self.descending else self.column >= moment
        beyond = self.column < moment if self.descending else self.column > moment
        further = Photo.id < last if self.descending else Photo.id > last
        return near, or_(beyond, and_(self.column == moment, further))


NEWEST = Order(Photo.taken_local)


def every(session: ReadSession, plan: Plan, wanted: Select[Row]) -> Select[Row]:
    """``wanted`` of all the plan's photos, in the form that finds them the soonest."""
    if _decides_itself(session):
        return wanted.where(plan.where)
    sizes = _Sizes(session, plan)
    where = sizes.whole()
    return wanted.where(_in_order_of_rows(where) if sizes.needs_rows() else where)


def first(
    session: ReadSession,
    plan: Plan,
    wanted: Select[Any],
    order: Order,
    limit: int,
    after: tuple[datetime, UUID] | None = None,
) -> list[Any]:
    """The first ``limit`` rows of the plan's photos behind ``after``; ``wanted`` says what of each to read."""
    behind = () if after is None else order.behind(*after)
    wanted = wanted.where(*behind).order_by(*order.by).limit(limit)
    if _decides_itself(session):
        return list(session.execute(wanted.where(plan.where)))
    sizes = _Sizes(session, plan)
    window = sizes.window(limit)
    if window:
        here = select(order.column).where(*behind[:1], *sizes.of_time())
        end = session.scalar(here.order_by(order.by[0]).offset(window).limit(1))
        asked = wanted.where(sizes.by_photo())
        found = list(session.execute(asked if end is None else asked.where(order.ahead(end))))
        if end is None or len(found) == limit:
            return found
    return list(session.execute(wanted.where(sizes.whole())))


def of_few(session: ReadSession, plan: Plan) -> Condition:
    """The plan's condition in the form that decides the soonest about a few given photos."""
    return plan.where if _decides_itself(session) else _Sizes(session, plan).by_photo()


# --- sizes ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Size:
    """``rows`` to gather for a set, and about how many ``photos`` are in it."""

    rows: float
    photos: float


_UNBOUNDED = _Size(math.inf, math.inf)


class _Sizes:
    """How large the parts of one plan are, the cheapest first."""

    def __init__(self, session: ReadSession, plan: Plan) -> None:
        self.session = session
        self.unordered = plan.archived  # the timeline's index keeps archived photos apart
        known, sets = plan.library.sizes, _sets(plan.where)
        new = [one for one in sets if one not in known]
        self.tags = self._tags({tag for one in new for tag in _tags_of(one)})
        known.update((one, self._rows(one)) for one in new)
        self.known: dict[Select[Any], _Size] = {one: known[one] for one in sets}
        parts = [(self._bound(part), part) for part in _conjuncts(plan.where)]
        self.parts = sorted(parts, key=lambda sized: sized[0].rows)
        self.driver = self.parts[0][0]

    def whole(self) -> Condition:
        """The smallest set is gathered, and larger ones are asked for its photos; none where few photos are left."""
        where = [part for _, part in self.parts]
        if not self.known or self.driver is _UNBOUNDED:
            return and_(*where)
        if self._leaves_few(self.driver.rows / _ROWS_PER_PHOTO):
            return self.by_photo()
        larger = [self._gathering(part) * 2 >= self.driver.rows for part in where]
        return and_(
            where[0],
            *(
                self._asked(part) if large else part
                for part, large in zip(where[1:], larger[1:], strict=True)
            ),
        )

    def by_photo(self) -> Condition:
        """Every set put as a question about one photo, but for those that are gathered in no time."""
        return and_(*(self._asked(part) for _, part in self.parts))

    def _asked(self, part: ColumnElement[Any]) -> Condition:
        def asked(element: Any, **_: object) -> Any:
            if not _is_set(element) or self.known[element.right.element].rows <= _SMALL:
                return None
            rows = element.right.element
            one = rows.where(rows.selected_columns[0] == Photo.id).correlate(Photo.__table__)
            found = exists(visitors.replacement_traverse(one, {}, _unindexed))
            return not_(found) if element.operator is operators.not_in_op else found

        condition: Condition = visitors.replacement_traverse(part, {}, asked)
        return condition

    def window(self, limit: int) -> int:
        """Among how many photos the first ``limit`` probably are; 0 when gathering costs less than asking these."""
        if not self.known and not self.unordered:
            return 0
        if self.driver is _UNBOUNDED:
            return max(limit * 20, _LEAST_WINDOW)
        share = math.prod(
            min(1.0, size.photos / self._photos()) for size, _ in self.parts if size is not _UNBOUNDED
        )
        window = max(int(2 * limit / share), _LEAST_WINDOW) if share else math.inf
        # Half of what gathering costs may be lost: the estimate is rough, and then all is gathered after all.
        return int(window) if window * _ROWS_PER_PHOTO * 2 < self.driver.rows else 0

    def needs_rows(self) -> bool:
        """Whether so many rows have to be read that all are read sooner in their own order than in an index's."""
        columns = {c.name for _, part in self.parts for c in _columns(part)}
        if self.known or not columns & _IN_ROWS or columns - _IN_ROWS - _OF_TIME:
            return False
        most = self._photos() // _ROWS_IN_ORDER
        some = select(literal(1)).select_from(Photo).where(*self.of_time()).limit(most).subquery()
        return (self.session.scalar(select(func.count()).select_from(some)) or 0) == most

    def of_time(self) -> list[Condition]:
        """The conditions that the timeline's index answers."""
        return [
            part
            for size, part in self.parts
            if size is _UNBOUNDED and not _sets(part) and {c.name for c in _columns(part)} <= _OF_TIME
        ]

    def _bound(self, clause: Any) -> _Size:
        """What a condition costs at most to be gathered; unbounded when it holds for what lies in no set."""
        if isinstance(clause, Grouping):
            return self._bound(clause.element)
        if _is_set(clause):
            return self.known[clause.right.element] if clause.operator is operators.in_op else _UNBOUNDED
        if (
            isinstance(clause, BinaryExpression)
            and clause.operator is operators.in_op
            and _is_id(clause.left)
        ):
            listed = len(getattr(clause.right, "value", ()))
            return _Size(listed, listed)
        if isinstance(clause, BooleanClauseList) and clause.operator is operators.or_:
            sizes = [self._bound(part) for part in clause.clauses]
            if _UNBOUNDED in sizes:
                return _UNBOUNDED
            return _Size(sum(s.rows for s in sizes), max(s.photos for s in sizes))
        if isinstance(clause, BooleanClauseList):
            return min((self._bound(part) for part in clause.clauses), key=lambda size: size.rows)
        return _UNBOUNDED

    def _gathering(self, part: ColumnElement[Any]) -> float:
        return sum(self.known[one].rows for one in _sets(part))

    def _rows(self, one: Select[Any]) -> _Size:
        tags = _tags_of(one)
        if tags and not _is_decided(one):
            counts = [self.tags.get(tag, 0) for tag in tags]
            return _Size(sum(counts), max(counts))
        if one._group_by_clauses:
            return _Size(_MOST_COUNTED, _MOST_COUNTED)
        some = one.limit(_MOST_COUNTED).subquery()
        rows = self.session.scalar(select(func.count()).select_from(some)) or 0
        return _Size(rows, rows)

    def _tags(self, tags: set[int]) -> dict[int, int]:
        """Photos per tag, all owners' together: a set holds them all."""
        if not tags:
            return {}
        total = func.sum(TagCount.delta)
        kept = select(TagCount.tag_id, total).where(TagCount.tag_id.in_(tags)).group_by(TagCount.tag_id)
        return {tag: int(count) for tag, count in self.session.execute(kept).tuples()}

    def _photos(self) -> int:
        """Photos of all owners; those deleted for good count as well, until their number is given again."""
        return self.session.scalar(select(func.max(literal_column("photos.rowid"))).select_from(Photo)) or 1

    def _leaves_few(self, most: float) -> bool:
        """Whether the plain conditions leave fewer than ``most`` photos."""
        plain = [part for size, part in self.parts if size is _UNBOUNDED and not _sets(part)]
        some = select(literal(1)).select_from(Photo).where(*plain).limit(int(most)).subquery()
        return (self.session.scalar(select(func.count()).select_from(some)) or 0) < int(most)


# --- the parts of a condition ---------------------------------------------------------------------------------


def _in_order_of_rows(condition: Condition) -> Condition:
    """The same condition with a plus before the owner: every index begins with it, and is passed over then."""

    def plus(element: Any, **_: object) -> Any:
        owner = getattr(element, "name", None) == "owner_id" and element.compare(Photo.owner_id.expression)
        return (
            UnaryExpression(element, operator=operators.custom_op("+"), type_=element.type) if owner else None
        )

    changed: Condition = visitors.replacement_traverse(condition, {}, plus)
    return changed


def _decides_itself(session: ReadSession) -> bool:
    return session.get_bind().dialect.name != "sqlite"


def _is_id(column: Any) -> bool:
    return bool(column.compare(Photo.id.expression))


def _is_set(element: Any) -> bool:
    """Whether an element is ``photos.id [NOT] IN (SELECT ...)``."""
    return (
        isinstance(element, BinaryExpression)
        and element.operator in (operators.in_op, operators.not_in_op)
        and isinstance(element.right, ScalarSelect)
        and isinstance(element.right.element, Select)
        and _is_id(element.left)
    )


def _sets(condition: ColumnElement[Any]) -> list[Select[Any]]:
    return [e.right.element for e in visitors.iterate(condition) if _is_set(e)]  # type: ignore[attr-defined]


def _columns(condition: ColumnElement[Any]) -> list[Any]:
    return [e for e in visitors.iterate(condition) if e.__visit_name__ == "column"]


def _conjuncts(condition: Any) -> Iterator[ColumnElement[Any]]:
    if isinstance(condition, BooleanClauseList) and condition.operator is operators.and_:
        for part in condition.clauses:
            yield from _conjuncts(part)
    elif isinstance(condition, Grouping):
        yield from _conjuncts(condition.element)
    else:
        yield condition


def _tags_of(rows: Select[Any]) -> list[int]:
    return [tag for element in visitors.iterate(rows) for tag in _listed_tags(element)]


def _is_decided(rows: Select[Any]) -> bool:
    """Whether a set holds what users decided, rather than all that show a tag."""
    return any(
        isinstance(e, BinaryExpression)
        and e.operator is operators.eq
        and e.left.compare(PhotoTag.state.expression)
        for e in _conjuncts(rows.whereclause)
    )


def _listed_tags(element: Any) -> list[int]:
    if not (isinstance(element, BinaryExpression) and element.operator is operators.in_op):
        return []
    listed = isinstance(element.right, BindParameter) and element.left.compare(PhotoTag.tag_id.expression)
    return list(element.right.value) if listed else []


def _unindexed(element: Any, **_: object) -> Any:
    """A list of tags behind a sum: else SQLite looks up each of them for each photo, where a photo has but ten."""
    tags = _listed_tags(element)
    return (PhotoTag.tag_id + 0).in_(tags) if len(tags) > 1 else None
