"""The decoding child: ``python -m app.imaging.child OPTIONS``, started by ``app.imaging.process``.

It takes one request at a time (JSON after a four-byte length, with the photo as an open descriptor), decodes,
and answers in JSON; pictures go back through a shared memory file. Before the first request it gives up all
it does not need: see ``app.imaging.confine``. A file that kills this process costs nothing but the process.
"""

from __future__ import annotations

import codecs
import json
import mmap
import os
import signal
import socket
import sys
import traceback
from typing import Any, BinaryIO

import numpy as np
from PIL import Image

from app.errors import AppError
from app.imaging import confine, decode, fingerprints, renditions
from app.imaging.metadata import read_metadata
from app.imaging.results import Inspection, Metadata, inspection_to_json
from app.imaging.text import one_line

_FINGERPRINT_LONG_SIDE = 256
_REHEARSAL = (
    ("JPEG", "CMYK"),
    ("PNG", "RGBA"),
    ("GIF", "P"),
    ("BMP", "RGB"),
    ("WEBP", "RGB"),
    ("TIFF", "LAB"),
    ("TIFF", "I;16"),
    ("HEIF", "RGB"),
    ("AVIF", "RGB"),
)


class SharedMemory:
    """The file both processes have open; parts are written one behind the other from the beginning."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._end = 0

    def start(self) -> None:
        self._end = 0

    def _map(self, size: int) -> tuple[mmap.mmap, int]:
        """A mapping that holds ``size`` bytes behind the last part, and where in it they begin."""
        first = self._end - self._end % mmap.ALLOCATIONGRANULARITY
        return mmap.mmap(self._descriptor, self._end - first + size, offset=first), self._end - first

    def put(self, data: bytes) -> list[int]:
        """Write and return [offset, length]."""
        view, start = self._map(len(data))
        with view:
            view[start : start + len(data)] = data
        return self._advance(len(data))

    def put_image(self, image: Image.Image) -> list[int]:
        """Write the samples of an RGB or RGBA picture row by row; no second copy of it is made."""
        row = image.width * len(image.getbands())
        view, start = self._map(row * image.height)
        with view:
            step = max(1, 8 * 1024**2 // row)
            for top in range(0, image.height, step):
                strip = image.crop((0, top, image.width, min(top + step, image.height))).tobytes()
                view[start + top * row : start + top * row + len(strip)] = strip
        return self._advance(row * image.height)

    def _advance(self, size: int) -> list[int]:
        part = [self._end, size]
        self._end += size
        return part


def inspect(file: BinaryIO, limits: decode.Limits) -> dict[str, Any]:
    picture = decode.read_picture(file, limits, _FINGERPRINT_LONG_SIDE)
    with decode.blamed_on_file():
        small = decode.upright_srgb(decode.shrink(picture.image, _FINGERPRINT_LONG_SIDE), picture)
        found, problem = _metadata(picture)
        inspection = Inspection(
            format=picture.format,
            width=picture.width,
            height=picture.height,
            orientation=picture.orientation,
            frames=picture.frames,
            color_profile=one_line(decode.profile_name(picture), 100),
            thumbhash=fingerprints.thumbhash(small),
            phash=fingerprints.phash(small),
            metadata=found,
        )
    return {"inspection": inspection_to_json(inspection), "problem": problem}


def _metadata(picture: decode.Picture) -> tuple[Metadata, str | None]:
    """A photo is kept even if its metadata defeats us; the parent then logs why."""
    try:
        return read_metadata(picture.exif, picture.image.info, picture.image), None
    except Exception:
        return Metadata(), traceback.format_exc(limit=-4)


def render(file: BinaryIO, limits: decode.Limits, kinds: list[str], memory: SharedMemory) -> dict[str, Any]:
    long_side = renditions.PREVIEW_LONG_SIDE if kinds else renditions.ANALYSIS_LONG_SIDE
    base = renditions.base_picture(file, limits, long_side)
    with decode.blamed_on_file():
        files = {}
        for kind in kinds:
            suffix, data = renditions.encode(renditions.grid(base) if kind == "grid" else base, kind)
            files[kind] = [suffix, *memory.put(data)]
        pixels = np.ascontiguousarray(renditions.analysis_pixels(base))
        return {"files": files, "shape": pixels.shape, "pixels": memory.put(pixels.tobytes())}


def full(
    file: BinaryIO, limits: decode.Limits, long_side: int | None, memory: SharedMemory
) -> dict[str, Any]:
    image = renditions.base_picture(file, limits, long_side)
    with decode.blamed_on_file():
        shape = (image.height, image.width, len(image.getbands()))
        return {"shape": shape, "pixels": memory.put_image(image)}


def answer(request: dict[str, Any], file: BinaryIO, memory: SharedMemory) -> dict[str, Any]:
    """Do one task; failures that the person should hear of become ``error`` and ``detail``."""
    limits = decode.Limits(request["max_pixels"], request["max_frames"])
    memory.start()
    try:
        if request["task"] == "inspect":
            return inspect(file, limits)
        if request["task"] == "render":
            return render(file, limits, request["kinds"], memory)
        return full(file, limits, request["long_side"], memory)
    except AppError as error:
        return {
            "error": error.code,
            "detail": error.detail,
            "extra": error.extra,
            "cause": repr(error.__cause__),
        }


def serve(channel: socket.socket, memory: SharedMemory, seconds: int) -> None:
    """Answer requests until the other side closes the channel."""
    while (received := _receive(channel)) is not None:
        request, descriptor = received
        confine.limit_cpu(seconds)
        with os.fdopen(descriptor, "rb") as file:
            reply = answer(request, file, memory)
        use = confine.memory_use()
        reply["resident"], reply["peak"] = use.resident, use.peak
        body = json.dumps(reply).encode()
        channel.sendall(len(body).to_bytes(4, "big") + body)


def _receive(channel: socket.socket) -> tuple[dict[str, Any], int] | None:
    data, descriptors, _, _ = socket.recv_fds(channel, 65536, 1)
    if not data:
        return None
    while len(data) < 4 or len(data) < 4 + int.from_bytes(data[:4], "big"):
        more = channel.recv(65536)
        if not more:
            return None
        data += more
    return json.loads(data[4:]), descriptors[0]


def rehearse(memory: SharedMemory) -> None:
    """Do every task once on pictures of our own, so that whatever is imported or opened on first use is
    there.

    Afterwards no file can be opened any more.
    """
    limits = decode.Limits(pixels=10_000, frames=10)
    for format, mode in _REHEARSAL:
        with os.fdopen(os.memfd_create("rehearsal"), "w+b") as file:
            Image.new(mode, (64, 48)).save(file, format)
            inspect(file, limits)
            render(file, limits, ["grid", "preview"], memory)
            full(file, limits, None, memory)
            memory.start()
    for encoding in ("ascii", "latin-1", "cp1252", "utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"):
        codecs.lookup(encoding)


def main(arguments: list[str]) -> None:
    options = json.loads(arguments[0])
    confine.die_with_parent(options["parent"])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then closes the channel
    channel = socket.socket(fileno=options["channel"])
    memory = SharedMemory(options["memory_file"])
    rehearse(memory)
    confine.limit_resources(options["memory"])
    confined = confine.forbid_files_and_network()
    hello = json.dumps({"confined": confined}).encode()
    channel.sendall(len(hello).to_bytes(4, "big") + hello)
    serve(channel, memory, options["seconds"])


if __name__ == "__main__":
    main(sys.argv[1:])
