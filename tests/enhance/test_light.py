"""Low light: dark photos come out bright and true, good ones stay, whatever the size; nothing else changes."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ml.enhance.light import lime, lit_alike, low_light, median_gamma
from ml.enhance.operation import Cancelled, EnhanceContext, OperationFailed
from ml.enhance.transfer import LUMA

NETWORKS = ["light/curve@albumen"]


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
def test_pairs_come_out_closer_than_by_the_classical_methods(default_models: Path, shared_data: Path) -> None:
    context = EnhanceContext(models_dir=default_models)
    scores: dict[str, list[tuple[float, float, float]]] = {"LOL": [], "FiveK": []}
    with (shared_data / "restore" / "pairs.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            name = row["task"].split()[-1]
            if name in scores:
                dark, wanted = (_read(shared_data / "restore" / row[k]) for k in ("degraded", "reference"))
                ours = low_light(dark, {"strength": 1.0, "model": "fast"}, context)
                scores[name].append(
                    (_psnr(dark, wanted), _psnr(lime(dark, context), wanted), _psnr(ours, wanted))
                )
    before, classical, ours = np.mean(scores["LOL"], axis=0)
    assert ours >= 18.0
    assert ours > classical > before
    before, _, ours = np.mean(scores["FiveK"], axis=0)
    assert ours >= before


@pytest.mark.weights
def test_normal_photos_are_hardly_changed(default_models: Path, shared_data: Path) -> None:
    context = EnhanceContext(models_dir=default_models)
    changes = []
    for path in sorted((shared_data / "photos" / "imagenet").glob("*.jpg"))[::4]:
        photo = _read(path, 320)
        luma = photo @ LUMA
        if luma.mean() > 0.4 and np.percentile(luma, 99) > 0.85:
            made = low_light(photo, {"strength": 0.8, "model": "fast"}, context)
            changes.append(float(np.abs(made - photo).mean()))
    assert len(changes) >= 20
    assert np.median(changes) < 0.05


def test_another_light_leaves_colours_and_texture(scene: Callable[..., np.ndarray]) -> None:
    photo = 0.2 + 0.5 * scene(96, 64).astype(np.float32) / np.float32(255)
    ramp = np.linspace(0.6, 1.2, 96, dtype=np.float32)[None, :, None]
    made = lit_alike(photo, photo * ramp)
    np.testing.assert_allclose(made, photo * ramp, atol=0.06)
    np.testing.assert_allclose(lit_alike(photo, photo), photo, atol=1e-6)
    ratio = made / photo
    assert np.ptp(ratio, axis=2).max() < 1e-4, "a colour moved"


@pytest.mark.weights
@pytest.mark.parametrize(("width", "height"), [(1, 1), (5, 300), (333, 41)])
def test_any_size_keeps_its_size_and_range(
    default_models: Path, scene: Callable[..., np.ndarray], width: int, height: int
) -> None:
    image = scene(width, height).astype(np.float32) / np.float32(255) * np.float32(0.2)
    kept = image.copy()
    made = low_light(image, {"strength": 1.0, "model": "fast"}, EnhanceContext(models_dir=default_models))
    assert made.shape == image.shape
    assert made.dtype == np.float32
    assert made.min() >= 0
    assert made.max() <= 1
    np.testing.assert_array_equal(image, kept)


@pytest.mark.weights
def test_strength_grows_from_nothing(default_models: Path, scene: Callable[..., np.ndarray]) -> None:
    context = EnhanceContext(models_dir=default_models)
    image = scene(120, 90).astype(np.float32) / np.float32(255) * np.float32(0.15)
    means = [
        float(low_light(image, {"strength": s, "model": "fast"}, context).mean())
        for s in (0.0, 0.3, 0.7, 1.0)
    ]
    assert means[0] == pytest.approx(float(image.mean()))
    assert means == sorted(means)
    assert means[-1] > 2 * means[0]


@pytest.mark.weights
def test_bands_do_not_show(default_models: Path, scene: Callable[..., np.ndarray]) -> None:
    image = scene(200, 150).astype(np.float32) / np.float32(255) * np.float32(0.4)
    params = {"strength": 1.0, "model": "fast"}
    whole = low_light(image, params, EnhanceContext(models_dir=default_models))
    parts = low_light(image, params, EnhanceContext(models_dir=default_models, band_pixels=200 * 7))
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_the_classical_yardsticks_brighten(scene: Callable[..., np.ndarray]) -> None:
    dark = scene(90, 70).astype(np.float32) / np.float32(255) * np.float32(0.2)
    for made in (median_gamma(dark), lime(dark, EnhanceContext())):
        assert made.mean() > 2 * dark.mean()
        assert made.max() <= 1


def test_without_the_network_the_error_names_it(tmp_path: Path) -> None:
    image = np.full((20, 20, 3), 0.1, np.float32)
    with pytest.raises(OperationFailed, match="light/curve@albumen"):
        low_light(image, {"strength": 1.0}, EnhanceContext(models_dir=tmp_path))
    with pytest.raises(Cancelled):
        low_light(image, {"strength": 1.0}, EnhanceContext(models_dir=tmp_path, cancelled=lambda: True))
