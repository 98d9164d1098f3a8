"""Cues on pictures drawn for the purpose and on real photos changed in one respect."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw

from ml.stages import Findings
from ml.tasks.cues import CueStage, measure
from ml.types import CueValue

SEASHORE, BOOKCASE = 978, 453


def cues(image: np.ndarray, place: int | None = None) -> dict[str, CueValue]:
    probabilities = None
    if place is not None:
        probabilities = np.zeros(1000, np.float32)
        probabilities[place] = 0.6
    return {cue.name: cue for cue in measure(image, probabilities)}


def photo(folder: Path, name: str, side: int = 1024) -> np.ndarray:
    image = Image.open(folder / name).convert("RGB")
    image.thumbnail((side, side))
    return np.array(image)


def sunset(warm: bool = True) -> np.ndarray:
    """A sky that glows towards the horizon, over dark ground."""
    rows = np.linspace(0, 1, 180)[:, None]
    top = np.array([70.0, 80.0, 140.0])
    low = np.array([250.0, 150.0, 60.0] if warm else [200.0, 215.0, 235.0])
    sky = np.repeat((top + (low - top) * rows**1.5)[:, None], 400, 1)
    ground = np.full((120, 400, 3), 22.0)
    return np.clip(np.concatenate([sky, ground]), 0, 255).astype(np.uint8)


def screen() -> np.ndarray:
    image = Image.new("RGB", (720, 1280), (236, 239, 241))
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, 720, 90), fill=(25, 118, 210))
    for number in range(12):
        top = 130 + number * 90
        draw.rectangle((30, top, 690, top + 70), fill=(255, 255, 255) if number % 2 else (187, 222, 251))
        for line in range(3):
            draw.text((50, top + 8 + 20 * line), f"Message {number} of the list, line {line}", "black")
    return np.array(image)


def night() -> np.ndarray:
    image = np.random.default_rng(5).integers(2, 14, (400, 600, 3), np.uint8)  # a sensor's noise
    for number in range(14):
        cv2.circle(image, (30 + number * 42, 230 + (number * 37) % 120), 6, (255, 220, 150), -1)
    return image


def test_every_cue_is_there_and_finite_for_any_picture() -> None:
    names = {"sharpness", "exposure", "dark", "night", "haze", "bw", "screenshot", "sunset", "panorama"}
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 3), (3, 2000, 3), (7, 5, 3), (600, 900, 3)):
        for image in (
            np.zeros(shape, np.uint8),
            np.full(shape, 255, np.uint8),
            rng.integers(0, 256, shape, np.uint8),
        ):
            found = cues(image)
            assert set(found) == names
            assert all(np.isfinite(cue.value) for cue in found.values())


def test_blur_lowers_sharpness_and_raises_the_cue(shared_data: Path) -> None:
    names = sorted(p.name for p in (shared_data / "detection" / "images").glob("*.jpg"))[:12]
    for name in names:
        image = photo(shared_data / "detection" / "images", name, 512)
        sharp = cues(image)["sharpness"]
        soft = cues(cv2.GaussianBlur(image, (0, 0), 2))["sharpness"]
        shaken = cues(cv2.blur(image, (11, 1)))["sharpness"]
        assert not sharp.flagged
        assert soft.flagged
        assert max(soft.value, shaken.value) < sharp.value


def test_a_soft_background_is_not_blur() -> None:
    rng = np.random.default_rng(2)
    clouds = cv2.GaussianBlur(rng.normal(size=(400, 600, 3)), (0, 0), 12)
    image = cv2.normalize(clouds, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8)
    assert cues(image)["sharpness"].flagged
    detail = cv2.GaussianBlur(rng.integers(0, 256, (220, 320, 3), np.uint8), (0, 0), 0.7)
    image[90:310, 140:460] = detail
    assert not cues(image)["sharpness"].flagged


def test_a_flat_picture_is_not_called_blurred() -> None:
    assert not cues(np.full((300, 400, 3), 128, np.uint8))["sharpness"].flagged


def test_dark_and_night_differ_by_the_lights() -> None:
    black = np.full((400, 600, 3), 12, np.uint8)
    assert cues(black)["dark"].flagged
    assert not cues(black)["night"].flagged
    assert cues(night())["night"].flagged
    assert not cues(np.full((400, 600, 3), 110, np.uint8))["dark"].flagged


def test_exposure_is_in_stops_above_middle_grey() -> None:
    grey = cues(np.full((64, 64, 3), 118, np.uint8))["exposure"]  # 118 is 18 % in sRGB
    assert grey.value == pytest.approx(0, abs=0.05)
    brighter = cues(np.full((64, 64, 3), 161, np.uint8))["exposure"]  # 36 %
    assert brighter.value == pytest.approx(1, abs=0.05)


def test_burnt_out_areas_raise_exposure_and_paper_does_not(shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes", "darknet_dog.jpg")
    burnt = np.clip(image.astype(float) * 2.6, 0, 255).astype(np.uint8)
    assert not cues(image)["exposure"].flagged
    assert cues(burnt)["exposure"].flagged
    receipt = photo(shared_data / "photos" / "scenes", "receipt_01.jpg")
    assert not cues(receipt)["exposure"].flagged


def test_grey_and_brown_prints_are_black_and_white(shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes", "darknet_dog.jpg")
    grey = np.repeat((image @ [0.299, 0.587, 0.114])[..., None], 3, 2)
    brown = grey * [0.95, 0.78, 0.56]
    assert not cues(image)["bw"].flagged
    assert cues(grey.astype(np.uint8))["bw"].flagged
    assert cues(brown.astype(np.uint8))["bw"].flagged


def test_a_veil_raises_haze(shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes", "ns_tubingen.jpg").astype(float)
    depth = np.linspace(0.25, 0.75, len(image))[:, None, None]
    hazy = (image * depth + 205 * (1 - depth)).astype(np.uint8)
    clear = cues(image.astype(np.uint8))["haze"]
    assert not clear.flagged
    assert cues(hazy)["haze"].flagged
    assert 0 <= clear.value < cues(hazy)["haze"].value <= 1


def test_a_screen_is_told_from_photos_and_paper(shared_data: Path) -> None:
    assert cues(screen())["screenshot"].flagged
    assert not cues(screen())["sharpness"].flagged
    for name in ("darknet_dog.jpg", "receipt_01.jpg", "el_martin_adams.jpg", "skimage_coffee.jpg"):
        assert not cues(photo(shared_data / "photos" / "scenes", name))["screenshot"].flagged, name


def test_a_sunset_needs_warm_sky_and_open_country() -> None:
    assert cues(sunset(), SEASHORE)["sunset"].flagged
    assert not cues(sunset(), BOOKCASE)["sunset"].flagged
    assert not cues(sunset())["sunset"].flagged
    assert not cues(sunset(warm=False), SEASHORE)["sunset"].flagged


def test_panorama_is_a_matter_of_shape() -> None:
    assert cues(np.zeros((100, 200, 3), np.uint8))["panorama"].flagged
    assert cues(np.zeros((230, 100, 3), np.uint8))["panorama"].value == pytest.approx(2.3)
    assert not cues(np.zeros((100, 199, 3), np.uint8))["panorama"].flagged


def test_the_stage_measures_each_picture_with_its_own_scene(tmp_path: Path) -> None:
    seashore = np.zeros(1000, np.float32)
    seashore[SEASHORE] = 0.9
    results = CueStage(tmp_path).run([sunset(), sunset()], [Findings(probabilities=seashore), Findings()])
    raised = [
        {cue.name for cue in result["cues"] if cue.flagged} for result in results if isinstance(result, dict)
    ]
    assert ["sunset" in names for names in raised] == [True, False]
