"""Rules, map and duplicates in a real browser: both forms of a rule in step, clusters that part, keys."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from PIL import Image, ImageDraw

from app.context import Context
from app.models import DuplicatePair
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.collections import albums
from tests.web.test_browser import address, chromium, library, listening, screen

__all__ = ["address", "chromium", "library", "listening", "screen"]  # fixtures

pytestmark = pytest.mark.slow


def until(s: Any, condition: str) -> None:
    """Wait until JavaScript holds; the pages' policy forbids Playwright's own way."""
    deadline = time.monotonic() + 20
    while not s.page.evaluate(condition):
        assert time.monotonic() < deadline, condition
        time.sleep(0.05)


def add(
    context: Context, viewer: Viewer, data: bytes, year: int, place: tuple[float, float] | None = None
) -> UUID:
    options = intake.Options(filename="a.jpg", taken_at=datetime(year, 6, 1, 12, tzinfo=UTC))
    photo = intake.add_stream(context, viewer, io.BytesIO(data), options).id
    if place:
        with context.database.write() as session:
            photos.update_photo(session, viewer, photo, photos.Change(location=place))
    return photo


def test_rule_and_builder_follow_each_other(
    screen: Callable[..., Any],
    context: Context,
    anna: Viewer,
    draw: Any,
) -> None:
    for year in (2019, 2020, 2021):
        add(context, anna, draw(), year)
    s = screen()
    s.open("/albums#new")
    text, note = s.page.locator("#album-query"), s.page.locator("#rule-hint")
    until(s, "document.activeElement.id === 'album-title'")
    assert not text.is_visible()  # a list one fills by hand has no rule
    s.page.check("[name=kind][value=dynamic]")
    s.page.click(".rule-text > summary")
    text.fill("year:2020 or year:>=2021")
    s.page.wait_for_selector(".rule-row >> nth=1")
    assert s.page.locator(".rule-group > legend select").last.input_value() == "any"
    assert [v.input_value() for v in s.page.locator(".rule-values input").all()] == ["2020", "2021"]
    until(s, "document.querySelector('#rule-hint').textContent.startsWith('2 ')")
    # The group joins by all, the first condition is turned round.
    s.page.locator(".rule-group > legend select").last.select_option("all")
    until(s, "document.querySelector('#album-query').value === 'year:2020 year:>=2021'")
    s.page.locator(".rule-row select[aria-label]").nth(1).select_option("not")
    until(s, "document.querySelector('#album-query').value === '-year:2020 year:>=2021'")
    until(s, "document.querySelector('#rule-hint').textContent.startsWith('1 ')")
    s.page.get_by_role("button", name="Condition", exact=True).click()
    s.page.locator(".rule-row").nth(2).locator("select").first.select_option(label="Kind of photo")
    until(s, "document.querySelector('#album-query').value.endsWith('is:favorite')")
    s.page.locator(".rule-row").nth(2).get_by_role("button").click()
    until(s, "!document.querySelector('#album-query').value.includes('is:')")
    text.fill("year:2020 (")
    until(s, "document.querySelector('#album-query').getAttribute('aria-invalid') === 'true'")
    assert note.text_content()
    assert [c for c in s.complaints if "422" not in c] == []


def test_photos_are_chosen_for_an_album_and_taken_out_again(
    screen: Callable[..., Any], library: list[str], context: Context, anna: Viewer
) -> None:
    with context.database.write() as session:
        album = albums.create_album(session, anna, "Best of spring").id
    s = screen()
    page = s.page
    s.open(f"/album/{album}")
    page.click(".empty a.button")
    page.wait_for_url(f"**/?into={album}")
    page.wait_for_selector(".batch.choosing .primary[disabled]")
    chosen = [page.get_attribute(f".tile >> nth={n}", "data-id") for n in (0, 2)]
    page.click(".tile >> nth=0")  # a press selects at once
    page.click(".tile >> nth=2")
    page.wait_for_selector(".choosing .primary:has-text('Add 2 photos to Best of spring')")
    page.fill("#q", "name:IMG_0*")  # the choice lasts into a search
    page.keyboard.press("Enter")
    page.wait_for_selector(".choosing .primary:has-text('Add 2 photos')")
    chosen.append(page.get_attribute(".tile >> nth=0", "data-id"))
    page.click(".tile >> nth=0")
    page.click(".choosing .primary:has-text('Add 3 photos')")
    page.wait_for_url(f"**/album/{album}")
    page.wait_for_selector(".toast.undoes:has-text('3 photos added')")
    assert {tile.get_attribute("data-id") for tile in page.query_selector_all(".tile")} == set(chosen)
    page.click(".toast.undoes button")
    page.wait_for_selector(".empty")
    assert s.complaints == []


def test_clusters_part_as_one_comes_nearer(
    screen: Callable[..., Any],
    context: Context,
    anna: Viewer,
    draw: Any,
) -> None:
    for place in ((38.72, -9.14), (38.95, -9.40), (52.52, 13.40)):
        add(context, anna, draw(), 2024, place)
    s = screen(viewport={"width": 390, "height": 800})
    s.open("/places")
    s.page.wait_for_selector(".map-cluster")
    first = s.page.get_by_role("link", name="2 photos")
    first.click()
    until(s, "[...document.querySelectorAll('.map-cluster')].filter((c) => !c.hidden).length === 2")
    s.page.locator("place-map").focus()
    for _ in range(12):
        s.page.keyboard.press("-")
    s.page.wait_for_selector(".map-cluster[aria-label*='3 photos']")
    s.page.keyboard.press("ArrowLeft")
    assert s.complaints == []


def test_two_fingers_bring_the_map_nearer(
    screen: Callable[..., Any], context: Context, anna: Viewer, draw: Any
) -> None:
    for place in ((38.72, -9.14), (52.52, 13.40)):
        add(context, anna, draw(), 2024, place)
    s = screen(viewport={"width": 390, "height": 800}, has_touch=True)
    s.open("/places")
    s.page.wait_for_selector(".map-cluster")
    s.page.locator("place-map").focus()
    for _ in range(12):
        s.page.keyboard.press("-")
    s.page.wait_for_selector(".map-cluster[aria-label*='2 photos']")
    box = s.page.locator("place-map").bounding_box()
    pin = s.page.locator(".map-cluster[aria-label*='2 photos']").bounding_box()
    x, y = pin["x"] + pin["width"] / 2, min(pin["y"] + pin["height"] + 40, box["y"] + box["height"] - 20)
    fingers = s.page.context.new_cdp_session(s.page)

    def touch(kind: str, *reaches: float) -> None:
        points = [
            {"x": x + side * reach, "y": y, "id": i} for reach in reaches for i, side in enumerate((-1, 1))
        ]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    for _ in range(4):
        touch("touchStart", 12)
        for reach in range(16, 100, 8):
            touch("touchMove", reach)
        touch("touchEnd")
    until(s, "[...document.querySelectorAll('.map-cluster')].filter((c) => !c.hidden).length !== 1")
    until(s, "!document.querySelector('.map-cluster[aria-label*=\"2 photos\"]')")
    assert s.complaints == []


def test_duplicates_are_decided_by_keys_and_taken_back(
    screen: Callable[..., Any],
    context: Context,
    anna: Viewer,
) -> None:
    def drawing(colour: str, side: int) -> bytes:
        image = Image.new("RGB", (side, side * 3 // 4), colour)
        ImageDraw.Draw(image).ellipse((side // 8, side // 8, side // 2, side // 2), fill="gold")
        buffer = io.BytesIO()
        image.save(buffer, "JPEG")
        return buffer.getvalue()

    with context.database.write() as session:
        owner = anna.user_id
    for colour in ("navy", "darkgreen"):
        first, second = sorted(add(context, anna, drawing(colour, side), 2024) for side in (400, 100))
        with context.database.write() as session:
            session.add(DuplicatePair(first_id=first, second_id=second, owner_id=owner, kind="copy", bits=0))
    s = screen()
    s.open("/duplicates")
    assert s.page.locator(".duplicate-set").count() == 2
    s.page.keyboard.press("j")
    s.page.keyboard.press("m")
    until(s, "document.querySelectorAll('.duplicate-set').length === 1")
    s.page.keyboard.press("z")
    until(s, "document.querySelectorAll('.duplicate-set').length === 2")
    s.page.keyboard.press("a")
    until(s, "document.querySelectorAll('.duplicate-set').length === 1")
    s.open("/duplicates")
    assert s.page.locator(".duplicate-set").count() == 1
    assert s.complaints == []
