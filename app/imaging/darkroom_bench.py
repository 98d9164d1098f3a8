"""A darkroom that stays open: previews while someone moves a slider.

One child of ``app.imaging.darkroom`` takes order after order, so that neither modules nor networks nor the picture are
loaded again for every change. It goes away by itself when nobody has asked for a while. Only our own renditions may be
brought here; an original, which a stranger made, gets a child of its own (``darkroom.develop``).
"""

from __future__ import annotations

import contextlib
import json
import queue
import subprocess
import threading
import time
from collections.abc import Callable
from typing import Any

from app.imaging import darkroom
from app.imaging.darkroom import Cancelled, Developed, Order
from app.settings import Settings

_PATIENCE = 180  # seconds an idle child waits
_TURN = 1.0  # seconds an order usually waits for the one before it
_FAREWELL = 1.0  # seconds a child has to end itself
_GRACE = 3.0  # seconds a cancelled order may take to notice
_LOOK = 0.05


class Bench:
    """Thread-safe; one order at a time. An order that finds the bench occupied is done in a child of its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None
        self._answers: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self._memory = 0

    def develop(
        self,
        settings: Settings,
        order: Order,
        *,
        seconds: float,
        cancelled: Callable[[], bool] = lambda: False,
        turn: float = _TURN,
    ) -> Developed:
        """Carry out an order as ``darkroom.develop`` does, sooner; ``turn`` is how long to wait for the bench.

        Raises:
            BadRecipe, RecipeFailed, UnsupportedImage, BrokenImage, TooLarge: as the child found.
            Cancelled: ``cancelled`` said so.
        """
        if not self._lock.acquire(timeout=turn):
            return darkroom.develop(settings, order, seconds=seconds, cancelled=cancelled)
        try:
            if cancelled():
                raise Cancelled
            return self._develop(settings, order, seconds, cancelled)
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the child; the next order starts another."""
        with self._lock:
            self._end()

    def _develop(
        self, settings: Settings, order: Order, seconds: float, cancelled: Callable[[], bool]
    ) -> Developed:
        if self._memory != settings.edit_memory_bytes:  # a limit can only be set once
            self._end()
        self._memory = settings.edit_memory_bytes
        message = darkroom.as_message(settings, order)
        deadline = time.monotonic() + seconds
        for _ in range(2):  # the child may just have gone to sleep
            child = self._awake()
            if self._tell(message):
                answer = self._await(deadline, seconds, cancelled)
                if answer is not None:
                    if answer.get("error") == "cancelled":
                        raise Cancelled
                    return darkroom.outcome(answer, None)
            self._end()
            if child.returncode != 0:
                break
        return darkroom.outcome(None, child.returncode)

    def _await(self, deadline: float, limit: float, cancelled: Callable[[], bool]) -> dict[str, Any] | None:
        """The child's answer, or None if it ended without one."""
        told = 0.0
        while True:
            try:
                return self._answers.get(timeout=_LOOK)
            except queue.Empty:
                now = time.monotonic()
            if not told and cancelled():
                told = now
                self._tell({"cancel": True})
            if told and now - told > _GRACE:
                self._end()
                raise Cancelled
            if now > deadline:
                self._end()
                raise darkroom.too_long(limit)

    def _awake(self) -> subprocess.Popen[str]:
        if self._child is None or self._child.poll() is not None:
            self._end()
            child = self._child = darkroom.start_child("--bench", str(_PATIENCE))
            answers = self._answers = queue.Queue()
            threading.Thread(target=_collect, args=(child, answers), daemon=True).start()
        return self._child

    def _tell(self, message: dict[str, Any]) -> bool:
        assert self._child is not None
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(message) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            return False
        return True

    def _end(self) -> None:
        if self._child is None:
            return
        if self._child.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # an unsent order goes with the child
                self._child.stdin.close()  # the child ends itself when it sees this
        try:
            self._child.wait(_FAREWELL)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._child = None


def _collect(child: subprocess.Popen[str], answers: queue.Queue[dict[str, Any] | None]) -> None:
    assert child.stdout is not None
    with child.stdout as lines:
        for line in lines:
            message = json.loads(line)
            if "progress" not in message:
                answers.put(message)
    answers.put(None)


BENCH = Bench()
"""The one of this process: a person waits for one preview at a time."""
