"""Operations that run networks: declared here, carried out by modules that are imported when first needed.

Each carries out ``function(image, params, context)`` on ``(H, W, 3) float32`` sRGB in 0..1 and returns the
same, at ``scale`` times the size for super-resolution. Declaring them costs no import of a network library.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from ml.enhance.operation import (
    Call,
    EnhanceContext,
    Operation,
    OperationFailed,
    Parameter,
    Params,
    Pixels,
    Size,
    Text,
    ValueRejected,
    no_strength,
    strength,
)

IMPLEMENTATIONS: dict[str, str] = {
    "dehaze": "ml.enhance.haze:dehaze",
    "low_light": "ml.enhance.light:low_light",
    "super_resolution": "ml.enhance.superres:super_resolution",
    "style": "ml.enhance.style:style",
    "auto_enhance": "ml.enhance.auto:auto_enhance",
}
# CPU seconds per megapixel of input, one thread; see bench/enhance.py. "best" low light and dehaze take a
# fixed time.
_SUPER_RESOLUTION_COST = {"faithful": 5.0, "best": 40.0, "cleanup": 9.0, "vivid": 260.0}


def available(name: str) -> bool:
    """Whether the code of a learned operation is installed (its weights may still have to be fetched)."""
    return find_spec(IMPLEMENTATIONS[name].partition(":")[0]) is not None


def _implementation(name: str) -> Callable[[Pixels, Params, EnhanceContext], Pixels]:
    module_name, _, function_name = IMPLEMENTATIONS[name].partition(":")
    try:
        return getattr(importlib.import_module(module_name), function_name)
    except ModuleNotFoundError as error:
        raise OperationFailed(name, f"this installation cannot run it: {error.name} is missing") from error
    except AttributeError as error:
        raise OperationFailed(
            name, f"this installation cannot run it: {module_name} has no {function_name}"
        ) from error


def _by_module(name: str) -> Callable[[Any, Params, Call], Any]:
    def run(image: Pixels, params: Params, call: Call) -> Pixels:
        return _implementation(name)(image, params, call.context)

    return run


def _enlarged_size(width: int, height: int, params: Params) -> Size:
    return width * params["scale"], height * params["scale"]


def _largest_input(params: Params) -> int:
    from ml.enhance.superres import input_limit  # here, because that module needs this package

    return input_limit(params["model"], params["scale"])


def _check_style(params: Params) -> None:
    from ml.enhance.style import PRESETS

    if bool(params["preset"]) == bool(params["photo"]):
        message = "must be given, or photo, and not both"
        raise ValueRejected(
            message, "preset", {"pattern": "the name of a style, or photo: the id of a picture"}
        )
    names = [preset.name for preset in PRESETS]
    if params["preset"] and params["preset"] not in names:
        raise ValueRejected(f"must be one of {', '.join(names)}", "preset", {"choices": names})


def _preset_names() -> list[tuple[str, Text]]:
    from ml.enhance.style import PRESETS

    return [(preset.name, preset.title) for preset in PRESETS]


def _style_cost(params: Params) -> float:
    from ml.enhance.style import is_fast

    return 4.0 if is_fast(params) else 60.0


def _model(best_en: str, best_zh: str) -> Parameter:
    return Parameter(
        "model",
        "choice",
        Text("fast takes about a second or two; best " + best_en, "fast 约需一两秒；best " + best_zh),
        "fast",
        choices=("fast", "best"),
    )


OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "dehaze",
        "learned",
        Text("Dehaze", "去雾"),
        Text(
            "Take away haze, fog and smog and give distant things their contrast back.",
            "去除雾气与霾，恢复远景的对比度。",
        ),
        (
            strength(0.8),
            _model("uses a larger network and takes a few seconds.", "使用更大的网络，约需数秒。"),
        ),
        cost=0.06,
        run=_by_module("dehaze"),
        keeps_grey=True,
        identity=no_strength,
        cost_of=lambda p: 0.06 if p["model"] == "fast" else 0.5,
    ),
    Operation(
        "low_light",
        "learned",
        Text("Brighten dark photos", "暗光增强"),
        Text(
            "Bring out what is hidden in a dark photo and leave lights as they are.",
            "提亮暗部细节，同时保护高光。",
        ),
        (
            strength(0.8),
            _model("uses a larger network and takes a few seconds.", "使用更大的网络，约需数秒。"),
        ),
        cost=0.06,
        run=_by_module("low_light"),
        keeps_grey=True,
        identity=no_strength,
        cost_of=lambda p: 0.06 if p["model"] == "fast" else 0.5,
    ),
    Operation(
        "super_resolution",
        "learned",
        Text("Enlarge (super-resolution)", "超分辨率放大"),
        Text(
            "Enlarge with a network that draws sharper edges than interpolation.",
            "用神经网络放大，边缘比插值更清晰。",
        ),
        (
            Parameter("scale", "choice", Text("How many times larger.", "放大倍数。"), 2, choices=(2, 3, 4)),
            Parameter(
                "model",
                "choice",
                Text(
                    "faithful invents nothing; best looks from eight sides and comes closest to the truth; cleanup "
                    "also removes compression damage; vivid invents plausible texture and is slow.",
                    "faithful 忠实原图；best 从八个方向观察，最接近真实；cleanup 同时修复压缩痕迹；"
                    "vivid 凭空生成逼真纹理，很慢。",
                ),
                "faithful",
                choices=("faithful", "best", "cleanup", "vivid"),
            ),
        ),
        cost=5.0,
        run=_by_module("super_resolution"),
        keeps_grey=True,
        size=_enlarged_size,
        cost_of=lambda p: _SUPER_RESOLUTION_COST[p["model"]],
        limit=_largest_input,
    ),
    Operation(
        "style",
        "learned",
        Text("Style transfer", "风格迁移"),
        Text(
            "Paint the photo in the manner of a painting: a preset, or any picture of yours.",
            "以某幅画作的风格重绘照片：可选预设或任意图片。",
        ),
        (
            Parameter(
                "preset",
                "text",
                Text(
                    "Name of a built-in style; leave empty when photo is given.",
                    "内置风格名称；指定 photo 时留空。",
                ),
                "",
                pattern="[a-z0-9_-]{0,64}",
                names=_preset_names,
            ),
            Parameter(
                "photo",
                "text",
                Text(
                    "Id of the picture whose style is taken; leave empty when preset is given.",
                    "作为风格的图片编号；指定 preset 时留空。",
                ),
                "",
                pattern="[A-Za-z0-9_-]{0,64}",
            ),
            strength(1.0),
            Parameter(
                "model",
                "choice",
                Text(
                    "fast paints in seconds; best searches for minutes; auto is fast for presets, whose hands are "
                    "learned, and best for other pictures.",
                    "fast 只需数秒；best 反复推敲，需数分钟；"
                    "auto 对内置风格（已学会其笔法）用 fast，对其他图片用 best。",
                ),
                "auto",
                choices=("auto", "fast", "best"),
            ),
            Parameter(
                "keep_color", "boolean", Text("Keep the photo's own colours.", "保留照片原有色彩。"), False
            ),
        ),
        cost=4.0,
        run=_by_module("style"),
        check=_check_style,
        cost_of=_style_cost,
        identity=no_strength,
    ),
    Operation(
        "auto_enhance",
        "learned",
        Text("Auto enhance", "自动增强"),
        Text(
            "Measure the photo and correct only what it needs; a good photo stays nearly as it is.",
            "测量照片并只修正所需之处；优质照片基本保持不变。",
        ),
        (strength(1.0),),
        cost=0.6,
        run=_by_module("auto_enhance"),
        keeps_grey=True,
        identity=no_strength,
    ),
)
