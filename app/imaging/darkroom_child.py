"""The child of ``app.imaging.darkroom``: reads one order from standard input, writes one file, answers in
JSON lines. Started with ``--bench SECONDS`` it takes order after order, keeping what the next one may need, until
nobody has asked for that long.
"""

from __future__ import annotations

import errno
import json
import os
import queue
import resource
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.imaging.confine import die_with_parent
from ml.enhance import (
    Cancelled,
    EnhanceContext,
    EnhanceError,
    Picture,
    PictureError,
    Recipe,
    RecipeError,
    apply,
    decode,
    encode,
    validate_recipe,
)
from ml.enhance.output import FORMATS, repeats_source

_out = sys.stdout
_KEPT_BYTES = 96 * 1024 * 1024


Pixels = np.ndarray[Any, np.dtype[Any]]


def main() -> None:
    sys.stdout = sys.stderr  # a library that prints must not be taken for an answer
    os.nice(5)
    cv2.setNumThreads(1)
    if sys.argv[1:2] == ["--bench"]:
        _serve(float(sys.argv[2]))
        return
    options = json.load(sys.stdin)
    die_with_parent(options["parent"])
    _limit(options["memory"])
    _send(_answer(options, _Kept(0)))


def _limit(memory: int) -> None:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _serve(patience: float) -> None:
    """Answer orders one by one. ``{"cancel": true}`` stops the one under way; the end of input is the parent's end."""
    orders: queue.Queue[dict[str, Any]] = queue.Queue()
    stop = threading.Event()

    def listen() -> None:
        for line in sys.stdin:
            message = json.loads(line)
            if "cancel" in message:
                stop.set()
            else:
                stop.clear()
                orders.put(message)
        os._exit(0)

    threading.Thread(target=listen, daemon=True).start()
    kept, limited = _Kept(_KEPT_BYTES), False
    while True:
        try:
            options = orders.get(timeout=patience)
        except queue.Empty:
            return
        if not limited:
            _limit(options["memory"])
            limited = True
        _send(_answer(options, kept, stop.is_set))


def _answer(
    options: dict[str, Any], kept: _Kept, cancelled: Callable[[], bool] = lambda: False
) -> dict[str, Any]:
    try:
        return {"done": _develop(options, kept, cancelled)}
    except RecipeError as error:
        return {"error": "recipe", "message": str(error), "extra": error.as_json()}
    except PictureError as error:
        return {"error": error.code, "message": str(error)}
    except Cancelled:
        return {"error": "cancelled", "message": "Cancelled."}
    except (EnhanceError, MemoryError) as error:
        return {"error": "failed", "message": str(error) or "The edit needs more memory than allowed."}
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return {"error": "full", "message": "There is no space left for photos on the server."}


class _Kept:
    """The picture last opened, and how it looked after its last slow step: moving a slider changes neither.

    ``most`` is the bytes of pixels worth keeping; 0 keeps nothing.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: dict[str, tuple[Any, Any]] = {}

    @property
    def keeps(self) -> bool:
        return self._most > 0

    def get(self, kind: str, key: Any, make: Callable[[], Any], size: Callable[[Any], int]) -> Any:
        have = self._entries.get(kind)
        if have is not None and have[0] == key:
            return have[1]
        self._entries.pop(kind, None)  # first make room
        value = make()
        if size(value) <= self._most:
            self._entries[kind] = (key, value)
        return value


def _develop(options: dict[str, Any], kept: _Kept, cancelled: Callable[[], bool]) -> dict[str, Any]:
    recipe = validate_recipe(options["recipe"])
    path = Path(options["source"])
    stat = path.stat()
    source = (str(path), stat.st_mtime_ns, stat.st_size, options["long_side"], options["max_pixels"])
    picture, scale = kept.get("picture", source, lambda: _open(options), lambda found: found[0].pixels.nbytes)
    context = EnhanceContext(
        models_dir=Path(options["models"]),
        progress=_reporter(),
        cancelled=cancelled,
        style_image=lambda name: _style(options, name),
        cues=options["cues"] or None,
        scale=scale,
    )
    slow = max((i + 1 for i, step in enumerate(recipe.steps) if step.operation.kind == "learned"), default=0)
    if kept.keeps and slow:
        first, rest = Recipe(recipe.steps[:slow]), Recipe(recipe.steps[slow:])
        key = (source, json.dumps(first.as_json()), json.dumps(options["cues"], sort_keys=True))
        # Between the two parts the picture stays in float32, so that it is rounded once, as without the split.
        base = kept.get(
            "base",
            key,
            lambda: apply(_as_float(picture.pixels), first, context=context),
            lambda found: found.nbytes,
        )
        pixels = apply(base, rest, context=context)
        if picture.pixels.dtype == np.uint8:
            pixels = np.clip(pixels * np.float32(255) + np.float32(0.5), 0, 255).astype(np.uint8)
    else:
        pixels = apply(picture.pixels, recipe, context=context)
    pixels, _ = _smaller(pixels, options["result_side"])
    if not options["long_side"] and repeats_source(pixels, recipe.output, picture):
        data = path.read_bytes()
    else:
        data = encode(pixels, recipe.output, picture.source)
    _write(Path(options["target"]), data, durable=not options["long_side"])
    height, width = pixels.shape[:2]
    own = picture.source.format if picture.source.format in FORMATS else "jpeg"
    return {"format": recipe.output.format or own, "width": width, "height": height, "size": len(data)}


def _write(target: Path, data: bytes, *, durable: bool) -> None:
    part = target.with_name(target.name + ".part")
    try:
        with part.open("wb") as file:
            file.write(data)
            if durable:  # a preview is read once and thrown away
                file.flush()
                os.fsync(file.fileno())
        part.replace(target)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _open(options: dict[str, Any]) -> tuple[Picture, float]:
    picture = decode(Path(options["source"]), max_pixels=options["max_pixels"])
    pixels, scale = _smaller(picture.pixels, options["long_side"])
    return replace(picture, pixels=pixels), scale


def _as_float(pixels: Pixels) -> Pixels:
    return pixels.astype(np.float32) / np.float32(255) if pixels.dtype == np.uint8 else pixels


def _smaller(pixels: Pixels, long_side: int) -> tuple[Pixels, float]:
    """The picture shrunk to a long side (0: whatever it is) if it has more, and by which factor."""
    height, width = pixels.shape[:2]
    scale = long_side / max(width, height)
    if not long_side or scale >= 1:
        return pixels, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), scale


def _style(options: dict[str, Any], name: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
    if name not in options["styles"]:
        raise EnhanceError("The style picture is not there.")
    pixels = decode(Path(options["styles"][name]), max_pixels=options["max_pixels"]).pixels[..., :3]
    if pixels.dtype != np.uint8:
        pixels = np.round(pixels * 255)
    return np.ascontiguousarray(pixels, dtype=np.uint8)


def _reporter() -> Callable[[float], None]:
    last = 0.0

    def report(fraction: float) -> None:
        nonlocal last
        if time.monotonic() - last >= 0.25:
            last = time.monotonic()
            _send({"progress": round(fraction, 4)})

    return report


def _send(message: dict[str, Any]) -> None:
    _out.write(json.dumps(message) + "\n")
    _out.flush()


if __name__ == "__main__":
    main()
