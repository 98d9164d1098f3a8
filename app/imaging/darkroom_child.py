"""The child of ``app.imaging.darkroom``: reads one order from standard input, writes one file, answers in
JSON lines.
"""

from __future__ import annotations

import json
import os
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from app.imaging.confine import die_with_parent
from ml.enhance import (
    EnhanceContext,
    EnhanceError,
    Picture,
    PictureError,
    RecipeError,
    apply,
    decode,
    encode,
    validate_recipe,
)
from ml.enhance.output import FORMATS

_out = sys.stdout


def main() -> None:
    options = json.load(sys.stdin)
    die_with_parent(options["parent"])
    os.nice(5)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (options["memory"], options["memory"]))
    sys.stdout = sys.stderr  # a library that prints must not be taken for an answer
    cv2.setNumThreads(1)
    try:
        answer: dict[str, Any] = {"done": _develop(options)}
    except RecipeError as error:
        answer = {"error": "recipe", "message": str(error), "extra": error.as_json()}
    except PictureError as error:
        answer = {"error": error.code, "message": str(error)}
    except (EnhanceError, MemoryError) as error:
        message = str(error) or "The edit needs more memory than allowed."
        answer = {"error": "failed", "message": message}
    _send(answer)


def _develop(options: dict[str, Any]) -> dict[str, Any]:
    recipe = validate_recipe(options["recipe"])
    picture = decode(Path(options["source"]), max_pixels=options["max_pixels"])
    scale = 1.0
    if options["long_side"]:
        picture, scale = _smaller(picture, options["long_side"])
    context = EnhanceContext(
        models_dir=Path(options["models"]),
        progress=_reporter(),
        style_image=lambda name: _style(options, name),
        cues=options["cues"] or None,
        scale=scale,
    )
    pixels = apply(picture.pixels, recipe, context=context)
    data = encode(pixels, recipe.output, picture.source)
    target = Path(options["target"])
    part = target.with_name(target.name + ".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(target)
    height, width = pixels.shape[:2]
    own = picture.source.format if picture.source.format in FORMATS else "jpeg"
    return {"format": recipe.output.format or own, "width": width, "height": height, "size": len(data)}


def _smaller(picture: Picture, long_side: int) -> tuple[Picture, float]:
    height, width = picture.pixels.shape[:2]
    scale = long_side / max(width, height)
    if scale >= 1:
        return picture, 1.0
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return replace(picture, pixels=cv2.resize(picture.pixels, size, interpolation=cv2.INTER_AREA)), scale


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
