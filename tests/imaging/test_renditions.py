"""Renditions are upright, sRGB, small and whole, whatever the original is made of."""

from __future__ import annotations

import errno
import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from app.errors import BrokenImage, StorageFull
from app.imaging.sandbox import Sandbox
from app.settings import Settings

Transpose = Image.Transpose
# How a camera stores the picture if its orientation tag says so: the inverse of what must be done to it.
STORED = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_90,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_270,
}


def difference(pixels: np.ndarray, image: Image.Image) -> float:
    """Mean absolute difference per sample; infinite if the shapes differ."""
    expected = np.asarray(image)
    return (
        float(np.abs(pixels.astype(int) - expected).mean())
        if pixels.shape == expected.shape
        else float("inf")
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_every_orientation_comes_out_upright(
    sandbox: Sandbox, tmp_path: Path, corners: Image.Image, format: str, orientation: int
) -> None:
    stored = corners.transpose(STORED[orientation]) if orientation in STORED else corners
    exif = Image.Exif()
    exif[274] = orientation
    path = tmp_path / "photo"
    stored.save(path, format, exif=exif, quality=95)
    inspection = sandbox.inspect(path)
    assert (inspection.width, inspection.height, inspection.orientation) == (64, 48, orientation)
    rendered = sandbox.render(path, preview=tmp_path / "preview")
    assert rendered.preview is not None
    with Image.open(rendered.preview) as preview:
        assert difference(np.asarray(preview), corners) < 6
    assert difference(rendered.pixels, corners) < 6
    assert difference(sandbox.decode(path), corners) < 6


def test_real_photos_of_all_orientations_look_alike(sandbox: Sandbox, shared_data: Path) -> None:
    for row in ("landscape", "portrait"):
        pictures = [
            sandbox.decode(
                shared_data / "metadata" / "orientation" / f"{row}_{number}.jpg", long_side=60
            ).astype(int)
            for number in range(1, 9)
        ]
        for number, picture in enumerate(pictures[1:], 2):
            # The number painted in the middle differs.
            assert np.abs(picture - pictures[0]).mean() < 12, (row, number)


@pytest.mark.parametrize("name", ["rot1mir0.avif", "rot2mir1.avif"])
def test_rotation_by_the_container_is_applied_once(sandbox: Sandbox, shared_data: Path, name: str) -> None:
    upright = sandbox.decode(shared_data / "metadata/other_formats/rot2mir1.avif", long_side=80).astype(int)
    other = sandbox.decode(shared_data / "metadata/other_formats" / name, long_side=80).astype(int)
    assert other.shape == upright.shape
    assert np.abs(other - upright).mean() < 12  # the text inside differs


def test_heic_is_not_rotated_twice(sandbox: Sandbox, shared_data: Path) -> None:
    path = shared_data / "metadata/heic/IMG_2927.HEIC"
    inspection = sandbox.inspect(path)
    assert (inspection.width, inspection.height) == (3024, 4032)
    assert inspection.color_profile == "Display P3"
    pixels = sandbox.decode(path, long_side=400)
    assert pixels.shape == (400, 300, 3)


def test_sizes(sandbox: Sandbox, tmp_path: Path) -> None:
    for size, preview_size, grid_size in (
        ((4000, 3000), (1600, 1200), (427, 320)),
        ((3000, 4000), (1200, 1600), (320, 427)),
        ((500, 200), (500, 200), (500, 200)),  # never enlarged
        ((8000, 800), (1600, 160), (1600, 160)),  # a panorama's grid is no larger than its preview
        ((1, 3000), (1, 1600), (1, 1600)),
    ):
        path = tmp_path / "photo.jpg"
        Image.new("RGB", size, "teal").save(path)
        rendered = sandbox.render(path, grid=tmp_path / "grid", preview=tmp_path / "preview")
        assert rendered.grid is not None
        assert rendered.preview is not None
        with Image.open(rendered.grid) as grid, Image.open(rendered.preview) as preview:
            assert (preview.size, grid.size) == (preview_size, grid_size)
            assert (preview.format, grid.format) == ("JPEG", "WEBP")
            assert not preview.getexif()
        height, width, _ = rendered.pixels.shape
        assert max(width, height) == min(1024, max(size))


def test_shrinking_keeps_detail_and_brightness(sandbox: Sandbox, tmp_path: Path) -> None:
    """Against one exact step from the full picture: shrinking while decoding must not cost quality."""
    y, x = np.mgrid[0:2400, 0:3200]
    wave = 128 + 60 * np.sin(x / 37) + 60 * np.sin(y / 23)
    image = Image.fromarray(wave.astype(np.uint8)).convert("RGB")
    for format in ("JPEG", "PNG"):
        path = tmp_path / "photo"
        image.save(path, format, quality=98)
        exact = image.resize((800, 600), Image.Resampling.LANCZOS)
        assert difference(sandbox.decode(path, long_side=800), exact) < 1.5, format


def test_transparency_is_kept_in_renditions_and_white_for_analysis(sandbox: Sandbox, tmp_path: Path) -> None:
    image = Image.new("RGBA", (3000, 2000), (255, 0, 0, 255))
    image.paste((0, 0, 0, 0), (0, 0, 1500, 2000))
    for name, picture in (("rgba", image), ("palette", image.quantize(8)), ("la", image.convert("LA"))):
        path = tmp_path / f"{name}.png"
        picture.save(path)
        rendered = sandbox.render(path, grid=tmp_path / "grid", preview=tmp_path / "preview.jpg")
        assert rendered.preview == tmp_path / "preview.webp"
        with Image.open(rendered.preview) as preview:
            assert preview.mode == "RGBA"
            assert preview.getpixel((10, 10))[3] == 0  # type: ignore[index]
            assert preview.getpixel((1590, 10))[3] == 255  # type: ignore[index]
        assert (rendered.pixels[10, 10] == 255).all()
        assert sandbox.decode(path).shape == (2000, 3000, 4)
    opaque = tmp_path / "opaque.png"
    Image.new("RGBA", (300, 200), "navy").save(opaque)
    rendered = sandbox.render(opaque, preview=tmp_path / "preview")
    assert rendered.preview == tmp_path / "preview.jpg", "nothing shows through"


def save_as(image: Image.Image, mode: str, path: Path) -> None:
    stored = image.quantize(16) if mode == "P" else image.convert(mode)
    stored.save(path, "TIFF" if mode in ("CMYK", "LAB", "YCbCr") else "PNG")


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr"])
def test_color_modes(sandbox: Sandbox, tmp_path: Path, mode: str) -> None:
    path = tmp_path / "photo"
    for color in ((255, 255, 255), (0, 0, 0)) + (() if mode in ("1", "L", "LA") else ((200, 40, 90),)):
        save_as(Image.new("RGB", (2000, 1500), color), mode, path)
        middle = sandbox.render(path).pixels[300, 300].astype(int)
        assert np.abs(middle - color).max() <= 6, (mode, color)


@pytest.mark.parametrize(
    ("values", "dtype"),
    [((0, 32768, 65535), np.uint16), ((0.0, 0.5, 1.0), np.float32), ((0, 32768, 65535), np.int32)],
)
def test_deep_pictures_keep_their_range(
    sandbox: Sandbox, tmp_path: Path, values: tuple[float, ...], dtype: type[np.generic]
) -> None:
    columns = np.repeat(np.array(values, dtype), 400)
    path = tmp_path / "deep.tif"
    Image.fromarray(np.tile(columns, (900, 1))).save(path)
    pixels = sandbox.decode(path, long_side=600)
    assert [int(pixels[200, x, 0]) for x in (50, 300, 550)] == pytest.approx([0, 128, 255], abs=1)


def test_float_pictures_with_holes(sandbox: Sandbox, tmp_path: Path) -> None:
    values = np.full((40, 60), 0.5, np.float32)
    values[:, 0], values[:, 1] = np.nan, np.inf
    path = tmp_path / "holes.tif"
    Image.fromarray(values).save(path)
    assert sandbox.render(path).pixels.shape == (40, 60, 3)


# Display P3 to sRGB by the definitions of both (SMPTE EG 432-1, IEC 61966-2-1): the same transfer curve and
# white,
# so only this matrix, on linear light, is between them.
P3_TO_SRGB = np.array([[1.2249, -0.2247, 0.0], [-0.0420, 1.0419, 0.0], [-0.0197, -0.0786, 1.0979]])


def p3_to_srgb(color: tuple[int, int, int]) -> np.ndarray:
    value = np.array(color) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    linear = np.clip(P3_TO_SRGB @ linear, 0, 1)
    encoded = np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)
    return np.round(encoded * 255)


def test_colors_are_converted_by_the_profile(sandbox: Sandbox, tmp_path: Path, shared_data: Path) -> None:
    import pillow_heif

    profile = pillow_heif.open_heif(shared_data / "metadata/heic/IMG_2927.HEIC").info["icc_profile"]
    path = tmp_path / "p3.png"
    for color in ((200, 100, 50), (60, 160, 90), (128, 128, 128)):
        Image.new("RGB", (2000, 1000), color).save(path, icc_profile=profile)
        converted = sandbox.render(path).pixels[100, 100].astype(int)
        assert np.abs(converted - p3_to_srgb(color)).max() <= 3, color
    assert sandbox.inspect(path).color_profile == "Display P3"


@pytest.mark.parametrize(
    "profile", [b"not a profile", b"", ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()]
)
def test_profiles_that_do_not_fit_count_as_srgb(sandbox: Sandbox, tmp_path: Path, profile: bytes) -> None:
    path = tmp_path / "photo.png"
    Image.new("RGB", (200, 100), (200, 100, 50)).save(path, icc_profile=profile)
    assert (sandbox.decode(path) == (200, 100, 50)).all()


def test_a_cmyk_jpeg_of_adobe_is_not_inverted(sandbox: Sandbox, shared_data: Path) -> None:
    orange = sandbox.decode(shared_data / "hostile/odd-geometry-or-mode/cmyk.jpg")[20, 30].astype(int)
    assert orange[0] > orange[1] > orange[2]


def test_exif_behind_the_pixels_of_a_png_turns_it(
    sandbox: Sandbox, tmp_path: Path, corners: Image.Image
) -> None:
    exif = Image.Exif()
    exif[274] = 6
    buffer = io.BytesIO()
    corners.transpose(STORED[6]).save(buffer, "PNG", exif=exif)
    data = buffer.getvalue()
    start = data.index(b"eXIf") - 4
    length = int.from_bytes(data[start : start + 4], "big") + 12
    chunk = data[start : start + length]
    end = len(data) - 12  # before IEND
    path = tmp_path / "late.png"
    path.write_bytes(data[:start] + data[start + length : end] + chunk + data[end:])
    assert difference(sandbox.decode(path), corners) < 1


def test_a_broken_photo_leaves_no_rendition(sandbox: Sandbox, tmp_path: Path, photo: Path) -> None:
    photo.write_bytes(photo.read_bytes()[:-400])
    with pytest.raises(BrokenImage):
        sandbox.render(photo, grid=tmp_path / "out" / "grid", preview=tmp_path / "out" / "preview")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_leaves_no_half_rendition(
    sandbox: Sandbox, tmp_path: Path, photo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        sandbox.render(photo, grid=tmp_path / "out" / "grid")
    assert list((tmp_path / "out").iterdir()) == []


def test_large_pictures_are_not_copied_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    Image.new("RGBA", (9000, 8000), (10, 20, 30, 40)).save(path)
    decoded = 9000 * 8000 * 4
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox:
        sandbox.render(path, preview=tmp_path / "preview")
        assert sandbox.peak_memory < 2 * decoded
