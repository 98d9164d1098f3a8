"""Importing folders from the command line: resumable because content decides, not a bookmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from uuid import UUID

from app.context import Context
from app.errors import AppError
from app.services import intake
from app.services.accounts import Viewer
from app.storage import InPlace

How = Literal["copy", "move", "in-place"]

# Only a filter for walking folders; what a file is, its content decides.
SUFFIXES = {
    ".jpg",
    ".jpeg",
    ".jpe",
    ".jfif",
    ".png",
    ".gif",
    ".bmp",
    ".webp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".hif",
    ".avif",
    ".mpo",
}


@dataclass(frozen=True)
class Imported:
    """What became of one file: ``added``, ``duplicate`` or ``refused`` (with the reason)."""

    path: Path
    outcome: str
    detail: str = ""
    photo_id: UUID | None = None


def find_files(paths: Iterable[Path], *, recursive: bool = True) -> Iterator[Path]:
    """The picture files named, and those in the folders named, in a stable order; hidden files are left out.

    Raises:
        FileNotFoundError: a named path does not exist.
    """
    for path in paths:
        if not path.exists():
            raise FileNotFoundError(path)
        if path.is_file():
            yield path
            continue
        inside = path.rglob("*") if recursive else path.glob("*")
        yield from sorted(
            file
            for file in inside
            if file.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in file.relative_to(path).parts)
            and file.is_file()
        )


def import_file(
    context: Context, viewer: Viewer, path: Path, *, album_id: UUID | None = None, how: How = "copy"
) -> Imported:
    """Import one file; a file that is already there is not copied again.

    Args:
        how: ``copy``; ``move`` removes the source once its bytes are safe in the album and read back identical;
            ``in-place`` leaves the file where it is and the album refers to it.
    """
    try:
        added = _known(context, viewer, path) if album_id is None else None
        if added is None:
            stat = path.stat()
            options = intake.Options(
                filename=path.name, file_time=datetime.fromtimestamp(stat.st_mtime, UTC), album_id=album_id
            )
            if how == "in-place":
                added = intake.add_received(context, viewer, InPlace(path), options)
            else:
                with path.open("rb") as stream:
                    added = intake.add_stream(context, viewer, stream, options)
    except AppError as error:
        return Imported(path, "refused", error.detail)
    except OSError as error:
        return Imported(path, "refused", f"{error.strerror or error}")
    if how == "move" and _is_kept(context, added.checksum, path):
        path.unlink()
    detail = "in the trash" if added.trashed else ""
    return Imported(path, "duplicate" if added.duplicate else "added", detail, added.id)


def _is_kept(context: Context, checksum: str, path: Path) -> bool:
    """Whether the album holds these very bytes in a file of its own, not through a link to ``path``."""
    original = context.storage.original(checksum)
    return not original.samefile(path) and (
        context.storage.checksum(original) == context.storage.checksum(path)
    )


def _known(context: Context, viewer: Viewer, path: Path) -> intake.Added | None:
    """The photo with these bytes, when it is already there: hashing alone is far cheaper than taking it in."""
    checksum = context.storage.checksum(path)
    with context.database.read() as session:
        found = intake.find_existing(session, viewer, [checksum]).get(checksum)
    return None if found is None else intake.Added(found, checksum, "", duplicate=True)
