"""Jobs, the event stream, and the administrator's view of the installation."""

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

from app.api.schemas import JobPage, JobPublic, Limit, problems
from app.context import Context
from app.deps import Administrator, ContextDep, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.services import jobs, library
from app.services.accounts import Viewer

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
    items = [JobPublic.of(job, filename) for job, filename in rows[:limit]]
    return JobPage(
        items=items,
        next_cursor=str(items[-1].id) if len(rows) > limit else None,
        counts=dataclasses.asdict(jobs.counts(session, viewer)),
    )


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
def cancel(viewer: PhotoWriter, session: WriteDb, job_id: UUID) -> JobPublic:
    return JobPublic.of(jobs.cancel(session, viewer, job_id))


@router.post(
    "/jobs/{job_id}/retry",
    response_model=JobPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="Run a failed job again",
)
def retry(viewer: PhotoWriter, session: WriteDb, job_id: UUID) -> JobPublic:
    return JobPublic.of(jobs.retry(session, viewer, job_id))


@router.get(
    "/events",
    response_class=StreamingResponse,
    summary="Server-sent events",
    responses={200: {"content": {"text/event-stream": {}}}, **problems(401, 403)},
)
async def events(request: Request, viewer: PhotoReader, context: ContextDep) -> StreamingResponse:
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


@router.get("/admin/stats", responses=problems(401, 403), summary="Numbers about the installation")
def stats(_viewer: Administrator, session: ReadDb, context: ContextDep) -> dict[str, Any]:
    return dataclasses.asdict(library.stats(session, context.settings))


@router.get("/admin/models", responses=problems(401, 403), summary="The model registry and what is installed")
def models(_viewer: Administrator, context: ContextDep) -> list[dict[str, Any]]:
    return library.installed_models(context.settings)
