"""A sandbox and drawn pictures for the tests of decoding."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image

from app.imaging.sandbox import Sandbox
from app.settings import Settings


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(Settings(data=tmp_path_factory.mktemp("data")), processes=1) as sandbox:
        yield sandbox


@pytest.fixture
def corners() -> Image.Image:
    """64 x 48, its quarters red, green, white and blue from the top left in reading order."""
    image = Image.new("RGB", (64, 48), "white")
    image.paste((255, 0, 0), (0, 0, 32, 24))
    image.paste((0, 128, 0), (32, 0, 64, 24))
    image.paste((0, 0, 255), (32, 24, 64, 48))
    return image


@pytest.fixture
def photo(tmp_path: Path, corners: Image.Image) -> Path:
    path = tmp_path / "photo.png"
    corners.resize((640, 480), Image.Resampling.NEAREST).save(path)
    return path
