"""For administrators: models, storage, health, and the errands they send workers on."""

from __future__ import annotations

import dataclasses
from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app import migrate
from app.api.schemas import JobPublic, Schema, problems
from app.deps import Administrator, ContextDep, ReadDb, WriteDb
from app.models import Job
from app.services.collections import library
from app.services.understanding import models
from app.services.upkeep import errands, health, holdings

router = APIRouter(tags=["administration"], prefix="/admin")
_ASKED = problems(401, 403, 404, 409, 422)


@router.get("/stats", responses=problems(401, 403), summary="Numbers about the installation")
def stats(_viewer: Administrator, session: ReadDb, context: ContextDep) -> dict[str, Any]:
    return dataclasses.asdict(library.stats(session, context.settings))


# --- models ---------------------------------------------------------------------------------------------------


class MetricPublic(Schema):
    name: str
    dataset: str
    value: float
    measured: str = Field(description="`here` by this project, or `reported` by its authors.")
    note: str


class ModelPublic(Schema):
    id: str = Field(examples=["object/ssdlite-mobilenet-v2@coco"])
    task: str
    version: str
    title: str
    default: bool
    state: str = Field(description="ready, missing, outdated or damaged")
    bytes: int
    licence: str = Field(description="Of the weights.")
    code_licence: str
    weaknesses: list[str]
    metrics: list[MetricPublic]
    chosen: bool = Field(description="Used for its task now.")
    choice: bool = Field(description="Whether its task has others to choose from.")
    stage: str = Field(
        description="The stage of a re-tag that has photos looked at by it; empty without a choice."
    )
    awaiting: int = Field(description="Photos it has not looked at, where it is chosen among others.")
    download: int = Field(description="Bytes that fetching it would bring, with what it requires.")
    measured: dict[str, Any] = Field(
        description="On this machine: seconds and memory_bytes for one `input`; empty when not measured."
    )

    @classmethod
    def of(cls, report: models.ModelReport) -> ModelPublic:
        entry = report.entry
        return cls(
            id=entry.id, task=entry.task, version=entry.version, title=entry.title, default=entry.default,
            state=report.state, bytes=report.bytes, licence=entry.weights_licence, code_licence=entry.code_licence,
            weaknesses=list(entry.weaknesses), metrics=[MetricPublic(**vars(metric)) for metric in entry.metrics],
            chosen=report.chosen, choice=report.choice, measured=report.measured, stage=report.stage,
            awaiting=report.awaiting, download=report.download,
        )  # fmt: skip


class ModelNamed(Schema):
    model: str = Field(max_length=80, examples=["object/ssdlite-mobilenet-v2-tiled@coco"])


@router.get(
    "/models",
    response_model=list[ModelPublic],
    responses=problems(401, 403),
    summary="The model registry and what is installed",
)
def list_models(_viewer: Administrator, session: ReadDb, context: ContextDep) -> list[ModelPublic]:
    return [ModelPublic.of(report) for report in models.reports(session, context.settings)]


@router.post(
    "/models/fetch", status_code=202, response_model=JobPublic, responses=_ASKED, summary="Fetch a model"
)
def fetch_model(viewer: Administrator, session: WriteDb, body: ModelNamed) -> JobPublic:
    """A worker downloads, converts and checks it; follow the job."""
    return JobPublic.of(errands.ask_fetch(session, viewer, body.model))


@router.post(
    "/models/measure", status_code=202, response_model=JobPublic, responses=_ASKED, summary="Measure a model"
)
def measure_model(viewer: Administrator, session: WriteDb, body: ModelNamed) -> JobPublic:
    """Speed and memory of one forward pass on the worker's machine, in a process of its own."""
    return JobPublic.of(errands.ask_measure(session, viewer, body.model))


@router.post(
    "/models/choose",
    response_model=list[ModelPublic],
    responses=_ASKED,
    summary="Use a model for its task from now on",
)
def choose_model(
    _viewer: Administrator, session: WriteDb, context: ContextDep, body: ModelNamed
) -> list[ModelPublic]:
    """Photos keep what they have until they are looked at again: `POST /admin/retag` with `stages: [stage]` and
    `only_outdated`; `awaiting` says how many. Choosing the former model takes it back."""
    models.choose(session, context.settings, body.model)
    session.flush()
    return [ModelPublic.of(report) for report in models.reports(session, context.settings)]


# --- storage --------------------------------------------------------------------------------------------------


class HolderPublic(Schema):
    user_id: UUID
    username: str
    photos: int
    trashed: int
    bytes: int


class StoragePublic(Schema):
    bytes_by_kind: dict[str, int] = Field(
        examples=[{"originals": 5_400_000_000, "edits": 0, "database": 61_000_000, "models": 210_000_000}]
    )
    measured_at: datetime | None = Field(
        description="When renditions and files arriving were measured: by the last check."
    )
    trashed: int
    trashed_bytes: int
    users: list[HolderPublic]
    disk_free: int
    disk_total: int
    last_sweep: dict[str, Any]
    last_check: JobPublic | None

    @classmethod
    def of(cls, held: holdings.Holdings, checked: Job | None) -> StoragePublic:
        return cls(
            bytes_by_kind=held.kinds,
            measured_at=datetime.fromisoformat(held.measured_at) if held.measured_at else None,
            trashed=held.trashed,
            trashed_bytes=held.trashed_bytes,
            users=[HolderPublic(**vars(holder)) for holder in held.holders],
            disk_free=held.free,
            disk_total=held.total,
            last_sweep=held.swept,
            last_check=JobPublic.of(checked) if checked else None,
        )


class CheckRequest(Schema):
    repair: bool = Field(
        False, description="Remove files no photo names and ask again for work that was lost."
    )


@router.get(
    "/storage", response_model=StoragePublic, responses=problems(401, 403), summary="What lies on disk"
)
def storage(_viewer: Administrator, session: ReadDb, context: ContextDep) -> StoragePublic:
    held = holdings.report(session, context.settings)
    return StoragePublic.of(held, errands.last(session, errands.CHECK))


@router.post(
    "/check", status_code=202, response_model=JobPublic, responses=_ASKED, summary="Check every original"
)
def check(viewer: Administrator, session: WriteDb, body: CheckRequest) -> JobPublic:
    """Compares the database with the files, byte by byte; the job's `result` lists what was found."""
    return JobPublic.of(errands.ask_check(session, viewer, repair=body.repair))


# --- health ---------------------------------------------------------------------------------------------------


class WorkerPublic(Schema):
    host: str
    pid: int
    since: datetime
    seen: datetime
    alive: bool
    doing: str = Field(description="The kind of job it holds now; empty when it rests.")


class QueuePublic(Schema):
    kind: str
    ready: int
    running: int
    paused: int
    failed: int
    oldest: datetime | None


class FailurePublic(Schema):
    kind: str
    code: str
    message: str
    at: datetime


class HealthPublic(Schema):
    problems: list[str] = Field(description="no-worker, schema, stuck; empty when all is well.")
    workers: list[WorkerPublic]
    queues: list[QueuePublic]
    failures: list[FailurePublic]
    versions: dict[str, str]
    schema_revision: str
    expected_schema_revision: str


@router.get(
    "/health", response_model=HealthPublic, responses=problems(401, 403), summary="Workers, queues, failures"
)
def get_health(_viewer: Administrator, session: ReadDb) -> HealthPublic:
    found = health.report(session, migrate.current(session.connection()) or "", migrate.expected_schema())
    return HealthPublic(
        problems=found.problems,
        workers=[WorkerPublic(**vars(worker)) for worker in found.workers],
        queues=[QueuePublic(**vars(queue)) for queue in found.queues],
        failures=[FailurePublic(**vars(failure)) for failure in found.failures],
        versions=found.versions,
        schema_revision=found.schema,
        expected_schema_revision=found.expected_schema,
    )
