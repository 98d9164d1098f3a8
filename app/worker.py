"""The claim loop: take ready jobs under a lease, run their handlers, record the outcome. Rules are in services."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import FrameType
from typing import TYPE_CHECKING
from uuid import UUID

from app import migrate
from app.context import Context
from app.logs import job_id
from app.models import Job
from app.search import pgvector
from app.services import batch_edits, edits, jobs, photos
from app.services.clients import resumable, sync
from app.services.copies import comparing
from app.services.faces import grouping
from app.services.tagging import tag_counts, teaching
from app.services.understanding import analysis, models, retag
from app.services.upkeep import errands, health, holdings
from app.settings import Settings

if TYPE_CHECKING:
    from ml import Analyzer

log = logging.getLogger(__name__)

_IDLE_SECONDS = 0.5
_REAP_SECONDS = 5.0
_SWEEP_SECONDS = 3600.0
_ERRAND_SECONDS = 2.0
# Work that gains by waiting until the photos at hand are done; it is not put off for longer than this.
_PATIENT = (grouping.KIND, comparing.KIND)
_PATIENCE_SECONDS = 60.0


class Worker:
    """One process's worker. ``run_once`` does one batch, for tests and cluster drivers; ``run_forever`` is the loop."""

    def __init__(self, context: Context, analyzer: Analyzer | None = None) -> None:
        self.context = context
        self.name = jobs.worker_name()
        self._analyzer = analyzer
        self._analyzers: dict[tuple[str | None, tuple[tuple[str, str], ...]], Analyzer] = {}
        self._building = threading.Lock()
        # A plain flag: a signal's handler sets it, and an event's lock may be held by the very thread it interrupts.
        self._stopping = False
        self._due = {"reap": 0.0, "sweep": 0.0}
        self._last_work = time.monotonic()
        self._handlers: dict[str, Callable[[Sequence[Job]], None]] = {
            "edit": self._edit,  # somebody waits for it
            teaching.KIND: self._teach,  # somebody waits for this, too
            batch_edits.KIND: self._edits,
            "analyse": self._analyse,
            grouping.KIND: self._people,
            comparing.KIND: self._compare,
        }
        self._last_patient = time.monotonic()

    def analyzer_for(self, model: str | None = None) -> Analyzer:
        """The analyzer with the chosen models, or with ``model`` in place of its task's.

        Raises:
            Invalid: no such model, or one that no stage can use.
        """
        if model is None and self._analyzer is not None:
            return self._analyzer
        with self.context.database.read() as session:
            chosen = models.chosen_models(session)
        wanted = (model, tuple(sorted(chosen.items())))
        with self._building:
            if wanted not in self._analyzers:
                self._analyzers[wanted] = models.build_analyzer(self.context.settings, model, chosen)
            return self._analyzers[wanted]

    def tick(self) -> int:
        """Housekeeping when due, then one batch; how many jobs it held."""
        self._housekeeping()
        return self.run_once()

    def stop(self) -> None:
        """Finish the batch at hand, then end ``run_forever``."""
        self._stopping = True

    def run_forever(self) -> None:
        log.info("worker started", extra={"worker": self.name})
        migrate.require_current(self.context.database)
        beside = [threading.Thread(target=run, daemon=True) for run in (self._live, self._run_errands)]
        for thread in beside:
            thread.start()
        while not self._stopping:
            if self.tick() == 0:
                self._let_idle_models_go()
                time.sleep(_IDLE_SECONDS)
        with self.context.database.write() as session:
            health.gone(session, self.name)
        log.info("worker stopped", extra={"worker": self.name})

    def errand_once(self) -> bool:
        """Claim and do one errand; whether there was one."""
        settings = self.context.settings
        with self.context.database.write() as session:
            claimed = jobs.claim(session, self.name, errands.KINDS, 1, settings.job_lease_seconds)
        for job in claimed:
            token = job_id.set(str(job.id))
            try:
                with _Renewal(self.context, self.name, [job.id]):
                    errands.run(self.context, self.name, job, self.analyzer_for)
            finally:
                job_id.reset(token)
            self._last_work = time.monotonic()
        return bool(claimed)

    def _run_errands(self) -> None:
        """Beside the photos: a check of all files may take hours, and nobody's upload waits for it."""
        while not self._stopping:
            try:
                busy = self.errand_once()
            except (
                Exception
            ):  # the database is away for a moment, or worse: the loop that does photos will say
                log.exception("errands could not be looked for")
                busy = False
            if not busy:
                time.sleep(_ERRAND_SECONDS)

    def _live(self) -> None:
        """Leave a sign of life now and then."""
        while not self._stopping:
            try:
                with self.context.database.write() as session:
                    health.beat(session, self.name)
            except Exception:
                log.exception("no sign of life could be left")
            time.sleep(health.BEAT_SECONDS)

    def run_once(self) -> int:
        """Claim and do one batch; how many jobs it held."""
        settings, done = self.context.settings, 0
        for kind, handler in self._handlers.items():
            if kind in _PATIENT and done and time.monotonic() - self._last_patient < _PATIENCE_SECONDS:
                continue
            limit = settings.job_batch if kind == "analyse" else 1
            with self.context.database.write() as session:
                claimed = jobs.claim(session, self.name, [kind], limit, settings.job_lease_seconds)
            if not claimed:
                continue
            done += len(claimed)
            token = job_id.set(str(claimed[0].id))
            start = time.perf_counter()
            try:
                with _Renewal(self.context, self.name, [job.id for job in claimed]):
                    handler(claimed)
            finally:
                job_id.reset(token)
            seconds = time.perf_counter() - start
            log.info("batch done", extra={"kind": kind, "jobs": len(claimed), "ms": round(seconds * 1000)})
            self._last_work = time.monotonic()
        if not done or time.monotonic() - self._last_patient >= _PATIENCE_SECONDS:
            self._last_patient = time.monotonic()
        return done

    def _analyse(self, claimed: Sequence[Job]) -> None:
        analysis.analyse_batch(self.context, self.analyzer_for, self.name, claimed)

    def _edit(self, claimed: Sequence[Job]) -> None:
        for job in claimed:
            edits.render_job(self.context, self.name, job)

    def _edits(self, claimed: Sequence[Job]) -> None:
        self._each(claimed, batch_edits.render_some)

    def _people(self, claimed: Sequence[Job]) -> None:
        self._each(claimed, grouping.group_faces)

    def _compare(self, claimed: Sequence[Job]) -> None:
        self._each(claimed, comparing.find_duplicates)

    def _teach(self, claimed: Sequence[Job]) -> None:
        self._each(claimed, teaching.learn_tag)

    def _each(self, claimed: Sequence[Job], do: Callable[[Context, str, Job], None]) -> None:
        """Do jobs one by one; one that fails is tried again later, one that was taken away is let go."""
        for job in claimed:
            try:
                do(self.context, self.name, job)
            except grouping.LostLease:
                with self.context.database.write() as session:
                    jobs.fail(session, self.name, job.id, "cancelled", "Cancelled.", retryable=False)
            except Exception as error:
                log.exception("job failed", extra={"kind": job.kind})
                message = f"{type(error).__name__}: {error}"
                with self.context.database.write() as session:
                    jobs.fail(session, self.name, job.id, "internal", message, retryable=True)

    def _housekeeping(self) -> None:
        now = time.monotonic()
        if now >= self._due["reap"]:
            self._due["reap"] = now + _REAP_SECONDS
            with self.context.database.write() as session:
                analysis.mark_parked(session, jobs.reap(session))
                retag.settle(session)
                tag_counts.fold(session)
        if now >= self._due["sweep"]:
            self._due["sweep"] = now + _SWEEP_SECONDS
            with self.context.database.write() as session:
                comparing.request_first_search(session)
                gone = photos.purge_expired(session, self.context.settings.trash_days)
                sync.forget_old(session)
            photos.forget_files(self.context, gone)
            with self.context.database.write() as session:
                holdings.note_sweep(session, len(gone))
            pgvector.build_indexes(self.context.database)
            self.context.storage.sweep_incoming()
            resumable.sweep(self.context)

    def _let_idle_models_go(self) -> None:
        if self._analyzers and time.monotonic() - self._last_work > self.context.settings.model_idle_seconds:
            for analyzer in self._analyzers.values():
                analyzer.unload()
            self._analyzers.clear()


class _Renewal:
    """Keeps the lease of long work alive from a thread; when the process dies, so does the lease."""

    def __init__(self, context: Context, worker: str, job_ids: Sequence[UUID]) -> None:
        self._context, self._worker, self._ids = context, worker, job_ids
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _run(self) -> None:
        lease = self._context.settings.job_lease_seconds
        while not self._done.wait(lease / 3):
            try:
                with self._context.database.write() as session:
                    jobs.renew(session, self._worker, self._ids, lease)
            except Exception:  # a missed renewal costs repeated work, not data; the next one may succeed
                log.exception("lease could not be renewed")


def run(context: Context) -> None:
    """Run a worker until SIGTERM or SIGINT."""
    worker = Worker(context)

    def stop(_signal: int, _frame: FrameType | None) -> None:
        worker.stop()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    os.nice(5)  # people browsing come before machines looking
    try:
        worker.run_forever()
    finally:
        context.close()


def die_with_parent(parent: int) -> None:
    """Ask Linux to end this process when its parent ends, however that happens; end now if it already has."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    except (OSError, AttributeError):
        log.warning("this system cannot tie the worker to its parent")
    if os.getppid() != parent:
        sys.exit(0)


def drain(context: Context) -> None:
    """Work until nothing is ready any more, then return (jobs waiting for a retry stay)."""
    worker = Worker(context)
    try:
        while worker.run_once() or worker.errand_once():
            pass
    finally:
        context.close()


def run_many(settings: Settings, count: int) -> int:
    """Run ``count`` worker processes until interrupted; they end with this one."""
    children = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "app",
                "worker",
                "--attached",
                str(os.getpid()),
                "--data",
                str(settings.data),
            ]
        )
        for _ in range(count)
    ]

    def stop(_signal: int, _frame: FrameType | None) -> None:
        for child in children:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    return max(child.wait() for child in children)
