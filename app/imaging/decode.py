"""From untrusted bytes to upright sRGB pixels. Runs in the confined child only.

A picture is always decoded to its last row, so that a truncated file is found out at once. Large pictures are
shrunk strip by strip, which keeps the memory near that of the decoded file alone.
"""

from __future__ import annotations

import hashlib
import io
import math
import mmap
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

import numpy as np
import pillow_heif
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageCms,
    ImageFile,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from app.errors import AppError, BrokenImage, TooLarge, UnsupportedImage
from app.imaging import formats
from app.imaging.exif import Exif, number, read_exif
from app.imaging.metadata import exif_block
from app.sentences import say

pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False, decode_threads=1)
AvifImagePlugin.DEFAULT_MAX_THREADS = 1
ImageFile.LOAD_TRUNCATED_IMAGES = False

# Every plugin is named here, because the process cannot import one later: no file can be opened then.
_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "jpeg": JpegImagePlugin.JpegImageFile,
    "png": PngImagePlugin.PngImageFile,
    "gif": GifImagePlugin.GifImageFile,
    "bmp": BmpImagePlugin.BmpImageFile,
    "webp": WebPImagePlugin.WebPImageFile,
    "tiff": TiffImagePlugin.TiffImageFile,
    "heif": pillow_heif.HeifImageFile,
    "avif": AvifImagePlugin.AvifImageFile,
}
_OPENED_BY_OTHERS = (MpoImagePlugin,)  # a JPEG with more pictures behind it

_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_STRIP_PIXELS = 4_000_000
_MAX_PROFILE_BYTES = 4 * 1024**2
_TAG_BITS_PER_SAMPLE, _TAG_SUBFILE_TYPE, _TAG_SUB_IFDS, _TAG_DNG_VERSION = 258, 254, 330, 50706
_TAG_ORIENTATION = 274


@dataclass(frozen=True)
class Limits:
    """``pixels``: width times height; ``frames``: frames or pages in one file."""

    pixels: int
    frames: int


@dataclass(frozen=True)
class Picture:
    """The decoded first frame of a file, in the file's own mode, and what its header said.

    ``width`` and ``height`` are those of the upright picture at full size; ``image`` may be a smaller one.
    ``orientation`` is what the file states (EXIF 1..8); ``turn`` is what the decoded pixels still need.
    """

    image: Image.Image
    format: str
    frames: int
    width: int
    height: int
    orientation: int
    turn: int
    exif: Exif

    @property
    def icc_profile(self) -> bytes | None:
        profile = self.image.info.get("icc_profile")
        return profile if isinstance(profile, bytes) and 0 < len(profile) <= _MAX_PROFILE_BYTES else None


@contextmanager
def blamed_on_file() -> Iterator[None]:
    """Turn whatever a decoder throws at a bad file into an error that tells the person about the file."""
    try:
        yield
    except (AppError, ImportError, PermissionError):
        raise  # the last two are our own fault: something was not loaded before files became out of reach
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooLarge("The picture has more pixels than this server accepts.") from error
    except MemoryError as error:
        raise TooLarge("Decoding the picture needs more memory than this server allows.") from error
    except UnidentifiedImageError as error:
        raise BrokenImage("The file begins like a picture, but its header cannot be read.") from error
    except Exception as error:  # decoders raise nearly anything: OSError, ValueError, SyntaxError ...
        raise BrokenImage("The picture is damaged or incomplete and cannot be decoded.") from error


def read_picture(file: BinaryIO, limits: Limits, at_least: int | None = None) -> Picture:
    """Check the header against the limits, then decode the whole first frame.

    With ``at_least``, a JPEG may come out smaller (which is faster), its long side no smaller than that.

    Raises:
        UnsupportedImage, BrokenImage, TooLarge: as their texts say.
    """
    file.seek(0)
    kind = formats.sniff(file.read(formats.SNIFF_BYTES))
    file.seek(0)
    Image.MAX_IMAGE_PIXELS = limits.pixels
    warnings.simplefilter("ignore")  # about odd metadata, of which there is no end
    warnings.simplefilter("error", Image.DecompressionBombWarning)
    with blamed_on_file():
        image = Image.open(file, formats=[str(_PLUGINS[kind].format)])
        width, height = image.size
        _check_pixels(width, height, limits)
        if kind == "tiff":
            _refuse_camera_raw(image)
        frames = _count_frames(image, kind, file, limits.frames)
        if frames > limits.frames:
            raise TooLarge(
                say("The file holds more than {count} frames or pages.", count=limits.frames),
                limit=limits.frames,
            )
        if kind == "jpeg" and at_least is not None:
            scale = at_least / max(image.size)
            image.draft(None, (math.ceil(width * scale), math.ceil(height * scale)))
        image.load()
        exif = _exif(image, kind, file)  # only now: PNG may hold it behind the pixels
        orientation, turn = _orientation(image, kind, exif)
    if turn >= 5:
        width, height = height, width
    return Picture(image, kind, frames, width, height, orientation, turn, exif)


def _check_pixels(width: int, height: int, limits: Limits) -> None:
    if width < 1 or height < 1:
        raise BrokenImage("The picture has no pixels.")
    if width * height > limits.pixels:
        raise TooLarge(
            say(
                "The picture has {width} x {height} pixels; at most {most:g} million are accepted.",
                width=width,
                height=height,
                most=limits.pixels / 1e6,
            ),
            limit=limits.pixels,
        )


def _refuse_camera_raw(image: Image.Image) -> None:
    """Raw files of many makers are TIFFs whose first page is only a thumbnail: not to be taken for the
    photo.
    """
    tags = cast(TiffImagePlugin.TiffImageFile, image).tag_v2
    if _TAG_DNG_VERSION in tags or (int(tags.get(_TAG_SUBFILE_TYPE, 0)) & 1 and _TAG_SUB_IFDS in tags):
        raise UnsupportedImage("Camera raw files are not supported; upload the JPEG or HEIC version.")


def _count_frames(image: Image.Image, kind: str, file: BinaryIO, limit: int) -> int:
    if kind not in ("gif", "tiff"):
        return int(getattr(image, "n_frames", 1))  # stated in the header of these formats
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return (formats.count_gif_frames if kind == "gif" else formats.count_tiff_pages)(data, limit)


def _exif(image: Image.Image, kind: str, file: BinaryIO) -> Exif:
    if kind != "tiff":
        return read_exif(exif_block(image.info))
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        return read_exif(data)


def _orientation(image: Image.Image, kind: str, exif: Exif) -> tuple[int, int]:
    """(as stated, still to be applied). Anything outside 1..8 counts as 1.

    HEIC states its orientation twice, and the decoder has applied the container's word; of TIFF, Pillow has
    applied the tag; for AVIF, Pillow has put the container's word into the EXIF block.
    """
    if kind == "heif":
        stated = image.info.get("original_orientation") or 1
    else:
        stated = int(number(exif.image, _TAG_ORIENTATION) or 1)
    stated = stated if stated in _UPRIGHT else 1
    return stated, 1 if kind in ("heif", "tiff") else stated


def shrink(image: Image.Image, long_side: int) -> Image.Image:
    """An 8-bit copy (mode L, RGB, RGBA, CMYK or LAB) with a long side of at most ``long_side``; never
    enlarged.
    """
    width, height = image.size
    tone = _Tone.of(image)
    scale = long_side / max(width, height)
    if scale >= 1:
        return _eight_bit(image, tone)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    factor = min(width // (2 * size[0]), height // (2 * size[1]))
    small = _reduce(image, factor, tone) if factor >= 2 else _eight_bit(image, tone)
    return small.resize(size, Image.Resampling.LANCZOS)


def _reduce(image: Image.Image, factor: int, tone: _Tone) -> Image.Image:
    """Average ``factor`` x ``factor`` pixels, a strip at a time: no second full-size picture is ever made."""
    width, height = image.size
    rows = max(1, _STRIP_PIXELS // (width * factor)) * factor
    result: Image.Image | None = None
    for top in range(0, height, rows):
        box = (0, top, width, min(top + rows, height))
        strip = _eight_bit(image.crop(box), tone).reduce(factor)
        if result is None:
            result = Image.new(strip.mode, (strip.width, math.ceil(height / factor)))
        result.paste(strip, (0, top // factor))
    assert result is not None
    return result


@dataclass(frozen=True)
class _Tone:
    """The range of a deep picture's values that becomes 0..255."""

    low: float
    high: float

    @classmethod
    def of(cls, image: Image.Image) -> _Tone:
        if image.mode.startswith("I;16"):
            bits = cast(Any, getattr(image, "tag_v2", {})).get(_TAG_BITS_PER_SAMPLE, (16,))
            depth = bits[0] if isinstance(bits, tuple) and bits else 16
            return cls(0, (1 << depth) - 1 if 8 < depth <= 16 else 65535)
        if image.mode not in ("I", "F"):
            return cls(0, 255)
        low, high = (float(v) for v in cast(tuple[float, float], image.getextrema()))
        if not (math.isfinite(low) and math.isfinite(high)):
            return cls(0, 1)
        for usual in (1.0, 255.0, 65535.0):
            if low >= 0 and high <= usual and not (image.mode == "I" and usual == 1.0):
                return cls(0, usual)
        return cls(low, high)


def _eight_bit(image: Image.Image, tone: _Tone) -> Image.Image:
    mode = image.mode
    if mode in ("I", "F") or mode.startswith("I;16"):
        values = np.asarray(image, dtype=np.float32)
        values = np.nan_to_num(values, nan=tone.low, posinf=tone.high, neginf=tone.low)
        values = (values - tone.low) * (255 / max(tone.high - tone.low, 1e-9))
        return Image.fromarray(np.clip(values + 0.5, 0, 255).astype(np.uint8))
    if mode in ("RGBA", "LA", "PA", "La", "RGBa") or ("transparency" in image.info and mode != "CMYK"):
        return image if mode == "RGBA" else image.convert("RGBA")
    if mode in ("L", "RGB", "CMYK", "LAB"):
        return image
    return image.convert("L" if mode == "1" else "RGB")


def upright_srgb(image: Image.Image, picture: Picture) -> Image.Image:
    """Apply profile and orientation to what ``shrink`` returned: mode RGB, or RGBA if anything shows
    through.
    """
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    if alpha is not None and cast(tuple[int, int], alpha.getextrema())[0] == 255:
        alpha = None
    if image.mode == "RGBA":
        image = image.convert("RGB")
    image = _to_srgb(image, picture.icc_profile)
    if alpha is not None:
        image.putalpha(alpha)
    return image.transpose(_UPRIGHT[picture.turn]) if picture.turn in _UPRIGHT else image


def profile_name(picture: Picture) -> str | None:
    """The description inside the embedded colour profile, as it stands there."""
    if picture.icc_profile is None:
        return None
    try:
        return ImageCms.getProfileDescription(_profile(picture.icc_profile)).strip() or None
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None


def _to_srgb(image: Image.Image, icc_profile: bytes | None) -> Image.Image:
    """Convert by the embedded profile; a broken or unfitting one counts as absent, which means sRGB."""
    if icc_profile is not None:
        try:
            transform = _transform(icc_profile, image.mode)
            if transform is not None:
                fitting, convert = transform
                image = image if image.mode == fitting else image.convert(fitting)
                return cast(Image.Image, ImageCms.applyTransform(image, convert))
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    if image.mode == "LAB":
        lab = ImageCms.buildTransform(ImageCms.createProfile("LAB"), _srgb, "LAB", "RGB")
        return cast(Image.Image, ImageCms.applyTransform(image, lab))
    return image if image.mode == "RGB" else image.convert("RGB")


_srgb = ImageCms.createProfile("sRGB")
_transforms: dict[tuple[bytes, str], tuple[str, ImageCms.ImageCmsTransform] | None] = {}


def _transform(icc_profile: bytes, mode: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    """(mode to convert to first, transform to sRGB), or None where there is nothing to do."""
    key = (hashlib.sha256(icc_profile).digest(), mode)
    if key not in _transforms:
        if len(_transforms) >= 16:  # an album knows a handful; do not grow with every odd file
            _transforms.clear()
        _transforms[key] = _build_transform(icc_profile, mode)
    return _transforms[key]


def _build_transform(icc_profile: bytes, mode: str) -> tuple[str, ImageCms.ImageCmsTransform] | None:
    profile = _profile(icc_profile)
    space = profile.profile.xcolor_space.strip()
    fitting = {"RGB": "RGB", "GRAY": "L", "CMYK": "CMYK", "Lab": "LAB"}.get(space)
    if fitting is None or not (mode == fitting or (fitting == "RGB" and mode == "L")):
        return None
    if "sRGB" in ImageCms.getProfileDescription(profile):
        return None
    transform = ImageCms.buildTransform(
        profile,
        _srgb,
        fitting,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return fitting, transform


def _profile(icc_profile: bytes) -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(io.BytesIO(icc_profile))
