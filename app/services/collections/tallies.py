"""How many photos each album holds: counted once, then remembered while nothing of its owner changes.

Counting a rule over 100,000 photos takes tens of milliseconds, and a page of albums has many rules. Rules that speak of
today or of edits are counted each time.
"""

from __future__ import annotations

from uuid import UUID

from app.db import ReadSession
from app.search import Tally, tally
from app.services.accounts import Viewer
from app.services.collections.remembered import Remembered
from app.services.understanding.models import meaning_model

_remembered: Remembered[tuple[UUID, str], Tally] = Remembered(
    10_000
)  # by album, and model that tells meanings


def of_album(session: ReadSession, viewer: Viewer, album_id: UUID, query: str) -> Tally:
    """The tally of an album of the viewer, whose photos ``query`` finds; archived ones count."""

    def count() -> Tally:
        return tally(session, viewer, query, archived=True)

    key = album_id, meaning_model(session)
    return _remembered.get(session, viewer, key, count, lambda found: found.lasting)
