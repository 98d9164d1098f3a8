"""Photos, the edits made of them, and the words they are found by."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, DateTime, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import new_id, utcnow
from app.models.base import Base, cascade

if TYPE_CHECKING:
    from app.models.understanding import PhotoTag


class Photo(Base):
    __tablename__ = "photos"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"))
    checksum: Mapped[str] = mapped_column(String(64))  # SHA-256 hex of the original; names the blob
    checksum_sha1: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(8))  # jpeg png gif bmp webp tiff heif avif
    filename: Mapped[str] = mapped_column(String(255), default="")
    device_id: Mapped[str | None] = mapped_column(String(100))
    device_asset_id: Mapped[str | None] = mapped_column(String(200))
    width: Mapped[int]  # of the upright picture
    height: Mapped[int]
    orientation: Mapped[int] = mapped_column(default=1)  # EXIF 1..8 as stored in the file
    frames: Mapped[int] = mapped_column(default=1)
    color_profile: Mapped[str | None] = mapped_column(String(100))

    status: Mapped[str] = mapped_column(String(8), default="pending")  # pending ready failed
    error: Mapped[str | None] = mapped_column(String(500))
    thumbhash: Mapped[str | None] = mapped_column(String(64))  # base64
    phash: Mapped[int | None] = mapped_column(BigInteger)  # 64-bit perceptual hash as a signed integer

    # When: taken_local is the wall clock where the photo was taken (order, months and date: use it); taken_at is
    # the instant, exact when the offset is known, else the wall clock read as UTC.
    taken_local: Mapped[datetime] = mapped_column(DateTime)
    taken_at: Mapped[datetime]
    taken_offset: Mapped[int | None]  # minutes east of UTC
    taken_source: Mapped[str] = mapped_column(String(8))  # user exif client file added
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]

    # What the user says
    title: Mapped[str] = mapped_column(String(300), default="")
    description: Mapped[str] = mapped_column(String(10_000), default="")
    favorite: Mapped[bool] = mapped_column(default=False)
    rating: Mapped[int] = mapped_column(default=0)
    archived: Mapped[bool] = mapped_column(default=False)

    # How: from EXIF
    camera_make: Mapped[str | None] = mapped_column(String(100))
    camera_model: Mapped[str | None] = mapped_column(String(100))
    lens: Mapped[str | None] = mapped_column(String(150))
    iso: Mapped[int | None]
    aperture: Mapped[float | None]  # f-number
    exposure_time: Mapped[float | None]  # seconds
    focal_length: Mapped[float | None]  # millimetres
    # Every readable tag, name -> printable value. Long, and no list shows it: read when it is asked for.
    exif: Mapped[dict[str, Any]] = mapped_column(default=dict, deferred=True)

    # Where
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    altitude: Mapped[float | None]  # metres above sea level
    location_source: Mapped[str | None] = mapped_column(String(8))  # user exif
    country_code: Mapped[str | None] = mapped_column(String(2))
    country: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(100))

    tags: Mapped[list[PhotoTag]] = relationship(back_populates="photo", passive_deletes=True)

    __table_args__ = (
        UniqueConstraint("owner_id", "checksum"),
        Index(None, "owner_id", "checksum_sha1"),
        Index("ix_photos_timeline", "owner_id", "deleted_at", "archived", "taken_local", "id"),
        Index(None, "owner_id", "added_at"),
        Index(None, "owner_id", "filename"),
        Index(None, "owner_id", "country_code", "city"),
        # Places, journeys and the map are counted from these two alone, without touching a row.
        Index("ix_photos_place", "owner_id", "deleted_at", "archived", "country_code", "region", "city",
              "taken_local", "latitude", "longitude", "favorite", "country", "id"),
        Index("ix_photos_position", "owner_id", "deleted_at", "archived", "latitude", "longitude", "id"),
        Index(None, "owner_id", "camera_model"),
        Index(None, "checksum"),
        CheckConstraint("rating between 0 and 5", name="rating"),
        CheckConstraint("status in ('pending', 'ready', 'failed')", name="status"),
    )  # fmt: skip


class Edit(Base):
    """A recipe applied to a photo's original; its result is a blob rendered by the worker."""

    __tablename__ = "edits"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    recipe: Mapped[list[Any]]
    output: Mapped[dict[str, Any]] = mapped_column(default=dict)  # format, quality, metadata
    status: Mapped[str] = mapped_column(String(8), default="pending")  # pending ready failed
    error: Mapped[str | None] = mapped_column(String(500))
    checksum: Mapped[str | None] = mapped_column(String(64), index=True)  # of the rendered file
    format: Mapped[str | None] = mapped_column(String(8))
    size: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]


class PhotoTerm(Base):
    """The word index: one row per word of a photo's title, description, file name, place or recognised text."""

    __tablename__ = "photo_terms"
    term: Mapped[str] = mapped_column(String(64), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(8), primary_key=True)  # title text name place
    __table_args__ = (Index(None, "photo_id", "field"), {"sqlite_with_rowid": False})
