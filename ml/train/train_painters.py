"""Train the painters of the style presets:
``python -m ml.train.train_painters --data DIR --paintings DIR --models DIR --out FILE``.

At every step a random crop of a random photo is painted in the hand of a random painting. Asked for are the painting's
Gram matrices (Gatys, Ecker & Bethge, CVPR 2016) at full size, where the shallow layers see fine strokes, and at half of
it, where the deep layers see large ones at a quarter of the price; the photo's features at one depth are kept. ``DATA``
holds ``train/natural``, ``train/haze_pairs/clear`` and ``photos/scenes``; ``PAINTINGS`` the files named in
``describe_styles``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.enhance import paint
from ml.enhance.painters import GROUND_EPS
from ml.enhance.palette import Palette, palette, recoloured
from ml.enhance.sweep import underpainting
from ml.nets.painter import PAINTINGS, Painter
from ml.nets.vgg_trunk import CONTENT, VggTrunk, gram
from ml.train.data import Photo, Pixels, as_tensor, random_crop
from ml.train.run import Run, check, save_weights
from ml.train.train_style import (
    CPU,
    arguments,
    content_error,
    half,
    load_photos,
    look,
    outside,
    own_trunk,
    read_paintings,
    style_error,
)

SIDE = 768
"""Long side at which a painting is looked at: the working size of photos, so that strokes come over as they are."""
CROP = 192
FINE = {"1_1": 0.3, "2_1": 0.8}
COARSE = {"1_1": 0.3, "2_1": 0.8, "3_1": 1.2, "4_1": 1.2}
HAND_FACTOR = 3.0
"""How much faster a painting's own numbers learn than what all paintings share: each sees a ninth of the steps."""


@dataclass(frozen=True)
class Painting:
    """What is asked of pictures in the hand of a painting."""

    colours: Palette
    fine: dict[str, Tensor]
    coarse: dict[str, Tensor]
    content_weight: float


@torch.no_grad()
def study(trunk: VggTrunk, pixels: Pixels, content_weight: float) -> Painting:
    """A painting ``(H, W, 3)`` in 0..1, cropped to even sides, seen at its own and at half its size."""
    h, w = (side // 16 * 16 for side in pixels.shape[:2])
    image = as_tensor([pixels[:h, :w]], CPU)
    fine, coarse = look(trunk, image, "2_1"), look(trunk, half(image))
    return Painting(
        palette(pixels),
        {layer: gram(values) for layer, values in _exact(fine, FINE).items()},
        {layer: gram(values) for layer, values in _exact(coarse, COARSE).items()},
        content_weight,
    )


def _exact(found: dict[str, Tensor], layers: Iterable[str]) -> dict[str, Tensor]:
    """Some of the features in 32 bits, so that their Gram matrices are multiplied in these."""
    return {layer: found[layer].float() for layer in layers}


def losses(
    net: nn.Module,
    rng: np.random.Generator,
    number: int,
    *,
    trunk: VggTrunk,
    paintings: Sequence[Painting],
    photos: Sequence[Photo],
) -> dict[str, Tensor]:
    """One crop in one hand: style and content, values outside of 0..1, roughness."""
    which = int(rng.integers(len(paintings)))
    painting, photo = paintings[which], random_crop(photos[int(rng.integers(len(photos)))], rng, CROP)
    coloured = recoloured(photo, painting.colours)
    photos_in, ground = as_tensor([coloured], CPU), as_tensor([underpainting(coloured, GROUND_EPS)], CPU)
    hand = functional.one_hot(torch.tensor([which]), PAINTINGS).float()
    with torch.autocast("cpu", torch.bfloat16):
        with torch.no_grad():
            content = look(trunk, half(photos_in), CONTENT)[CONTENT].float()
        made = net(torch.cat([ground, photos_in], 1), hand)
        fine, coarse = look(trunk, made, "2_1"), look(trunk, half(made))
    style = 0.5 * style_error(_exact(fine, FINE), painting.fine, FINE)
    style = style + style_error(_exact(coarse, COARSE), painting.coarse, COARSE)
    rough = made.diff(dim=2).square().mean() + made.diff(dim=3).square().mean()
    return {
        "painted": style + painting.content_weight * content_error(coarse[CONTENT], content),
        "outside": 2 * outside(made),
        "rough": 0.25 * rough,
    }


def rate(step: int, *, steps: int, peak: float) -> float:
    """The learning rate at a step: a half cosine down to one fiftieth of the peak, the first 50 steps held back."""
    fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(1, step / steps)))
    return float(peak * min(1, (step + 1) / 50) * fall)


def start(net: nn.Module, checkpoint: Path, **how: Any) -> Run:
    """The run of a painter, with the arguments of ``Run``: hands learn faster, and the rate falls as ``rate`` says."""
    own = {id(part) for name, part in net.named_parameters() if name.endswith((".scale", ".shift"))}
    groups = [
        ([part for part in net.parameters() if id(part) not in own], 1.0),
        ([part for part in net.parameters() if id(part) in own], HAND_FACTOR),
    ]
    falling = partial(rate, steps=how["steps"], peak=how["peak"])
    return Run(net, checkpoint, rate=falling, factors=groups, **how)


def main() -> None:
    """Train and write the weights in 16-bit floats."""
    options = arguments(__doc__, "painters", steps=20_000, content_weight=0.2).parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    trunk, photos = own_trunk(options.models), load_photos(options.data, 400)
    paintings = [
        study(trunk, pixels, options.content_weight * (preset.content_weight / paint.CONTENT))
        for preset, pixels in read_paintings(options.paintings, SIDE)
    ]
    asked = partial(losses, trunk=trunk, paintings=paintings, photos=photos)
    dice = torch.get_rng_state()

    def begin() -> nn.Module:
        torch.set_rng_state(dice)
        return Painter().to(memory_format=torch.channels_last)

    if options.check:
        check(begin, asked, seed=options.seed, start=start)
        print("the same weights twice, and after a stop")
        return
    run = start(begin(), options.checkpoint, steps=options.steps, peak=1e-3, seed=options.seed, every=100)
    run.train(asked)
    save_weights(run.net, options.out, half=True)


if __name__ == "__main__":
    main()
