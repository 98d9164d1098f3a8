"""One decoding process as its parent sees it: started, asked, timed, and never trusted.

The parent must not be harmed by a child that a hostile file has taken over: replies are bounded, parts of
the shared memory are checked and copied, and that memory is sealed against shrinking under the parent's
feet.
"""

from __future__ import annotations

import fcntl
import json
import mmap
import os
import socket
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from app.imaging.results import Pixels
from app.settings import Settings

_PACKAGE_ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 60
_MAX_REPLY = 16 * 1024**2
_KEPT_VARIABLES = ("LD_LIBRARY_PATH",)  # the others are not needed and may hold secrets


class DeadProcessError(Exception):
    """The process ended, or answered nonsense, in the middle of a task."""


class SlowProcessError(Exception):
    """The task has passed its time limit."""


class DecodingProcess:
    """Not safe for use from two threads at once, except ``kill``.

    Start it from a thread that outlives it: the kernel kills it when that thread ends.
    """

    def __init__(self, settings: Settings) -> None:
        self.tasks = 0
        self.resident = 0  # bytes, after the last task
        self.peak = 0  # bytes, the most it ever had resident
        self._seconds = settings.decode_seconds
        # Room for the largest picture and its renditions. It is sparse: a page exists once it is written.
        size = settings.max_pixels * 4 + 64 * 1024**2
        self._memory_file = os.memfd_create("photo", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        os.ftruncate(self._memory_file, size)
        fcntl.fcntl(self._memory_file, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self._memory = mmap.mmap(self._memory_file, size)
        self._channel, theirs = socket.socketpair()
        self._errors, errors = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        options = {
            "parent": os.getpid(),
            "channel": theirs.fileno(),
            "memory_file": self._memory_file,
            "memory": settings.decode_memory_bytes,
            "seconds": settings.decode_seconds,
        }
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.imaging.child", json.dumps(options)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(), self._memory_file),
                env=_environment(),
                cwd=_PACKAGE_ROOT,
            )
        finally:
            theirs.close()
            os.close(errors)
        self.confined = self._await_start()

    def _await_start(self) -> bool:
        try:
            return bool(self._receive(time.monotonic() + _START_SECONDS)["confined"])
        except (DeadProcessError, SlowProcessError, KeyError) as error:
            self.kill()
            raise RuntimeError(f"the decoding process does not start: {self.last_words()}") from error

    @property
    def pid(self) -> int:
        return self._process.pid

    def run(self, request: dict[str, Any], photo: int) -> dict[str, Any]:
        """Do one task on the photo behind an open descriptor. After an exception only ``dispose`` is left."""
        self.tasks += 1
        body = json.dumps(request).encode()
        try:
            socket.send_fds(self._channel, [len(body).to_bytes(4, "big") + body], [photo])
        except OSError as error:
            raise DeadProcessError from error
        reply = self._receive(time.monotonic() + self._seconds)
        self.resident, self.peak = int(reply["resident"]), int(reply["peak"])
        return reply

    def part(self, offset: int, length: int) -> bytes:
        """A copy of a part of the shared memory. Raises ValueError unless it lies inside."""
        if not 0 <= offset <= offset + length <= len(self._memory):
            raise ValueError("a part outside the shared memory")
        return self._memory[offset : offset + length]

    def pixels(self, offset: int, shape: tuple[int, ...]) -> Pixels:
        """A copy of an array in the shared memory. Raises ValueError unless it lies inside."""
        height, width, channels = shape
        if min(offset, height - 1, width - 1) < 0 or channels not in (3, 4):
            raise ValueError("not the shape of a picture")
        flat = np.frombuffer(self._memory, np.uint8, height * width * channels, offset)
        return flat.reshape(shape).copy()

    def forget(self) -> None:
        """Give the memory of the last answer back to the system."""
        self._memory.madvise(mmap.MADV_REMOVE)

    def last_words(self) -> str:
        """The end of what the process wrote to its error stream."""
        with suppress(OSError):  # nothing there, or too late to ask
            return os.read(self._errors, 65536).decode(errors="replace")[-2000:].strip()
        return ""

    def how_it_ended(self) -> int:
        """The exit status (minus the number of the signal) of a process that seems to have died."""
        with suppress(subprocess.TimeoutExpired):
            return self._process.wait(1)
        return self.kill()

    def kill(self) -> int:
        """End the process and return its exit status."""
        self._process.kill()
        return self._process.wait()

    def dispose(self) -> None:
        self.kill()
        self._channel.close()
        os.close(self._errors)
        self._memory.close()
        os.close(self._memory_file)

    def _receive(self, deadline: float) -> dict[str, Any]:
        length = int.from_bytes(self._read(4, deadline), "big")
        if length > _MAX_REPLY:
            raise DeadProcessError
        try:
            reply = json.loads(self._read(length, deadline))
        except ValueError as error:
            raise DeadProcessError from error
        if not isinstance(reply, dict):
            raise DeadProcessError
        return reply

    def _read(self, size: int, deadline: float) -> bytes:
        data = bytearray()
        while len(data) < size:
            self._channel.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                more = self._channel.recv(size - len(data))
            except TimeoutError as error:
                raise SlowProcessError from error
            except OSError as error:
                raise DeadProcessError from error
            if not more:
                raise DeadProcessError
            data += more
        return bytes(data)


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(_PACKAGE_ROOT),
        "MALLOC_ARENA_MAX": "2",  # each arena maps 64 MB, which counts against the memory limit
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
