"""Duplicates as their owner sees them: groups with the one to keep, and what was said to them.

``app.services.copies.comparing`` finds pairs; groups are put together when they are read, from the pairs whose photos
are still there and that nobody has said to be different.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select
from sqlalchemy.orm import aliased

from app.cursors import as_kinds, cut, read_cursor, write_cursor
from app.db import ReadSession, WriteSession, insert_into
from app.errors import Invalid, NotFound
from app.models import AlbumPhoto, Cue, DuplicatePair, Edit, Face, Job, Person, Photo, PhotosApart
from app.sentences import say
from app.services.accounts import Viewer
from app.services.copies import comparing

MAX_TOGETHER = 100  # photos of one decision
KINDS = ("copy", "similar")
_SOME = 500  # ids in one statement


@dataclass(frozen=True)
class Candidate:
    """A photo of a group, and what speaks for keeping it."""

    photo: Photo
    edits: int
    albums: int
    people: int  # named ones
    sharpness: float | None  # 0..1, see ml.tasks.cues

    def worth(self, kind: str) -> dict[str, float]:
        """What is compared, the most important first. A merge carries over what a user said, but not pixels or edits;
        between shots of one moment it is the user's eye and sharpness that tell."""
        photo = self.photo
        said = {"favorite": float(photo.favorite), "rating": float(photo.rating), "albums": float(self.albums),
                "people": float(self.people)}  # fmt: skip
        pixels = {"pixels": float(photo.width * photo.height)}
        sharp = {"sharpness": round(self.sharpness or 0.0, 2)}
        last = {"size": float(photo.size), "added": -photo.added_at.timestamp()}
        middle = {**pixels, **sharp, **said} if kind == "copy" else {**said, **sharp, **pixels}
        return {"edits": float(self.edits), **middle, **last}


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that are one picture, the one to keep first. ``kind`` is ``similar`` when one pair of them is.

    ``reasons`` say in what the first is better than every other: edits, favorite, rating, albums, people, pixels,
    sharpness, size, or else added (first).
    """

    id: UUID  # of its newest photo
    kind: str
    photos: tuple[Candidate, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class DuplicatesPage:
    """``total`` counts all groups of the kind asked for; ``searching`` while some photos are not yet compared."""

    items: list[DuplicateGroup]
    total: int
    searching: bool
    next_cursor: str | None


def list_groups(
    session: ReadSession,
    viewer: Viewer,
    *,
    kind: str | None = None,
    limit: int = 20,
    cursor: str | None = None,
) -> DuplicatesPage:
    """The viewer's groups, those with the newest photo first; trash excluded, archive included.

    Raises:
        Invalid: no such kind, or not a cursor of this list.
    """
    if kind is not None and kind not in KINDS:
        raise Invalid(say("The kind is one of {kinds}.", kinds=", ".join(KINDS)), field="kind")
    groups = [group for group in _groups(session, viewer) if kind in (None, group[1])]
    after = as_kinds(read_cursor(cursor, "duplicates"), UUID)[0] if cursor else None
    left = [group for group in groups if after is None or group[0][-1] < after]
    page, end = cut(left, limit)
    described = _describe(session, [photo_id for ids, _ in page for photo_id in ids])
    items = [_ordered(found, [described[i] for i in ids if i in described]) for ids, found in page]
    return DuplicatesPage(
        [group for group in items if len(group.photos) > 1],
        len(groups),
        _is_searching(session, viewer),
        write_cursor([end[0][-1].hex], "duplicates") if end else None,
    )


def count_groups(session: ReadSession, viewer: Viewer) -> dict[str, int]:
    """How many groups there are of each kind."""
    found = [kind for _, kind in _groups(session, viewer)]
    return {kind: found.count(kind) for kind in KINDS}


def _groups(session: ReadSession, viewer: Viewer) -> list[tuple[list[UUID], str]]:
    """All groups as (ids in order, kind), the newest first. Two statements: pairs of photos in place, and decisions."""
    one, other = aliased(Photo), aliased(Photo)
    pairs = session.execute(
        select(DuplicatePair.first_id, DuplicatePair.second_id, DuplicatePair.kind)
        .join(one, one.id == DuplicatePair.first_id)
        .join(other, other.id == DuplicatePair.second_id)
        .where(DuplicatePair.owner_id == viewer.user_id, one.deleted_at.is_(None), other.deleted_at.is_(None))
    ).tuples()
    mine = select(Photo.id).where(Photo.owner_id == viewer.user_id)
    apart = set(
        session.execute(
            select(PhotosApart.first_id, PhotosApart.second_id).where(PhotosApart.first_id.in_(mine))
        ).tuples()
    )
    group_of: dict[UUID, set[UUID]] = {}
    similar: set[UUID] = set()
    for first, second, kind in pairs:
        if (first, second) in apart:
            continue
        joined = group_of.get(first, {first}) | group_of.get(second, {second})
        for member in joined:
            group_of[member] = joined
        if kind == "similar":
            similar |= {first, second}
    groups = [sorted(group) for group in {id(group): group for group in group_of.values()}.values()]
    kinds = [(ids, "similar" if similar & set(ids) else "copy") for ids in groups]
    return sorted(kinds, key=lambda pair: pair[0][-1], reverse=True)


def _describe(session: ReadSession, ids: list[UUID]) -> dict[UUID, Candidate]:
    photos: dict[UUID, Photo] = {}
    edits: dict[UUID, int] = {}
    albums: dict[UUID, int] = {}
    people: dict[UUID, int] = {}
    sharpness: dict[UUID, float] = {}
    for some in _portions(ids):
        photos |= {p.id: p for p in session.scalars(select(Photo).where(Photo.id.in_(some)))}
        ready = (Edit.photo_id.in_(some), Edit.status == "ready", Edit.deleted_at.is_(None))
        edits |= _counted(session, Edit.photo_id, *ready)
        albums |= _counted(
            session, AlbumPhoto.photo_id, AlbumPhoto.photo_id.in_(some), AlbumPhoto.pin.is_(None)
        )
        named = Face.person_id.in_(select(Person.id).where(Person.name != ""))
        people |= _counted(session, Face.photo_id, Face.photo_id.in_(some), named)
        values = select(Cue.photo_id, Cue.value).where(Cue.photo_id.in_(some), Cue.name == "sharpness")
        sharpness |= dict(session.execute(values).tuples().all())
    return {
        i: Candidate(photo, edits.get(i, 0), albums.get(i, 0), people.get(i, 0), sharpness.get(i))
        for i, photo in photos.items()
    }


def _counted(session: ReadSession, column: Any, *where: Any) -> dict[UUID, int]:
    return dict(session.execute(select(column, func.count()).where(*where).group_by(column)).tuples().all())


def _ordered(kind: str, found: list[Candidate]) -> DuplicateGroup:
    worth = {c.photo.id: c.worth(kind) for c in found}
    best = sorted(found, key=lambda c: (*worth[c.photo.id].values(), c.photo.id), reverse=True)
    first, others = worth[best[0].photo.id], [worth[c.photo.id] for c in best[1:]]
    better = [name for name, value in first.items() if all(value > other[name] for other in others)]
    told = tuple(name for name in better if name != "added")[:3] or ("added",)
    return DuplicateGroup(max(c.photo.id for c in found), kind, tuple(best), told)


def _is_searching(session: ReadSession, viewer: Viewer) -> bool:
    active = select(Job.id).where(
        Job.owner_id == viewer.user_id, Job.kind == comparing.KIND, Job.state.in_(("ready", "running"))
    )
    return session.scalar(active.limit(1)) is not None


# --- decisions ------------------------------------------------------------------------------------------------


def dismiss(session: WriteSession, viewer: Viewer, photo_ids: Iterable[UUID]) -> None:
    """These are not duplicates of each other: they are never shown as one group again.

    Raises:
        NotFound: one of them is not the viewer's. Invalid: fewer than 2 or more than 100.
    """
    ids = own_photos(session, viewer, photo_ids)
    rows = [{"first_id": first, "second_id": second} for first, second in combinations(sorted(ids), 2)]
    session.execute(insert_into(session, PhotosApart).values(rows).on_conflict_do_nothing())


def take_back(session: WriteSession, viewer: Viewer, photo_ids: Iterable[UUID]) -> None:
    """Forget that these were said to be different."""
    ids = own_photos(session, viewer, photo_ids)
    session.execute(
        delete(PhotosApart).where(PhotosApart.first_id.in_(ids), PhotosApart.second_id.in_(ids)),
        execution_options={"synchronize_session": False},
    )


def own_photos(session: ReadSession, viewer: Viewer, photo_ids: Iterable[UUID]) -> list[UUID]:
    """The ids, each once, if all are the viewer's and there are 2 to 100 of them."""
    ids = list(dict.fromkeys(photo_ids))
    if not 2 <= len(ids) <= MAX_TOGETHER:
        raise Invalid(say("Name 2 to {most} photos.", most=MAX_TOGETHER), field="ids")
    owned = session.scalar(select(func.count()).where(Photo.id.in_(ids), Photo.owner_id == viewer.user_id))
    if owned != len(ids):
        raise NotFound("There is no such photo.")
    return ids


def _portions(ids: Sequence[UUID]) -> Iterable[Sequence[UUID]]:
    return (ids[start : start + _SOME] for start in range(0, len(ids), _SOME))
