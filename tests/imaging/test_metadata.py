"""What photos say about themselves: against ExifTool's reading, and against nonsense."""

from __future__ import annotations

import csv
import random
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from app.imaging.captions import read_iptc, read_xmp
from app.imaging.exif import printable, read_exif
from app.imaging.metadata import parse_offset, parse_time, read_metadata
from app.imaging.results import Inspection, Metadata
from app.imaging.sandbox import Sandbox
from app.imaging.text import one_line, paragraphs
from app.settings import Settings

MAKER_NOTES = "stands in the maker's notes only, whose formats are secret and many"
NOT_EXIF = "stands in a block of the maker's own from before EXIF (CIFF, Olympus picture info)"
ABSURD = "the file states a value that no camera can have"

EXCEPTIONS = {
    ("cameras/Canon_DIGITAL_IXUS_400.jpg", "ISO"): MAKER_NOTES,
    ("cameras/Canon_PowerShot_S40.jpg", "ISO"): MAKER_NOTES,
    ("cameras/exiforg_canon-ixus.jpg", "ISO"): MAKER_NOTES,
    ("odd/11-tests.jpg", "ISO"): MAKER_NOTES,
    ("other_formats/Nikon_D1X.webp", "ISO"): MAKER_NOTES,
    ("cameras/exiforg_kodak-dc240.jpg", "ISO"): MAKER_NOTES,
    ("cameras/exiforg_olympus-d320l.jpg", "DateTimeOriginal"): NOT_EXIF,
    ("cameras/exiforg_sony-powershota5.jpg", "DateTimeOriginal"): NOT_EXIF,
    ("cameras/exiforg_sony-powershota5.jpg", "Make"): NOT_EXIF,
    ("cameras/exiforg_sony-powershota5.jpg", "Model"): NOT_EXIF,
    ("cameras/FujiFilm_FinePixS1Pro_1_.jpg", "ISO"): ABSURD,  # 0
    ("cameras/FujiFilm_FinePixS1Pro_3_.jpg", "ISO"): ABSURD,
    ("cameras/FujiFilm_FinePixS2Pro.jpg", "ISO"): ABSURD,
    ("cameras/Samsung_GT-I9000_Galaxy_S_.jpg", "GPSLatitude"): "0, 0: the phone had no fix",
    ("cameras/Samsung_GT-I9000_Galaxy_S_.jpg", "GPSLongitude"): "0, 0: the phone had no fix",
    ("cameras/long_description.jpg", "DateTimeOriginal"): (
        "ExifTool's value is XMP's CreateDate, when the file was made; DateCreated, when the picture was, has no time"
    ),
    ("other_formats/exif_gps.jpg", "GPSLatitude"): ABSURD,  # 4294967295 degrees
}


def agrees(column: str, stated: str, found: Inspection) -> bool:
    metadata = found.metadata
    if column == "DateTimeOriginal":
        taken = metadata.taken_local
        return taken is not None and taken.strftime("%Y:%m:%d %H:%M:%S") == stated[:19]
    if column == "OffsetTimeOriginal":
        return metadata.taken_offset == parse_offset(stated)
    value = {
        "Make": metadata.camera_make,
        "Model": metadata.camera_model,
        "ISO": metadata.iso,
        "Orientation": found.orientation,
        "LensModel": metadata.lens,
        "GPSLatitude": metadata.latitude,
        "GPSLongitude": metadata.longitude,
    }[column]
    if isinstance(value, float):
        return abs(value - float(stated)) < 1e-7
    return str(value) == stated


def test_agrees_with_exiftool_but_for_known_exceptions(sandbox: Sandbox, shared_data: Path) -> None:
    columns = ("Make", "Model", "ISO", "Orientation", "LensModel", "GPSLatitude", "GPSLongitude")
    disagreements, compared = set(), 0
    root = shared_data / "metadata"
    with (root / "expected.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        found = sandbox.inspect(root / row["file"])
        stated = {column: row[column] for column in (*columns, "OffsetTimeOriginal")}
        stated["DateTimeOriginal"] = row["DateTimeOriginal"] or row["CreateDate"]
        for column, value in stated.items():
            if value:
                compared += 1
                if not agrees(column, value, found):
                    disagreements.add((row["file"], column))
    assert len(rows) == 95
    assert compared > 350
    assert disagreements == set(EXCEPTIONS)


def inspect(tmp_path: Path, sandbox: Sandbox, exif: Image.Exif, **save: object) -> Metadata:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (16, 16)).save(path, exif=exif, **save)  # type: ignore[arg-type]
    return sandbox.inspect(path).metadata


def test_the_offset_is_stated(tmp_path: Path, sandbox: Sandbox) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769).update({0x9003: "2024:02:29 23:59:58", 0x9011: "-09:30"})
    metadata = inspect(tmp_path, sandbox, exif)
    assert (metadata.taken_local, metadata.taken_offset) == (datetime(2024, 2, 29, 23, 59, 58), -570)


@pytest.mark.parametrize(
    ("clock", "offset"),
    [
        ((12.0, 29.0, 30.0), 330),  # 18:00:00 in India, to half a minute
        ((16.0, 0.0, 0.0), 120),
        ((17.0, 45.0, 0.0), None),  # a quarter of an hour off: a wrong clock
        ((15.0, 50.0, 0.0), None),
    ],
)
def test_the_offset_follows_from_the_satellites(
    tmp_path: Path, sandbox: Sandbox, clock: tuple[float, float, float], offset: int | None
) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2024:05:01 18:00:00"
    exif.get_ifd(0x8825).update({0x1D: "2024:05:01", 7: clock})
    assert inspect(tmp_path, sandbox, exif).taken_offset == offset


def test_positions_have_signs_and_altitudes(tmp_path: Path, sandbox: Sandbox) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825).update(
        {1: "S", 2: (33.0, 51.0, 24.84), 3: "E", 4: (151.0, 12.0, 54.0), 5: b"\x01", 6: 12.5}
    )
    metadata = inspect(tmp_path, sandbox, exif)
    assert metadata.latitude == pytest.approx(-33.8569)
    assert metadata.longitude == pytest.approx(151.215)
    assert metadata.altitude == -12.5
    assert all(name.startswith("GPS") for name in metadata.exif), "so that shares can leave them out"


def test_text_reaches_the_database_clean_and_bounded(tmp_path: Path, sandbox: Sandbox) -> None:
    exif = Image.Exif()
    exif[0x010F] = "  ACME\x07\x1b[31m \n Cameras\x00hidden"
    exif[0x0110] = "x" * 5000
    exif[0x010E] = "First line.\r\nSecond \x08line."
    exif[0x013B] = "artist" * 1000
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "评论 \ud800".encode("utf-16-le", "surrogatepass")
    metadata = inspect(tmp_path, sandbox, exif)
    assert metadata.camera_make == "ACME [31m Cameras"
    assert metadata.camera_model == "x" * 100
    assert metadata.description == "First line.\nSecond line."
    assert len(metadata.exif["Artist"]) == 500
    assert metadata.exif["UserComment"].startswith("评论")
    assert all(character.isprintable() for value in metadata.exif.values() for character in value)


def xmp(body: str, declarations: str = "") -> bytes:
    return (
        f'<?xpacket begin=""?>{declarations}<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF '
        'xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/" '
        'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmlns:exif="http://ns.adobe.com/exif/1.0/">'
        f"{body}</rdf:RDF></x:xmpmeta>"
    ).encode()


CAPTIONED = xmp(
    '<rdf:Description xmp:Rating="4" exif:GPSLatitude="48,51.5N" exif:GPSLongitude="2,17.7W">'
    '<dc:title><rdf:Alt><rdf:li xml:lang="fr">Plage</rdf:li><rdf:li xml:lang="x-default">Beach &amp; sea</rdf:li>'
    "</rdf:Alt></dc:title><dc:subject><rdf:Bag><rdf:li>sand</rdf:li><rdf:li>海</rdf:li><rdf:li>Sand</rdf:li>"
    "</rdf:Bag></dc:subject></rdf:Description>"
)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_xmp_is_read_in_every_format(tmp_path: Path, sandbox: Sandbox, format: str) -> None:
    path = tmp_path / "photo"
    image = Image.new("RGB", (16, 16))
    if format == "PNG":
        from PIL.PngImagePlugin import PngInfo

        text = PngInfo()
        text.add_itxt("XML:com.adobe.xmp", CAPTIONED.decode())
        image.save(path, format, pnginfo=text)
    elif format == "TIFF":
        image.save(path, format, tiffinfo={700: CAPTIONED})
    else:
        image.save(path, format, xmp=CAPTIONED)
    metadata = sandbox.inspect(path).metadata
    assert metadata.title == "Beach & sea"
    assert metadata.rating == 4
    assert metadata.keywords == ("Sand", "海")
    assert metadata.latitude == pytest.approx(48.858333)
    assert metadata.longitude == pytest.approx(-2.295)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_no_declaration_survives_in_any_encoding(encoding: str) -> None:
    body = '<rdf:Description xmp:Rating="4"/>'
    assert read_xmp(xmp(body).decode().encode(encoding)) == {"xmp:Rating": ["4"]}
    for declaration in ('<!DOCTYPE a [<!ENTITY e "x">]>', '<!DOCTYPE a SYSTEM "file:///etc/passwd">'):
        assert read_xmp(xmp(body, declaration).decode().encode(encoding)) == {}


def test_iptc_keywords_of_old_programs() -> None:
    block = b"".join(
        b"\x1c\x02" + bytes([number]) + len(text).to_bytes(2, "big") + text
        for number, text in ((5, b"Caf\xe9"), (25, b"one"), (25, b"two"), (120, b"caption"))
    )
    iptc = read_iptc(block)
    assert (iptc.title, iptc.caption, iptc.keywords) == ("Café", "caption", ["one", "two"])
    assert read_iptc(b"\x1c\x01\x5a\0\3\x1b%G\x1c\x02\x05\0\5Caf\xc3\xa9").title == "Café"


def test_what_cameras_write_into_every_description_is_none(tmp_path: Path, sandbox: Sandbox) -> None:
    for boilerplate in ("OLYMPUS DIGITAL CAMERA", "SONY DSC", "KONICA MINOLTA DIGITAL CAMERA", "DCF 1.0"):
        exif = Image.Exif()
        exif[0x010E] = boilerplate
        assert inspect(tmp_path, sandbox, exif).description is None, boilerplate
    exif[0x010E] = "My new digital camera"
    assert inspect(tmp_path, sandbox, exif).description == "My new digital camera"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024:05:01 10:20:30", (datetime(2024, 5, 1, 10, 20, 30), None)),
        ("2024-05-01T10:20:30.123+02:00", (datetime(2024, 5, 1, 10, 20, 30), 120)),
        ("2024-05-01T10:20Z", (datetime(2024, 5, 1, 10, 20), 0)),
        ("0000:00:00 00:00:00", (None, None)),
        ("2024:02:30 10:00:00", (None, None)),
        ("9999:01:01 00:00:00", (None, None)),
        ("    :  :     :  :  ", (None, None)),
        (None, (None, None)),
    ],
)
def test_times(text: str | None, expected: tuple[datetime | None, int | None]) -> None:
    assert parse_time(text) == expected


@given(st.binary(max_size=400))
def test_no_bytes_defeat_the_readers(data: bytes) -> None:
    for prefix in (b"", b"II*\0\x08\0\0\0", b"Exif\0\0MM\0*\0\0\0\x08", b"\x1c\x02\x05"):
        exif = read_exif(prefix + data)
        assert all(value.isprintable() for value in printable(exif).values())
        read_metadata(exif, {"xmp": data}, Image.new("L", (1, 1)))
        read_iptc(prefix + data)


@given(st.text(max_size=300), st.integers(1, 100))
def test_cleaned_text_is_clean(text: str, limit: int) -> None:
    for cleaned in (one_line(text, limit), paragraphs(text, limit)):
        assert cleaned is None or 0 < len(cleaned) <= limit
        assert cleaned is None or "\0" not in cleaned
        assert cleaned is None or cleaned == cleaned.encode().decode()


def test_no_damage_to_real_exif_defeats_the_readers(shared_data: Path) -> None:
    chance = random.Random(7)
    blocks = []
    for path in sorted((shared_data / "metadata" / "cameras").glob("*.jpg")):
        with Image.open(path) as image:
            blocks.append((image.info.get("exif", b""), image.info.get("xmp", b"")))
    for exif, packet in blocks * 5:
        damaged = bytearray(exif)
        for _ in range(20):
            if damaged:
                damaged[chance.randrange(min(len(damaged), 2000))] = chance.randrange(256)
        metadata = read_metadata(read_exif(bytes(damaged)), {"xmp": packet}, Image.new("L", (1, 1)))
        assert metadata.iso is None or 0 < metadata.iso < 2**31
        assert metadata.latitude is None or -90 <= metadata.latitude <= 90


def test_a_long_directory_is_bounded(tmp_path: Path) -> None:
    entries = b"".join(
        (0xC000 + index).to_bytes(2, "little") + b"\3\0\1\0\0\0\7\0\0\0" for index in range(4000)
    )
    exif = read_exif(b"II*\0\x08\0\0\0" + (4000).to_bytes(2, "little") + entries)
    assert 0 < len(printable(exif)) <= 300


def test_settings_limits_do_not_reach_metadata(tmp_path: Path, shared_data: Path) -> None:
    """A photo with a megabyte of text in it is answered in a bounded message."""
    exif = Image.Exif()
    exif[0x010E] = "word " * 10_000
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (8, 8)).save(path, exif=exif)
    with Sandbox(Settings(data=tmp_path), processes=1) as sandbox:
        metadata = sandbox.inspect(path).metadata
    assert metadata.description is not None
    assert len(metadata.description) <= 10_000
