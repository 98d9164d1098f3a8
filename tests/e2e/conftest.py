"""A real server for every test here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import Server, default_models


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    if not (default_models()).is_dir():
        pytest.skip("the model weights are not fetched: make models")
    server = Server(tmp_path / "data")
    yield server
    server.stop()
