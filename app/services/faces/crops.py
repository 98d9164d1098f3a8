"""Face crops: small square pictures of one face, made on demand in the sandbox and kept as renditions."""

from __future__ import annotations

import io
import math
from pathlib import Path

from app.context import Context
from app.imaging.results import Pixels
from app.models import Face, Photo

SIDE = 160
"""Pixels of a crop's side."""
_MARGIN = 1.5  # the square's side as a multiple of the face's longer side
_ENOUGH = 112  # pixels of the square in the preview from which it serves; below, the original is asked


def face_crop(context: Context, photo: Photo, face: Face) -> Path:
    """The WebP file of a face's crop, made now if it was not there.

    Raises:
        BrokenImage, TooLarge: the original cannot be decoded (any more).
    """
    kind = f"face-{face.id.hex}"
    path = context.storage.rendition(photo.checksum, kind)
    if path.is_file():
        return path
    square = _MARGIN * max(face.width * photo.width, face.height * photo.height)  # in the original's pixels
    longest = max(photo.width, photo.height)
    source, size = context.storage.rendition(photo.checksum, "preview"), min(1600, longest)
    if not source.is_file() or square * size / longest < min(_ENOUGH, square):
        source = context.storage.original(photo.checksum)
        size = min(longest, math.ceil(longest * SIDE / max(square, 1.0)))
    pixels = context.sandbox.decode(source, long_side=max(size, SIDE))
    return context.storage.write_rendition(photo.checksum, kind, ".webp", _cut(pixels, face))


def _cut(pixels: Pixels, face: Face) -> bytes:
    """A square around the face, moved inside the picture where it would stick out, as WebP."""
    from PIL import Image

    height, width = pixels.shape[:2]
    side = min(_MARGIN * max(face.width * width, face.height * height), width, height)
    left = min(max((face.x + face.width / 2) * width - side / 2, 0), width - side)
    top = min(max((face.y + face.height / 2) * height - side / 2, 0), height - side)
    picture = Image.fromarray(pixels[..., :3])
    box = (left, top, left + max(side, 1), top + max(side, 1))
    buffer = io.BytesIO()
    small = picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS, box=box)
    small.save(buffer, "WEBP", quality=82, method=4)
    return buffer.getvalue()
