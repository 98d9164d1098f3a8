"""Train the painters of the style presets:
``python -m ml.train.train_painters --data DIR --paintings DIR --models DIR --out FILE``.

At every step a random crop of a random photo is painted in the hand of a random painting. Asked for are the painting's
Gram matrices (Gatys, Ecker & Bethge, CVPR 2016) at full size, where the shallow layers see fine strokes, and at half of
it, where the deep layers see large ones at a quarter of the price; the photo's features at one depth are kept. ``DATA``
holds ``train/natural``, ``train/haze_pairs/clear`` and ``photos/scenes``; ``PAINTINGS`` the files named in
``describe_styles``.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.enhance import paint
from ml.enhance.painters import GROUND_EPS
from ml.enhance.palette import Palette, palette, recoloured
from ml.enhance.style import PRESETS
from ml.enhance.sweep import underpainting
from ml.enhance.transfer import shrink
from ml.nets.painter import PAINTINGS, Painter
from ml.nets.vgg_trunk import CONTENT, VggTrunk, gram
from ml.train.data import Photo, Pixels, as_tensor, random_crop, read_photo
from ml.train.describe_styles import FILES
from ml.train.run import Run, check, save_weights
from ml.train.train_style import CPU, half, load_photos, look

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
        {layer: gram(fine[layer].float()) for layer in FINE},
        {layer: gram(coarse[layer].float()) for layer in COARSE},
        content_weight,
    )


def style_error(found: dict[str, Tensor], wanted: dict[str, Tensor], weights: dict[str, float]) -> Tensor:
    """Weighted relative squared error of the Gram matrices."""
    errors = [
        weights[k] * ((gram(found[k].float()) - w) ** 2).sum((1, 2)).mean() / (w**2).sum()
        for k, w in wanted.items()
    ]
    return torch.stack(errors).sum()


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
    style = 0.5 * style_error(fine, painting.fine, FINE)
    style = style + style_error(coarse, painting.coarse, COARSE)
    kept = ((coarse[CONTENT].float() - content) ** 2).mean() / (content**2).mean().clamp(min=1e-6)
    outside = functional.relu(made - 1).square().mean() + functional.relu(-made).square().mean()
    rough = made.diff(dim=2).square().mean() + made.diff(dim=3).square().mean()
    return {
        "painted": style + painting.content_weight * kept,
        "outside": 2 * outside,
        "rough": 0.25 * rough,
    }


def rate(step: int, *, steps: int, peak: float) -> float:
    """The learning rate at a step: a half cosine down to one fiftieth of the peak, the first 50 steps held back."""
    fall = 0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(1, step / steps)))
    return float(peak * min(1, (step + 1) / 50) * fall)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "paintings", "models", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path("build/painters.pt"))
    parser.add_argument("--steps", type=int, default=20_000)
    parser.add_argument("--content-weight", type=float, default=0.2)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--check", action="store_true", help="only prove that a run can be repeated and resumed"
    )
    return parser.parse_args()


def main() -> None:
    """Train and write the weights in 16-bit floats."""
    options = arguments()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    # A copy: the trunk is shared by all of this process.
    trunk = deepcopy(paint.trunk(options.models)).to(torch.bfloat16).requires_grad_(False)
    photos, paintings = load_photos(options.data, 400), []
    for preset in PRESETS:
        pixels = read_photo(options.paintings / FILES[preset.name]).astype(np.float32) / np.float32(255)
        weight = options.content_weight * (preset.content_weight / paint.CONTENT)
        paintings.append(study(trunk, shrink(pixels, SIDE), weight))
    asked = partial(losses, trunk=trunk, paintings=paintings, photos=photos)
    dice = torch.get_rng_state()

    def begin() -> nn.Module:
        torch.set_rng_state(dice)
        return Painter().to(memory_format=torch.channels_last)

    if options.check:
        check(begin, asked, seed=options.seed)
        print("the same weights twice, and after a stop")
        return
    net = cast(Painter, begin())
    own = {id(part) for name, part in net.named_parameters() if name.endswith((".scale", ".shift"))}
    groups = [
        ([part for part in net.parameters() if id(part) not in own], 1.0),
        ([part for part in net.parameters() if id(part) in own], HAND_FACTOR),
    ]
    falling = partial(rate, steps=options.steps, peak=1e-3)
    run = Run(
        net, options.checkpoint, steps=options.steps, peak=1e-3, seed=options.seed, every=100,
        rate=falling, factors=groups,
    )  # fmt: skip
    run.train(asked)
    save_weights(net, options.out, half=True)


if __name__ == "__main__":
    main()
