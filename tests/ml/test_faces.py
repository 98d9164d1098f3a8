"""Faces on real photos: found, aligned, compared; and none where there is none."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.people import MAYBE, SAME
from ml.stages import Findings
from ml.tasks.faces import FaceStage, align
from ml.types import Box, Detection, FaceDetection

pytestmark = pytest.mark.weights

PERSON = Findings(objects=(Detection("person", 0.9, Box(0, 0, 1, 1)),))


@pytest.fixture(scope="module")
def stage(models_dir: Path) -> FaceStage:
    return FaceStage(models_dir)


def photo(path: Path) -> np.ndarray:
    return np.array(Image.open(path).convert("RGB"))


def faces(stage: FaceStage, image: np.ndarray, known: Findings | None = None) -> tuple[FaceDetection, ...]:
    (result,) = stage.run([image], [known or Findings()])
    assert not isinstance(result, Exception)
    return result["faces"]


def portrait(stage: FaceStage, path: Path) -> np.ndarray:
    found = faces(stage, photo(path))
    largest = max(found, key=lambda face: face.box.width)
    assert largest.embedding is not None
    return largest.embedding


def test_the_astronauts_face_and_its_landmarks(stage: FaceStage, shared_data: Path) -> None:
    (face,) = faces(stage, photo(shared_data / "photos" / "scenes" / "skimage_astronaut.jpg"))
    assert face.score > 0.99
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks
    assert left_eye[0] < nose[0] < right_eye[0]
    assert left_mouth[0] < right_mouth[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
    box = face.box
    assert all(box.x < x < box.x + box.width and box.y < y < box.y + box.height for x, y in face.landmarks)
    assert box.x == pytest.approx(0.35, abs=0.06)
    assert box.y == pytest.approx(0.12, abs=0.08)
    assert face.embedding is not None
    assert face.embedding.shape == (128,)
    assert face.embedding.dtype == np.float32


def test_all_marked_faces_of_a_group_are_found(stage: FaceStage, shared_data: Path) -> None:
    found = faces(stage, photo(shared_data / "faces" / "groups" / "cf_015_6.jpg"), PERSON)
    assert len(found) == 6
    assert [face.score for face in found] == sorted((face.score for face in found), reverse=True)


def test_small_faces_are_searched_where_people_were_seen(stage: FaceStage, shared_data: Path) -> None:
    image = photo(shared_data / "faces" / "groups" / "solvay1927.jpg")
    assert len(faces(stage, image, PERSON)) > len(faces(stage, image))


def test_dogs_have_no_faces(stage: FaceStage, shared_data: Path) -> None:
    assert faces(stage, photo(shared_data / "faces" / "groups" / "dogs_noface.jpg")) == ()


def test_an_unsure_face_that_no_person_has_is_none(stage: FaceStage, shared_data: Path) -> None:
    (file,) = (shared_data / "photos" / "imagenet").glob("207_*")
    retriever = photo(file)
    (doubtful,) = faces(stage, retriever)
    assert doubtful.score < 0.95
    dog = Findings(objects=(Detection("dog", 0.97, Box(0, 0, 1, 1)),))
    assert faces(stage, retriever, dog) == ()
    astronaut = photo(shared_data / "photos" / "scenes" / "skimage_astronaut.jpg")
    assert len(faces(stage, astronaut, Findings(objects=()))) == 1  # this one is sure


def test_the_same_person_is_near_and_another_far(stage: FaceStage, shared_data: Path) -> None:
    people = shared_data / "faces" / "people"
    first, second = (portrait(stage, people / "lfw00" / f"lfw00_0{n}.jpg") for n in (0, 1))
    other = portrait(stage, people / "lfw02" / "lfw02_00.jpg")
    assert np.linalg.norm(first - second) < SAME
    assert np.linalg.norm(first - other) > MAYBE


def test_the_vector_stays_when_the_photo_is_mirrored_scaled_or_turned(
    stage: FaceStage, shared_data: Path
) -> None:
    image = photo(shared_data / "photos" / "scenes" / "skimage_astronaut.jpg")
    turn = cv2.getRotationMatrix2D((180, 130), 15, 1.0)
    variants = {
        "mirrored": image[:, ::-1],
        "larger": cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC),
        "turned": cv2.warpAffine(image, turn, (512, 512)),
    }
    (face,) = faces(stage, image)
    assert face.embedding is not None
    for name, variant in variants.items():
        (again,) = faces(stage, np.ascontiguousarray(variant))
        assert again.embedding is not None
        assert np.linalg.norm(again.embedding - face.embedding) < 0.3, name


def test_a_face_at_the_edge_is_found_and_its_box_stays_inside(stage: FaceStage, shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes" / "skimage_astronaut.jpg")[70:, 175:]
    (face,) = faces(stage, np.ascontiguousarray(image))
    assert face.box.x >= 0
    assert face.box.y >= 0


def test_odd_pictures_have_no_faces_and_do_no_harm(stage: FaceStage) -> None:
    rng = np.random.default_rng(0)
    for shape in ((1, 1, 3), (5, 3000, 3), (11, 11, 3), (300, 300, 3)):
        for image in (np.zeros(shape, np.uint8), rng.integers(0, 256, shape, np.uint8)):
            assert faces(stage, image, PERSON) == ()


def test_a_doubtful_face_gets_no_vector(stage: FaceStage, shared_data: Path) -> None:
    image = photo(shared_data / "photos" / "scenes" / "skimage_astronaut.jpg")
    tiny = cv2.resize(image, (120, 120), interpolation=cv2.INTER_AREA)
    canvas = np.full((640, 640, 3), 90, np.uint8)
    canvas[200:320, 200:320] = tiny  # a face of about twenty pixels
    found = faces(stage, canvas, PERSON)
    assert found
    assert all(face.embedding is None for face in found if face.box.width * 640 < 24)


def test_align_puts_the_landmarks_where_the_network_wants_them() -> None:
    image = np.zeros((400, 400, 3), np.uint8)
    places = [(46.9, 45.5), (101.8, 45.8), (75.7, 79.6), (47.6, 100.6), (100.6, 100.3)]
    turn = cv2.getRotationMatrix2D((75, 75), 25, 1.6)
    points = np.array([turn @ (x, y, 1) for x, y in places], np.float32) + 90
    for x, y in points:
        cv2.circle(image, (round(float(x)), round(float(y))), 5, (255, 255, 255), -1)
    chip = align(image, points)
    assert chip.shape == (150, 150, 3)
    for x, y in places:
        around = chip[round(y) - 2 : round(y) + 3, round(x) - 2 : round(x) + 3, 0]
        assert around.mean() > 120


def test_a_batch_gives_what_single_pictures_give(stage: FaceStage, shared_data: Path) -> None:
    names = ["scenes/skimage_astronaut.jpg", "scenes/skimage_moon.jpg", "scenes/yolo_zidane.jpg"]
    images = [photo(shared_data / "photos" / name) for name in names]
    for image, result in zip(images, stage.run(images, [Findings()] * 3), strict=True):
        assert not isinstance(result, Exception)
        alone = faces(stage, image)
        assert [face.box for face in alone] == [face.box for face in result["faces"]]
        for one, other in zip(alone, result["faces"], strict=True):
            if one.embedding is not None:
                np.testing.assert_allclose(one.embedding, other.embedding, atol=1e-4)
