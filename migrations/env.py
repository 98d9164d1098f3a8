"""Alembic environment: 'app.migrate' passes the connection; the alembic command reads ALBUMEN_* settings."""

from __future__ import annotations

from typing import Any

from alembic import context
from sqlalchemy import Connection

from app.db import Database, Id, UtcTime
from app.models import Base
from app.settings import Settings


def _render(kind: str, value: Any, _autogen: Any) -> str | bool:
    """Our column types are named in migrations by themselves, not by what they decorate."""
    if kind == "type" and isinstance(value, Id | UtcTime):
        return f"{type(value).__name__}()"
    return False


def _run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=_render,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    _run(given)
else:
    with Database(Settings.from_env().db_url).engine.connect() as connection:
        _run(connection)
        connection.commit()
