"""Background jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.models import Job


class JobPublic(Schema):
    id: UUID
    kind: str
    state: Literal["ready", "running", "paused", "done", "failed", "cancelled"]
    photo_id: UUID | None
    filename: str | None = None
    progress: float
    attempts: int
    error: str | None
    error_code: str | None
    result: dict[str, Any] | None = Field(None, description="What a finished errand found out.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job, filename: str | None = None) -> JobPublic:
        return cls.model_validate(job).model_copy(update={"filename": filename})


class JobPage(Schema):
    items: list[JobPublic]
    next_cursor: str | None
    counts: dict[str, int]
    per_second: float | None = Field(description="Jobs finished a second over the last minutes.")
    eta_seconds: float | None = Field(description="Until what waits is done, at that pace.")


class JobsMoved(Schema):
    count: int
