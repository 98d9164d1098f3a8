"""Large files over bad connections, from a real browser: they go in pieces and go on where they stopped."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.web.test_browser import address, chromium, listening, screen

pytestmark = pytest.mark.slow
__all__ = ["address", "chromium", "listening", "screen"]  # fixtures

PIECE = 8 * 2**20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of about 20 MB, which is three pieces."""
    noise = np.random.default_rng(1).integers(0, 256, (2600, 2600, 3), np.uint8)
    path = tmp_path_factory.mktemp("large") / "noise.png"
    Image.fromarray(noise).save(path, compress_level=0)
    assert 2 * PIECE < path.stat().st_size < 3 * PIECE
    return path


def choose(page: Any, *paths: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.click(".bar a.button[data-upload]")
    chooser.value.set_files([str(path) for path in paths])


def offsets(page: Any, broken: Callable[[list[int]], bool]) -> list[int]:
    """Watch the pieces of an upload; those for which ``broken`` says so never arrive."""
    seen: list[int] = []

    def handle(route: Any) -> None:
        if route.request.method != "PATCH":
            route.continue_()
            return
        seen.append(int(route.request.headers["upload-offset"]))
        if broken(seen):
            route.abort("connectionreset")
        else:
            route.continue_()

    page.route("**/api/v1/uploads/*", handle)
    return seen


def test_a_broken_connection_costs_a_piece(screen: Callable[..., Any], large: Path) -> None:
    s = screen()
    page = s.page
    seen = offsets(page, lambda tried: len(tried) == 2)
    choose(page, large)
    page.wait_for_selector(".tray-item.sending:has-text('Waiting for the connection')")
    page.wait_for_selector(".tray-item.kept", timeout=60_000)
    assert seen == [0, PIECE, PIECE, 2 * PIECE]
    kept = page.evaluate("fetch('/api/v1/photos?limit=1').then(a => a.json()).then(p => p.items[0].checksum)")
    assert kept == hashlib.sha256(large.read_bytes()).hexdigest()
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('albumen.upload.'))") == []


def test_a_closed_page_goes_on_when_the_file_is_chosen_again(screen: Callable[..., Any], large: Path) -> None:
    s = screen()
    page = s.page
    seen = offsets(page, lambda tried: len(tried) > 1)
    choose(page, large)
    page.wait_for_selector(".tray-item:has-text('Waiting for the connection')")
    page.on("dialog", lambda dialog: dialog.accept())
    page.unroute("**/api/v1/uploads/*")
    s.open("/")
    seen = offsets(page, lambda tried: False)
    choose(page, large)
    page.wait_for_selector(".tray-item.kept", timeout=60_000)
    assert seen == [PIECE, 2 * PIECE]


def test_a_file_can_be_stopped_and_sent_after_all(screen: Callable[..., Any], large: Path) -> None:
    s = screen()
    page = s.page
    page.route(
        "**/api/v1/uploads/*", lambda route: None if route.request.method == "PATCH" else route.continue_()
    )
    choose(page, large)
    page.click(".tray-item.sending button[aria-label='Stop noise.png']")
    page.wait_for_selector(".tray-item.stopped")
    page.unroute("**/api/v1/uploads/*")
    page.click(".tray-item.stopped button")
    page.wait_for_selector(".tray-item.kept", timeout=60_000)
    choose(page, large)  # good news, not an error
    page.wait_for_selector(".tray-item.duplicate:has-text('Already here')", timeout=60_000)
