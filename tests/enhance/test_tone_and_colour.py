"""Known values of tone and colour operations."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from ml.enhance import RecipeError, apply, describe_operations, validate_recipe


def one(step, *pixels):
    """The values that a step gives for a row of pixels."""
    return apply(np.array([pixels], np.uint8), [step])[0].tolist()


@pytest.mark.parametrize(
    ("method", "expected"),
    [("max", [200, 255, 90]), ("mean", [117, 85, 90]), ("weighted", [124, 29, 90])],
)
def test_grayscale_is_as_defined(method, expected):
    # weighted: 0.299 * 200 + 0.587 * 100 + 0.114 * 50 = 124.2; 0.114 * 255 = 29.07
    result = one({"op": "grayscale", "method": method}, (200, 100, 50), (0, 0, 255), (90, 90, 90))
    assert result == [[value] * 3 for value in expected]


def test_one_ev_doubles_the_light():
    picture = np.full((2, 2, 3), 0.25, np.float32)
    result = apply(picture, [{"op": "exposure", "ev": 1.0}])
    linear = ((0.25 + 0.055) / 1.055) ** 2.4 * 2
    assert result == pytest.approx(1.055 * linear ** (1 / 2.4) - 0.055, abs=1e-4)
    assert (apply(picture, [{"op": "exposure", "ev": 5}]) == 1.0).all()


def test_brightness_adds_and_gamma_bends():
    assert one({"op": "brightness", "amount": 0.2}, (0, 100, 250)) == [[51, 151, 255]]
    assert one({"op": "gamma", "gamma": 2.0}, (0, 64, 255)) == [[0, 128, 255]]
    assert one({"op": "gamma", "gamma": 0.5}, (0, 128, 255)) == [[0, 64, 255]]


def test_contrast_turns_around_mid_grey_and_keeps_the_ends():
    ramp = np.tile(np.linspace(0, 1, 1001, dtype=np.float32)[None, :, None], (1, 1, 3))
    stronger = apply(ramp, [{"op": "contrast", "amount": 0.5}])[0, :, 0]
    assert stronger[[0, 500, 1000]] == pytest.approx([0, 0.5, 1], abs=1e-4)
    assert (stronger[510] - stronger[490]) / 0.02 == pytest.approx(1.75, abs=0.02)
    assert (np.diff(stronger) >= 0).all()
    weaker = apply(ramp, [{"op": "contrast", "amount": -0.5}])[0, :, 0]
    assert weaker[[0, 1000]] == pytest.approx([0.25, 0.75], abs=1e-4)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_contrast_has_the_slopes_its_description_says(language):
    (contrast,) = [entry for entry in describe_operations(language) if entry["name"] == "contrast"]
    text = contrast["parameters"][0]["description"]
    below, above = (float(factor or 1) for factor in re.findall(r"1 \+ (?:([\d.]+) [x×] )?amount", text))
    ramp = np.tile(np.linspace(0, 1, 1001, dtype=np.float32)[None, :, None], (1, 1, 3))
    for amount in (-1, -0.75, -0.5, -0.25, 0.25, 0.5, 1):
        made = apply(ramp, [{"op": "contrast", "amount": amount}])[0, :, 0]
        slope = (made[502] - made[498]) / 0.004
        assert slope == pytest.approx(1 + (below if amount < 0 else above) * amount, abs=0.02)


def test_saturation_keeps_luma():
    pixel = np.array([[[0.5, 0.4, 0.3]]], np.float32)
    weights = np.array([0.299, 0.587, 0.114])
    grey = apply(pixel, [{"op": "saturation", "amount": -1}])
    assert grey[0, 0] == pytest.approx([pixel[0, 0] @ weights] * 3, abs=1e-5)
    vivid = apply(pixel, [{"op": "saturation", "amount": 1}])
    assert vivid[0, 0] @ weights == pytest.approx(pixel[0, 0] @ weights, abs=1e-5)
    assert vivid[0, 0, 0] - vivid[0, 0, 2] == pytest.approx(0.4, abs=1e-5)


def test_white_balance_warms_cools_and_removes_a_cast(scene):
    grey = (128, 128, 128)
    (warm,) = one({"op": "white_balance", "temperature": 0.5}, grey)
    (cool,) = one({"op": "white_balance", "temperature": -0.5}, grey)
    assert warm[0] > 135
    assert warm[2] < 121
    assert cool[0] < 121
    assert cool[2] > 135
    (magenta,) = one({"op": "white_balance", "tint": 0.5}, grey)
    assert magenta[1] < min(magenta[0], magenta[2]) - 10
    grey_scene = cv2.cvtColor(scene(), cv2.COLOR_RGB2GRAY)[:, :, None] * np.float32([1, 1, 1]) / 255
    lamp = np.clip((grey_scene.astype(np.float32) * 0.8 + 0.1) * np.float32([1.0, 0.9, 0.7]), 0, 1)
    result = apply(lamp, [{"op": "white_balance", "auto": True}])
    assert np.ptp(lamp.reshape(-1, 3).mean(axis=0)) > 0.1
    assert np.ptp(result.reshape(-1, 3).mean(axis=0)) < 0.02


def test_white_balance_does_not_trust_a_leaf():
    leaf = np.zeros((32, 32, 3), np.float32)
    leaf[:, :, 1] = np.linspace(0.3, 0.9, 32)[:, None]
    leaf[:, :, 0] = leaf[:, :, 1] * 0.5
    assert np.abs(apply(leaf, [{"op": "white_balance", "auto": True}]) - leaf).max() < 1e-3


@pytest.mark.parametrize("mode", ["luma", "channels"])
def test_equalised_histogram_is_flat(mode):
    rng = np.random.default_rng(0)
    grey = (rng.normal(90, 15, (200, 200, 1)).clip(0, 255) * np.ones(3)).astype(np.uint8)
    result = apply(grey, [{"op": "histogram_equalize", "mode": mode}])[:, :, 0]
    counts = np.histogram(result, bins=8, range=(0, 256))[0] / result.size
    assert np.abs(counts - 1 / 8).max() < 0.03
    assert np.abs(result.astype(int) - cv2.equalizeHist(grey[:, :, 0])).max() <= 1


def test_equalising_a_single_level_changes_nothing():
    flat = np.full((10, 10, 3), 77, np.uint8)
    for op in ("histogram_equalize", "auto_levels"):
        assert np.array_equal(apply(flat, [{"op": op}]), flat)


def test_clahe_raises_local_contrast_within_its_limit(scene):
    rng = np.random.default_rng(1)
    dull = np.clip(rng.normal(100, 4, (128, 128, 1)) * np.ones(3), 0, 255).astype(np.uint8)
    gentle = apply(dull, [{"op": "clahe", "clip_limit": 1.5}])
    strong = apply(dull, [{"op": "clahe", "clip_limit": 6}])
    assert dull.std() * 1.2 < gentle.std() < strong.std()
    reference = cv2.createCLAHE(6.0, (8, 8)).apply(np.ascontiguousarray(dull[:, :, 0]))
    assert np.abs(strong[:, :, 0].astype(int) - reference).max() <= 1


def test_auto_levels_reaches_black_and_white_and_keeps_proportions():
    ramp = np.zeros((1, 101, 3), np.uint8)
    ramp[0, :, 0] = np.arange(50, 151)
    ramp[0, :, 1] = np.arange(50, 151)
    ramp[0, :, 2] = 100
    result = apply(ramp, [{"op": "auto_levels", "clip": 0}])
    assert result[0, 0, 0] == 0
    assert result[0, -1, 0] == 255
    assert (np.abs(result[0, :, 2].astype(int) - 128) <= 1).all()
    half = apply(ramp, [{"op": "auto_levels", "clip": 0, "strength": 0.5}])
    assert half[0, -1, 0] == pytest.approx((150 + 255) / 2, abs=1)


def test_invert_and_sepia():
    assert one({"op": "invert"}, (0, 100, 255)) == [[255, 155, 0]]
    assert one({"op": "sepia"}, (100, 100, 100)) == [[135, 120, 94]]
    assert one({"op": "sepia", "strength": 0.5}, (100, 100, 100)) == [[118, 110, 97]]


def test_channels_swap_gain_offset():
    assert one({"op": "channels", "order": "bgr"}, (10, 20, 30)) == [[30, 20, 10]]
    assert one(
        {"op": "channels", "order": "grb", "gain": [2, 1, 1], "offset": [0, 0, 0.2]}, (10, 20, 30)
    ) == [[40, 10, 81]]
    turned = one({"op": "channels", "space": "hsv", "offset": [1 / 3, 0, 0]}, (200, 0, 0), (0, 200, 0))
    assert turned == [[0, 200, 0], [0, 0, 200]]
    assert one({"op": "channels", "space": "hsv", "gain": [1, 0, 1]}, (200, 100, 0)) == [[200, 200, 200]]
    grey = one({"op": "channels", "space": "lab", "gain": [1, 0, 0]}, (200, 30, 90))
    assert np.ptp(grey[0]) <= 1
    no_black = one({"op": "channels", "space": "cmyk", "gain": [1, 1, 1, 0]}, (0, 0, 0), (100, 60, 0))
    assert no_black == [[255, 255, 255], [255, 153, 0]]


@pytest.mark.parametrize("space", ["hsv", "lab", "cmyk"])
def test_colour_spaces_round_trip(space, scene):
    picture = scene()
    tiny = [1e-6, 0, 0] if space != "cmyk" else [1e-6, 0, 0, 0]
    result = apply(picture, [{"op": "channels", "space": space, "offset": tiny}])
    assert np.abs(result.astype(int) - picture).max() <= 1


def test_channel_order_must_fit_the_space():
    for bad in ({"order": "rg"}, {"order": "rrr"}, {"order": "hsv"}, {"space": "cmyk", "order": "rgb"}):
        with pytest.raises(RecipeError) as caught:
            validate_recipe([{"op": "channels", **bad}])
        assert caught.value.parameter == "order"
    with pytest.raises(RecipeError) as caught:
        validate_recipe([{"op": "channels", "gain": [1, 1, 1, 2]}])
    assert caught.value.parameter == "gain"
