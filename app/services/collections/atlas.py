"""Every position of a person's photos, in the memory of the process, for maps.

A map of a million photos asked of the database sorts them all by cells: half a second at each look. Here their ids and
positions lie in three arrays, 32 bytes a photo, and a look takes tens of milliseconds. The arrays follow the owner's
change counter (``app.services.clients.sync``): what any process changed since the last look is read again, by id. Where
the history is another one, or deletions were forgotten meanwhile, all is read anew.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, select, type_coerce
from sqlalchemy.types import NullType

from app.db import ReadSession
from app.models import Change, Photo
from app.services.accounts import Viewer
from app.services.collections.remembered import Revision, revision

MOST_REMEMBERED = 4_000_000  # positions of all owners together: 128 MB
_MOST_CHANGES = 20_000  # beyond which reading everything anew is quicker

Degrees = NDArray[np.float64]


@dataclass(frozen=True)
class Positions:
    """Photos in view that have a position, in the order of their ids: ``(N,)`` each."""

    ids: NDArray[np.bytes_]  # 16 bytes
    latitudes: Degrees
    longitudes: Degrees

    def __len__(self) -> int:
        return len(self.ids)

    def without(self, ids: NDArray[np.bytes_]) -> Positions:
        keep = ~np.isin(self.ids, ids)
        return Positions(self.ids[keep], self.latitudes[keep], self.longitudes[keep])

    def merged(self, other: Positions) -> Positions:
        at = np.searchsorted(self.ids, other.ids)
        pairs = ((self.latitudes, other.latitudes), (self.longitudes, other.longitudes))
        return Positions(np.insert(self.ids, at, other.ids), *(np.insert(old, at, new) for old, new in pairs))


_Known = OrderedDict[UUID, tuple[Revision, Positions]]
_remembered: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()
_lock = threading.Lock()


def positions(session: ReadSession, viewer: Viewer) -> Positions:
    """The viewer's photos outside trash and archive that have a position."""
    now = revision(session, viewer)  # before the photos: a change in between is read again, and is not missed
    if now is None:
        return _read(session, viewer)
    bind: Any = session.get_bind()
    with _lock:  # an engine and its variants with other options share one pool
        known = _remembered.setdefault(bind.engine.pool, OrderedDict())
        then, found = known.get(viewer.user_id, (None, None))
    if (
        then is None
        or found is None
        or then.epoch != now.epoch
        or not now.forgotten <= then.number <= now.number
    ):
        found = _read(session, viewer)
    elif then.number < now.number:
        found = _followed(session, viewer, then.number, found)
    with _lock:
        known[viewer.user_id] = now, found
        known.move_to_end(viewer.user_id)
        while len(known) > 1 and sum(len(kept) for _, kept in known.values()) > MOST_REMEMBERED:
            known.popitem(last=False)
    return found


def _followed(session: ReadSession, viewer: Viewer, since: int, known: Positions) -> Positions:
    changed = select(Change.entity).where(
        Change.owner_id == viewer.user_id, Change.sequence > since, Change.kind == "photo"
    )
    ids = [UUID(hex=name) for name in session.scalars(changed.limit(_MOST_CHANGES + 1))]
    if not ids:
        return known
    if len(ids) > _MOST_CHANGES:
        return _read(session, viewer)
    return known.without(_as_ids(ids)).merged(_read(session, viewer, Photo.id.in_(ids)))


def _read(session: ReadSession, viewer: Viewer, *among: ColumnElement[bool]) -> Positions:
    raw = type_coerce(Photo.id, NullType())
    statement = select(raw, Photo.latitude, Photo.longitude).where(
        Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Photo.archived.is_(False),
        Photo.latitude.is_not(None), Photo.longitude.is_not(None), *among,
    )  # fmt: skip
    rows = (
        session.connection().execute(statement).fetchall()
    )  # plain values, for the session would look at each
    found = _as_ids([row[0] for row in rows])
    order = np.argsort(found)
    degrees = np.array([row[1:] for row in rows], np.float64).reshape(-1, 2)[order]
    return Positions(found[order], np.ascontiguousarray(degrees[:, 0]), np.ascontiguousarray(degrees[:, 1]))


def _as_ids(ids: Iterable[Any]) -> NDArray[np.bytes_]:
    """Ids as the database driver gives them: bytes, or on PostgreSQL UUIDs."""
    joined = b"".join(i.bytes if isinstance(i, UUID) else i for i in ids)
    return np.frombuffer(joined, "S16")


def as_uuid(key: Any) -> UUID:
    """The id of one of ``Positions.ids``: numpy cuts the zeros off its end."""
    return UUID(bytes=bytes(key).ljust(16, b"\0"))
