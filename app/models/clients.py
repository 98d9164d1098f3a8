"""Clients on the road: unfinished uploads, kept answers, the log of changes."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import new_id, utcnow
from app.models.base import Base, cascade


class ResumableUpload(Base):
    """An upload that arrives in pieces (tus). The file in the data folder knows how much of it is there."""

    __tablename__ = "uploads"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    length: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any]]  # what the client said about the photo
    checksum: Mapped[str | None] = mapped_column(String(64))  # SHA-256 the client announced
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    photo_id: Mapped[UUID | None]  # what it became
    duplicate: Mapped[bool] = mapped_column(default=False)


class KeptAnswer(Base):
    """What an upload with an Idempotency-Key was answered, to be answered again when it is repeated."""

    __tablename__ = "kept_answers"
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    checksum: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class Change(Base):
    """The latest change of one thing of one user; written by the database's triggers, see app.services.clients.sync."""

    __tablename__ = "changes"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # photo album member person tag
    entity: Mapped[str] = mapped_column(String(80), primary_key=True)  # ids in hexadecimal, a tag's slug
    sequence: Mapped[int] = mapped_column(BigInteger)
    gone: Mapped[bool]
    at: Mapped[datetime]
    __table_args__ = (Index(None, "owner_id", "sequence"),)


class ChangeCounter(Base):
    """The last sequence number given out for one user, and the last one whose tombstones have been forgotten."""

    __tablename__ = "change_counters"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    forgotten: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))
