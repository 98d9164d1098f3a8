"""How many photos each album holds, remembered while nothing of its owner changes.

Counting a rule over 100,000 photos takes tens of milliseconds, and a page of albums has many rules. Every change of a
photo, tag, album or person gets a number from its owner's counter (``app.services.clients.sync``): as long as that
number and the model that searches by meaning are the same, so is what every rule finds, but for rules that speak of
today or of edits. Only reading sessions remember; one that writes may see what others do not, and on PostgreSQL takes
its numbers when it commits.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

from sqlalchemy import select

from app.db import ReadSession, WriteSession
from app.models import ChangeCounter
from app.search import Tally, tally
from app.services.accounts import Viewer
from app.services.understanding.models import meaning_model

_MOST = 10_000  # albums

_Known = OrderedDict[UUID, tuple[tuple[int, str], Tally]]
_remembered: WeakKeyDictionary[Any, _Known] = WeakKeyDictionary()
_lock = threading.Lock()


def of_album(session: ReadSession, viewer: Viewer, album_id: UUID, query: str) -> Tally:
    """The tally of an album of the viewer, whose photos ``query`` finds; archived ones count."""
    if isinstance(session, WriteSession):
        return tally(session, viewer, query, archived=True)
    bind: Any = session.get_bind()
    with _lock:  # an engine and its variants with other options share one pool
        known = _remembered.setdefault(bind.engine.pool, OrderedDict())
    # Read before counting: a change in between is then counted again, not missed.
    number = session.scalar(select(ChangeCounter.value).where(ChangeCounter.owner_id == viewer.user_id)) or 0
    now = number, meaning_model(session)
    with _lock:
        then, found = known.get(album_id, (None, None))
    if found is None or then != now:
        found = tally(session, viewer, query, archived=True)
        if found.lasting:
            with _lock:
                known[album_id] = now, found
                known.move_to_end(album_id)
                if len(known) > _MOST:
                    known.popitem(last=False)
    return found
