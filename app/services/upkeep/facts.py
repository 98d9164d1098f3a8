"""Small facts of the installation, one JSON object a name: what workers and administrators leave for each other."""

from __future__ import annotations

from typing import Any

from app.db import ReadSession, WriteSession
from app.models import KeyValue


def get(session: ReadSession, name: str) -> dict[str, Any]:
    """The fact's value; empty when nobody has stored it yet."""
    kept = session.get(KeyValue, name)
    return dict(kept.value) if kept is not None else {}


def put(session: WriteSession, name: str, value: dict[str, Any]) -> None:
    session.merge(KeyValue(key=name, value=value))
