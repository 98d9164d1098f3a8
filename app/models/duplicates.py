"""Photos that are one picture: what was found, what a user said to it, and merges that can be taken back."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import CheckConstraint, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import new_id, utcnow
from app.models.base import Base, cascade


class DuplicatePair(Base):
    """Two photos of one owner that look like one picture. ``first_id`` < ``second_id``."""

    __tablename__ = "duplicate_pairs"
    first_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"))
    kind: Mapped[str] = mapped_column(String(7))  # copy similar, see app.search.duplicates
    bits: Mapped[int]  # of the perceptual hashes that differ
    cosine: Mapped[float | None]  # of the visual vectors; None where they could not be compared
    __table_args__ = (
        Index(None, "second_id"),
        Index(None, "owner_id", "first_id"),
        CheckConstraint("kind in ('copy', 'similar')", name="kind"),
    )


class PhotosApart(Base):
    """A user said: these two are not duplicates. ``first_id`` < ``second_id``."""

    __tablename__ = "photos_apart"
    first_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    __table_args__ = (Index(None, "second_id"),)


class PhotoMerge(Base):
    """Photos that became one, with what is needed to take it back."""

    __tablename__ = "photo_merges"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    keeper_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)
    before: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    undone_at: Mapped[datetime | None]
