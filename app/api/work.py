"""Jobs and the event stream."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import StreamingResponse

from app.api.schemas import JobPage, JobPublic, JobsMoved, Limit, problems
from app.context import Context
from app.cursors import cut
from app.deps import ContextDep, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.services import jobs
from app.services.accounts import Viewer
from app.services.collections import library

router = APIRouter(tags=["work"])
_POLL_SECONDS = 1.0
_KEEP_ALIVE = 15


@router.get("/jobs", response_model=JobPage, responses=problems(401, 403, 422), summary="Background work")
def list_jobs(
    viewer: PhotoReader,
    session: ReadDb,
    state: Annotated[list[str] | None, Query(description="ready, running, done, failed, cancelled")] = None,
    limit: Limit = 50,
    cursor: UUID | None = None,
) -> JobPage:
    rows = jobs.list_jobs(session, viewer, states=state or (), limit=limit + 1, before=cursor)
    page, end = cut(rows, limit)
    counts = jobs.counts(session, viewer)
    pace = jobs.pace(session, viewer, counts.ready + counts.running)
    return JobPage(
        items=[JobPublic.of(job, filename) for job, filename in page],
        next_cursor=str(end[0].id) if end else None,
        counts=dataclasses.asdict(counts),
        per_second=pace.rate,
        eta_seconds=pace.eta,
    )


@router.post("/jobs/pause", response_model=JobsMoved, responses=problems(401, 403), summary="Hold what waits")
def pause(viewer: PhotoWriter, session: WriteDb) -> JobsMoved:
    """What runs is finished; photos added from now on are looked at as ever."""
    return JobsMoved(count=jobs.pause(session, viewer))


@router.post(
    "/jobs/resume", response_model=JobsMoved, responses=problems(401, 403), summary="Go on with what is held"
)
def resume(viewer: PhotoWriter, session: WriteDb) -> JobsMoved:
    return JobsMoved(count=jobs.resume(session, viewer))


@router.post(
    "/jobs/retry-failed",
    response_model=JobsMoved,
    responses=problems(401, 403),
    summary="Run failed jobs again",
)
def retry_failed(viewer: PhotoWriter, session: WriteDb) -> JobsMoved:
    """Up to a thousand, the latest first."""
    return JobsMoved(count=jobs.retry_failed(session, viewer))


@router.get(
    "/jobs/{job_id}", response_model=JobPublic, responses=problems(401, 403, 404, 422), summary="One job"
)
def get_job(viewer: PhotoReader, session: ReadDb, job_id: UUID) -> JobPublic:
    return JobPublic.of(jobs.get_job(session, viewer, job_id))


@router.post(
    "/jobs/{job_id}/cancel",
    response_model=JobPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="Cancel a job",
)
def cancel_job(viewer: PhotoWriter, session: WriteDb, job_id: UUID) -> JobPublic:
    return JobPublic.of(jobs.cancel(session, viewer, job_id))


@router.post(
    "/jobs/{job_id}/retry",
    response_model=JobPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="Run a failed job again",
)
def retry_job(viewer: PhotoWriter, session: WriteDb, job_id: UUID) -> JobPublic:
    return JobPublic.of(jobs.retry(session, viewer, job_id))


@router.get(
    "/events",
    response_class=StreamingResponse,
    summary="Server-sent events",
    responses={200: {"content": {"text/event-stream": {}}}, **problems(401, 403)},
)
async def stream_events(request: Request, viewer: PhotoReader, context: ContextDep) -> StreamingResponse:
    """`jobs` events carry the counts of the viewer's jobs; `photos` the ids of photos that just changed."""
    stream = _events(request, context, viewer)
    return StreamingResponse(stream, media_type="text/event-stream", headers={"Cache-Control": "no-store"})


async def _events(request: Request, context: Context, viewer: Viewer) -> AsyncIterator[str]:
    def look(since: Any) -> library.Pulse:
        with context.database.read() as session:
            return library.pulse(session, viewer, since)

    last, quiet = None, 0
    pulse = await run_in_threadpool(look, None)
    while not await request.is_disconnected():
        if pulse.counts != last:
            yield _event("jobs", dataclasses.asdict(pulse.counts))
            last, quiet = pulse.counts, 0
        if pulse.changed:
            yield _event("photos", {"ids": [str(photo_id) for photo_id in pulse.changed]})
            quiet = 0
        if quiet >= _KEEP_ALIVE:
            yield ": still here\n\n"
            quiet = 0
        await asyncio.sleep(_POLL_SECONDS)
        quiet += 1
        pulse = await run_in_threadpool(look, pulse.seen)


def _event(name: str, data: dict[str, Any]) -> str:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n"
