"""The pictures derived from a photo: ``grid`` for overviews, ``preview`` for one photo, pixels for the
models.

Each is upright, sRGB, free of metadata and never larger than the original. Runs in the confined child, but for
``encode_as``, which gets pixels.
"""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

import numpy as np
from PIL import Image

from app.imaging.decode import Limits, blamed_on_file, read_picture, shrink, upright_srgb
from app.imaging.results import Pixels

PREVIEW_LONG_SIDE = 1600
GRID_SHORT_SIDE = 320
ANALYSIS_LONG_SIDE = 1024

# Measured on 30 photos. Grid, at equal error (35 dB): WebP 17.7 kB in 4.3 ms, JPEG 26.3 kB in 0.5 ms; a page shows
# hundreds, so the smaller one. Method 1 takes two thirds of the time of method 2 for 3 % more bytes at the same error.
# Preview: JPEG 152 kB in 2.3 ms, WebP half of that but in 23 to 61 ms.
_GRID_WEBP = {"quality": 73, "method": 1}
_PREVIEW_WEBP = {"quality": 85, "method": 2}
_PREVIEW_JPEG = {"quality": 85}
FORMATS: dict[str, dict[str, Any]] = {
    ".jpg": {"format": "JPEG", "quality": 85},
    ".webp": {"format": "WEBP", "quality": 82, "method": 2},
    ".avif": {"format": "AVIF", "quality": 70, "speed": 8},
}
"""What a rendition can be had as when a client does not take the stored one."""


def base_picture(file: BinaryIO, limits: Limits, long_side: int | None) -> Image.Image:
    """The whole picture, upright, RGB or RGBA, long side at most ``long_side``. Raises BrokenImage or
    TooLarge.
    """
    picture = read_picture(file, limits, long_side)
    with blamed_on_file():
        return upright_srgb(shrink(picture.image, long_side or max(picture.image.size)), picture)


def grid(base: Image.Image) -> Image.Image:
    """Short side 320, except that the long side of a panorama stays that of its preview."""
    scale = GRID_SHORT_SIDE / min(base.size)
    if scale >= 1:
        return base
    size = (max(1, round(base.width * scale)), max(1, round(base.height * scale)))
    return base.resize(size, Image.Resampling.LANCZOS)


def encode(image: Image.Image, kind: str) -> tuple[str, bytes]:
    """(suffix, bytes): a grid picture as WebP, a preview as JPEG, or as WebP where something shows through."""
    buffer = io.BytesIO()
    if kind == "preview" and image.mode == "RGB":
        image.save(buffer, "JPEG", **_PREVIEW_JPEG)
        return ".jpg", buffer.getvalue()
    image.save(buffer, "WEBP", **(_GRID_WEBP if kind == "grid" else _PREVIEW_WEBP))
    return ".webp", buffer.getvalue()


def encode_as(pixels: Pixels, suffix: str) -> bytes:
    """(height, width, 3 or 4) uint8 as ``.jpg`` (over white), ``.webp`` or ``.avif``."""
    image = Image.fromarray(pixels)
    buffer = io.BytesIO()
    (over_white(image) if suffix == ".jpg" else image).save(buffer, **FORMATS[suffix])
    return buffer.getvalue()


def analysis_pixels(base: Image.Image) -> Pixels:
    """(height, width, 3) uint8, long side at most 1024, transparency over white."""
    opaque = over_white(base)
    scale = ANALYSIS_LONG_SIDE / max(opaque.size)
    if scale < 1:
        size = (max(1, round(opaque.width * scale)), max(1, round(opaque.height * scale)))
        opaque = opaque.resize(size, Image.Resampling.BICUBIC)
    return cast(Pixels, np.asarray(opaque))


def over_white(image: Image.Image) -> Image.Image:
    if image.mode != "RGBA":
        return image
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
