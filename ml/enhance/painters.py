"""Painting a photo in the hand of a preset, in seconds: the network is ``ml.nets.painter``.

The photo is given the painting's palette and smoothed within its edges, so that it is left to the network to draw
strokes and not to invent colours or keep the photo's grain. A canvas of combed noise (``ml.enhance.canvas``) lies under
both: where a photo is all of one value, as burnt out skies are, a convolution has nothing else to begin a stroke from,
and elsewhere the strokes follow its shapes. Large shapes stay as bright as they are in the photo: what the network
would lift or sink them by is limited. The whole picture goes through at once: the network's normalisation looks at all
of it, which tiles would not see.
"""

from __future__ import annotations

import cv2
import numpy as np

from ml.enhance.canvas import canvas
from ml.enhance.operation import EnhanceContext, Pixels
from ml.enhance.palette import Palette, palette, recoloured
from ml.enhance.sweep import underpainting
from ml.enhance.tiles import network

PAINTERS = "style/painters@albumen"
GROUND_EPS = 0.004
"""Detail of the photo of a variance below this is left to the strokes."""
_HANDS = 9
_LARGE, _LIFT = 12.0, 0.05
"""Beyond so many pixels (Gaussian) a shape is large; so much may its colour change."""
_CANVAS = 0.12
"""Standard deviation of the canvas, against pictures in 0..1."""
_ROLL = 2.0
"""How far highlights are rolled off before the network sees them: in the brightest places it would draw nothing."""
_STEP, _LEAST = 4, 32


def painted(photo: Pixels, place: int, colours: Palette, context: EnhanceContext) -> Pixels:
    """Repaint a photo.

    Args:
        photo: ``(H, W, 3)`` float32 in 0..1, any size; strokes have a fixed size in its pixels.
        place: of the painting in the network's order, that of ``style.PRESETS``.
        colours: the painting's palette.
        context: where the network is; asked once whether to stop.

    Returns:
        The same shape, in 0..1.

    Raises:
        OperationFailed: the network is missing.
        Cancelled: the context asked to stop.
    """
    height, width = photo.shape[:2]
    rim = [(0, max(_LEAST, side + -side % _STEP) - side) for side in (height, width)]
    coloured = recoloured(np.pad(photo, (*rim, (0, 0)), mode="symmetric"), colours, palette(photo))
    ground = underpainting(coloured, GROUND_EPS)
    seen = np.tanh(_ROLL * np.concatenate([ground, coloured], 2)) / np.float32(np.tanh(_ROLL))
    seen += np.float32(_CANVAS) * canvas(ground)[..., None]
    hand = np.zeros((1, _HANDS), np.float32)
    hand[0, place] = 1
    context.report(0.2)
    picture = np.ascontiguousarray(seen.transpose(2, 0, 1)[None], np.float32)
    (made,) = network(PAINTERS, context, "style")(picture, hand)
    drawn = np.ascontiguousarray(made[0].transpose(1, 2, 0)) - seen[..., :3]
    lift = cv2.GaussianBlur(drawn, (0, 0), _LARGE, borderType=cv2.BORDER_REFLECT_101)
    whole = ground + drawn - (lift - np.clip(lift, -_LIFT, _LIFT))
    return np.clip(whole[:height, :width], 0, 1, dtype=np.float32)
