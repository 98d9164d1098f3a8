"""Style: presets are whole, painting moves a photo towards a style, and the result fits the photo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from ml.enhance import paint, style, sweep
from ml.enhance.canvas import canvas
from ml.enhance.operation import Cancelled, EnhanceContext, OperationFailed
from ml.enhance.palette import palette, recoloured
from ml.nets.style_decoder import StyleDecoder
from ml.nets.style_decoder import build as build_decoder
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


@pytest.fixture(scope="module")
def decoder() -> StyleDecoder:
    """The decoder with random weights."""
    import torch

    torch.manual_seed(5)
    return build_decoder().requires_grad_(False)


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


@pytest.mark.parametrize("tile", [64, 104])
def test_a_sweep_in_tiles_equals_one_without(
    scene: Callable[..., np.ndarray], trunk: VggTrunk, decoder: StyleDecoder, tile: int
) -> None:
    photo = _pixels(scene, 197, 130, 1)
    manner = sweep.study(_pixels(scene, 96, 80, 2), trunk)
    told: list[float] = []
    whole = sweep.sweep(photo, manner, trunk, decoder, EnhanceContext(), tile=4096)
    parts = sweep.sweep(photo, manner, trunk, decoder, EnhanceContext(progress=told.append), tile=tile)
    assert whole.shape == photo.shape
    assert whole.std() > 0.01
    np.testing.assert_allclose(parts, whole, atol=1e-4)
    assert told == sorted(told)
    assert len(told) > 4


def test_a_sweep_takes_on_the_palette_and_leaves_the_photo_as_it_was(
    scene: Callable[..., np.ndarray], trunk: VggTrunk, decoder: StyleDecoder
) -> None:
    photo, other = _pixels(scene, 120, 90, 1), _pixels(scene, 96, 80, 2) * np.float32([0.9, 0.5, 0.2])
    kept = photo.copy()
    painted = sweep.sweep(photo, sweep.study(other, trunk), trunk, decoder, EnhanceContext())
    np.testing.assert_array_equal(photo, kept)
    np.testing.assert_allclose(painted.mean((0, 1)), other.mean((0, 1)), atol=0.06)


def test_a_sweep_stops_between_tiles(
    scene: Callable[..., np.ndarray], trunk: VggTrunk, decoder: StyleDecoder
) -> None:
    asked: list[int] = []

    def enough() -> bool:
        asked.append(1)
        return len(asked) == 3

    photo = _pixels(scene, 197, 130, 1)
    manner = sweep.study(photo, trunk)
    with pytest.raises(Cancelled):
        sweep.sweep(photo, manner, trunk, decoder, EnhanceContext(cancelled=enough), tile=64)
    assert len(asked) == 3


@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (65, 8)])
def test_a_sweep_takes_any_size(
    scene: Callable[..., np.ndarray], trunk: VggTrunk, decoder: StyleDecoder, width: int, height: int
) -> None:
    photo, manner = _pixels(scene, width, height, 0), sweep.study(_pixels(scene, 64, 64, 2), trunk)
    made = sweep.sweep(photo, manner, trunk, decoder, EnhanceContext(), tile=64)
    assert made.shape == photo.shape
    assert np.isfinite(made).all()
    assert made.min() >= 0
    assert made.max() <= 1


def test_the_palette_comes_over_whole(scene: Callable[..., np.ndarray]) -> None:
    photo, other = _pixels(scene, 90, 70, 1) * np.float32(0.5) + np.float32(0.2), _pixels(scene, 80, 60, 2)
    wanted = palette(other * np.float32([0.3, 0.4, 0.5]) + np.float32(0.3))
    found = palette(recoloured(photo, wanted))
    np.testing.assert_allclose(found.mean, wanted.mean, atol=0.01)
    np.testing.assert_allclose(found.covariance, wanted.covariance, atol=0.005)
    gray = np.full((20, 30, 3), 0.4, np.float32)
    np.testing.assert_allclose(recoloured(gray, wanted), np.broadcast_to(wanted.mean, gray.shape), atol=1e-5)


@pytest.mark.parametrize("preset", style.PRESETS, ids=lambda preset: preset.name)
def test_every_preset_is_there_and_whole(preset: style.Preset) -> None:
    grams = style.read_preset(preset.file)
    assert set(grams) == set(STYLE)
    for layer, gram in grams.items():
        assert gram.shape == (WIDTHS[layer], WIDTHS[layer])
        np.testing.assert_array_equal(gram, gram.T)
        assert np.diag(gram).min() >= 0
        assert gram.max() > 0
    colours = style.read_palette(preset.file)
    assert (colours.mean > 0).all()
    assert (colours.mean < 1).all()
    assert (np.linalg.eigvalsh(colours.covariance) > 0).all()
    assert preset.title.en
    assert preset.title.zh
    assert preset.file.with_suffix(".md").exists() or (preset.file.parent / "style-presets.md").exists()


def test_presets_survive_being_stored(
    tmp_path: Path, scene: Callable[..., np.ndarray], trunk: VggTrunk
) -> None:
    grams = paint.describe(_pixels(scene, 48, 48, 5), trunk)
    colours = palette(_pixels(scene, 48, 48, 5))
    style.write_preset(grams, colours, tmp_path / "style-x.safetensors")
    back = style.read_preset(tmp_path / "style-x.safetensors")
    for layer, gram in grams.items():
        np.testing.assert_allclose(back[layer], gram, atol=1e-3 * gram.max())
    again = style.read_palette(tmp_path / "style-x.safetensors")
    np.testing.assert_allclose(again.mean, colours.mean, atol=1e-6)
    np.testing.assert_allclose(again.covariance, colours.covariance, atol=1e-6)


@pytest.fixture
def given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, scene: Callable[..., np.ndarray], trunk: VggTrunk
) -> EnhanceContext:
    """A context with the random networks in place, a style picture called abc, and few evaluations to a search."""
    import torch

    torch.manual_seed(5)
    networks = {paint.TRUNK: trunk, sweep.DECODER: build_decoder().requires_grad_(False)}
    monkeypatch.setattr(paint, "opened", lambda model_id, models_dir: networks[model_id])
    monkeypatch.setattr(paint, "LEVELS", (paint.Level(48, 6), paint.Level(100, 4)))
    return EnhanceContext(models_dir=tmp_path, style_image=lambda name: (255 - scene(64, 64, 2)) // 2)


@pytest.mark.parametrize("scale", [1.0, 0.5])
@pytest.mark.parametrize("model", ["fast", "best"])
def test_the_result_fits_the_photo(
    given: EnhanceContext, scene: Callable[..., np.ndarray], model: str, scale: float
) -> None:
    photo = _pixels(scene, 101, 67, 1)
    given = replace(given, scale=scale)
    params = {"photo": "abc", "model": model}
    full = style.style(photo, params, given)
    assert full.shape == photo.shape
    assert full.dtype == np.float32
    assert np.abs(full - photo).mean() > 0.01
    np.testing.assert_array_equal(style.style(photo, params, given), full)
    half = style.style(photo, {**params, "strength": 0.5}, given)
    np.testing.assert_allclose(half, (photo + full) / 2, atol=1e-4)
    kept = style.style(photo, {**params, "keep_color": True}, given)
    inside = (kept > 0.02).all(2) & (kept < 0.98).all(2)
    np.testing.assert_allclose(np.diff(kept, axis=2)[inside], np.diff(photo, axis=2)[inside], atol=1e-3)


@pytest.mark.parametrize("model", ["fast", "best"])
def test_a_style_picture_of_one_pixel_is_a_style(
    given: EnhanceContext, scene: Callable[..., np.ndarray], model: str
) -> None:
    tiny = replace(given, style_image=lambda name: np.full((1, 1, 3), 200, np.uint8))
    made = style.style(_pixels(scene, 100, 60, 1), {"photo": "abc", "model": model}, tiny)
    assert made.shape == (60, 100, 3)
    assert np.isfinite(made).all()


def test_unknown_styles_and_missing_networks_are_named(tmp_path: Path) -> None:
    image = np.zeros((20, 20, 3), np.float32)
    with pytest.raises(OperationFailed, match=r"no style .sunflowers.; there are starry-night"):
        style.style(image, {"preset": "sunflowers"}, EnhanceContext(models_dir=tmp_path))
    with pytest.raises(OperationFailed, match="vgg16-trunk"):
        style.style(image, {"preset": "starry-night", "model": "best"}, EnhanceContext(models_dir=tmp_path))
    with pytest.raises(OperationFailed, match="painters"):
        style.style(image, {"preset": "starry-night"}, EnhanceContext(models_dir=tmp_path))
    np.testing.assert_array_equal(style.style(image, {"strength": 0.0}, EnhanceContext()), image)


@pytest.fixture(scope="module")
def painters_dir(fetched: Callable[..., Path]) -> Path:
    """A folder with the painters and what enlarges their pictures."""
    return fetched("style/painters@albumen")


@pytest.mark.weights
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 200), (97, 64), (1100, 700)])
def test_painters_take_any_size(
    painters_dir: Path, scene: Callable[..., np.ndarray], width: int, height: int
) -> None:
    photo = _pixels(scene, width, height, 3)
    kept = photo.copy()
    told: list[float] = []
    context = EnhanceContext(models_dir=painters_dir, progress=told.append)
    made = style.style(photo, {"preset": "great-wave"}, context)
    np.testing.assert_array_equal(photo, kept)
    assert made.shape == photo.shape
    assert made.min() >= 0
    assert made.max() <= 1
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.weights
def test_every_painter_has_a_hand_and_colours_of_its_own(
    painters_dir: Path, scene: Callable[..., np.ndarray]
) -> None:
    photo, context = _pixels(scene, 256, 192, 1), EnhanceContext(models_dir=painters_dir)
    made = [style.style(photo, {"preset": preset.name, "model": "fast"}, context) for preset in style.PRESETS]
    for index, one in enumerate(made):
        assert np.abs(one - photo).mean() > 0.03
        wanted = style.read_palette(style.PRESETS[index].file)
        np.testing.assert_allclose(one.mean((0, 1)), wanted.mean, atol=0.12)
        assert all(np.abs(one - other).mean() > 0.01 for other in made[:index])


@pytest.mark.weights
def test_a_painter_fills_a_plain_sky_with_strokes(painters_dir: Path) -> None:
    sky = np.linspace([0.3, 0.5, 0.9], [0.7, 0.8, 0.95], 240, dtype=np.float32)[:, None].repeat(320, 1)
    made = style.style(sky, {"preset": "starry-night"}, EnhanceContext(models_dir=painters_dir))
    fine, plain = (image - cv2.GaussianBlur(image, (0, 0), 8) for image in (made, sky))
    inside = slice(24, -24)
    assert fine[inside, inside].std() > max(0.02, 5 * plain[inside, inside].std())


@pytest.mark.weights
@pytest.mark.parametrize("value", [1.0, 0.5, 0.0])
def test_a_painter_leaves_nothing_bare_in_a_picture_of_one_value(painters_dir: Path, value: float) -> None:
    wall = np.full((240, 320, 3), value, np.float32)
    made = style.style(wall, {"preset": "portrait"}, EnhanceContext(models_dir=painters_dir))
    parts = made[24:-24, 24:-24].reshape(6, 32, 8, 34, 3).std((1, 3))
    assert np.median(parts) > 0.01


@pytest.mark.parametrize("slant", [1, -1])
def test_a_canvas_runs_along_the_shapes_of_the_picture(slant: int) -> None:
    rows, columns = np.mgrid[:96, :96]
    waves = 0.5 + 0.4 * np.sin((rows + slant * columns) / 5, dtype=np.float32)
    noise = canvas(np.repeat(waves.astype(np.float32)[..., None], 3, 2))[16:-16, 16:-16]
    along = np.abs(noise[4:, 4:] - noise[:-4, :-4]).mean()
    across = np.abs(noise[4:, :-4] - noise[:-4, 4:]).mean()
    assert (along < across) == (slant < 0)
    assert max(along, across) > 1.5 * min(along, across)


@pytest.mark.weights
def test_a_painter_keeps_what_is_in_the_photo(painters_dir: Path, shared_data: Path) -> None:
    file = shared_data / "photos" / "scenes" / "skimage_astronaut.jpg"
    photo = np.asarray(Image.open(file).convert("RGB"), np.float32) / np.float32(255)
    for preset in ("starry-night", "night-cafe"):
        made = style.style(photo, {"preset": preset}, EnhanceContext(models_dir=painters_dir))
        small = (cv2.resize(image.mean(2), (48, 48), interpolation=cv2.INTER_AREA) for image in (photo, made))
        assert np.corrcoef(*(image.ravel() for image in small))[0, 1] > 0.7


@pytest.mark.weights
def test_a_painter_can_be_stopped(painters_dir: Path, scene: Callable[..., np.ndarray]) -> None:
    context = EnhanceContext(models_dir=painters_dir, cancelled=lambda: True)
    with pytest.raises(Cancelled):
        style.style(_pixels(scene, 64, 48, 0), {"preset": "scream"}, context)
