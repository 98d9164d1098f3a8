"""Train the feed-forward painter:
``python -m ml.train.train_style --data DIR --paintings DIR --models DIR --out ml/weights/style-decoder.safetensors``.

First every stage of the decoder learns to undo its stage of the encoder on plain photos; then all stages together learn
to paint: a photo in, the Gram matrices of a painting at four depths and two sizes out, while the photo's own features
at one depth are kept. Each phase is resumed from its own checkpoint. ``DATA`` holds ``train/natural``,
``train/haze_pairs/clear`` and ``photos/scenes``; ``PAINTINGS`` the files named in ``describe_styles``.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import cast

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from ml.enhance import paint
from ml.enhance.palette import Palette, palette, recoloured
from ml.enhance.style import PRESETS, STYLE_SIDE, Preset
from ml.enhance.sweep import STROKE_SIGMA, underpainting
from ml.enhance.transfer import shrink
from ml.nets.style_decoder import LEVELS, SCALE, Moments, StyleDecoder, moments
from ml.nets.vgg_trunk import CONTENT, STYLE, VggTrunk, gram
from ml.train.data import Photo, Pixels, as_tensor, list_photos, random_crop, read_photo
from ml.train.describe_styles import FILES
from ml.train.run import Run, check, save_weights

EXCLUDE = ("receipt_", "ocr_", "skimage_text", "skimage_page")
# The picture at its own size shows fine strokes to the shallow layers; at half its size the deep layers, which cost
# most, see large ones at a quarter of the price.
FINE = ("1_1", "2_1")
WEIGHTS = {"1_1": 0.5, "2_1": 0.8, "3_1": 1.0, "4_1": 1.0}
# Less smooth than the grounds of the product: the photo's detail is not what the decoder has to draw.
GROUND_EPS = 0.01
CPU = torch.device("cpu")


@dataclass(frozen=True)
class Painting:
    """What a painting looks like to the trunk: what the decoder is told of it, and what is asked of its pictures."""

    colours: Palette
    told: dict[str, Moments]
    fine: dict[str, Tensor]
    coarse: dict[str, Tensor]
    content_weight: float


def look(trunk: VggTrunk, image: Tensor, last: str = "4_1") -> dict[str, Tensor]:
    """The trunk's features, in its own precision."""
    kind = next(trunk.parameters()).dtype
    return trunk.features(image.to(kind, memory_format=torch.channels_last), last)


def levels(trunk: VggTrunk, image: Tensor) -> dict[str, Tensor]:
    """The levels the decoder knows, brought to its scale."""
    found = look(trunk, image)
    return {level: found[level].float() / SCALE[level] for level in LEVELS}


def half(image: Tensor) -> Tensor:
    """The picture at half its size."""
    return functional.avg_pool2d(image, 2)


@torch.no_grad()
def study(trunk: VggTrunk, pixels: Pixels, content_weight: float) -> Painting:
    """A painting ``(H, W, 3)`` in 0..1, cropped to even sides, seen at its own and at half its size."""
    h, w = (side // 16 * 16 for side in pixels.shape[:2])
    image = as_tensor([pixels[:h, :w]], CPU)
    fine, coarse = look(trunk, image, FINE[-1]), look(trunk, half(image))
    return Painting(
        palette(pixels),
        {level: moments(value) for level, value in levels(trunk, image).items()},
        {layer: gram(fine[layer]) for layer in FINE},
        {layer: gram(coarse[layer]) for layer in STYLE},
        content_weight,
    )


def copy_losses(decoder: StyleDecoder, trunk: VggTrunk, photos: Tensor) -> dict[str, Tensor]:
    """Every stage alone: true features in, the next level out."""
    with torch.no_grad():
        found = levels(trunk, photos)
    losses = {"picture": 3.0 * (decoder.stage(LEVELS[-1], found[LEVELS[-1]]) - photos).abs().mean()}
    for level, wanted in pairwise(LEVELS):
        error = (decoder.stage(level, found[level]) - found[wanted]).square().mean()
        losses[level] = 0.3 * error / found[wanted].square().mean()
    return losses


def style_error(
    found: dict[str, Tensor], wanted: dict[str, Tensor], weights: dict[str, float] = WEIGHTS
) -> Tensor:
    """Weighted relative squared error of the Gram matrices, multiplied in the precision of ``found``."""
    errors = [
        weights[k] * ((gram(found[k]) - w) ** 2).sum((1, 2)).mean() / (w**2).sum() for k, w in wanted.items()
    ]
    return torch.stack(errors).sum()


def content_error(found: Tensor, wanted: Tensor) -> Tensor:
    """Relative squared error of the photo's features."""
    return ((found.float() - wanted) ** 2).mean() / (wanted**2).mean().clamp(min=1e-6)


def outside(made: Tensor) -> Tensor:
    """How far a picture leaves 0..1, squared."""
    return functional.relu(made - 1).square().mean() + functional.relu(-made).square().mean()


def blur_matrix(side: int) -> Tensor:
    """The Gaussian of ``ml.enhance.sweep.strokes`` along one side, ``(side, side)``, for sides beyond its reach."""
    reach = round(4 * STROKE_SIGMA)
    blurred = cv2.GaussianBlur(
        np.eye(side), (2 * reach + 1, 1), STROKE_SIGMA, borderType=cv2.BORDER_REFLECT_101
    )
    return torch.from_numpy(blurred.astype(np.float32))


def strokes(made: Tensor) -> Tensor:
    """``ml.enhance.sweep.strokes`` with gradients, for squares: what the decoder drew, less its own large shapes."""
    blur = blur_matrix(made.shape[-1])
    return made - blur.T @ made @ blur


def paint_losses(
    decoder: StyleDecoder, trunk: VggTrunk, painting: Painting, photos: Tensor, ground: Tensor
) -> dict[str, Tensor]:
    """Style at two sizes, content, and smoothness beyond the photo's own."""
    with torch.no_grad():
        seen = levels(trunk, photos)
        content = look(trunk, half(photos), CONTENT)[CONTENT].float()
    drawn = decoder(seen, painting.told).float()
    with torch.autocast("cpu", enabled=False):
        made = ground + strokes(drawn)
    fine, coarse = look(trunk, made, FINE[-1]), look(trunk, half(made))
    kept = content_error(coarse[CONTENT], content)
    rough = made.diff(dim=2).abs().mean() + made.diff(dim=3).abs().mean()
    own = photos.diff(dim=2).abs().mean() + photos.diff(dim=3).abs().mean()
    return {
        "fine": 0.5 * style_error(fine, painting.fine),
        "coarse": style_error(coarse, painting.coarse),
        "content": painting.content_weight * kept,
        "rough": 0.5 * functional.relu(rough - own),
        "outside": outside(made),
    }


def load_photos(data: Path, short_side: int) -> list[Photo]:
    """The photos to be copied and painted."""
    folders = [
        data / "train" / "natural",
        data / "train" / "haze_pairs" / "clear",
        data / "photos" / "scenes",
    ]
    return [read_photo(path, short_side) for path in list_photos(folders, EXCLUDE)]


def arguments(about: str | None, name: str, *, steps: int, content_weight: float) -> argparse.ArgumentParser:
    """The options of a script that trains a painter; ``name`` is its checkpoint's."""
    parser = argparse.ArgumentParser(description=about)
    for folder in ("data", "paintings", "models", "out"):
        parser.add_argument(f"--{folder}", type=Path, required=True)
    parser.add_argument("--checkpoint", type=Path, default=Path(f"build/{name}.pt"))
    parser.add_argument("--steps", type=int, default=steps)
    parser.add_argument("--content-weight", type=float, default=content_weight)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument(
        "--check", action="store_true", help="only prove that a run can be repeated and resumed"
    )
    return parser


def own_trunk(models: Path) -> VggTrunk:
    """A copy of the trunk in 16 bits: the one in memory is shared by all of this process."""
    return deepcopy(paint.trunk(models)).to(torch.bfloat16).requires_grad_(False)


def read_paintings(folder: Path, side: int) -> Iterator[tuple[Preset, Pixels]]:
    """The presets, each with its painting in 0..1, ``side`` pixels on its long side."""
    for preset in PRESETS:
        pixels = read_photo(folder / FILES[preset.name]).astype(np.float32) / np.float32(255)
        yield preset, shrink(pixels, side)


def main() -> None:
    """Train both phases and write the weights in 16-bit floats."""
    parser = arguments(__doc__, "style", steps=1500, content_weight=0.1)
    parser.add_argument("--copy-steps", type=int, default=300)
    options = parser.parse_args()
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    torch.manual_seed(options.seed)
    photos, trunk = load_photos(options.data, 400), own_trunk(options.models)
    paintings = [
        study(trunk, pixels, options.content_weight * preset.content_weight / paint.CONTENT)
        for preset, pixels in read_paintings(options.paintings, STYLE_SIDE)
    ]
    dice = torch.get_rng_state()

    def begin() -> nn.Module:
        torch.set_rng_state(dice)
        return StyleDecoder().to(memory_format=torch.channels_last)

    def crops(rng: np.random.Generator, count: int, size: int) -> list[Pixels]:
        chosen = rng.integers(len(photos), size=count)
        return [random_crop(photos[n], rng, size) for n in chosen]

    def copy(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return copy_losses(cast("StyleDecoder", net), trunk, as_tensor(crops(rng, 3, 128), CPU))

    def repaint(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, Tensor]:
        painting = paintings[rng.integers(len(paintings))]
        chosen = [recoloured(photo, painting.colours) for photo in crops(rng, 1, 192)]
        ground = as_tensor([underpainting(photo, GROUND_EPS) for photo in chosen], CPU)
        with torch.autocast("cpu", torch.bfloat16):
            return paint_losses(cast("StyleDecoder", net), trunk, painting, as_tensor(chosen, CPU), ground)

    if options.check:
        for losses in (copy, repaint):
            check(begin, losses, seed=options.seed)
        print("the same weights twice, and after a stop")
        return
    net = begin()
    phases = (
        ("copy", copy, options.copy_steps, 2e-3),
        ("paint", repaint, options.steps, 1e-3),
    )
    for number, (name, losses, steps, peak) in enumerate(phases):
        checkpoint = options.checkpoint.with_suffix(f".{name}.pt")
        Run(net, checkpoint, steps=steps, peak=peak, seed=options.seed + number, every=50).train(losses)
    save_weights(net, options.out, half=True)


if __name__ == "__main__":
    main()
