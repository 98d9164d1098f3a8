"""People in a real browser: one question at a time, a name changed behind its pencil."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.web.test_albums_browser import until
from tests.web.test_browser import address, chromium, listening, screen
from tests.web.test_people_pages import direction, photograph

__all__ = ["address", "chromium", "listening", "photograph", "screen"]  # fixtures

pytestmark = pytest.mark.slow


def test_one_question_at_a_time_may_be_left_open(screen: Callable[..., Any], photograph: Any) -> None:
    for shift in (0, 2):
        for _ in range(3):
            photograph(direction(shift))
        for _ in range(3):
            photograph(direction(shift + 1, towards=shift, share=0.35))
    s = screen()
    page = s.page
    s.open("/people")
    assert page.locator(".pair:visible").count() == 1
    assert "1 of 2" in page.text_content(".pair:visible")
    page.click(".pair:visible >> text=Not sure")
    assert "2 of 2" in page.text_content(".pair:visible")
    page.click(".pair:visible >> text=Not sure")
    page.wait_for_selector(".toast:has-text('Left open')")
    assert page.locator("[data-pairs]").count() == 0
    s.open("/people")
    page.click(".pair:visible >> button:has-text('No')")
    until(s, "document.querySelectorAll('.pair').length === 1")
    s.open("/people")
    assert page.locator(".pair").count() == 1
    assert s.complaints == []


def test_a_name_is_changed_behind_its_pencil(screen: Callable[..., Any], photograph: Any) -> None:
    for _ in range(3):
        photograph(direction(0))
    s = screen()
    page = s.page
    s.open("/people")
    page.fill(".who .naming input[name=name]", "Ada")
    page.keyboard.press("Enter")
    page.click(".who a.name")
    page.wait_for_url("**/person/*")
    assert not page.is_visible(".naming")
    page.click(".rename > summary")
    page.wait_for_selector(".naming input:focus")
    page.keyboard.type("Grace")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Grace')")
    page.click(".person-head .menu > summary")
    page.click(".menu-list >> text=Hide this person")
    page.wait_for_url("**/people")
    assert page.locator("text=Grace").count() == 0
    assert s.complaints == []
