"""Training photos in memory and random crops of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage

Pixels = NDArray[np.float32]
Photo = NDArray[np.uint8]

SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
LUMA = np.array([0.299, 0.587, 0.114], np.float32)


def list_photos(folders: Iterable[Path], exclude: Sequence[str] = ()) -> list[Path]:
    """Picture files directly in the folders, sorted; names beginning with a prefix in ``exclude`` are left out.

    Raises:
        FileNotFoundError: a folder is missing or holds no picture.
    """
    found: list[Path] = []
    for folder in folders:
        here = sorted(p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
        if not here:
            raise FileNotFoundError(f"no pictures in {folder}")
        found += [p for p in here if not p.name.startswith(tuple(exclude))]
    return found


def read_photo(path: Path, short_side: int | None = None) -> Photo:
    """An RGB picture ``(H, W, 3) uint8``, shrunk so that its short side is at most ``short_side``."""
    with PillowImage.open(path) as opened:
        image = opened.convert("RGB")
    if short_side and min(image.size) > short_side:
        scale = short_side / min(image.size)
        size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
        image = image.resize(size, PillowImage.Resampling.LANCZOS)
    return np.asarray(image)


def crop_box(rng: np.random.Generator, height: int, width: int, least: float) -> tuple[int, int, int, int]:
    """A random rectangle (top, left, height, width) covering ``least``..1 of each side."""
    h = max(1, round(height * rng.uniform(least, 1)))
    w = max(1, round(width * rng.uniform(least, 1)))
    return int(rng.integers(0, height - h + 1)), int(rng.integers(0, width - w + 1)), h, w


def random_crop(photo: Photo, rng: np.random.Generator, size: int, least: float = 0.5) -> Pixels:
    """A random rectangle of the photo, resized to a square and maybe mirrored: ``(size, size, 3)`` in 0..1."""
    top, left, h, w = crop_box(rng, photo.shape[0], photo.shape[1], least)
    part = photo[top : top + h, left : left + w]
    if rng.random() < 0.5:
        part = part[:, ::-1]
    square = cv2.resize(np.ascontiguousarray(part), (size, size), interpolation=cv2.INTER_AREA)
    return np.asarray(square, np.float32) / np.float32(255)


def smooth_noise(rng: np.random.Generator, height: int, width: int, cells: int) -> Pixels:
    """A smooth random map ``(H, W)`` in 0..1 with about ``cells`` bumps along each side."""
    small = rng.random((cells + 1, cells + 1), np.float32)
    grown = np.clip(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), 0, 1)
    return np.asarray(grown, np.float32)


def to_linear(srgb: Pixels) -> Pixels:
    """sRGB values in 0..1 to linear light (IEC 61966-2-1)."""
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4).astype(np.float32)


def to_srgb(linear: Pixels) -> Pixels:
    """Linear light in 0..1 to sRGB values (IEC 61966-2-1)."""
    linear = np.clip(linear, 0, 1)
    curve = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, linear * 12.92, curve).astype(np.float32)


def as_tensor(pictures: Sequence[Pixels], device: torch.device) -> torch.Tensor:
    """Pictures ``(H, W, C)`` of one size as ``(N, C, H, W)`` float32 on the device."""
    stacked = np.ascontiguousarray(np.stack(pictures).transpose(0, 3, 1, 2))
    return torch.from_numpy(stacked).to(device)
