"""The jobs table: enqueue, claim, finish, fail, cancel. The row is the truth about pending work.

Enqueueing is a row in the caller's transaction, so there are no lost and no phantom jobs. A worker claims under a
lease; whatever it held when it died becomes ready again, at once when the process is seen to be gone on this host,
else when the lease passes.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.orm import aliased

from app.db import ReadSession, WriteSession, insert_into, new_id, utcnow
from app.errors import Conflict, NotFound
from app.models import Edit, Job, Photo
from app.sentences import say
from app.services.accounts import Viewer

USER_WAITS, UPLOAD, CAMPAIGN = 10, 50, 90
MAX_ATTEMPTS = 3
_MOST_AT_ONCE = 1000
_PACE_WINDOW = timedelta(minutes=5)
_SOME = 500  # ids in one statement
_BACKOFF = (timedelta(seconds=5), timedelta(minutes=1), timedelta(minutes=10))


def enqueue(
    session: WriteSession,
    kind: str,
    *,
    dedupe: str,
    owner_id: UUID | None = None,
    photo_id: UUID | None = None,
    campaign_id: UUID | None = None,
    payload: dict[str, Any] | None = None,
    priority: int = UPLOAD,
) -> UUID | None:
    """Add a job in the caller's transaction; None when the same work is already ready or running."""
    values = {
        "id": new_id(),
        "kind": kind,
        "dedupe": dedupe,
        "owner_id": owner_id,
        "photo_id": photo_id,
        "campaign_id": campaign_id,
        "payload": payload or {},
        "priority": priority,
    }
    statement = insert_into(session, Job).values(values).on_conflict_do_nothing().returning(Job.id)
    return session.scalar(statement)


# --- the worker's side ----------------------------------------------------------------------------------------


def worker_name() -> str:
    """``host/pid/start``: enough to tell, on the same host, whether the process still lives."""
    return f"{socket.gethostname()}/{os.getpid()}/{_started(os.getpid())}"


def claim(
    session: WriteSession, worker: str, kinds: Sequence[str], limit: int, lease_seconds: int
) -> list[Job]:
    """Take up to ``limit`` ready jobs, the most urgent first, for ``lease_seconds``."""
    now = utcnow()
    ready = (
        select(Job.id)
        .where(Job.state == "ready", Job.kind.in_(kinds), Job.run_after <= now)
        .order_by(Job.priority, Job.id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = session.scalars(
        update(Job)
        .where(Job.id.in_(ready))
        .values(
            state="running",
            worker=worker,
            lease_until=now + timedelta(seconds=lease_seconds),
            attempts=Job.attempts + 1,
            started_at=now,
            progress=0.0,
        )
        .returning(Job),
        execution_options={"synchronize_session": False},
    )
    return sorted(taken, key=lambda job: (job.priority, job.id))


def renew(session: WriteSession, worker: str, job_ids: Iterable[UUID], lease_seconds: int) -> None:
    _mine(session, worker, job_ids, lease_until=utcnow() + timedelta(seconds=lease_seconds))


def set_progress(session: WriteSession, worker: str, job_id: UUID, progress: float) -> bool:
    """Record progress (0..1); False when the job was cancelled or taken over and should stop."""
    done = _mine(session, worker, [job_id], progress=min(max(progress, 0.0), 1.0))
    return done == 1 and not session.scalar(select(Job.cancel_requested).where(Job.id == job_id))


def finish(session: WriteSession, worker: str, job_id: UUID, *, result: dict[str, Any] | None = None) -> bool:
    """Mark as done; False when this worker no longer holds it (then the caller's transaction must not commit)."""
    kept = {} if result is None else {"result": result}
    done = _mine(
        session, worker, [job_id], state="done", progress=1.0, finished_at=utcnow(), error=None, **kept
    )
    return done == 1


def fail(
    session: WriteSession, worker: str, job_id: UUID, code: str, message: str, *, retryable: bool
) -> str | None:
    """Record a failure; the new state: ``ready`` (will be retried, with backoff), ``failed``, or None if not ours."""
    job = session.get(Job, job_id)
    if job is None or job.worker != worker or job.state != "running":
        return None
    if retryable and job.attempts < MAX_ATTEMPTS and not job.cancel_requested:
        job.state, job.run_after = "ready", utcnow() + _BACKOFF[job.attempts - 1]
    else:
        job.state, job.finished_at = ("cancelled" if job.cancel_requested else "failed"), utcnow()
    job.error, job.error_code, job.worker, job.lease_until = message[:500], code, None, None
    if job.state in ("failed", "cancelled"):
        _show_on_edits(session, job, "pending", "failed", message[:500])
    return job.state


def put_back(session: WriteSession, worker: str, job_id: UUID) -> None:
    """Let other work have a turn: the job, not done yet, waits again. This turn counts as no attempt."""
    job = session.get(Job, job_id)
    if job is None or job.worker != worker or job.state != "running":
        return
    if job.cancel_requested:
        fail(session, worker, job_id, "cancelled", "Cancelled.", retryable=False)
        return
    job.state, job.worker, job.lease_until = "ready", None, None
    job.attempts, job.run_after = job.attempts - 1, utcnow()


def holds(session: ReadSession, worker: str, job_id: UUID) -> bool:
    """Whether this worker still holds the job and nobody has asked to stop it."""
    job = session.get(Job, job_id)
    return job is not None and job.worker == worker and job.state == "running" and not job.cancel_requested


def reap(session: WriteSession) -> list[Job]:
    """Give back what dead workers held. Returns the jobs parked as failed because they were tried too often."""
    held = session.scalars(select(Job).where(Job.state == "running")).all()
    now, parked = utcnow(), []
    for job in held:
        expired = job.lease_until is None or job.lease_until <= now
        if not (expired or is_gone(job.worker or "")):
            continue
        job.worker, job.lease_until = None, None
        if job.cancel_requested:
            job.state, job.finished_at = "cancelled", now
        elif job.attempts >= MAX_ATTEMPTS:
            job.state, job.finished_at = "failed", now
            job.error_code, job.error = (
                "worker-died",
                say("The worker died {count} times doing this.", count=MAX_ATTEMPTS),
            )
            _show_on_edits(session, job, "pending", "failed", job.error)
            parked.append(job)
        else:
            job.state, job.run_after = "ready", now
    return parked


def _mine(session: WriteSession, worker: str, job_ids: Iterable[UUID], **values: Any) -> int:
    held = and_(Job.id.in_(list(job_ids)), Job.worker == worker, Job.state == "running")
    result = session.execute(
        update(Job).where(held).values(**values), execution_options={"synchronize_session": False}
    )
    return int(result.rowcount)  # type: ignore[attr-defined]


def _started(pid: int) -> str:
    """The kernel's start time of a process, so that a reused pid is not taken for the old worker."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return "0"


def is_gone(worker: str) -> bool:
    """Whether the worker of this name is known to have ended: only its own host can tell."""
    host, _, rest = worker.partition("/")
    pid, _, started = rest.partition("/")
    if host != socket.gethostname() or not pid.isdigit() or not Path("/proc").is_dir():
        return False
    return _started(int(pid)) != started


# --- the user's side ------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class JobCounts:
    """How much of one user's work is waiting, running, done and failed."""

    ready: int = 0
    running: int = 0
    done: int = 0
    failed: int = 0
    cancelled: int = 0
    paused: int = 0


@dataclass(frozen=True)
class Pace:
    """How fast one user's work goes: jobs a second over the last minutes, and seconds until what waits is done."""

    rate: float | None
    eta: float | None


def pace(session: ReadSession, viewer: Viewer, waiting: int) -> Pace:
    """The recent pace; unknown while nothing has been finished in the last five minutes."""
    since = utcnow() - _PACE_WINDOW
    done, first = session.execute(
        select(func.count(), func.min(Job.finished_at)).where(
            _visible(viewer), Job.state == "done", Job.finished_at > since
        )
    ).one()
    if not done or first is None:
        return Pace(None, None)
    # A burst that began a moment ago is measured over its own length, not over the whole window.
    rate = done / max((utcnow() - first).total_seconds(), 1.0)
    return Pace(rate, waiting / rate)


def _visible(viewer: Viewer) -> ColumnElement[bool]:
    return Job.owner_id == viewer.user_id


def counts(session: ReadSession, viewer: Viewer) -> JobCounts:
    rows = session.execute(select(Job.state, func.count()).where(_visible(viewer)).group_by(Job.state))
    return JobCounts(**dict(rows.tuples().all()))


def list_jobs(
    session: ReadSession,
    viewer: Viewer,
    *,
    states: Sequence[str] = (),
    limit: int = 50,
    before: UUID | None = None,
) -> list[tuple[Job, str | None]]:
    """Newest first, each with its photo's file name."""
    query = select(Job, Photo.filename).outerjoin(Photo, Photo.id == Job.photo_id).where(_visible(viewer))
    if states:
        query = query.where(Job.state.in_(states))
    if before is not None:
        query = query.where(Job.id < before)
    rows = session.execute(query.order_by(Job.id.desc()).limit(limit)).all()
    return [(row[0], row[1]) for row in rows]


def get_job(session: ReadSession, viewer: Viewer, job_id: UUID) -> Job:
    job = session.get(Job, job_id)
    if job is None or job.owner_id != viewer.user_id:
        raise NotFound("There is no such job.")
    return job


def cancel(session: WriteSession, viewer: Viewer, job_id: UUID) -> Job:
    """Cancel at once when it waits; ask the worker to stop when it runs. Cancelling twice is harmless."""
    job = get_job(session, viewer, job_id)
    if job.state in ("ready", "paused"):
        job.state, job.finished_at = "cancelled", utcnow()
        _show_on_edits(session, job, "pending", "failed", "Cancelled.")
    elif job.state == "running":
        job.cancel_requested = True
    elif job.state != "cancelled":
        raise Conflict("This job has already ended.")
    return job


def pause(session: WriteSession, viewer: Viewer) -> int:
    """Hold everything of the viewer's that waits (a campaign's jobs are held with it); how many."""
    own = (_visible(viewer), Job.campaign_id.is_(None), Job.state == "ready")
    return _move(session, *own, state="paused")


def resume(session: WriteSession, viewer: Viewer) -> int:
    """Let what was held go on; how many. Work that has been asked for anew meanwhile is not done twice."""
    own = (_visible(viewer), Job.campaign_id.is_(None), Job.state == "paused")
    newer = aliased(Job)
    twin = select(newer.id).where(
        newer.kind == Job.kind, newer.dedupe == Job.dedupe, newer.state.in_(("ready", "running"))
    )
    _move(session, *own, twin.exists(), state="cancelled", finished_at=utcnow())
    return _move(session, *own, state="ready")


def _move(session: WriteSession, *which: ColumnElement[bool], **values: Any) -> int:
    moved = session.execute(
        update(Job).where(*which).values(**values), execution_options={"synchronize_session": False}
    )
    return int(moved.rowcount)  # type: ignore[attr-defined]


def retry_failed(session: WriteSession, viewer: Viewer) -> int:
    """Run the viewer's failed jobs again, up to a thousand, the latest first; how many."""
    failed = select(Job.id).where(_visible(viewer), Job.state == "failed").order_by(Job.id.desc())
    again = 0
    for job_id in session.scalars(failed.limit(_MOST_AT_ONCE)).all():
        try:
            retry(session, viewer, job_id)
        except Conflict:  # the same work waits already
            continue
        session.flush()
        again += 1
    return again


def retry(session: WriteSession, viewer: Viewer, job_id: UUID) -> Job:
    """Run a failed or cancelled job again from the start.

    Raises:
        Conflict: it has not ended, it succeeded, or the same work is already waiting.
    """
    job = get_job(session, viewer, job_id)
    if job.state not in ("failed", "cancelled"):
        raise Conflict("Only a failed or cancelled job can be retried.")
    twin = select(Job.id).where(
        Job.kind == job.kind, Job.dedupe == job.dedupe, Job.state.in_(("ready", "running"))
    )
    if session.scalar(twin) is not None:
        raise Conflict("The same work is already waiting.")
    job.state, job.attempts, job.run_after, job.cancel_requested = "ready", 0, utcnow(), False
    job.error = job.error_code = job.finished_at = None
    _show_on_edits(session, job, "failed", "pending", None)
    photo = session.get(Photo, job.photo_id) if job.photo_id is not None else None
    if photo is not None and photo.status == "failed":
        photo.status, photo.error, photo.updated_at = "pending", None, utcnow()
    return job


def _show_on_edits(session: WriteSession, job: Job, before: str, after: str, error: str | None) -> None:
    """Edits show what became of the job that is to render them."""
    names = (
        job.payload["edits"] if job.kind == "edits" else [job.payload["edit"]] if job.kind == "edit" else []
    )
    for start in range(0, len(names), _SOME):
        some = [UUID(name) for name in names[start : start + _SOME]]
        session.execute(
            update(Edit).where(Edit.id.in_(some), Edit.status == before).values(status=after, error=error)
        )
