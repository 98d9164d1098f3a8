"""What the darkroom writes when a recipe changes nothing: the original file, unless something else was asked for."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from app.imaging import darkroom
from app.imaging.darkroom_bench import Bench
from app.services import edits
from app.settings import Settings


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    bench = Bench()
    yield bench
    bench.close()


def scene() -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)


def file_of(kind: str) -> bytes:
    image, stream = Image.fromarray(scene()), io.BytesIO()
    if kind == "jpeg":
        exif = Image.Exif()
        exif[ExifTags.Base.Orientation] = 6
        exif[ExifTags.Base.Make] = "Lumen"
        exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
        image.save(stream, "JPEG", quality=60, exif=exif)
    elif kind == "cmyk":
        image.convert("CMYK").save(stream, "JPEG")
    elif kind == "linear":
        linear = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
        image.save(stream, "JPEG", icc_profile=linear)
    elif kind == "gif":
        frames = [Image.fromarray(scene()).quantize(200), Image.fromarray(255 - scene()).quantize(200)]
        frames[0].save(stream, "GIF", save_all=True, append_images=frames[1:])
    elif kind == "tiff":
        image.save(stream, "TIFF", save_all=True, append_images=[Image.fromarray(255 - scene())])
    elif kind == "deep":
        Image.fromarray(scene()[:, :, 0].astype(np.uint16) * 201).save(stream, "PNG")
    else:
        image.save(stream, kind.upper())
    return stream.getvalue()


@pytest.fixture
def made(bench: Bench, settings: Settings, tmp_path: Path) -> Any:
    """The bytes that a recipe makes of a file, and what is said about them."""

    def make(data: bytes, *recipe: dict[str, Any]) -> tuple[bytes, darkroom.Developed]:
        source, target = tmp_path / "source", tmp_path / "target"
        source.write_bytes(data)
        done = bench.develop(settings, darkroom.Order(source, list(recipe), target), seconds=60)
        assert done.size == target.stat().st_size
        return target.read_bytes(), done

    return make


@pytest.mark.parametrize("kind", ["jpeg", "gif", "tiff", "deep", "png", "bmp", "webp", "avif"])
@pytest.mark.parametrize(
    "recipe",
    [
        [],
        [{"op": "exposure"}, {"op": "crop"}],
        [{"op": "flip"}, {"op": "flip"}, {"op": "output", "background": "#123"}],
        [{"op": "rotate"}] * 4,
    ],
    ids=["empty", "idle", "back", "round"],
)
def test_what_changes_nothing_gives_the_original_file(made: Any, kind: str, recipe: Any) -> None:
    data = file_of(kind)
    result, done = made(data, *recipe)
    assert result == data
    assert done.format == {"deep": "png"}.get(kind, kind)
    assert (done.width, done.height) == ((20, 30) if kind == "jpeg" else (30, 20))


def test_the_sources_own_format_may_be_named(made: Any) -> None:
    assert made(file_of("jpeg"), {"op": "output", "format": "jpg"})[0] == file_of("jpeg")
    assert made(file_of("jpeg"), {"op": "output", "color_space": "keep"})[0] == file_of("jpeg")


@pytest.mark.parametrize("metadata", ["strip", "keep_without_location"])
def test_metadata_goes_when_it_is_to_go(made: Any, metadata: str) -> None:
    result, _ = made(file_of("jpeg"), {"op": "output", "metadata": metadata})
    exif = Image.open(io.BytesIO(result)).getexif()
    assert not exif.get_ifd(ExifTags.IFD.GPSInfo)
    assert exif.get(ExifTags.Base.Orientation, 1) == 1
    assert (ExifTags.Base.Make in exif) == (metadata != "strip")


@pytest.mark.parametrize(
    ("kind", "output"),
    [
        ("jpeg", {"quality": 20}),
        ("jpeg", {"format": "png"}),
        ("png", {"format": "gif"}),
        ("webp", {"lossless": True}),
    ],
)
def test_another_way_of_writing_is_a_change(made: Any, kind: str, output: dict[str, Any]) -> None:
    result, done = made(file_of(kind), {"op": "output", **output})
    assert result != file_of(kind)
    assert Image.open(io.BytesIO(result)).format == done.format.upper()


def test_colours_that_not_every_screen_shows_become_srgb_unless_kept(made: Any) -> None:
    result, _ = made(file_of("cmyk"))
    assert Image.open(io.BytesIO(result)).mode == "RGB"
    data = file_of("linear")
    assert "sRGB" in ImageCms.getProfileDescription(
        io.BytesIO(Image.open(io.BytesIO(made(data)[0])).info["icc_profile"])
    )
    assert made(data, {"op": "output", "color_space": "keep"})[0] == data


@pytest.mark.parametrize("kind", ["gif", "tiff"])
def test_of_several_frames_the_first_is_edited_as_the_manual_says(made: Any, kind: str) -> None:
    result, _ = made(file_of(kind), {"op": "flip"})
    before, after = Image.open(io.BytesIO(file_of(kind))), Image.open(io.BytesIO(result))
    assert (before.n_frames, getattr(after, "n_frames", 1)) == (2, 1)  # type: ignore[attr-defined]
    assert np.array_equal(np.asarray(after.convert("RGB")), np.asarray(before.convert("RGB"))[:, ::-1])
    (output,) = [entry for entry in edits.operations("en") if entry["name"] == "output"]
    assert "first frame or page" in output["description"]


def test_what_changes_a_pixel_is_written_anew(made: Any) -> None:
    result, _ = made(file_of("png"), {"op": "flip"})
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(result))), scene()[:, ::-1])
