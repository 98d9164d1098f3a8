"""Dehazing: ``I = J t + A (1 - t)`` solved for the clear picture ``J``.

``fast`` lets this project's own network say how much light arrives (``t``) and what colour the haze has (``A``), on a
small copy; ``best`` runs MAXIM on a small copy and carries its answer over. The dark channel prior, the classical
method, is here as the yardstick and as what remains when no weights are at hand.
"""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np

from ml.enhance import transfer
from ml.enhance.operation import EnhanceContext, Params, Pixels
from ml.enhance.tiles import network, picture_runner
from ml.enhance.transfer import LUMA, Lines

OP = "dehaze"
AIR = "haze/air@albumen"
MAXIM = "haze/maxim-outdoor@upscalerjs"

_NET_SIDES = (192, 256, 320)
_MAXIM_SIDE = 256
_NET_MULTIPLE = 16
_MAXIM_MULTIPLE = 64
_FIT_SIDE = 512
_LEAST_TRANSMISSION = 0.2
"""Below this, noise and compression blocks of the sky would be blown up more than fivefold."""
_NO_BLACKER, _SKY, _SKY_WIDTH = 0.9, 0.5, 0.06
_LEAST_MEAN = 0.36
"""Haze is bright: without it a photo comes out dark. It is lifted to this mean, if it had that much before."""


def dehaze(image: Pixels, params: Params, context: EnhanceContext) -> Pixels:
    """Take haze away.

    Args:
        image: ``(H, W, 3)`` float32 sRGB in 0..1.
        params: ``strength`` 0..1 (0 changes nothing, 1 takes all the haze that was found); ``model`` fast or best.
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
    if params.get("model") == "best":
        small = transfer.shrink(image, _MAXIM_SIDE, _MAXIM_MULTIPLE)
        after = picture_runner(network(MAXIM, context, OP))(small)
        return transfer.apply(image, transfer.fit(small, small + strength * (after - small)), context)
    lines, air = _estimate(image, context)
    small = transfer.shrink(image, _FIT_SIDE)
    quiet = replace(context, progress=lambda share: None)
    mean = float(clear(small, lines, air, strength, quiet).mean())
    wanted = min(_LEAST_MEAN, float(small.mean()))
    exponent = max(0.5, float(np.log(wanted) / np.log(mean))) if 0 < mean < wanted else 1.0
    return clear(image, lines, air, strength, context, exponent=exponent)


def _estimate(image: Pixels, context: EnhanceContext) -> tuple[Lines, Pixels]:
    """The network's transmission as lines over the luma, and its airlight ``(3,)``.

    The network looks six times, at three sizes and mirrored: the mean of its answers is worth 0.4 dB and costs a tenth
    of a second.
    """
    run = network(AIR, context, OP)
    guide = transfer.shrink(image, _FIT_SIDE) @ LUMA
    t, air = np.zeros_like(guide), np.zeros(3, np.float32)
    for side in _NET_SIDES:
        small = transfer.shrink(image, side, _NET_MULTIPLE)
        for turn in (1, -1):
            found, colour = run(np.ascontiguousarray(small[:, ::turn].transpose(2, 0, 1)[None]))
            upright = np.ascontiguousarray(found[0, 0][:, ::turn])
            t += cv2.resize(upright, guide.shape[::-1], interpolation=cv2.INTER_LINEAR)
            air += colour[0]
    looks = np.float32(2 * len(_NET_SIDES))
    t, air = (
        _plausible(np.asarray(t / looks, np.float32), transfer.shrink(image, _FIT_SIDE), air / looks),
        air / looks,
    )
    return transfer.guided(t, guide, 12, 1e-3), air


def _plausible(t: Pixels, small: Pixels, air: Pixels) -> Pixels:
    """The transmission raised where it cannot or should not be as low as the network says.

    No channel of the clear picture may fall below black, which bounds ``t`` from below; and where the picture has the
    very colour of the haze there is sky or nothing, and a low ``t`` would only magnify its noise and tint.
    """
    t = np.maximum(t, 1 - _NO_BLACKER * (small / np.maximum(air, 0.05)).min(2))
    distance = np.abs(transfer.box(small, 4) - air).max(2)
    return np.asarray(np.maximum(t, _SKY * np.exp(-((distance / _SKY_WIDTH) ** 2))), np.float32)


def clear(
    image: Pixels,
    lines: Lines,
    air: Pixels,
    strength: float,
    context: EnhanceContext,
    least: float = _LEAST_TRANSMISSION,
    exponent: float = 1.0,
) -> Pixels:
    """Solve for the clear picture, rows at a time.

    Args:
        image: ``(H, W, 3)`` in 0..1.
        lines: transmission as lines over the luma of a small copy.
        air: colour of the haze, ``(3,)``.
        strength: exponent of the transmission: with 0.5 half of the haze's thickness is taken.
        context: may cancel.
        least: smallest transmission.
        exponent: below 1 brightens the result.
    """
    height, width = image.shape[:2]
    slope = transfer.Enlarged(lines.slope, height, width)
    offset = transfer.Enlarged(lines.offset, height, width)
    result = np.empty_like(image)
    parts = transfer.bands(image, context)
    for number, (top, bottom) in enumerate(parts):
        context.report(number / len(parts))
        rows = image[top:bottom]
        t = slope.rows(top, bottom)
        t *= rows @ LUMA
        t += offset.rows(top, bottom)
        np.clip(t, least, 1, out=t)
        if strength != 1:
            np.power(t, np.float32(strength), out=t)
        part = rows - air
        part /= t[..., None]
        part += air
        np.clip(part, 0, 1, out=result[top:bottom])
        if exponent != 1:
            result[top:bottom] **= np.float32(exponent)
    context.report(1.0)
    return result


def dark_channel(image: Pixels, context: EnhanceContext, omega: float = 0.9, least: float = 0.15) -> Pixels:
    """The classical method: He, Sun & Tang, "Single Image Haze Removal Using Dark Channel Prior", CVPR 2009.

    Args:
        image: ``(H, W, 3)`` in 0..1.
        context: may cancel.
        omega: share of the haze that is taken.
        least: smallest transmission.
    """
    small = transfer.shrink(image, 600)
    patch = np.ones((15, 15), np.uint8)
    dark = cv2.erode(small.min(2), patch)
    thickest = dark >= np.quantile(dark, 0.999)
    air = np.maximum(np.median(small[thickest], axis=0), 0.05).astype(np.float32)
    t = (1 - omega * cv2.erode((small / air).min(2), patch)).astype(np.float32)
    lines = transfer.guided(t, small @ LUMA, 40, 1e-3)
    return clear(image, lines, air, 1.0, context, least)
