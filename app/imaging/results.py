"""What the decoding child tells about a photo, and how it travels between the processes as JSON."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]


@dataclass(frozen=True)
class Metadata:
    """What the file says about itself. Absent, unreadable and absurd values are None (or empty)."""

    taken_local: datetime | None = None  # naive wall clock where the photo was taken
    taken_offset: int | None = None  # minutes east of UTC
    camera_make: str | None = None
    camera_model: str | None = None
    lens: str | None = None
    iso: int | None = None
    aperture: float | None = None  # f-number
    exposure_time: float | None = None  # seconds
    focal_length: float | None = None  # millimetres
    latitude: float | None = None  # degrees, WGS 84; never without longitude
    longitude: float | None = None
    altitude: float | None = None  # metres above sea level
    title: str | None = None  # one line, at most 300 characters
    description: str | None = None  # at most 10,000 characters
    rating: int | None = None  # 0..5
    keywords: tuple[str, ...] = ()  # at most 100, each one line of at most 100 characters
    exif: dict[str, str] = field(
        default_factory=dict
    )  # tag name -> printable value; positions begin with "GPS"


@dataclass(frozen=True)
class Inspection:
    """A photo that was decoded to its end."""

    format: str  # a key of ``formats.MEDIA_TYPES``
    width: int  # pixels of the upright picture
    height: int
    orientation: int  # EXIF 1..8 as stated in the file
    frames: int
    color_profile: str | None  # name of the embedded profile
    thumbhash: str  # base64
    phash: int  # 64 bits, signed
    metadata: Metadata

    @property
    def media_type(self) -> str:
        from app.imaging.formats import MEDIA_TYPES

        return MEDIA_TYPES[self.format]


@dataclass(frozen=True)
class Rendered:
    """``grid`` and ``preview`` are the files written (their suffix tells the format), None if not asked for.

    ``pixels``: (height, width, 3) uint8 sRGB, upright, long side at most 1024, transparency laid over white.
    """

    grid: Path | None
    preview: Path | None
    pixels: Pixels


def inspection_to_json(inspection: Inspection) -> dict[str, Any]:
    values = asdict(inspection)
    taken = inspection.metadata.taken_local
    values["metadata"]["taken_local"] = taken.isoformat() if taken else None
    return values


def inspection_from_json(values: dict[str, Any]) -> Inspection:
    """The inverse. Raises TypeError, ValueError or KeyError for anything that is not one."""
    said = dict(values["metadata"])
    taken = said.pop("taken_local")
    said["taken_local"] = datetime.fromisoformat(taken) if taken else None
    said["keywords"] = tuple(str(word) for word in said["keywords"])
    said["exif"] = {str(name): str(value) for name, value in said["exif"].items()}
    return Inspection(
        **{f.name: values[f.name] for f in fields(Inspection) if f.name != "metadata"},
        metadata=Metadata(**said),
    )
