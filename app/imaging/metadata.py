"""x"""

from __future__ import annotations

from typing import BinaryIO

from app.imaging.decode import Picture
from app.imaging.results import Metadata as Metadata


def read(picture: Picture, file: BinaryIO) -> Metadata:
    return Metadata()


def one_line(text: str | None, limit: int) -> str | None:
    return text
