"""Faces and the people they belong to."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from app.db import new_id, utcnow
from app.models.base import Base, cascade


class Person(Base):
    __tablename__ = "people"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    hidden: Mapped[bool] = mapped_column(default=False)
    # A user named, merged or split this person, or put a face here: it never goes into another one by itself.
    settled: Mapped[bool] = mapped_column(default=False)
    cover_face_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Face(Base):
    __tablename__ = "faces"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)
    score: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    landmarks: Mapped[list[Any]] = mapped_column(default=list)  # five [x, y] points, relative like the box
    embedding: Mapped[bytes | None]  # float32 little endian
    model: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"))
    person_source: Mapped[str | None] = mapped_column(
        String(5)
    )  # model user; a user's word is never overwritten
    __table_args__ = (Index(None, "person_id", "photo_id"),)


class FaceRejection(Base):
    """A user said: this face is not this person."""

    __tablename__ = "face_rejections"
    face_id: Mapped[UUID] = mapped_column(cascade("faces.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(cascade("people.id"), primary_key=True)


class PeopleApart(Base):
    """A user said: these two are different people. ``first_id`` < ``second_id``."""

    __tablename__ = "people_apart"
    first_id: Mapped[UUID] = mapped_column(cascade("people.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(cascade("people.id"), primary_key=True)
    __table_args__ = (Index(None, "second_id"),)


class PeopleSuggestion(Base):
    """Two people who may be one, as the last grouping saw it. ``second`` is the smaller one."""

    __tablename__ = "people_suggestions"
    first_id: Mapped[UUID] = mapped_column(cascade("people.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(cascade("people.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"))
    distance: Mapped[float]  # see ml.people
    __table_args__ = (Index(None, "second_id"), Index(None, "owner_id", "distance"))


class PeopleMerge(Base):
    """A user's merging of people, with what is needed to take it back."""

    __tablename__ = "people_merges"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    into_id: Mapped[UUID]  # may itself have gone into another person since
    before: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    undone_at: Mapped[datetime | None]
