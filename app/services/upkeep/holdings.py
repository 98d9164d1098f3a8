"""What the installation holds on disk: bytes by kind and by user, the trash, what sweeping and checking found."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, text

from app.db import ReadSession, WriteSession, utcnow
from app.models import Edit, Photo, User
from app.services.upkeep import errands, facts
from app.settings import Settings

_SWEPT = "sweep.last"


@dataclass(frozen=True)
class Holder:
    """One user's share: photos in the album and in the trash, and the bytes of all their originals."""

    user_id: UUID
    username: str
    photos: int
    trashed: int
    bytes: int


@dataclass(frozen=True)
class Holdings:
    """``kinds`` are bytes by kind; what the database cannot know (renditions, files arriving) was ``measured_at``."""

    kinds: dict[str, int]
    measured_at: str | None
    trashed: int
    trashed_bytes: int
    holders: list[Holder]
    free: int
    total: int
    swept: dict[str, Any]


def report(session: ReadSession, settings: Settings) -> Holdings:
    """Numbers of the whole installation; walks no large folder."""
    # Two users may hold the same picture: its bytes are on disk once.
    each = select(Photo.checksum, func.max(Photo.size).label("size")).group_by(Photo.checksum).subquery()
    disk, measured = shutil.disk_usage(settings.data), facts.get(session, errands.STORAGE_FACT)
    trashed, trashed_bytes = session.execute(
        select(func.count(), func.coalesce(func.sum(Photo.size), 0)).where(Photo.deleted_at.is_not(None))
    ).one()
    kinds = {
        "originals": session.scalar(select(func.sum(each.c.size))) or 0,
        "edits": session.scalar(select(func.sum(Edit.size))) or 0,
        "database": _database_bytes(session, settings),
        "models": _folder_bytes(settings.models_dir),
    }
    kinds |= {name: measured[name] for name in ("renditions", "incoming") if name in measured}
    return Holdings(
        kinds={name: int(size) for name, size in kinds.items()},
        measured_at=measured.get("at"),
        trashed=trashed,
        trashed_bytes=int(trashed_bytes),
        holders=_holders(session),
        free=disk.free,
        total=disk.total,
        swept=facts.get(session, _SWEPT),
    )


def _holders(session: ReadSession) -> list[Holder]:
    gone = func.count(Photo.deleted_at)
    rows = session.execute(
        select(User.id, User.username, func.count(Photo.id), gone, func.coalesce(func.sum(Photo.size), 0))
        .outerjoin(Photo, Photo.owner_id == User.id)
        .group_by(User.id, User.username)
        .order_by(func.coalesce(func.sum(Photo.size), 0).desc(), User.username)
    ).tuples()
    return [
        Holder(user_id, name, count - trashed, trashed, int(size))
        for user_id, name, count, trashed, size in rows
    ]


def _database_bytes(session: ReadSession, settings: Settings) -> int:
    if session.get_bind().dialect.name == "postgresql":
        return int(session.scalar(text("select pg_database_size(current_database())")) or 0)
    path = Path(settings.db_url.removeprefix("sqlite:///"))
    return sum(part.stat().st_size for part in (path, path.with_name(path.name + "-wal")) if part.is_file())


def _folder_bytes(folder: Path) -> int:
    """Model folders hold a few dozen files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def note_sweep(session: WriteSession, photos: int) -> None:
    """Remember when the sweeper ran, and how many photos whose time in the trash was over it removed."""
    facts.put(session, _SWEPT, {"at": utcnow().isoformat(), "photos": photos})
