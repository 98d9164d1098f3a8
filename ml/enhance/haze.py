"""Dehazing: ``I = J t + A (1 - t)`` solved for the clear picture ``J``.

``fast`` lets this project's own network say how much light arrives (``t``) and what colour the haze has (``A``), on a
small copy; ``best`` runs MAXIM on a small copy and carries its answer over. The dark channel prior, the classical
method, is here as the yardstick and as what remains when no weights are at hand.
"""

from __future__ import annotations

import cv2
import numpy as np

from ml.enhance import transfer
from ml.enhance.operation import EnhanceContext, Params, Pixels
from ml.enhance.tiles import network, picture_runner
from ml.enhance.transfer import LUMA, Lines

OP = "dehaze"
AIR = "haze/air@albumen"
MAXIM = "haze/maxim-outdoor@upscalerjs"

_NET_SIDE = 256
_NET_MULTIPLE = 16
_MAXIM_MULTIPLE = 64
_FIT_SIDE = 512
_LEAST_TRANSMISSION = 0.12
"""Below this, noise and compression blocks of the sky would be blown up more than eightfold."""


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
    strength = float(params.get("strength", 0.8))
    if strength == 0:
        return image.copy()
    context.report(0.0)
    if params.get("model") == "best":
        small = transfer.shrink(image, _NET_SIDE, _MAXIM_MULTIPLE)
        after = picture_runner(network(MAXIM, context, OP))(small)
        return transfer.apply(image, transfer.fit(small, small + strength * (after - small)), context)
    lines, air = _estimate(image, context)
    return clear(image, lines, air, strength, context)


def _estimate(image: Pixels, context: EnhanceContext) -> tuple[Lines, Pixels]:
    """The network's transmission as lines over the luma, and its airlight ``(3,)``."""
    small = transfer.shrink(image, _NET_SIDE, _NET_MULTIPLE)
    t, air = network(AIR, context, OP)(np.ascontiguousarray(small.transpose(2, 0, 1)[None]))
    guide = transfer.shrink(image, _FIT_SIDE) @ LUMA
    grown = np.asarray(cv2.resize(t[0, 0], guide.shape[::-1], interpolation=cv2.INTER_LINEAR), np.float32)
    return transfer.guided(grown, guide, 12, 1e-3), air[0].astype(np.float32)


def clear(
    image: Pixels,
    lines: Lines,
    air: Pixels,
    strength: float,
    context: EnhanceContext,
    least: float = _LEAST_TRANSMISSION,
) -> Pixels:
    """Solve for the clear picture, rows at a time.

    Args:
        image: ``(H, W, 3)`` in 0..1.
        lines: transmission as lines over the luma of a small copy.
        air: colour of the haze, ``(3,)``.
        strength: exponent of the transmission: with 0.5 half of the haze's thickness is taken.
        context: may cancel.
        least: smallest transmission.
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
