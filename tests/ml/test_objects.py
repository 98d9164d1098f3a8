"""Object detection: arithmetic on boxes, animals settled, and real photos seen right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bench.average_precision import Found, Truth, average_precision
from ml.stages import Findings
from ml.tasks.boxes import overlaps, suppress
from ml.tasks.objects import FAST, MINIMUM, NAMES, THOROUGH, ObjectStage
from ml.tasks.scenes import SceneStage
from ml.types import Detection

pytestmark = pytest.mark.weights


def photo(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def objects(stage: ObjectStage, image: np.ndarray, known: Findings | None = None) -> tuple[Detection, ...]:
    (result,) = stage.run([image], [known or Findings()])
    assert not isinstance(result, Exception)
    return result["objects"]


def test_overlaps_of_known_boxes() -> None:
    boxes = np.array([[0, 0, 2, 2], [1, 1, 3, 3], [5, 5, 6, 6]], float)
    expected = [[1, 1 / 7, 0], [1 / 7, 1, 0], [0, 0, 1]]
    np.testing.assert_allclose(overlaps(boxes, boxes), expected, atol=1e-9)


def test_suppression_keeps_the_best_of_each_place() -> None:
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 9], [20, 0, 30, 10], [2, 2, 4, 4]], float)
    scores = np.array([0.6, 0.9, 0.5, 0.4])
    assert suppress(boxes, scores, 0.5).tolist() == [1, 2, 3]
    assert suppress(boxes, scores, 0.5, smaller=True).tolist() == [1, 2]
    assert suppress(boxes, scores, 0.95).tolist() == [1, 0, 2, 3]
    assert suppress(np.zeros((0, 4)), np.zeros(0), 0.5).tolist() == []


def test_average_precision_of_cases_that_can_be_worked_out() -> None:
    truth = [Truth(("cat", "cat"), np.array([[0, 0, 10, 10], [20, 20, 30, 30]], float))]
    exact = Found(("cat", "cat"), np.array([0.9, 0.8]), truth[0].boxes)
    assert average_precision(truth, [exact]).ap == pytest.approx(1)
    half = Found(("cat",), np.array([0.9]), truth[0].boxes[:1])
    assert average_precision(truth, [half]).ap == pytest.approx(51 / 101)  # recall levels 0 to .5
    twice = Found(("cat", "cat"), np.array([0.9, 0.8]), truth[0].boxes[[0, 0]])
    assert average_precision(truth, [twice]).ap == pytest.approx(51 / 101)
    wrong_first = Found(
        ("cat",) * 3, np.array([0.9, 0.8, 0.7]), np.array([[50, 50, 60, 60], *truth[0].boxes], float)
    )
    assert average_precision(truth, [wrong_first]).ap == pytest.approx(2 / 3)
    loose = Found(("cat", "cat"), np.array([0.9, 0.8]), np.array([[0, 0, 10, 7], [20, 20, 30, 27]], float))
    scored = average_precision(truth, [loose])
    assert scored.ap50 == pytest.approx(1)
    assert scored.ap75 == 0
    assert scored.ap == pytest.approx(0.5)  # right at .50, .55, .60, .65 and .70


def test_classes_are_cocos(shared_data: Path) -> None:
    listed = (shared_data / "detection" / "coco_classes.txt").read_text().split("\n")
    assert list(NAMES) == [name.strip() for name in listed if name.strip()]


def test_a_well_known_photo_has_its_dog_bicycle_and_car(models_dir: Path, shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes" / "darknet_dog.jpg")
    (scene,) = SceneStage(models_dir).run([image], [Findings()])
    assert not isinstance(scene, Exception)
    found = objects(ObjectStage(models_dir), image, scene)
    assert {d.name for d in found} >= {"dog", "bicycle", "car"}
    assert "cat" not in {d.name for d in found}  # which the detector alone takes it for
    dog = next(d for d in found if d.name == "dog").box
    corners = np.array([[dog.x, dog.y, dog.x + dog.width, dog.y + dog.height]])
    assert overlaps(corners, np.array([[0.17, 0.38, 0.41, 0.94]])) > 0.8
    assert [d.confidence for d in found] == sorted((d.confidence for d in found), reverse=True)
    assert all(d.confidence >= MINIMUM[FAST] for d in found)


def test_boxes_lie_in_the_picture_whatever_its_shape(models_dir: Path, shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes" / "yolo_bus.jpg")
    for model in (FAST, THOROUGH):
        stage = ObjectStage(models_dir, model=model, minimum=0.05)
        for picture in (image, image[:, :200], image[:90], image[:1, :1], np.zeros((2, 3, 3), np.uint8)):
            for found in objects(stage, picture):
                box = found.box
                assert 0 <= box.x <= box.x + box.width <= 1 + 1e-6
                assert 0 <= box.y <= box.y + box.height <= 1 + 1e-6
                assert found.name in NAMES


def test_a_batch_gives_what_single_pictures_give(models_dir: Path, shared_data: Path) -> None:
    folder = shared_data / "photos" / "scenes"
    images = [photo(folder / name) for name in ("yolo_bus.jpg", "darknet_horses.jpg", "skimage_moon.jpg")]
    stage = ObjectStage(models_dir)
    together = stage.run(images, [Findings()] * 3)
    for image, result in zip(images, together, strict=True):
        assert not isinstance(result, Exception)
        alone = objects(stage, image)
        assert [d.name for d in alone] == [d.name for d in result["objects"]]
        np.testing.assert_allclose(
            [d.confidence for d in alone], [d.confidence for d in result["objects"]], atol=2e-3
        )


def test_the_thorough_choice_finds_more_small_things(models_dir: Path, shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes" / "darknet_kite.jpg")
    few = objects(ObjectStage(models_dir), image)
    many = objects(ObjectStage(models_dir, model=THOROUGH), image)
    assert sum(d.name == "person" for d in many) > sum(d.name == "person" for d in few)
    assert min(d.box.height for d in many) < min(d.box.height for d in few)


def test_the_scene_settles_close_calls_between_animals_only(models_dir: Path, shared_data: Path) -> None:
    stage = ObjectStage(models_dir)
    image = photo(shared_data / "photos" / "scenes" / "darknet_dog.jpg")
    seen = {}
    for name, index in (("nothing", 700), ("malamute", 249), ("horse", 339)):
        probabilities = np.zeros(1000, np.float32)
        probabilities[index] = 0.9
        found = objects(stage, image, Findings(probabilities=probabilities))
        seen[name] = {d.name: d.confidence for d in found}
    assert "cat" in seen["nothing"]  # a little more of a cat than a dog, to the detector
    assert seen["malamute"]["dog"] == seen["nothing"]["cat"]
    assert "cat" in seen["horse"]  # nothing near a horse: the scene cannot make it one
    assert seen["malamute"]["bicycle"] == seen["nothing"]["bicycle"]


def test_one_animal_on_one_spot(models_dir: Path, shared_data: Path) -> None:
    stage = ObjectStage(models_dir, minimum=0.05)
    animals = set(NAMES[14:24])
    for name in ("darknet_dog.jpg", "darknet_horses.jpg", "darknet_giraffe.jpg", "skimage_chelsea.jpg"):
        found = [
            d for d in objects(stage, photo(shared_data / "photos" / "scenes" / name)) if d.name in animals
        ]
        boxes = np.array([(d.box.x, d.box.y, d.box.x + d.box.width, d.box.y + d.box.height) for d in found])
        shared = overlaps(boxes, boxes)
        other = np.array([[a.name != b.name for b in found] for a in found])
        assert (shared[other] <= 0.7 + 1e-6).all(), name


def test_an_unknown_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no object detector"):
        ObjectStage(tmp_path, model="object/none@none")
