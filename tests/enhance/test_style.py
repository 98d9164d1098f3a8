"""Style: presets are whole, painting moves a photo towards a style, and the result fits the photo."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from ml.enhance import paint, style
from ml.enhance.operation import Cancelled, EnhanceContext, OperationFailed
from ml.nets.vgg_trunk import STYLE, WIDTHS, VggTrunk, build

LEVELS = (paint.Level(48, 6), paint.Level(64, 6))


@pytest.fixture(scope="module")
def trunk() -> VggTrunk:
    """The feature network with random weights: any features have a style."""
    import torch

    torch.manual_seed(4)
    network = build().requires_grad_(False)
    for layer in network.children():
        torch.nn.init.kaiming_normal_(layer.weight)
    return network


def _pixels(scene: Callable[..., np.ndarray], width: int, height: int, seed: int) -> np.ndarray:
    return scene(width, height, seed).astype(np.float32) / np.float32(255)


def _distance(image: np.ndarray, wanted: paint.Grams, trunk: VggTrunk) -> float:
    found = paint.describe(image, trunk)
    return float(sum(((found[k] - wanted[k]) ** 2).sum() / (wanted[k] ** 2).sum() for k in STYLE))


def test_painting_moves_the_photo_to_the_style(scene: Callable[..., np.ndarray], trunk: VggTrunk) -> None:
    photo = _pixels(scene, 80, 60, 1)
    wanted = paint.describe(1 - _pixels(scene, 64, 64, 2) ** 2, trunk)
    told: list[float] = []
    painted = paint.paint(photo, wanted, trunk, told.append, LEVELS)
    assert painted.shape[1] / painted.shape[0] == pytest.approx(80 / 60, abs=0.1)
    assert 50 <= painted.shape[1] <= 64
    assert painted.min() >= 0
    assert painted.max() <= 1
    assert _distance(painted, wanted, trunk) < 0.5 * _distance(photo[::2, ::2], wanted, trunk)
    assert told == sorted(told)
    assert 0 < told[0] < told[-1] <= 1


def test_painting_stops_when_told_to(scene: Callable[..., np.ndarray], trunk: VggTrunk) -> None:
    asked: list[float] = []

    def stop(share: float) -> None:
        asked.append(share)
        if len(asked) == 3:
            raise Cancelled("enough")

    photo = _pixels(scene, 64, 48, 1)
    with pytest.raises(Cancelled):
        paint.paint(photo, paint.describe(photo, trunk), trunk, stop, LEVELS)
    assert len(asked) == 3


def test_tiny_and_narrow_photos_can_be_painted(scene: Callable[..., np.ndarray], trunk: VggTrunk) -> None:
    wanted = paint.describe(_pixels(scene, 64, 64, 2), trunk)
    for width, height in ((1, 1), (90, 3)):
        painted = paint.paint(_pixels(scene, width, height, 0), wanted, trunk, lambda share: None, LEVELS)
        assert np.isfinite(painted).all()


@pytest.mark.parametrize("preset", style.PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_there_and_whole(preset: style.Preset) -> None:
    grams = style.read_preset(preset.file)
    assert set(grams) == set(STYLE)
    for layer, gram in grams.items():
        assert gram.shape == (WIDTHS[layer], WIDTHS[layer])
        np.testing.assert_array_equal(gram, gram.T)
        assert np.diag(gram).min() >= 0
        assert gram.max() > 0
    assert preset.title.en
    assert preset.title.zh
    assert preset.file.with_suffix(".md").exists() or (preset.file.parent / "style-presets.md").exists()


def test_presets_survive_being_stored(
    tmp_path: Path, scene: Callable[..., np.ndarray], trunk: VggTrunk
) -> None:
    grams = paint.describe(_pixels(scene, 48, 48, 5), trunk)
    style.write_preset(grams, tmp_path / "style-x.safetensors")
    back = style.read_preset(tmp_path / "style-x.safetensors")
    for layer, gram in grams.items():
        np.testing.assert_allclose(back[layer], gram, atol=1e-3 * gram.max())


@pytest.mark.parametrize(("keep_color", "strength"), [(False, 1.0), (True, 1.0), (False, 0.5)])
def test_the_result_fits_the_photo(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    scene: Callable[..., np.ndarray],
    trunk: VggTrunk,
    keep_color: bool,
    strength: float,
) -> None:
    monkeypatch.setattr(paint, "trunk", lambda models_dir: trunk)
    monkeypatch.setattr(style, "_PREVIEW", (paint.Level(48, 10),))
    photo = _pixels(scene, 101, 67, 1)
    context = EnhanceContext(
        models_dir=tmp_path, style_image=lambda name: (255 - scene(64, 64, 2)) // 2, scale=0.5
    )
    params = {"preset": "", "photo": "abc", "strength": strength, "keep_color": keep_color}
    made = style.style(photo, params, context)
    assert made.shape == photo.shape
    assert made.dtype == np.float32
    full = style.style(photo, {**params, "strength": 1.0, "keep_color": False}, context)
    assert np.abs(full - photo).mean() > 0.01
    if keep_color:
        inside = (made > 0.02).all(2) & (made < 0.98).all(2)
        np.testing.assert_allclose(np.diff(made, axis=2)[inside], np.diff(photo, axis=2)[inside], atol=1e-3)
    if strength == 0.5:
        np.testing.assert_allclose(made, (photo + full) / 2, atol=1e-4)


def test_unknown_styles_and_missing_networks_are_named(tmp_path: Path) -> None:
    image = np.zeros((20, 20, 3), np.float32)
    with pytest.raises(OperationFailed, match=r"no style .sunflowers.; there are starry-night"):
        style.style(image, {"preset": "sunflowers"}, EnhanceContext(models_dir=tmp_path))
    with pytest.raises(OperationFailed, match="vgg16-trunk"):
        style.style(image, {"preset": "starry-night"}, EnhanceContext(models_dir=tmp_path))
    np.testing.assert_array_equal(style.style(image, {"strength": 0.0}, EnhanceContext()), image)
