"""Low light: dark photos made visible, good photos and lights left alone.

``fast`` runs this project's own curve network on a small copy; ``best`` adds colour and local contrast from MAXIM,
which was trained on pairs of dark and well lit photos; both are carried to full size by local lines. The classical
methods are here as the yardstick.
"""

from __future__ import annotations

import cv2
import numpy as np

from ml.enhance import transfer
from ml.enhance.operation import EnhanceContext, Params, Pixels
from ml.enhance.tiles import network, picture_runner
from ml.enhance.transfer import LUMA

OP = "low_light"
CURVES = "light/curve@albumen"
MAXIM = "light/maxim-lol@upscalerjs"

_NET_SIDE = 256
_NET_MULTIPLE = 16
_MAXIM_MULTIPLE = 64
_FIT_SIDE = 640
_MAXIM_SHARE = 0.3
_REGION = 8  # sigma in pixels of the small copy: as wide as the windows the lines are fitted in


def low_light(image: Pixels, params: Params, context: EnhanceContext) -> Pixels:
    """Brighten what is too dark.

    Args:
        image: ``(H, W, 3)`` float32 sRGB in 0..1.
        params: ``strength`` 0..1 (0 changes nothing); ``model`` fast or best.
        context: where the models are; may cancel.

    Returns:
        The same shape and range.

    Raises:
        OperationFailed: the network is missing.
        Cancelled: the context asked to stop.
    """
    strength = transfer.eased(float(params.get("strength", 0.8)))
    if strength == 0:
        return image.copy()
    context.report(0.0)
    lines = (
        _best(image, strength, context) if params.get("model") == "best" else _fast(image, strength, context)
    )
    context.report(0.7)
    result = transfer.apply(image, lines, context)
    result = calm(result, gain=float(np.median(lines.slope)), context=context)
    context.report(1.0)
    return result


def _fast(image: Pixels, strength: float, context: EnhanceContext) -> transfer.Lines:
    """Lines of the curve network's answer; ``strength`` shortens every step along the curves."""
    small = transfer.shrink(image, _NET_SIDE, _NET_MULTIPLE)
    (maps,) = network(CURVES, context, OP)(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
    before = transfer.shrink(image, _FIT_SIDE)
    size = (before.shape[1], before.shape[0])
    after = before
    for step in range(maps.shape[1] // 3):
        a = np.ascontiguousarray(maps[0, 3 * step : 3 * step + 3].transpose(1, 2, 0))
        a = np.asarray(cv2.resize(a, size, interpolation=cv2.INTER_LINEAR), np.float32)
        after = after + strength * a * after * (1 - after)
    luma = before @ LUMA
    lift = (after @ LUMA) / np.maximum(luma, 1e-4)
    most = 1 + (most_gain(luma) - 1) * strength
    after = after * np.minimum(1, most / np.maximum(lift, 1e-4))[..., None]
    return transfer.fit(before, after)


def most_gain(luma: Pixels) -> float:
    """How many times brighter a pixel may become.

    What is nearly black holds rounding steps and compression blocks rather than a picture, so that the gain is
    limited to nine; and to four where a black picture has bright lights in it, for then the black is the night sky.
    """
    lights = np.clip((float(np.quantile(luma, 0.995)) - 0.4) / 0.4, 0, 1)
    black = np.clip((0.06 - float(np.median(luma))) / 0.03, 0, 1)
    return float(9 - 5 * lights * black)


def _best(image: Pixels, strength: float, context: EnhanceContext) -> transfer.Lines:
    """Lines of the curve network's answer with some of MAXIM's colour and fine contrast.

    MAXIM knows one kind of dark photo and answers always with the same brightness and light of its own; how bright a
    picture ought to be, and where, is left to the curve network: MAXIM's answer is brought to that brightness, as a
    whole and then region by region, before the two are mixed.
    """
    small = transfer.shrink(image, _NET_SIDE, _MAXIM_MULTIPLE)
    size = (small.shape[1], small.shape[0])
    ours = transfer.apply(image, _fast(image, strength, context), context)
    ours = np.asarray(cv2.resize(ours, size, interpolation=cv2.INTER_AREA), np.float32)
    context.report(0.1)
    theirs = picture_runner(network(MAXIM, context, OP))(small)
    theirs = lit_alike(at_brightness(theirs, float(ours.mean())), ours)
    return transfer.fit(small, ours + _MAXIM_SHARE * strength * (theirs - ours))


def at_brightness(image: Pixels, mean: float) -> Pixels:
    """The picture under the exponent that gives it this mean, as nearly as an exponent of 1/8..8 can."""
    low, high = 1 / 8, 8.0
    image = np.clip(image, 1e-3, 1)
    for _ in range(20):
        exponent = float((low * high) ** 0.5)
        low, high = (
            (exponent, high) if float((image ** np.float32(exponent)).mean()) > mean else (low, exponent)
        )
    return np.asarray(image ** np.float32((low * high) ** 0.5), np.float32)


def lit_alike(image: Pixels, wanted: Pixels) -> Pixels:
    """The picture under the light of another of its size: every region as bright as there, what is finer and the
    colours as they are. A region is brightened or darkened four times at most.
    """
    now, then = (cv2.GaussianBlur(x @ LUMA, (0, 0), _REGION) + 1e-3 for x in (image, wanted))
    return np.asarray(np.clip(image * np.clip(then / now, 0.25, 4)[..., None], 0, 1), np.float32)


def calm(image: Pixels, gain: float, context: EnhanceContext) -> Pixels:
    """Smooth the colour noise that strong brightening lifted out of the dark; brightness detail stays.

    Args:
        image: the brightened picture.
        gain: the typical slope of the brightening; below 2 nothing is done.
        context: may cancel.
    """
    if gain < 2:
        return image
    context.check()
    luma = image @ LUMA
    height, width = luma.shape
    small_luma = transfer.shrink(luma[..., None], max(16, max(height, width) // 2))[..., 0]
    result = np.empty_like(image)
    for channel in range(3):
        # Colour differences at half the size, smoothed along the edges of the luma.
        difference = transfer.shrink(
            (image[..., channel] - luma)[..., None], max(16, max(height, width) // 2)
        )
        lines = transfer.guided(difference[..., 0], small_luma, 4, 4e-3)
        smooth = cv2.resize(lines.slope * small_luma + lines.offset, (width, height))
        np.clip(luma + smooth, 0, 1, out=result[..., channel])
    return result


def median_gamma(image: Pixels, target: float = 0.45) -> Pixels:
    """The classical yardstick: the exponent (0.3..1) that brings the median luma to ``target``."""
    median = float(np.median(transfer.shrink(image, 512) @ LUMA))
    exponent = np.clip(np.log(target) / np.log(np.clip(median, 1e-3, 0.999)), 0.3, 1.0)
    return np.asarray(image**exponent, np.float32)


def lime(image: Pixels, context: EnhanceContext, power: float = 0.6, target: float = 0.42) -> Pixels:
    """A better yardstick, after Guo, Li & Ling, "LIME: Low-Light Image Enhancement via Illumination Map Estimation",
    IEEE TIP 2017: divide by the illumination (the largest channel, smoothed along edges) to a power, then gamma.
    """
    small = transfer.shrink(image, 512)
    brightest = small.max(2)
    lines = transfer.guided(brightest, small @ LUMA, 16, 1e-3)
    light = np.clip(lines.slope * (small @ LUMA) + lines.offset, 0.05, 1)
    lit = transfer.fit(small, np.clip(small / light[..., None] ** power, 0, 1))
    return median_gamma(transfer.apply(image, lit, context), target)
