"""What was computed from a person's photos, remembered in the process while nothing of theirs changes.

Every change of a photo, tag, album or person gets a number from its owner's counter (``app.services.clients.sync``): as
long as that number is the same, so is whatever depends on these alone. Only reading sessions remember; one that
writes may see what others do not, and on PostgreSQL takes its numbers when it commits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

from sqlalchemy import select

from app.db import ReadSession, WriteSession
from app.models import ChangeCounter, KeyValue
from app.services.accounts import Viewer

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


@dataclass(frozen=True)
class Revision:
    """``number`` of the latest change in one history (``epoch``); deletions up to ``forgotten`` are known no longer."""

    epoch: str
    number: int
    forgotten: int


def revision(session: ReadSession, viewer: Viewer) -> Revision | None:
    """The state of what belongs to the viewer; None for a session that writes, or where changes have no numbers."""
    epoch = None if isinstance(session, WriteSession) else session.get(KeyValue, "changes")
    if epoch is None:
        return None
    counter = select(ChangeCounter.value, ChangeCounter.forgotten).where(
        ChangeCounter.owner_id == viewer.user_id
    )
    number, forgotten = session.execute(counter).tuples().first() or (0, 0)
    return Revision(str(epoch.value), number, forgotten)


class Remembered(Generic[Key, Value]):
    """Values by key, apart for each database: at most ``most`` of each, those asked for last. Thread-safe."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: WeakKeyDictionary[Any, OrderedDict[Key, tuple[Revision, Value]]] = WeakKeyDictionary()
        self._lock = threading.Lock()

    def get(
        self,
        session: ReadSession,
        viewer: Viewer,
        key: Key,
        make: Callable[[], Value],
        lasting: Callable[[Value], bool] = lambda _: True,
    ) -> Value:
        """The value of ``key``, made when something changed since; one that is not ``lasting`` is made each time."""
        now = revision(
            session, viewer
        )  # before making: a change in between makes it again, and is not missed
        if now is None:
            return make()
        bind: Any = session.get_bind()
        with self._lock:  # an engine and its variants with other options share one pool
            known = self._known.setdefault(bind.engine.pool, OrderedDict())
            if key in known and known[key][0] == now:
                return known[key][1]
        made = make()
        if lasting(made):
            with self._lock:
                known[key] = now, made
                known.move_to_end(key)
                if len(known) > self._most:
                    known.popitem(last=False)
        return made
