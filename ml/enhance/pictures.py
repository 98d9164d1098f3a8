"""Files into pixels: decode a picture for editing, upright and in sRGB, and remember what its edit is written with.

``decode`` reads the whole file: untrusted files belong into a limited process.

Accepted beside 8-bit RGB and RGBA: grey, 1-bit, palette, grey with alpha, CMYK, YCbCr, Lab, and 16 bits a channel in
PNG and TIFF; of animated and many-page files the first picture. Of 16-bit colours only 8 bits are used where
the profile is more than a matrix and curves.
"""

from __future__ import annotations

import io
import logging
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from ml.enhance.operation import EnhanceError
from ml.enhance.profiles import Matrix, convert, matrix_of

XMP_TAG = 700
_log = logging.getLogger(__name__)
# How to make a picture upright, by EXIF orientation.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# Descriptive fields of the first EXIF directory; all others describe the old file's layout.
_KEPT_TAGS = frozenset(
    {
        ExifTags.Base.ImageDescription.value,
        ExifTags.Base.Make.value,
        ExifTags.Base.Model.value,
        ExifTags.Base.Software.value,
        ExifTags.Base.DateTime.value,
        ExifTags.Base.Artist.value,
        ExifTags.Base.HostComputer.value,
        ExifTags.Base.Copyright.value,
        ExifTags.Base.Rating.value,
        ExifTags.Base.RatingPercent.value,
        ExifTags.Base.XPTitle.value,
        ExifTags.Base.XPComment.value,
        ExifTags.Base.XPAuthor.value,
        ExifTags.Base.XPKeywords.value,
        ExifTags.Base.XPSubject.value,
    }
)


class PictureError(EnhanceError):
    """A file that cannot be decoded or written. ``code`` is ``unsupported``, ``broken``, ``too-large`` or
    ``unwritable``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Source:
    """What is remembered of the file a picture came from, for writing its edit."""

    format: str
    mode: str
    exif: bytes = b""
    xmp: bytes = b""
    profile: bytes | None = None
    grey: bool = False


@dataclass(frozen=True)
class Picture:
    """Decoded pixels: ``(H, W, 3)`` or ``(H, W, 4)`` straight alpha, upright sRGB; uint8, or float32 0..1 of
    deeper files.
    """

    pixels: NDArray[Any]
    source: Source


def decode(source: bytes | Path | BinaryIO, *, max_pixels: int = 200_000_000) -> Picture:
    """Read a file for editing.

    Raises:
        PictureError: not a picture, damaged, or more than ``max_pixels``.
    """
    _register_heif()
    stream: Any = io.BytesIO(source) if isinstance(source, bytes) else source
    try:
        with warnings.catch_warnings(), _open(stream) as image:
            if image.width * image.height > max_pixels:
                raise PictureError(
                    "too-large", f"{image.width} x {image.height} is more than {max_pixels} pixels."
                )
            deep = _is_deep_colour(image)  # asked first, because reading metadata may load the picture
            kept = Source(
                format={"mpo": "jpeg"}.get(str(image.format).lower(), str(image.format).lower()),
                mode=image.mode,
                exif=_exif_of(image),
                xmp=_xmp_of(image),
                profile=image.info.get("icc_profile"),
                grey=image.mode in ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I", "F"),
            )
            image.load()
            turn = _turn_of(image)
            pixels = _deep_colour(image, stream, kept.profile, turn) if deep else None
            if pixels is None:
                pixels = _srgb_pixels(image if turn is None else image.transpose(turn), kept.profile)
            return Picture(pixels, kept)
    except PictureError:
        raise
    except Image.DecompressionBombError as error:
        raise PictureError("too-large", "The picture has too many pixels.") from error
    except UnidentifiedImageError as error:
        raise PictureError("unsupported", "The file is not a picture of a known kind.") from error
    except Exception as error:
        # Decoders raise nearly anything on hostile bytes; whatever it is, the file is to blame.
        raise PictureError("broken", f"The picture cannot be read: {error}") from error


def _open(stream: Any) -> Image.Image:
    # Sizes are checked against our own limit; what is wrong with a file but does not stop it is no news here.
    warnings.simplefilter("ignore")
    return Image.open(stream)


def _register_heif() -> None:
    if ".heic" not in Image.registered_extensions():
        import pillow_heif

        pillow_heif.register_heif_opener()


def _turn_of(image: Image.Image) -> Image.Transpose | None:
    """What makes a loaded picture upright."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception as error:
        _log.warning("orientation cannot be read: %s", error)
        orientation = 1
    return _TURNS.get(orientation) if isinstance(orientation, int) else None


def _exif_of(image: Image.Image) -> bytes:
    """The descriptive EXIF fields that can be written again; damaged ones are left out."""
    new = Image.Exif()
    try:
        old = image.getexif()
        main = {tag: value for tag, value in old.items() if tag in _KEPT_TAGS}
        parts = {part: dict(old.get_ifd(part)) for part in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)}
    except Exception as error:
        _log.warning("metadata cannot be read and is not kept: %s", error)
        return b""
    parts[ExifTags.IFD.Exif].pop(ExifTags.IFD.Interop, None)
    for tag, value in main.items():
        if _writable(tag, value):
            new[tag] = value
    for part, fields in parts.items():
        fields = {tag: value for tag, value in fields.items() if _writable(tag, value, part)}
        if fields:
            new.get_ifd(part).update(fields)
    return new.tobytes() if len(new) or any(parts.values()) else b""


def _writable(tag: int, value: Any, part: int | None = None) -> bool:
    alone = Image.Exif()
    try:
        (alone if part is None else alone.get_ifd(part))[tag] = value
        alone.tobytes()
    except Exception as error:
        _log.warning("metadata field %#x is damaged and is not kept: %s", tag, error)
        return False
    return True


def _xmp_of(image: Image.Image) -> bytes:
    """The XMP packet wherever the format puts it."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not packet and hasattr(image, "tag_v2"):
        packet = image.tag_v2.get(XMP_TAG, b"")
    return packet.encode() if isinstance(packet, str) else bytes(packet)


def _srgb_pixels(image: Image.Image, profile: bytes | None) -> NDArray[Any]:
    if image.mode in ("I;16", "I;16L", "I;16B", "I", "F"):
        return _deep_grey(image)
    if image.mode == "1":
        image = image.convert("L")
    if image.mode in ("P", "PA") or "transparency" in image.info:
        transparent = image.mode == "PA" or "transparency" in image.info
        image = image.convert("RGBA" if transparent else "RGB")
    if image.mode in ("La", "RGBa"):
        image = image.convert("RGBA" if image.mode == "RGBa" else "LA")
    alpha = image.getchannel("A") if image.mode in ("LA", "RGBA") else None
    colour = image.convert(image.mode[:-1]) if alpha else image
    pixels = np.array(_to_srgb(colour, profile))
    return pixels if alpha is None else np.dstack([pixels, np.asarray(alpha)])


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether an opened, not yet loaded file has 16 bits a channel, of which Pillow will give 8."""
    tiles = getattr(image, "tile", [])
    return image.format in ("PNG", "TIFF") and image.mode in ("RGB", "RGBA") and ";16" in str(tiles[:1])


def _deep_colour(
    image: Image.Image, stream: Any, profile: bytes | None, turn: Image.Transpose | None
) -> NDArray[np.float32] | None:
    """The 16 bits a channel of a file that Pillow has loaded with 8, upright, ``(H, W, 3 or 4) float32``.

    None where they are not to be had: a profile that only Pillow understands, too little memory, or a file in which
    OpenCV does not see the same picture.
    """
    own = None if profile is None or counts_as_srgb(profile) else matrix_of(profile)
    if own is None and not counts_as_srgb(profile):
        return None
    try:
        deep = _matching_depth(_all_bytes(stream), np.asarray(image), turn)
        return None if deep is None else _deep_srgb(deep, own)
    except (cv2.error, MemoryError) as error:
        _log.warning("16 bits a channel cannot be read, 8 are used: %s", error)
        return None


def _matching_depth(
    data: bytes, coarse: NDArray[np.uint8], turn: Image.Transpose | None
) -> NDArray[np.uint16] | None:
    deep: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if deep is None or deep.dtype != np.uint16 or deep.ndim != 3 or not coarse.shape[2] <= deep.shape[2] <= 4:
        return None
    deep = cv2.cvtColor(deep, cv2.COLOR_BGR2RGB if deep.shape[2] == 3 else cv2.COLOR_BGRA2RGBA)
    if deep.shape[:2] != coarse.shape[:2]:
        return None
    if np.abs((deep[:, :, :3] >> 8).astype(np.int16) - coarse[:, :, :3]).max() > 1:
        return None
    planes = [Image.fromarray(np.ascontiguousarray(deep[:, :, c])) for c in range(deep.shape[2])]
    turned = [np.asarray(plane if turn is None else plane.transpose(turn)) for plane in planes]
    return np.stack(turned, axis=2)


def _deep_srgb(deep: NDArray[np.uint16], own: Matrix | None) -> NDArray[np.float32]:
    """``(H, W, 3 or 4)`` with the colours of ``own`` (None: sRGB) as float32 0..1 sRGB."""
    pixels = np.multiply(deep, np.float32(1 / 65535), dtype=np.float32)
    srgb = matrix_of(srgb_profile())
    if own is not None and srgb is not None:
        pixels[:, :, :3] = convert(deep[:, :, :3], own, srgb)
    return pixels


def _all_bytes(stream: Any) -> bytes:
    if isinstance(stream, Path):
        return stream.read_bytes()
    stream.seek(0)
    return bytes(stream.read())


def counts_as_srgb(profile: bytes | None) -> bool:
    """Whether colours are sRGB's already; a broken profile counts for nothing."""
    try:
        return profile is None or is_srgb(ImageCms.ImageCmsProfile(io.BytesIO(profile)))
    except (OSError, ImageCms.PyCMSError):
        return True


def _deep_grey(image: Image.Image) -> NDArray[np.float32]:
    """16-bit, 32-bit and floating grey as float32 RGB; values beyond their usual range are scaled by what
    occurs.
    """
    values = np.asarray(image).astype(np.float32)
    low, high = float(values.min()), float(values.max())
    if image.mode == "F" and low >= 0.0 and high <= 1.0:
        low, high = 0.0, 1.0
    elif low >= 0.0 and high <= 65535.0:
        low, high = 0.0, 65535.0
    grey = np.clip((values - low) / max(high - low, 1e-9), 0.0, 1.0)
    return np.repeat(grey[:, :, None], 3, axis=2).astype(np.float32)


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB by the embedded profile; an unreadable or unfitting profile is ignored, as browsers do."""
    source: Any = None
    if image.mode == "LAB":
        source = ImageCms.createProfile("LAB")
    elif profile:
        source = io.BytesIO(profile)
    if source is not None:
        try:
            opened = ImageCms.ImageCmsProfile(source)
            if image.mode == "LAB" or not is_srgb(opened):
                converted = ImageCms.profileToProfile(
                    image, opened, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            if image.mode == "LAB":
                raise
    return image if image.mode == "RGB" else image.convert("RGB")


def is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether converting would only add rounding: cameras embed many copies of the same sRGB."""
    return "srgb" in ImageCms.getProfileDescription(profile).lower()


def srgb_profile() -> bytes:
    """The sRGB profile embedded in results; its creation date is fixed so that equal pictures give equal
    files.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    return bytes(profile)
