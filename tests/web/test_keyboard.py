"""By real key presses alone: nothing is clicked, filled or focused by script, and the focus is never out of sight."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.context import Context
from app.services.tagging.vocabulary import sync_vocabulary
from tests.web.conftest import eventually
from tests.web.test_browser import address, chromium, library, listening, screen
from tests.web.test_editor_browser import bench, wait_for_preview, worker
from tests.web.test_people_pages import photograph
from tests.web.test_viewer import understood

pytestmark = pytest.mark.slow
__all__ = [
    "address",
    "bench",
    "chromium",
    "library",
    "listening",
    "photograph",
    "screen",
    "understood",
    "worker",
]

Start = Callable[..., Any]

# What the focused element (or, of a photo or a face, its frame) shows that it does not show without the focus.
VISIBLE = """() => {
  const at = document.activeElement;
  if (!at || at === document.body) return false;
  const looks = [at, at.nextElementSibling, at.parentElement, at.closest('.searchbox, label, .tile')].filter(Boolean)
    .flatMap(one => [getComputedStyle(one), getComputedStyle(one, '::after'), getComputedStyle(one, '::before')]);
  const box = at.getBoundingClientRect();
  return looks.some(style => (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0)
    || style.boxShadow !== 'none') && box.bottom > 0 && box.top < innerHeight;
}"""
MATCHES = "selector => Boolean(document.activeElement?.matches(selector))"


def tab_to(page: Any, selector: str, key: str = "Tab", most: int = 90) -> None:
    """Press Tab until the focus is there; on the way it is never lost and never invisible."""
    for _ in range(most):
        if page.evaluate(MATCHES, selector):
            assert page.evaluate(VISIBLE), f"the focus on {selector} cannot be seen"
            return
        page.keyboard.press(key)
    raise AssertionError(f"{selector} cannot be reached; the focus is at {focus(page)}")


def focus(page: Any) -> str:
    return str(page.evaluate("document.activeElement?.outerHTML.slice(0, 200) ?? ''"))


def has_focus(page: Any, selector: str) -> None:
    assert page.evaluate(MATCHES, selector), f"the focus is not on {selector} but at {focus(page)}"
    assert page.evaluate(VISIBLE), f"the focus on {selector} cannot be seen"


def choose(page: Any, letters: str) -> None:
    """In a closed select: typing its letters chooses."""
    page.keyboard.type(letters, delay=15)


def test_a_rule_is_built_searched_for_and_kept(screen: Start, library: list[str], context: Context) -> None:
    with context.database.write() as session:
        sync_vocabulary(session)
    s = screen()
    page = s.page
    s.open("/search")
    tab_to(page, ".rule-panel > summary")
    page.keyboard.press("Enter")
    tab_to(page, ".rule-group > .row > .button")
    page.keyboard.press("Enter")
    has_focus(page, ".rule-row select")
    choose(page, "year")
    assert page.input_value(".rule-row select") == "year"
    tab_to(page, ".rule-row select[aria-label='Comparison']", most=4)
    page.keyboard.press("ArrowDown")  # from "=" to "at least"
    tab_to(page, ".rule-values .input:not(select)", most=3)
    page.keyboard.type("2024")
    eventually(page, "() => document.querySelector('#rule-query').value === 'year:>=2024'")

    tab_to(page, ".rule-group > .row > .button")
    page.keyboard.press("Enter")
    choose(page, "tag")
    tab_to(page, ".rule-row [role=combobox]", most=4)
    page.keyboard.type("beac", delay=20)
    page.wait_for_selector(".rule-row [role=option]:has-text('beach')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    eventually(page, "() => document.querySelector('#rule-query').value === 'year:>=2024 tag:beach'")
    has_focus(page, ".rule-row [role=combobox]")
    tab_to(page, ".rule-row .icon-button", most=3)
    page.keyboard.press("Enter")  # away with it again
    eventually(page, "() => document.querySelector('#rule-query').value === 'year:>=2024'")
    has_focus(page, ".rule-row select")

    tab_to(page, ".rule-group > .row > .button + .button")
    page.keyboard.press("Enter")
    has_focus(page, ".rule-group .rule-group select")
    for month in ("3", "4"):
        tab_to(page, ".rule-group .rule-group > .row > .button", most=12)
        page.keyboard.press("Enter")
        choose(page, "month")
        tab_to(page, ".rule-group .rule-group li:last-child .rule-values .input:not(select)", most=4)
        page.keyboard.type(month)
    page.keyboard.press("Enter")  # at once: what is seen is what is searched for
    page.wait_for_url("**/search?q=*month*")
    assert page.text_content("h1") == "year:>=2024 (month:3 or month:4)"
    assert "20 photos" in page.text_content(".page-head")

    tab_to(page, ".page-head a.button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/albums?*#new")
    tab_to(page, "#album-title")
    page.keyboard.type("Early spring")
    page.keyboard.press("Enter")
    page.wait_for_url("**/album/*")
    assert page.text_content("h1") == "Early spring"
    assert "20 photos" in page.text_content(".main")
    assert [c for c in s.complaints if "422" not in c] == []  # a rule half written is none


def test_a_photo_is_looked_at_and_its_tags_are_judged(
    screen: Start, understood: str, context: Context
) -> None:
    s = screen()
    page = s.page
    s.open("/")
    page.wait_for_selector(".grid.laid .tile")
    tab_to(page, ".tile > a")
    page.keyboard.press("Enter")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector(".turn.next")
    first = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != first)
    page.wait_for_selector(".turn.previous")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(first)
    page.wait_for_selector(".tag-line")

    tab_to(page, ".boxes-toggle")
    page.keyboard.press("Space")
    page.wait_for_selector(".boxes rect", state="visible")
    page.keyboard.press("b")
    page.wait_for_selector(".boxes rect", state="hidden")

    tab_to(page, ".tag-line[data-slug='dog'] > a")
    page.keyboard.press("Enter")
    tab_to(page, ".tag-line[data-slug='dog'] button[aria-label^='Confirm']", most=4)
    page.keyboard.press("Enter")
    page.wait_for_selector(".tag-line.confirmed[data-slug='dog']")
    page.wait_for_selector(".tag-line[data-slug='dog'] a:focus")
    tab_to(page, ".tag-line[data-slug='animal'] > a", most=2)
    page.keyboard.press("Enter")
    tab_to(page, ".tag-line[data-slug='animal'] form:last-child button", most=5)
    page.keyboard.press("Enter")
    page.wait_for_selector(".tag-line[data-slug='animal']", state="detached")
    has_focus(page, ".tag-line[data-slug='dog'] a")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".tag-line[data-slug='animal']")
    page.keyboard.press("t")
    has_focus(page, "#new-tag")
    page.keyboard.type("beac", delay=20)
    page.wait_for_selector("tag-editor [role=option]:has-text('beach')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_selector(".tag-line.confirmed[data-slug='beach']")
    has_focus(page, "#new-tag")
    page.keyboard.press("Escape")  # leaves the field, then the photo
    page.keyboard.press("Escape")
    page.wait_for_url(f"{s.address}/")
    page.wait_for_selector(".tile > a:focus")
    assert s.complaints == []


def test_photos_are_selected_and_acted_on(screen: Start, library: list[str]) -> None:
    s = screen()
    page = s.page
    s.open("/")
    page.wait_for_selector(".grid.laid .tile >> nth=9")
    tab_to(page, ".tile > a")
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_selector(".batch strong:has-text('2 selected')")
    second = page.evaluate("document.activeElement.closest('.tile').dataset.id")
    page.keyboard.press(".")
    has_focus(page, ".batch button[aria-label='Favourite']")
    page.keyboard.press("Enter")
    page.wait_for_selector(".batch", state="detached")
    has_focus(page, f".tile[data-id='{second}'] > a")

    page.keyboard.press("x")
    page.keyboard.press(".")
    tab_to(page, ".batch summary", most=8)
    page.keyboard.press("Enter")
    page.wait_for_selector(".batch .menu-list", state="visible")
    page.keyboard.press("Escape")  # the menu, not the selection
    has_focus(page, ".batch summary")
    page.wait_for_selector(".batch strong:has-text('1 selected')")
    tab_to(page, ".batch [aria-label='Add to album']", key="Shift+Tab", most=8)
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog input:focus")
    page.keyboard.type("By the sea")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('By the sea')")
    page.wait_for_selector(".tile > a:focus")

    page.keyboard.press("x")
    page.keyboard.press(".")
    tab_to(page, ".batch [aria-label='Move to trash']", most=8)
    page.keyboard.press("Enter")
    page.wait_for_selector(f".tile[data-id='{second}']", state="detached")
    page.wait_for_selector(".tile > a:focus")
    page.keyboard.press("Control+z")
    page.wait_for_selector(f".tile[data-id='{second}']")
    page.keyboard.press("?")
    page.wait_for_selector("dialog kbd")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")
    page.wait_for_selector(".tile > a:focus")
    s.open("/albums")
    assert "By the sea" in page.text_content(".main")
    assert s.complaints == []


def test_a_photo_is_edited_compared_and_saved(screen: Start, library: list[str], worker: None) -> None:
    s = screen()
    page = s.page
    s.open(f"/photo/{library[0]}")
    page.keyboard.press("e")
    page.wait_for_url("**/edit")
    page.wait_for_selector("[role=tab]")
    tab_to(page, "[role=tab]")
    while not page.evaluate(MATCHES, "#tab-light"):
        page.keyboard.press("ArrowRight")
    has_focus(page, "#tab-light")
    tab_to(page, "[data-op=exposure] input[type=range]")
    for _ in range(6):
        page.keyboard.press("ArrowRight")
    wait_for_preview(page)
    assert float(page.input_value("[data-op=exposure] input[type=number]")) == pytest.approx(0.3)
    page.keyboard.press("y")
    page.wait_for_selector(".divider:focus")
    has_focus(page, ".divider")
    page.keyboard.press("ArrowRight")
    assert page.input_value(".divider") == "51"
    page.keyboard.press("y")
    page.wait_for_selector(".divider", state="hidden")
    has_focus(page, ".stage-tools button[aria-pressed=false]")
    page.keyboard.press("Control+s")
    page.keyboard.type("Brighter")
    page.keyboard.press("Enter")
    page.wait_for_selector(".edit-lines [data-status=ready]")
    tab_to(page, "#tab-save", key="Shift+Tab")
    page.keyboard.press("ArrowLeft")
    tab_to(page, ".steps [data-key^=remove]", most=8)
    page.keyboard.press("Enter")  # the only step: the focus stays with the steps
    has_focus(page, "#tab-steps")
    assert s.complaints == []


def test_somebody_is_named(screen: Start, photograph: Callable[..., str]) -> None:
    face = np.zeros(128, np.float32)
    face[0] = 0.6
    for _ in range(3):
        photograph(face)
    s = screen()
    page = s.page
    s.open("/people")
    tab_to(page, ".who .naming input[name=name]")
    page.keyboard.type("Ada")
    page.keyboard.press("Enter")
    page.wait_for_selector(".who a.name:has-text('Ada')")
    has_focus(page, ".who a.name")
    page.keyboard.press("Control+z")
    page.wait_for_selector(".who .naming input:focus")
    page.keyboard.type("Grace")
    page.keyboard.press("Enter")
    page.wait_for_selector(".who a.name:has-text('Grace')")
    page.keyboard.press("Enter")
    page.wait_for_url("**/person/*")
    assert page.text_content("h1") == "Grace"
    assert s.complaints == []
