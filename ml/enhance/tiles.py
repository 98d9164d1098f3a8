"""Runs picture-to-picture networks from the zoo: opened once per process, whole or in overlapping tiles.

Tiles bound the memory of a run and give it progress and a place to stop. Each tile is fed with a rim of its
surroundings, which is cut off again; with a rim as wide as the network looks, tiles equal the untiled picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ml.enhance.operation import EnhanceContext, OperationFailed, Pixels

if TYPE_CHECKING:
    from ml.runtime import Network

OVERLAP = 16
"""Width of a tile's rim in input pixels. SPAN sees 22, but beyond 16 its answer changes by less than 0.02/255."""


@dataclass(frozen=True)
class Tile:
    """One tile of a picture in input pixels: the core it answers for, and the larger part it is fed with."""

    top: int
    left: int
    bottom: int
    right: int
    fed_top: int
    fed_left: int
    fed_bottom: int
    fed_right: int


def tiles(height: int, width: int, size: int, overlap: int = OVERLAP) -> Iterator[Tile]:
    """Cut a picture into tiles whose cores touch without gap or overlap, row by row.

    Args:
        height: of the picture, at least 1.
        width: of the picture, at least 1.
        size: the largest side of a core; cores in one direction differ by at most one pixel.
        overlap: how far a fed part reaches beyond its core, less at the picture's edges.
    """
    rows = np.linspace(0, height, -(-height // size) + 1).round().astype(int).tolist()
    columns = np.linspace(0, width, -(-width // size) + 1).round().astype(int).tolist()
    for top, bottom in pairwise(rows):
        for left, right in pairwise(columns):
            yield Tile(
                top,
                left,
                bottom,
                right,
                max(0, top - overlap),
                max(0, left - overlap),
                min(height, bottom + overlap),
                min(width, right + overlap),
            )


def run_tiled(
    image: Pixels,
    run: Callable[[Pixels], Pixels],
    scale: int,
    context: EnhanceContext,
    *,
    size: int = 160,
    overlap: int = OVERLAP,
) -> Pixels:
    """Put a picture through a network that enlarges by ``scale``, tile by tile.

    Args:
        image: ``(H, W, 3)`` float32 in 0..1.
        run: maps ``(h, w, 3)`` to ``(h * scale, w * scale, 3)``, both float32.
        scale: 1 for networks that keep the size.
        context: told the share of tiles done; may cancel between tiles.
        size: the largest side of a tile without its rim.
        overlap: the rim's width.

    Raises:
        Cancelled: the context asked to stop.
    """
    height, width = image.shape[:2]
    parts = list(tiles(height, width, size, overlap))
    result = np.empty((height * scale, width * scale, 3), np.float32)
    for number, part in enumerate(parts):
        context.report(number / len(parts))
        fed = np.ascontiguousarray(image[part.fed_top : part.fed_bottom, part.fed_left : part.fed_right])
        top, left = (part.top - part.fed_top) * scale, (part.left - part.fed_left) * scale
        tall, wide = (part.bottom - part.top) * scale, (part.right - part.left) * scale
        made = run(fed)[top : top + tall, left : left + wide]
        result[part.top * scale : part.bottom * scale, part.left * scale : part.right * scale] = made
    context.report(1.0)
    return result


@lru_cache(maxsize=6)
def _opened(model_id: str, models_dir: Path) -> Network:
    from ml.runtime import open_network

    return open_network(model_id, models_dir)


def network(model_id: str, context: EnhanceContext, op: str) -> Callable[..., list[Pixels]]:
    """The network's ``run``; kept open for the next picture.

    Args:
        model_id: registry id.
        context: knows where the models are.
        op: the operation's name, for the error.

    Raises:
        OperationFailed: (now or when run) the network is not there or damaged.
    """
    from ml.download import FetchError

    if context.models_dir is None:
        raise OperationFailed(op, "There is no models folder.")
    opened = _opened(model_id, context.models_dir)

    def run(*arrays: Pixels) -> list[Pixels]:
        try:
            return opened.run(*arrays)
        except FetchError as error:
            raise OperationFailed(op, str(error)) from error

    return run


def picture_runner(run: Callable[..., list[Pixels]]) -> Callable[[Pixels], Pixels]:
    """Wrap a network ``(1, 3, H, W) -> (1, 3, H', W')`` as a function of ``(H, W, 3)`` pictures in 0..1."""

    def on_picture(image: Pixels) -> Pixels:
        (made,) = run(np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32))
        return np.clip(made[0].transpose(1, 2, 0), 0, 1)

    return on_picture
