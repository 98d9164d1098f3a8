"""Reading the library as a whole: what just changed, how big it is, which models are installed."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import func, select

from app.db import ReadSession, utcnow
from app.models import Job, Photo, User
from app.services import jobs
from app.services.accounts import Viewer
from app.settings import Settings

_MOST_CHANGED = 500


@dataclass(frozen=True)
class Pulse:
    """What a waiting page wants to know: job counts, photos changed since the last look, and when that was."""

    counts: jobs.JobCounts
    changed: list[UUID]
    seen: datetime


def pulse(session: ReadSession, viewer: Viewer, since: datetime | None) -> Pulse:
    # A writer stamps updated_at before it commits: look back a little so that a slow commit is not missed.
    now = utcnow()
    changed: list[UUID] = []
    if since is not None:
        changed = list(
            session.scalars(
                select(Photo.id)
                .where(Photo.owner_id == viewer.user_id, Photo.updated_at > since - timedelta(seconds=2))
                .order_by(Photo.updated_at.desc())
                .limit(_MOST_CHANGED)
            )
        )
    return Pulse(jobs.counts(session, viewer), changed, now)


@dataclass(frozen=True)
class Stats:
    users: int
    photos: int
    trashed: int
    bytes: int
    jobs: dict[str, int]
    disk_free: int
    disk_total: int


def stats(session: ReadSession, settings: Settings) -> Stats:
    """Numbers of the whole installation, for administrators."""
    disk = shutil.disk_usage(settings.data)
    rows = session.execute(select(Job.state, func.count()).group_by(Job.state))
    return Stats(
        users=session.scalar(select(func.count()).select_from(User)) or 0,
        photos=session.scalar(select(func.count()).where(Photo.deleted_at.is_(None))) or 0,
        trashed=session.scalar(select(func.count()).where(Photo.deleted_at.is_not(None))) or 0,
        bytes=session.scalar(select(func.sum(Photo.size))) or 0,
        jobs=dict(rows.tuples().all()),
        disk_free=disk.free,
        disk_total=disk.total,
    )
