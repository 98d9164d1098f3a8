"""One recipe for many photos: an edit of each, all rendered by one job that can be stopped, resumed and taken back.

The edits are rows from the start; the job renders those still pending, a few seconds' worth at a time, and then lets
other work have a turn. A killed worker therefore loses at most the picture it was at.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import AppError, Invalid
from app.imaging import darkroom
from app.models import Edit, Job, Photo
from app.services import edits, jobs
from app.services.accounts import Viewer
from app.services.faces.grouping import LostLease

log = logging.getLogger(__name__)
KIND = "edits"
_TURN = 10.0  # seconds after which other work may go first
_SOME = 500  # ids in one statement


@dataclass(frozen=True)
class Asked:
    """How many edits were asked for, the photos the recipe does not suit, and the job; None without any edit."""

    count: int
    refused: list[UUID]
    job: UUID | None


def create(
    session: WriteSession, viewer: Viewer, photos: Sequence[Photo], recipe: Any, title: str = ""
) -> Asked:
    """Ask for the same edit of many photos; those in the trash count as refused.

    Raises:
        Invalid: no recipe.
        BadRecipe: the recipe is wrong whatever the photo.
    """
    if not recipe:
        raise Invalid("Say which recipe.", field="recipe")
    edits.checked(recipe)
    made, refused = [], []
    for photo in photos:
        try:
            made.append(edits.new_edit(session, viewer, photo, recipe, title))
        except AppError:
            refused.append(photo.id)
    if not made:
        return Asked(0, refused, None)
    session.flush()
    names = [str(edit.id) for edit in made]
    job = jobs.enqueue(
        session,
        KIND,
        dedupe=names[0],
        owner_id=viewer.user_id,
        payload={"edits": names},
        priority=jobs.UPLOAD,
    )
    return Asked(len(made), refused, job)


def take_back(session: WriteSession, viewer: Viewer, job_id: UUID) -> int:
    """Stop a job of many edits and put away what it made; how many edits. Photos are as they were before.

    Raises:
        Invalid: the job is of another kind.
    """
    job = jobs.get_job(session, viewer, job_id)
    if job.kind != KIND:
        raise Invalid("This job does not edit many photos.", field="job_id")
    if job.state in ("ready", "running"):
        jobs.cancel(session, viewer, job_id)
    gone = 0
    now = utcnow()
    for some in _parts(job):
        mine = (Edit.id.in_(some), Edit.deleted_at.is_(None))
        touched = select(Edit.photo_id).where(*mine)
        session.execute(update(Photo).where(Photo.id.in_(touched)).values(updated_at=now))
        gone += int(session.execute(update(Edit).where(*mine).values(deleted_at=now)).rowcount)  # type: ignore[attr-defined]
    session.expire_all()
    return gone


def render_some(context: Context, worker: str, job: Job) -> None:
    """Do one claimed job for a while: render its pending edits, then finish it or put it back.

    Raises:
        LostLease: the job was cancelled or taken over.
    """
    total = len(job.payload["edits"])
    over = time.monotonic() + _TURN
    while True:
        with context.database.read() as session:
            waiting, following = _pending(session, job)
        if following is None:
            with context.database.write() as session:
                jobs.finish(session, worker, job.id)
            return
        follow = edits.Follow(context, worker, job.id, done=total - waiting, total=total)
        if follow.stopped():
            raise LostLease
        if time.monotonic() > over:
            with context.database.write() as session:
                jobs.put_back(session, worker, job.id)
            return
        _render(context, worker, job, following, follow)


def _render(context: Context, worker: str, job: Job, edit_id: UUID, follow: edits.Follow) -> None:
    """Render one of the edits; one that cannot be made says so and the others go on."""
    try:
        edits.render(context, edit_id, follow, lambda session: jobs.holds(session, worker, job.id))
    except darkroom.Cancelled:
        raise LostLease from None
    except AppError as error:
        with context.database.write() as session:
            edits.mark_failed(session, edit_id, error.detail)


def _pending(session: ReadSession, job: Job) -> tuple[int, UUID | None]:
    """How many of the job's edits wait, and the first of them."""
    waiting, first = 0, None
    for some in _parts(job):
        pending = (Edit.id.in_(some), Edit.status == "pending", Edit.deleted_at.is_(None))
        waiting += session.scalar(select(func.count()).where(*pending)) or 0
        first = first or session.scalar(select(Edit.id).where(*pending).order_by(Edit.id).limit(1))
    return waiting, first


def _parts(job: Job) -> list[list[UUID]]:
    ids = [UUID(name) for name in job.payload["edits"]]
    return [ids[start : start + _SOME] for start in range(0, len(ids), _SOME)]
