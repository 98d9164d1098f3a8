"""Sharpening, edges and morphology: operations on the structure of a picture.

Pixels are ``(H, W, 3) float32`` sRGB in 0..1.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from ml.enhance.classical.curves import luma
from ml.enhance.classical.filters import DIRECT_SIGMA, EDGE, as_bytes, gaussian, method_choice, radius_of
from ml.enhance.operation import Call, Operation, Parameter, Params, Pixels, Text


def _slopes(plane: Pixels) -> Pixels:
    """Sobel gradient length, scaled so that a step from 0 to 1 across an upright edge gives 1."""
    across = cv2.Sobel(plane, cv2.CV_32F, 1, 0, ksize=3, borderType=EDGE)
    down = cv2.Sobel(plane, cv2.CV_32F, 0, 1, ksize=3, borderType=EDGE)
    return np.asarray(np.hypot(across, down) / np.float32(4.0), np.float32)


def _laplacian(plane: Pixels) -> Pixels:
    return np.asarray(cv2.Laplacian(plane, cv2.CV_32F, ksize=1, borderType=EDGE), np.float32)


def _sharpen(image: Pixels, params: Params, call: Call) -> Pixels:
    """Work on luma and add the same to every channel: no coloured fringes."""
    plane = luma(image)
    if params["method"] == "unsharp":
        detail = plane - gaussian(plane, params["radius"])
        if params["threshold"]:
            detail = np.where(np.abs(detail) < params["threshold"], np.float32(0.0), detail)
    elif params["method"] == "gradient":
        detail = _slopes(plane)
    else:
        detail = -_laplacian(plane)
    return np.clip(image + np.float32(params["amount"]) * detail[:, :, None], 0.0, 1.0)


def _sharpen_reach(params: Params) -> int | None:
    if params["method"] != "unsharp":
        return 1
    return math.ceil(3 * params["radius"]) + 1 if params["radius"] <= DIRECT_SIGMA else None


def _edges(image: Pixels, params: Params, call: Call) -> Pixels:
    plane = gaussian(luma(image), params["radius"])
    if params["method"] == "sobel":
        lines = _slopes(plane) * np.float32(params["gain"])
    elif params["method"] == "laplacian":
        lines = np.abs(_laplacian(plane)) * np.float32(params["gain"])
    else:
        # Canny's thresholds are on the Sobel length, which is 4 x 255 for a step from black to white.
        low, high = sorted((params["low"] * 1020.0, params["high"] * 1020.0))
        lines = (
            cv2.Canny(as_bytes(plane), low, high, apertureSize=3, L2gradient=True).astype(np.float32) / 255.0
        )
    lines = np.clip(lines, 0.0, 1.0).reshape(plane.shape)
    if params["invert"]:
        lines = 1.0 - lines
    return np.repeat(lines[:, :, None].astype(np.float32), 3, axis=2)


def _edges_reach(params: Params) -> int | None:
    # Canny follows a line as far as it runs, so it needs the whole picture.
    if params["method"] == "canny" or params["radius"] > DIRECT_SIGMA:
        return None
    return math.ceil(3 * params["radius"]) + 2


def _morphology(image: Pixels, params: Params, call: Call) -> Pixels:
    side = 2 * params["radius"] + 1
    square = np.ones((side, side), np.uint8)
    kinds = {
        "erode": cv2.MORPH_ERODE,
        "dilate": cv2.MORPH_DILATE,
        "open": cv2.MORPH_OPEN,
        "close": cv2.MORPH_CLOSE,
    }
    changed = cv2.morphologyEx(image, kinds[params["method"]], square, borderType=EDGE)
    return np.asarray(changed, np.float32).reshape(image.shape)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "sharpen",
        "filter",
        Text("Sharpen", "锐化"),
        Text("Strengthen detail, on luma only.", "仅在亮度上增强细节。"),
        (
            method_choice(
                ("unsharp", "gradient", "laplacian"),
                "unsharp adds the difference from a blurred copy; gradient adds the slope; laplacian "
                "subtracts the second derivative.",
                "unsharp 加上与模糊副本之差；gradient 加上梯度；laplacian 减去二阶导数。",
            ),
            Parameter(
                "amount", "number", Text("How much detail is added.", "细节增强量。"), 0.6, low=0.0, high=5.0
            ),
            Parameter(
                "radius",
                "number",
                Text("Size of the detail: standard deviation of the blur.", "细节尺度：模糊标准差。"),
                1.2,
                low=0.1,
                high=50.0,
                unit="px",
                only_for=("method", ("unsharp",)),
            ),
            Parameter(
                "threshold",
                "number",
                Text("Weaker detail than this is left alone.", "低于此值的细节不处理。"),
                0.0,
                low=0.0,
                high=0.5,
                only_for=("method", ("unsharp",)),
            ),
        ),
        cost=0.01,
        run=_sharpen,
        reach=_sharpen_reach,
        identity=lambda p: p["amount"] == 0.0,
    ),
    Operation(
        "edges",
        "filter",
        Text("Edges", "边缘检测"),
        Text("Draw the edges of the picture in grey.", "以灰度绘出图片边缘。"),
        (
            method_choice(
                ("sobel", "canny", "laplacian"),
                "How edges are found; canny draws thin lines.",
                "检测方法；canny 绘出细线。",
            ),
            radius_of(
                0.0,
                20.0,
                "Blur before looking, to ignore fine texture (standard deviation).",
                "检测前模糊以忽略细纹理（标准差）。",
            ),
            Parameter(
                "gain",
                "number",
                Text("Brightness of the lines.", "线条亮度。"),
                2.0,
                low=0.1,
                high=20.0,
                only_for=("method", ("sobel", "laplacian")),
            ),
            Parameter(
                "low",
                "number",
                Text("Slope at which a line may go on.", "线条延续所需的梯度。"),
                0.08,
                low=0.0,
                high=1.0,
                only_for=("method", ("canny",)),
            ),
            Parameter(
                "high",
                "number",
                Text("Slope at which a line begins.", "线条起始所需的梯度。"),
                0.2,
                low=0.0,
                high=1.0,
                only_for=("method", ("canny",)),
            ),
            Parameter("invert", "boolean", Text("Dark lines on white.", "白底黑线。"), False),
        ),
        cost=0.01,
        run=_edges,
        reach=_edges_reach,
    ),
    Operation(
        "morphology",
        "filter",
        Text("Morphology", "形态学"),
        Text("Grow or shrink dark and bright areas with a square window.", "用方形窗口扩张或收缩明暗区域。"),
        (
            method_choice(
                ("erode", "dilate", "open", "close"),
                "erode takes the darkest value, dilate the brightest; open removes bright specks, close "
                "dark ones.",
                "erode 取最暗值，dilate 取最亮值；open 去除亮斑，close 去除暗斑。",
            ),
            Parameter(
                "radius", "integer", Text("Radius of the window.", "窗口半径。"), 1, low=0, high=50, unit="px"
            ),
        ),
        cost=0.01,
        run=_morphology,
        reach=lambda p: 2 * p["radius"] + 1,
        identity=lambda p: p["radius"] == 0,
    ),
)
