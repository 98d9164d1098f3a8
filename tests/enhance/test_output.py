"""Files in and out: orientation, colour profiles, depth, transparency, metadata kept or stripped."""

from __future__ import annotations

import contextlib
import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from ml.enhance import OutputOptions, PictureError, apply, decode, encode
from ml.enhance.output import FORMATS
from ml.enhance.pictures import srgb_profile

HOLDS_METADATA = ("jpeg", "png", "webp", "tiff", "avif")


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def tagged_jpeg(picture: np.ndarray, orientation: int = 6) -> bytes:
    """A JPEG with camera, place, maker note, a thumbnail-sized lie about its size, and XMP."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Lumen"
    exif[ExifTags.Base.Orientation] = orientation
    exif[ExifTags.Base.Artist] = "Ann"
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = "2024:06:01 12:00:00"
    details[ExifTags.Base.ExifImageWidth] = 9999
    details[ExifTags.Base.MakerNote] = b"secret notes"
    places = exif.get_ifd(ExifTags.IFD.GPSInfo)
    places[ExifTags.GPS.GPSLatitudeRef] = "N"
    places[ExifTags.GPS.GPSLatitude] = (47.0, 22.0, 1.5)
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        b'<rdf:Description tiff:Orientation="6" exif:GPSLatitude="47,22.025N" xmp:Rating="4"/></rdf:RDF></x:xmpmeta>'
    )
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=95, exif=exif, xmp=xmp)
    return stream.getvalue()


@pytest.mark.parametrize("family", ["landscape", "portrait"])
def test_all_eight_orientations_decode_alike(family, shared_data):
    folder = shared_data / "metadata" / "orientation"
    first = decode(folder / f"{family}_1.jpg").pixels
    assert (first.shape[1] > first.shape[0]) == (family == "landscape")
    for orientation in range(2, 9):
        other = decode(folder / f"{family}_{orientation}.jpg").pixels
        assert other.shape == first.shape
        # Each file was compressed by itself: alike but for JPEG noise, and unlike any other turn of it.
        assert np.abs(other.astype(int) - first).mean() < 8
        assert np.abs(other[::-1, ::-1].astype(int) - first).mean() > 20


@pytest.mark.parametrize("form", HOLDS_METADATA)
def test_kept_metadata_describes_the_new_picture(form, scene):
    picture = decode(tagged_jpeg(scene()))
    assert picture.pixels.shape == (60, 40, 3)
    data = encode(picture.pixels, OutputOptions(format=form), picture.source)
    exif = opened(data).getexif()
    assert exif[ExifTags.Base.Make] == "Lumen"
    assert exif[ExifTags.Base.Artist] == "Ann"
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    details = exif.get_ifd(ExifTags.IFD.Exif)
    assert details[ExifTags.Base.DateTimeOriginal] == "2024:06:01 12:00:00"
    assert (details[ExifTags.Base.ExifImageWidth], details[ExifTags.Base.ExifImageHeight]) == (40, 60)
    assert exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == (47.0, 22.0, 1.5)
    assert b'xmp:Rating="4"' in data
    assert b'tiff:Orientation="1"' in data
    assert decode(data).pixels.shape == (60, 40, 3)


@pytest.mark.parametrize("form", FORMATS)
def test_stripped_metadata_is_gone(form, scene):
    picture = decode(tagged_jpeg(scene()))
    data = encode(picture.pixels, OutputOptions(format=form, metadata="strip"), picture.source)
    for trace in (b"Lumen", b"Ann", b"2024:06:01", b"secret notes", b"xmpmeta", b"47,22"):
        assert trace not in data
    exif = opened(data).getexif()
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert not exif.get_ifd(ExifTags.IFD.Exif)
    assert decode(data).pixels.shape[:2] == (60, 40)


@pytest.mark.parametrize("form", HOLDS_METADATA)
def test_location_alone_can_be_dropped(form, scene):
    picture = decode(tagged_jpeg(scene()))
    data = encode(
        picture.pixels, OutputOptions(format=form, metadata="keep_without_location"), picture.source
    )
    exif = opened(data).getexif()
    assert exif[ExifTags.Base.Make] == "Lumen"
    assert exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] == "2024:06:01 12:00:00"
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    for trace in (b"GPSLatitude", b"secret notes"):
        assert trace not in data


def test_real_photos_keep_their_place_and_lose_it(shared_data):
    files = sorted((shared_data / "metadata" / "gps").iterdir())
    assert files
    for path in files:
        picture = decode(path)
        small = apply(picture.pixels, [{"op": "resize", "max_side": 64}])
        before = opened(path.read_bytes()).getexif().get_ifd(ExifTags.IFD.GPSInfo)
        kept = opened(encode(small, None, picture.source)).getexif()
        assert (
            kept.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] == before[ExifTags.GPS.GPSLatitude]
        )
        assert not kept.get_ifd(ExifTags.IFD.IFD1), "the old thumbnail shows the unedited photo"
        dropped = encode(small, OutputOptions(metadata="keep_without_location"), picture.source)
        assert not opened(dropped).getexif().get_ifd(ExifTags.IFD.GPSInfo)


def test_every_real_metadata_file_survives_a_round_through_every_format(shared_data):
    files = [
        path
        for path in sorted((shared_data / "metadata").rglob("*"))
        if path.suffix.lower() not in ("", ".md", ".csv")
    ]
    tried = 0
    for path in files:
        try:
            picture = decode(path)
        except PictureError:
            continue
        small = apply(picture.pixels, [{"op": "resize", "max_side": 48}])
        for form in FORMATS:
            again = decode(encode(small, OutputOptions(format=form), picture.source))
            assert again.pixels.shape[:2] == small.shape[:2], (path.name, form)
        tried += 1
    assert tried > 60


@pytest.mark.parametrize("form", ["png", "tiff", "bmp", "webp"])
def test_lossless_formats_return_the_same_pixels(form, scene):
    data = encode(scene(), OutputOptions(format=form, lossless=True))
    assert np.array_equal(decode(data).pixels, scene())
    assert opened(data).format == form.upper()


@pytest.mark.parametrize("form", ["jpeg", "avif", "webp", "gif"])
def test_lossy_formats_come_close(form, scene):
    smooth = apply(scene(160, 120), [{"op": "smooth", "radius": 8}])
    data = encode(smooth, OutputOptions(format=form, quality=92))
    # A GIF's 256 colours are scattered so that their mean is right.
    seen, meant = (
        apply(x, [{"op": "smooth", "radius": 4}]).astype(int) for x in (decode(data).pixels, smooth)
    )
    assert np.abs(seen - meant).mean() < 3
    if form != "gif":
        assert len(encode(smooth, OutputOptions(format=form, quality=20))) < len(data) / 1.5


@pytest.mark.parametrize("quality", [90, 95, 100])
def test_the_most_detailed_picture_fits_into_a_jpeg_with_its_metadata(quality, scene):
    source = decode(tagged_jpeg(scene())).source
    noise = np.random.default_rng(0).integers(0, 256, (400, 500, 3), dtype=np.uint8)
    data = encode(noise, OutputOptions(format="jpeg", quality=quality), source)
    assert np.abs(decode(data).pixels.astype(int) - noise).mean() < 8
    assert opened(data).getexif()[ExifTags.Base.Make] == "Lumen"


@pytest.mark.parametrize("form", FORMATS)
def test_transparency_is_kept_or_put_on_the_background(form):
    picture = np.zeros((16, 16, 4), np.uint8)
    picture[4:12, 4:12] = (200, 10, 10, 255)
    pixels = decode(encode(picture, OutputOptions(format=form, background="#00ff00", quality=95))).pixels
    if form in ("jpeg", "bmp"):
        assert pixels.shape[2] == 3
        assert np.abs(pixels[0, 0].astype(int) - (0, 255, 0)).max() < 30
    else:
        assert pixels[0, 0, 3] == 0
        assert pixels[8, 8, 3] == 255
    assert np.abs(pixels[8, 8, :3].astype(int) - (200, 10, 10)).max() < 30


@pytest.mark.parametrize("colours", ["few", "many"])
def test_a_gif_is_invisible_below_half_and_opaque_above(colours, scene):
    picture = np.zeros((16, 256, 4), np.uint8)
    picture[:, :, :3] = (200, 10, 10) if colours == "few" else scene(256, 16)
    picture[:, :, 3] = np.arange(256)
    pixels = decode(encode(picture, OutputOptions(format="gif"))).pixels
    assert np.array_equal(pixels[:, :, 3], np.where(picture[:, :, 3] < 128, 0, 255))
    assert np.abs(pixels[:, 128:, :3].astype(int) - picture[:, 128:, :3]).mean() < 20
    assert decode(encode(picture[:, :100], OutputOptions(format="gif"))).pixels[:, :, 3].max() == 0


@pytest.mark.parametrize("hidden", [0, 1])
def test_a_gif_of_no_more_colours_than_fit_is_exact(hidden):
    values = np.arange(256 - hidden, dtype=np.uint8)
    picture = np.full((3, 256, 4), 255, np.uint8)
    picture[:, hidden:, :3] = np.stack([values, values[::-1], values // 2 + 3], axis=1)
    picture[:, :hidden, 3] = 0
    pixels = decode(encode(picture if hidden else picture[:, :, :3], OutputOptions(format="gif"))).pixels
    assert np.array_equal(pixels[:, hidden:, :3], picture[:, hidden:, :3])


def test_same_pixels_give_the_same_file(scene, monkeypatch):
    first = encode(scene())
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert encode(scene()) == first
    assert srgb_profile()[36:40] == b"acsp"


def test_results_carry_an_srgb_profile(scene):
    for form in HOLDS_METADATA:
        profile = opened(encode(scene(), OutputOptions(format=form))).info["icc_profile"]
        assert "sRGB" in ImageCms.getProfileDescription(ImageCms.ImageCmsProfile(io.BytesIO(profile)))


def swapped_profile() -> bytes:
    """An sRGB profile whose red and green primaries are exchanged: easy to see whether it was honoured."""
    profile = bytearray(srgb_profile())
    count = int.from_bytes(profile[128:132], "big")
    entries = {bytes(profile[132 + 12 * i : 136 + 12 * i]): 132 + 12 * i for i in range(count)}
    red, green = entries[b"rXYZ"], entries[b"gXYZ"]
    profile[red + 4 : red + 12], profile[green + 4 : green + 12] = (
        profile[green + 4 : green + 12],
        profile[red + 4 : red + 12],
    )
    description = profile.find("sRGB".encode("utf-16-be"))
    if description > 0:
        profile[description : description + 8] = "swap".encode("utf-16-be")
    return bytes(profile)


def test_embedded_profiles_are_honoured_and_can_be_kept():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[:, :, 0] = 220
    stream = io.BytesIO()
    profile = swapped_profile()
    Image.fromarray(picture).save(stream, "PNG", icc_profile=profile)
    decoded = decode(stream.getvalue())
    assert np.abs(decoded.pixels[0, 0].astype(int) - (0, 220, 0)).max() <= 3
    srgb = encode(decoded.pixels, OutputOptions(format="png"), decoded.source)
    assert np.abs(np.asarray(opened(srgb))[0, 0].astype(int) - (0, 220, 0)).max() <= 3
    kept = encode(decoded.pixels, OutputOptions(format="png", color_space="keep"), decoded.source)
    assert opened(kept).info["icc_profile"] == profile
    assert np.abs(np.asarray(opened(kept))[0, 0].astype(int) - (220, 0, 0)).max() <= 4
    assert np.abs(decode(kept).pixels.astype(int) - decoded.pixels).max() <= 4


def test_broken_profiles_are_ignored(scene):
    stream = io.BytesIO()
    Image.fromarray(scene()).save(stream, "PNG", icc_profile=b"not a profile at all" * 20)
    picture = decode(stream.getvalue())
    assert np.array_equal(picture.pixels, scene())
    encode(picture.pixels, OutputOptions(color_space="keep"), picture.source)


def test_sixteen_bits_are_used_before_rounding():
    deep = np.tile(np.arange(256, dtype=np.uint16) * 4 + 20_000, (4, 1))
    stream = io.BytesIO()
    Image.fromarray(deep).save(stream, "PNG")
    picture = decode(stream.getvalue())
    assert picture.pixels.dtype == np.float32
    assert picture.pixels[0, :, 0] == pytest.approx(deep[0] / 65535, abs=1e-6)
    stretched = apply(picture.pixels, [{"op": "auto_levels", "clip": 0}])
    assert len(np.unique(decode(encode(stretched)).pixels)) > 10


def deep_file(suffix: str, pixels: np.ndarray, *options: int, orientation: int = 1) -> bytes:
    """``(H, W, 3 or 4) uint16`` as a file of 16 bits a channel."""
    order = [2, 1, 0, 3][: pixels.shape[2]]
    data = cv2.imencode(suffix, np.ascontiguousarray(pixels[:, :, order]), options)[1].tobytes()
    if orientation == 1:
        return data
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    block = exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = len(block).to_bytes(4, "big") + b"eXIf" + block + zlib.crc32(b"eXIf" + block).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]  # behind the header


@pytest.mark.parametrize("channels", [3, 4])
@pytest.mark.parametrize("suffix", [".png", ".tiff"])
def test_sixteen_bit_colours_are_read_in_full(channels, suffix):
    deep = np.random.default_rng(0).integers(0, 65536, (30, 40, channels), dtype=np.uint16)
    picture = decode(deep_file(suffix, deep))
    assert picture.pixels.dtype == np.float32
    assert picture.pixels == pytest.approx(deep / 65535, abs=1e-6)


def test_a_dark_sixteen_bit_ramp_gets_as_many_levels_in_colour_as_in_grey():
    ramp = np.tile(np.linspace(0, 2000, 500).astype(np.uint16), (4, 1))
    stream = io.BytesIO()
    Image.fromarray(ramp).save(stream, "PNG")
    grey, coloured = (
        decode(encode(apply(decode(data).pixels, [{"op": "gamma", "gamma": 3}]), OutputOptions(format="png")))
        for data in (stream.getvalue(), deep_file(".png", np.dstack([ramp] * 3)))
    )
    assert np.array_equal(grey.pixels, coloured.pixels)
    assert len(np.unique(coloured.pixels)) > 60


@pytest.mark.parametrize("orientation", range(2, 9))
def test_sixteen_bit_colours_are_turned_upright(orientation):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    stream = io.BytesIO()
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    Image.fromarray((deep >> 8).astype(np.uint8)).save(stream, "PNG", exif=exif)
    usual = decode(stream.getvalue()).pixels
    fine = decode(deep_file(".png", deep, orientation=orientation)).pixels
    assert fine.dtype == np.float32
    assert np.array_equal(np.floor(fine * 65535 + 0.5).astype(int) >> 8, usual)


def test_hostile_sixteen_bit_files_are_refused_as_others_are():
    deep = np.random.default_rng(0).integers(0, 65536, (60, 60, 3), dtype=np.uint16)
    for suffix in (".png", ".tiff"):
        data = deep_file(suffix, deep)
        for damaged in (data[: len(data) // 2], data[:-400]):
            with pytest.raises(PictureError) as caught:
                decode(damaged)
            assert caught.value.code in ("broken", "unsupported")
        with pytest.raises(PictureError) as caught:
            decode(data, max_pixels=3599)
        assert caught.value.code == "too-large"
    rng = np.random.default_rng(1)
    for _ in range(60):
        noisy = bytearray(deep_file(".png", deep[:8, :8]))
        noisy[int(rng.integers(8, len(noisy)))] ^= 1 << int(rng.integers(8))
        with contextlib.suppress(PictureError):
            assert decode(bytes(noisy), max_pixels=10_000).pixels.ndim == 3


def with_profile(data: bytes, profile: bytes) -> bytes:
    """A PNG file with an embedded profile."""
    block = b"own\0\0" + zlib.compress(profile)
    chunk = len(block).to_bytes(4, "big") + b"iCCP" + block + zlib.crc32(b"iCCP" + block).to_bytes(4, "big")
    return data[:33] + chunk + data[33:]


def profile_with_curve(curve: bytes) -> bytes:
    """``swapped_profile`` with another tone curve for all channels."""
    profile = bytearray(swapped_profile())
    curve += b"\0" * (-len(curve) % 4)
    for entry in range(int.from_bytes(profile[128:132], "big")):
        place = 132 + 12 * entry
        if bytes(profile[place : place + 4]) in (b"rTRC", b"gTRC", b"bTRC"):
            profile[place + 4 : place + 12] = len(profile).to_bytes(4, "big") + len(curve).to_bytes(4, "big")
    profile[0:4] = (len(profile) + len(curve)).to_bytes(4, "big")
    return bytes(profile) + curve


def parametric(kind: int, *values: float) -> bytes:
    numbers = struct.pack(f">{len(values)}i", *(round(value * 65536) for value in values))
    return b"para\0\0\0\0" + struct.pack(">HH", kind, 0) + numbers


CURVES = {
    "linear": b"curv\0\0\0\0" + struct.pack(">I", 0),
    "gamma": b"curv\0\0\0\0" + struct.pack(">IH", 1, round(2.2 * 256)),
    "table": b"curv\0\0\0\0"
    + struct.pack(">I257H", 257, *(round(65535 * (i / 256) ** 1.8) for i in range(257))),
    "power": parametric(0, 2.4),
    "offset": parametric(1, 2.0, 1.1, -0.1),
    "lifted": parametric(2, 2.0, 1.1, -0.1, 0.0),
    "srgb": parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045),
    "full": parametric(4, 2.4, 0.95, 0.05, 0.0948, 0.05, 0.001, 0.0),
}


@pytest.mark.parametrize("curve", CURVES)
def test_sixteen_bit_colours_in_another_space_are_converted_in_full(curve):
    coarse = np.random.default_rng(0).integers(0, 256, (40, 50, 3), dtype=np.uint8)
    profile = profile_with_curve(CURVES[curve])
    stream = io.BytesIO()
    Image.fromarray(coarse).save(stream, "PNG", icc_profile=profile)
    usual = decode(stream.getvalue()).pixels
    fine = decode(with_profile(deep_file(".png", coarse.astype(np.uint16) * 257), profile)).pixels
    assert fine.dtype == np.float32
    assert np.abs(fine * 255 - usual).max() < 1.5
    assert np.abs(fine * 255 - usual).mean() < 0.4
    ramp = np.tile(np.linspace(20_000, 24_000, 1000).astype(np.uint16)[None, :, None], (1, 1, 3))
    assert len(np.unique(decode(with_profile(deep_file(".png", ramp), profile)).pixels[:, :, 1])) > 500


@pytest.mark.parametrize(
    "curve", [b"curv", b"curv\0\0\0\0\xff\xff\xff\xff", b"para\0\0\0\0\0\x09\0\0", b"what" * 5]
)
def test_a_broken_curve_harms_nothing(curve):
    deep = np.random.default_rng(0).integers(0, 65536, (5, 7, 3), dtype=np.uint16)
    picture = decode(with_profile(deep_file(".png", deep), profile_with_curve(curve)))
    assert picture.pixels.shape == (5, 7, 3)


def test_grey_sources_stay_grey_files_until_coloured(scene, picture_file):
    picture = decode(picture_file("L", 60, 40, 0))
    assert opened(encode(picture.pixels, OutputOptions(format="png"), picture.source)).mode == "L"
    toned = apply(picture.pixels, [{"op": "sepia"}])
    assert opened(encode(toned, OutputOptions(format="png"), picture.source)).mode == "RGB"


def test_palette_transparency_and_first_frame(picture_file, scene):
    assert decode(picture_file("P-transparent", 60, 40, 0)).pixels.shape == (40, 60, 4)
    first = decode(picture_file("GIF", 60, 40, 0)).pixels
    assert np.abs(first.astype(int) - scene()).mean() < 12
    bits = decode(picture_file("1", 60, 40, 0)).pixels
    assert set(np.unique(bits)) == {0, 255}


def test_format_follows_the_source_unless_named(picture_file, scene):
    png = decode(picture_file("RGB", 20, 10, 0))
    assert opened(encode(png.pixels, None, png.source)).format == "PNG"
    assert opened(encode(png.pixels, OutputOptions(format="avif"), png.source)).format == "AVIF"
    assert opened(encode(scene())).format == "JPEG"


@pytest.mark.parametrize(("data", "code"), [(b"", "unsupported"), (b"hello" * 50, "unsupported")])
def test_what_is_no_picture_is_refused(data, code):
    with pytest.raises(PictureError) as caught:
        decode(data)
    assert caught.value.code == code


def test_damaged_and_huge_pictures_are_refused(scene):
    stream = io.BytesIO()
    Image.fromarray(scene(200, 200)).save(stream, "PNG")
    with pytest.raises(PictureError) as caught:
        decode(stream.getvalue()[:4000])
    assert caught.value.code == "broken"
    with pytest.raises(PictureError) as caught:
        decode(stream.getvalue(), max_pixels=39_999)
    assert caught.value.code == "too-large"


def test_hostile_files_give_typed_errors_or_pictures(shared_data):
    refused = 0
    for path in sorted((shared_data / "hostile").rglob("*")):
        if not path.is_file() or path.suffix in (".md", ".csv") or path.stat().st_size > 4_000_000:
            continue
        try:
            picture = decode(path, max_pixels=4_000_000)
            assert picture.pixels.ndim == 3
        except PictureError:
            refused += 1
    assert refused > 20


def test_too_long_for_the_format():
    with pytest.raises(PictureError) as caught:
        encode(np.zeros((2, 20_000, 3), np.uint8), OutputOptions(format="webp"))
    assert caught.value.code == "unwritable"
