"""Training photos in memory, random crops of them, and what every training script shares.

A script is deterministic for a given seed: the random numbers of step ``n`` depend on the seed and ``n``
alone, so that a run that was stopped and resumed sees the same pictures as one that was not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
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


def cosine(step: int, steps: int, peak: float, warm: int = 50) -> float:
    """Learning rate at a step: linear for ``warm`` steps, then a half cosine down to one fiftieth of the peak."""
    if step < warm:
        return peak * (step + 1) / warm
    part = (step - warm) / max(1, steps - warm)
    return float(peak * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * min(1.0, part)))))


class Run:
    """A training run that can be stopped at any time and resumed from its checkpoint.

    The checkpoint holds weights, optimiser state and step; it is replaced atomically.
    """

    def __init__(
        self,
        net: torch.nn.Module,
        checkpoint: Path,
        *,
        steps: int,
        peak: float,
        seed: int,
        every: int = 200,
        say: Callable[[str], None] = print,
    ) -> None:
        self.net, self.checkpoint, self.steps, self.seed = net, checkpoint, steps, seed
        self.peak, self.every, self.say, self.step = peak, every, say, 0
        self.optimiser = torch.optim.Adam(net.parameters(), lr=peak, betas=(0.9, 0.99))
        self._sums: dict[str, float] = {}
        self._count = 0
        if checkpoint.exists():
            state = torch.load(checkpoint, map_location="cpu", weights_only=True)
            net.load_state_dict(state["net"])
            self.optimiser.load_state_dict(state["optimiser"])
            self.step = int(state["step"])
            say(f"resumed at step {self.step}")

    def train(self, losses: Callable[[np.random.Generator, int], dict[str, torch.Tensor]]) -> None:
        """Minimise the sum of what ``losses(random generator, step)`` returns until ``steps`` are done."""
        self.net.train()
        while self.step < self.steps:
            for group in self.optimiser.param_groups:
                group["lr"] = cosine(self.step, self.steps, self.peak)
            parts = losses(np.random.default_rng((self.seed, self.step)), self.step)
            total = torch.stack(list(parts.values())).sum()
            if not torch.isfinite(total):
                raise FloatingPointError(f"the loss is not finite at step {self.step}: {parts}")
            self.optimiser.zero_grad(set_to_none=True)
            total.backward()
            torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
            self.optimiser.step()
            self.step += 1
            self._note(parts)
        self.save()
        self.net.eval()

    def _note(self, parts: dict[str, torch.Tensor]) -> None:
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + float(value.detach())
        self._count += 1
        if self.step % self.every == 0:
            means = {name: round(value / self._count, 5) for name, value in self._sums.items()}
            self.say(json.dumps({"step": self.step, **means}))
            self._sums, self._count = {}, 0
            self.save()

    def save(self) -> None:
        """Write the checkpoint."""
        self.checkpoint.parent.mkdir(parents=True, exist_ok=True)
        partial = self.checkpoint.with_suffix(".partial")
        state = {"net": self.net.state_dict(), "optimiser": self.optimiser.state_dict(), "step": self.step}
        torch.save(state, partial)
        partial.replace(self.checkpoint)


def save_weights(net: torch.nn.Module, path: Path, *, half: bool = False) -> None:
    """Write the network's weights as safetensors, in 16-bit floats when ``half``."""
    from safetensors.torch import save_file

    kind = torch.float16 if half else torch.float32
    state = {k: v.detach().cpu().to(kind).contiguous() for k, v in net.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(state, str(path))
