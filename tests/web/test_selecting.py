"""Selecting photos and acting on them together, in a real browser; by pointer and by keyboard alone."""

from __future__ import annotations

import threading
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import pytest

from app.context import Context
from app.models import Embedding, PhotoTag
from app.services.tagging.vocabulary import sync_vocabulary
from app.worker import Worker
from tests.web.conftest import eventually
from tests.web.test_browser import address, chromium, library, listening, screen

pytestmark = pytest.mark.slow
__all__ = ["address", "chromium", "library", "listening", "screen"]  # fixtures

Start = Callable[..., Any]


@pytest.fixture
def worker(context: Context) -> Iterator[None]:
    """Someone who renders edits while the page is looked at."""
    over = threading.Event()

    def work() -> None:
        worker = Worker(context, cast("Any", object()))
        worker._handlers = {
            kind: do for kind, do in worker._handlers.items() if kind in ("edit", "edits", "teach")
        }
        while not over.wait(0.2):
            worker.run_once()

    thread = threading.Thread(target=work)
    thread.start()
    yield
    over.set()
    thread.join()


def timeline(screen: Start, **options: Any) -> Any:
    s = screen(**options)
    s.open("/")
    s.page.wait_for_selector(".grid.laid .tile >> nth=9")
    return s


def selected(page: Any) -> list[str]:
    return list(
        page.evaluate("[...document.querySelectorAll('.tile.selected')].map(tile => tile.dataset.id)")
    )


def ids(page: Any) -> list[str]:
    return list(page.evaluate("[...document.querySelectorAll('.tile')].map(tile => tile.dataset.id)"))


def test_dragging_takes_what_it_passes(screen: Start, library: list[str]) -> None:
    s = timeline(screen)
    page = s.page
    order = ids(page)
    page.hover(".tile >> nth=1")
    page.hover(".tile >> nth=1 >> .tick")
    page.mouse.down()
    page.hover(".tile >> nth=2")
    page.hover(".tile >> nth=4")
    assert selected(page) == order[1:5]
    page.hover(".tile >> nth=3")  # the way back gives back
    page.mouse.up()
    assert selected(page) == order[1:4]
    assert page.url == f"{s.address}/"
    page.click(".tile >> nth=1 >> a")  # while some are selected a press selects
    assert selected(page) == order[2:4]
    page.keyboard.press("Escape")
    assert page.query_selector(".batch") is None
    assert s.complaints == []


def test_the_keyboard_selects_rows_ranges_and_months(screen: Start, library: list[str]) -> None:
    s = timeline(screen)
    page = s.page
    order = ids(page)
    page.focus(".tile a")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert selected(page) == order[:3]
    page.keyboard.press("Shift+ArrowLeft")
    assert selected(page) == order[:2]
    page.keyboard.press("Escape")
    page.keyboard.press("Control+a")
    page.wait_for_selector(".batch strong:has-text('10 selected')")
    page.keyboard.press("Escape")
    page.focus(".month >> nth=1 >> .take")
    page.keyboard.press("Enter")
    page.wait_for_selector(".batch strong:has-text('10 selected')")
    page.keyboard.press("Enter")  # all of it was: give it back
    page.wait_for_selector(".batch", state="detached")


def test_a_long_press_selects_on_a_phone(screen: Start, library: list[str]) -> None:
    s = timeline(screen, viewport={"width": 390, "height": 800}, has_touch=True)
    page = s.page
    press = """([type, index]) => { const tile = document.querySelectorAll('.tile')[index].querySelector('a');
      const box = tile.getBoundingClientRect();
      tile.dispatchEvent(new PointerEvent(type, {bubbles: true, pointerType: 'touch', pointerId: 5,
        clientX: box.left + 20, clientY: box.top + 20})); }"""
    page.evaluate(press, ["pointerdown", 2])
    page.wait_for_selector(".tile.selected")
    page.evaluate(press, ["pointerup", 2])
    assert selected(page) == [ids(page)[2]]
    page.tap(".tile >> nth=3")
    assert len(selected(page)) == 2
    assert page.url == f"{s.address}/"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_size_of_photos_stays_and_what_is_looked_at_stays_in_place(screen: Start, library: list[str]) -> None:
    s = timeline(screen, viewport={"width": 1000, "height": 500})
    page = s.page
    height = page.evaluate("document.querySelector('.tile').offsetHeight")
    page.click("[aria-label='Larger photos']")
    assert page.evaluate("document.querySelector('.tile').offsetHeight") > 1.3 * height
    page.evaluate("scrollTo(0, 1500)")
    page.wait_for_timeout(300)
    top = """() => { const tile = [...document.querySelectorAll('.tile')].map(one => [one, one.getBoundingClientRect()])
      .filter(([, box]) => box.bottom > 80).sort((a, b) => a[1].top - b[1].top || a[1].left - b[1].left)[0];
      return [tile[0].dataset.id, tile[1].top]; }"""
    before = page.evaluate(top)
    page.keyboard.press("-")
    page.wait_for_timeout(300)
    place = page.evaluate(
        "id => document.querySelector(`.tile[data-id='${id}']`).getBoundingClientRect().top", before[0]
    )
    assert abs(place - before[1]) < 2
    page.keyboard.press("-")
    s.open("/")
    assert page.get_attribute("html", "data-density") == "small"  # told by the server, before any script


def test_tags_are_completed_and_albums_made_by_keyboard_alone(
    screen: Start, library: list[str], context: Context
) -> None:
    with context.database.write() as session:
        sync_vocabulary(session)
    s = timeline(screen)
    page = s.page
    page.focus(".tile a")
    page.keyboard.press("x")
    page.keyboard.press("Shift+ArrowRight")
    page.focus(".batch [aria-label='Add a tag']")
    page.keyboard.press("Enter")
    page.keyboard.type("beac")
    page.wait_for_selector("dialog [role=option]:has-text('beach')")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.input_value("dialog input").startswith("beach")
    page.fill("dialog input", "beach")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('2 photos')")
    page.focus(".tile a")
    page.keyboard.press("x")
    page.focus(".batch [aria-label='Add to album']")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog input:focus")
    page.keyboard.type("By the sea")
    page.keyboard.press("Enter")
    page.wait_for_selector(".toast:has-text('By the sea')")
    with context.database.read() as session:
        assert session.query(PhotoTag).filter_by(source="user").count() == 2
    page.click(".toast:has-text('By the sea') button")
    page.wait_for_timeout(400)
    s.open("/albums")
    assert "By the sea" in page.text_content(".main")
    assert s.complaints == []


def test_a_selection_downloads_as_one_file(screen: Start, library: list[str], tmp_path: Path) -> None:
    s = timeline(screen)
    page = s.page
    page.hover(".tile >> nth=0")
    page.click(".tile >> nth=0 >> .tick")
    page.click(".tile >> nth=2 >> a", modifiers=["Shift"])
    with page.expect_download() as download:
        page.click(".batch [aria-label='Download']")
    download.value.save_as(tmp_path / "photos.zip")
    packed = zipfile.ZipFile(tmp_path / "photos.zip")
    assert packed.testzip() is None
    assert len(packed.namelist()) == 3
    assert page.url == f"{s.address}/"


def test_a_copied_recipe_is_applied_to_a_selection_and_taken_back(
    screen: Start, library: list[str], context: Context, worker: None
) -> None:
    s = timeline(screen)
    page = s.page
    page.evaluate("localStorage.setItem('albumen.recipe', JSON.stringify([{op: 'invert'}]))")
    chosen = ids(page)[:2]
    page.hover(".tile >> nth=0")
    page.click(".tile >> nth=0 >> .tick")
    page.click(".tile >> nth=1 >> a")
    page.click(".batch summary")
    page.click(".batch .menu-list button:has-text('Apply an edit')")
    page.wait_for_selector("dialog .pick-line")
    assert "The recipe you copied" in page.text_content("dialog .pick-line >> nth=0")
    page.click("dialog .button.primary")
    page.wait_for_selector(".toast:has-text('2 photos have a new version')")
    read = "fetch(`/api/v1/photos/${id}/edits`).then(a => a.json()).then(page => page.items)"
    edits = f"Promise.all({chosen}.map(id => {read}))"
    assert [[e["status"] for e in found] for found in page.evaluate(edits)] == [["ready"], ["ready"]]
    page.click(".toast:has-text('new version') button")
    page.wait_for_selector(".toast:has-text('taken back')")
    assert page.evaluate(edits) == [[], []]
    assert s.complaints == []


def test_teaching_a_tag_from_a_selection_and_judging_what_it_finds(
    screen: Start, library: list[str], context: Context, worker: None
) -> None:
    """Ten photos of May look alike; two of them teach, the others are found and judged by keys."""
    with context.database.write() as session:
        random = np.random.default_rng(3)
        near = random.standard_normal(64)
        for number, photo_id in enumerate(library):
            mine = near + 0.2 * random.standard_normal(64) if number % 3 == 2 else random.standard_normal(64)
            vector = (mine / np.linalg.norm(mine)).astype("<f2").tobytes()
            session.add(
                Embedding(
                    photo_id=UUID(photo_id), kind="visual", model="v", vector=vector, version=number + 1
                )
            )
    s = timeline(screen)
    page = s.page
    page.focus(".tile a")
    page.keyboard.press("Shift+ArrowRight")
    page.focus(".batch summary")
    page.keyboard.press("Enter")
    page.focus(".batch .menu-list button:has-text('Teach')")
    page.keyboard.press("Enter")
    page.wait_for_selector("dialog")
    page.keyboard.type("Our boat")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tag/our-boat/review")
    page.wait_for_selector("html.js")
    assert page.locator(".judge li").count() == 8
    page.wait_for_selector(".judge .yes:focus")
    first, second = page.evaluate(
        "[...document.querySelectorAll('.judge li')].slice(0, 2).map(li => li.dataset.id)"
    )
    page.keyboard.press("y")
    page.wait_for_selector(f".judge li[data-id='{first}']", state="detached")
    page.keyboard.press("n")
    page.wait_for_selector(f".judge li[data-id='{second}']", state="detached")
    eventually(
        page,
        "() => fetch('/api/v1/tags/our-boat/review').then(a => a.json())"
        ".then(now => !now.learning && now.examples === 3 && now.counter_examples === 1)",
    )
    page.click(".toast:has-text('Taken away') button")  # neither yes nor no
    page.wait_for_selector(f".judge li[data-id='{second}'] .yes:focus")
    eventually(
        page,
        "() => fetch('/api/v1/tags/our-boat/review').then(a => a.json())"
        ".then(now => !now.learning && now.examples === 3 && now.counter_examples === 0)",
    )
    page.click("button:has-text('Yes to all shown')")
    page.wait_for_selector(".empty")
    assert s.complaints == []


def test_the_scrubber_is_a_slider_for_the_keyboard(screen: Start, library: list[str]) -> None:
    s = timeline(screen, viewport={"width": 390, "height": 400})
    page = s.page
    page.focus("[role=slider].scrubber")
    page.keyboard.press("ArrowDown")
    page.wait_for_timeout(200)
    assert page.get_attribute(".scrubber", "aria-valuetext") == "April 2024"
    page.keyboard.press("End")
    page.wait_for_timeout(200)
    assert (
        page.evaluate("document.querySelector('[data-month=\"2024-03\"]').getBoundingClientRect().top") < 400
    )
    page.keyboard.press("Home")
    page.wait_for_timeout(200)
    assert page.get_attribute(".scrubber", "aria-valuetext") == "May 2024"
