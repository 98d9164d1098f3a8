"""Doors of the editor: decode a file for editing, and encode the edited picture with or without its metadata.

Decoding bakes the orientation in and converts to sRGB through the embedded profile; encoding embeds sRGB, or
goes back to the source's own RGB profile. ``decode`` reads the whole file: untrusted files belong into a
limited process.

Accepted beside 8-bit RGB and RGBA: grey, 1-bit, palette, grey with alpha, CMYK, YCbCr, Lab and 16-bit grey;
of animated and many-page files the first picture. Results are written with 8 bits a channel.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, ImageOps, PngImagePlugin, UnidentifiedImageError

from ml.enhance.operation import EnhanceError, Operation, Parameter, Text, colour_values

FORMATS = ("jpeg", "png", "webp", "gif", "bmp", "tiff", "avif")
MEDIA_TYPES = {name: f"image/{name}" for name in FORMATS}
# The longest side each format can hold.
_LONGEST = {"jpeg": 65_500, "webp": 16_383, "gif": 65_535, "avif": 65_536}
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
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:\s*=\s*["\']|>))\s*[2-8]')


class PictureError(EnhanceError):
    """A file that cannot be decoded or written. ``code`` is ``unsupported``, ``broken``, ``too-large`` or
    ``unwritable``.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class OutputOptions:
    """How a result is written; the parameters of the ``output`` operation. ``format`` None means as the
    source, or JPEG.
    """

    format: str | None = None
    quality: int = 90
    lossless: bool = False
    color_space: str = "srgb"
    metadata: str = "keep"
    background: str = "#ffffff"


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
        with Image.open(stream) as image:
            if image.width * image.height > max_pixels:
                raise PictureError(
                    "too-large", f"{image.width} x {image.height} is more than {max_pixels} pixels."
                )
            kept = Source(
                format=_format_name(image),
                mode=image.mode,
                exif=image.getexif().tobytes() if len(image.getexif()) else b"",
                xmp=_xmp_of(image),
                profile=image.info.get("icc_profile"),
                grey=image.mode in ("1", "L", "LA", "La", "I;16", "I;16L", "I;16B", "I", "F"),
            )
            image.load()
            upright = ImageOps.exif_transpose(image)
            return Picture(_srgb_pixels(upright, kept.profile), kept)
    except Image.DecompressionBombError as error:
        raise PictureError("too-large", "The picture has too many pixels.") from error
    except UnidentifiedImageError as error:
        raise PictureError("unsupported", "The file is not a picture of a known kind.") from error
    except (OSError, SyntaxError, ValueError, EOFError, KeyError, IndexError) as error:
        raise PictureError("broken", f"The picture cannot be read: {error}") from error


def _register_heif() -> None:
    if ".heic" not in Image.registered_extensions():
        import pillow_heif

        pillow_heif.register_heif_opener()


def _format_name(image: Image.Image) -> str:
    return {"MPO": "jpeg", "JPEG": "jpeg"}.get(image.format or "", (image.format or "").lower())


def _xmp_of(image: Image.Image) -> bytes:
    """The XMP packet wherever the format puts it."""
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    if not packet and hasattr(image, "tag_v2"):
        packet = image.tag_v2.get(700, b"")
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
            if image.mode == "LAB" or not _is_srgb(opened):
                converted = ImageCms.profileToProfile(
                    image, opened, ImageCms.createProfile("sRGB"), outputMode="RGB"
                )
                if converted is not None:
                    return converted
        except (ImageCms.PyCMSError, OSError, ValueError):
            if image.mode == "LAB":
                raise
    return image if image.mode == "RGB" else image.convert("RGB")


def _is_srgb(profile: ImageCms.ImageCmsProfile) -> bool:
    """Whether converting would only add rounding: cameras embed many copies of the same sRGB."""
    return "srgb" in ImageCms.getProfileDescription(profile).lower()


def srgb_profile() -> bytes:
    """The sRGB profile embedded in results; its creation date is fixed so that equal pictures give equal
    files.
    """
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    profile[24:36] = bytes([7, 208, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0])
    return bytes(profile)


def encode(pixels: NDArray[Any], options: OutputOptions | None = None, source: Source | None = None) -> bytes:
    """Write a picture, ``(H, W, 3 or 4)`` uint8 or float32 0..1 sRGB, as a file.

    Metadata is kept where the format can hold it (GIF and BMP cannot): EXIF with the orientation reset and
    the old thumbnail dropped, and XMP. JPEG and BMP put transparent pictures on ``background``.

    Raises:
        PictureError: the format cannot hold a picture of this size.
    """
    options = options or OutputOptions()
    name = options.format or (source.format if source and source.format in FORMATS else "jpeg")
    if pixels.dtype != np.uint8:
        pixels = np.clip(pixels * np.float32(255.0) + np.float32(0.5), 0, 255).astype(np.uint8)
    height, width = pixels.shape[:2]
    if max(width, height) > _LONGEST.get(name, 1 << 30):
        raise PictureError("unwritable", f"{name} cannot hold {width} x {height} pixels.")
    image, profile = _coloured(_image_for(pixels, name, options, source), options, source)
    keywords = {**_settings(name, options), **_metadata(name, options, source, (width, height))}
    if name not in ("gif", "bmp"):
        keywords["icc_profile"] = profile
    stream = io.BytesIO()
    try:
        image.save(stream, format=name.upper(), **keywords)
    except (OSError, ValueError) as error:
        raise PictureError("unwritable", f"The picture cannot be written as {name}: {error}") from error
    return stream.getvalue()


def _image_for(
    pixels: NDArray[np.uint8], name: str, options: OutputOptions, source: Source | None
) -> Image.Image:
    image = Image.fromarray(np.ascontiguousarray(pixels))
    if image.mode == "RGBA" and name in ("jpeg", "bmp"):
        base = Image.new(
            "RGBA", image.size, tuple(round(255 * v) for v in (*colour_values(options.background), 1.0))
        )
        image = Image.alpha_composite(base, image).convert("RGB")
    if (
        source
        and source.grey
        and (pixels[:, :, 0] == pixels[:, :, 1]).all()
        and (pixels[:, :, 1] == pixels[:, :, 2]).all()
    ):
        image = image.convert("LA" if image.mode == "RGBA" else "L")
    if name == "gif" and image.mode != "L":
        method = Image.Quantize.FASTOCTREE if image.mode in ("RGBA", "LA") else Image.Quantize.MEDIANCUT
        image = (image.convert("RGBA") if image.mode == "LA" else image).quantize(256, method)
    if name in ("webp", "avif") and image.mode in ("L", "LA"):
        image = image.convert("RGBA" if image.mode == "LA" else "RGB")
    return image


def _coloured(
    image: Image.Image, options: OutputOptions, source: Source | None
) -> tuple[Image.Image, bytes | None]:
    """The picture in the wanted colour space and the profile that says so (greys need none: the curve is
    sRGB's).
    """
    if image.mode not in ("RGB", "RGBA"):
        return image, None
    if options.color_space == "keep" and source and source.profile:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(source.profile))
        if opened.profile.xcolor_space.strip() == "RGB":
            alpha = image.getchannel("A") if image.mode == "RGBA" else None
            srgb = ImageCms.createProfile("sRGB")
            back = (
                image.convert("RGB")
                if _is_srgb(opened)
                else ImageCms.profileToProfile(image.convert("RGB"), srgb, opened)
            )
            if back is not None:
                if alpha:
                    back.putalpha(alpha)
                return back, source.profile
    return image, srgb_profile()


def _settings(name: str, options: OutputOptions) -> dict[str, Any]:
    quality = options.quality
    if name == "jpeg":
        return {
            "quality": quality,
            "optimize": True,
            "progressive": True,
            "subsampling": 0 if quality >= 90 else 2,
        }
    if name == "png":
        return {"compress_level": 6}
    if name == "webp":
        return {"lossless": options.lossless, "quality": quality, "method": 4}
    if name == "tiff":
        return {"compression": "tiff_adobe_deflate"}
    if name == "avif":
        return {
            "quality": 100 if options.lossless else quality,
            "subsampling": "4:4:4" if quality >= 90 else "4:2:0",
            "speed": 7,
        }
    return {}


def _metadata(
    name: str, options: OutputOptions, source: Source | None, size: tuple[int, int]
) -> dict[str, Any]:
    if source is None or options.metadata == "strip" or name in ("gif", "bmp"):
        return {}
    everything = options.metadata == "keep"
    kept: dict[str, Any] = {}
    exif = _kept_exif(source.exif, size, everything)
    if exif is not None:
        kept["exif"] = exif
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", source.xmp) if everything else b""
    if xmp and name == "png":
        chunk = PngImagePlugin.PngInfo()
        chunk.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        kept["pnginfo"] = chunk
    elif xmp and name == "tiff":
        kept["tiffinfo"] = {700: xmp}
    elif xmp and (name != "jpeg" or len(xmp) < 65_000):
        kept["xmp"] = xmp
    return kept


def _kept_exif(block: bytes, size: tuple[int, int], everything: bool) -> Image.Exif | None:
    """EXIF for the new file: upright, of the new size, without the old thumbnail; without places unless
    ``everything``.
    """
    if not block:
        return None
    old, new = Image.Exif(), Image.Exif()
    old.load(block)
    for tag, value in old.items():
        if tag in _KEPT_TAGS:
            new[tag] = value
    details = dict(old.get_ifd(ExifTags.IFD.Exif))
    details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = size
    if not everything:
        details.pop(ExifTags.Base.MakerNote, None)
    details.pop(ExifTags.IFD.Interop, None)
    new[ExifTags.Base.Orientation] = 1
    new.get_ifd(ExifTags.IFD.Exif).update(details)
    places = dict(old.get_ifd(ExifTags.IFD.GPSInfo))
    if places and everything:
        new.get_ifd(ExifTags.IFD.GPSInfo).update(places)
    return new


def _unchanged(image: Any, params: Any, call: Any) -> Any:
    return image


OUTPUT = Operation(
    "output",
    "output",
    Text("Output", "输出"),
    Text("How the result is written; only as the last step.", "结果的保存方式，只能作为最后一步。"),
    (
        Parameter(
            "format",
            "choice",
            Text("File format; none keeps the source's.", "文件格式；不填则沿用原格式。"),
            None,
            choices=FORMATS,
        ),
        Parameter(
            "quality",
            "integer",
            Text("Quality of JPEG, WebP and AVIF.", "JPEG、WebP、AVIF 的质量。"),
            90,
            low=1,
            high=100,
        ),
        Parameter(
            "lossless",
            "boolean",
            Text("Without loss (WebP; nearly so with AVIF).", "无损保存（WebP；AVIF 为近无损）。"),
            False,
            only_for=("format", ("webp", "avif")),
        ),
        Parameter(
            "color_space",
            "choice",
            Text(
                "srgb suits every screen; keep goes back to the source's RGB profile (sRGB where it has "
                "none).",
                "srgb 适合所有屏幕；keep 转回原图的 RGB 配置文件（没有则为 sRGB）。",
            ),
            "srgb",
            choices=("srgb", "keep"),
        ),
        Parameter(
            "metadata",
            "choice",
            Text(
                "keep EXIF and XMP, keep_without_location drops places (and XMP and maker notes, which may "
                "hold them), strip drops all.",
                "keep 保留 EXIF 与 XMP；keep_without_location 去除位置（及可能含位置的 XMP 与厂商注释）；"
                "strip 全部去除。",
            ),
            "keep",
            choices=("keep", "keep_without_location", "strip"),
        ),
        Parameter(
            "background",
            "colour",
            Text(
                "What shows through where JPEG and BMP cannot be transparent.",
                "JPEG 与 BMP 不支持透明时的底色。",
            ),
            "#ffffff",
        ),
    ),
    cost=0.1,
    run=_unchanged,
)
