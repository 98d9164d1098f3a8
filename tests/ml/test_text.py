"""Reading text: decoding and ordering by hand-made answers, and rendered and photographed lines."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFont

from ml.stages import Findings
from ml.tasks.text import MINIMUM, TextStage, decode, find_lines
from ml.types import TextBlock

pytestmark = pytest.mark.weights

SENTENCES = ("Meet me at the station at 18:42", "Total 1,284.50 EUR", "Do not feed the animals!")


@pytest.fixture(scope="module")
def stage(models_dir: Path) -> TextStage:
    return TextStage(models_dir)


def page(lines: tuple[str, ...], height: int = 24, angle: float = 0.0) -> np.ndarray:
    image = Image.new("RGB", (height * 24, height * 2 * (len(lines) + 1)), "white")
    pen = ImageDraw.Draw(image)
    for number, line in enumerate(lines):
        pen.text((height, height * (1 + 2 * number)), line, "black", font=ImageFont.load_default(height))
    return np.array(image.rotate(angle, expand=True, fillcolor="white"))


def read(stage: TextStage, image: np.ndarray) -> tuple[TextBlock, ...]:
    (result,) = stage.run([image], [Findings()])
    assert not isinstance(result, Exception)
    return result["text"]


def columns(*numbers: int, sure: float = 0.9) -> np.ndarray:
    answer = np.full((len(numbers), 4), (1 - sure) / 3, np.float32)
    answer[np.arange(len(numbers)), numbers] = sure
    return answer


def test_decoding_drops_nothings_and_repeats_but_keeps_doubles() -> None:
    characters = ("", "a", "b", " ")
    assert decode(columns(0, 1, 1, 0, 1, 2, 2, 0), characters) == ("aab", pytest.approx(0.9))
    assert decode(columns(3, 1, 3, 2, 3), characters)[0] == "a b"
    assert decode(columns(0, 0, 0), characters) == ("", 0.0)
    assert decode(columns(3, 3), characters) == ("", 0.0)


def test_lines_are_found_in_a_map_and_grown_around_their_core() -> None:
    probability = np.zeros((100, 200), np.float32)
    probability[20:28, 30:130] = 0.9
    probability[60:68, 30:130] = 0.4  # text-like pixels, but not sure enough for a line
    probability[80:82, 10:12] = 0.9  # too small
    (corners,) = find_lines(probability)
    left, top = corners.min(0)
    right, bottom = corners.max(0)
    assert left < 30 < 130 < right
    assert top < 20 < 28 < bottom
    assert right - left < 140
    assert bottom - top < 26
    np.testing.assert_allclose(corners[0], (left, top), atol=0.5)  # clockwise from the upper left
    np.testing.assert_allclose(corners[2], (right, bottom), atol=0.5)
    assert find_lines(np.zeros((32, 32), np.float32)) == []


def test_rendered_lines_are_read_in_order_with_their_places(stage: TextStage) -> None:
    blocks = read(stage, page(SENTENCES))
    assert [block.content for block in blocks] == list(SENTENCES)
    assert all(block.confidence >= MINIMUM for block in blocks)
    middles = [block.box.y + block.box.height / 2 for block in blocks]
    assert middles == pytest.approx([(1.6 + 2 * n) / 8 for n in range(3)], abs=0.03)
    assert all(b.box.x >= 0 and b.box.x + b.box.width <= 1 for b in blocks)


def test_slanted_lines_are_read(stage: TextStage) -> None:
    assert {block.content for block in read(stage, page(SENTENCES, angle=12))} == set(SENTENCES)


def test_words_side_by_side_come_from_left_to_right(stage: TextStage) -> None:
    image = np.concatenate([page(("Breakfast",)), page(("Luncheon",))], axis=1)
    assert [block.content for block in read(stage, image)] == ["Breakfast", "Luncheon"]


def test_a_street_sign_in_chinese_and_english(stage: TextStage, shared_data: Path) -> None:
    image = np.array(Image.open(shared_data / "photos" / "scenes" / "ocr_chinese.jpg").convert("RGB"))
    said = [block.content for block in read(stage, image)]
    assert "愚园路" in said
    assert "Yuyuan Rd." in said


def test_pictures_without_text_give_none(stage: TextStage, shared_data: Path) -> None:
    folder = shared_data / "photos" / "scenes"
    for name in ("darknet_horses.jpg", "skimage_chelsea.jpg", "ma_greenmeadow.jpg", "skimage_gravel.jpg"):
        assert read(stage, np.array(Image.open(folder / name).convert("RGB"))) == (), name


def test_odd_pictures_do_no_harm(stage: TextStage) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 3), (2, 900, 3), (900, 2, 3), (40, 40, 3)):
        assert read(stage, np.zeros(shape, np.uint8)) == ()
        assert isinstance(read(stage, rng.integers(0, 256, shape, np.uint8)), tuple)
