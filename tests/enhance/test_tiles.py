"""Tiles: they cover the picture once, equal the untiled answer, report, and stop when asked to."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from ml.enhance.operation import Cancelled, EnhanceContext
from ml.enhance.tiles import run_tiled, tiles


@pytest.mark.parametrize(("height", "width", "size"), [(1, 1, 64), (64, 64, 64), (65, 200, 64), (7, 301, 32)])
def test_cores_cover_every_pixel_exactly_once(height: int, width: int, size: int) -> None:
    seen = np.zeros((height, width), int)
    for tile in tiles(height, width, size, overlap=5):
        seen[tile.top : tile.bottom, tile.left : tile.right] += 1
        assert tile.bottom - tile.top <= size
        assert tile.right - tile.left <= size
        assert 0 <= tile.fed_top <= tile.top < tile.bottom <= tile.fed_bottom <= height
        assert 0 <= tile.fed_left <= tile.left < tile.right <= tile.fed_right <= width
        assert tile.fed_top in (0, tile.top - 5)
        assert tile.fed_right in (width, tile.right + 5)
    assert (seen == 1).all()


def _network() -> Callable[[np.ndarray], np.ndarray]:
    """A small random enlarger with zero padding, as the real ones: it looks five pixels around."""
    import torch

    torch.manual_seed(3)
    layers = [torch.nn.Conv2d(3, 8, 3, padding=1)]
    layers += [torch.nn.Conv2d(8, 8, 3, padding=1) for _ in range(3)]
    net = torch.nn.Sequential(*layers, torch.nn.Conv2d(8, 12, 3, padding=1), torch.nn.PixelShuffle(2))

    def run(image: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            made = net(torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)[None])))
        return made[0].permute(1, 2, 0).numpy()

    return run


def test_tiled_equals_untiled(scene: Callable[..., np.ndarray]) -> None:
    run = _network()
    image = scene(150, 97).astype(np.float32) / np.float32(255)
    whole = run(image)
    tiled = run_tiled(image, run, 2, EnhanceContext(), size=40, overlap=5)
    np.testing.assert_allclose(tiled, whole, atol=1e-5)
    # The rim is what does it: without one the seams show.
    bare = run_tiled(image, run, 2, EnhanceContext(), size=40, overlap=0)
    assert np.abs(bare - whole).max() > 1e-3


def test_progress_rises_to_one_and_cancelling_stops(scene: Callable[..., np.ndarray]) -> None:
    image = scene(100, 60).astype(np.float32) / np.float32(255)
    told: list[float] = []
    run_tiled(image, lambda x: x, 1, EnhanceContext(progress=told.append), size=30, overlap=2)
    assert told == sorted(told)
    assert told[-1] == 1.0
    assert len(told) == 9

    done: list[int] = []

    def count(part: np.ndarray) -> np.ndarray:
        done.append(1)
        return part

    with pytest.raises(Cancelled):
        run_tiled(image, count, 1, EnhanceContext(cancelled=lambda: len(done) >= 2), size=30, overlap=2)
    assert len(done) == 2
