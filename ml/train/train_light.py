"""Train the low-light network: ``python -m ml.train.train_light --data DIR --out ml/weights/light-curve.safetensors``.

Well exposed photos are darkened in linear light (exposure, uneven light, colour cast, sensor noise, 8-bit
rounding) and the network learns the way back. A share of the pictures stays as it was, so that the network
learns to leave good photos alone. ``DIR`` holds ``train/natural``, ``train/haze_pairs/clear`` and ``photos/scenes``.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn
from torch.nn import functional

from ml.nets.curve import CurveNet, apply_curves
from ml.train.data import (
    LUMA,
    Photo,
    Pixels,
    as_tensor,
    list_photos,
    random_crop,
    read_photo,
    smooth_noise,
    to_linear,
    to_srgb,
)
from ml.train.run import arguments, carry_out, shape

# Papers, text and night shots: nothing to learn about daylight from them.
EXCLUDE = ("receipt_", "ocr_", "night_", "skimage_text", "skimage_page", "skimage_moon", "skimage_hubble")


def load(data: Path) -> tuple[list[Photo], list[Photo]]:
    """Photos to darken (mean luma 0.3-0.66) and photos to leave alone (all with true highlights)."""
    folders = [
        data / "train" / "natural",
        data / "train" / "haze_pairs" / "clear",
        data / "photos" / "scenes",
    ]
    darken, keep = [], []
    for path in list_photos(folders, EXCLUDE):
        photo = read_photo(path, 320)
        luma = photo.astype(np.float32) @ LUMA / 255
        if 0.3 <= float(luma.mean()) <= 0.66:
            darken.append(photo)
        if float(np.percentile(luma, 99.5)) >= 0.8:
            keep.append(photo)
    return darken, keep


def well_exposed(photo: Pixels, rng: np.random.Generator) -> Pixels:
    """The photo with its mean luma pulled most of the way to a random value around 0.47.

    Without this the network has to guess each photo's own taste in exposure, and guesses too dark.
    """
    mean = float((photo @ LUMA).mean())
    wanted = float(np.clip(rng.normal(0.47, 0.035), 0.38, 0.56))
    exponent = np.log(max(wanted, 1e-3)) / np.log(min(max(mean, 0.05), 0.9))
    exponent = np.clip(1 + 0.75 * (exponent - 1), 0.65, 1.45)
    return np.asarray(photo**exponent, np.float32)


def glare(photo: Pixels, rng: np.random.Generator, stops: float) -> Pixels:
    """How many times brighter than in the photo its highlights really were, ``(H, W)``: sky, lamps and windows stay
    bright when all else goes dark. Without it the network takes any bright spot for proof of a good exposure.
    """
    start = rng.uniform(0.55, 0.9)
    over = np.clip((photo @ LUMA - start) / (1 - start), 0, 1) ** rng.uniform(1.0, 3.0)
    return np.asarray(1 + over * (2.0 ** (stops * rng.uniform(0.5, 1.1)) - 1), np.float32)


def lamps(size: int, rng: np.random.Generator) -> Pixels:
    """A few small light sources with a glow, ``(size, size, 3)`` linear light, to be added to scene and target."""
    found = np.zeros((size, size, 3), np.float32)
    for _ in range(int(rng.integers(1, 5))):
        x, y, radius = (
            int(rng.integers(size)),
            int(rng.integers(size)),
            int(rng.integers(1, max(2, size // 24))),
        )
        colour = tuple(float(c) for c in rng.uniform([0.8, 0.6, 0.4], [1.0, 1.0, 1.0]))
        cv2.circle(found, (x, y), radius, colour, -1)
    blur = cv2.GaussianBlur(found, (0, 0), rng.uniform(2, 8))
    return np.asarray(found * 1.5 + blur * rng.uniform(0.3, 1.0), np.float32)


def darken(photo: Pixels, rng: np.random.Generator, stops: float) -> Pixels:
    """The photo as a camera would have taken it with ``stops`` too little light."""
    size = photo.shape[0]
    light = to_linear(photo)
    if rng.random() < 0.55:
        light = light * glare(photo, rng, stops)[..., None]
    spread = rng.uniform(0.3, 2.0) if rng.random() < 0.35 else 0.3
    unevenness = (smooth_noise(rng, size, size, int(rng.integers(1, 4))) - 0.5) * spread
    gain = (2.0 ** (-stops + unevenness))[..., None]
    cast = 1 + rng.uniform(-0.1, 0.1, 3).astype(np.float32) * min(1.0, stops / 2)
    light = light * gain * cast
    shot, read = rng.uniform(0, 2e-3), rng.uniform(0, 1.5e-3)
    noise = rng.standard_normal(light.shape, np.float32) * np.sqrt(
        np.maximum(light, 0) * shot * 0.05 + read**2
    )
    dark = to_srgb(light + noise)
    if rng.random() < 0.35:  # cameras differ in how they open or close the shadows
        dark = dark ** rng.uniform(0.85, 1.6)
    return np.asarray(np.round(dark * 255) / 255, np.float32)


def flatten(photo: Pixels, rng: np.random.Generator) -> Pixels:
    """A slightly dull version of a good photo: a little dark, a little less contrast, as cameras deliver it."""
    dull = to_srgb(to_linear(photo) * 2.0 ** rng.uniform(-1.3, -0.1))
    contrast = rng.uniform(0.8, 1.0)
    mean = float(dull.mean())
    return np.asarray(np.clip((dull - mean) * contrast + mean * rng.uniform(0.95, 1.05), 0, 1), np.float32)


def pair(good: list[Photo], keep: list[Photo], rng: np.random.Generator, size: int) -> tuple[Pixels, Pixels]:
    """One training example (input, target), both ``(size, size, 3)`` in 0..1."""
    kind = rng.random()
    if kind < 0.14:
        same = random_crop(keep[rng.integers(len(keep))], rng, size)
        return same, same
    photo = random_crop(good[rng.integers(len(good))], rng, size)
    if kind < 0.3:
        mild = well_exposed(photo, rng) * 0.5 + photo * 0.5
        return flatten(mild, rng), np.asarray(mild, np.float32)
    target = well_exposed(photo, rng)
    if rng.random() < 0.3:
        target = np.asarray(cv2.GaussianBlur(target, (0, 0), 0.6), np.float32)  # dark photos are often soft
    stops = rng.uniform(0.7, 5.2)
    dark = darken(target, rng, stops)
    if rng.random() < 0.2:
        lit = lamps(size, rng)
        dark, target = to_srgb(to_linear(dark) + lit), to_srgb(to_linear(target) + lit)
    return dark, target


def losses(net: nn.Module, inputs: torch.Tensor, targets: torch.Tensor) -> dict[str, torch.Tensor]:
    """L1, mean brightness, colour direction, and smoothness of the curves."""
    maps = net(inputs)
    out = apply_curves(inputs, maps)
    small, small_target = functional.avg_pool2d(out, 8), functional.avg_pool2d(targets, 8)
    colour = 1 - functional.cosine_similarity(small + 0.02, small_target + 0.02, dim=1).mean()
    brightness = (out.mean((1, 2, 3)) - targets.mean((1, 2, 3))).abs().mean()
    rough = maps.diff(dim=2).abs().mean() + maps.diff(dim=3).abs().mean()
    return {
        "l1": (out - targets).abs().mean(),
        "brightness": 0.3 * brightness,
        "colour": 0.5 * colour,
        "rough": 0.4 * rough,
    }


def main() -> None:
    """Train as the command line says; see ``ml.train.run``."""
    options = arguments(__doc__ or "", "light", seed=7).parse_args()
    good, keep = load(options.data)

    def step(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, torch.Tensor]:
        size, count = shape(number, options.batch)
        pairs = [pair(good, keep, rng, size) for _ in range(count)]
        device = torch.device(options.device)
        return losses(net, *(as_tensor([p[side] for p in pairs], device) for side in (0, 1)))

    carry_out(options, CurveNet, step)


if __name__ == "__main__":
    main()
