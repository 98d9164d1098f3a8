"""Super-resolution: pictures two, three or four times as large.

``faithful`` (SPAN) adds no invention and is right for clean sources. ``best`` is the mean of what the same network
makes of the picture's eight mirrored and turned views (Timofte et al., "Seven Ways to Improve Example-Based Single
Image Super Resolution", CVPR 2016): closer to the truth on every set measured, for eight times the work. ``cleanup``
(realesr-animevideov3) removes the blocks and rings of compressed pictures at the price of fine texture. ``vivid``
(realesrgan-x4plus) invents plausible texture, so that it pleases most and is furthest from the truth; it is slow, and
only small pictures are accepted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import cv2
import numpy as np

from ml.enhance.operation import EnhanceContext, OperationFailed, Params, Pixels
from ml.enhance.tiles import network, picture_runner, run_tiled

OP = "super_resolution"


@dataclass(frozen=True)
class Enlarger:
    """How one model makes one scale: the network, its own factor, the largest input in pixels, and from how many sides
    the network sees the picture.
    """

    model_id: str
    factor: int
    limit: int
    tile: int = 160
    views: int = 1


_MEGA = 1_000_000
_SPAN_X2 = Enlarger("superres/span-x2-ch48@span", 2, 16 * _MEGA)
_SPAN_X4 = Enlarger("superres/span-x4-ch48@span", 4, 6 * _MEGA)
_CLEANUP = Enlarger("superres/srvgg-x4@animevideov3", 4, 6 * _MEGA)
_VIVID = Enlarger("superres/rrdb-x4@realesrgan-x4plus", 4, _MEGA, tile=96)
_BEST_X2 = replace(_SPAN_X2, limit=8 * _MEGA, views=8)
_BEST_X4 = replace(_SPAN_X4, limit=2 * _MEGA, views=8)

ENLARGERS: dict[tuple[str, int], Enlarger] = {
    ("faithful", 2): _SPAN_X2,
    ("faithful", 3): _SPAN_X4,
    ("faithful", 4): _SPAN_X4,
    ("cleanup", 2): _CLEANUP,
    ("cleanup", 3): _CLEANUP,
    ("cleanup", 4): _CLEANUP,
    ("best", 2): _BEST_X2,
    ("best", 3): _BEST_X4,
    ("best", 4): _BEST_X4,
    ("vivid", 2): _VIVID,
    ("vivid", 3): _VIVID,
    ("vivid", 4): _VIVID,
}


def input_limit(model: str, scale: int) -> int:
    """The largest input in pixels that this model and scale accept."""
    return ENLARGERS[model, scale].limit


def super_resolution(image: Pixels, params: Params, context: EnhanceContext) -> Pixels:
    """Enlarge a picture.

    Args:
        image: ``(H, W, 3)`` float32 sRGB in 0..1.
        params: ``scale`` 2, 3 or 4; ``model`` faithful, best, cleanup or vivid.
        context: where the models are; progress and cancellation per tile.

    Returns:
        ``(H * scale, W * scale, 3)`` float32 in 0..1.

    Raises:
        OperationFailed: the picture is larger than the model accepts, or the network is missing.
        Cancelled: the context asked to stop.
    """
    scale, model = int(params.get("scale", 2)), str(params.get("model", "faithful"))
    enlarger = ENLARGERS[model, scale]
    height, width = image.shape[:2]
    if height * width > enlarger.limit:
        raise OperationFailed(
            OP,
            f"The picture has {height * width / _MEGA:.1f} megapixels; {model} x{scale} takes at most "
            f"{enlarger.limit / _MEGA:g}. Shrink it first or choose another model.",
        )
    run = picture_runner(network(enlarger.model_id, context, OP))
    large = _enlarged(image, run, enlarger, context)
    if enlarger.factor != scale:
        # x3 by shrinking x4 beat enlarging x2 further by 0.3 dB; cubic beat area by 0.05 dB but aliases at a half.
        size = (width * scale, height * scale)
        how = cv2.INTER_CUBIC if scale == 3 else cv2.INTER_AREA
        large = np.clip(np.asarray(cv2.resize(large, size, interpolation=how), np.float32), 0, 1)
    return large


def _enlarged(
    image: Pixels, run: Callable[[Pixels], Pixels], enlarger: Enlarger, context: EnhanceContext
) -> Pixels:
    """By the network's own factor: the mean over the views, each turned back."""
    total: Pixels | None = None
    for view in range(enlarger.views):
        part = replace(context, progress=partial(_share_of, context, view, enlarger.views))
        seen = np.ascontiguousarray(np.rot90(image[:, ::-1] if view >= 4 else image, view % 4))
        made = np.rot90(run_tiled(seen, run, enlarger.factor, part, size=enlarger.tile), -(view % 4))
        made = made[:, ::-1] if view >= 4 else made
        total = made if total is None else np.add(total, made, out=total)
    assert total is not None
    return total if enlarger.views == 1 else np.asarray(total / np.float32(enlarger.views), np.float32)


def _share_of(context: EnhanceContext, view: int, views: int, share: float) -> None:
    context.progress((view + share) / views)
