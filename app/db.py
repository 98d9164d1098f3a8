"""The database: engine, SQLite pragmas, column types, and the two kinds of session.

Reading and writing sessions are different types because SQLite needs it: a transaction that reads first and
writes later fails at once when another writer committed in between, so writers take the lock at BEGIN.
Nobody but the edge (a request, a job, a command) commits: use ``with database.write() as session``.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, Engine, LargeBinary, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeDecorator, TypeEngine


def utcnow() -> datetime:
    return datetime.now(UTC)


_id_lock = threading.Lock()
_last_id_ms = 0
_id_counter = 0


def new_id() -> UUID:
    """A UUID version 7 (RFC 9562): sorts by creation time, and strictly within one process."""
    global _last_id_ms, _id_counter
    with _id_lock:
        now = time.time_ns() // 1_000_000
        if now <= _last_id_ms:
            _id_counter += 1
            if _id_counter > 0xFFF:
                _last_id_ms, _id_counter = _last_id_ms + 1, 0
        else:
            _last_id_ms, _id_counter = now, int.from_bytes(os.urandom(1), "big")
        value = (_last_id_ms << 80) | (0x7 << 76) | (_id_counter << 64) | (0b10 << 62)
    return UUID(int=value | (int.from_bytes(os.urandom(8), "big") >> 2))


class Id(TypeDecorator[UUID]):
    """A UUID: 16 bytes on SQLite (half the index of the text form), the native type on PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.UUID(as_uuid=True) if native else LargeBinary(16))

    def process_bind_param(self, value: UUID | None, dialect: Dialect) -> Any:
        return value if value is None or dialect.name == "postgresql" else value.bytes

    def process_result_value(self, value: Any, dialect: Dialect) -> UUID | None:
        return value if value is None or isinstance(value, UUID) else UUID(bytes=bytes(value))

    def process_literal_param(self, value: UUID | None, dialect: Dialect) -> str:
        if value is None:
            return "NULL"
        return f"'{value}'" if dialect.name == "postgresql" else f"x'{value.hex}'"


class UtcTime(TypeDecorator[datetime]):
    """An instant: aware UTC in Python, naive UTC in the database (both engines order it rightly)."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("an instant needs a time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.replace(tzinfo=UTC)


class ReadSession(Session):
    """A session that only reads. It never waits for a writer."""


class WriteSession(ReadSession):
    """A session that may write. On SQLite it holds the one write lock from its first statement on."""


class Database:
    """One engine and its two session factories; make one per process.

    ``about`` is what its sessions carry in their ``info``: what code that gets nothing but a session must know of the
    installation, such as ``models_dir``.
    """

    def __init__(self, url: str, **about: Any) -> None:
        self.url = url
        self._about = about
        self.engine = _make_engine(url)
        self._write_engine = self.engine.execution_options(albumen_immediate=True)

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def read(self) -> Iterator[ReadSession]:
        with ReadSession(self.engine, expire_on_commit=False, autoflush=False, info=self._about) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[WriteSession]:
        """One transaction: committed when the block ends, rolled back when it raises."""
        with (
            WriteSession(self._write_engine, expire_on_commit=False, info=self._about) as session,
            session.begin(),
        ):
            yield session

    def dispose(self) -> None:
        self.engine.dispose()


def insert_into(session: Session, table: type[Any]) -> SqliteInsert | PostgresqlInsert:
    """An INSERT that knows ON CONFLICT, which the portable one does not."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    return insert(table)


def _make_engine(url: str) -> Engine:
    if not url.startswith("sqlite"):
        return create_engine(url, pool_pre_ping=True)
    path = url.removeprefix("sqlite:///")
    if path and path != ":memory:":
        Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": 30, "check_same_thread": False})
    event.listen(engine, "connect", _sqlite_connect)
    event.listen(engine, "begin", _sqlite_begin)
    return engine


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves, see _sqlite_begin
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        # FULL, not NORMAL: after "201 Created" the phone deletes its copy, so the row must survive a power cut.
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=30000",
        "cache_size=-65536",
        "temp_store=MEMORY",
        "mmap_size=268435456",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _sqlite_begin(connection: Any) -> None:
    immediate = connection.get_execution_options().get("albumen_immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")
