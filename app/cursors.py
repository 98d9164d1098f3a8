"""Cursors of lists: where a page ended, written so that only the same list accepts it.

A cursor is no secret and grants nothing: every page starts from the owner again. Its checksum only tells a cut or
mistyped one from a whole one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from app.errors import Invalid

Row = TypeVar("Row")
_CHECK = 6


def write_cursor(values: Sequence[Any], of: str) -> str:
    """A cursor of JSON values for the list ``of`` (its kind, and what was asked for)."""
    body = json.dumps([*values, of], separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(body).digest()[:_CHECK] + body).rstrip(b"=").decode()


def cut(rows: Sequence[Row], limit: int) -> tuple[list[Row], Row | None]:
    """Of rows asked for one beyond ``limit``: the page, and its last row when more follow (the cursor is of it)."""
    page = list(rows[:limit])
    return page, page[-1] if len(rows) > limit else None


def read_cursor(cursor: str, of: str) -> list[Any]:
    """The values. Raises Invalid when the cursor is broken or of another list."""
    try:
        raw = base64.b64decode(
            cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
        )
        whole = hashlib.sha256(raw[_CHECK:]).digest()[:_CHECK] == raw[:_CHECK]
        *values, sealed = json.loads(raw[_CHECK:]) if whole else (None,)
    except (ValueError, binascii.Error, TypeError):
        raise bad_cursor() from None
    if sealed != of:
        raise bad_cursor()
    return list(values)


def as_kinds(values: Sequence[Any], *kinds: Callable[[Any], Any]) -> tuple[Any, ...]:
    """A cursor's values, each read by its kind (``UUID``, ``datetime.fromisoformat``, ...). Raises Invalid."""
    try:
        return tuple(kind(value) for kind, value in zip(kinds, values, strict=True))
    except (ValueError, TypeError, AttributeError):
        raise bad_cursor() from None


def bad_cursor() -> Invalid:
    return Invalid("The cursor does not belong to this list. Start again without one.", field="cursor")
