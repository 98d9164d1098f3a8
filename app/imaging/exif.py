"""A bounded reader of EXIF: whatever is readable in a damaged block is returned, and nothing is ever raised.

Written because photos of thirty years break every rule of the format: a library that stops at the first bad
entry loses the rest. Works on the TIFF structure alone (EXIF 2.32, TIFF 6.0); maker notes are not
interpreted.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import NamedTuple

from PIL import ExifTags

from app.imaging.formats import Buffer
from app.imaging.text import decode_text, one_line


class Ratio(NamedTuple):
    """A fraction as stored; ``value`` is None where the denominator is zero."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        return self.numerator / self.denominator if self.denominator else None


Value = bytes | tuple[int, ...] | tuple[float, ...] | tuple[Ratio, ...]
Directory = dict[int, Value]

_MAX_ENTRIES = 512  # in one directory; cameras write fewer than a hundred
_MAX_VALUE_BYTES = 64 * 1024
_EXIF_POINTER, _GPS_POINTER = 0x8769, 0x8825
_MAKER_NOTE, _USER_COMMENT = 0x927C, 0x9286
_SKIPPED = frozenset(
    (_EXIF_POINTER, _GPS_POINTER, _MAKER_NOTE, 0xA005, 0x014A, 0x02BC, 0x83BB, 0x8649, 0x8773)
)
_UTF16_TAGS = range(0x9C9B, 0x9CA0)  # XPTitle, XPComment, XPAuthor, XPKeywords, XPSubject of Windows
_COMMENT_CODES = {b"UNICODE\0": "utf-16", b"ASCII\0\0\0": "", b"\0\0\0\0\0\0\0\0": "", b"JIS\0\0\0\0\0": None}
_BYTE_TYPES = frozenset((1, 2, 6, 7))
_NUMBER_TYPES = {3: "H", 4: "I", 8: "h", 9: "i", 11: "f", 12: "d", 13: "I"}
_RATIO_TYPES = {5: "I", 10: "i"}


@dataclass(frozen=True)
class Exif:
    """The three directories that matter: of the ``image``, of the ``photo`` (exposure) and of ``gps``."""

    image: Directory = field(default_factory=dict)
    photo: Directory = field(default_factory=dict)
    gps: Directory = field(default_factory=dict)


def read_exif(data: Buffer) -> Exif:
    """Read an EXIF block (with or without its "Exif" prefix) or a whole TIFF file."""
    start = 6 if data[:6] == b"Exif\0\0" else 0
    if data[start : start + 2] not in (b"II", b"MM"):
        return Exif()
    reader = _Reader(data, start)
    image = reader.directory(reader.number(4, "I"))
    return Exif(
        image,
        reader.directory(_pointer(image, _EXIF_POINTER)),
        reader.directory(_pointer(image, _GPS_POINTER)),
    )


def _pointer(directory: Directory, tag: int) -> int | None:
    value = directory.get(tag)
    return value[0] if isinstance(value, tuple) and value and isinstance(value[0], int) else None


class _Reader:
    """Reads at offsets relative to the TIFF header; everything outside the data is simply not there."""

    def __init__(self, data: Buffer, start: int) -> None:
        self._data = data
        self._start = start
        self._order = "<" if data[start : start + 2] == b"II" else ">"

    def bytes_at(self, offset: int, size: int) -> bytes | None:
        if offset < 0:
            return None
        found = self._data[self._start + offset : self._start + offset + size]
        return found if len(found) == size else None

    def number(self, offset: int, code: str) -> int | None:
        found = self.bytes_at(offset, struct.calcsize("=" + code))
        return None if found is None else int(struct.unpack(self._order + code, found)[0])

    def directory(self, offset: int | None) -> Directory:
        """First value of every tag that can be read."""
        result: Directory = {}
        count = self.number(offset, "H") if offset else None
        for index in range(min(count or 0, _MAX_ENTRIES)):
            assert offset is not None
            entry = self.bytes_at(offset + 2 + 12 * index, 12)
            if entry is None:
                break
            tag, kind, values = struct.unpack(self._order + "HHI", entry[:8])
            value = self._value(kind, values, entry[8:])
            if value is not None and tag not in result:
                result[tag] = value
        return result

    def _value(self, kind: int, count: int, inline: bytes) -> Value | None:
        code = "B" if kind in _BYTE_TYPES else _NUMBER_TYPES.get(kind) or _RATIO_TYPES.get(kind)
        if code is None or not count:
            return None
        numbers = count * 2 if kind in _RATIO_TYPES else count
        size = numbers * struct.calcsize("=" + code)
        if size > _MAX_VALUE_BYTES:
            return None
        data = (
            inline[:size] if size <= 4 else self.bytes_at(struct.unpack(self._order + "I", inline)[0], size)
        )
        if data is None or kind in _BYTE_TYPES:
            return data
        found = struct.unpack(f"{self._order}{numbers}{code}", data)
        return tuple(map(Ratio, found[::2], found[1::2])) if kind in _RATIO_TYPES else found


def numbers(directory: Directory, tag: int) -> list[float | None]:
    """The values of a tag as finite numbers; None for each that is none."""
    value = directory.get(tag, ())
    result = [item.value if isinstance(item, Ratio) else float(item) for item in value]
    return [item if item is not None and math.isfinite(item) else None for item in result]


def number(directory: Directory, tag: int) -> float | None:
    """The first value of a tag as a finite number."""
    return next(iter(numbers(directory, tag)), None)


def text(directory: Directory, tag: int) -> str | None:
    """A tag's text, decoded but not yet cleaned; None where there is none."""
    value = directory.get(tag)
    if not isinstance(value, bytes):
        return None
    if tag in _UTF16_TAGS:
        return value.decode("utf-16-le", "replace").partition("\0")[0]
    if tag == _USER_COMMENT:
        encoding = _COMMENT_CODES.get(value[:8], "")
        if encoding is None or (encoding and len(value) % 2):
            return None
        body = value[8:] if value[:8] in _COMMENT_CODES else value
        return body.decode(encoding, "replace") if encoding else decode_text(body)
    return decode_text(value.partition(b"\0")[0])


def printable(exif: Exif, *, entries: int = 300, length: int = 500) -> dict[str, str]:
    """Every readable tag as name -> text, at most ``entries`` of at most ``length`` characters.

    All names of the GPS directory begin with "GPS". Binary blocks (maker notes, thumbnails) are left out.
    """
    result: dict[str, str] = {}
    for directory, names in (
        (exif.image, ExifTags.TAGS),
        (exif.photo, ExifTags.TAGS),
        (exif.gps, ExifTags.GPSTAGS),
    ):
        for tag, value in directory.items():
            if tag in _SKIPPED and directory is not exif.gps:
                continue
            shown = one_line(_printed(directory, tag, value), length)
            name = names.get(tag, f"Tag0x{tag:04X}")
            if directory is exif.gps and not name.startswith("GPS"):
                name = "GPS" + name
            if shown and name not in result and len(result) < entries:
                result[name] = shown
    return result


def _printed(directory: Directory, tag: int, value: Value) -> str | None:
    if not isinstance(value, bytes):
        return " ".join(_printed_number(item) for item in value[:32])
    if tag in _UTF16_TAGS or tag == _USER_COMMENT:
        return text(directory, tag)
    content = value.rstrip(b"\0 ")
    if all(byte >= 32 or byte in b"\t\r\n" for byte in content.partition(b"\0")[0]) and content[:1] > b"\0":
        return decode_text(content.replace(b"\0", b" "))
    return " ".join(str(byte) for byte in value) if len(value) <= 16 else None


def _printed_number(item: float | Ratio) -> str:
    if not isinstance(item, Ratio):
        return f"{item:.10g}" if isinstance(item, float) else str(item)
    if item.value is None:
        return f"{item.numerator}/0"
    if item.numerator and abs(item.value) < 1 and item.denominator % item.numerator == 0:
        return f"1/{item.denominator // item.numerator}"  # exposure times, as people say them
    return f"{item.value:.10g}"
