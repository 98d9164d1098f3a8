"""The kind of a file follows from its bytes; frames are counted without decoding."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.errors import UnsupportedImage
from app.imaging.formats import MEDIA_TYPES, SNIFF_BYTES, SUFFIXES, count_gif_frames, count_tiff_pages, sniff


def encoded(format: str, frames: int = 1) -> bytes:
    images = [Image.new("RGB", (8, 6), (number * 9 % 256, 0, 0)) for number in range(frames)]
    buffer = io.BytesIO()
    if frames == 1:
        images[0].save(buffer, format)
    else:
        images[0].save(buffer, format, save_all=True, append_images=images[1:])
    return buffer.getvalue()


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "AVIF"])
def test_formats_are_known_by_their_first_bytes(format: str) -> None:
    assert sniff(encoded(format)[:SNIFF_BYTES]) == format.lower()


@pytest.mark.parametrize(
    ("brands", "expected"),
    [
        (b"heic\0\0\0\0mif1heic", "heif"),
        (b"mif1\0\0\0\0mif1heic", "heif"),
        (b"mif1\0\0\0\0mif1avif", "avif"),
        (b"avif\0\0\0\0avifmif1", "avif"),
        (b"avis\0\0\0\0msf1", "avif"),
    ],
)
def test_brands_tell_heic_from_avif(brands: bytes, expected: str) -> None:
    box = (8 + len(brands)).to_bytes(4, "big") + b"ftyp" + brands
    assert sniff(box + b"avif" * 5) == expected, "what follows the box is not looked at"


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"\0\0\0\x18ftypisom\0\0\0\0isommp41",
        b"\0\0\0\x18ftypcrx \0\0\0\1crx isom",
        b"II*\0\x10\0\0\0CR\x02\0",
        b"<?xml version='1.0'?><svg/>",
        b"BM and more text that is no bitmap",
        b"RIFF\0\0\0\0WAVE",
        b"8BPS",
        b"\0\0\1\0",
        b"GIF88a",
    ],
)
def test_everything_else_is_refused(head: bytes) -> None:
    with pytest.raises(UnsupportedImage):
        sniff(head)


def test_every_format_can_be_served_and_exported() -> None:
    assert MEDIA_TYPES.keys() == SUFFIXES.keys()


@pytest.mark.parametrize("frames", [1, 2, 7])
def test_frames_of_gif_and_tiff(frames: int) -> None:
    assert count_gif_frames(encoded("GIF", frames), 100) == frames
    assert count_tiff_pages(encoded("TIFF", frames), 100) == frames


def test_counting_stops_at_the_limit() -> None:
    assert count_gif_frames(encoded("GIF", 7), 3) == 4
    assert count_tiff_pages(encoded("TIFF", 7), 3) == 4


def test_a_loop_of_directories_ends() -> None:
    assert count_tiff_pages(b"II*\0\x08\0\0\0" + b"\0\0" + b"\x08\0\0\0", 1000) == 1


@given(st.binary(max_size=300))
def test_no_bytes_defeat_the_counters(data: bytes) -> None:
    assert 1 <= count_gif_frames(b"GIF89a" + data, 20) <= 21
    for head in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        assert 1 <= count_tiff_pages(head + data, 20) <= 21


@given(st.binary(max_size=100))
def test_no_bytes_defeat_the_sniffer(data: bytes) -> None:
    for head in (b"", b"\0\0\0\x20ftyp", b"BM", b"RIFF"):
        try:
            assert sniff(head + data) in MEDIA_TYPES
        except UnsupportedImage:
            continue
