"""Known results of moving pixels."""

from __future__ import annotations

import numpy as np
import pytest

from ml.enhance import apply, validate_recipe
from ml.enhance.classical import geometry


def test_quarter_turns_are_exact_and_clockwise(scene):
    picture = scene()
    turned = apply(picture, [{"op": "rotate", "angle": 90}])
    assert np.array_equal(turned, np.rot90(picture, -1))
    assert np.array_equal(turned[0, -1], picture[0, 0])
    assert np.array_equal(apply(picture, [{"op": "rotate", "angle": 90}] * 4), picture)
    assert np.array_equal(apply(picture, [{"op": "rotate", "angle": -90}]), np.rot90(picture))
    assert np.array_equal(apply(picture, [{"op": "rotate", "angle": 180}]), picture[::-1, ::-1])


def test_flip_twice_is_identity(scene):
    picture = scene()
    assert np.array_equal(apply(picture, [{"op": "flip"}]), picture[:, ::-1])
    vertical = {"op": "flip", "direction": "vertical"}
    assert np.array_equal(apply(picture, [vertical]), picture[::-1])
    assert np.array_equal(apply(picture, [vertical, vertical]), picture)


@pytest.mark.parametrize("angle", [10, -25, 45, 80, 135, 260])
def test_free_rotation_there_and_back_keeps_the_middle(angle, scene):
    picture = scene(120, 90)
    result = apply(picture, [{"op": "rotate", "angle": angle}, {"op": "rotate", "angle": -angle}])
    top, left = (result.shape[0] - 90) // 2, (result.shape[1] - 120) // 2
    middle = result[top + 20 : top + 70, left + 20 : left + 100].astype(int)
    blurred = apply(picture, [{"op": "smooth", "radius": 1.5}]).astype(int)
    difference = np.abs(middle - blurred[20:70, 20:100]).mean()
    shifted = np.abs(middle - blurred[23:73, 23:103]).mean()
    assert difference < 8
    assert difference < shifted / 2


@pytest.mark.parametrize("angle", [3, -17, 44, 45, 89, 120, 200])
@pytest.mark.parametrize("size", [(90, 60), (60, 90), (200, 10), (64, 64)])
def test_crop_frame_has_no_empty_corner_and_expand_keeps_all(angle, size, scene):
    white = np.full((size[1], size[0], 3), 255, np.uint8)
    cropped = apply(white, [{"op": "rotate", "angle": angle, "frame": "crop", "fill": "#000000"}])
    assert (cropped == 255).all()
    coverage = np.full((size[1], size[0], 4), 255, np.uint8)
    corners = apply(coverage, [{"op": "rotate", "angle": angle, "frame": "crop"}])
    assert corners[:, :, 3].min() == 255
    expanded = apply(white, [{"op": "rotate", "angle": angle, "fill": "#000000"}])
    kept = (expanded[:, :, 0].astype(float) / 255).sum()
    assert kept == pytest.approx(size[0] * size[1], rel=0.02)


def test_crop_takes_the_named_pixels(scene):
    picture = scene()
    result = apply(picture, [{"op": "crop", "x": 0.25, "y": 0.5, "width": 0.5, "height": 0.25}])
    assert np.array_equal(result, picture[20:30, 15:45])


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"width": 30}, (30, 20)),
        ({"height": 80}, (120, 80)),
        ({"width": 30, "height": 30}, (30, 20)),
        ({"width": 120, "enlarge": False}, (60, 40)),
        ({"max_side": 15}, (15, 10)),
        ({"max_side": 500}, (60, 40)),
        ({"width": 120, "max_side": 90}, (90, 60)),
        ({"width": 1}, (1, 1)),
    ],
)
def test_resize_sizes(step, expected, scene):
    recipe = validate_recipe([{"op": "resize", **step}])
    assert recipe.predict_size(60, 40) == expected
    assert apply(scene(), recipe).shape[1::-1] == expected


def test_resize_does_not_alias_and_keeps_the_mean():
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 255
    small = apply(stripes, [{"op": "resize", "width": 16}])
    assert np.abs(small[:, 1:-1].astype(int) - 127).max() <= 3
    nearest = apply(stripes, [{"op": "stretch", "horizontal": 2, "method": "nearest"}])
    assert np.array_equal(nearest, np.repeat(stripes, 2, axis=1))


def test_perspective_takes_a_rectangle_like_crop_does(scene):
    picture = scene()
    points = [[0.25, 0.5], [0.75, 0.5], [0.75, 0.75], [0.25, 0.75]]
    result = apply(picture, [{"op": "perspective", "points": points}])
    assert np.array_equal(result, picture[20:30, 15:45])


def test_perspective_straightens_a_drawn_page():
    """Project a chequered page onto a trapezium with the inverse map, then take it back."""
    page = np.kron(np.indices((4, 4)).sum(axis=0) % 2, np.ones((20, 20)))[:, :, None].repeat(3, axis=2)
    corners = np.array([[30, 20], [90, 30], [110, 100], [10, 90]], float)
    unit = np.array([[0, 0], [80, 0], [80, 80], [0, 80]], float)
    back = geometry._homography(corners, unit)
    y, x = np.mgrid[0:120, 0:120] + 0.5
    u, v, w = np.tensordot(back, np.stack([x, y, np.ones_like(x)]), axes=1)
    u, v = u / w, v / w
    inside = (u >= 0) & (u < 80) & (v >= 0) & (v < 80)
    photo = np.full((120, 120, 3), 0.5, np.float32)
    photo[inside] = page[v[inside].astype(int), u[inside].astype(int)]
    points = (corners / 120).tolist()
    result = apply(photo, [{"op": "perspective", "points": points}])
    height, width = result.shape[:2]
    for row in range(4):
        for column in range(4):
            cell = result[int((row + 0.5) * height / 4), int((column + 0.5) * width / 4), 0]
            assert cell == pytest.approx((row + column) % 2, abs=0.05)


def test_pictures_too_long_for_opencv_are_warped_alike(monkeypatch, scene):
    picture = scene(200, 100)
    for step in (
        {"op": "rotate", "angle": 12, "frame": "crop"},
        {"op": "perspective", "points": [[0.1, 0.1], [0.9, 0.0], [1, 1], [0, 0.9]]},
    ):
        usual = apply(picture, [step]).astype(int)
        monkeypatch.setattr(geometry, "WARP_LIMIT", 10)
        other = apply(picture, [step]).astype(int)
        monkeypatch.undo()
        # Two bicubic kernels (a = -0.75 and -0.5): equal but for sharpness, and the outermost pixels.
        assert np.abs(usual - other)[3:-3, 3:-3].mean() < 2.5


def test_a_panorama_longer_than_the_warp_limit():
    long = np.full((6, geometry.WARP_LIMIT + 500, 3), 200, np.uint8)
    result = apply(long, [{"op": "rotate", "angle": 0.01, "frame": "crop"}])
    assert (result == 200).all()


def test_transparent_pictures_get_transparent_corners(scene):
    picture = np.dstack([scene(), np.full((40, 60), 255, np.uint8)])
    result = apply(picture, [{"op": "rotate", "angle": 30, "fill": "#ff0000"}])
    assert result[0, 0, 3] == 0
    assert result[result.shape[0] // 2, result.shape[1] // 2, 3] == 255
    opaque = apply(picture[:, :, :3], [{"op": "rotate", "angle": 30, "fill": "#ff0000"}])
    assert tuple(opaque[0, 0]) == (255, 0, 0)
