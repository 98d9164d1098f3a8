"""Errors a person or a client can act on. Services raise them; ``app.main`` renders them as problem+json or a page.

Each class fixes one stable ``code`` (the last part of the problem ``type``) and one HTTP status.
"""

from __future__ import annotations

from typing import Any, ClassVar


class AppError(Exception):
    """Base class: ``detail`` is one sentence a person understands; ``extra`` are machine-readable members."""

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    headers: dict[str, str]

    def __init__(self, detail: str, *, headers: dict[str, str] | None = None, **extra: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.extra = extra
        self.headers = headers or {}

    def problem(self) -> dict[str, Any]:
        """The RFC 9457 body."""
        return {
            "type": f"urn:albumen:problem:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **self.extra,
        }


class NotFound(AppError):
    code, status, title = "not-found", 404, "Not found"


class NotSignedIn(AppError):
    code, status, title = "not-signed-in", 401, "Sign-in needed"


class NotAllowed(AppError):
    code, status, title = "not-allowed", 403, "Not allowed"


class Conflict(AppError):
    code, status, title = "conflict", 409, "Conflict"


class TooLarge(AppError):
    code, status, title = "too-large", 413, "Too large"


class UnsupportedImage(AppError):
    code, status, title = "unsupported-image", 415, "Not a picture Albumen can keep"


class BrokenImage(AppError):
    code, status, title = "broken-image", 422, "The picture is damaged"


class Invalid(AppError):
    code, status, title = "invalid", 422, "The request cannot be understood"


class BadQuery(AppError):
    """A search query that does not parse; ``extra`` holds ``position`` (0-based) and ``suggestions``."""

    code, status, title = "bad-query", 422, "The search cannot be understood"


class TooManyRequests(AppError):
    code, status, title = "too-many-requests", 429, "Too many requests"


class StorageFull(AppError):
    code, status, title = "storage-full", 507, "The disk is full"


class ModelMissing(AppError):
    """A network this needs is not on the server: an administrator has to fetch it."""

    code, status, title = "model-missing", 503, "A model is missing"
