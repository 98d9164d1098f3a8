"""Preparing pictures for networks, and the life of a loaded network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from ml import registry
from ml.quantize import quantize
from ml.registry import Preprocessing, UnknownModel
from ml.runtime import open_network, seen_part, to_batch
from ml.zoo import ModelDamaged, ModelMissing, Zoo

SCENE = "scene/efficientnet-lite2@in1k"


def halves(height: int, width: int) -> np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]:
    """Left half red, right half blue."""
    picture = np.zeros((height, width, 3), np.uint8)
    picture[:, : width // 2, 0] = 255
    picture[:, width // 2 :, 2] = 255
    return picture


def test_squeeze_keeps_the_whole_picture_and_normalises() -> None:
    how = Preprocessing("squeeze", (4, 4), mean=(127, 127, 127), std=(128, 128, 128))
    batch = to_batch([halves(40, 80), halves(300, 20)], how)
    assert batch.shape == (2, 3, 4, 4)
    assert batch.dtype == np.float32
    for picture in batch:
        np.testing.assert_allclose(picture[0, :, 0], 1.0)
        np.testing.assert_allclose(picture[2, :, 3], 1.0)
        np.testing.assert_allclose(picture[1], -127 / 128)


def test_bgr_networks_get_their_channels_reversed() -> None:
    rgb = to_batch([halves(8, 8)], Preprocessing("squeeze", (8, 8)))
    bgr = to_batch([halves(8, 8)], Preprocessing("squeeze", (8, 8), channels="BGR"))
    np.testing.assert_array_equal(bgr, rgb[:, ::-1])


def test_mean_and_std_follow_the_channels_the_network_sees() -> None:
    grey = np.full((4, 4, 3), 100, np.uint8)
    how = Preprocessing("squeeze", (4, 4), mean=(10, 20, 30), std=(1, 2, 3), channels="BGR")
    np.testing.assert_allclose(to_batch([grey], how)[0, :, 0, 0], [90, 40, 70 / 3], rtol=1e-6)


@pytest.mark.parametrize(
    ("how", "part"),
    [
        (Preprocessing("squeeze", (10, 10)), (0, 0, 100, 400)),
        (Preprocessing("crop", (10, 10)), (0, 150, 100, 100)),
        (Preprocessing("half", (10, 10)), (0, 100, 100, 200)),
        (Preprocessing("crop", (10, 10), trim=0.5), (25, 175, 50, 50)),
        (Preprocessing("crop", (10, 20)), (0, 100, 100, 200)),
    ],
)
def test_the_part_a_network_sees_is_centred(how: Preprocessing, part: tuple[int, int, int, int]) -> None:
    assert seen_part(100, 400, how) == part


def test_upright_and_lying_pictures_are_treated_alike() -> None:
    how = Preprocessing("half", (10, 10), trim=0.9)
    top, left, height, width = seen_part(300, 400, how)
    assert seen_part(400, 300, how) == (left, top, width, height)


def test_the_thinnest_picture_still_has_pixels() -> None:
    batch = to_batch([np.zeros((1, 5000, 3), np.uint8)], Preprocessing("half", (6, 6), trim=0.9))
    assert batch.shape == (1, 3, 6, 6)


def test_networks_without_a_fixed_size_take_no_batch() -> None:
    with pytest.raises(ValueError, match="any size"):
        to_batch([halves(4, 4)], Preprocessing("any"))
    with pytest.raises(ValueError, match="letterbox"):
        to_batch([halves(4, 4)], Preprocessing("letterbox", (4, 4)))


def test_a_network_that_was_not_fetched_says_so_at_its_first_run(tmp_path: Path) -> None:
    network = open_network(SCENE, tmp_path)
    with pytest.raises(ModelMissing, match="albumen models fetch scene/efficientnet-lite2@in1k"):
        network.run(np.zeros((1, 3, 260, 260), np.float32))
    with pytest.raises(UnknownModel):
        open_network("scene/none@none", tmp_path)


@pytest.mark.parametrize("shape", [(1, 3, 259, 260), (3, 260, 260), (1, 260, 260, 3)])
def test_an_input_of_the_wrong_shape_is_named(tmp_path: Path, shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="pixels"):
        open_network(SCENE, tmp_path).run(np.zeros(shape, np.float32))


@pytest.mark.weights
def test_loading_is_lazy_and_unloading_is_not_final(models_dir: Path) -> None:
    network = open_network(SCENE, models_dir)
    assert not network.loaded
    x = np.random.default_rng(1).random((2, 3, 260, 260), np.float32)
    before = network.run(x, outputs=("feature",))
    assert network.loaded
    network.unload()
    assert not network.loaded
    np.testing.assert_array_equal(network.run(x, outputs=("feature",))[0], before[0])


@pytest.mark.weights
def test_outputs_come_in_the_order_asked_for(models_dir: Path) -> None:
    network = open_network(SCENE, models_dir)
    x = np.zeros((1, 3, 260, 260), np.float32)
    feature, probabilities = network.run(x, outputs=("feature", "probabilities"))
    assert feature.shape == (1, 1280)
    assert probabilities.shape == (1, 1000)
    assert [a.shape for a in network.run(x)] == [(1, 1000), (1, 1280), (1, 1000, 9, 9)]


@pytest.mark.weights
@pytest.mark.slow
def test_the_8_bit_network_agrees_with_the_exact_one(
    exact_copy: Callable[[str, Path], None], shared_data: Path, tmp_path: Path
) -> None:
    entry = registry.get(SCENE)
    exact_copy(SCENE, tmp_path)
    files = sorted((shared_data / "photos" / "imagenet").glob("*.jpg"))
    pictures = [np.array(Pillow.open(file).convert("RGB")) for file in files[::10]]
    assert entry.preprocessing is not None
    exact = open_network(SCENE, tmp_path)
    expected = exact.run(to_batch(pictures[20:], entry.preprocessing), outputs=("probabilities",))[0]

    fallback = open_network(SCENE, tmp_path, int8=True)
    unchanged = fallback.run(to_batch(pictures[20:], entry.preprocessing), outputs=("probabilities",))[0]
    np.testing.assert_array_equal(unchanged, expected)

    graph = quantize(SCENE, tmp_path, pictures[:20])
    assert graph.stat().st_size < (tmp_path / entry.folder / "model.onnx").stat().st_size / 2
    assert Zoo(tmp_path).verify([SCENE])[0].state == "ready"
    small = open_network(SCENE, tmp_path, int8=True)
    found = small.run(to_batch(pictures[20:], entry.preprocessing), outputs=("probabilities",))[0]
    assert not np.array_equal(found, expected)
    assert (found.argmax(1) == expected.argmax(1)).mean() >= 0.85

    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(ModelDamaged):
        open_network(SCENE, tmp_path, int8=True).run(to_batch(pictures[:1], entry.preprocessing))


def test_quantising_needs_pictures_and_a_graph(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pictures"):
        quantize(SCENE, tmp_path, [])
    with pytest.raises(ValueError, match="cannot be quantised"):
        quantize("object/ssdlite-mobilenet-v2-tiled@coco", tmp_path, [np.zeros((4, 4, 3), np.uint8)])
