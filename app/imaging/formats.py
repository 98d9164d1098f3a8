"""Which files are pictures, decided by their first bytes and never by names; and how many frames they have.

This is an allow-list: what is not recognised here (SVG, HTML, PDF, video, camera raw ...) is refused. It
parses nothing but signatures and skeletons, so it is cheap enough for the web process.
"""

from __future__ import annotations

import struct
from mmap import mmap

from app.errors import UnsupportedImage

MEDIA_TYPES = {
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "heif": "image/heic",
    "avif": "image/avif",
}
"""Every format that can be kept, with the MIME type its original is served as."""

SUFFIXES = {
    "jpeg": ".jpg",
    "png": ".png",
    "gif": ".gif",
    "bmp": ".bmp",
    "webp": ".webp",
    "tiff": ".tif",
    "heif": ".heic",
    "avif": ".avif",
}
"""The file name suffix each format is downloaded or exported with."""

SNIFF_BYTES = 64
"""How many leading bytes ``sniff`` needs to see."""

Buffer = bytes | mmap

_BMP_HEADER_SIZES = (12, 16, 40, 52, 56, 64, 108, 124)
_HEIC_BRANDS = frozenset((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))
_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"msf1"))  # the container without a word on the codec


def sniff(head: bytes) -> str:
    """The format, a key of ``MEDIA_TYPES``, of a file that begins with ``head``.

    Raises:
        UnsupportedImage: the bytes begin no picture format that can be kept.
    """
    if head.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if head.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return "webp"
    if head.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")) and head[8:10] != b"CR":  # CR2 is camera raw
        return "tiff"
    if head.startswith(b"BM") and int.from_bytes(head[14:18], "little") in _BMP_HEADER_SIZES:
        return "bmp"
    if head[4:8] == b"ftyp":
        return _sniff_brands(head)
    if not head:
        raise UnsupportedImage("The file is empty.")
    raise UnsupportedImage(
        "The file is not a JPEG, PNG, GIF, BMP, WebP, TIFF, HEIC or AVIF picture, whatever its name says."
    )


def _sniff_brands(head: bytes) -> str:
    """ISO base media files name their kind by brands: the major one, a version, then the compatible ones."""
    end = min(max(int.from_bytes(head[:4], "big"), 16), len(head))
    major = head[8:12]
    brands = {major, *(head[i : i + 4] for i in range(16, end - 3, 4))}
    if major in _AVIF_BRANDS or (major in _HEIF_BRANDS and brands & _AVIF_BRANDS):
        return "avif"
    if major in _HEIC_BRANDS or major in _HEIF_BRANDS:
        return "heif"
    raise UnsupportedImage("The file is a video or another kind of media, not a picture.")


def count_gif_frames(data: Buffer, limit: int) -> int:
    """Number of images in a GIF, found by skipping from block to block; counts no further than ``limit + 1``.

    A file that breaks off in the middle is counted up to there.
    """
    flags = data[10] if len(data) > 10 else 0
    position = 13 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
    frames = 0
    while position < len(data) and frames <= limit:
        kind = data[position]
        if kind == 0x2C:  # image descriptor, optional colour table, code size
            if position + 9 >= len(data):
                break
            flags = data[position + 9]
            position += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
            frames += 1
        elif kind == 0x21:  # extension and its label
            position += 2
        else:  # the trailer, or nonsense
            break
        while position < len(data) and data[position]:
            position += data[position] + 1
        position += 1
    return max(frames, 1)


def count_tiff_pages(data: Buffer, limit: int) -> int:
    """Number of pages in a TIFF or BigTIFF, following the chain of directories; at most ``limit + 1``."""
    order = "<" if data[:2] == b"II" else ">"
    big = data[2:4] in (b"+\0", b"\0+")
    count_format, entry_size, offset_format = ("Q", 20, "Q") if big else ("H", 12, "I")
    count_size, offset_size = struct.calcsize(count_format), struct.calcsize(offset_format)
    position, seen = 8 if big else 4, set[int]()
    while len(seen) <= limit:
        field = data[position : position + offset_size]
        offset = struct.unpack(order + offset_format, field)[0] if len(field) == offset_size else 0
        if not 0 < offset <= len(data) - count_size or offset in seen:
            break
        seen.add(offset)
        entries = struct.unpack(order + count_format, data[offset : offset + count_size])[0]
        position = offset + count_size + entries * entry_size
    return max(len(seen), 1)
