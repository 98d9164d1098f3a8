"""Placeholders agree with the format's reference writer; hashes find copies and tell strangers apart."""

from __future__ import annotations

import base64
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from app.imaging.fingerprints import phash, thumbhash


def bits_apart(one: int, other: int) -> int:
    return ((one ^ other) & (2**64 - 1)).bit_count()


def pictures(shared_data: Path) -> list[Image.Image]:
    paths = sorted((shared_data / "photos" / "imagenet").glob("*.jpg"))[::20]
    return [Image.open(path).convert("RGB") for path in paths]


def drawn(width: int, height: int, mode: str) -> Image.Image:
    """Smooth and without any symmetry, so that no cosine term is zero but for rounding."""
    y, x = np.mgrid[0:height, 0:width] / max(width, height)
    waves = [np.sin(3 * x + 5 * y * y + 1.7 * band) * np.cos(2.3 * x * y + band) for band in range(len(mode))]
    return Image.fromarray((127.5 + 127.5 * np.stack(waves, axis=2)).astype(np.uint8), mode)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        # Written by the npm package thumbhash 0.1.1 from the same pixels.
        (Image.new("RGB", (1, 1), "red"), "1fsrB38I9wiIh4hwj3CI+AiIgIAICIgA"),
        (Image.new("RGBA", (5, 3), (0, 0, 0, 0)), "AAiCA4AAAAAAAAAAAAAAAAAAAAAAAAA="),
        (Image.new("RGB", (300, 2), (9, 200, 30)), "VIookd6IiIiIiAh4iIiAd/g="),
        (drawn(90, 60, "RGB"), "ZngKHYxfeHhthnd1eIh4d9Hw3NJg"),
        (drawn(50, 80, "RGB"), "Y0gSFBB5+HdXhoeId4iF4Hv3JQ=="),
        (drawn(90, 60, "RGBA"), "qEiGC4QUb3deaISwwcywMM+I63dod4g="),
        (drawn(64, 64, "RGBA"), "nxiKDQQVjHivd2d4iHdYYPZsnIjzir9VhA=="),
    ],
)
def test_thumbhash_is_that_of_the_reference(image: Image.Image, expected: str) -> None:
    assert thumbhash(image) == expected


def test_thumbhash_is_short_enough_for_its_column(shared_data: Path) -> None:
    for image in pictures(shared_data):
        image.putalpha(100)
        assert len(thumbhash(image)) <= 64
        assert len(base64.b64decode(thumbhash(image))) <= 30


def test_phash_fits_a_signed_column(shared_data: Path) -> None:
    hashes = {phash(image) for image in pictures(shared_data)}
    assert len(hashes) == len(pictures(shared_data))
    assert all(-(2**63) <= value < 2**63 for value in hashes)


def test_copies_are_near_and_strangers_far(shared_data: Path, tmp_path: Path) -> None:
    originals = pictures(shared_data)
    hashes = [phash(image) for image in originals]
    for image, original in zip(originals, hashes, strict=True):
        image.save(tmp_path / "copy.jpg", quality=40)
        with Image.open(tmp_path / "copy.jpg") as recompressed:
            assert bits_apart(original, phash(recompressed)) <= 6
        assert bits_apart(original, phash(image.resize((200, 150)))) <= 6
        assert bits_apart(original, phash(ImageEnhance.Brightness(image).enhance(0.9))) <= 6
    distances = [bits_apart(a, b) for i, a in enumerate(hashes) for b in hashes[:i]]
    assert min(distances) >= 12


def test_phash_lays_transparency_over_white() -> None:
    picture = Image.radial_gradient("L").convert("RGBA")
    clear = picture.copy()
    clear.putalpha(Image.linear_gradient("L"))
    shown = Image.alpha_composite(Image.new("RGBA", clear.size, "white"), clear).convert("RGB")
    assert phash(clear) == phash(shown) != phash(picture)
