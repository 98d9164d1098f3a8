"""Pictures of every kind the editor accepts, drawn here."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.zoo import FetchError, Zoo


def _scene(width: int, height: int, seed: int) -> np.ndarray:
    """A smooth colourful picture with an edge and some texture, ``(H, W, 3) uint8``."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    planes = [127 + 100 * np.sin(x / (5 + 3 * c) + c) * np.cos(y / (7 + 2 * c)) for c in range(3)]
    picture = np.stack(planes, axis=2) + rng.normal(0, 6, (height, width, 3))
    picture[: height // 3, : width // 2] *= 0.4
    return np.clip(picture, 0, 255).astype(np.uint8)


def _file(kind: str, width: int, height: int, seed: int) -> bytes:
    rgb = _scene(width, height, seed)
    stream = io.BytesIO()
    if kind == "I;16":
        deep = rgb[:, :, 0].astype(np.uint16) * 257
        Image.fromarray(deep).save(stream, "PNG")
    elif kind == "I;16-tiff":
        Image.fromarray(rgb[:, :, 0].astype(np.uint16) * 257).save(stream, "TIFF")
    elif kind in ("RGB;16", "RGBA;16"):
        deep = np.dstack([rgb, rgb[:, :, :1]])[:, :, : 3 if kind == "RGB;16" else 4].astype(np.uint16) * 257
        stream.write(cv2.imencode(".png", deep)[1].tobytes())
    elif kind == "RGBA":
        alpha = np.where(rgb[:, :, :1] > 180, 0, np.where(rgb[:, :, 1:2] > 120, 255, 128))
        Image.fromarray(np.dstack([rgb, alpha.astype(np.uint8)])).save(stream, "PNG")
    elif kind == "GIF":
        frames = [Image.fromarray(rgb).quantize(64), Image.fromarray(255 - rgb).quantize(64)]
        frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:], duration=50)
    elif kind == "P-transparent":
        picture = Image.fromarray(rgb).quantize(16)
        picture.save(stream, "PNG", transparency=3)
    elif kind == "CMYK":
        Image.fromarray(rgb).convert("CMYK").save(stream, "JPEG")
    else:
        Image.fromarray(rgb).convert(kind).save(stream, "PNG" if kind != "YCbCr" else "JPEG")
    return stream.getvalue()


KINDS = (
    "RGB",
    "RGBA",
    "L",
    "LA",
    "1",
    "P",
    "P-transparent",
    "I;16",
    "I;16-tiff",
    "RGB;16",
    "RGBA;16",
    "CMYK",
    "YCbCr",
    "GIF",
)


@pytest.fixture(scope="session")
def scene() -> Callable[..., np.ndarray]:
    return lambda width=60, height=40, seed=0: _scene(width, height, seed)


@pytest.fixture(scope="session")
def picture_file() -> Callable[[str, int, int, int], bytes]:
    """Bytes of a picture file: kind (see ``picture_kinds``), width, height, seed."""
    return _file


@pytest.fixture(scope="session")
def picture_kinds() -> tuple[str, ...]:
    return KINDS


@pytest.fixture(scope="session")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The folder of models, after the named networks were fetched into it; skips where they are not to be had."""
    named = os.environ.get("ALBUMEN_MODELS")
    folder = Path(named) if named else tmp_path_factory.mktemp("models")

    def having(*model_ids: str) -> Path:
        try:
            Zoo(folder).fetch(model_ids)
        except FetchError as error:
            pytest.skip(f"the networks cannot be fetched: {error}")
        return folder

    return having
