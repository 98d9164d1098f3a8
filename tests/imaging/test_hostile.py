"""Every hostile file gets an answer below 500 within the limits, and good photos are decoded all the same."""

from __future__ import annotations

import csv
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from app.errors import AppError, BrokenImage, UnsupportedImage
from app.imaging.results import Inspection
from app.imaging.sandbox import Sandbox
from app.settings import Settings

MEMORY = 700 * 1024**2


@pytest.fixture(scope="module")
def outcomes(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Inspection | AppError]:
    """What each file of the collection came to, all decoded in the same process, a good photo after each."""
    folder = tmp_path_factory.mktemp("hostile")
    good = folder / "good.jpg"
    Image.linear_gradient("L").convert("RGB").save(good)
    result: dict[str, Inspection | AppError] = {}
    root = shared_data / "hostile"
    with Sandbox(Settings(data=folder), processes=1) as sandbox:
        expected = sandbox.inspect(good)
        for path in sorted(path for path in root.glob("*/*") if path.is_file()):
            name = str(path.relative_to(root))
            try:
                result[name] = sandbox.inspect(path)
                rendered = sandbox.render(path, grid=folder / "grid", preview=folder / "preview")
                assert rendered.pixels.dtype == np.uint8
                assert max(rendered.pixels.shape) <= 1024
            except AppError as error:
                result[name] = error
            assert sandbox.inspect(good) == expected, f"after {name}"
            assert sandbox.peak_memory < MEMORY, name
    return result


def test_every_file_of_the_collection_was_tried(
    outcomes: dict[str, Inspection | AppError], shared_data: Path
) -> None:
    with (shared_data / "hostile" / "manifest.csv").open(encoding="utf-8") as file:
        listed = {row["file"] for row in csv.DictReader(file)}
    assert len(outcomes) == len(listed) == 185


def test_no_file_is_answered_as_our_own_fault(outcomes: dict[str, Inspection | AppError]) -> None:
    failures = {name: outcome for name, outcome in outcomes.items() if isinstance(outcome, AppError)}
    assert {error.status for error in failures.values()} == {413, 415, 422}


def test_truncated_files_are_broken(outcomes: dict[str, Inspection | AppError]) -> None:
    truncated = {name: outcome for name, outcome in outcomes.items() if name.startswith("truncated/")}
    assert truncated
    assert all(isinstance(outcome, BrokenImage) for outcome in truncated.values()), truncated


def test_what_is_no_picture_is_refused_whatever_its_name(outcomes: dict[str, Inspection | AppError]) -> None:
    for name in ("html.png", "pdf.jpg", "svg_xxe.svg", "svg_laughs.svg", "zip.png"):
        assert isinstance(outcomes[f"wrong-type/{name}"], UnsupportedImage), name
    for name, format in (("jpg_named.png", "jpeg"), ("png_named.jpg", "png"), ("webp_named.jpg", "webp")):
        outcome = outcomes[f"wrong-type/{name}"]
        assert isinstance(outcome, Inspection)
        assert outcome.format == format


def test_awkward_names_are_only_names(outcomes: dict[str, Inspection | AppError]) -> None:
    named = [outcome for name, outcome in outcomes.items() if name.startswith("names/")]
    assert len(named) == 11
    assert all(isinstance(outcome, Inspection) and outcome.height == 30 for outcome in named)


def test_small_and_odd_but_valid_pictures_are_kept(outcomes: dict[str, Inspection | AppError]) -> None:
    refused = {
        "odd-but-valid/pillow_balloon_eciRGBv2_aware.jp2",  # JPEG 2000 and PSD are not on the list of formats
        "odd-but-valid/pillow_rgba.psd",
        "odd-but-valid/pillow_ultrahdr.jpg",  # breaks off in the middle of its scan
    }
    for name, outcome in outcomes.items():
        if name.startswith(("odd-but-valid/", "odd-geometry-or-mode/", "polyglot/")):
            assert isinstance(outcome, Inspection) != (name in refused), (name, outcome)


def test_absurd_metadata_becomes_nothing(outcomes: dict[str, Inspection | AppError]) -> None:
    def said(name: str) -> Inspection:
        outcome = outcomes[f"exif-payload/{name}.jpg"]
        assert isinstance(outcome, Inspection)
        return outcome

    for name in ("gps_no_ref", "gps_null_island", "gps_out_of_range", "gps_zero_denominator"):
        metadata = said(f"exif_{name}").metadata
        assert (metadata.latitude, metadata.longitude, metadata.altitude) == (None, None, None), name
    for name in ("9", "65535"):
        assert said(f"exif_orientation_{name}").orientation == 1
    early = said("exif_date_1826").metadata.taken_local
    assert early is not None
    assert early.year == 1826
    assert said("exif_date_future").metadata.taken_local is None


def test_no_entity_is_expanded_and_no_file_read(outcomes: dict[str, Inspection | AppError]) -> None:
    for name in ("xmp_xxe", "xmp_laughs"):
        outcome = outcomes[f"exif-payload/{name}.jpg"]
        assert isinstance(outcome, Inspection)
        assert (outcome.metadata.title, outcome.metadata.description, outcome.metadata.keywords) == (
            None,
            None,
            (),
        )


def test_nothing_lacked_in_the_confined_process(
    shared_data: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A module that is imported late, or metadata that defeats the reader, would be logged."""
    with caplog.at_level(logging.WARNING), Sandbox(Settings(data=tmp_path)) as sandbox:
        for path in sorted((shared_data / "hostile").glob("*/*")):
            try:
                sandbox.inspect(path)
            except AppError:
                continue
    assert caplog.messages == []
