"""Any valid recipe on any accepted picture: the predicted size, no exception, the same answer twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ml.enhance import OPERATIONS, EnhanceContext, apply, decode, encode, validate_recipe

CLASSICAL = [op for op in OPERATIONS.values() if op.kind not in ("learned", "output")]
# Sizes that would make the test slow, not the engine wrong.
NARROWED = {
    ("resize", "width"): (1, 120),
    ("resize", "height"): (1, 120),
    ("resize", "max_side"): (1, 120),
    ("stretch", "horizontal"): (0.05, 2.0),
    ("stretch", "vertical"): (0.05, 2.0),
}
KINDS = ("RGB", "RGBA", "L", "LA", "1", "P", "P-transparent", "I;16", "I;16-tiff", "CMYK", "YCbCr", "GIF")
SIDES = st.one_of(st.just(1), st.integers(1, 40))


def values(operation: str, parameter: Any) -> st.SearchStrategy[Any]:
    low, high = NARROWED.get((operation, parameter.name), (parameter.low, parameter.high))
    strategies: dict[str, Any] = {
        "number": lambda: st.one_of(st.floats(low, high), st.sampled_from([low, high])),
        "integer": lambda: st.integers(int(low), int(high)),
        "choice": lambda: st.sampled_from(parameter.choices),
        "boolean": st.booleans,
        "colour": lambda: st.from_regex(r"#[0-9a-f]{6}", fullmatch=True),
        "numbers": lambda: st.lists(st.floats(low, high), min_size=3, max_size=3),
    }
    return strategies[parameter.kind]()


@st.composite
def steps(draw: Any) -> dict[str, Any]:
    operation = draw(st.sampled_from(CLASSICAL))
    step: dict[str, Any] = {"op": operation.name}
    for parameter in operation.parameters:
        if parameter.kind in ("points", "text") or not draw(st.booleans()):
            continue
        step[parameter.name] = draw(values(operation.name, parameter))
    if operation.name == "crop":
        for start, extent in (("x", "width"), ("y", "height")):
            room = 1.0 - step.get(start, 0.0)
            step[extent] = min(step.get(extent, 1.0), room)
    if operation.name == "resize" and not {"width", "height", "max_side"} & step.keys():
        step["max_side"] = draw(st.integers(1, 100))
    if operation.name == "perspective":
        corner = st.floats(-0.2, 0.3)
        step["points"] = [
            [x + (draw(corner) if x == 0 else -draw(corner)), y + (draw(corner) if y == 0 else -draw(corner))]
            for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))
        ]
    if operation.name == "channels":
        space = step.get("space", "rgb")
        step["order"] = "".join(draw(st.permutations(space)))
        step["gain"] = draw(st.lists(st.floats(-4, 4), min_size=len(space), max_size=len(space)))
    return step


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    recipe=st.lists(steps(), max_size=4),
    kind=st.sampled_from(KINDS),
    width=SIDES,
    height=SIDES,
    seed=st.integers(0, 3),
    form=st.sampled_from(["png", "jpeg", "webp", "gif", "bmp", "tiff"]),
)
def test_any_recipe_on_any_picture(recipe, kind, width, height, seed, form, picture_file):
    picture = decode(picture_file(kind, width, height, seed))
    before = picture.pixels.copy()
    checked = validate_recipe([*recipe, {"op": "output", "format": form}], size=(width, height))

    result = apply(picture.pixels, checked)

    expected = checked.predict_size(width, height)
    assert (result.shape[1], result.shape[0]) == expected
    assert result.dtype == picture.pixels.dtype
    assert result.shape[2] == picture.pixels.shape[2]
    assert np.isfinite(result).all()
    assert result.min() >= 0
    if result.dtype == np.float32:
        assert result.max() <= 1
    assert np.array_equal(before, picture.pixels), "the input was changed"
    assert np.array_equal(apply(picture.pixels, checked), result), "not deterministic"
    written = decode(encode(result, checked.output, picture.source))
    assert (written.pixels.shape[1], written.pixels.shape[0]) == expected


LEARNED: tuple[dict[str, Any], ...] = (
    {"op": "low_light"},
    {"op": "dehaze", "strength": 1.0},
    {"op": "super_resolution", "scale": 2},
    {"op": "super_resolution", "scale": 3, "model": "cleanup"},
    {"op": "style", "preset": "udnie", "model": "fast", "strength": 0.7},
    {"op": "style", "preset": "great-wave", "model": "fast", "keep_color": True},
    {"op": "auto_enhance"},
)
NETWORKS = (
    "light/curve@albumen",
    "haze/air@albumen",
    "superres/span-x2-ch48@span",
    "superres/srvgg-x4@animevideov3",
    "style/decoder@albumen",
    "style/painters@albumen",
)


@pytest.mark.weights
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(step=st.sampled_from(LEARNED), kind=st.sampled_from(KINDS), width=SIDES, height=SIDES)
def test_any_learned_operation_on_any_picture(step, kind, width, height, picture_file, fetched):
    picture = decode(picture_file(kind, width, height, 1))
    before = picture.pixels.copy()
    recipe = validate_recipe([step], size=(width, height))
    context = EnhanceContext(models_dir=fetched(*NETWORKS))

    result = apply(picture.pixels, recipe, context=context)

    assert (result.shape[1], result.shape[0]) == recipe.predict_size(width, height)
    assert (result.dtype, result.shape[2]) == (picture.pixels.dtype, picture.pixels.shape[2])
    assert np.isfinite(result).all()
    assert np.array_equal(before, picture.pixels), "the input was changed"
    assert np.array_equal(apply(picture.pixels, recipe, context=context), result), "not deterministic"


@settings(max_examples=60, deadline=None)
@given(recipe=st.lists(steps(), max_size=5))
def test_canonical_form_is_a_fixed_point(recipe):
    checked = validate_recipe(recipe)
    again = validate_recipe(checked.as_json())
    assert again.as_json() == checked.as_json()
    assert [step["op"] for step in recipe] == [step.operation.name for step in again.steps]


TILED = [
    {"op": "exposure", "ev": 1.0},
    {"op": "saturation", "amount": 0.5},
    {"op": "histogram_equalize"},
    {"op": "auto_levels", "clip": 3.0},
    {"op": "white_balance", "auto": True},
    {"op": "channels", "space": "lab", "offset": [0.1, 0.1, 0.0]},
    {"op": "smooth", "method": "gaussian", "radius": 9.0},
    {"op": "smooth", "method": "mean", "radius": 4.0},
    {"op": "smooth", "method": "median", "radius": 4.0},
    {"op": "smooth", "method": "bilateral", "radius": 4.0},
    {"op": "smooth", "method": "bilateral", "radius": 30.0},
    {"op": "sharpen", "radius": 3.0},
    {"op": "sharpen", "method": "laplacian"},
    {"op": "denoise", "strength": 0.7, "color": 0.7},
    {"op": "noise", "seed": 5},
    {"op": "noise", "method": "salt_pepper", "amount": 0.2, "seed": 5},
    {"op": "edges", "radius": 1.0},
    {"op": "edges", "method": "canny"},
    {"op": "morphology", "method": "close", "radius": 5},
    {"op": "clahe"},
]


@pytest.mark.parametrize("step", TILED, ids=lambda step: f"{step['op']}-{step.get('method', '')}")
def test_bands_equal_the_whole(step, scene):
    picture = scene(101, 397).astype(np.float32) / 255
    whole = apply(picture, [step], context=EnhanceContext(band_pixels=1 << 30))
    banded = apply(picture, [step], context=EnhanceContext(band_pixels=1))
    assert not np.array_equal(whole, picture)
    assert np.abs(whole - banded).max() < 2e-5


def test_scaled_preview_looks_like_the_shrunk_result(scene):
    picture = scene(400, 300)
    recipe = validate_recipe([{"op": "smooth", "radius": 16}, {"op": "resize", "width": 200}])
    full = apply(picture, recipe)
    small = apply(picture, [{"op": "resize", "width": 100}])
    preview = apply(small, recipe, context=replace(EnhanceContext(), scale=0.25))
    assert preview.shape == (38, 50, 3)
    shrunk = apply(full, [{"op": "resize", "width": 50}])
    assert np.abs(preview.astype(int) - shrunk).mean() < 3
    unscaled = apply(apply(small, [{"op": "smooth", "radius": 16}]), [{"op": "resize", "width": 50}])
    assert np.abs(unscaled.astype(int) - shrunk).mean() > 6
