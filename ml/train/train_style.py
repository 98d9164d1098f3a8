"""Train one style network:
``python -m ml.train.train_style --data DIR --trunk model.safetensors --style PAINTING --out NAME.safetensors``.

The network learns to give any photo the painting's Gram matrices at four depths and two sizes while the photo's
own features at one depth are kept. ``--start`` begins from another painting's weights, which saves most of the
steps. ``DIR`` holds ``train/natural`` and ``photos/scenes``.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor
from torch.nn import functional

from ml.nets.styler import Styler
from ml.nets.vgg_trunk import CONTENT, STYLE, VggTrunk, gram
from ml.train.data import Photo, Run, as_tensor, list_photos, random_crop, read_photo, save_weights

EXCLUDE = ("receipt_", "ocr_", "skimage_text", "skimage_page")
# The picture at its own size shows fine strokes to the shallow layers; at half its size the deep layers, which cost
# most, see large ones at a quarter of the price.
FINE = ("1_1", "2_1")
WEIGHTS = {"1_1": 0.25, "2_1": 0.6, "3_1": 1.0, "4_1": 1.0}


@dataclass(frozen=True)
class Target:
    """What the painting looks like to the trunk: Gram matrices at full and half size."""

    fine: dict[str, Tensor]
    coarse: dict[str, Tensor]


def look(trunk: VggTrunk, image: Tensor, last: str) -> dict[str, Tensor]:
    """The trunk's features, in 16-bit floats where the processor has them."""
    kind = next(trunk.parameters()).dtype
    return trunk.features(image.to(kind, memory_format=torch.channels_last), last)


def half(image: Tensor) -> Tensor:
    """The picture at half its size."""
    return functional.avg_pool2d(image, 2)


def painting(trunk: VggTrunk, path: Path, sizes: tuple[int, ...], device: torch.device) -> Target:
    """The mean Gram matrices of the painting at several sizes (short side in pixels)."""
    fine: list[dict[str, Tensor]] = []
    coarse: list[dict[str, Tensor]] = []
    for size in sizes:
        pixels = read_photo(path, size).astype(np.float32) / np.float32(255)
        h, w = (s // 16 * 16 for s in pixels.shape[:2])
        image = as_tensor([pixels[:h, :w]], device)
        fine.append({k: gram(v) for k, v in look(trunk, image, FINE[-1]).items() if k in FINE})
        coarse.append({k: gram(v) for k, v in look(trunk, half(image), STYLE[-1]).items() if k in STYLE})
    mean = [{k: torch.stack([g[k] for g in grams]).mean(0) for k in grams[0]} for grams in (fine, coarse)]
    return Target(mean[0], mean[1])


def style_error(found: dict[str, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    """Weighted relative squared error of the Gram matrices."""
    errors = [
        WEIGHTS[k] * ((gram(found[k]) - w) ** 2).sum((1, 2)).mean() / (w**2).sum() for k, w in wanted.items()
    ]
    return torch.stack(errors).sum()


def losses(
    net: Styler, trunk: VggTrunk, target: Target, photos: Tensor, weights: tuple[float, float, float]
) -> dict[str, Tensor]:
    """Style at two sizes, content, and smoothness beyond the photo's own."""
    style_weight, content_weight, smooth_weight = weights
    with torch.no_grad():
        content = look(trunk, half(photos), CONTENT)[CONTENT].float()
    made = net(photos)
    fine = look(trunk, made, FINE[-1])
    coarse = look(trunk, half(made), STYLE[-1])
    kept = ((coarse[CONTENT].float() - content) ** 2).mean() / (content**2).mean().clamp(min=1e-6)
    rough = made.diff(dim=2).abs().mean() + made.diff(dim=3).abs().mean()
    own = photos.diff(dim=2).abs().mean() + photos.diff(dim=3).abs().mean()
    return {
        "fine": style_weight * 0.5 * style_error(fine, target.fine),
        "coarse": style_weight * style_error(coarse, target.coarse),
        "content": content_weight * kept,
        "rough": smooth_weight * functional.relu(rough - own),
    }


def load_trunk(path: Path, device: torch.device) -> VggTrunk:
    """The trunk, frozen; 16-bit floats (bfloat16) halve its cost on processors and GPUs that have them."""
    trunk = VggTrunk()
    trunk.load_state_dict(load_file(path))
    trunk = trunk.to(device, torch.bfloat16).to(memory_format=torch.channels_last)
    return trunk.eval().requires_grad_(False)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("data", "trunk", "style", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--checkpoint", type=Path, default=Path("build/style.pt"))
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--peak", type=float, default=2e-3)
    parser.add_argument("--style-weight", type=float, default=1.0)
    parser.add_argument("--content-weight", type=float, default=0.5)
    parser.add_argument("--smooth-weight", type=float, default=0.5)
    parser.add_argument("--style-sizes", type=int, nargs="+", default=[320, 448])
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def main() -> None:
    """Train, resuming from the checkpoint when there is one, and write the weights in 16-bit floats."""
    options = arguments()
    torch.set_num_threads(options.threads)
    cv2.setNumThreads(options.threads)
    torch.manual_seed(options.seed)
    device = torch.device(options.device)
    photos: list[Photo] = [
        read_photo(path, 512)
        for path in list_photos(
            [options.data / "train" / "natural", options.data / "photos" / "scenes"], EXCLUDE
        )
    ]
    trunk = load_trunk(options.trunk, device)
    with torch.no_grad():
        target = painting(trunk, options.style, tuple(options.style_sizes), device)
    net = Styler().to(device)
    if options.start:
        net.load_state_dict({k: v.float() for k, v in load_file(options.start).items()})
    net = net.to(memory_format=torch.channels_last)
    run = Run(net, options.checkpoint, steps=options.steps, peak=options.peak, seed=options.seed, every=100)
    weights = (options.style_weight, options.content_weight, options.smooth_weight)

    def step(rng: np.random.Generator, number: int) -> dict[str, Tensor]:
        crops = [
            random_crop(photos[rng.integers(len(photos))], rng, options.size) for _ in range(options.batch)
        ]
        return losses(net, trunk, target, as_tensor(crops, device), weights)

    run.train(step)
    save_weights(net, options.out, half=True)


if __name__ == "__main__":
    main()
