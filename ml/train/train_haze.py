"""Train the dehazing network: ``python -m ml.train.train_haze --data DIR --out ml/weights/haze-air.safetensors``.

Two kinds of examples: indoor pairs whose real depth is recovered from the pair itself (haze thickness is the
logarithm of what arrived) and hazed anew with other densities and haze colours, and outdoor photos hazed along
invented depth. A share stays clear. ``DIR`` holds ``train/haze_pairs``, ``train/natural`` and ``photos/scenes``.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from ml.enhance import transfer
from ml.nets.haze import HazeNet
from ml.train.data import (
    LUMA,
    Photo,
    Pixels,
    as_tensor,
    crop_box,
    list_photos,
    random_crop,
    read_photo,
    smooth_noise,
)
from ml.train.run import arguments, carry_out, shape

EXCLUDE = (
    "receipt_",
    "ocr_",
    "night_",
    "skimage_text",
    "skimage_page",
    "skimage_moon",
    "skimage_hubble",
    "ma_storm",
)
Pair = tuple[Photo, Pixels]
Example = tuple[Pixels, Pixels, Pixels, Pixels, float]


def recover(hazy: Photo, clear: Photo) -> tuple[Pixels, Pixels, float]:
    """Airlight and depth of a synthetic pair.

    The pair obeys ``I - J = (A - J)(1 - t)`` with one ``t`` for all channels: the gray ``A`` under which the three
    channels agree best is the right one.

    Returns:
        airlight ``(3,)``, depth ``-log t`` ``(H, W)`` guided-filtered along the clear picture, and the residual.
    """
    i, j = (np.asarray(p, np.float32) / np.float32(255) for p in (hazy, clear))
    best = (np.inf, 1.0, np.zeros(i.shape[:2], np.float32))
    for gray in np.arange(0.6, 1.101, 0.02):
        top = ((i - gray) * (j - gray)).sum(2)
        bottom = ((j - gray) ** 2).sum(2)
        t = cv2.boxFilter(top, -1, (9, 9)) / np.maximum(cv2.boxFilter(bottom, -1, (9, 9)), 1e-4)
        t = np.clip(t, 0.02, 1).astype(np.float32)
        error = float(np.abs(j * t[..., None] + gray * (1 - t[..., None]) - i).mean())
        if error < best[0]:
            best = (error, float(gray), t)
    error, gray, t = best
    depth = guided(-np.log(t), (j @ LUMA).astype(np.float32), 6, 1e-3)
    return np.full(3, min(gray, 1.0), np.float32), np.maximum(depth, 0), error


def guided(source: Pixels, guide: Pixels, radius: int, eps: float) -> Pixels:
    """The guided filter of one map by one map."""
    lines = transfer.guided(source, guide, radius, eps)
    return lines.slope * guide + lines.offset


def invented_depth(photo: Pixels, rng: np.random.Generator) -> Pixels:
    """A plausible depth map for an outdoor photo, 0 (near) to 1 (far), following the photo's edges."""
    size = photo.shape[0]
    horizon = rng.uniform(0.0, 0.6)
    rows = np.clip((1 - np.linspace(0, 1, size, dtype=np.float32)) / max(1 - horizon, 0.1), 0, 1)
    ramp = np.repeat(rows[:, None] ** rng.uniform(0.6, 2.5), size, axis=1)
    noise = smooth_noise(rng, size, size, int(rng.integers(2, 6)))
    # Far things are bright, pale and often blue: let the picture itself have a say.
    pale = cv2.GaussianBlur(photo.min(2), (0, 0), 2.0)
    share = rng.dirichlet([2.0, 0.8, 1.0]).astype(np.float32)
    mixed = share[0] * ramp + share[1] * noise + share[2] * pale
    if rng.random() < 0.12:
        mixed = np.full_like(mixed, rng.uniform(0.2, 0.9))  # flat subject: haze everywhere alike
    depth = guided(mixed.astype(np.float32), (photo @ LUMA).astype(np.float32), max(4, size // 12), 1e-3)
    return np.clip(depth, 0, None)


def haze_colour(rng: np.random.Generator) -> Pixels:
    """A bright, nearly gray airlight."""
    tint = rng.normal(0, 0.025 if rng.random() < 0.7 else 0.06, 3)
    return np.clip(rng.uniform(0.62, 1.0) + tint, 0.4, 1.0).astype(np.float32)


def haze(clear: Pixels, t: Pixels, air: Pixels, rng: np.random.Generator) -> Pixels:
    """The clear picture seen through haze, with the rounding and noise of a camera."""
    hazy = clear * t[..., None] + air * (1 - t[..., None])
    hazy = hazy + rng.standard_normal(hazy.shape, np.float32) * rng.uniform(0, 0.006)
    return np.asarray(np.round(np.clip(hazy, 0, 1) * 255) / 255, np.float32)


def indoor(pairs: list[Pair], rng: np.random.Generator, size: int) -> Example:
    """An example with real depth."""
    photo, depth = pairs[rng.integers(len(pairs))]
    top, left, h, w = crop_box(rng, photo.shape[0], photo.shape[1], 0.6)
    flip = rng.random() < 0.5
    parts: list[Pixels] = []
    for source in (np.asarray(photo, np.float32) / np.float32(255), depth):
        part = source[top : top + h, left : left + w]
        part = part[:, ::-1] if flip else part
        square = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=cv2.INTER_AREA)
        parts.append(np.asarray(square, np.float32))
    clear = (parts[0] ** rng.uniform(0.75, 1.3) * rng.uniform(0.92, 1.0, 3)).astype(np.float32)
    t = np.exp(-parts[1] * rng.uniform(0.2, 1.5)).astype(np.float32)
    air = haze_colour(rng) if rng.random() < 0.4 else np.full(3, rng.uniform(0.88, 1.0), np.float32)
    return haze(clear, t, air, rng), clear, t, air, 1.0


def outdoor(photos: list[Photo], rng: np.random.Generator, size: int) -> Example:
    """An example with invented depth; one in five stays clear."""
    clear = random_crop(photos[rng.integers(len(photos))], rng, size, 0.6)
    if rng.random() < 0.2:
        return clear, clear, np.ones(clear.shape[:2], np.float32), np.ones(3, np.float32), 0.0
    t = np.exp(-invented_depth(clear, rng) * rng.uniform(0.4, 3.0)).astype(np.float32)
    air = haze_colour(rng)
    return haze(clear, t, air, rng), clear, t, air, 1.0


def load(data: Path) -> tuple[list[Pair], list[Photo]]:
    """Indoor pairs as (clear photo, depth), and outdoor photos. Pairs that do not obey the model are left out."""
    pairs: list[Pair] = []
    for path in list_photos([data / "train" / "haze_pairs" / "clear"]):
        clear = read_photo(path, 320)
        hazy = read_photo(data / "train" / "haze_pairs" / "hazy" / path.name, 320)
        _, depth, error = recover(hazy, clear)
        if error < 0.03:
            pairs.append(
                (clear, (np.minimum(depth / max(float(np.median(depth)), 0.05), 5)).astype(np.float32))
            )
    folders = [data / "train" / "natural", data / "photos" / "scenes"]
    return pairs, [read_photo(path, 320) for path in list_photos(folders, EXCLUDE)]


def losses(net: nn.Module, examples: list[Example], device: torch.device) -> dict[str, torch.Tensor]:
    """L1 and squared error of the clear picture (the latter forbids daring guesses under thick haze), L1 of the
    transmission and, where there is haze, of the airlight.
    """
    inputs, clear = as_tensor([e[0] for e in examples], device), as_tensor([e[1] for e in examples], device)
    true_t = as_tensor([e[2][..., None] for e in examples], device)
    true_air = torch.from_numpy(np.stack([e[3] for e in examples])).to(device)
    hazed = torch.tensor([e[4] for e in examples], device=device)
    t, air = net(inputs)
    a = air[:, :, None, None]
    found = ((inputs - a) / t.clamp(min=0.1) + a).clamp(-0.2, 1.2)
    brightness = (found.mean((2, 3)) - clear.mean((2, 3))).abs().mean()
    return {
        "clear": (found - clear).abs().mean(),
        "squared": 3.0 * ((found - clear) ** 2).mean(),
        "brightness": 0.3 * brightness,
        "t": 0.5 * (t - true_t).abs().mean(),
        "air": 0.3 * ((air - true_air).abs().mean(1) * hazed).mean(),
    }


def main() -> None:
    """Train as the command line says; see ``ml.train.run``."""
    options = arguments(__doc__ or "", "haze", seed=11).parse_args()
    pairs, photos = load(options.data)
    print(f"{len(pairs)} indoor pairs, {len(photos)} outdoor photos", flush=True)

    def step(net: nn.Module, rng: np.random.Generator, number: int) -> dict[str, torch.Tensor]:
        size, count = shape(number, options.batch)
        examples = [
            indoor(pairs, rng, size) if rng.random() < 0.5 else outdoor(photos, rng, size)
            for _ in range(count)
        ]
        return losses(net, examples, torch.device(options.device))

    carry_out(options, HazeNet, step)


if __name__ == "__main__":
    main()
