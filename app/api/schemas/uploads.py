"""Taking photos in."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema


class Uploaded(Schema):
    """The answer to an upload; sending the same bytes again is a success with `duplicate` true."""

    id: UUID
    checksum: str = Field(description="SHA-256 of the original, hexadecimal.")
    status: Literal["pending", "ready", "failed"]
    duplicate: bool
    trashed: bool = Field(False, description="The duplicate lies in the trash; restore it to see it again.")


class Base64Upload(Schema):
    filename: str = Field("", max_length=1000, examples=["IMG_2041.jpg"])
    data: str = Field(
        min_length=1,
        description="Base64, plain or as a data: URL.",
        examples=["data:image/jpeg;base64,/9j/4AAQ…"],
    )
    taken_at: datetime | None = None
    device_id: str | None = Field(None, max_length=100)
    device_asset_id: str | None = Field(None, max_length=200)
    album_id: UUID | None = None
    favorite: bool = False


class Checksums(Schema):
    checksums: list[str] = Field(max_length=5000, description="SHA-256 or SHA-1, hexadecimal.")


class Existing(Schema):
    existing: dict[str, UUID] = Field(description="Checksum as given -> photo id; unknown ones are left out.")


class UploadState(Schema):
    """How far a resumable upload is; `photo` once it is complete."""

    id: UUID
    length: int
    offset: int
    expires_at: datetime
    photo: Uploaded | None
