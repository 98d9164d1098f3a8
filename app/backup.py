"""One file that holds a whole album: every row, every original and rendered edit. And the way back.

A backup is a tar file, so that a person without Albumen can still get at the photos:

- ``backup.json``: the format's version and the schema's revision;
- ``tables/NAME.jsonl.gz``: a line that names the columns, then a line of values for each row;
- ``blobs/SHA256``: the files the rows name, byte by byte as they were uploaded;
- ``manifest.json``: what the file should hold. It is written last: a backup without it was interrupted.

The rows are one snapshot. Files are written before the row that names them and removed after it, so the files read
afterwards are at least those the snapshot needs. Values are written by their meaning (an id, an instant), not as one
database keeps them: a backup of SQLite restores into PostgreSQL and the other way round. Renditions, sign-ins and
unfinished uploads are left out.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import os
import secrets
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, BinaryIO, cast
from uuid import UUID

from sqlalchemy import JSON, Column, DateTime, LargeBinary, MetaData, Table, select, update
from sqlalchemy.types import TypeEngine

from app import migrate
from app.context import Context
from app.db import Id, ReadSession, UtcTime, WriteSession, utcnow
from app.errors import AppError
from app.models import Base, Edit, Job, Photo
from app.services.clients import sync
from app.storage import Storage, disk_full

FORMAT = 1
_CHUNK = 1024 * 1024
_ROWS = 1000
# What belongs to this moment or this installation, or is numbered and counted anew.
_LEFT_OUT = {
    "sessions",
    "login_failures",
    "uploads",
    "kept_answers",
    "changes",
    "change_counters",
    "tag_counts",
    "vector_counter",
}


class BadBackup(AppError):
    code, status, title = "bad-backup", 422, "Not a backup that can be restored"


class NotEmpty(AppError):
    code, status, title = "album-not-empty", 409, "There is an album already"


@dataclass
class Manifest:
    """What a backup holds. ``missing`` and ``damaged`` name files (SHA-256) that were so when it was made."""

    rows: dict[str, int] = field(default_factory=dict)
    blobs: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Step:
    """How far a backup or restore is, counted in files."""

    done: int
    total: int


Progress = Callable[[Step], None]


def write_backup(context: Context, target: Path, *, progress: Progress = lambda _: None) -> Manifest:
    """Write a backup; the file appears under its name only when it is whole and on the disk.

    Raises:
        FileExistsError: ``target`` exists.
        StorageFull: there is no space for it; nothing is left behind.
    """
    if target.exists():
        raise FileExistsError(target)
    unfinished = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    manifest = Manifest()
    try:
        with disk_full(), unfinished.open("xb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                with context.database.read() as session:
                    _one_snapshot(session)
                    about = {
                        "format": FORMAT,
                        "schema": migrate.current(session.connection()),
                        "made_at": utcnow().isoformat(),
                    }
                    _add(tar, "backup.json", _json(about))
                    for table in _tables():
                        manifest.rows[table.name] = _add_table(tar, session, table)
                    checksums = _named_files(session)
                for number, checksum in enumerate(checksums, 1):
                    _add_blob(tar, context.storage, checksum, manifest)
                    progress(Step(number, len(checksums)))
                _add(tar, "manifest.json", _json(asdict(manifest)))
            file.flush()
            os.fsync(file.fileno())
        unfinished.rename(target)
    finally:
        unfinished.unlink(missing_ok=True)
    return manifest


def read_backup(context: Context, source: Path, *, progress: Progress = lambda _: None) -> Manifest:
    """Fill an empty album from a backup. Interrupted, it can simply be repeated: files that are there are kept.

    Returns:
        The backup's manifest, with ``damaged`` naming also the files that arrived here damaged.

    Raises:
        BadBackup: it is no backup, not a whole one, or of a newer version of Albumen.
        NotEmpty: the data folder's database has users.
    """
    try:
        with tarfile.open(source, mode="r:") as tar:
            about, manifest = _about(tar)
            if not migrate.knows(context.database, about["schema"]):
                raise BadBackup("This backup was made by a newer version of Albumen. Update Albumen first.")
            if migrate.has_users(context.database):
                raise NotEmpty("Restore into an empty data folder; this one holds an album.")
            manifest.damaged += _restore_blobs(tar, context.storage, manifest, progress)
            migrate.recreate(context.database, about["schema"])
            with context.database.write() as session:
                for name in manifest.rows:
                    _restore_table(session, tar, name)
                _restart_jobs(session)
    except (tarfile.TarError, gzip.BadGzipFile, EOFError, KeyError, ValueError) as error:
        raise BadBackup(f"{source.name} cannot be read as a backup: {error}") from error
    migrate.upgrade(context.database)
    with context.database.write() as session:
        sync.renew_epoch(session)  # whoever synchronised with the album before starts again
    return manifest


# --- rows -----------------------------------------------------------------------------------------------------


def _tables() -> list[Table]:
    """Those a backup holds, each after the ones it refers to."""
    return [table for table in Base.metadata.sorted_tables if table.name not in _LEFT_OUT]


def _one_snapshot(session: ReadSession) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.connection(execution_options={"isolation_level": "REPEATABLE READ"})


_KINDS: tuple[tuple[str, type[TypeEngine[Any]], Callable[[Any], Any], Callable[[Any], Any]], ...] = (
    ("id", Id, lambda value: value.hex, lambda text: UUID(hex=text)),
    ("instant", UtcTime, datetime.isoformat, datetime.fromisoformat),
    ("time", DateTime, datetime.isoformat, datetime.fromisoformat),
    ("bytes", LargeBinary, lambda value: base64.b64encode(value).decode(), base64.b64decode),
    ("json", JSON, lambda value: value, lambda value: value),
)
"""Kinds of values JSON does not know: name, column type, how to write and how to read one."""


def _kind(column: Column[Any]) -> str:
    return next((name for name, of, _, _ in _KINDS if isinstance(column.type, of)), "plain")


def _add_table(tar: tarfile.TarFile, session: ReadSession, table: Table) -> int:
    """Stream one table into the archive and return its number of rows."""
    columns = {column.name: _kind(column) for column in table.columns}
    own = [c.name for c in table.columns if any(key.column.table is table for key in c.foreign_keys)]
    writers = [
        next((write for name, _, write, _ in _KINDS if name == kind), None) for kind in columns.values()
    ]
    count = 0
    with tempfile.TemporaryFile() as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=6, mtime=0) as packed:
            packed.write(_json({"columns": columns, "own": own}) + b"\n")
            for row in session.execute(select(table).execution_options(yield_per=_ROWS)):
                values = [
                    value if value is None or write is None else write(value)
                    for value, write in zip(row, writers, strict=True)
                ]
                packed.write(_json(values) + b"\n")
                count += 1
        size = file.tell()
        file.seek(0)
        _add_file(tar, f"tables/{table.name}.jsonl.gz", file, size)
    return count


def _restore_table(session: WriteSession, tar: tarfile.TarFile, name: str) -> None:
    """Insert one table's rows. References of a table to itself (``own``) are set when all its rows are there."""
    packed = tar.extractfile(f"tables/{name}.jsonl.gz")
    assert packed is not None
    with gzip.open(packed) as lines:
        header = json.loads(next(lines))
        columns: dict[str, str] = header["columns"]
        kinds = {kind: (of, read) for kind, of, _, read in _KINDS}
        table = Table(
            name, MetaData(), *(Column(c, kinds[k][0]() if k in kinds else None) for c, k in columns.items())
        )
        readers = [(c, kinds[k][1] if k in kinds else None) for c, k in columns.items()]
        later: list[dict[str, Any]] = []
        part: list[dict[str, Any]] = []
        for line in lines:
            values = json.loads(line)
            row = {
                column: value if value is None or read is None else read(value)
                for (column, read), value in zip(readers, values, strict=True)
            }
            if any(row[column] is not None for column in header["own"]):
                later.append({"row_id": row["id"], **{column: row[column] for column in header["own"]}})
                row |= dict.fromkeys(header["own"])
            part.append(row)
            if len(part) == _ROWS:
                session.execute(table.insert(), part)
                part = []
        if part:
            session.execute(table.insert(), part)
    for row in later:
        row_id = row.pop("row_id")
        session.execute(update(table).where(table.c.id == row_id).values(row))
    _restart_numbering(session, name)


def _restart_numbering(session: WriteSession, name: str) -> None:
    """PostgreSQL goes on counting from where it was, whatever ids were inserted."""
    column = Base.metadata.tables[name].autoincrement_column if name in Base.metadata.tables else None
    if column is not None and session.get_bind().dialect.name == "postgresql":
        session.connection().exec_driver_sql(
            f"SELECT setval(pg_get_serial_sequence('{name}', '{column.name}'), "  # noqa: S608
            f"(SELECT coalesce(max({column.name}), 1) FROM {name}))"
        )


def _restart_jobs(session: WriteSession) -> None:
    """Nobody here is doing the work that was being done there."""
    session.execute(
        update(Job).where(Job.state == "running").values(state="ready", worker=None, lease_until=None)
    )


# --- files ----------------------------------------------------------------------------------------------------


def _named_files(session: ReadSession) -> list[str]:
    named = set(session.scalars(select(Photo.checksum)))
    named |= set(session.scalars(select(Edit.checksum).where(Edit.checksum.is_not(None))))
    return sorted(named)


class _Hashed(io.RawIOBase):
    """Reads another file and hashes what it gives out."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.sha256 = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.sha256.update(data)
        return data


def _add_blob(tar: tarfile.TarFile, storage: Storage, checksum: str, manifest: Manifest) -> None:
    """Add one file. A damaged one is added too, it may be all there is, and named in the manifest."""
    try:
        with storage.original(checksum).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            hashed = _Hashed(file)
            _add_file(tar, f"blobs/{checksum}", hashed, size)
    except FileNotFoundError:
        manifest.missing.append(checksum)
        return
    manifest.blobs += 1
    manifest.bytes += size
    if hashed.sha256.hexdigest() != checksum:
        manifest.damaged.append(checksum)


def _restore_blobs(
    tar: tarfile.TarFile, storage: Storage, manifest: Manifest, progress: Progress
) -> list[str]:
    """Put every file into its place; the checksums of those that are not what their name says."""
    damaged = []
    for number, member in enumerate(_members(tar, "blobs/"), 1):
        checksum = member.name.removeprefix("blobs/")
        place = storage.original(checksum)
        progress(Step(number, manifest.blobs))
        if place.is_file() and place.stat().st_size == member.size:
            continue
        packed = tar.extractfile(member)
        assert packed is not None
        with storage.receive(cast("BinaryIO", packed), limit=member.size) as incoming:
            if incoming.sha256 == checksum:
                storage.keep(incoming)
            elif checksum not in manifest.damaged:
                damaged.append(checksum)
    return damaged


def _about(tar: tarfile.TarFile) -> tuple[dict[str, Any], Manifest]:
    """The first and the last member. Raises BadBackup."""
    first = tar.next()
    if first is None or first.name != "backup.json":
        raise BadBackup("This file is not a backup of Albumen.")
    about = _read_json(tar, first)
    if about.get("format") != FORMAT:
        raise BadBackup("This backup has a format this version of Albumen does not know.")
    last = next(_members(tar, "manifest.json"), None)
    if last is None:
        raise BadBackup("This backup is not complete: it ends before its list of contents.")
    return about, Manifest(**_read_json(tar, last))


def _members(tar: tarfile.TarFile, prefix: str) -> Iterator[tarfile.TarInfo]:
    return (member for member in tar if member.name.startswith(prefix) and member.isreg())


def _read_json(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Any:
    file = tar.extractfile(member)
    assert file is not None
    return json.load(file)


def _json(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    _add_file(tar, name, io.BytesIO(data), len(data))


def _add_file(tar: tarfile.TarFile, name: str, file: IO[bytes] | _Hashed, size: int) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode, member.mtime = size, 0o644, int(datetime.now(UTC).timestamp())
    tar.addfile(member, file)
