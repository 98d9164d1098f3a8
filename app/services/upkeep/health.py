"""How the installation is: workers that live, work that waits, what failed last, versions. For administrators."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass
from datetime import datetime, timedelta
from importlib import metadata

from sqlalchemy import Select, delete, func, select, text

from app.db import ReadSession, WriteSession, utcnow
from app.models import Job, KeyValue
from app.services import jobs
from app.services.upkeep import facts

BEAT_SECONDS = 20.0
_SILENT = timedelta(seconds=90)
_FORGOTTEN = timedelta(days=1)
_SIGN = "worker:"
_PACKAGES = ("albumen", "fastapi", "sqlalchemy", "pillow", "onnxruntime", "torch")


@dataclass(frozen=True)
class WorkerSign:
    """One worker's last sign of life; ``doing`` is the kind of job it holds now, empty when it rests."""

    host: str
    pid: int
    since: datetime
    seen: datetime
    alive: bool
    doing: str


@dataclass(frozen=True)
class Queue:
    """What waits of one kind, and since when."""

    kind: str
    ready: int
    running: int
    paused: int
    failed: int
    oldest: datetime | None


@dataclass(frozen=True)
class Failure:
    """A job that was given up."""

    kind: str
    code: str
    message: str
    at: datetime


@dataclass(frozen=True)
class Health:
    workers: list[WorkerSign]
    queues: list[Queue]
    failures: list[Failure]
    versions: dict[str, str]
    schema: str
    expected_schema: str

    @property
    def problems(self) -> list[str]:
        """What an administrator should look at: ``no-worker``, ``schema``, ``stuck``."""
        waiting = sum(queue.ready for queue in self.queues)
        late = [q.oldest for q in self.queues if q.oldest and utcnow() - q.oldest > timedelta(hours=1)]
        alive = any(worker.alive for worker in self.workers)
        found = [] if alive else ["no-worker"]
        found += ["schema"] if self.schema != self.expected_schema else []
        found += ["stuck"] if alive and waiting and late and not any(q.running for q in self.queues) else []
        return found


# --- signs of life --------------------------------------------------------------------------------------------


def beat(session: WriteSession, worker: str) -> None:
    """Leave a worker's sign of life; forget those that have been silent for a day."""
    known = facts.get(session, _key(worker))
    now = utcnow().isoformat()
    facts.put(session, _key(worker), {"name": worker, "since": known.get("since", now), "seen": now})
    for row in session.scalars(_signs()):
        if utcnow() - datetime.fromisoformat(row.value["seen"]) > _FORGOTTEN:
            session.delete(row)


def gone(session: WriteSession, worker: str) -> None:
    """A worker that ends in order takes its sign with it."""
    session.execute(delete(KeyValue).where(KeyValue.key == _key(worker)))


def _key(worker: str) -> str:
    return _SIGN + hashlib.sha256(worker.encode()).hexdigest()[:24]


def _signs() -> Select[KeyValue]:
    return select(KeyValue).where(KeyValue.key.startswith(_SIGN))


def _workers(session: ReadSession) -> list[WorkerSign]:
    held = dict(
        session.execute(
            select(Job.worker, func.min(Job.kind)).where(Job.state == "running").group_by(Job.worker)
        )
        .tuples()
        .all()
    )
    found = []
    for row in session.scalars(_signs()):
        name, seen = row.value["name"], datetime.fromisoformat(row.value["seen"])
        host, _, rest = name.partition("/")
        alive = utcnow() - seen < _SILENT and not jobs.is_gone(name)
        found.append(
            WorkerSign(
                host=host,
                pid=int(rest.partition("/")[0] or 0),
                since=datetime.fromisoformat(row.value["since"]),
                seen=seen,
                alive=alive,
                doing=held.get(name, "") if alive else "",
            )
        )
    return sorted(found, key=lambda worker: (not worker.alive, worker.host, worker.pid))


# --- the report -----------------------------------------------------------------------------------------------


def report(session: ReadSession, schema: str, expected_schema: str, failures: int = 10) -> Health:
    """The whole picture; ``schema`` is where the database's migrations are, ``expected_schema`` where they end."""
    return Health(
        workers=_workers(session),
        queues=_queues(session),
        failures=[
            Failure(job.kind, job.error_code or "", job.error or "", job.finished_at or job.created_at)
            for job in session.scalars(
                select(Job).where(Job.state == "failed").order_by(Job.id.desc()).limit(failures)
            )
        ],
        versions=_versions(session),
        schema=schema,
        expected_schema=expected_schema,
    )


def _queues(session: ReadSession) -> list[Queue]:
    states = ("ready", "running", "paused", "failed")
    rows = session.execute(
        select(Job.kind, Job.state, func.count(), func.min(Job.run_after))
        .where(Job.state.in_(states))
        .group_by(Job.kind, Job.state)
    ).tuples()
    counts: dict[str, dict[str, int]] = {}
    oldest: dict[str, datetime] = {}
    for kind, state, count, first in rows:
        counts.setdefault(kind, dict.fromkeys(states, 0))[state] = count
        if state == "ready":
            oldest[kind] = first
    return [Queue(kind, oldest=oldest.get(kind), **by_state) for kind, by_state in sorted(counts.items())]


def _versions(session: ReadSession) -> dict[str, str]:
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue  # an installation without it
    dialect = session.get_bind().dialect.name
    asked = "select sqlite_version()" if dialect == "sqlite" else "show server_version"
    return {**found, dialect: str(session.scalar(text(asked)))}
