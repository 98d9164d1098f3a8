"""Operations that change what the colours are. Pixels are ``(H, W, 3) float32`` sRGB in 0..1."""

from __future__ import annotations

import cv2
import numpy as np

from ml.enhance.classical.curves import blend, luma
from ml.enhance.operation import (
    Call,
    Operation,
    Parameter,
    Params,
    Pixels,
    Text,
    ValueRejected,
    local,
    no_strength,
    strength,
)

SPACES = ("rgb", "hsv", "lab", "cmyk")
_HSV_UNITS = np.array([360.0, 1.0, 1.0], np.float32)
_LAB_UNITS = np.array([100.0, 128.0, 128.0], np.float32)
# Rows give red, green, blue from red, green, blue: the usual sepia of photo programs.
_SEPIA = np.array([[0.393, 0.769, 0.189], [0.349, 0.686, 0.168], [0.272, 0.534, 0.131]], np.float32)


def _grayscale(image: Pixels, params: Params, call: Call) -> Pixels:
    if params["method"] == "max":
        grey = image.max(axis=2)
    elif params["method"] == "mean":
        grey = image.mean(axis=2, dtype=np.float32)
    else:
        grey = luma(image)
    return np.repeat(grey[:, :, None], 3, axis=2)


def _split(image: Pixels, space: str) -> Pixels:
    """To the space's own channels: all 0..1, except Lab's a and b (-1..1, unit 128)."""
    if space == "hsv":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2HSV), np.float32) / _HSV_UNITS
    if space == "lab":
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2Lab), np.float32) / _LAB_UNITS
    if space == "cmyk":
        black = 1.0 - image.max(axis=2, keepdims=True)
        ink = (1.0 - image - black) / np.maximum(1.0 - black, 1e-6)
        return np.concatenate([ink, black], axis=2)
    return image


def _join(channels: Pixels, space: str) -> Pixels:
    """Back from ``_split``; values out of range are clipped, hue goes round."""
    if space == "hsv":
        hue = np.mod(channels[:, :, :1], 1.0) * 360.0
        rest = np.clip(channels[:, :, 1:], 0.0, 1.0)
        image = cv2.cvtColor(np.concatenate([hue, rest], axis=2), cv2.COLOR_HSV2RGB)
    elif space == "lab":
        limited = np.clip(channels, (0.0, -1.0, -1.0), (1.0, 1.0, 1.0)) * _LAB_UNITS
        image = cv2.cvtColor(limited.astype(np.float32), cv2.COLOR_Lab2RGB)
    elif space == "cmyk":
        inks = np.clip(channels, 0.0, 1.0)
        image = (1.0 - inks[:, :, :3]) * (1.0 - inks[:, :, 3:])
    else:
        image = channels
    return np.clip(image, 0.0, 1.0).astype(np.float32)


def _order(params: Params) -> list[int]:
    return [params["space"].index(letter) for letter in params["order"] or params["space"]]


def _channels(image: Pixels, params: Params, call: Call) -> Pixels:
    space = params["space"]
    channels = _split(image, space)[:, :, _order(params)]
    count = len(space)
    gain = np.array(params["gain"][:count] + [1.0] * (count - len(params["gain"])), np.float32)
    offset = np.array(params["offset"][:count] + [0.0] * (count - len(params["offset"])), np.float32)
    return _join(channels * gain + offset, space)


def _check_channels(params: Params) -> None:
    space = params["space"]
    if params["order"] and sorted(params["order"]) != sorted(space):
        accepted = {"choices": [f"every letter of {space} once, in any order"]}
        raise ValueRejected(f"must hold every letter of {space} once", "order", accepted)
    for name, neutral in (("gain", 1.0), ("offset", 0.0)):
        if len(space) == 3 and params[name][3:] not in ([], [neutral]):
            raise ValueRejected(f"must be a list of 3 numbers for {space}", name, {"lengths": [3]})


def _channels_unchanged(params: Params) -> bool:
    gains, offsets = set(params["gain"]), set(params["offset"])
    return gains == {1.0} and offsets == {0.0} and params["order"] in ("", params["space"])


def _invert(image: Pixels, params: Params, call: Call) -> Pixels:
    return np.float32(1.0) - image


def _sepia(image: Pixels, params: Params, call: Call) -> Pixels:
    toned = np.clip(cv2.transform(image, _SEPIA), 0.0, 1.0).reshape(image.shape)
    return blend(image, toned.astype(np.float32), params["strength"])


def _per_channel(name: str, doc: Text, default: float, low: float, high: float) -> Parameter:
    return Parameter(name, "numbers", doc, [default] * 3, low=low, high=high, lengths=(3, 4))


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "grayscale",
        "colour",
        Text("Black and white", "黑白"),
        Text("Turn colours into greys.", "将彩色转换为灰度。"),
        (
            Parameter(
                "method",
                "choice",
                Text(
                    "max takes the strongest of red, green and blue; mean their average; weighted 0.299 R "
                    "+ 0.587 G + 0.114 B.",
                    "max 取红绿蓝最大值；mean 取平均值；weighted 为 0.299 R + 0.587 G + 0.114 B。",
                ),
                "weighted",
                choices=("max", "mean", "weighted"),
            ),
        ),
        cost=0.01,
        run=_grayscale,
        reach=local,
    ),
    Operation(
        "channels",
        "colour",
        Text("Channels", "通道调整"),
        Text(
            "Reorder the channels of a colour space, then multiply by gain and add offset. Channels run "
            "from 0 to 1 (hue is a "
            "full turn); a and b of Lab from -1 to 1.",
            "在指定色彩空间中重排通道，再乘以增益并加上偏移。各通道范围 0 到 1（色相为一整圈），Lab 的 a、"
            "b 为 -1 到 1。",
        ),
        (
            Parameter("space", "choice", Text("Colour space.", "色彩空间。"), "rgb", choices=SPACES),
            Parameter(
                "order",
                "text",
                Text(
                    "The space's letters in a new order, such as bgr; empty keeps it.",
                    "以新顺序书写的通道字母，如 bgr；留空则不变。",
                ),
                "",
                pattern="[a-z]{0,4}",
            ),
            _per_channel("gain", Text("Factor for each channel.", "各通道倍数。"), 1.0, -4.0, 4.0),
            _per_channel("offset", Text("What is added to each channel.", "各通道增加量。"), 0.0, -1.0, 1.0),
        ),
        cost=0.03,
        run=_channels,
        reach=local,
        check=_check_channels,
        identity=_channels_unchanged,
    ),
    Operation(
        "invert",
        "colour",
        Text("Invert", "反相"),
        Text("Turn the picture into its negative.", "将图片转换为负片。"),
        (),
        cost=0.005,
        run=_invert,
        reach=local,
    ),
    Operation(
        "sepia",
        "colour",
        Text("Sepia", "怀旧"),
        Text("Tone the picture brown like an old print.", "呈现旧照片般的棕褐色调。"),
        (strength(1.0),),
        cost=0.01,
        run=_sepia,
        reach=local,
        identity=no_strength,
    ),
)
