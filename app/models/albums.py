"""Albums and the links that share them."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, text
from sqlalchemy.orm import Mapped, mapped_column

from app.db import new_id, utcnow
from app.models.base import Base, cascade


class Album(Base):
    __tablename__ = "albums"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(10_000), default="")
    kind: Mapped[str] = mapped_column(String(7), default="manual")  # manual dynamic
    query: Mapped[str | None] = mapped_column(String(4000))  # canonical text of a dynamic album's rule
    sort: Mapped[str] = mapped_column(
        String(8), default="newest", server_default="newest"
    )  # newest oldest added
    cover_photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("photos.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("(kind = 'dynamic') = (query is not null)", name="query_if_dynamic"),)


class AlbumPhoto(Base):
    """A photo in a manual album, or a pinned exception of a dynamic one (``pin`` always | never)."""

    __tablename__ = "album_photos"
    album_id: Mapped[UUID] = mapped_column(cascade("albums.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    pin: Mapped[str | None] = mapped_column(String(6))
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    __table_args__ = (Index(None, "photo_id"),)


class AlbumFile(Base):
    """A name a photo goes by in an album's folder, where it is not the photo's own file name."""

    __tablename__ = "album_files"
    album_id: Mapped[UUID] = mapped_column(cascade("albums.id"), primary_key=True)
    name: Mapped[str] = mapped_column(String(255), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)


class Share(Base):
    """A link to an album or a photo for whoever holds its token; only the token's SHA-256 is kept."""

    __tablename__ = "shares"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    album_id: Mapped[UUID | None] = mapped_column(cascade("albums.id"), index=True)
    photo_id: Mapped[UUID | None] = mapped_column(cascade("photos.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(256))
    expires_at: Mapped[datetime | None]
    download: Mapped[bool] = mapped_column(default=False)
    location: Mapped[bool] = mapped_column(default=False)
    upload: Mapped[bool] = mapped_column(default=False, server_default=false())
    received: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # files guests have sent
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    __table_args__ = (CheckConstraint("(album_id is null) <> (photo_id is null)", name="one_thing"),)
