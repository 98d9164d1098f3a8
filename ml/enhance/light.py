"""Low light: dark photos made visible, good photos and lights left alone.

``fast`` runs this project's own curve network on a small copy; ``best`` runs MAXIM, trained on pairs of dark and well
lit photos, likewise; both are carried to full size by local lines. ``classical`` methods are here as the yardstick.
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
    strength = float(params.get("strength", 0.8))
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
    return transfer.fit(before, after)


def _best(image: Pixels, strength: float, context: EnhanceContext) -> transfer.Lines:
    """Lines of MAXIM's answer, blended with the picture by ``strength``."""
    small = transfer.shrink(image, _NET_SIDE, _MAXIM_MULTIPLE)
    after = picture_runner(network(MAXIM, context, OP))(small)
    return transfer.fit(small, small + strength * (after - small))


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
