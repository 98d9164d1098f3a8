"""Background work: jobs, re-tagging campaigns, small facts of the installation."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import new_id, utcnow
from app.models.base import Base, cascade


class Job(Base):
    """A durable unit of background work. ``state``: ready -> running -> done | failed | cancelled; paused while
    its campaign or its owner holds it. ``result`` is what an errand found out (see ``app.services.upkeep.errands``).

    ``dedupe`` makes enqueueing idempotent: at most one ready or running job per (kind, dedupe).
    A running job whose lease has passed belongs to a dead worker and becomes ready again.
    """

    __tablename__ = "jobs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))  # analyse edit people ...
    dedupe: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[UUID | None] = mapped_column(cascade("users.id"))
    photo_id: Mapped[UUID | None] = mapped_column(cascade("photos.id"), index=True)
    campaign_id: Mapped[UUID | None] = mapped_column(cascade("campaigns.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(9), default="ready")
    priority: Mapped[int] = mapped_column(default=50)  # lower first: 10 a user waits, 50 upload, 90 campaign
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime] = mapped_column(default=utcnow)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(100))
    progress: Mapped[float] = mapped_column(default=0.0)  # 0..1
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(String(500))
    error_code: Mapped[str | None] = mapped_column(String(40))
    result: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_jobs_active", "kind", "dedupe", unique=True, sqlite_where=text("state IN ('ready', 'running')"),
              postgresql_where=text("state IN ('ready', 'running')")),
        Index("ix_jobs_claim", "state", "kind", "priority", "id"),
        Index(None, "state", "lease_until"),
        Index(None, "owner_id", "state", "id"),
        Index(None, "owner_id", "finished_at"),
        Index(None, "campaign_id", "state", "finished_at"),
        CheckConstraint("state in ('ready', 'running', 'paused', 'done', 'failed', 'cancelled')", name="state"),
    )  # fmt: skip


class Campaign(Base):
    """A batch re-tagging run: which photos, which stages, how far, and what is needed to undo it."""

    __tablename__ = "campaigns"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    query: Mapped[str] = mapped_column(String(4000), default="")
    stages: Mapped[list[Any]]
    model: Mapped[str | None] = mapped_column(String(80))
    only_outdated: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(
        String(9), default="running"
    )  # running paused done cancelled undoing undone
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]


class CampaignBefore(Base):
    """What one photo's replaced stages held before a campaign touched it; written in the same transaction."""

    __tablename__ = "campaign_before"
    campaign_id: Mapped[UUID] = mapped_column(cascade("campaigns.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    before: Mapped[dict[str, Any]]


class KeyValue(Base):
    """Small facts of the installation: the vocabulary's version, chosen models, counters."""

    __tablename__ = "key_values"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[dict[str, Any]]
