"""Forms in a real browser: what is kept at once, what is folded away, what waits until something is chosen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from app.context import Context
from app.services.accounts import Viewer
from app.services.collections import albums
from tests.web.test_albums_browser import until
from tests.web.test_browser import address, chromium, listening, screen

__all__ = ["address", "chromium", "listening", "screen"]  # fixtures

pytestmark = pytest.mark.slow


def test_a_theme_is_kept_and_a_language_spoken_at_once(screen: Callable[..., Any]) -> None:
    s = screen()
    page = s.page
    s.open("/settings")
    assert not page.is_visible("form[data-look] button")
    page.check("[name=theme][value=dark]", force=True)
    page.wait_for_selector(".toast:has-text('Saved')")
    page.check("[name=language][value=zh]", force=True)
    page.wait_for_selector("html[lang=zh-Hans][data-theme=dark]")
    page.click("button:has-text('连接手机')")
    page.wait_for_selector(".pairing img")
    assert s.complaints == []


def test_the_pencil_opens_the_form_of_an_album(
    screen: Callable[..., Any], context: Context, anna: Viewer
) -> None:
    with context.database.write() as session:
        album = albums.create_album(session, anna, "Summer").id
    s = screen()
    page = s.page
    s.open(f"/album/{album}")
    assert not page.is_visible("#album-title")
    page.click('a[href="#edit"]')
    page.wait_for_selector("#album-title:focus")
    assert s.complaints == []


def test_an_upload_waits_for_a_photo(screen: Callable[..., Any], draw: Any) -> None:
    s = screen()
    page = s.page
    s.open("/upload")
    until(s, "document.querySelector('[data-send]').disabled")
    page.set_input_files("#files", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": draw()})
    assert page.text_content("[data-chosen-files]") == "1 photo chosen"
    page.click("[data-send]")
    page.wait_for_selector(".tray-item.kept")
    until(s, "document.querySelector('[data-send]').disabled")
    assert s.complaints == []
