"""Validation names what is wrong; identities are lossless; the engine reports, stops and guards learned operations."""

from __future__ import annotations

import json
import subprocess
import sys
import types

import numpy as np
import pytest

from ml.enhance import (
    OPERATIONS,
    Cancelled,
    EnhanceContext,
    OperationFailed,
    RecipeError,
    apply,
    describe_operations,
    learned,
    validate_recipe,
)

BAD = [
    # recipe, index, op, parameter, accepted range, words of the message
    (
        [{"op": "exposure", "ev": 9}],
        0,
        "exposure",
        "ev",
        {"minimum": -5.0, "maximum": 5.0},
        "between -5 and 5",
    ),
    ([{"op": "exposure", "ev": True}], 0, "exposure", "ev", {"minimum": -5.0, "maximum": 5.0}, "a number"),
    (
        [{"op": "exposure", "ev": float("nan")}],
        0,
        "exposure",
        "ev",
        {"minimum": -5.0, "maximum": 5.0},
        "finite",
    ),
    ([{"op": "exposure", "ev": None}], 0, "exposure", "ev", {"minimum": -5.0, "maximum": 5.0}, "a number"),
    (
        [{"op": "flip"}, {"op": "clahe", "tiles": 2.5}],
        1,
        "clahe",
        "tiles",
        {"minimum": 1, "maximum": 32},
        "whole number",
    ),
    ([{"op": "clahe", "tiles": 1e400}], 0, "clahe", "tiles", {"minimum": 1, "maximum": 32}, "whole number"),
    (
        [{"op": "grayscale", "method": "avg"}],
        0,
        "grayscale",
        "method",
        {"choices": ["max", "mean", "weighted"]},
        "one of",
    ),
    (
        [{"op": "super_resolution", "scale": 5}],
        0,
        "super_resolution",
        "scale",
        {"choices": [2, 3, 4]},
        "2, 3, 4",
    ),
    (
        [{"op": "super_resolution", "scale": True}],
        0,
        "super_resolution",
        "scale",
        {"choices": [2, 3, 4]},
        "2, 3, 4",
    ),
    ([{"op": "rotate", "fill": "red"}], 0, "rotate", "fill", {"pattern": "#rgb or #rrggbb"}, "#rrggbb"),
    (
        [{"op": "noise", "monochrome": 1}],
        0,
        "noise",
        "monochrome",
        {"choices": [True, False]},
        "true or false",
    ),
    (
        [{"op": "channels", "gain": [1, 2]}],
        0,
        "channels",
        "gain",
        {"lengths": [3, 4], "minimum": -4.0, "maximum": 4.0},
        "list",
    ),
    (
        [{"op": "crop", "x": 0.6, "width": 0.5}],
        0,
        "crop",
        "width",
        {"minimum": 0.0005, "maximum": 0.4},
        "at most 0.4",
    ),
    ([{"op": "resize"}], 0, "resize", "width", {"minimum": 1, "maximum": 30000}, "must be given"),
]


@pytest.mark.parametrize(("recipe", "index", "op", "parameter", "accepted", "words"), BAD)
def test_rejection_names_parameter_and_range(recipe, index, op, parameter, accepted, words):
    with pytest.raises(RecipeError) as caught:
        validate_recipe(recipe)
    error = caught.value
    assert (error.index, error.op, error.parameter) == (index, op, parameter)
    assert error.range == accepted
    assert words in error.message
    assert error.as_json()["message"] == error.message
    json.dumps(error.as_json())


@pytest.mark.parametrize(
    ("name", "format"), [("jpg", "jpeg"), ("JPEG", "jpeg"), ("Jpg", "jpeg"), ("tif", "tiff"), ("PNG", "png")]
)
def test_formats_are_understood_as_people_write_them(name, format):
    recipe = validate_recipe([{"op": "output", "format": name}])
    assert recipe.output.format == recipe.as_json()[0]["format"] == format


@pytest.mark.parametrize("name", ["jp2", "", 3, ["jpg"]])
def test_other_formats_are_refused(name):
    with pytest.raises(RecipeError, match="format must be one of jpeg, png"):
        validate_recipe([{"op": "output", "format": name}])


def test_bounds_are_told_in_full():
    with pytest.raises(RecipeError, match="must be between 0 and 2147483647"):
        validate_recipe([{"op": "noise", "seed": -1}])
    with pytest.raises(RecipeError, match=r"must be between 0\.1 and 10\."):
        validate_recipe([{"op": "gamma", "gamma": 11}])


def test_every_bounded_parameter_rejects_beyond_its_bounds():
    checked = 0
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            if parameter.kind not in ("number", "integer"):
                continue
            for value in (parameter.low - 1, parameter.high + 1):
                with pytest.raises(RecipeError) as caught:
                    validate_recipe([{"op": operation.name, parameter.name: value}])
                assert (caught.value.op, caught.value.parameter) == (operation.name, parameter.name)
                assert caught.value.range == {"minimum": parameter.low, "maximum": parameter.high}
                checked += 1
    assert checked > 60


@pytest.mark.parametrize(
    ("recipe", "parameter", "suggestion"),
    [
        ([{"op": "sharpn"}], "op", "sharpen"),
        ([{"op": "sharpen", "ammount": 1}], "ammount", "amount"),
        ([{"op": "histogram_equalise"}], "op", "histogram_equalize"),
    ],
)
def test_unknown_names_suggest_the_nearest(recipe, parameter, suggestion):
    with pytest.raises(RecipeError) as caught:
        validate_recipe(recipe)
    assert caught.value.parameter == parameter
    assert suggestion in caught.value.suggestions
    assert suggestion in caught.value.message


@pytest.mark.parametrize(
    "recipe", [None, {}, "flip", [3], ["flip"], [{}], [{"op": 3}], [{"op": None}], [[]], [{"op": []}]]
)
def test_wrong_shapes_are_rejected(recipe):
    with pytest.raises(RecipeError):
        validate_recipe(recipe)


def test_limits_on_steps_and_pixels():
    validate_recipe([{"op": "flip"}] * 40)
    with pytest.raises(RecipeError, match="at most 40"):
        validate_recipe([{"op": "flip"}] * 41)
    grow = [{"op": "flip"}, {"op": "stretch", "horizontal": 8, "vertical": 8}]
    validate_recipe(grow, size=(1000, 1000))
    with pytest.raises(RecipeError) as caught:
        validate_recipe(grow, size=(2000, 2000))
    assert caught.value.index == 1
    assert caught.value.range == {"maximum_pixels": 120_000_000}
    with pytest.raises(RecipeError):
        apply(np.zeros((1500, 1500, 3), np.uint8), grow)


def test_output_only_comes_last():
    recipe = validate_recipe([{"op": "flip"}, {"op": "output", "format": "webp", "quality": 70}])
    assert (recipe.output.format, recipe.output.quality) == ("webp", 70)
    assert validate_recipe([]).output.format is None
    with pytest.raises(RecipeError, match="last"):
        validate_recipe([{"op": "output"}, {"op": "flip"}])


def test_perspective_rejects_folded_points():
    crossed = [[0, 0], [1, 1], [1, 0], [0, 1]]
    mirrored = [[1, 0], [0, 0], [0, 1], [1, 1]]
    for points in (crossed, mirrored, [[0, 0]] * 4):
        with pytest.raises(RecipeError) as caught:
            validate_recipe([{"op": "perspective", "points": points}])
        assert caught.value.parameter == "points"


IDENTITIES = [
    {"op": "rotate", "angle": 0},
    {"op": "rotate", "angle": -360},
    {"op": "crop"},
    {"op": "resize", "width": 60},
    {"op": "resize", "max_side": 4000},
    {"op": "stretch"},
    {"op": "perspective"},
    {"op": "exposure"},
    {"op": "contrast"},
    {"op": "brightness"},
    {"op": "gamma"},
    {"op": "white_balance"},
    {"op": "saturation"},
    {"op": "histogram_equalize", "strength": 0},
    {"op": "clahe", "strength": 0},
    {"op": "auto_levels", "strength": 0},
    {"op": "channels", "space": "lab"},
    {"op": "sepia", "strength": 0},
    {"op": "smooth", "radius": 0},
    {"op": "sharpen", "amount": 0},
    {"op": "denoise", "strength": 0},
    {"op": "noise", "amount": 0},
    {"op": "morphology", "radius": 0},
    {"op": "dehaze", "strength": 0},
    {"op": "auto_enhance", "strength": 0},
    {"op": "output", "format": "png"},
]


@pytest.mark.parametrize("step", IDENTITIES, ids=lambda step: step["op"])
def test_identity_is_lossless(step, scene):
    hidden = np.dstack([scene(), scene(seed=4)[:, :, 0]])
    hidden[:10, :, 3] = 0
    assert np.array_equal(apply(hidden, [step]), hidden)


def test_inverse_chain_loses_nothing_in_between(scene):
    """Eight bits would lose most of the shadows here; floats between steps do not."""
    picture = scene()
    result = apply(picture, [{"op": "exposure", "ev": -4}, {"op": "exposure", "ev": 4}])
    assert np.abs(result.astype(int) - picture).max() <= 1


def test_alpha_is_left_alone_by_tone_colour_and_filters(scene):
    picture = np.dstack([scene(), scene(seed=9)[:, :, 0]])
    for operation in OPERATIONS.values():
        if operation.kind in ("tone", "colour", "filter"):
            step = {"op": operation.name}
            first = operation.parameters[0] if operation.parameters else None
            if first and first.kind == "number":
                step[first.name] = first.high * 0.5
            assert np.array_equal(apply(picture, [step])[:, :, 3], picture[:, :, 3]), operation.name


def test_hidden_colours_do_not_bleed():
    """A red square on transparent green: blurring or resizing must not show green."""
    picture = np.zeros((40, 40, 4), np.uint8)
    picture[:, :, 1] = 255
    picture[10:30, 10:30] = (255, 0, 0, 255)
    for step in ({"op": "smooth", "radius": 8}, {"op": "resize", "width": 23}, {"op": "rotate", "angle": 20}):
        result = apply(picture, [step])
        visible = result[result[:, :, 3] > 0]
        assert visible[:, 1].max() <= 2, step
        assert visible[:, 0].min() >= 250, step


def test_statistics_ignore_hidden_pixels():
    picture = np.zeros((20, 20, 4), np.uint8)
    picture[:, :, :3] = 255
    picture[:10, :, :3] = np.linspace(100, 150, 20).astype(np.uint8)[None, :, None]
    picture[:10, :, 3] = 255
    result = apply(picture, [{"op": "auto_levels", "clip": 0}])
    assert result[:10, :, 0].min() == 0
    assert result[:10, :, 0].max() == 255


def test_progress_rises_to_one_and_cancel_stops(scene):
    seen: list[float] = []
    context = EnhanceContext(band_pixels=1)
    steps = [{"op": "denoise"}, {"op": "smooth", "method": "median", "radius": 3}]
    apply(scene(64, 600), steps, progress=seen.append, context=context)
    assert len(seen) > 5
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
    calls = iter([False, False, False])
    with pytest.raises(Cancelled):
        apply(scene(64, 600), steps, cancelled=lambda: next(calls, True), context=context)


@pytest.mark.parametrize(
    "bad", [np.zeros((4, 4, 2), np.uint8), np.zeros((0, 4, 3), np.uint8), np.zeros((4, 4, 3))]
)
def test_pictures_of_wrong_form_are_refused(bad):
    with pytest.raises(ValueError, match="picture must"):
        apply(bad, [])


@pytest.fixture
def network(monkeypatch):
    """Replace the implementation of a learned operation by a function of the test."""

    def install(name, function):
        module = types.ModuleType("network_of_the_test")
        module.run = function
        monkeypatch.setitem(sys.modules, module.__name__, module)
        monkeypatch.setitem(learned.IMPLEMENTATIONS, name, "network_of_the_test:run")

    return install


def test_learned_operation_gets_rgb_floats_and_alpha_grows_with_the_picture(network, scene):
    seen = {}

    def enlarge(image, params, context):
        seen.update(shape=image.shape, dtype=image.dtype, params=dict(params))
        context.report(0.5)
        return np.repeat(np.repeat(image, params["scale"], 0), params["scale"], 1) * 1.5

    network("super_resolution", enlarge)
    picture = np.dstack([scene(), np.full((40, 60), 128, np.uint8)])
    recipe = validate_recipe([{"op": "super_resolution", "scale": 3}])
    result = apply(picture, recipe)
    assert seen["shape"] == (40, 60, 3)
    assert seen["dtype"] == np.float32
    assert seen["params"] == {"scale": 3, "model": "faithful"}
    assert recipe.predict_size(60, 40) == (180, 120)
    assert result.shape == (120, 180, 4)
    assert (result[:, :, 3] == 128).all()
    assert recipe.uses_networks


@pytest.mark.parametrize("name", ["super_resolution", "low_light", "dehaze", "auto_enhance"])
def test_a_grey_picture_gets_no_colours_from_a_network(name, network, scene):
    """A network that tints: red and blue drift apart, as the real ones' rounding and training make them."""

    def tint(image, params, context):
        large = np.repeat(np.repeat(image, params.get("scale", 1), 0), params.get("scale", 1), 1)
        return np.clip(large + np.float32([0.1, 0.0, -0.1]), 0, 1)

    network(name, tint)
    grey = np.repeat(scene()[:, :, :1], 3, axis=2)
    made = apply(grey, [{"op": name}])
    assert (np.ptp(made, axis=2) == 0).all()
    assert np.ptp(apply(scene(), [{"op": name}])[:, :, ::2], axis=2).max() > 20, "colours were taken away"
    half = grey.copy()
    half[20:, :, 0] //= 2
    assert np.ptp(apply(half, [{"op": name}]), axis=2).max() > 20, "a picture grey at its top is not grey"


@pytest.mark.parametrize("wrong", [lambda i, p, c: i[:-1], lambda i, p, c: i * np.nan, lambda i, p, c: None])
def test_wrong_results_of_networks_are_errors(network, scene, wrong):
    network("low_light", wrong)
    with pytest.raises(OperationFailed, match="low_light"):
        apply(scene(), [{"op": "low_light"}])


def test_missing_network_module_is_a_clear_error(monkeypatch, scene):
    monkeypatch.setitem(learned.IMPLEMENTATIONS, "dehaze", "ml.enhance.not_there:dehaze")
    assert not learned.available("dehaze")
    with pytest.raises(OperationFailed, match="dehaze: this installation cannot run it"):
        apply(scene(), [{"op": "dehaze"}])


def test_style_needs_exactly_one_source_that_exists():
    for bad in ({}, {"preset": "no-such-painting"}, {"preset": "starry-night", "photo": "0192"}):
        with pytest.raises(RecipeError) as caught:
            validate_recipe([{"op": "style", **bad}])
        assert caught.value.parameter == "preset"
    validate_recipe([{"op": "style", "preset": "starry-night"}])


def test_description_is_complete_json_in_both_languages():
    english, chinese = describe_operations("en"), describe_operations("zh-CN")
    assert json.loads(json.dumps(english)) == english
    assert [op["name"] for op in english] == list(OPERATIONS)
    for one, other in zip(english, chinese, strict=True):
        assert one["title"]
        assert one["title"] != other["title"]
        assert one["seconds_per_megapixel"] > 0
        assert any("\u4e00" <= letter <= "\u9fff" for letter in other["description"])
        for parameter, translated in zip(one["parameters"], other["parameters"], strict=True):
            assert parameter["description"]
            assert any("\u4e00" <= letter <= "\u9fff" for letter in translated["description"]), translated


def test_every_default_is_accepted_and_kept():
    for operation in OPERATIONS.values():
        for parameter in operation.parameters:
            assert parameter.read(parameter.default) == parameter.default, (operation.name, parameter.name)


def test_the_package_imports_no_network_library():
    heavy = "('torch', 'onnxruntime', 'app')"
    code = f"import sys, ml.enhance, ml.enhance.auto; print([m for m in {heavy} if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == "[]\n"
