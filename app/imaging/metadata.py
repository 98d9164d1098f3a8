"""What a photo says about itself, from EXIF, XMP and IPTC, made sane: absurd values become None.

Where they disagree: EXIF on how and when the photo was taken, XMP before IPTC before EXIF on what it shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from PIL import Image

from app.imaging import exif as tags
from app.imaging.captions import Iptc, read_iptc, read_xmp
from app.imaging.exif import Directory, Exif
from app.imaging.results import Metadata
from app.imaging.text import one_line, paragraphs

_DATE = re.compile(
    r"\s*(\d{4})[:\-./](\d{1,2})[:\-./](\d{1,2})[ T]+"
    r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d*)?)?\s*(Z|[+-]\d\d:?\d\d)?"
)
_OFFSET = re.compile(r"\s*([+-])(\d{1,2}):?(\d{2})\s*")
_XMP_DEGREES = re.compile(r"\s*(\d{1,3}),(\d{1,2}(?:\.\d+)?)(?:,(\d{1,2}(?:\.\d+)?))?([NSEW])\s*")
# Minutes east of UTC that clocks show somewhere, besides full hours: any other difference is a wrong clock.
_ODD_OFFSETS = frozenset((-570, -210, 210, 270, 330, 345, 390, 525, 570, 630, 765))
_MAX_OFFSET = 14 * 60
# What cameras write into the description of every photo.
_BOILERPLATE = re.compile(
    r"(olympus|sanyo|minolta|konica minolta|pentax|kodak|sony|samsung|casio)?\s*(digital|dsc|dcf|dcim|exif|jpeg)"
    r"[\s_\-]*(camera|picture|image|dsc|[\d.]*)",
    re.IGNORECASE,
)


def read_metadata(exif: Exif, info: dict[Any, Any], image: Image.Image) -> Metadata:
    """Gather from the EXIF of a decoded picture and what its decoder found beside (``info``)."""
    xmp = read_xmp(_xmp_packet(info, image))
    iptc = read_iptc(_iptc_block(info, image))
    taken, offset = _taken(exif, xmp, iptc)
    latitude, longitude = _position(exif.gps, xmp)
    make = one_line(tags.text(exif.image, 0x010F) or _first(xmp, "tiff:Make"), 100)
    model = one_line(tags.text(exif.image, 0x0110) or _first(xmp, "tiff:Model"), 100)
    photo = exif.photo
    return Metadata(
        taken_local=taken,
        taken_offset=offset,
        camera_make=make,
        camera_model=model,
        lens=one_line(tags.text(photo, 0xA434) or _first(xmp, "exifEX:LensModel", "aux:Lens"), 150),
        iso=_iso(photo),
        aperture=_between(
            tags.number(photo, 0x829D) or _apex(photo, 0x9202, lambda v: 2 ** (v / 2)), 0.05, 1000
        ),
        exposure_time=_between(
            tags.number(photo, 0x829A) or _apex(photo, 0x9201, lambda v: 2**-v), 1e-7, 1e6
        ),
        focal_length=_between(tags.number(photo, 0x920A), 0.01, 100_000),
        latitude=latitude,
        longitude=longitude,
        altitude=_altitude(exif.gps) if latitude is not None else None,
        title=one_line(_title(exif, xmp, iptc, info), 300),
        description=_description(exif, xmp, iptc, info, {make, model}),
        rating=_rating(exif, xmp),
        keywords=_keywords(exif, xmp, iptc),
        exif=tags.printable(exif),
    )


# --- where the blocks lie ----------------------------------------------------------------------------------


def exif_block(info: dict[Any, Any]) -> bytes:
    """The EXIF block a decoder found, empty if there is none."""
    block = info.get("exif")
    if isinstance(block, bytes):
        return block
    return _raw_profile(info.get("Raw profile type exif")) or _raw_profile(info.get("Raw profile type APP1"))


def _raw_profile(text: Any) -> bytes:
    """A block as ImageMagick writes it into PNG text: a name, a length, and hexadecimal digits."""
    if not isinstance(text, str):
        return b""
    _, _, digits = text.strip().partition("\n")
    digits = "".join(digits.split()[1:])
    try:
        return bytes.fromhex(digits)
    except ValueError:
        return b""


def _xmp_packet(info: dict[Any, Any], image: Image.Image) -> bytes:
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or _tiff_tag(image, 700)
    return packet.encode("utf-8", "replace") if isinstance(packet, str) else packet or b""


def _iptc_block(info: dict[Any, Any], image: Image.Image) -> bytes:
    resources = info.get("photoshop")
    if isinstance(resources, dict) and isinstance(resources.get(0x0404), bytes):
        return bytes(resources[0x0404])
    return _tiff_tag(image, 33723) or _raw_profile(info.get("Raw profile type iptc"))


def _tiff_tag(image: Image.Image, tag: int) -> bytes:
    value = getattr(image, "tag_v2", {}).get(tag, b"")
    return value if isinstance(value, bytes) else b""


# --- when --------------------------------------------------------------------------------------------------


def _taken(exif: Exif, xmp: dict[str, list[str]], iptc: Iptc) -> tuple[datetime | None, int | None]:
    """(wall clock, minutes east of UTC) of the exposure, from the most to the least trustworthy source."""
    photo, image = exif.photo, exif.image
    by_camera = 0x010F in image or 0x0110 in image
    candidates = [
        (tags.text(photo, 0x9003), tags.text(photo, 0x9011)),  # DateTimeOriginal
        (tags.text(photo, 0x9004), tags.text(photo, 0x9012)),  # DateTimeDigitized
        (_first(xmp, "exif:DateTimeOriginal", "photoshop:DateCreated", "xmp:CreateDate"), None),
        (_iptc_time(iptc), None),
        # The time of the last change: that of the exposure where a camera wrote the file and nothing else
        # is known.
        (tags.text(image, 0x0132) if by_camera else None, tags.text(photo, 0x9010)),
    ]
    for text, zone in candidates:
        taken, stated = parse_time(text)
        if taken is not None:
            for offset in (parse_offset(zone), stated, _offset_by_satellite(taken, exif.gps)):
                if offset is not None:
                    return taken, offset
            return taken, None
    return None, None


def parse_time(text: str | None) -> tuple[datetime | None, int | None]:
    """(wall clock, offset if stated) of an EXIF or ISO 8601 time; None for what no photo can have."""
    match = _DATE.match(text or "")
    if match is None:
        return None, None
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in match.groups()[:6])
        taken = datetime(year, month, day, hour, minute, second)
    except ValueError:
        return None, None
    if not 1800 <= taken.year <= 2100:
        return None, None
    return taken, parse_offset(match[7])


def parse_offset(text: str | None) -> int | None:
    """Minutes east of UTC of "+02:00" or "Z"."""
    if text is not None and text.strip() == "Z":
        return 0
    match = _OFFSET.fullmatch((text or "").strip("\0 "))
    if match is None:
        return None
    minutes = int(match[2]) * 60 + int(match[3])
    return None if minutes > _MAX_OFFSET or int(match[3]) > 59 else minutes * (-1 if match[1] == "-" else 1)


def _offset_by_satellite(taken: datetime, gps: Directory) -> int | None:
    """The zone in which the camera's clock agrees, to three minutes, with the satellites' UTC."""
    date = re.match(r"(\d{4})[:\-](\d{1,2})[:\-](\d{1,2})", tags.text(gps, 0x001D) or "")
    clock = tags.numbers(gps, 0x0007)
    if date is None or len(clock) != 3 or None in clock:
        return None
    try:
        instant = datetime(int(date[1]), int(date[2]), int(date[3]))
        instant += timedelta(hours=clock[0] or 0, minutes=clock[1] or 0, seconds=clock[2] or 0)
    except (ValueError, OverflowError):
        return None
    difference = (taken - instant).total_seconds() / 60
    offset = round(difference / 15) * 15
    usual = offset % 60 == 0 or offset in _ODD_OFFSETS
    return offset if usual and abs(difference - offset) <= 3 and -12 * 60 <= offset <= _MAX_OFFSET else None


def _iptc_time(iptc: Iptc) -> str | None:
    date, clock = iptc.date or "", iptc.time or "000000"
    if not re.fullmatch(r"\d{8}", date) or not re.match(r"\d{6}", clock):
        return None
    return f"{date[:4]}-{date[4:6]}-{date[6:]}T{clock[:2]}:{clock[2:4]}:{clock[4:6]}{clock[6:]}"


# --- where -------------------------------------------------------------------------------------------------


def _position(gps: Directory, xmp: dict[str, list[str]]) -> tuple[float | None, float | None]:
    """(latitude, longitude), or two Nones: out of range, without hemisphere, or exactly 0, 0 (no fix)."""
    latitude = _degrees(gps, 2, 1, "NS")
    longitude = _degrees(gps, 4, 3, "EW")
    if latitude is None or longitude is None:
        latitude = _xmp_degrees(_first(xmp, "exif:GPSLatitude"))
        longitude = _xmp_degrees(_first(xmp, "exif:GPSLongitude"))
    if latitude is None or longitude is None or abs(latitude) > 90 or abs(longitude) > 180:
        return None, None
    return (None, None) if latitude == longitude == 0 else (latitude, longitude)


def _degrees(gps: Directory, tag: int, reference_tag: int, letters: str) -> float | None:
    parts = tags.numbers(gps, tag)
    reference = (tags.text(gps, reference_tag) or "").strip().upper()[:1]
    if not 1 <= len(parts) <= 3 or not reference or reference not in letters or parts[0] is None:
        return None
    # Some write 0/0 for the parts they do not use.
    degrees = sum((part or 0) / 60**index for index, part in enumerate(parts))
    return -degrees if reference == letters[1] else degrees


def _xmp_degrees(text: str | None) -> float | None:
    match = _XMP_DEGREES.fullmatch(text or "")
    if match is None:
        return None
    degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return -degrees if match[4] in "SW" else degrees


def _altitude(gps: Directory) -> float | None:
    metres = tags.number(gps, 6)
    below = gps.get(5) == b"\x01"
    return _between(-metres if metres and below else metres, -12_000, 100_000)


# --- how ---------------------------------------------------------------------------------------------------


def _iso(photo: Directory) -> int | None:
    """ISOSpeedRatings, or the 32-bit tags that replace it where it overflows."""
    speeds = [speed for speed in tags.numbers(photo, 0x8827) if speed]
    if not speeds or speeds[0] == 65535:
        speeds = [speed for tag in (0x8833, 0x8832, 0x8831) if (speed := tags.number(photo, tag))] or speeds
    speed = _between(next(iter(speeds), None), 1, 2**31 - 1)
    return None if speed is None else int(speed)


def _apex(photo: Directory, tag: int, convert: Any) -> float | None:
    value = _between(tags.number(photo, tag), -60, 60)
    return None if value is None else float(convert(value))


def _between(value: float | None, low: float, high: float) -> float | None:
    return value if value is not None and math.isfinite(value) and low <= value <= high else None


# --- what --------------------------------------------------------------------------------------------------


def _title(exif: Exif, xmp: dict[str, list[str]], iptc: Iptc, info: dict[Any, Any]) -> str | None:
    return _first(xmp, "dc:title") or iptc.title or tags.text(exif.image, 0x9C9B) or _png_text(info, "Title")


def _description(
    exif: Exif, xmp: dict[str, list[str]], iptc: Iptc, info: dict[Any, Any], camera: set[str | None]
) -> str | None:
    candidates = [
        _first(xmp, "dc:description"),
        iptc.caption,
        tags.text(exif.image, 0x010E),
        tags.text(exif.image, 0x9C9C),
        tags.text(exif.photo, 0x9286),
        _png_text(info, "Description"),
    ]
    for candidate in candidates:
        text = paragraphs(candidate, 10_000)
        if text and text not in camera and not _BOILERPLATE.fullmatch(text):
            return text
    return None


def _png_text(info: dict[Any, Any], name: str) -> str | None:
    value = info.get(name)
    return str(value) if isinstance(value, str) else None


def _rating(exif: Exif, xmp: dict[str, list[str]]) -> int | None:
    """Stars 0..5; "rejected" (-1) is not a number of stars."""
    stated = _first(xmp, "xmp:Rating")
    try:
        stars = float(stated) if stated is not None else tags.number(exif.image, 0x4746)
    except ValueError:
        return None
    stars = _between(stars, 0, 5)
    return None if stars is None else round(stars)


def _keywords(exif: Exif, xmp: dict[str, list[str]], iptc: Iptc) -> tuple[str, ...]:
    windows = (tags.text(exif.image, 0x9C9E) or "").split(";")
    return tuple(_distinct([*xmp.get("dc:subject", ()), *iptc.keywords, *windows]))[:100]


def _distinct(words: Iterable[str]) -> list[str]:
    cleaned = (one_line(word, 100) for word in words)
    return list({word.casefold(): word for word in cleaned if word}.values())


def _first(xmp: dict[str, list[str]], *names: str) -> str | None:
    return next((xmp[name][0] for name in names if name in xmp), None)
