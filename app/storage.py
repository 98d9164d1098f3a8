"""Files on disk: originals by checksum, the renditions derived from them, and uploads still arriving.

This module owns the layout of the data folder below ``blobs``, ``renditions`` and ``incoming`` and knows
nothing of the database. Its one promise: when ``keep`` returns, the bytes survive a power cut, so a row may
name them. Until then nothing but a temporary file in ``incoming`` exists, which ``sweep_incoming`` removes
after a crash.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from app.errors import StorageFull, TooLarge
from app.sentences import say
from app.settings import Settings

MEDIA_TYPES = {".jpg": "image/jpeg", ".webp": "image/webp", ".png": "image/png", ".avif": "image/avif"}
"""Suffixes a rendition may have. The first is what ``rendition`` names when the file does not exist yet."""

_CHECKSUM = re.compile(r"[0-9a-f]{64}")
_KIND = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
_CHUNK = 1024 * 1024
_SCRATCH = "scratch-"


@dataclass(frozen=True)
class Usage:
    """Bytes: what our folders hold, and what the file system below them has free and in total."""

    originals: int
    renditions: int
    incoming: int
    free: int
    total: int


class Incoming:
    """A file that is still arriving: hashed while it is written, gone unless it is kept.

    As a context manager it discards itself at the end of the block, which does nothing once it was kept.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self.size = 0
        self._limit = limit
        self._sha256 = hashlib.sha256()
        self._sha1 = hashlib.sha1(usedforsecurity=False)  # clients name their photos by it; we never trust it
        self._file: BinaryIO | None = path.open("xb")

    def write(self, data: bytes) -> None:
        """Append bytes.

        Raises:
            TooLarge: the file would pass its limit; nothing of ``data`` was written.
            StorageFull: the disk or the quota is full.
        """
        if self._file is None:
            raise ValueError("this file has been closed")
        if self.size + len(data) > self._limit:
            raise TooLarge(
                say("The file is larger than {size}.", size=_megabytes(self._limit)), limit=self._limit
            )
        with disk_full():
            self._file.write(data)
        self._sha256.update(data)
        self._sha1.update(data)
        self.size += len(data)

    @property
    def sha256(self) -> str:
        return self._sha256.hexdigest()

    @property
    def sha1(self) -> str:
        return self._sha1.hexdigest()

    def flush(self) -> None:
        """Let readers of ``path`` see everything written so far."""
        if self._file is not None:
            with disk_full():
                self._file.flush()

    def finish(self) -> None:
        """Force the bytes to the disk and close the file. ``Storage.keep`` calls it."""
        if self._file is None:
            return
        with disk_full():
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()
        self._file = None

    def settle(self, target: Path) -> None:
        """Become ``target``, read-only, replacing what has the name."""
        self.path.chmod(0o444)
        self.path.replace(target)

    def discard(self) -> None:
        """Forget the file; harmless after ``keep`` and when called twice."""
        if self._file is not None:
            with suppress(OSError):  # closing flushes, which fails again on a full disk; the file goes anyway
                self._file.close()
            self._file = None
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.discard()


class InPlace:
    """A file of the user's that stays where it is; ``Storage.keep`` puts a symbolic link to it among the originals.

    It is the user's promise that the file stays and does not change; ``albumen check`` tells when it did.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.resolve(strict=True)
        sha256, sha1 = hashlib.sha256(), hashlib.sha1(usedforsecurity=False)
        self.size = 0
        with self.path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                sha256.update(chunk)
                sha1.update(chunk)
                self.size += len(chunk)
        self.sha256, self.sha1 = sha256.hexdigest(), sha1.hexdigest()

    def flush(self) -> None:
        """Nothing to do, as for ``finish`` and ``discard``: the file is there and stays."""

    finish = discard = flush

    def settle(self, target: Path) -> None:
        """Make ``target`` a link to the file, replacing what has the name."""
        link = target.with_name(f".{target.name}.{secrets.token_hex(8)}.tmp")
        link.symlink_to(self.path)
        link.replace(target)


class Storage:
    """The data folder's files. Safe to use from many threads and processes at once."""

    def __init__(self, settings: Settings) -> None:
        self._limit = settings.max_upload_bytes
        self._incoming = settings.data / "incoming"
        self._blobs = settings.data / "blobs"
        self._renditions = settings.data / "renditions"
        settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (self._incoming, self._blobs, self._renditions):
            folder.mkdir(parents=True, exist_ok=True)

    # --- originals and other blobs --------------------------------------------------------------------------

    def incoming(self, *, limit: int | None = None) -> Incoming:
        """A new temporary file; ``limit`` in bytes overrides the setting ``max_upload_bytes``."""
        with disk_full():
            path = self._incoming / f"{time.time_ns()}-{secrets.token_hex(8)}.part"
            return Incoming(path, self._limit if limit is None else limit)

    def receive(self, source: BinaryIO, *, limit: int | None = None) -> Incoming:
        """Copy a whole stream into a new temporary file; raises as ``Incoming.write``, leaving nothing."""
        writer = self.incoming(limit=limit)
        try:
            while chunk := source.read(_CHUNK):
                writer.write(chunk)
        except BaseException:
            writer.discard()
            raise
        return writer

    def keep(self, writer: Incoming | InPlace) -> Path:
        """Make an incoming file, or a link to one that stays in place, permanent under its SHA-256.

        On return the bytes and their name are on the disk. Keeping the same content again, even at the same
        moment, is harmless and renews the file's age, so that ``remove_original`` spares it until its row is
        written.
        """
        writer.finish()
        target = self.original(writer.sha256)
        with disk_full(), self._lock(fcntl.LOCK_SH):
            target.parent.mkdir(parents=True, exist_ok=True)
            there = _size(target) == writer.size  # a damaged file of another length is replaced by good bytes
            if there and (isinstance(writer, InPlace) or not target.is_symlink()):
                os.utime(target, follow_symlinks=False)
                writer.discard()
            else:
                writer.settle(target)
            # Also for existing files and folders: whoever made them may not have come this far yet.
            for folder in (target.parent, target.parent.parent, self._blobs):
                _sync_folder(folder)
        return target

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder for a moment, on the disk of the photos: ``/tmp`` may be memory, or too small."""
        with tempfile.TemporaryDirectory(dir=self._incoming, prefix=_SCRATCH) as folder:
            yield Path(folder)

    def discard(self, writer: Incoming) -> None:
        writer.discard()

    def original(self, sha256: str) -> Path:
        """Where the blob lies or would lie. Raises ValueError for anything but 64 lower-case hex digits."""
        return self._place(self._blobs, sha256) / sha256

    def originals(self) -> Iterator[tuple[str, Path]]:
        """Every blob as (checksum, path), in order of checksum."""
        for path in _walk(self._blobs):
            if _CHECKSUM.fullmatch(path.name) and path == self.original(path.name):
                yield path.name, path

    def remove_original(self, sha256: str, *, unused_for: float = 24 * 3600) -> bool:
        """Remove a blob that no row names, unless it was kept within the last ``unused_for`` seconds.

        The age protects an upload between ``keep`` and its row. Returns whether a file was removed.
        """
        path = self.original(sha256)
        with self._lock(fcntl.LOCK_EX):
            try:
                if time.time() - path.lstat().st_mtime < unused_for:
                    return False
                path.unlink()
            except FileNotFoundError:
                return False
        return True

    def checksum(self, path: Path) -> str:
        """SHA-256 of a file's bytes as they are on the disk now."""
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()

    # --- renditions -----------------------------------------------------------------------------------------

    def rendition(self, sha256: str, kind: str) -> Path:
        """The rendition of an original: the file that exists, else the path to give to ``Sandbox.render``.

        The format is chosen when it is made, so ask again afterwards (or use the path ``render`` returns).
        """
        if not _KIND.fullmatch(kind):
            raise ValueError(f"not a kind of rendition: {kind!r}")
        folder = self._place(self._renditions, sha256)
        candidates = [folder / f"{sha256}.{kind}{suffix}" for suffix in MEDIA_TYPES]
        return next((path for path in candidates if path.is_file()), candidates[0])

    def renditions(self) -> Iterator[tuple[str, str, Path]]:
        """Every rendition as (checksum of its original, kind, path)."""
        for path in _walk(self._renditions):
            checksum, _, kind = path.stem.partition(".")
            if path.suffix in MEDIA_TYPES and _CHECKSUM.fullmatch(checksum) and _KIND.fullmatch(kind):
                yield checksum, kind, path

    def write_rendition(self, sha256: str, kind: str, suffix: str, data: bytes) -> Path:
        """Store a small derived picture that is already encoded (a face crop), replacing an older one."""
        return write_derived(self.rendition(sha256, kind), suffix, data)

    def remove_renditions(self, sha256: str) -> int:
        """Remove every rendition of an original and return how many there were."""
        paths = list(self._place(self._renditions, sha256).glob(f"{sha256}.*"))
        for path in paths:
            path.unlink(missing_ok=True)
        return len(paths)

    # --- housekeeping ---------------------------------------------------------------------------------------

    def sweep_incoming(self, *, hours: float = 24) -> int:
        """Remove temporary files and folders untouched for so long that nobody can still be using them."""
        before = time.time() - hours * 3600
        removed = 0
        for path in [*self._incoming.iterdir(), *self._renditions.glob("??/??/.*.tmp")]:
            with suppress(FileNotFoundError):  # another process sweeps too
                if path.name == ".lock" or path.stat().st_mtime >= before:
                    continue
                if path.is_file():
                    path.unlink()
                elif path.name.startswith(_SCRATCH):
                    shutil.rmtree(path)
                else:
                    continue
                removed += 1
        return removed

    def usage(self) -> Usage:
        """Walks the folders: seconds on a large library."""
        disk = shutil.disk_usage(self._blobs)
        return Usage(
            originals=_folder_size(self._blobs),
            renditions=_folder_size(self._renditions),
            incoming=_folder_size(self._incoming),
            free=disk.free,
            total=disk.total,
        )

    def _place(self, root: Path, sha256: str) -> Path:
        if not _CHECKSUM.fullmatch(sha256):
            raise ValueError(f"not a SHA-256 checksum: {sha256!r}")
        return root / sha256[:2] / sha256[2:4]

    @contextmanager
    def _lock(self, how: int) -> Iterator[None]:
        """Keeps ``remove_original`` from unlinking a blob that ``keep`` has just found to exist."""
        with (self._incoming / ".lock").open("ab") as file:
            fcntl.flock(file, how)
            yield


def media_type(path: Path) -> str:
    """The MIME type of a rendition by its suffix."""
    return MEDIA_TYPES[path.suffix]


def write_derived(path: Path, suffix: str, data: bytes) -> Path:
    """Write a rendition as ``path`` with its suffix replaced, in place of one in any other format."""
    if suffix not in MEDIA_TYPES:
        raise ValueError(f"not a suffix of a rendition: {suffix!r}")
    written = path.with_suffix(suffix)
    write_atomically(written, data)
    for other in MEDIA_TYPES.keys() - {suffix}:
        path.with_suffix(other).unlink(missing_ok=True)
    return written


def write_atomically(path: Path, data: bytes) -> None:
    """Write a file so that readers see the old one, or the new one whole. Raises StorageFull."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    with disk_full():
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())  # else a power cut can leave the new name on an empty file
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def disk_full() -> Iterator[None]:
    """Turns "no space left" and "over quota" into StorageFull."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull("There is no space left for photos on the server.") from error
        raise


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return None


def _folder_size(folder: Path) -> int:
    return sum(_size(path) or 0 for path in _walk(folder))


def _walk(folder: Path) -> Iterator[Path]:
    """Files below a folder, sorted, without holding more than one folder's names in memory."""
    with os.scandir(folder) as entries:
        names = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in entries)
    for name, is_folder in names:
        if is_folder:
            yield from _walk(folder / name)
        else:
            yield folder / name


def _megabytes(size: int) -> str:
    return f"{size / 1024**2:.0f} MB" if size >= 1024**2 else f"{size} bytes"
