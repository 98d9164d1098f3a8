"""Cues: cheap measured qualities of a photo, each a number and whether its calibrated rule raises it.

No network, about 5 ms. Measurements are made at fixed sizes so that a number means the same for every
photo. The rules were set on about 900 everyday photos, with hazy, dark, blurred and drawn ones among
them (``bench/cues.py`` prints how often each is right and wrong). They are meant for searching and for
suggestions: a raised cue is a hint, not a verdict.

| cue | value | raised when |
| --- | --- | --- |
| sharpness | about .25 (blurred) to 1 (crisp) | the photo is blurred all over |
| exposure | stops of the mean brightness above middle grey | large parts are burnt out |
| dark | mean brightness, 0..1 | nearly all of it is dark |
| night | share of dark pixels | black all over, with small bright lights |
| haze | probability of a veil | the probability is high |
| bw | 98th percentile of CIELAB chroma | there is no colour, or brown as in old prints |
| screenshot | share of flat, exactly equal pixels | flat areas and one-pixel edges, as screens draw them |
| sunset | share of warm colours in the upper part | a warm sky, dark ground, open country |
| panorama | longer side over the shorter | it is 2 or more |
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.runtime import Device
from ml.stages import Findings
from ml.types import CueValue, Image, Vector

Floats = NDArray[np.float32]

_DETAIL_SIDE = 512  # for sharpness
_TONE_SIDE = 256  # for tones and colours
_SCREEN_SIDE = 1024

_LEVELS = 64  # of lightness, where the colour of a toned print is looked up

# Linear light, 0..1, of the 256 values of an sRGB channel (IEC 61966-2-1).
_VALUES = np.arange(256) / 255
_LINEAR = np.where(_VALUES <= 0.04045, _VALUES / 12.92, ((_VALUES + 0.055) / 1.055) ** 2.4)

_WARMEST = float(np.tan(np.radians(20)))  # of the hues of a sunset: yellow over red

BLURRED = 0.36
HAZY = 0.9
BURNT = 0.25
PANORAMA = 2.0

# ImageNet classes of open country and water, where the sky is large: alp, cliff, lakeside, promontory,
# sandbar, seashore, valley, volcano, beacon, boathouse, breakwater, canoe, dock, pier.
_OPEN_COUNTRY = (970, 972, 975, 976, 977, 978, 979, 980, 437, 449, 460, 472, 536, 718)
_OPEN_COUNTRY_SEEN = 0.1

# A logistic regression fitted here on 75 hazy and 890 clear photos, at 256 pixels; see ``_veil``.
_VEIL = np.array([1.7263, -13.6815, 4.7436, 0.0357, -0.1039, 0.1569, -7.2438])
_VEIL_LOW = np.array([0.023, -0.483, 0.0, 4.793, 0.426, 0.0])
_VEIL_HIGH = np.array([0.554, 0.646, 138.1, 77.34, 39.45, 0.884])


class CueStage:
    """Measures ``cues``; see ``ml.stages.Stage`` for the contract. Nothing is loaded.

    Args:
        models_dir: not used; part of the contract.
        device: not used.
    """

    stage = "cues"
    version = "1"
    needs: tuple[str, ...] = ()
    uses: tuple[str, ...] = ("scenes",)
    model_ids: tuple[str, ...] = ()

    def __init__(self, models_dir: Path, *, device: Device = "cpu") -> None:
        del models_dir, device

    def run(self, images: Sequence[Image], so_far: Sequence[Findings]) -> list[Findings | Exception]:
        """Measure each picture."""
        return [
            Findings(cues=measure(image, known.get("probabilities")))
            for image, known in zip(images, so_far, strict=True)
        ]

    def unload(self) -> None:
        """Nothing to let go."""


@dataclass(frozen=True)
class _Tones:
    """A picture at 256 pixels: RGB, grey 0..255 and how many pixels have each grey ``(256,)``, and CIELAB as planes,
    with lightness 0..100."""

    rgb: Image
    grey: Floats
    greys: Floats
    lightness: Floats
    a: Floats
    b: Floats
    chroma: Floats


def measure(image: Image, probabilities: Vector | None = None) -> tuple[CueValue, ...]:
    """All cues of one picture.

    Args:
        image: upright ``(H, W, 3) uint8`` sRGB.
        probabilities: ``(1000,)`` of the scene network; without it no sunset is raised.
    """
    detail = _shrunk(image, _DETAIL_SIDE)
    small = _shrunk(detail, _TONE_SIDE)
    tones = _tones(small)
    pixels = tones.grey.size
    burnt = float(tones.greys[251:].sum()) / pixels
    screenshot = _screenshot(image)
    grey = _colourless(tones)
    sharpness = _sharpness(_grey(detail))
    haze = _veil(tones)
    mean = float(tones.greys @ _VALUES) / pixels
    height, width = image.shape[:2]
    ratio = max(height, width) / min(height, width)
    blurred = 0 < sharpness < BLURRED and not screenshot.flagged
    return (
        _cue("sharpness", sharpness, blurred),
        _cue("exposure", _stops(small), burnt > BURNT and not screenshot.flagged and not _is_paper(tones)),
        _cue("dark", mean, mean < 0.18 and _counted(tones.greys, 95) < 140),
        _night(tones, screenshot.flagged),
        _cue("haze", haze, haze >= HAZY and not grey.flagged and not screenshot.flagged),
        _cue("bw", grey.value, grey.flagged and not _is_paper(tones) and not screenshot.flagged),
        screenshot,
        _sunset(tones, probabilities),
        _cue("panorama", ratio, ratio >= PANORAMA),
    )


def _cue(name: str, value: float, flagged: bool) -> CueValue:
    return CueValue(name, round(float(value), 4), bool(flagged))


def _sharpness(grey: Floats) -> float:
    """How fast brightness changes over one pixel compared with four, in the direction where it is slowest.

    Blur takes the changes over one pixel and leaves those over four: the ratio falls towards 1/4. It
    does not depend on contrast, and the slowest of four directions shows camera shake too. Of 16 fields
    of the picture nearly the sharpest counts, so that a sharp subject before a soft background is
    sharp. 0 where the picture has no detail at all.
    """
    slowest = np.inf
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        near, far = (_changes(grey, dy * step, dx * step) for step in (1, 4))
        if near is None or far is None:
            continue
        enough = far > 36.0  # fields with less than that have nothing in them that could be sharp
        if enough.any():
            ratio = np.sqrt(near[enough] / far[enough])
            slowest = min(slowest, _ranked(ratio, 90)[0])
    return slowest if np.isfinite(slowest) else 0.0


def _changes(grey: Floats, dy: int, dx: int) -> Floats | None:
    """Mean squared difference between pixels (dy, dx) apart, in 4 x 4 fields; None in too small a
    picture."""
    height, width = grey.shape
    if height - dy < 4 or width - abs(dx) < 4:
        return None
    later = grey[dy:, max(dx, 0) : width + min(dx, 0)]
    earlier = grey[: height - dy, max(-dx, 0) : width - max(dx, 0)]
    change = later - earlier
    change *= change
    return _quarters(len(change)) @ change @ _quarters(change.shape[1]).T


@functools.lru_cache(64)
def _quarters(length: int) -> Floats:
    """``(4, length)``: the mean over each quarter of a line, pixels on a border shared by their parts."""
    edges = np.arange(5) * length / 4
    pixel = np.arange(length)
    inside = np.minimum(edges[1:, None], pixel + 1) - np.maximum(edges[:-1, None], pixel)
    return np.asarray(np.maximum(inside, 0) * 4 / length, np.float32)


def _stops(rgb: Image) -> float:
    """Mean linear brightness in stops above middle grey (0.18)."""
    means = [_counts(rgb, channel) @ _LINEAR for channel in range(3)]
    mean = float(np.array([0.2126, 0.7152, 0.0722]) @ means) / (rgb.size // 3)
    return float(np.log2(max(mean, 1e-4) / 0.18))


def _is_paper(tones: _Tones) -> bool:
    """Most of it white, and hardly a colour in the rest: a document, or a thing before a white wall."""
    if _counted(tones.greys, 50) <= 235:
        return False
    return float(tones.chroma.mean()) < 8


def _night(tones: _Tones, screenshot: bool) -> CueValue:
    """Black all over but for small bright lights that are far brighter than all else."""
    light = tones.lightness
    value = float((light < 20).mean())
    upper, bright, lights = _ranked(light, 75, 90, 99.8)
    black = upper < 26 and _ranked(light[: max(1, len(light) // 3)], 75)[0] < 25
    if screenshot or not (black and lights > 58 and lights - bright > 28):
        return _cue("night", value, False)
    lit = light > 45
    count, _, stats, _ = cv2.connectedComponentsWithStats(lit.astype(np.uint8), connectivity=8)
    areas = stats[1:count, cv2.CC_STAT_AREA]
    spots = int(((areas > 3) & (areas < 0.01 * light.size)).sum())
    lamps = float(areas.max(initial=0)) / light.size < 0.05
    few = spots >= 1 and float(lit.mean()) < 0.006
    return _cue("night", value, lamps and (spots >= 5 or few))


def _veil(tones: _Tones) -> float:
    """Probability of haze, from what a veil does: it lifts black, takes local contrast and colour from
    bright parts, and grows with distance, which mostly lies further up.

    The dark channel (the least of red, green and blue around a pixel) is that of He et al., "Single
    Image Haze Removal Using Dark Channel Prior", CVPR 2009; the regression is our own.
    """
    grey, rgb = tones.grey, tones.rgb.astype(np.float32)
    height = len(grey)
    most, least = _most(rgb), _least(rgb)
    dark = cv2.erode(least, np.ones((9, 9), np.uint8))
    blackest, bright, brightest = (_counted(tones.greys, share) for share in (1, 80, 99.5))
    air = max(brightest, 1.0)
    mean = cv2.blur(grey, (9, 9))
    deviation = np.sqrt(np.maximum(cv2.blur(grey * grey, (9, 9)) - mean * mean, 0))
    ordinary, busy = _ranked(deviation, 50, 90)
    saturation = (most - least) / np.maximum(most, 1)
    third = max(1, height // 3)
    features = np.array(
        [
            float(deviation.mean()) / max(float(mean.mean()), 1.0),
            (float(dark[:third].mean()) - float(dark[-third:].mean())) / air,
            blackest,
            busy,
            ordinary,
            float(saturation[grey >= bright].mean()),
        ]
    )
    score = _VEIL[0] + float(_VEIL[1:] @ np.clip(features, _VEIL_LOW, _VEIL_HIGH))
    return float(1 / (1 + np.exp(-score)))


def _colourless(tones: _Tones) -> CueValue:
    """No colour at all, or a toned print: its colour follows from its lightness, and is brown."""
    light, chroma = tones.lightness.ravel(), tones.chroma
    value = _ranked(chroma, 98)[0]
    seen = _ranked(light, 95)[0] > 25  # in the dark nothing has a colour
    if value < 6 or not seen:
        return _cue("bw", value, value < 6 and seen)
    colour = (tones.a.ravel(), tones.b.ravel())
    hue = float(np.degrees(np.arctan2(colour[1].mean(), colour[0].mean())))
    if not (60 < hue < 105 and 6.5 < float(chroma.mean()) < 30):
        return _cue("bw", value, False)
    # The mean colour at each lightness; what it does not explain is colour that a toned print cannot have.
    level = light / 100 * (_LEVELS - 1)
    nearest = np.round(level).astype(int)
    count = np.bincount(nearest, minlength=_LEVELS)
    known = np.flatnonzero(count)
    lower = np.minimum(level.astype(int), _LEVELS - 2)
    above = level - lower.astype(np.float32)
    rest = []
    for part in colour:
        mean = np.bincount(nearest, part, _LEVELS)[known] / count[known]
        tone = np.interp(np.arange(_LEVELS), known, mean).astype(np.float32)
        rest.append(part - (tone[lower] + np.diff(tone)[lower] * above))
    return _cue("bw", value, _ranked(cv2.magnitude(*rest), 98)[0] < 4)


def _screenshot(image: Image) -> CueValue:
    """Flat areas whose pixels are exactly equal, and edges that take a single pixel: no lens draws
    either."""
    pixels = _shrunk(image, _SCREEN_SIDE)
    if min(pixels.shape[:2]) < 2:
        return _cue("screenshot", 0.0, False)
    planes: list[Any] = list(cv2.split(pixels))
    across: Any = functools.reduce(cv2.max, [cv2.absdiff(one[:, 1:], one[:, :-1]) for one in planes])
    down: Any = functools.reduce(cv2.max, [cv2.absdiff(one[1:], one[:-1]) for one in planes])
    flat = (across[:-1] | across[1:] | down[:, :-1]) == 0
    hard = int(np.count_nonzero(across > 60)) / max(int(np.count_nonzero(across > 3)), 1)
    extreme: Any = (functools.reduce(cv2.min, planes) >= 250) | (functools.reduce(cv2.max, planes) <= 5)
    page = float(extreme.mean()) > 0.8 and float((flat & ~extreme[:-1, :-1]).mean()) < 0.01
    share = float(flat.mean())
    return _cue("screenshot", share, share > 0.3 and hard > 0.3 and not page)


def _sunset(tones: _Tones, probabilities: Vector | None) -> CueValue:
    """A warm, smooth sky over darker ground, in a place where a sky is likely."""
    light = tones.lightness
    height = len(light)
    warm = (tones.a > 0) & (tones.b > _WARMEST * tones.a) & (tones.chroma > 18)  # a hue of 20 to 90 degrees
    share = float(warm[: max(1, height * 6 // 10)].mean())
    sky = _ranked(light[: max(1, height // 2)], 50)[0]
    ground = _ranked(light[-max(1, height // 3) :], 50)[0]
    detail = np.abs(cv2.Laplacian(light, cv2.CV_32F))
    smooth = _ranked(detail[: max(1, height // 3)], 50)[0] < 1.8
    looks = share > 0.08 and sky - ground > 16 and ground < 40 and smooth
    place = 0.0 if probabilities is None else float(probabilities[list(_OPEN_COUNTRY)].sum())
    return _cue("sunset", share, looks and place > _OPEN_COUNTRY_SEEN)


def _most(pixels: NDArray[Any]) -> NDArray[Any]:
    """The largest of three channels at each pixel; many times faster than ``max(2)``, which runs over three values
    at a time."""
    return np.maximum(np.maximum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def _least(pixels: NDArray[Any]) -> NDArray[Any]:
    """The smallest of three channels at each pixel."""
    return np.minimum(np.minimum(pixels[..., 0], pixels[..., 1]), pixels[..., 2])


def _shrunk(image: Image, side: int) -> Image:
    """At most ``side`` pixels long, by an area average; never enlarged."""
    scale = side / max(image.shape[:2])
    if scale >= 1:
        return image
    size = (max(1, round(image.shape[1] * scale)), max(1, round(image.shape[0] * scale)))
    shrunk: Any = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return np.asarray(shrunk, np.uint8)


def _grey(image: Image) -> Floats:
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.float32)


def _counts(image: Image, channel: int = 0) -> Floats:
    """``(256,)``: how many pixels have each value in this channel."""
    counts: Any = cv2.calcHist([image], [channel], None, [256], [0, 256])
    return np.asarray(counts, np.float32).ravel()


def _ranked(values: Floats, *shares: float) -> list[float]:
    """What ``np.percentile`` says of them; sorted once, which takes a third of the time of one of its calls."""
    ordered = np.sort(values, axis=None)
    places = [share / 100 * (len(ordered) - 1) for share in shares]
    lows = [float(ordered[int(place)]) for place in places]
    highs = [float(ordered[min(int(place) + 1, len(ordered) - 1)]) for place in places]
    return [low + (high - low) * (place % 1) for low, high, place in zip(lows, highs, places, strict=True)]


def _counted(counts: Floats, share: float) -> float:
    """What ``np.percentile`` says of the values 0..255 that occur so often each."""
    upto = counts.cumsum(dtype=np.float64)
    place = share / 100 * (upto[-1] - 1)
    low, high = np.searchsorted(upto, (np.floor(place), np.ceil(place)), side="right")
    return float(low + (high - low) * (place % 1))


def _tones(rgb: Image) -> _Tones:
    lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness, a, b = (np.asarray(plane, np.float32) for plane in cv2.split(lab))
    grey: Any = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    chroma = np.asarray(cv2.magnitude(a, b), np.float32)
    return _Tones(rgb, np.asarray(grey, np.float32), _counts(grey), lightness, a, b, chroma)
