"""Operations that move pixels: turn, mirror, crop, resize, stretch, perspective.

Pictures arrive as ``(H, W, 3) float32``, or ``(H, W, 4)`` with colours premultiplied by alpha so that
transparent edges do not bleed. Operations that are ``lossless`` for their parameters work on any dtype.
"""

from __future__ import annotations

import math
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ml.enhance.operation import (
    Call,
    Operation,
    Parameter,
    Params,
    Pixels,
    Size,
    Text,
    ValueRejected,
    colour_values,
)

# OpenCV's warps keep coordinates in 16 bits; beyond this the slower Pillow transform is used.
WARP_LIMIT = 32_000
FULL_FRAME = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
_FILL = Parameter(
    "fill",
    "colour",
    Text(
        "Colour of what lies outside the picture; pictures with transparency become transparent there.",
        "画面之外区域的填充色；带透明通道的图片在此处变为透明。",
    ),
    "#000000",
)


def _quarters(angle: float) -> int | None:
    """How many clockwise quarter turns an angle is, or None when it is not a multiple of 90 degrees."""
    turns = (angle % 360.0) / 90.0
    return int(turns) % 4 if turns == int(turns) else None


def _largest_inside(width: float, height: float, angle: float) -> tuple[float, float]:
    """Sides of the largest upright rectangle that fits in a ``width`` x ``height`` rectangle turned by
    ``angle``.
    """
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    long_side, short_side = max(width, height), min(width, height)
    if short_side <= 2.0 * sine * cosine * long_side or abs(sine - cosine) < 1e-9:
        # Only the two long sides limit it: its corners touch them at their middle.
        half = 0.5 * short_side
        along, across = half / sine, half / cosine
        return (along, across) if width >= height else (across, along)
    spread = cosine * cosine - sine * sine
    return (width * cosine - height * sine) / spread, (height * cosine - width * sine) / spread


def _rotate_size(width: int, height: int, params: Params) -> Size:
    turns = _quarters(params["angle"])
    if turns is not None:
        return (height, width) if turns % 2 else (width, height)
    angle = math.radians(params["angle"])
    if params["frame"] == "crop":
        inner = _largest_inside(width, height, angle)
        return max(1, math.floor(inner[0] + 1e-6)), max(1, math.floor(inner[1] + 1e-6))
    sine, cosine = abs(math.sin(angle)), abs(math.cos(angle))
    return (
        max(1, math.ceil(width * cosine + height * sine - 1e-6)),
        max(1, math.ceil(width * sine + height * cosine - 1e-6)),
    )


def _warp(image: Pixels, matrix: NDArray[np.float64], size: Size, fill: tuple[float, ...] | None) -> Pixels:
    """Resample bicubically: ``matrix`` (3, 3) takes output to input pixel centres; ``fill`` None repeats the
    border.
    """
    channels = image.shape[2]
    if max(*image.shape[:2], *size) < WARP_LIMIT:
        border = cv2.BORDER_REPLICATE if fill is None else cv2.BORDER_CONSTANT
        value = (*(fill or (0.0,) * channels), 0.0)[:4]
        flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
        warped = cv2.warpPerspective(image, matrix, size, flags=flags, borderMode=border, borderValue=value)
        return np.clip(warped.reshape(size[1], size[0], channels), 0.0, 1.0)
    # Pillow counts from pixel corners and takes the eight free coefficients.
    corner = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    shifted = np.linalg.inv(corner) @ matrix @ corner
    coefficients = tuple((shifted / shifted[2, 2]).ravel()[:8])
    result = np.empty((size[1], size[0], channels), np.float32)
    for c in range(channels):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, c]))
        method, resample = Image.Transform.PERSPECTIVE, Image.Resampling.BICUBIC
        outside = fill[c] if fill else 0.0
        moved = plane.transform(size, method, coefficients, resample=resample, fillcolor=outside)
        result[:, :, c] = np.asarray(moved)
    return np.clip(result, 0.0, 1.0)


def _outside(params: Params, call: Call) -> tuple[float, ...]:
    return (0.0, 0.0, 0.0, 0.0) if call.has_alpha else colour_values(params["fill"])


def _rotate(image: Any, params: Params, call: Call) -> Any:
    turns = _quarters(params["angle"])
    if turns is not None:
        return np.ascontiguousarray(np.rot90(image, -turns))
    height, width = image.shape[:2]
    out_width, out_height = _rotate_size(width, height, params)
    angle = math.radians(params["angle"])
    sine, cosine = math.sin(angle), math.cos(angle)
    turn = np.array([[cosine, sine, 0.0], [-sine, cosine, 0.0], [0.0, 0.0, 1.0]])
    matrix = (
        _shift((width - 1) / 2, (height - 1) / 2) @ turn @ _shift(-(out_width - 1) / 2, -(out_height - 1) / 2)
    )
    fill = None if params["frame"] == "crop" else _outside(params, call)
    return _warp(image, matrix, (out_width, out_height), fill)


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1.0, 0.0, x], [0.0, 1.0, y], [0.0, 0.0, 1.0]])


def _flip(image: Any, params: Params, call: Call) -> Any:
    axis = 1 if params["direction"] == "horizontal" else 0
    return np.ascontiguousarray(np.flip(image, axis))


def _crop_box(width: int, height: int, params: Params) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels; at least one pixel whatever the picture."""
    left = min(width - 1, math.floor(params["x"] * width + 0.5))
    top = min(height - 1, math.floor(params["y"] * height + 0.5))
    right = math.floor((params["x"] + params["width"]) * width + 0.5)
    bottom = math.floor((params["y"] + params["height"]) * height + 0.5)
    return left, top, min(width, max(left + 1, right)), min(height, max(top + 1, bottom))


def _crop_size(width: int, height: int, params: Params) -> Size:
    left, top, right, bottom = _crop_box(width, height, params)
    return right - left, bottom - top


def _crop(image: Any, params: Params, call: Call) -> Any:
    left, top, right, bottom = _crop_box(image.shape[1], image.shape[0], params)
    return np.ascontiguousarray(image[top:bottom, left:right])


def _check_crop(params: Params) -> None:
    for start, extent in (("x", "width"), ("y", "height")):
        room = 1.0 - params[start]
        if params[extent] > room + 1e-6:
            message = f"must be at most {room:g}, because {start} is {params[start]:g}"
            raise ValueRejected(message, extent, {"minimum": 0.0005, "maximum": room})


def _resize_size(width: int, height: int, params: Params) -> Size:
    limits = [
        wanted / have for wanted, have in ((params["width"], width), (params["height"], height)) if wanted
    ]
    factor = min(limits, default=1.0)
    if limits and not params["enlarge"]:
        factor = min(factor, 1.0)
    if params["max_side"]:
        factor = min(factor, params["max_side"] / max(width, height))
    return max(1, math.floor(width * factor + 0.5)), max(1, math.floor(height * factor + 0.5))


def _check_resize(params: Params) -> None:
    if not (params["width"] or params["height"] or params["max_side"]):
        accepted = {"minimum": 1, "maximum": 30_000}
        raise ValueRejected("must be given, or height, or max_side", "width", accepted)


def _stretch_size(width: int, height: int, params: Params) -> Size:
    return (
        max(1, math.floor(width * params["horizontal"] + 0.5)),
        max(1, math.floor(height * params["vertical"] + 0.5)),
    )


def resample(image: Pixels, size: Size, method: str = "lanczos") -> Pixels:
    """Resize to ``(width, height)`` with a filter widened when shrinking (no aliasing); plane by plane in
    float.
    """
    if (image.shape[1], image.shape[0]) == size:
        return image
    filters = {
        "lanczos": Image.Resampling.LANCZOS,
        "bicubic": Image.Resampling.BICUBIC,
        "bilinear": Image.Resampling.BILINEAR,
        "area": Image.Resampling.BOX,
        "nearest": Image.Resampling.NEAREST,
    }
    result = np.empty((size[1], size[0], image.shape[2]), np.float32)
    for c in range(image.shape[2]):
        plane = Image.fromarray(np.ascontiguousarray(image[:, :, c]))
        result[:, :, c] = np.asarray(plane.resize(size, filters[method]))
    return np.clip(result, 0.0, 1.0, out=result)


def _resize(image: Pixels, params: Params, call: Call) -> Pixels:
    return resample(image, _resize_size(image.shape[1], image.shape[0], params), params["method"])


def _stretch(image: Pixels, params: Params, call: Call) -> Pixels:
    return resample(image, _stretch_size(image.shape[1], image.shape[0], params), params["method"])


def _perspective_size(width: int, height: int, params: Params) -> Size:
    corners = [(x * width, y * height) for x, y in params["points"]]
    sides = [math.dist(corners[i], corners[(i + 1) % 4]) for i in range(4)]
    return (
        max(1, math.floor(max(sides[0], sides[2]) + 0.5)),
        max(1, math.floor(max(sides[1], sides[3]) + 0.5)),
    )


def _perspective(image: Pixels, params: Params, call: Call) -> Pixels:
    height, width = image.shape[:2]
    out_width, out_height = _perspective_size(width, height, params)
    source = np.array(params["points"]) * (width, height)
    target = np.array(FULL_FRAME) * (out_width, out_height)
    # Points are edges of the picture, warps count from the middle of pixels: half a pixel apart.
    matrix = _shift(-0.5, -0.5) @ _homography(target, source) @ _shift(0.5, 0.5)
    return _warp(image, matrix, (out_width, out_height), _outside(params, call))


def _homography(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The 3 x 3 projective map that takes four points to four others."""
    rows, values = [], []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return np.append(np.linalg.solve(np.array(rows), np.array(values)), 1.0).reshape(3, 3)


def _check_perspective(params: Params) -> None:
    points = params["points"]
    for i in range(4):
        (ax, ay), (bx, by), (cx, cy) = points[i], points[(i + 1) % 4], points[(i + 2) % 4]
        if (bx - ax) * (cy - by) - (by - ay) * (cx - bx) < 1e-4:
            message = "must be the corners of a convex area: top left, top right, bottom right, bottom left"
            raise ValueRejected(message, "points")


_METHOD = Parameter(
    "method",
    "choice",
    Text(
        "Resampling filter; lanczos is sharpest, nearest keeps hard pixels.",
        "重采样滤波器；lanczos 最清晰，nearest 保留硬像素。",
    ),
    "lanczos",
    choices=("lanczos", "bicubic", "bilinear", "area", "nearest"),
)


def _pixels(name: str, en: str, zh: str) -> Parameter:
    return Parameter(name, "integer", Text(en, zh), None, low=1, high=30_000, unit="px")


def _fraction(name: str, en: str, zh: str, default: float, low: float = 0.0, high: float = 1.0) -> Parameter:
    return Parameter(name, "number", Text(en, zh), default, low=low, high=high)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "rotate",
        "geometry",
        Text("Rotate", "旋转"),
        Text(
            "Turn the picture clockwise by any angle. Multiples of 90 degrees move pixels without "
            "resampling.",
            "将图片顺时针旋转任意角度；90 度的倍数只移动像素，不重采样。",
        ),
        (
            Parameter(
                "angle",
                "number",
                Text("Clockwise angle.", "顺时针角度。"),
                90.0,
                low=-360,
                high=360,
                unit="deg",
            ),
            Parameter(
                "frame",
                "choice",
                Text(
                    "expand keeps every corner and grows the picture; crop keeps the largest upright part "
                    "without corners.",
                    "expand 保留全部边角并扩大画面；crop 裁出不含空角的最大部分。",
                ),
                "expand",
                choices=("expand", "crop"),
            ),
            _FILL,
        ),
        cost=0.02,
        run=_rotate,
        size=_rotate_size,
        identity=lambda p: _quarters(p["angle"]) == 0,
        lossless=lambda p: _quarters(p["angle"]) is not None,
    ),
    Operation(
        "flip",
        "geometry",
        Text("Flip", "翻转"),
        Text("Mirror the picture.", "镜像翻转图片。"),
        (
            Parameter(
                "direction",
                "choice",
                Text(
                    "horizontal swaps left and right, vertical swaps top and bottom.",
                    "horizontal 左右互换，vertical 上下互换。",
                ),
                "horizontal",
                choices=("horizontal", "vertical"),
            ),
        ),
        cost=0.005,
        run=_flip,
        lossless=lambda p: True,
    ),
    Operation(
        "crop",
        "geometry",
        Text("Crop", "裁剪"),
        Text(
            "Keep a rectangle, given in fractions of the picture's width and height.",
            "保留一个矩形区域，坐标以图片宽高的比例表示。",
        ),
        (
            _fraction("x", "Left edge.", "左边缘。", 0.0, high=0.999),
            _fraction("y", "Top edge.", "上边缘。", 0.0, high=0.999),
            _fraction("width", "Width of the rectangle.", "矩形宽度。", 1.0, low=0.0005),
            _fraction("height", "Height of the rectangle.", "矩形高度。", 1.0, low=0.0005),
        ),
        cost=0.005,
        run=_crop,
        size=_crop_size,
        check=_check_crop,
        identity=lambda p: (p["x"], p["y"], p["width"], p["height"]) == (0.0, 0.0, 1.0, 1.0),
        lossless=lambda p: True,
    ),
    Operation(
        "resize",
        "geometry",
        Text("Resize", "缩放"),
        Text(
            "Change the size and keep the proportions: the picture fits inside width and height, and no "
            "side is longer "
            "than max_side.",
            "按比例改变尺寸：图片适应给定宽高，且任一边不超过 max_side。",
        ),
        (
            _pixels("width", "Width to fit, or none.", "目标宽度，可不填。"),
            _pixels("height", "Height to fit, or none.", "目标高度，可不填。"),
            _pixels("max_side", "Longest side allowed; only ever shrinks.", "最长边上限，只会缩小。"),
            Parameter(
                "enlarge",
                "boolean",
                Text(
                    "Whether a smaller picture may grow to width and height.",
                    "是否允许将小图放大到目标宽高。",
                ),
                True,
            ),
            _METHOD,
        ),
        cost=0.02,
        run=_resize,
        size=_resize_size,
        check=_check_resize,
        size_tells=True,
    ),
    Operation(
        "stretch",
        "geometry",
        Text("Stretch", "拉伸"),
        Text("Scale width and height by separate factors.", "分别按倍数缩放宽度和高度。"),
        (
            _fraction("horizontal", "Factor for the width.", "宽度倍数。", 1.0, low=0.05, high=8.0),
            _fraction("vertical", "Factor for the height.", "高度倍数。", 1.0, low=0.05, high=8.0),
            _METHOD,
        ),
        cost=0.02,
        run=_stretch,
        size=_stretch_size,
        size_tells=True,
    ),
    Operation(
        "perspective",
        "geometry",
        Text("Perspective", "透视校正"),
        Text(
            "Make the area between four points upright and rectangular, as when straightening a "
            "photographed page.",
            "将四点围成的区域校正为矩形，例如拉正拍摄的文档。",
        ),
        (
            Parameter(
                "points",
                "points",
                Text(
                    "Corners in fractions of width and height: top left, top right, bottom right, bottom "
                    "left.",
                    "四个角点，以宽高比例表示：左上、右上、右下、左下。",
                ),
                FULL_FRAME,
                low=-1.0,
                high=2.0,
                lengths=(4,),
            ),
            _FILL,
        ),
        cost=0.02,
        run=_perspective,
        size=_perspective_size,
        check=_check_perspective,
        identity=lambda p: p["points"] == FULL_FRAME,
    ),
)
