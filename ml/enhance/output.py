"""Pixels into files: encode an edited picture, with or without its metadata, and the ``output`` operation.

Results have 8 bits a channel and embed sRGB, or go back to the source's own RGB profile.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import ExifTags, Image, ImageCms, PngImagePlugin

from ml.enhance.operation import Operation, Parameter, Text, colour_values
from ml.enhance.pictures import XMP_TAG, Picture, PictureError, Source, counts_as_srgb, is_srgb, srgb_profile

FORMATS = ("jpeg", "png", "webp", "gif", "bmp", "tiff", "avif")
MEDIA_TYPES = {name: f"image/{name}" for name in FORMATS}
ALIASES = (("jpg", "jpeg"), ("tif", "tiff"))
# The longest side each format can hold.
_LONGEST = {"jpeg": 65_500, "webp": 16_383, "gif": 65_535, "avif": 65_536}
_XMP_ORIENTATION = re.compile(rb'(tiff:Orientation(?:\s*=\s*["\']|>))\s*[2-8]')


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


def encode(pixels: NDArray[Any], options: OutputOptions | None = None, source: Source | None = None) -> bytes:
    """Write a picture, ``(H, W, 3 or 4)`` uint8 or float32 0..1 sRGB, as a file.

    Metadata is kept where the format can hold it (GIF and BMP cannot): EXIF with the orientation reset and
    the old thumbnail dropped, and XMP. JPEG and BMP put transparent pictures on ``background``; GIF, which
    knows no half transparent pixels, makes those below half invisible and the others opaque.

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
    try:
        return _written(image, name, keywords)
    except (OSError, ValueError) as error:
        raise PictureError("unwritable", f"The picture cannot be written as {name}: {error}") from error


def repeats_source(pixels: NDArray[Any], options: OutputOptions, picture: Picture) -> bool:
    """Whether the result is the decoded picture as it was, and is to be written as its file already is: then that
    file is the best result.

    Another quality, losslessness or less metadata is a change that was asked for, and so is sRGB for a picture in
    other colours.
    """
    source = picture.source
    plain = OutputOptions(color_space=options.color_space, background=options.background)
    return (
        replace(options, format=None) == plain
        and (options.format or source.format) == source.format
        and source.format in FORMATS
        and (
            options.color_space == "keep"
            or (source.mode not in ("CMYK", "LAB") and counts_as_srgb(source.profile))
        )
        and np.array_equal(pixels, picture.pixels)
    )


def _written(image: Image.Image, name: str, keywords: dict[str, Any]) -> bytes:
    stream = io.BytesIO()
    try:
        image.save(stream, format=name.upper(), **keywords)
    except OSError:
        if name != "jpeg":
            raise
        # A progressive file must fit into a buffer of a byte or two a pixel, and noise at high quality does not; a
        # baseline one is written piece by piece.
        stream = io.BytesIO()
        image.save(stream, format="JPEG", **{**keywords, "optimize": False, "progressive": False})
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
        image = _of_few_colours(image)
    if name in ("webp", "avif") and image.mode in ("L", "LA"):
        image = image.convert("RGBA" if image.mode == "LA" else "RGB")
    return image


def _of_few_colours(image: Image.Image) -> Image.Image:
    """A palette picture: exact where there are no more colours than fit, else dithered.

    What is more than half transparent becomes the one transparent colour, all else opaque.
    """
    pixels = np.array(image.convert("RGBA"))
    hidden = pixels[:, :, 3] < 128
    room = 255 if hidden.any() else 256
    if room == 255 and not hidden.all():
        pixels[hidden, :3] = pixels[~hidden][0, :3]  # what nobody sees takes no colour from the rest
    colours = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3]))
    few = colours.getcolors(room)
    if few is None:
        palette = colours.quantize(room, Image.Quantize.MEDIANCUT)
        made = colours.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG)
        index, table = np.array(made), np.array(made.getpalette(), np.uint8)
    else:
        table = np.array([colour for _, colour in few], np.uint8)
        numbers = np.zeros(1 << 24, np.uint8)
        numbers[_as_number(table)] = np.arange(len(table))
        index = numbers[_as_number(pixels)]
    index[hidden] = 255
    result = Image.fromarray(index)
    result.putpalette(table.tobytes().ljust(768, b"\0"))
    if room == 255:
        result.info["transparency"] = 255
    return result


def _as_number(colours: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Colours ``(..., 3 or 4)`` as 0xrrggbb."""
    red, green, blue = (colours[..., channel].astype(np.int32) for channel in range(3))
    return red << 16 | green << 8 | blue


def _coloured(
    image: Image.Image, options: OutputOptions, source: Source | None
) -> tuple[Image.Image, bytes | None]:
    """The picture in the wanted colour space and the profile that says so (greys need none: the curve is
    sRGB's).
    """
    if image.mode not in ("RGB", "RGBA"):
        return image, None
    own = (
        _rgb_profile(source.profile) if options.color_space == "keep" and source and source.profile else None
    )
    if own is None or source is None:
        return image, srgb_profile()
    back = image.convert("RGB")
    if not is_srgb(own):
        converted = ImageCms.profileToProfile(back, ImageCms.createProfile("sRGB"), own)
        back = converted or back
    if image.mode == "RGBA":
        back.putalpha(image.getchannel("A"))
    return back, source.profile


def _rgb_profile(profile: bytes) -> ImageCms.ImageCmsProfile | None:
    """The profile, opened, if it is one for RGB pictures."""
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
    except OSError:
        return None
    return opened if opened.profile.xcolor_space.strip() == "RGB" else None


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
    xmp = _XMP_ORIENTATION.sub(rb"\g<1>1", source.xmp) if everything else b""
    if xmp and name == "png":
        chunk = PngImagePlugin.PngInfo()
        chunk.add_itxt("XML:com.adobe.xmp", xmp.decode("utf-8", "replace"))
        kept["pnginfo"] = chunk
    elif xmp and name == "tiff":
        exif = exif or Image.Exif()
        exif[XMP_TAG] = xmp
    elif xmp and (name != "jpeg" or len(xmp) < 65_000):
        kept["xmp"] = xmp
    if exif is not None:
        kept["exif"] = exif.tobytes()
        if name == "tiff":
            # libtiff's compressors cannot write EXIF's nested directories.
            kept["compression"] = "raw"
    return kept


def _kept_exif(block: bytes, size: tuple[int, int], everything: bool) -> Image.Exif | None:
    """EXIF for the new file: upright, of the new size, without the old thumbnail; without places unless
    ``everything``.
    """
    if not block:
        return None
    exif = Image.Exif()
    exif.load(block)
    exif[ExifTags.Base.Orientation] = 1
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight] = size
    if everything:
        return exif
    details.pop(ExifTags.Base.MakerNote, None)
    places = exif.get_ifd(ExifTags.IFD.GPSInfo)
    places.clear()
    if ExifTags.IFD.GPSInfo in exif:
        del exif[ExifTags.IFD.GPSInfo]
    return exif


def _unchanged(image: Any, params: Any, call: Any) -> Any:
    return image


OUTPUT = Operation(
    "output",
    "output",
    Text("Output", "输出"),
    Text(
        "How the result is written; only as the last step. A result is one picture: of an animation or a file of "
        "several pages the first frame or page.",
        "结果的保存方式，只能作为最后一步。结果只含一幅画面：动图或多页文件只编辑并保留第一帧（页）。",
    ),
    (
        Parameter(
            "format",
            "choice",
            Text(
                "File format; none keeps the source's. jpg and tif are understood too.",
                "文件格式；不填则沿用原格式。也可写作 jpg、tif。",
            ),
            None,
            choices=FORMATS,
            aliases=ALIASES,
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
                "What shows through where JPEG and BMP cannot be transparent (GIF can: below half invisible, else "
                "opaque).",
                "JPEG 与 BMP 不支持透明时的底色（GIF 支持：不足一半者不可见，其余不透明）。",
            ),
            "#ffffff",
        ),
    ),
    cost=0.1,
    run=_unchanged,
)
