"""Dehazing: synthetic pairs come out clearer than by the dark channel, clear photos stay, strength is a slider."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.enhance import transfer
from ml.enhance.haze import clear, dark_channel, dehaze
from ml.enhance.operation import EnhanceContext, OperationFailed

NETWORKS = ["haze/air@albumen"]


@pytest.fixture(scope="module")
def default_models(fetched: Callable[..., Path]) -> Path:
    """A folder with the networks used here."""
    return fetched(*NETWORKS)


def _read(path: Path, side: int = 640) -> np.ndarray:
    image = Image.open(path).convert("RGB")
    image.thumbnail((side, side))
    return np.asarray(image).astype(np.float32) / np.float32(255)


def _psnr(a: np.ndarray, b: np.ndarray) -> float:
    return float(10 * np.log10(1 / np.mean((a - b) ** 2)))


@pytest.mark.weights
def test_pairs_come_out_closer_than_by_the_dark_channel(default_models: Path, shared_data: Path) -> None:
    context = EnhanceContext(models_dir=default_models)
    scores = []
    with (shared_data / "restore" / "pairs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            if row["task"].startswith("haze"):
                hazy, wanted = (_read(shared_data / "restore" / row[k]) for k in ("degraded", "reference"))
                ours = dehaze(hazy, {"strength": 1.0, "model": "fast"}, context)
                scores.append(
                    (_psnr(hazy, wanted), _psnr(dark_channel(hazy, context), wanted), _psnr(ours, wanted))
                )
    before, classical, ours = np.mean(scores, axis=0)
    assert ours >= 21.0
    assert ours > classical > before


@pytest.mark.weights
def test_clear_photos_are_hardly_changed(default_models: Path, shared_data: Path) -> None:
    context = EnhanceContext(models_dir=default_models)
    changes = []
    for path in sorted((shared_data / "photos" / "imagenet").glob("*.jpg"))[::4]:
        photo = _read(path, 320)
        if np.quantile(photo.min(2), 0.1) < 0.04:  # true blacks: there is no haze
            made = dehaze(photo, {"strength": 0.8, "model": "fast"}, context)
            changes.append(float(np.abs(made - photo).mean()))
    assert len(changes) >= 20
    assert np.median(changes) < 0.03


@pytest.mark.weights
@pytest.mark.parametrize(("width", "height"), [(1, 1), (4, 260), (301, 33)])
def test_any_size_keeps_its_size_and_range(
    default_models: Path, scene: Callable[..., np.ndarray], width: int, height: int
) -> None:
    image = scene(width, height).astype(np.float32) / np.float32(255) * np.float32(0.4) + np.float32(0.5)
    kept = image.copy()
    made = dehaze(image, {"strength": 1.0, "model": "fast"}, EnhanceContext(models_dir=default_models))
    assert made.shape == image.shape
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    np.testing.assert_array_equal(image, kept)


def test_known_haze_is_undone_exactly(scene: Callable[..., np.ndarray]) -> None:
    truth = scene(80, 60).astype(np.float32) / np.float32(255)
    air = np.array([0.9, 0.92, 0.95], np.float32)
    hazy = truth * np.float32(0.5) + air * np.float32(0.5)
    flat = transfer.Lines(np.zeros((6, 8), np.float32), np.full((6, 8), 0.5, np.float32))
    np.testing.assert_allclose(clear(hazy, flat, air, 1.0, EnhanceContext()), truth, atol=1e-5)
    np.testing.assert_allclose(clear(hazy, flat, air, 0.0, EnhanceContext()), hazy, atol=1e-6)
    halfway = clear(hazy, flat, air, 0.5, EnhanceContext(band_pixels=100))
    assert _psnr(hazy, truth) < _psnr(halfway, truth) < 60


def test_the_dark_channel_finds_contrast(scene: Callable[..., np.ndarray]) -> None:
    truth = scene(120, 90).astype(np.float32) / np.float32(255)
    hazy = truth * np.float32(0.5) + np.float32(0.45)
    made = dark_channel(hazy, EnhanceContext())
    assert _psnr(made, truth) > _psnr(hazy, truth) + 2


def test_without_the_network_the_error_names_it(tmp_path: Path) -> None:
    image = np.full((20, 20, 3), 0.7, np.float32)
    with pytest.raises(OperationFailed, match="haze/air@albumen"):
        dehaze(image, {"strength": 1.0}, EnhanceContext(models_dir=tmp_path))
