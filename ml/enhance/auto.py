"""Automatic enhancement: measure a photo, propose operations with reasons, and change a good photo hardly
at all.

Rules, not a network: each looks at one measured defect and answers with an operation whose strength grows
from nothing at the threshold, so that two nearly equal photos never come out differently. Thresholds come
from sets of good, dark and hazy photos (``bench/classical.py --auto`` prints how often each rule speaks on
which set).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance import learned
from ml.enhance.classical.curves import LUMA
from ml.enhance.engine import apply
from ml.enhance.operation import EnhanceContext, Params, Pixels, Text

# Photos whose longest side is below this are offered to be enlarged.
SMALL_SIDE = 900
_MEASURED_SIDE = 256


@dataclass(frozen=True)
class Suggestion:
    """One proposed step and why. ``automatic`` steps are safe to apply unasked; the others change framing,
    size or mood.
    """

    step: dict[str, Any]
    reason: Text
    automatic: bool


def measure(image: NDArray[Any]) -> dict[str, float]:
    """The measured cues of ``(H, W, 3)`` sRGB pixels (uint8, or float32 0..1).

    ``median``, ``low``, ``high``, ``bright``: luma at 50, 0.5, 99.5 and 95 percent (0..1). ``veil``: median
    of the dark channel (He, Sun, Tang, CVPR 2009), high where haze lifts every black. ``chroma``: mean Lab
    chroma. ``cast``: mean Lab offset of nearly grey pixels. ``noise``: standard deviation in the quietest
    fifth (Immerkaer 1996). ``tilt``: degrees by which the picture should be turned clockwise, 0 when its
    lines do not agree. ``width``, ``height``.
    """
    height, width = image.shape[:2]
    small = _small(image)
    bright = small @ LUMA
    low, median, p95, high = (float(v) for v in np.percentile(bright, (0.5, 50, 95, 99.5)))
    dark = cv2.erode(small.min(axis=2), np.ones((15, 15), np.uint8), borderType=cv2.BORDER_REPLICATE)
    lab = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2Lab))
    chroma = np.hypot(lab[:, :, 1], lab[:, :, 2])
    neutral = (chroma < 25) & (lab[:, :, 0] > 15) & (lab[:, :, 0] < 95)
    cast = float(np.hypot(*lab[neutral][:, 1:].mean(axis=0))) if neutral.mean() > 0.1 else 0.0
    return {
        "width": float(width),
        "height": float(height),
        "low": low,
        "median": median,
        "bright": p95,
        "high": high,
        "veil": float(np.median(dark)),
        "chroma": float(chroma.mean()),
        "cast": cast,
        "noise": _noise_level(image),
        "tilt": _tilt(image),
    }


def _small(image: NDArray[Any], side: int = _MEASURED_SIDE) -> Pixels:
    factor = min(1.0, side / max(image.shape[:2]))
    size = (max(1, round(image.shape[1] * factor)), max(1, round(image.shape[0] * factor)))
    small = cv2.resize(np.ascontiguousarray(image[:, :, :3]), size, interpolation=cv2.INTER_AREA)
    return small.astype(np.float32) / np.float32(255.0 if image.dtype == np.uint8 else 1.0)


def _noise_level(image: NDArray[Any]) -> float:
    """Standard deviation of the noise (0..1) in the quietest fifth of 16 x 16 blocks of the middle, at full
    size.
    """
    height, width = image.shape[:2]
    if min(height, width) < 48:
        return 0.0
    top, left = max(0, height // 2 - 512), max(0, width // 2 - 512)
    middle = image[top : top + 1024, left : left + 1024, :3].astype(np.float32)
    plane = (middle @ LUMA) / np.float32(255.0 if image.dtype == np.uint8 else 1.0)
    kernel = np.array([[1, -2, 1], [-2, 4, -2], [1, -2, 1]], np.float32)
    response = np.abs(np.asarray(cv2.filter2D(plane, cv2.CV_32F, kernel)))
    blocks = cv2.resize(response, (plane.shape[1] // 16, plane.shape[0] // 16), interpolation=cv2.INTER_AREA)
    return float(np.sqrt(np.pi / 2) / 6 * np.percentile(blocks, 20))


def _tilt(image: NDArray[Any]) -> float:
    """How many degrees clockwise would straighten the picture: where long, nearly level or upright lines
    agree.
    """
    plane = np.clip((_small(image, 640) @ LUMA) * 255.0, 0, 255).astype(np.uint8)
    side = max(plane.shape)
    if side < 200:
        return 0.0
    # Line segment detector: Grompone von Gioi and others, IPOL 2012.
    lines = cv2.createLineSegmentDetector(cv2.LSD_REFINE_STD).detect(plane)[0]
    if lines is None:
        return 0.0
    ends = np.asarray(lines, np.float64).reshape(-1, 4)
    across, down = ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]
    lengths = np.hypot(across, down)
    # Angle from the nearest of level and upright, -45..45 degrees, positive when it falls to the right.
    angles = (np.degrees(np.arctan2(down, across)) + 45.0) % 90.0 - 45.0
    near = (np.abs(angles) < 12.0) & (lengths > 0.04 * side)
    angles, lengths = angles[near], lengths[near]
    if lengths.sum() < side:
        return 0.0
    votes = np.array([lengths[np.abs(angles - a) < 1.0].sum() for a in angles])
    agreeing = np.abs(angles - angles[int(votes.argmax())]) < 1.0
    if lengths[agreeing].sum() < 0.65 * lengths.sum():
        return 0.0
    return -float(np.average(angles[agreeing], weights=lengths[agreeing]))


def _ramp(value: float, start: float, end: float) -> float:
    """0 at ``start``, 1 at ``end`` and beyond, whichever of the two is larger."""
    return float(np.clip((value - start) / (end - start), 0.0, 1.0))


def propose(cues: Mapping[str, float], *, networks: bool = True) -> list[Suggestion]:
    """What could be done for a photo with these cues, in the order in which it should be done.

    ``cues`` holds what ``measure`` gives; missing ones silence the rules that need them. Cues of the analysis
    that were raised, given as 1 (``{cue.name: float(cue.flagged)}``), restrain the rules: ``screenshot`` all of
    them, ``night`` brightening, ``sunset`` and ``bw`` colour. Without ``networks`` classical operations stand in
    for learned ones.
    """
    flags = {name for name, value in cues.items() if value >= 0.5}
    if "screenshot" in flags:
        return []
    dark, haze = _darkness(cues, flags), _haze(cues, flags)
    rules = (
        _tilted(cues),
        _brighten(dark, networks),
        _clear(haze, networks),
        _spread(cues, 1.0 - max(dark, haze)),
        _neutral(cues, flags),
        _quiet(cues),
        _enlarge(cues) if networks else None,
    )
    return [suggestion for suggestion in rules if suggestion]


def _rounded(value: float) -> float:
    return round(value, 2)


def _tilted(cues: Mapping[str, float]) -> Suggestion | None:
    tilt = cues.get("tilt", 0.0)
    if not 0.6 <= abs(tilt) <= 10.0:
        return None
    reason = Text(f"The lines lean by {abs(tilt):.1f} degrees.", f"画面线条倾斜约 {abs(tilt):.1f} 度。")
    return Suggestion({"op": "rotate", "angle": _rounded(tilt), "frame": "crop"}, reason, automatic=False)


def _darkness(cues: Mapping[str, float], flags: set[str]) -> float:
    """How much a photo needs light, 0..1."""
    if "median" not in cues or "bright" not in cues:
        return 0.0
    need = _ramp(-cues["median"], -0.24, -0.08) * _ramp(-cues["bright"], -0.75, -0.45)
    # A dark picture with real lights in it is meant to be dark: lift it a little, keep the night.
    return need * 0.35 if "night" in flags or cues.get("high", 0.0) > 0.85 else need


def _brighten(need: float, networks: bool) -> Suggestion | None:
    if need < 0.05:
        return None
    reason = Text("Most of the photo is dark.", "照片大部分区域过暗。")
    if networks and learned.available("low_light"):
        return Suggestion({"op": "low_light", "strength": _rounded(0.9 * need)}, reason, automatic=True)
    return Suggestion({"op": "gamma", "gamma": _rounded(1.0 + need)}, reason, automatic=True)


def _haze(cues: Mapping[str, float], flags: set[str]) -> float:
    """How much a photo is veiled, 0..1."""
    # In black and white a veil cannot be told from a grey subject.
    if not {"veil", "chroma", "low"} <= cues.keys() or "bw" in flags or cues["chroma"] < 1.0:
        return 0.0
    need = (
        _ramp(cues["veil"], 0.3, 0.5) * _ramp(-cues["chroma"], -20.0, -10.0) * _ramp(cues["low"], 0.05, 0.2)
    )
    # White walls and snow have a veil too, but nothing grey behind it.
    return need * _ramp(-cues.get("median", 0.5), -0.9, -0.75)


def _clear(need: float, networks: bool) -> Suggestion | None:
    if need < 0.05:
        return None
    reason = Text("A veil of haze lies over the photo.", "照片蒙有一层雾霾。")
    if networks and learned.available("dehaze"):
        return Suggestion({"op": "dehaze", "strength": _rounded(0.7 * need)}, reason, automatic=True)
    return Suggestion(
        {"op": "clahe", "clip_limit": 2.0, "strength": _rounded(0.5 * need)}, reason, automatic=True
    )


def _spread(cues: Mapping[str, float], untreated: float) -> Suggestion | None:
    """Stretch flat tones, as far as no earlier step (``untreated`` 1: none) does it already."""
    if "low" not in cues or "high" not in cues:
        return None
    need = untreated * _ramp(-(cues["high"] - cues["low"]), -0.65, -0.35)
    # Dusk and night are dark all over, and high-key pictures bright all over, because they are meant to be.
    need *= _ramp(cues["high"], 0.45, 0.65) * _ramp(-cues["low"], -0.6, -0.4)
    if need < 0.05:
        return None
    reason = Text("The tones use only a part of the range from black to white.", "色调只占黑白范围的一部分。")
    return Suggestion({"op": "auto_levels", "strength": _rounded(0.7 * need)}, reason, automatic=True)


def _neutral(cues: Mapping[str, float], flags: set[str]) -> Suggestion | None:
    if cues.get("cast", 0.0) < 20.0 or flags & {"sunset", "bw", "night"}:
        return None
    reason = Text("What should be grey has a colour.", "本应为灰色的部分带有偏色。")
    return Suggestion({"op": "white_balance", "auto": True, "strength": 0.6}, reason, automatic=False)


def _quiet(cues: Mapping[str, float]) -> Suggestion | None:
    noise = cues.get("noise", 0.0)
    if noise < 0.03:
        return None
    reason = Text("Even areas are noisy.", "平坦区域噪点明显。")
    return Suggestion({"op": "denoise", "strength": _rounded(min(0.8, 8.0 * noise))}, reason, automatic=False)


def _enlarge(cues: Mapping[str, float]) -> Suggestion | None:
    side = max(cues.get("width", 0.0), cues.get("height", 0.0))
    if not 0 < side < SMALL_SIDE:
        return None
    reason = Text(f"The photo is only {side:.0f} pixels long.", f"照片长边仅 {side:.0f} 像素。")
    return Suggestion({"op": "super_resolution", "scale": 2}, reason, automatic=False)


def auto_enhance(image: Pixels, params: Params, context: EnhanceContext) -> Pixels:
    """The ``auto_enhance`` operation: the automatic suggestions, blended by ``strength``. Size and framing
    stay.

    The picture itself is measured; ``context.cues`` add what only the analysis knows (flags).
    """
    cues = {**(context.cues or {}), **measure(image)}
    steps = [
        suggestion.step
        for suggestion in propose(cues, networks=context.models_dir is not None)
        if suggestion.automatic
    ]
    if not steps:
        return image
    enhanced = apply(image, steps, context=replace(context, cues=None))
    return np.asarray(image + np.float32(params["strength"]) * (enhanced - image), np.float32)
