"""The door to the decoders: photos are opened in child processes that a hostile file can kill, but not leave.

``Sandbox`` keeps a few such processes, gives each one photo at a time, replaces those that a photo has
killed, that take too long or that have grown, and turns what happened into errors about the photo. See
``app.imaging.child`` for what they do and ``app.imaging.confine`` for what they cannot do.
"""

from __future__ import annotations

import logging
import queue
import signal
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from app.errors import AppError, BrokenImage, TooLarge, UnsupportedImage
from app.imaging.process import DeadProcessError, DecodingProcess, SlowProcessError
from app.imaging.results import Inspection, Pixels, Rendered, inspection_from_json
from app.sentences import say
from app.settings import Settings
from app.storage import MEDIA_TYPES, write_derived

logger = logging.getLogger(__name__)
Result = TypeVar("Result")

_ERRORS: dict[str, type[AppError]] = {
    error.code: error for error in (BrokenImage, TooLarge, UnsupportedImage)
}
_TASKS_PER_PROCESS = 500  # then a fresh one, against leaks in the decoders
_RESIDENT_PER_PROCESS = 512 * 1024**2  # bytes it may keep between photos


class Sandbox:
    """Decodes photos in at most ``processes`` confined processes, each started when it is first needed (0.3
    s).

    Safe to use from many threads; callers wait their turn. Use as a context manager, or call ``close``.
    """

    def __init__(self, settings: Settings, *, processes: int = 2) -> None:
        self._settings = settings
        self._idle: queue.LifoQueue[DecodingProcess | None] = (
            queue.LifoQueue()
        )  # None: a process yet to be started
        for _ in range(processes):
            self._idle.put(None)
        self._alive: set[DecodingProcess] = set()
        self._lock = threading.Lock()
        self._closed = False
        # The kernel ends a process with the thread that started it, and the threads of a web server come
        # and go.
        self._starter = ThreadPoolExecutor(1, thread_name_prefix="sandbox-starter")

    def inspect(self, path: Path) -> Inspection:
        """Decode the whole photo and tell what it is.

        Raises:
            UnsupportedImage: not one of the formats that are kept, whatever its name.
            BrokenImage: damaged, incomplete, deadly to its decoder, or too slow to decode.
            TooLarge: more pixels, frames or memory than the settings allow.
        """

        def read(reply: dict[str, Any], _process: DecodingProcess) -> Inspection:
            if reply["problem"]:
                logger.warning("metadata of a photo could not be read: %s", reply["problem"])
            return inspection_from_json(reply["inspection"])

        return self._do(path, {"task": "inspect"}, read)

    def render(self, path: Path, *, grid: Path | None = None, preview: Path | None = None) -> Rendered:
        """Write the renditions asked for and return the pixels for analysis. Raises as ``inspect``, and
        StorageFull.

        Files appear whole or not at all. The suffix of ``grid`` and ``preview`` is replaced by that of the
        format chosen: ``.webp`` for the grid; ``.jpg`` for the preview, or ``.webp`` where something shows through.
        """
        wanted = {
            kind: target for kind, target in (("grid", grid), ("preview", preview)) if target is not None
        }

        def read(
            reply: dict[str, Any], process: DecodingProcess
        ) -> tuple[dict[str, tuple[str, bytes]], Pixels]:
            files = {}
            for kind in wanted:
                suffix, offset, length = reply["files"][kind]
                if suffix not in MEDIA_TYPES:
                    raise ValueError("not a suffix of a rendition")
                files[kind] = (suffix, process.part(offset, length))
            return files, process.pixels(reply["pixels"][0], tuple(reply["shape"]))

        files, pixels = self._do(path, {"task": "render", "kinds": list(wanted)}, read)
        written = {kind: write_derived(wanted[kind], *file) for kind, file in files.items()}
        return Rendered(written.get("grid"), written.get("preview"), pixels)

    def decode(self, path: Path, *, long_side: int | None = None) -> Pixels:
        """All pixels, upright sRGB: (height, width, 3) uint8, or (height, width, 4) where something shows
        through.

        ``long_side`` shrinks while decoding, which is faster. Raises as ``inspect``.
        """
        return self._do(
            path,
            {"task": "decode", "long_side": long_side},
            lambda reply, process: process.pixels(reply["pixels"][0], tuple(reply["shape"])),
        )

    def _do(
        self, path: Path, request: dict[str, Any], read: Callable[[dict[str, Any], DecodingProcess], Result]
    ) -> Result:
        """Have a process work on the photo and ``read`` its reply while the process is still ours."""
        request |= {"max_pixels": self._settings.max_pixels, "max_frames": self._settings.max_frames}
        with path.open("rb") as photo:
            try:
                return self._attempt(request, photo.fileno(), read)
            except DeadProcessError:
                # The photo may be innocent: the system kills large processes when memory is short.
                logger.warning("a decoding process died; trying the photo again in a new one")
            try:
                return self._attempt(request, photo.fileno(), read)
            except DeadProcessError as error:
                raise BrokenImage("The picture is damaged in a way that ends its decoder.") from error

    def _attempt(
        self,
        request: dict[str, Any],
        photo: int,
        read: Callable[[dict[str, Any], DecodingProcess], Result],
    ) -> Result:
        process = self._borrow()
        healthy = False
        try:
            reply = process.run(request, photo)
            result = _refusal(reply) or read(reply, process)
            healthy = True
        except SlowProcessError as error:
            raise self._too_slow() from error
        except DeadProcessError as error:
            status = process.how_it_ended()
            if status == -signal.SIGXCPU:
                raise self._too_slow() from error
            if self._closed:
                raise RuntimeError("the sandbox has been closed") from error
            logger.warning("decoding process ended with %s: %s", status, process.last_words())
            raise
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            # Our child never answers so: a file has taken it over.
            raise BrokenImage("The picture is damaged in a way that confuses its decoder.") from error
        finally:
            self._give_back(process, healthy)
        if isinstance(result, AppError):
            raise result
        return result

    def _too_slow(self) -> BrokenImage:
        return BrokenImage(
            say(
                "The picture could not be decoded within {seconds} seconds.",
                seconds=self._settings.decode_seconds,
            )
        )

    def _borrow(self) -> DecodingProcess:
        process = self._idle.get()
        if self._closed:
            self._idle.put(process)  # for the next one who waits
            raise RuntimeError("the sandbox has been closed")
        if process is None:
            try:
                process = self._starter.submit(DecodingProcess, self._settings).result()
            except BaseException:
                self._idle.put(None)
                raise
            with self._lock:
                self._alive.add(process)
        return process

    def _give_back(self, process: DecodingProcess, healthy: bool) -> None:
        worn_out = process.tasks >= _TASKS_PER_PROCESS or process.resident > _RESIDENT_PER_PROCESS
        if healthy and not worn_out and not self._closed:
            process.forget()
            self._idle.put(process)
        else:
            self._end(process)
            self._idle.put(None)

    def _end(self, process: DecodingProcess) -> None:
        with self._lock:
            self._alive.discard(process)
        process.dispose()

    def close(self) -> None:
        """End all processes; tasks under way fail with RuntimeError, and so does every later one."""
        with self._lock:
            self._closed = True
            alive = list(self._alive)
        for process in alive:
            process.kill()
        waiting = [self._idle.get_nowait() for _ in range(self._idle.qsize())]
        for idle in waiting:
            if idle is not None:
                self._end(idle)
            self._idle.put(None)  # wakes those who wait
        self._starter.shutdown()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pids(self) -> list[int]:
        """Process ids of the processes alive now."""
        with self._lock:
            return [process.pid for process in self._alive]

    @property
    def peak_memory(self) -> int:
        """The most bytes that any process alive now ever had resident."""
        with self._lock:
            return max((process.peak for process in self._alive), default=0)


def _refusal(reply: dict[str, Any]) -> AppError | None:
    """The error about the photo that the process reports, if any."""
    if "error" not in reply:
        return None
    logger.debug("photo refused as %s: %s", reply["error"], reply["cause"])
    return _ERRORS[reply["error"]](str(reply["detail"]), **reply["extra"])
