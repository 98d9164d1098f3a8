"""Known results of smoothing, sharpening, noise, edges and morphology."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from ml.enhance import apply


@pytest.fixture
def step_edge():
    picture = np.zeros((40, 40, 3), np.uint8)
    picture[:, 20:] = 200
    return picture


def noisy(level, shape=(96, 96, 3), seed=0):
    rng = np.random.default_rng(seed)
    return np.clip(rng.normal(level, 12, shape), 0, 255).astype(np.uint8)


def test_mean_and_median_are_what_they_are_called(scene):
    picture = scene()
    mean = apply(picture, [{"op": "smooth", "method": "mean", "radius": 2}])
    median = apply(picture, [{"op": "smooth", "method": "median", "radius": 3}])
    expected = ndimage.uniform_filter(picture.astype(float), (5, 5, 0), mode="nearest")
    assert np.abs(mean - expected).max() < 0.51
    assert np.array_equal(median, ndimage.median_filter(picture, (7, 7, 1), mode="nearest"))


@pytest.mark.parametrize("radius", [1.0, 6.0, 20.0, 50.0])
def test_gaussian_matches_its_definition_small_and_large(radius, scene):
    picture = scene(160, 120).astype(np.float32) / 255
    result = apply(picture, [{"op": "smooth", "radius": radius}])
    expected = ndimage.gaussian_filter(picture, (radius / 2, radius / 2, 0), mode="nearest", truncate=4)
    assert np.abs(result - expected)[30:-30, 30:-30].max() < 0.003
    # Large blurs repeat the mean of the border's pixels rather than the pixels.
    assert np.abs(result - expected).max() < (0.003 if radius < 16 else 0.04)


@pytest.mark.parametrize("radius", [4, 24])
def test_bilateral_smooths_texture_and_keeps_the_edge(radius):
    picture = noisy(60, (128, 128, 3))
    picture[:, 64:] = noisy(190, (128, 64, 3), 1)
    result = apply(
        picture, [{"op": "smooth", "method": "bilateral", "radius": radius, "tolerance": 0.25}]
    ).astype(float)
    assert result[:, :60].std() < 0.6 * picture[:, :60].std()
    across = result[:, :, 0].mean(axis=0)
    assert across[67] - across[60] > 110


def test_sharpening_overshoots_at_edges_and_leaves_flat_areas(step_edge):
    picture = (step_edge // 2 + 50).astype(np.uint8)
    for step in ({"amount": 1.0}, {"method": "laplacian", "amount": 0.5}):
        result = apply(picture, [{"op": "sharpen", **step}])
        assert result[20, 19, 0] < picture[20, 19, 0]
        assert result[20, 20, 0] > picture[20, 20, 0]
        assert np.array_equal(result[:, :10], picture[:, :10])
    gradient = apply(picture, [{"op": "sharpen", "method": "gradient", "amount": 0.5}])
    assert (gradient[20, 19:21, 0] == picture[20, 19:21, 0] + 50).all()
    blocked = apply(picture, [{"op": "sharpen", "amount": 1.0, "threshold": 0.5}])
    assert np.array_equal(blocked, picture)


def test_sharpening_makes_no_coloured_fringe():
    picture = np.zeros((20, 40, 3), np.uint8)
    picture[:] = (120, 90, 60)
    picture[:, 20:] = (150, 120, 90)
    result = apply(picture, [{"op": "sharpen", "amount": 2.0}]).astype(int)
    assert (result[:, :, 0] - result[:, :, 1] == 30).all()
    assert (result[:, :, 1] - result[:, :, 2] == 30).all()


def test_denoising_a_grey_picture_leaves_it_grey(scene):
    grey = np.repeat(scene(90, 70)[:, :, :1], 3, axis=2)
    for step in ({"op": "denoise"}, {"op": "denoise", "strength": 1, "color": 1}):
        assert (np.ptp(apply(grey, [step]), axis=2) == 0).all()
        as_float = apply(grey.astype(np.float32) / np.float32(255), [step])
        assert (np.ptp(as_float, axis=2) == 0).all()


def test_denoise_removes_noise_and_keeps_an_edge():
    picture = noisy(90, (96, 96, 3))
    picture[:, 48:] = noisy(180, (96, 48, 3), 1)
    result = apply(picture, [{"op": "denoise", "strength": 0.8, "color": 0.8}]).astype(float)
    assert result[10:80, 5:40].std() < 0.5 * picture[10:80, 5:40].std()
    across = result[:, :, 0].mean(axis=0)
    assert across[52] - across[43] > 80
    weak = apply(picture, [{"op": "denoise", "strength": 0.1, "color": 0.1}]).astype(float)
    assert weak[10:80, 5:40].std() > result[10:80, 5:40].std()


def test_noise_has_the_named_strength_and_follows_its_seed():
    grey = np.full((200, 200, 3), 128, np.uint8)
    grain = {"op": "noise", "amount": 0.1, "seed": 3}
    result = apply(grey, [grain])
    assert (result.astype(float) - 128).std() == pytest.approx(25.5, rel=0.03)
    assert np.array_equal(result, apply(grey, [grain]))
    assert not np.array_equal(result, apply(grey, [{**grain, "seed": 4}]))
    plain = apply(grey, [{**grain, "monochrome": True}])
    assert np.array_equal(plain[:, :, 0], plain[:, :, 2])
    specks = apply(grey, [{"op": "noise", "method": "salt_pepper", "amount": 0.2, "monochrome": True}])[
        :, :, 0
    ]
    assert set(np.unique(specks)) == {0, 128, 255}
    assert (specks == 0).mean() == pytest.approx(0.1, abs=0.01)
    assert (specks == 255).mean() == pytest.approx(0.1, abs=0.01)
    every = apply(grey, [{"op": "noise", "method": "salt_pepper", "amount": 1.0}])
    assert set(np.unique(every)) == {0, 255}


def test_median_repairs_salt_and_pepper(scene):
    picture = apply(scene(), [{"op": "smooth", "radius": 4}])
    hit = apply(picture, [{"op": "noise", "method": "salt_pepper", "amount": 0.1}])
    repaired = apply(hit, [{"op": "smooth", "method": "median", "radius": 1}])
    assert np.abs(repaired.astype(int) - picture).mean() < np.abs(hit.astype(int) - picture).mean() / 3


def test_edges_lie_where_the_step_is(step_edge):
    sobel = apply(step_edge, [{"op": "edges", "method": "sobel", "gain": 1.0}])
    assert (sobel[:, 19:21] == 200).all()
    assert not sobel[:, :19].any()
    assert not sobel[:, 21:].any()
    canny = apply(step_edge, [{"op": "edges", "method": "canny"}])
    lines = np.unique(np.nonzero(canny[:, :, 0])[1])
    assert len(lines) == 1
    assert lines[0] in (19, 20)
    laplacian = apply(step_edge, [{"op": "edges", "method": "laplacian", "gain": 1.0}])
    assert (laplacian[:, 19:21] == 200).all()
    assert not laplacian[:, :19].any()
    inverted = apply(step_edge, [{"op": "edges", "method": "canny", "invert": True}])
    assert np.array_equal(inverted, 255 - canny)


def test_canny_thresholds_decide(step_edge):
    faint = (step_edge // 10 + 100).astype(np.uint8)
    assert not apply(faint, [{"op": "edges", "method": "canny", "low": 0.3, "high": 0.5}]).any()
    assert apply(faint, [{"op": "edges", "method": "canny", "low": 0.02, "high": 0.05}]).any()


def test_morphology_grows_shrinks_and_removes_specks():
    picture = np.zeros((21, 21, 3), np.uint8)
    picture[10, 10] = 255
    dilated = apply(picture, [{"op": "morphology", "method": "dilate", "radius": 2}])
    assert (dilated[8:13, 8:13] == 255).all()
    assert dilated.sum() == 25 * 3 * 255
    assert np.array_equal(apply(dilated, [{"op": "morphology", "method": "erode", "radius": 2}]), picture)
    assert not apply(picture, [{"op": "morphology", "method": "open"}]).any()
    hole = 255 - picture
    assert (apply(hole, [{"op": "morphology", "method": "close"}]) == 255).all()
