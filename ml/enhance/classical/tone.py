"""Operations on brightness and colour balance. Pixels are ``(H, W, 3) float32`` sRGB in 0..1."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance.classical.curves import (
    LUMA,
    Curve,
    apply_curves,
    as_curve,
    blend,
    equalising_curve,
    from_linear,
    histogram,
    luma,
    percentile,
    ramp,
    to_linear,
    with_luma,
)
from ml.enhance.operation import (
    Call,
    Operation,
    Parameter,
    Params,
    Pixels,
    Text,
    local,
    no_strength,
    strength,
)


def _by_curves(image: Pixels, params: Params, call: Call) -> Pixels:
    curves: tuple[Curve, ...] = call.state
    return apply_curves(image, curves)


def _exposure_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    return (as_curve(from_linear(to_linear(ramp()) * 2.0 ** params["ev"])),)


def _contrast_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    amount = params["amount"]
    if amount < 0:
        return (as_curve(0.5 + (ramp() - 0.5) * (1.0 + amount)),)
    steepness = _steepness(1.0 + 1.5 * amount)
    return (as_curve(0.5 + 0.5 * np.tanh(steepness * (2.0 * ramp() - 1.0)) / np.tanh(steepness)),)


def _steepness(slope: float) -> float:
    """The t for which the S-curve tanh(t u) / tanh(t) has this slope (> 1) at u = 0, i.e. t / tanh(t) =
    slope.
    """
    low, high = 1e-6, slope + 1.0
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if middle / np.tanh(middle) < slope else (low, middle)
    return high


def _brightness_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    return (as_curve(ramp() + params["amount"]),)


def _gamma_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    return (as_curve(ramp() ** (1.0 / params["gamma"])),)


def _gray_world(image: Pixels, visible: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Gains in linear light that make the weighted mean of unclipped pixels grey, each within a factor of two."""
    step = max(1, int(np.sqrt(image.shape[0] * image.shape[1] / 250_000)))
    sample = image[::step, ::step].reshape(-1, 3)
    if visible is not None:
        sample = sample[visible[::step, ::step].ravel()]
    usable = sample[(sample.max(axis=1) < 0.98) & (sample.max(axis=1) > 0.02)]
    if len(usable) < max(1, len(sample) // 50):
        return np.ones(3)
    # The less saturated, the likelier grey: a blue sky or a lawn should not count as a coloured lamp.
    greyness = (usable.min(axis=1) / usable.max(axis=1)).astype(np.float64)
    means = np.average(to_linear(usable.astype(np.float64)), axis=0, weights=greyness**4 + 1e-6)
    # A close-up of a leaf holds nothing grey, hence says nothing about the light.
    trust = np.clip((np.percentile(greyness, 95) - 0.2) / 0.3, 0.0, 1.0)
    return np.clip(means.mean() / np.maximum(means, 1e-6), 0.5, 2.0) ** trust


def _balance_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    warmth, tint = params["temperature"], params["tint"]
    gains = 2.0 ** np.array([0.5 * warmth + 0.25 * tint, -0.5 * tint, -0.5 * warmth + 0.25 * tint])
    if params["auto"]:
        gains = gains * _gray_world(image, call.visible) ** params["strength"]
    gains = gains / float(gains @ LUMA)  # a grey keeps its brightness
    light = to_linear(ramp())
    return tuple(as_curve(from_linear(light * gain)) for gain in gains)


def _saturation(image: Pixels, params: Params, call: Call) -> Pixels:
    grey = luma(image)[:, :, None]
    return np.clip(grey + (image - grey) * np.float32(1.0 + params["amount"]), 0.0, 1.0)


def _equalize_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    planes = [luma(image)] if params["mode"] == "luma" else [image[:, :, c] for c in range(3)]
    return tuple(equalising_curve(histogram(plane, call.visible)) for plane in planes)


def _equalize(image: Pixels, params: Params, call: Call) -> Pixels:
    curves: tuple[Curve, ...] = call.state
    if len(curves) == 3:
        return blend(image, apply_curves(image, curves), params["strength"])
    old = luma(image)
    new = apply_curves(old[:, :, None], curves)[:, :, 0]
    return blend(image, with_luma(image, old, new), params["strength"])


def _clahe(image: Pixels, params: Params, call: Call) -> Pixels:
    height, width = image.shape[:2]
    old = luma(image)
    levels = np.clip(old * 255.0 + 0.5, 0, 255).astype(np.uint8)
    grid = (min(params["tiles"], width), min(params["tiles"], height))
    mapped = cv2.createCLAHE(clipLimit=params["clip_limit"], tileGridSize=grid).apply(levels)
    # Only the difference is in 8 bits, so what the levels hid between them is kept.
    new = np.clip(old + (mapped.astype(np.float32) - levels) / np.float32(255.0), 0.0, 1.0)
    result = np.empty_like(image)
    rows = max(1, call.context.band_pixels // width)
    for top in range(0, height, rows):
        band = slice(top, top + rows)
        result[band] = blend(image[band], with_luma(image[band], old[band], new[band]), params["strength"])
    return result


def _level_curves(image: Pixels, params: Params, call: Call) -> tuple[Curve, ...]:
    share = params["clip"] / 100.0
    counts = [histogram(image[:, :, c], call.visible) for c in range(3)]
    ends = [(percentile(n, max(share, 1e-9)), percentile(n, 1.0 - share)) for n in counts]
    if params["mode"] == "tones":
        ends = [(min(low for low, _ in ends), max(high for _, high in ends))]
    curves = []
    for low, high in ends:
        spread = high - low
        stretched = (ramp() - low) / spread if spread > 1.0 / 255.0 else ramp()
        curves.append(as_curve(ramp() + params["strength"] * (np.clip(stretched, 0.0, 1.0) - ramp())))
    return tuple(curves)


def _slider(name: str, en: str, zh: str, low: float = -1.0, high: float = 1.0, unit: str = "") -> Parameter:
    return Parameter(name, "number", Text(en, zh), 0.0, low=low, high=high, unit=unit)


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "exposure",
        "tone",
        Text("Exposure", "曝光"),
        Text(
            "Multiply the light as a longer or shorter exposure would have; one EV doubles it.",
            "按线性光增减曝光，每 1 EV 光量加倍或减半。",
        ),
        (_slider("ev", "Exposure change.", "曝光补偿。", -5.0, 5.0, "EV"),),
        cost=0.01,
        run=_by_curves,
        reach=local,
        prepare=_exposure_curves,
        identity=lambda p: p["ev"] == 0.0,
    ),
    Operation(
        "contrast",
        "tone",
        Text("Contrast", "对比度"),
        Text(
            "Pull tones apart around mid grey with an S-curve that does not clip, or draw them together.",
            "以中灰为中心，用不截断的 S 曲线增强或减弱反差。",
        ),
        (
            _slider(
                "amount",
                "Below 0 flatter: the slope at mid grey is 1 + amount, so -1 leaves one flat grey. Above 0 stronger: "
                "the slope is 1 + 1.5 x amount.",
                "小于 0 变平：中灰处斜率为 1 + amount，-1 时为一片纯灰；大于 0 增强：斜率为 1 + 1.5 × amount。",
            ),
        ),
        cost=0.01,
        run=_by_curves,
        reach=local,
        prepare=_contrast_curves,
        identity=lambda p: p["amount"] == 0.0,
    ),
    Operation(
        "brightness",
        "tone",
        Text("Brightness", "亮度"),
        Text("Add the same amount to every value.", "给每个像素值加上同一数值。"),
        (_slider("amount", "What is added, as a fraction of white.", "增加量，以白色为 1。"),),
        cost=0.01,
        run=_by_curves,
        reach=local,
        prepare=_brightness_curves,
        identity=lambda p: p["amount"] == 0.0,
    ),
    Operation(
        "gamma",
        "tone",
        Text("Gamma", "伽马"),
        Text(
            "Bend mid tones and keep black and white: value ** (1 / gamma).",
            "调整中间调并保持黑白点：值 ** (1 / gamma)。",
        ),
        (
            Parameter(
                "gamma",
                "number",
                Text("Above 1 brighter, below 1 darker.", "大于 1 变亮，小于 1 变暗。"),
                1.0,
                low=0.1,
                high=10.0,
            ),
        ),
        cost=0.01,
        run=_by_curves,
        reach=local,
        prepare=_gamma_curves,
        identity=lambda p: p["gamma"] == 1.0,
    ),
    Operation(
        "white_balance",
        "tone",
        Text("White balance", "白平衡"),
        Text(
            "Correct the colour of the light; the automatic part makes the average of the scene grey.",
            "校正光源颜色；自动模式使画面平均色趋于中性灰。",
        ),
        (
            _slider(
                "temperature",
                "Above 0 warmer (yellow), below 0 cooler (blue).",
                "大于 0 偏暖（黄），小于 0 偏冷（蓝）。",
            ),
            _slider(
                "tint", "Above 0 towards magenta, below 0 towards green.", "大于 0 偏洋红，小于 0 偏绿。"
            ),
            Parameter(
                "auto",
                "boolean",
                Text("Measure the light (grey world) first.", "先自动测定光源（灰度世界）。"),
                False,
            ),
            Parameter(
                "strength",
                "number",
                Text("How much of the automatic correction is applied.", "自动校正的强度。"),
                1.0,
                low=0.0,
                high=1.0,
                only_for=("auto", (True,)),
            ),
        ),
        cost=0.03,
        run=_by_curves,
        reach=local,
        prepare=_balance_curves,
        identity=lambda p: p["temperature"] == 0.0 and p["tint"] == 0.0 and not (p["auto"] and p["strength"]),
    ),
    Operation(
        "saturation",
        "tone",
        Text("Saturation", "饱和度"),
        Text("Make colours stronger or weaker at the same luma.", "在亮度不变的前提下增强或减弱色彩。"),
        (
            _slider(
                "amount",
                "-1 is grey, 1 doubles the distance from grey.",
                "-1 为灰色，1 使色彩与灰色的距离加倍。",
            ),
        ),
        cost=0.01,
        run=_saturation,
        reach=local,
        identity=lambda p: p["amount"] == 0.0,
    ),
    Operation(
        "histogram_equalize",
        "tone",
        Text("Equalize histogram", "直方图均衡化"),
        Text(
            "Spread the tones so that all occur about equally often.",
            "重新分布色调，使各级亮度出现频率大致相同。",
        ),
        (
            Parameter(
                "mode",
                "choice",
                Text(
                    "luma keeps the colours; channels treats red, green and blue apart.",
                    "luma 保持色彩；channels 分别处理红绿蓝。",
                ),
                "luma",
                choices=("luma", "channels"),
            ),
            strength(1.0),
        ),
        cost=0.03,
        run=_equalize,
        reach=local,
        prepare=_equalize_curves,
        identity=no_strength,
    ),
    Operation(
        "clahe",
        "tone",
        Text("Local contrast (CLAHE)", "局部对比度（CLAHE）"),
        Text(
            "Equalize in tiles with a limit on how far contrast may grow (Zuiderveld, Graphics Gems IV, "
            "1994).",
            "分块均衡化并限制对比度增幅（Zuiderveld，Graphics Gems IV，1994）。",
        ),
        (
            Parameter(
                "clip_limit",
                "number",
                Text("Limit of the contrast's growth.", "对比度增幅上限。"),
                2.0,
                low=1.0,
                high=20.0,
            ),
            Parameter("tiles", "integer", Text("Tiles along each side.", "每边分块数。"), 8, low=1, high=32),
            strength(1.0),
        ),
        cost=0.03,
        run=_clahe,
        identity=no_strength,
    ),
    Operation(
        "auto_levels",
        "tone",
        Text("Auto levels", "自动色阶"),
        Text(
            "Stretch the tones that occur to the full range from black to white.",
            "将画面已有色调拉伸到从黑到白的完整范围。",
        ),
        (
            Parameter(
                "clip",
                "number",
                Text(
                    "Share of pixels that may become pure black, and white.", "允许变为纯黑和纯白的像素比例。"
                ),
                0.5,
                low=0.0,
                high=10.0,
                unit="%",
            ),
            Parameter(
                "mode",
                "choice",
                Text(
                    "tones keeps colours in proportion; channels also removes a colour cast.",
                    "tones 保持色彩比例；channels 同时去除偏色。",
                ),
                "tones",
                choices=("tones", "channels"),
            ),
            strength(1.0),
        ),
        cost=0.02,
        run=_by_curves,
        reach=local,
        prepare=_level_curves,
        identity=no_strength,
    ),
)
