"""Painting in one sweep: seconds instead of the minutes that ``ml.enhance.paint`` searches.

The photo is given the style's palette and smoothed within its edges: the underpainting. Its features are given the
style's statistics and decoded by a network of our own, and what that draws, less its large shapes, are the strokes on
the ground. Where the network is unsure the ground stands: colours are right and the edges of things stay.

The photo is looked at in tiles, its statistics are taken over the whole, and the last and largest stage is drawn in
tiles again: memory stays bounded, and no seam shows because every tile is fed with all that its pixels depend on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance import paint
from ml.enhance.operation import EnhanceContext, Pixels
from ml.enhance.palette import Palette, palette, recoloured
from ml.enhance.tiles import Tile, tiles
from ml.enhance.transfer import fit

if TYPE_CHECKING:
    from torch import Tensor

    from ml.nets.style_decoder import Moments, StyleDecoder
    from ml.nets.vgg_trunk import VggTrunk

DECODER = "style/decoder@albumen"
STROKE_SIGMA = 12.0
"""What the decoder draws at a scale beyond this many pixels (Gaussian) is left to the underpainting."""
_SMOOTH_RADIUS, _SMOOTH_EPS = 8, 0.03
_STEP = 8
"""The deepest features are this much smaller than the picture: sides and tiles are multiples of it."""
_SEEN = 32
"""How far the trunk looks to either side of a pixel, rounded up to ``_STEP``."""
_DRAWN = 8
"""The same for the decoder's last stage."""
_RIM = 32
"""The photo is mirrored outwards by this much: zero padding paints frames."""


@dataclass(frozen=True)
class Manner:
    """A style as the decoder knows it: its palette, and by level ``(2, C)``, the mean and standard deviation of every
    channel.
    """

    colours: Palette
    levels: Mapping[str, NDArray[np.float32]]


def decoder(models_dir: Path) -> StyleDecoder:
    """The decoder, in this process's memory once.

    Raises:
        OperationFailed: it is not there or damaged.
    """
    return cast("StyleDecoder", paint.opened(DECODER, models_dir))


def study(image: Pixels, trunk: VggTrunk) -> Manner:
    """The manner of a style picture ``(H, W, 3)`` in 0..1."""
    import torch

    from ml.nets.style_decoder import SCALE, moments

    with torch.inference_mode():
        found = trunk.features(paint.as_tensor(image))
        both = {level: moments(found[level] / scale) for level, scale in SCALE.items()}
    levels = {level: np.stack([part.flatten().numpy() for part in value]) for level, value in both.items()}
    return Manner(palette(image), levels)


def sweep(
    photo: Pixels,
    manner: Manner,
    trunk: VggTrunk,
    painter: StyleDecoder,
    context: EnhanceContext,
    *,
    tile: int = 512,
) -> Pixels:
    """Repaint a photo.

    Args:
        photo: ``(H, W, 3)`` float32 in 0..1, any size; strokes have a fixed size in its pixels.
        manner: from ``study``.
        trunk: from ``paint.trunk``.
        painter: from ``decoder``.
        context: told the share done; may cancel between tiles.
        tile: the largest side of a tile.

    Returns:
        The same shape, in 0..1.
    """
    import torch

    height, width = photo.shape[:2]
    rim = ((_RIM, _RIM + -height % _STEP), (_RIM, _RIM + -width % _STEP), (0, 0))
    coloured = recoloured(np.pad(photo, rim, mode="symmetric"), manner.colours, palette(photo))
    with torch.inference_mode():
        seen = _look(coloured, trunk, tile, lambda share: context.report(0.6 * share))
        mixed = painter.restyled(seen, {level: _moments(values) for level, values in manner.levels.items()})
        made = _draw(mixed, painter, tile, lambda share: context.report(0.7 + 0.3 * share))
    painted = np.clip(underpainting(coloured) + strokes(made), 0, 1)
    return np.asarray(painted[_RIM : _RIM + height, _RIM : _RIM + width], np.float32)


def underpainting(coloured: Pixels, eps: float = _SMOOTH_EPS) -> Pixels:
    """The recoloured photo without its fine detail, edges kept: the ground that strokes are drawn on. Detail of a
    variance below ``eps`` goes.
    """
    lines = fit(coloured, coloured, _SMOOTH_RADIUS, eps)
    return lines.slope * coloured + lines.offset


def strokes(made: Pixels) -> Pixels:
    """What the decoder drew, ``(H, W, 3)``, less its own large shapes: these are the underpainting's."""
    large = cv2.GaussianBlur(made, (0, 0), STROKE_SIGMA, borderType=cv2.BORDER_REFLECT_101)
    return np.asarray(made - large, np.float32)


def _look(image: Pixels, trunk: VggTrunk, tile: int, step: Callable[[float], None]) -> dict[str, Tensor]:
    """The trunk's levels 4_1 and 3_1 of the whole picture, at the decoder's scale."""
    from ml.nets.style_decoder import CHANNELS, SCALE, SHRUNK

    levels = ("4_1", "3_1")
    found = {level: _canvas(CHANNELS[level], image.shape, SHRUNK[level]) for level in levels}
    for part in _tiles(image.shape, tile, _SEEN, step):
        fed = image[part.fed_top : part.fed_bottom, part.fed_left : part.fed_right]
        features = trunk.features(paint.as_tensor(fed))
        for level in levels:
            _lay(found[level], features[level] / SCALE[level], part, SHRUNK[level])
    return found


def _draw(mixed: Tensor, painter: StyleDecoder, tile: int, step: Callable[[float], None]) -> Pixels:
    """The picture ``(H, W, 3)`` from the features of level 2_1."""
    from ml.nets.style_decoder import SHRUNK

    n = SHRUNK["2_1"]
    shape = (mixed.shape[2] * n, mixed.shape[3] * n)
    whole = _canvas(3, shape, 1)
    for part in _tiles(shape, tile, _DRAWN, step):
        fed = mixed[:, :, part.fed_top // n : part.fed_bottom // n, part.fed_left // n : part.fed_right // n]
        _lay(whole, painter.stage("2_1", fed), part, 1)
    return np.ascontiguousarray(whole[0].permute(1, 2, 0).numpy())


def _tiles(shape: tuple[int, ...], tile: int, rim: int, step: Callable[[float], None]) -> Iterator[Tile]:
    """Tiles of a picture whose sides are multiples of ``_STEP``, and so are theirs; tells the share done."""
    small = tiles(shape[0] // _STEP, shape[1] // _STEP, max(1, tile // _STEP), rim // _STEP)
    parts = [Tile(*(side * _STEP for side in astuple(part))) for part in small]
    for number, part in enumerate(parts):
        step(number / len(parts))
        yield part


def _canvas(channels: int, shape: tuple[int, ...], shrunk: int) -> Tensor:
    import torch

    size = (1, channels, shape[0] // shrunk, shape[1] // shrunk)
    return torch.empty(size, memory_format=torch.channels_last)


def _lay(whole: Tensor, made: Tensor, part: Tile, shrunk: int) -> None:
    """Put what was made of a tile, less its rim, in its place."""
    top, left = (part.top - part.fed_top) // shrunk, (part.left - part.fed_left) // shrunk
    tall, wide = (part.bottom - part.top) // shrunk, (part.right - part.left) // shrunk
    into = whole[:, :, part.top // shrunk :, part.left // shrunk :][:, :, :tall, :wide]
    into.copy_(made[:, :, top : top + tall, left : left + wide])


def _moments(values: NDArray[np.float32]) -> Moments:
    import torch

    mean, deviation = torch.from_numpy(values).view(2, 1, -1, 1, 1)
    return mean, deviation
