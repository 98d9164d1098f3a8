"""Background jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from app.api.schemas.base import Schema
from app.models import Job


class JobPublic(Schema):
    id: UUID
    kind: str
    state: Literal["ready", "running", "done", "failed", "cancelled"]
    photo_id: UUID | None
    filename: str | None = None
    progress: float
    attempts: int
    error: str | None
    error_code: str | None
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
