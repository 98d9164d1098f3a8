"""Photos out of the album and in from folders: names, sidecars, links, keywords."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from app.context import Context
from app.imaging.captions import read_xmp
from app.search import find_photos
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.upkeep import importing
from app.services.upkeep.check import check
from app.services.upkeep.exporting import Exported, export_photos
from tests.conftest import Drawn

JUNE = datetime(2024, 6, 9, 14, 30)


def add(context: Context, viewer: Viewer, data: bytes, name: str) -> intake.Added:
    return intake.add_stream(context, viewer, io.BytesIO(data), intake.Options(filename=name, taken_at=JUNE))


def export(context: Context, viewer: Viewer, folder: Path, **options: object) -> list[Exported]:
    return list(export_photos(context, viewer, folder, **options))  # type: ignore[arg-type]


def test_originals_go_into_months_and_a_second_export_copies_nothing(
    context: Context, anna: Viewer, bob: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    data = [draw(), draw(), draw()]
    for one in data:
        add(context, anna, one, "IMG_1.jpg")  # cameras begin again at 1
    add(context, bob, draw(), "bobs.jpg")
    out = tmp_path / "out"
    assert [file.outcome for file in export(context, anna, out)] == ["copied"] * 3
    files = sorted((out / "2024" / "06").iterdir())
    assert {file.read_bytes() for file in files} == set(data)
    assert "IMG_1.jpg" in {file.name for file in files}
    assert [file.outcome for file in export(context, anna, out)] == ["present"] * 3
    assert sorted((out / "2024" / "06").iterdir()) == files


def test_a_file_of_somebody_else_is_never_overwritten(
    context: Context, anna: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    add(context, anna, draw(), "IMG_1.jpg")
    theirs = tmp_path / "2024" / "06" / "IMG_1.jpg"
    theirs.parent.mkdir(parents=True)
    theirs.write_bytes(b"not mine to touch")
    (done,) = export(context, anna, tmp_path)
    assert (done.outcome, theirs.read_bytes()) == ("copied", b"not mine to touch")
    assert done.path != theirs


def test_a_sidecar_says_what_the_album_knows(
    context: Context, anna: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    photo = add(context, anna, draw(), "IMG_1.jpg")
    with context.database.write() as session:
        photos.confirm_tag(session, anna, photo.id, "Grandma's garden")
        photos.update_photo(
            session, anna, photo.id, photos.Change(title="Tea <& cake>", rating=5, location=(-33.5, 151.25))
        )
    export(context, anna, tmp_path, sidecars=True)
    said = read_xmp((tmp_path / "2024" / "06" / "IMG_1.jpg.xmp").read_bytes())
    assert said["dc:title"] == ["Tea <& cake>"]
    assert said["dc:subject"] == ["Grandma's garden"]
    assert said["xmp:Rating"] == ["5"]
    assert said["exif:GPSLatitude"] == ["33,30.000000S"]
    assert said["exif:GPSLongitude"] == ["151,15.000000E"]
    assert said["photoshop:DateCreated"] == ["2024-06-09T14:30:00"]


def test_only_what_the_query_finds_and_a_damaged_original_is_told(
    context: Context, anna: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    add(context, anna, draw(), "a.jpg")
    bad = add(context, anna, draw(), "b.jpg")
    (done,) = export(context, anna, tmp_path / "some", query="name:a*")
    assert done.path.name == "a.jpg"
    original = context.storage.original(bad.checksum)
    original.chmod(0o644)
    original.write_bytes(b"x" * original.stat().st_size)
    outcomes = {file.path.name: file.outcome for file in export(context, anna, tmp_path / "all")}
    assert outcomes == {"a.jpg": "copied", "b.jpg": "failed"}
    assert not (tmp_path / "all" / "2024" / "06" / "b.jpg").exists()


def test_a_file_left_in_place_is_referred_to_and_never_removed(
    context: Context, anna: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    mine = tmp_path / "camera" / "IMG_1.jpg"
    mine.parent.mkdir()
    mine.write_bytes(draw())
    done = importing.import_file(context, anna, mine, how="in-place")
    assert done.outcome == "added"
    assert importing.import_file(context, anna, mine, how="in-place").outcome == "duplicate"
    # Moving a file that is the album's only copy must not lose it.
    assert importing.import_file(context, anna, mine, how="move").outcome == "duplicate"
    assert mine.is_file()
    with context.database.write() as session:
        (hit,) = find_photos(session, anna, "name:IMG_1").items
        photos.trash_photo(session, anna, hit.photo.id)
    assert list(check(context)) == []
    with context.database.write() as session:
        checksums = photos.empty_trash(session, anna)
    photos.forget_files(context, checksums)
    assert mine.is_file()


def test_an_own_copy_takes_the_place_of_a_link(
    context: Context, anna: Viewer, bob: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    mine = tmp_path / "IMG_1.jpg"
    mine.write_bytes(draw())
    importing.import_file(context, anna, mine, how="in-place")
    importing.import_file(context, bob, mine)
    mine.unlink()
    assert list(check(context)) == []


def test_a_changed_or_missing_file_in_place_is_found(
    context: Context, anna: Viewer, draw: Drawn, tmp_path: Path
) -> None:
    changed, missing = tmp_path / "a.jpg", tmp_path / "b.jpg"
    for path in (changed, missing):
        path.write_bytes(draw())
        importing.import_file(context, anna, path, how="in-place")
    changed.write_bytes(b"other")
    missing.unlink()
    assert {finding.kind for finding in check(context)} == {"damaged-original", "missing-original"}


@pytest.mark.parametrize("word", ["Grandma's garden", "dog"])
def test_keywords_in_a_file_are_its_owners_tags(context: Context, anna: Viewer, word: str) -> None:
    buffer = io.BytesIO()
    packet = (
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:subject><rdf:Bag>'
        f"<rdf:li>{word}</rdf:li></rdf:Bag></dc:subject></rdf:Description></rdf:RDF></x:xmpmeta>"
    )
    Image.new("RGB", (60, 40), "teal").save(buffer, "JPEG", xmp=packet.encode())
    photo = add(context, anna, buffer.getvalue(), "a.jpg")
    with context.database.read() as session:
        (tag,) = photos.describe(session, anna, photo.id).tags
        assert (tag.tag.name_en, tag.source, tag.state) == (word, "user", "confirmed")
        assert [hit.photo.id for hit in find_photos(session, anna, f'tag:"{word}"').items] == [photo.id]
