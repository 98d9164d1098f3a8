"""Carrying out recipes in a child process of their own.

A recipe decodes an untrusted file in full and may run networks that need gigabytes: one child per recipe
keeps a hostile file, a memory peak and a crash away from the server and the worker, gives the memory back
at the end, and makes cancelling certain. Previews of our own renditions may use ``app.imaging.darkroom_bench``.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from app.errors import AppError, BrokenImage, Invalid, StorageFull, TooLarge, UnsupportedImage
from app.sentences import say
from app.settings import Settings

_ROOT = Path(__file__).resolve().parents[2]


class BadRecipe(Invalid):
    """A recipe that is not valid: ``extra`` names step, operation, parameter and what is accepted."""

    code, status, title = "bad-recipe", 422, "The recipe cannot be understood"


class RecipeFailed(AppError):
    """A valid recipe that cannot be carried out here and now (weights missing, out of memory or time)."""

    code, status, title = "recipe-failed", 422, "The edit could not be made"


class Cancelled(Exception):
    """The caller asked to stop."""


@dataclass(frozen=True)
class Order:
    """What is to be done: a source file, a recipe (as JSON) and where the result goes.

    ``styles`` gives the file of every style photo a recipe names; ``cues`` the photo's measured qualities;
    ``long_side`` limits the working size for a quick preview (0 = full size), ``result_side`` what comes out of it,
    however much the recipe enlarges (0 = as it comes).
    """

    source: Path
    recipe: list[dict[str, Any]]
    target: Path
    styles: Mapping[str, Path] = field(default_factory=dict)
    cues: Mapping[str, float] = field(default_factory=dict)
    long_side: int = 0
    result_side: int = 0


@dataclass(frozen=True)
class Developed:
    """The written result: format name, pixels, bytes."""

    format: str
    width: int
    height: int
    size: int


_ERRORS: dict[str, type[AppError]] = {
    "recipe": BadRecipe,
    "failed": RecipeFailed,
    "unsupported": UnsupportedImage,
    "broken": BrokenImage,
    "too-large": TooLarge,
    "unwritable": RecipeFailed,
    "full": StorageFull,
}


def develop(
    settings: Settings,
    order: Order,
    *,
    seconds: float | None = None,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Developed:
    """Carry out an order; blocks until the result is written (atomically) to its target.

    Raises:
        BadRecipe, RecipeFailed, UnsupportedImage, BrokenImage, TooLarge: as the child found.
        Cancelled: ``cancelled`` (asked about twice a second) said so.
    """
    limit = settings.edit_seconds if seconds is None else seconds
    child = start_child()
    replies = _Replies(child, progress or (lambda _fraction: None))
    try:
        assert child.stdin is not None
        with child.stdin as pipe:
            pipe.write(json.dumps({**as_message(settings, order), "parent": os.getpid()}))
        _wait(replies, limit, cancelled or (lambda: False))
    finally:
        child.kill()
        child.wait()
        replies.join()
    return outcome(replies.answer, child.returncode)


def as_message(settings: Settings, order: Order) -> dict[str, Any]:
    """An order as the child reads it."""
    return {
        "source": str(order.source),
        "target": str(order.target),
        "recipe": order.recipe,
        "styles": {name: str(path) for name, path in order.styles.items()},
        "cues": dict(order.cues),
        "long_side": order.long_side,
        "result_side": order.result_side,
        "models": str(settings.models_dir),
        "max_pixels": settings.max_pixels,
        "memory": settings.edit_memory_bytes,
    }


def start_child(*arguments: str) -> subprocess.Popen[str]:
    """A new child that waits for its order on standard input."""
    return subprocess.Popen(
        [sys.executable, "-m", "app.imaging.darkroom_child", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=_ROOT,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    )


class _Replies(threading.Thread):
    """Reads the child's lines: progress as it comes, then the one final answer."""

    def __init__(self, child: subprocess.Popen[str], progress: Callable[[float], None]) -> None:
        super().__init__(daemon=True)
        self.answer: dict[str, Any] | None = None
        self._child, self._progress = child, progress
        self.start()

    def run(self) -> None:
        assert self._child.stdout is not None
        with self._child.stdout as lines:
            for line in lines:
                message = json.loads(line)
                if "progress" in message:
                    self._progress(float(message["progress"]))
                else:
                    self.answer = message
                    return


def _wait(replies: _Replies, limit: float, cancelled: Callable[[], bool]) -> None:
    deadline = time.monotonic() + limit
    while replies.is_alive():
        replies.join(0.5)
        if cancelled():
            raise Cancelled
        if time.monotonic() > deadline:
            raise too_long(limit)


def too_long(limit: float) -> RecipeFailed:
    return RecipeFailed(say("The edit took longer than the {limit:.0f} seconds allowed.", limit=limit))


def outcome(answer: Mapping[str, Any] | None, returncode: int | None) -> Developed:
    """What a child's final answer (None: it ended without one) says."""
    if answer is None:
        raise RecipeFailed(
            "The edit needed more memory than allowed, or its process was ended.", exit=returncode
        )
    if "error" in answer:
        kind = _ERRORS.get(answer["error"], RecipeFailed)
        raise kind(answer["message"], **answer.get("extra", {}))
    return Developed(**answer["done"])
