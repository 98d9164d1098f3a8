"""Smoothing and noise: operations on neighbourhoods, and the blurs that others build on.

Pixels are ``(H, W, 3) float32`` sRGB in 0..1. Borders repeat the outermost pixel, so any size from 1 x 1
works.
"""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance.classical.curves import luma
from ml.enhance.operation import Call, Operation, Parameter, Params, Pixels, Text, local, no_strength

EDGE = cv2.BORDER_REPLICATE
# Above this sigma (pixels) a Gaussian is taken on a reduced picture: nothing that it keeps is lost there.
DIRECT_SIGMA = 8.0
# Above this radius (pixels) the bilateral filter, whose work grows with the square, does the same.
_DIRECT_BILATERAL = 5
# Non-local means: patches of 5 x 5 compared within 13 x 13, a third of the usual work for nearly the same
# result.
_PATCH, _SEARCH = 5, 13
_SMOOTH_COST = {"gaussian": 0.01, "mean": 0.01, "median": 0.06, "bilateral": 0.1}


def as_bytes(image: Pixels) -> NDArray[np.uint8]:
    """Values 0..1 as bytes, rounded."""
    return np.clip(image * 255.0 + 0.5, 0, 255).astype(np.uint8)


def _reduced(image: Pixels, factor: int) -> Pixels:
    size = (max(1, round(image.shape[1] / factor)), max(1, round(image.shape[0] / factor)))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.float32)


def _enlarged(image: Pixels, like: Pixels) -> Pixels:
    return np.asarray(
        cv2.resize(image, (like.shape[1], like.shape[0]), interpolation=cv2.INTER_LINEAR), np.float32
    )


def gaussian(image: Pixels, sigma: float) -> Pixels:
    """Gaussian blur of ``(H, W)`` or ``(H, W, C)``; large sigmas on a reduced copy, so cost stays bounded."""
    if sigma <= 0:
        return image
    if sigma > DIRECT_SIGMA and min(image.shape[:2]) > 1:
        factor = int(sigma / DIRECT_SIGMA) + 1
        # Shrinking and growing blur by themselves, about 0.29 pixels of the small picture each.
        rest = math.sqrt(max(0.25, (sigma / factor) ** 2 - 0.17))
        return _enlarged(gaussian(_reduced(image, factor), rest), image).reshape(image.shape)
    size = 2 * math.ceil(3.0 * sigma) + 1
    blurred = cv2.GaussianBlur(image, (size, size), sigma, borderType=EDGE)
    return np.asarray(blurred, np.float32).reshape(image.shape)


def _bilateral(image: Pixels, radius: int, tolerance: float) -> Pixels:
    factor = math.ceil(radius / _DIRECT_BILATERAL)
    small = _reduced(image, factor) if factor > 1 else image
    reach = max(1, round(radius / factor))
    spread = max(1.0, reach / 2)
    filtered = cv2.bilateralFilter(small, 2 * reach + 1, tolerance, spread, borderType=EDGE)
    smooth = np.asarray(filtered, np.float32)
    return smooth if factor == 1 else _guided_back(image, small, smooth)


def _guided_back(image: Pixels, small: Pixels, smooth: Pixels) -> Pixels:
    """Carry a small result to full size: fit result = a x picture + b in 5 x 5 windows, apply a and b to the
    large one.

    He and Sun, "Fast Guided Filter", 2015: edges come from the large picture, so they stay sharp.
    """
    mean_in, mean_out = _box(small, 2), _box(smooth, 2)
    spread = _box(small * small, 2) - mean_in * mean_in
    together = _box(small * smooth, 2) - mean_in * mean_out
    slope = np.clip(together / (spread + np.float32(1e-4)), 0.0, 1.0).astype(np.float32)
    offset = mean_out - slope * mean_in
    return _enlarged(_box(slope, 2), image) * image + _enlarged(_box(offset, 2), image)


def _box(image: Pixels, radius: int) -> Pixels:
    side = 2 * radius + 1
    return np.asarray(cv2.blur(image, (side, side), borderType=EDGE), np.float32).reshape(image.shape)


def _smooth(image: Pixels, params: Params, call: Call) -> Pixels:
    method, radius = params["method"], params["radius"]
    whole = math.floor(radius + 0.5)
    if method == "gaussian":
        result = gaussian(image, radius / 2)
    elif whole == 0:
        return image
    elif method == "mean":
        result = _box(image, whole)
    elif method == "median":
        # OpenCV's wide medians take bytes; a median picks existing values, so 8-bit pictures lose nothing.
        result = cv2.medianBlur(as_bytes(image), 2 * whole + 1).astype(np.float32) / np.float32(255.0)
    else:
        result = _bilateral(image, whole, params["tolerance"])
    return np.clip(result, 0.0, 1.0).reshape(image.shape)


def _smooth_reach(params: Params) -> int | None:
    radius = params["radius"]
    if params["method"] == "gaussian":
        return math.ceil(1.5 * radius) + 1 if radius / 2 <= DIRECT_SIGMA else None
    if params["method"] == "bilateral" and radius + 0.5 > _DIRECT_BILATERAL:
        return None
    return math.ceil(radius) + 1


def _denoise(image: Pixels, params: Params, call: Call) -> Pixels:
    """Non-local means (Buades, Coll, Morel, CVPR 2005) on luma at full size and on colour at half size.

    Only the difference that it makes to the 8-bit planes is added to the picture, so nothing else is rounded.
    """
    old = luma(image)
    red, blue = image[:, :, 0] - old, image[:, :, 2] - old
    levels = as_bytes(old)
    shift = cv2.fastNlMeansDenoising(levels, None, 20.0 * params["strength"], _PATCH, _SEARCH).astype(
        np.float32
    )
    new = old + (shift - levels) / np.float32(255.0)
    colour = params["color"]
    if colour:
        red, blue = _quieter(red, colour), _quieter(blue, colour)
    result = np.empty_like(image)
    result[:, :, 0], result[:, :, 2] = new + red, new + blue
    result[:, :, 1] = new - (np.float32(0.299) * red + np.float32(0.114) * blue) / np.float32(0.587)
    return np.clip(result, 0.0, 1.0, out=result)


def _quieter(plane: Pixels, colour: float) -> Pixels:
    """A colour difference (-1..1) with its noise taken out at half size, where colour noise is plainest."""
    height, width = plane.shape
    even = cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, EDGE)
    small = cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)
    levels = np.clip(small * 127.5 + 128.0, 0, 255).astype(np.uint8)
    quiet = cv2.fastNlMeansDenoising(levels, None, 15.0 * colour, _PATCH, _SEARCH).astype(np.float32)
    grown = cv2.resize(
        np.stack([small, small + (quiet - levels) / np.float32(127.5)], axis=2),
        (even.shape[1], even.shape[0]),
        interpolation=cv2.INTER_LINEAR,
    )[:height, :width]
    # What half size cannot show is noise, too, except where it is strong: the borders between colours.
    fine = plane - grown[:, :, 0]
    kept = np.sign(fine) * np.maximum(np.abs(fine) - np.float32(0.1 * colour), np.float32(0.0))
    return np.asarray(grown[:, :, 1] + kept, np.float32)


def _noise_source(image: Pixels, params: Params, call: Call) -> np.random.Generator:
    # Rows are drawn in order from one stream: bands of any height give the same picture.
    return np.random.default_rng(params["seed"])


def _noise(image: Pixels, params: Params, call: Call) -> Pixels:
    source: np.random.Generator = call.state
    height, width = image.shape[:2]
    shape = (height, width, 1 if params["monochrome"] else 3)
    if params["method"] == "gaussian":
        return np.clip(
            image + source.standard_normal(shape, np.float32) * np.float32(params["amount"]), 0.0, 1.0
        )
    draw = source.random(shape, np.float32)
    share = np.float32(params["amount"] / 2)
    return np.where(draw < share, np.float32(0.0), np.where(draw >= 1 - share, np.float32(1.0), image))


def method_choice(choices: tuple[str, ...], en: str, zh: str) -> Parameter:
    """The parameter that names the method; the first is the default."""
    return Parameter("method", "choice", Text(en, zh), choices[0], choices=choices)


def radius_of(
    default: float, high: float, en: str = "Radius.", zh: str = "半径。", low: float = 0.0
) -> Parameter:
    return Parameter("radius", "number", Text(en, zh), default, low=low, high=high, unit="px")


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "smooth",
        "filter",
        Text("Smooth", "平滑"),
        Text("Blur the picture, with or without keeping its edges.", "模糊图片，可选择是否保留边缘。"),
        (
            method_choice(
                ("gaussian", "mean", "median", "bilateral"),
                "gaussian and mean blur evenly; median removes specks; bilateral keeps edges.",
                "gaussian 与 mean 均匀模糊；median 去除斑点；bilateral 保留边缘。",
            ),
            radius_of(
                2.0,
                50.0,
                "Radius of the window; a Gaussian's standard deviation is half of it.",
                "窗口半径；高斯标准差为其一半。",
            ),
            Parameter(
                "tolerance",
                "number",
                Text("Difference in value that counts as an edge.", "被视为边缘的数值差。"),
                0.1,
                low=0.005,
                high=1.0,
                only_for=("method", ("bilateral",)),
            ),
        ),
        cost=0.01,
        run=_smooth,
        reach=_smooth_reach,
        identity=lambda p: p["radius"] == 0.0,
        cost_of=lambda p: _SMOOTH_COST[p["method"]],
    ),
    Operation(
        "denoise",
        "filter",
        Text("Denoise", "降噪"),
        Text(
            "Remove noise by averaging patches that look alike (non-local means).",
            "对相似图块取平均以去除噪点（非局部均值）。",
        ),
        (
            Parameter(
                "strength", "number", Text("How much noise is removed.", "降噪强度。"), 0.3, low=0.0, high=1.0
            ),
            Parameter(
                "color",
                "number",
                Text("How much colour noise is removed.", "彩色噪点的降噪强度。"),
                0.5,
                low=0.0,
                high=1.0,
            ),
        ),
        cost=0.4,
        run=_denoise,
        keeps_grey=True,
        reach=lambda p: 2 * (_SEARCH // 2 + _PATCH // 2) + 2,
        identity=no_strength,
    ),
    Operation(
        "noise",
        "filter",
        Text("Noise", "噪点"),
        Text(
            "Add film-like grain or specks; the same seed gives the same noise.",
            "添加颗粒或椒盐噪点；相同种子结果相同。",
        ),
        (
            method_choice(
                ("gaussian", "salt_pepper"),
                "gaussian is grain; salt_pepper sets pixels to black or white.",
                "gaussian 为颗粒；salt_pepper 将像素置黑或置白。",
            ),
            Parameter(
                "amount",
                "number",
                Text(
                    "Standard deviation of the grain, or share of the pixels hit.",
                    "颗粒标准差，或受影响像素比例。",
                ),
                0.05,
                low=0.0,
                high=1.0,
            ),
            Parameter(
                "monochrome",
                "boolean",
                Text("The same noise in all channels.", "各通道使用相同噪点。"),
                False,
            ),
            Parameter(
                "seed",
                "integer",
                Text("Number the noise is drawn from.", "随机种子。"),
                0,
                low=0,
                high=2**31 - 1,
            ),
        ),
        cost=0.03,
        run=_noise,
        reach=local,
        prepare=_noise_source,
        identity=lambda p: p["amount"] == 0.0,
    ),
)
