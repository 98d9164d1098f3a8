"""The model zoo: fetches what the registry names, converts it once, proves at every load that it is intact.

A model is a folder ``<models>/<id, "/" as "__">`` with ``model.safetensors``, for most also ``model.onnx``,
kept files, and ``entry.json`` with the SHA-256 of each. The folder appears by one rename when all is done: a
killed fetch leaves nothing half-made, and starts again from the archive in the cache. Two processes that want
the same model take turns. The folder may be shared between data folders and, read-only, between machines.
"""

from __future__ import annotations

import functools
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from ml import registry
from ml.download import (
    ChecksumError,
    FetchError,
    default_cache,
    extract,
    locked,
    obtain,
    obtain_files,
    sha256_of,
)
from ml.export import GRAPH_VERSION, ExportTask, to_json
from ml.registry import ModelEntry

Step = Literal["download", "unpack", "convert", "export", "check", "done"]
State = Literal["ready", "missing", "outdated", "damaged"]

_MARKER = "entry.json"


class ModelMissing(FetchError):
    """The model is not in the models folder (or only an older recipe of it is); fetching helps."""


class ModelDamaged(FetchError):
    """A file of the model is not the one that was fetched; fetching again helps."""


@dataclass(frozen=True)
class Progress:
    """How far a fetch is: ``done`` of ``total`` bytes while downloading, 0 of 0 in the other steps."""

    model_id: str
    step: Step
    done: int = 0
    total: int = 0


@dataclass(frozen=True)
class ModelState:
    """One line of ``models list`` or ``verify``: the state, why, and the bytes on disk."""

    entry: ModelEntry
    state: State
    detail: str = ""
    size: int = 0


Listener = Callable[[Progress], None]


def _nobody(progress: Progress) -> None:
    return


class Zoo:
    """The models of one folder.

    Args:
        models_dir: where finished models live; created when something is fetched.
        cache: where archives are kept; default ``$XDG_CACHE_HOME/albumen/zoo``.
        entries: the models it knows; default all of the registry.
    """

    def __init__(
        self, models_dir: Path, cache: Path | None = None, entries: Iterable[ModelEntry] | None = None
    ) -> None:
        self.models_dir = models_dir
        self.cache = cache or default_cache()
        self._entries = dict(registry.entries()) if entries is None else {e.id: e for e in entries}

    def wanted(self, model_ids: Sequence[str] | None = None) -> list[ModelEntry]:
        """The entries for these ids and all they require; without ids, all that are not extras.

        Raises:
            registry.UnknownModel: an id is not in the registry.
        """
        if model_ids is None:
            model_ids = [e.id for e in self._entries.values() if not e.extra]
        result: dict[str, ModelEntry] = {}
        queue = list(model_ids)
        while queue:
            model_id = queue.pop(0)
            if model_id not in result:
                entry = self._entries.get(model_id) or registry.get(model_id)
                result[model_id] = entry
                queue.extend(entry.requires)
        return list(result.values())

    def fetch(
        self,
        model_ids: Sequence[str] | None = None,
        *,
        progress: Listener = _nobody,
        again: bool = False,
    ) -> list[ModelEntry]:
        """Bring models into the folder; those that are there and intact are skipped.

        Args:
            model_ids: which; None for all that are not extras. What they require comes too.
            progress: told of every step; called in this thread.
            again: make them anew even if they are intact.

        Returns:
            The entries that were made now.

        Raises:
            FetchError: one cannot be fetched or converted; those before it are finished and stay.
            registry.UnknownModel: an id is not in the registry.
        """
        made = []
        for entry in self.wanted(model_ids):
            if entry.source.kind == "code":
                continue
            # Asked before and after the lock: a complete folder may be read-only, another process quicker.
            if again or self.state(entry).state != "ready":
                with locked(self.models_dir / ".locks" / entry.folder):
                    if again or self.state(entry).state != "ready":
                        self._make(entry, progress)
                        made.append(entry)
            progress(Progress(entry.id, "done"))
        return made

    def states(self) -> list[ModelState]:
        """Every known model and whether it is there, without reading the weights."""
        return [self.state(entry, deep=False) for entry in self._entries.values()]

    def verify(self, model_ids: Sequence[str] | None = None) -> list[ModelState]:
        """Read every byte of the models and compare; without ids, of all that are there or ought to be."""
        if model_ids is not None:
            return [self.state(entry) for entry in self.wanted(model_ids)]
        states = [self.state(entry) for entry in self._entries.values()]
        return [s for s in states if s.state != "missing" or not s.entry.extra]

    def state(self, entry: ModelEntry, *, deep: bool = True) -> ModelState:
        """Whether a model can be loaded; ``deep`` reads its files, else only their sizes are compared."""
        if entry.source.kind == "code":
            return ModelState(entry, "ready", "no weights")
        try:
            size = check_folder(self.models_dir / entry.folder, entry, deep=deep)
        except ModelMissing as error:
            there = (self.models_dir / entry.folder).exists()
            return ModelState(entry, "outdated" if there else "missing", str(error))
        except ModelDamaged as error:
            return ModelState(entry, "damaged", str(error))
        return ModelState(entry, "ready", "", size)

    def _make(self, entry: ModelEntry, progress: Listener) -> None:
        """Build the model's folder beside its final place and rename it there. The caller holds the lock."""

        def report(done: int, total: int) -> None:
            progress(Progress(entry.id, "download", done, total))

        staging = self.models_dir / f".making-{entry.folder}"
        shutil.rmtree(staging, ignore_errors=True)
        (staging / ".source").mkdir(parents=True)
        from_hub = entry.source.kind == "hub"
        if from_hub:
            files = obtain_files(entry, self.cache, report)
        else:
            archive = None if entry.source.kind == "own" else obtain(entry.source, self.cache, report)
            progress(Progress(entry.id, "unpack"))
            files = extract(entry.source, archive, entry.files, staging / ".source")
        for file in entry.files:
            if file.keep:
                (staging / file.name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(files[file.name], staging / file.name)
        difference = 0.0
        if entry.runtime in ("onnx", "torch"):
            difference = _convert(entry, files, staging, progress)
        shutil.rmtree(staging / ".source")
        _write_marker(entry, staging, difference)
        _replace(staging, self.models_dir / entry.folder)
        if (
            from_hub
        ):  # archives are kept for what else is in them; these files are here now as they were there
            for path in files.values():
                path.unlink(missing_ok=True)


def _convert(entry: ModelEntry, files: dict[str, Path], staging: Path, progress: Listener) -> float:
    """Run ``ml.export`` in a child process; returns the measured difference between torch and onnxruntime."""
    task = ExportTask(
        convert=entry.convert,
        build=entry.build,
        files={name: str(path) for name, path in files.items()},
        folder=str(staging),
        examples=[(e.name, list(e.shape), {str(a): n for a, n in e.dynamic}) for e in entry.examples],
        outputs=list(entry.outputs),
        tolerance=entry.tolerance,
        export=entry.runtime == "onnx",
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p or os.getcwd() for p in sys.path)}
    command = [sys.executable, "-m", "ml.export"]
    with (
        (staging / ".source" / ".log").open("w+") as log,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, env=environment, text=True
        ) as child,
    ):
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(to_json(task))
        child.stdin.close()
        event: dict[str, Any] = {}
        for line in child.stdout:
            event = json.loads(line) if line.startswith("{") else event
            if "step" in event:
                progress(Progress(entry.id, event["step"]))
        child.wait()
        log.seek(0)
        said = log.read().strip()
    if "difference" not in event:
        raise FetchError(f"{entry.id} cannot be converted: {event.get('error') or said[-400:]}")
    return float(event["difference"])


def _write_marker(entry: ModelEntry, folder: Path, difference: float) -> None:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    marker = {
        "id": entry.id,
        "version": entry.version,
        "recipe": recipe(entry),
        "difference": difference,
        "files": {
            str(p.relative_to(folder)): {"size": p.stat().st_size, "sha256": sha256_of(p)} for p in files
        },
    }
    for path in files:
        path.chmod(0o644)  # the folder may be shared between users of the machine
        _sync(path)
    (folder / _MARKER).write_text(json.dumps(marker, indent=1) + "\n")
    _sync(folder / _MARKER)
    _sync(folder)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _replace(staging: Path, folder: Path) -> None:
    """Rename the finished folder into place, over an older one if there is one."""
    old = folder.with_name(f".old-{folder.name}")
    shutil.rmtree(old, ignore_errors=True)
    if folder.exists():
        os.replace(folder, old)
    os.replace(staging, folder)
    _sync(folder.parent)
    shutil.rmtree(old, ignore_errors=True)


def recipe(entry: ModelEntry) -> str:
    """A hash of all that decides what is in the model's folder; another recipe means: make it again."""
    parts = asdict(entry)
    names = ("source", "files", "convert", "build", "examples", "outputs", "runtime", "version")
    decisive = {name: parts[name] for name in names}
    if entry.runtime == "onnx":
        decisive["graph"] = GRAPH_VERSION
    text = json.dumps(decisive, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def check_folder(folder: Path, entry: ModelEntry, *, deep: bool = True) -> int:
    """Prove that a model's folder is what was made from this entry; returns its size in bytes.

    Raises:
        ModelMissing: there is none, or it was made by an older recipe.
        ModelDamaged: a file is gone or changed.
    """
    fetch = f"fetch it with: albumen models fetch {entry.id}"
    try:
        marker = json.loads((folder / _MARKER).read_text())
        made_by, files = marker["recipe"], marker["files"]
    except FileNotFoundError:
        raise ModelMissing(f"{entry.id} is not in {folder.parent}; {fetch}") from None
    except (ValueError, KeyError, TypeError):
        raise ModelDamaged(f"{folder / _MARKER} cannot be read; {fetch}") from None
    if made_by != recipe(entry):
        raise ModelMissing(f"{entry.id} in {folder.parent} was made by an older recipe; {fetch}")
    for name, known in files.items():
        path = folder / name
        if not path.is_file() or path.stat().st_size != known["size"]:
            raise ModelDamaged(f"{path} is missing or cut short; {fetch}")
        stat = path.stat()
        if deep and _hash_once(path, stat.st_mtime_ns, stat.st_size, stat.st_ino) != known["sha256"]:
            raise ModelDamaged(f"{path} has changed since it was fetched; {fetch}")
    return sum(known["size"] for known in files.values())


@functools.lru_cache(maxsize=256)
def _hash_once(path: Path, modified: int, size: int, inode: int) -> str:
    """The file's SHA-256, read once per process as long as the file is the same: reloading stays cheap."""
    return sha256_of(path)


__all__ = [
    "ChecksumError",
    "FetchError",
    "ModelDamaged",
    "ModelMissing",
    "ModelState",
    "Progress",
    "Zoo",
    "check_folder",
    "recipe",
]
