"""Super-resolution with the real networks: better than interpolation, the promised size, honest refusals."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.enhance import apply
from ml.enhance.operation import EnhanceContext, OperationFailed
from ml.enhance.superres import input_limit, super_resolution

NETWORKS = ["superres/span-x2-ch48@span", "superres/srvgg-x4@animevideov3"]


@pytest.fixture(scope="module")
def default_models(fetched: Callable[..., Path]) -> Path:
    """A folder with the networks used here."""
    return fetched(*NETWORKS)


def _read(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("RGB")).astype(np.float32) / np.float32(255)


def _psnr_y(a: np.ndarray, b: np.ndarray, edge: int) -> float:
    weights = np.array([65.481, 128.553, 24.966]) / 255
    a, b = ((np.round(x * 255) / 255 @ weights)[edge:-edge, edge:-edge] for x in (a, b))
    return float(10 * np.log10(1 / np.mean((a - b) ** 2)))


@pytest.mark.weights
@pytest.mark.parametrize(("folder", "scale", "least"), [("set14_x2", 2, 33.0), ("set14_x4", 4, 28.0)])
def test_faithful_reaches_its_published_quality(
    default_models: Path, shared_data: Path, folder: str, scale: int, least: float
) -> None:
    context = EnhanceContext(models_dir=default_models)
    found, cubic = [], []
    with (shared_data / "restore" / "pairs.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["degraded"].startswith(f"sr/{folder}/")]
    for row in rows[:6] if scale == 2 else rows:
        small, wanted = (_read(shared_data / "restore" / row[k]) for k in ("degraded", "reference"))
        large = super_resolution(small, {"scale": scale, "model": "faithful"}, context)
        h, w = (min(a, b) for a, b in zip(large.shape[:2], wanted.shape[:2], strict=True))
        found.append(_psnr_y(large[:h, :w], wanted[:h, :w], scale))
        size = (small.shape[1] * scale, small.shape[0] * scale)
        simple = np.clip(cv2.resize(small, size, interpolation=cv2.INTER_CUBIC), 0, 1)
        cubic.append(_psnr_y(simple[:h, :w], wanted[:h, :w], scale))
    assert np.mean(found) >= least
    assert np.mean(found) > np.mean(cubic) + 2


@pytest.mark.weights
@pytest.mark.parametrize("model", ["faithful", "best", "cleanup"])
@pytest.mark.parametrize("scale", [2, 3, 4])
def test_any_size_comes_out_as_promised(
    default_models: Path, scene: Callable[..., np.ndarray], model: str, scale: int
) -> None:
    context = EnhanceContext(models_dir=default_models)
    for width, height in ((1, 1), (3, 17), (50, 33)):
        image = scene(width, height).astype(np.float32) / np.float32(255)
        large = super_resolution(image, {"scale": scale, "model": model}, context)
        assert large.shape == (height * scale, width * scale, 3)
        assert large.dtype == np.float32
        assert large.min() >= 0
        assert large.max() <= 1
        # Shrunk back it is the picture again: nothing moved, no colour changed.
        back = cv2.resize(large, (width, height), interpolation=cv2.INTER_AREA)
        assert np.abs(back.reshape(image.shape) - image).mean() < 0.05


@pytest.mark.weights
@pytest.mark.parametrize("model", ["faithful", "cleanup"])
def test_a_grey_picture_stays_grey(
    default_models: Path, scene: Callable[..., np.ndarray], model: str
) -> None:
    grey = np.repeat(scene(40, 30)[:, :, :1], 3, axis=2)
    step = {"op": "super_resolution", "model": model}
    large = apply(grey, [step], context=EnhanceContext(models_dir=default_models))
    assert (np.ptp(large, axis=2) == 0).all()
    back = cv2.resize(large, (40, 30), interpolation=cv2.INTER_AREA)
    assert np.abs(back.astype(int) - grey).mean() < 12


@pytest.mark.weights
def test_best_is_nearer_to_the_truth_than_the_default(default_models: Path, shared_data: Path) -> None:
    shares: list[float] = []
    context = EnhanceContext(models_dir=default_models, progress=shares.append)
    with (shared_data / "restore" / "pairs.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["degraded"].startswith("sr/set14_x4/")]
    for row in rows[:4]:
        small, wanted = (_read(shared_data / "restore" / row[k]) for k in ("degraded", "reference"))
        quality = []
        for model in ("faithful", "best"):
            shares.clear()
            large = super_resolution(small, {"scale": 4, "model": model}, context)
            h, w = (min(a, b) for a, b in zip(large.shape[:2], wanted.shape[:2], strict=True))
            quality.append(_psnr_y(large[:h, :w], wanted[:h, :w], 4))
        assert quality[1] > quality[0]
        assert shares == sorted(shares)  # the eight views follow on each other
        assert shares[-1] == 1.0


@pytest.mark.weights
def test_tiles_leave_no_seam(default_models: Path, scene: Callable[..., np.ndarray]) -> None:
    from ml.enhance.tiles import network, picture_runner, run_tiled

    context = EnhanceContext(models_dir=default_models)
    run = picture_runner(network("superres/span-x4-ch48@span", context, "super_resolution"))
    photo = cv2.GaussianBlur(scene(180, 120), (0, 0), 1.2).astype(np.float32) / np.float32(255)
    tiled = run_tiled(photo, run, 4, context, size=64)
    assert np.abs(tiled - run(photo)).max() < 0.5 / 255


def test_too_large_a_picture_is_refused_with_the_limit() -> None:
    side = int(input_limit("vivid", 4) ** 0.5) + 1
    with pytest.raises(OperationFailed, match="takes at most 1"):
        super_resolution(
            np.zeros((side, side, 3), np.float32), {"scale": 4, "model": "vivid"}, EnhanceContext()
        )


def test_missing_networks_are_named(tmp_path: Path) -> None:
    context = EnhanceContext(models_dir=tmp_path)
    with pytest.raises(OperationFailed, match=r"superres/span-x2.*albumen models fetch"):
        super_resolution(np.zeros((4, 4, 3), np.float32), {"scale": 2, "model": "faithful"}, context)
