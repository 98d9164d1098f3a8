"""What administrators have done in the background: fetching and measuring models, checking the files, trying and
undoing re-tags. Each is a job like any other (durable, with progress, cancelled and retried by its owner) whose
``result`` is kept for the page. Workers do them beside the photos, so that a long check holds up nobody's upload.
"""

from __future__ import annotations

import hashlib
import json
import logging
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, select

from app.context import Context
from app.db import ReadSession, WriteSession, utcnow
from app.errors import AppError
from app.models import CampaignBefore, Job, Photo
from app.sentences import say
from app.services import jobs
from app.services.accounts import Viewer
from app.services.understanding import models, retag
from app.services.upkeep import check, facts

if TYPE_CHECKING:
    from ml import Analyzer

log = logging.getLogger(__name__)

FETCH, MEASURE, CHECK, TRY, UNDO = "fetch-model", "measure-model", "check", "retag-try", "retag-undo"
KINDS = (FETCH, MEASURE, CHECK, TRY, UNDO)
STORAGE_FACT = "storage.measured"
_MOST_FINDINGS = 200
_MOST_TRIED = 500
_STEP_SECONDS = 1.0
_MEASURE_SECONDS = 300


class ModelNotFetched(AppError):
    code, status, title = "model-not-fetched", 502, "The model could not be fetched"


class NotMeasured(AppError):
    code, status, title = "model-not-measured", 422, "The model could not be measured"


class Stopped(Exception):
    """The job was cancelled or taken over: what it was about to do must not be done."""


@dataclass
class Errand:
    """One job being done; ``step`` tells how far it is and raises ``Stopped`` when it is to end."""

    context: Context
    worker: str
    job: Job
    analyzer_for: Callable[[str | None], Analyzer]
    _told: float = field(default=0.0)

    def step(self, fraction: float) -> None:
        if time.monotonic() - self._told < _STEP_SECONDS:
            return
        self._told = time.monotonic()
        with self.context.database.write() as session:
            if not jobs.set_progress(session, self.worker, self.job.id, fraction):
                raise Stopped


def run(context: Context, worker: str, job: Job, analyzer_for: Callable[[str | None], Analyzer]) -> None:
    """Do one claimed errand and record its outcome."""
    try:
        result = _DO[job.kind](Errand(context, worker, job, analyzer_for))
    except Stopped:
        code, message, retryable = "cancelled", "Cancelled.", False
    except AppError as error:
        code, message, retryable = error.code, error.detail, False
    except Exception as error:
        log.exception("errand failed", extra={"kind": job.kind})
        code, message, retryable = "internal", f"{type(error).__name__}: {error}", True
    else:
        with context.database.write() as session:
            jobs.finish(session, worker, job.id, result=result)
        return
    with context.database.write() as session:
        jobs.fail(session, worker, job.id, code, message, retryable=retryable)


def last(session: ReadSession, kind: str) -> Job | None:
    """The latest errand of a kind, whoever asked for it."""
    return session.scalar(select(Job).where(Job.kind == kind).order_by(Job.id.desc()).limit(1))


def open_errands(session: ReadSession, kinds: Sequence[str]) -> list[Job]:
    """Those of these kinds that wait or run."""
    return list(session.scalars(select(Job).where(Job.kind.in_(kinds), Job.state.in_(("ready", "running")))))


# --- asking ---------------------------------------------------------------------------------------------------


def _ask(session: WriteSession, viewer: Viewer, kind: str, dedupe: str, payload: dict[str, Any]) -> Job:
    """The job, or the one that waits for the same already."""
    jobs.enqueue(
        session, kind, dedupe=dedupe, owner_id=viewer.user_id, payload=payload, priority=jobs.USER_WAITS
    )
    same = select(Job).where(Job.kind == kind, Job.dedupe == dedupe, Job.state.in_(("ready", "running")))
    return session.scalars(same).one()


def ask_fetch(session: WriteSession, viewer: Viewer, model_id: str) -> Job:
    """Have a model brought here. Raises NotFound."""
    entry = models.entry_of(model_id)
    return _ask(session, viewer, FETCH, entry.id, {"model": entry.id})


def ask_measure(session: WriteSession, viewer: Viewer, model_id: str) -> Job:
    """Have a model's speed and memory measured on the worker's machine. Raises NotFound."""
    entry = models.entry_of(model_id)
    return _ask(session, viewer, MEASURE, entry.id, {"model": entry.id})


def ask_check(session: WriteSession, viewer: Viewer, *, repair: bool = False) -> Job:
    """Have every original read and compared."""
    return _ask(session, viewer, CHECK, "all", {"repair": repair})


def ask_try(
    session: WriteSession,
    viewer: Viewer,
    photo_ids: Sequence[UUID],
    *,
    stages: Sequence[str],
    query: str = "",
    model: str | None = None,
    sample: int = 100,
) -> Job:
    """Have a re-tag tried on a sample of these photos; nothing is stored but the differences by tag."""
    sample = min(sample, _MOST_TRIED)
    tried = list(photo_ids)
    if len(tried) > sample:
        tried = random.Random(0).sample(tried, sample)
    payload = {"stages": list(stages), "model": model, "query": query, "of": len(photo_ids),
               "photos": [str(photo_id) for photo_id in tried]}  # fmt: skip
    digest = hashlib.sha256(json.dumps(payload).encode()).hexdigest()[:32]
    return _ask(session, viewer, TRY, digest, payload)


def ask_undo(session: WriteSession, viewer: Viewer, campaign_id: UUID) -> Job:
    """Have a campaign undone. Raises NotFound, or Conflict while it runs."""
    retag.begin_undo(session, campaign_id)
    return _ask(session, viewer, UNDO, str(campaign_id), {"campaign": str(campaign_id)})


# --- doing ----------------------------------------------------------------------------------------------------


def _fetch(errand: Errand) -> dict[str, Any]:
    from ml.zoo import FetchError, Progress, Zoo

    parts = {"download": (0.0, 0.7), "unpack": (0.7, 0.75), "convert": (0.75, 0.85), "export": (0.85, 0.95)}

    def report(progress: Progress) -> None:
        low, high = parts.get(progress.step, (0.95, 0.99))
        share = progress.done / progress.total if progress.total else 0.0
        errand.step(low + (high - low) * min(share, 1.0))

    try:
        made = Zoo(errand.context.settings.models_dir).fetch([errand.job.payload["model"]], progress=report)
    except FetchError as error:
        raise ModelNotFetched(say("The model could not be fetched: {reason}", reason=error)) from None
    return {"made": [entry.id for entry in made]}


def _measure(errand: Errand) -> dict[str, Any]:
    """In a process of its own, whose memory is the network's and nobody else's."""
    model_id, folder = errand.job.payload["model"], errand.context.settings.models_dir
    command = [sys.executable, "-m", "ml.measure", model_id, "--models", str(folder)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_MEASURE_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise NotMeasured("The measurement took longer than five minutes.") from None
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["?"])[-1][:300]
        raise NotMeasured(say("The model could not be measured: {reason}", reason=reason))
    result = dict(json.loads(done.stdout))
    with errand.context.database.write() as session:
        models.keep_measurement(session, model_id, result)
    return result


def _check(errand: Errand) -> dict[str, Any]:
    context, seen = errand.context, 0
    kept: list[dict[str, Any]] = []
    with context.database.read() as session:
        total = session.scalar(select(func.count(func.distinct(Photo.checksum)))) or 0

    def progress(_checksum: str) -> None:
        nonlocal seen
        seen += 1
        errand.step(0.98 * seen / max(total, 1))

    counts: Counter[str] = Counter()
    for finding in check.check(context, repair=bool(errand.job.payload.get("repair")), progress=progress):
        counts[finding.kind] += 1
        if len(kept) < _MOST_FINDINGS:
            kept.append({"kind": finding.kind, "subject": finding.subject, "message": str(finding.message),
                         "repaired": finding.repaired, "serious": finding.serious})  # fmt: skip
    usage = context.storage.usage()
    with context.database.write() as session:
        facts.put(session, STORAGE_FACT, {"renditions": usage.renditions, "incoming": usage.incoming,
                                          "at": utcnow().isoformat()})  # fmt: skip
    return {"files": seen, "counts": dict(counts), "findings": kept}


def _try(errand: Errand) -> dict[str, Any]:
    payload = errand.job.payload
    ids = [UUID(text) for text in payload["photos"]]
    difference = retag.try_out(
        errand.context,
        errand.analyzer_for(payload["model"]),
        ids,
        payload["stages"],
        report=lambda done: errand.step(done / max(len(ids), 1)),
    )
    return {"of": payload["of"], **difference.as_json()}


def _undo(errand: Errand) -> dict[str, Any]:
    campaign_id = UUID(errand.job.payload["campaign"])
    with errand.context.database.read() as session:
        kept = select(func.count()).where(CampaignBefore.campaign_id == campaign_id)
        total = session.scalar(kept) or 0
    done = 0

    def report(count: int) -> None:
        nonlocal done
        done += count
        errand.step(done / max(total, 1))

    return {"restored": retag.undo(errand.context, campaign_id, report=report)}


_DO: dict[str, Callable[[Errand], dict[str, Any]]] = {
    FETCH: _fetch, MEASURE: _measure, CHECK: _check, TRY: _try, UNDO: _undo,
}  # fmt: skip
