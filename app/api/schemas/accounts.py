"""Users, sessions, keys."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import Schema
from app.models import User


class Credentials(Schema):
    username: str = Field(min_length=1, max_length=64, examples=["anna"])
    password: str = Field(min_length=1, max_length=1024, examples=["correct horse battery staple"])


class UserPublic(Schema):
    id: UUID
    username: str
    is_admin: bool
    language: str | None = None
    created_at: datetime | None = None
    disabled: bool = False

    @classmethod
    def of(cls, user: User) -> UserPublic:
        return cls(
            id=user.id,
            username=user.username,
            is_admin=user.is_admin,
            language=user.language,
            created_at=user.created_at,
            disabled=user.disabled_at is not None,
        )


class Me(Schema):
    id: UUID
    username: str
    is_admin: bool
    language: str | None
    scopes: list[str] | None = Field(description="null for a session, which may do everything its user may.")


class Session(Schema):
    token: str = Field(examples=["als_2lZ…"])
    user: UserPublic


class KeyCreate(Schema):
    name: str = Field(min_length=1, max_length=100, examples=["Anna's phone"])
    scopes: list[str] = Field(min_length=1, max_length=20, examples=[["photos.read", "photos.upload"]])


class KeyPublic(Schema):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None


class KeyCreated(KeyPublic):
    secret: str = Field(description="Shown only this once.", examples=["alk_1Yb…"])


class UserCreate(Credentials):
    is_admin: bool = False


class UserUpdate(Schema):
    password: str | None = Field(None, max_length=1024)
    is_admin: bool | None = None
    disabled: bool | None = None
