"""Running the models on claimed photos and storing what they saw.

"Claim" and "analyse a batch" are separate on purpose: the embedded worker and a cluster run the same
``analyse_batch``. No transaction is open during decoding or inference; each photo's results replace the old ones of
the same stages in one transaction together with the end of its job. What users confirmed or rejected stays.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from sqlalchemy import delete, or_, select

from app.context import Context
from app.db import WriteSession, utcnow
from app.errors import AppError
from app.imaging.results import Rendered
from app.models import (
    CampaignBefore,
    Cue,
    DetectedObject,
    Embedding,
    Face,
    FaceRejection,
    Job,
    Photo,
    PhotoTag,
    Stage,
    TextLine,
)
from app.search.terms import index_terms
from app.services import jobs
from app.services.copies import comparing
from app.services.faces import grouping
from app.services.tagging import teaching, vocabulary
from app.services.understanding import snapshots
from app.services.understanding.known import stored_analysis

if TYPE_CHECKING:
    from ml import Analysis, Analyzer
    from ml.types import StageRun, Vector

log = logging.getLogger(__name__)

STAGES = ("tags", "objects", "faces", "embedding", "image-text", "cues", "text")
RENDITIONS = ("grid", "preview")
_RENDITION_VERSION = "1"


@dataclass(frozen=True)
class _Work:
    job: Job
    photo: Photo
    stages: tuple[str, ...]
    model: str | None
    known: Analysis | None


@dataclass
class _Outcome:
    work: _Work
    rendered: Rendered | None = None
    seconds: float = 0.0
    error: Exception | None = None
    analysis: Analysis | None = None


class LostLease(Exception):
    """The job was taken over or cancelled meanwhile: this result must not be stored."""


def analyse_batch(
    context: Context, analyzer_for: Callable[[str | None], Analyzer], worker: str, claimed: Sequence[Job]
) -> int:
    """Do a batch of claimed ``analyse`` jobs; how many photos were stored.

    ``analyzer_for`` gives the analyzer for the model a job asks for (None: the defaults).

    A failing photo fails alone: its job is retried when the fault can pass, else parked with the reason.
    """
    outcomes = [_render(context, work) for work in _load(context, worker, claimed)]
    # Photos of a batch may ask for different things (a re-tag beside fresh uploads): one forward pass for each.
    for stages, model in {(o.work.stages, o.work.model) for o in outcomes}:
        wanted = [o for o in outcomes if (o.work.stages, o.work.model) == (stages, model)]
        group = [o for o in wanted if o.rendered is not None]
        if not group:
            continue
        try:
            results = analyzer_for(model).analyze(
                [o.rendered.pixels for o in group if o.rendered],
                stages=stages,
                known=[o.work.known for o in group],
                lenses=[o.work.photo.lens for o in group],
            )
        except Exception as error:
            log.exception("analysis of a batch failed", extra={"photos": len(group)})
            for outcome in group:
                outcome.error = error
        else:
            for outcome, analysis in zip(group, results, strict=True):
                outcome.analysis = analysis
    return sum(_store(context, worker, outcome) for outcome in outcomes)


def _load(context: Context, worker: str, claimed: Sequence[Job]) -> list[_Work]:
    with context.database.read() as session:
        ids = [job.photo_id for job in claimed]
        photos = {photo.id: photo for photo in session.scalars(select(Photo).where(Photo.id.in_(ids)))}
        known = {
            job.id: stored_analysis(session, photos[job.photo_id], _stages(job))
            for job in claimed
            if job.photo_id in photos
        }
    work = []
    for job in claimed:
        photo = photos.get(job.photo_id) if job.photo_id else None
        if photo is None or job.cancel_requested:
            with context.database.write() as session:
                jobs.fail(session, worker, job.id, "gone", "The photo is gone.", retryable=False)
        else:
            work.append(_Work(job, photo, _stages(job), job.payload.get("model"), known[job.id]))
    return work


def _stages(job: Job) -> tuple[str, ...]:
    return tuple(job.payload.get("stages") or STAGES)


def _render(context: Context, work: _Work) -> _Outcome:
    outcome, start = _Outcome(work), time.perf_counter()
    photo, storage = work.photo, context.storage
    try:
        grid, preview = (storage.rendition(photo.checksum, kind) for kind in RENDITIONS)
        outcome.rendered = context.sandbox.render(
            storage.original(photo.checksum), grid=grid, preview=preview
        )
    except Exception as error:
        outcome.error = error
    outcome.seconds = time.perf_counter() - start
    return outcome


def _store(context: Context, worker: str, outcome: _Outcome) -> int:
    """One transaction: results, stage rows, the photo's status, the job's end."""
    job, photo_id = outcome.work.job, outcome.work.photo.id
    try:
        with context.database.write() as session:
            if outcome.error is not None:
                _record_failure(session, worker, outcome)
                return 0
            photo = session.get(Photo, photo_id)
            if photo is None or outcome.analysis is None:
                raise LostLease
            if job.campaign_id is not None:
                _remember(session, job.campaign_id, photo, outcome.work.stages)
            with session.no_autoflush:  # all rows in one go rather than some before every question
                replace_results(session, photo, _with_renditions(outcome.analysis, outcome.seconds))
            photo.status, photo.error, photo.updated_at = "ready", None, utcnow()
            if not jobs.finish(session, worker, job.id):
                raise LostLease
    except LostLease:
        log.warning("result dropped: the job is no longer ours", extra={"job": str(job.id)})
        return 0
    return 1


def _with_renditions(analysis: Analysis, seconds: float) -> Analysis:
    """The making of the renditions is told among the stages."""
    from ml.types import StageRun

    run = StageRun("renditions", "albumen/renditions", _RENDITION_VERSION, seconds)
    return replace(analysis, stages=(*analysis.stages, run))


def _remember(session: WriteSession, campaign_id: UUID, photo: Photo, stages: Sequence[str]) -> None:
    """Keep what a campaign is about to replace; a retried job keeps the first memory."""
    if session.get(CampaignBefore, (campaign_id, photo.id)) is None:
        before = snapshots.take(session, photo, (*stages, *snapshots.ALWAYS))
        session.add(CampaignBefore(campaign_id=campaign_id, photo_id=photo.id, before=before))


def _record_failure(session: WriteSession, worker: str, outcome: _Outcome) -> None:
    error, job = outcome.error, outcome.work.job
    assert error is not None
    known = isinstance(error, AppError)
    if not known:
        log.error("photo could not be analysed", exc_info=error, extra={"photo": str(outcome.work.photo.id)})
    message = error.detail if isinstance(error, AppError) else f"{type(error).__name__}: {error}"
    code = error.code if isinstance(error, AppError) else "internal"
    state = jobs.fail(session, worker, job.id, code, message, retryable=not known)
    photo = session.get(Photo, outcome.work.photo.id)
    if photo is not None and state == "failed":
        photo.status, photo.error, photo.updated_at = "failed", message[:500], utcnow()


def mark_parked(session: WriteSession, parked: Sequence[Job]) -> None:
    """Show on their photos that jobs were given up (a worker died on them again and again)."""
    for job in parked:
        photo = session.get(Photo, job.photo_id) if job.photo_id and job.kind == "analyse" else None
        if photo is not None and photo.status == "pending":
            photo.status, photo.error, photo.updated_at = "failed", job.error, utcnow()


# --- storing what was seen ------------------------------------------------------------------------------------


def replace_results(session: WriteSession, photo: Photo, analysis: Analysis) -> None:
    """Replace the results of every stage that ran without error; a stage that failed keeps its old results."""
    ran = {run.stage: run for run in analysis.stages if run.error is None}
    known = {row.stage: row for row in session.scalars(select(Stage).where(Stage.photo_id == photo.id))}
    before = set(known)  # a stage that never ran has left nothing to replace
    for run in analysis.stages:
        row = known.get(run.stage) or Stage(photo_id=photo.id, stage=run.stage)
        row.model, row.version, row.at, row.seconds = run.model, run.version, utcnow(), run.seconds
        row.error = run.error[:500] if run.error else None
        session.add(row)
    if "tags" in ran:
        _replace_tags(session, photo, analysis)
    if "objects" in ran:
        if "objects" in before:
            session.execute(delete(DetectedObject).where(DetectedObject.photo_id == photo.id))
        session.add_all(
            DetectedObject(
                photo_id=photo.id,
                name=d.name,
                confidence=d.confidence,
                x=d.box.x,
                y=d.box.y,
                width=d.box.width,
                height=d.box.height,
                model=ran["objects"].model,
            )
            for d in analysis.objects
        )
    if "cues" in ran:
        if "cues" in before:
            session.execute(delete(Cue).where(Cue.photo_id == photo.id))
        session.add_all(
            Cue(photo_id=photo.id, name=c.name, value=c.value, flagged=c.flagged, model=ran["cues"].model)
            for c in analysis.cues
        )
    if "text" in ran:
        _replace_text(session, photo, analysis, ran["text"].model)
    if "faces" in ran:
        _replace_faces(session, photo, analysis, ran["faces"].model)
    _replace_vectors(
        session,
        photo,
        {
            "visual": (analysis.visual, ran.get("scenes")),
            "semantic": (analysis.semantic, ran.get("embedding")),
            "imgtext": (analysis.image_text, ran.get("image-text")),
        },
    )
    if analysis.visual is not None or analysis.semantic is not None:
        session.flush()
        teaching.tag_photo(session, photo)
    if analysis.visual is not None:
        comparing.request_search(session, photo.owner_id)


def _replace_tags(session: WriteSession, photo: Photo, analysis: Analysis) -> None:
    ids = vocabulary.tag_ids(session, {seen.slug for seen in analysis.tags})
    old = session.scalars(select(PhotoTag).where(PhotoTag.photo_id == photo.id)).all()
    verdicts = {row.tag_id: row.state for row in old if row.state != "suggested"}
    best: dict[tuple[int, str], PhotoTag] = {}
    for seen in analysis.tags:
        tag_id = ids.get(seen.slug)
        if tag_id is None:
            log.warning("tag without a row; run `albumen migrate`", extra={"slug": seen.slug})
            continue
        key = (tag_id, seen.source)
        if key not in best or best[key].confidence < seen.confidence:
            best[key] = PhotoTag(
                tag_id=tag_id,
                photo_id=photo.id,
                source=seen.source,
                confidence=seen.confidence,
                state=verdicts.get(tag_id, "suggested"),
                model=seen.model,
            )
    for row in old:
        if row.source in ("user", "learned"):
            continue
        if (row.tag_id, row.source) not in best:
            session.delete(row)
    kept = {(row.tag_id, row.source): row for row in old}
    for key, fresh in best.items():
        if key in kept:
            row = kept[key]
            row.confidence, row.state, row.model = fresh.confidence, fresh.state, fresh.model
        else:
            session.add(fresh)


def _replace_text(session: WriteSession, photo: Photo, analysis: Analysis, model: str) -> None:
    session.execute(delete(TextLine).where(TextLine.photo_id == photo.id))
    session.add_all(
        TextLine(
            photo_id=photo.id,
            content=t.content[:1000],
            confidence=t.confidence,
            x=t.box.x,
            y=t.box.y,
            width=t.box.width,
            height=t.box.height,
            model=model,
        )
        for t in analysis.text
    )
    session.flush()
    index_terms(session, photo)


def _replace_faces(session: WriteSession, photo: Photo, analysis: Analysis, model: str) -> None:
    """Replace found faces; one that overlaps an old face keeps its row and with it the user's word about it."""
    old = list(session.scalars(select(Face).where(Face.photo_id == photo.id)))
    said = _said_of_faces(session, photo) if old else set()
    for seen in analysis.faces:
        match = max(old, key=lambda face: _overlap(face, seen.box), default=None)
        face = match if match is not None and _overlap(match, seen.box) > 0.5 else Face(photo_id=photo.id)
        if face is match:
            old.remove(face)
        face.score, face.model = seen.score, model
        face.x, face.y, face.width, face.height = seen.box.x, seen.box.y, seen.box.width, seen.box.height
        face.landmarks = [list(point) for point in seen.landmarks]
        face.embedding = None if seen.embedding is None else seen.embedding.astype("<f4").tobytes()
        session.add(face)
    for face in old:
        if face.id not in said:
            session.delete(face)
    if any(seen.embedding is not None for seen in analysis.faces):
        grouping.request_grouping(session, photo.owner_id)


def _said_of_faces(session: WriteSession, photo: Photo) -> set[UUID]:
    """The faces of which a user has said who they are, or are not."""
    rejected = select(FaceRejection.face_id).where(FaceRejection.face_id == Face.id)
    told = or_(Face.person_source == "user", rejected.exists())
    return set(session.scalars(select(Face.id).where(Face.photo_id == photo.id, told)))


def _overlap(face: Face, box: object) -> float:
    """Intersection over union of a stored face and a fresh box."""
    bx, by, bw, bh = (float(getattr(box, name)) for name in ("x", "y", "width", "height"))
    width = min(face.x + face.width, bx + bw) - max(face.x, bx)
    height = min(face.y + face.height, by + bh) - max(face.y, by)
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    return both / (face.width * face.height + bw * bh - both)


def _replace_vectors(
    session: WriteSession, photo: Photo, seen: Mapping[str, tuple[Vector | None, StageRun | None]]
) -> None:
    """Store each kind's vector, if its stage ran and made one, under the model that made it."""
    known = {
        row.kind: row for row in session.scalars(select(Embedding).where(Embedding.photo_id == photo.id))
    }
    for kind, (vector, run) in seen.items():
        if vector is None or run is None:
            continue
        row = known.get(kind) or Embedding(photo_id=photo.id, kind=kind)
        row.model, row.vector = run.model, np.asarray(vector, dtype="<f2").tobytes()
        session.add(row)
