"""The photo page in a real browser: turning, evidence, boxes, albums, zoom by keys, the slide show."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from app.context import Context
from app.models import DetectedObject, Photo, PhotoTag, Stage, Tag
from app.services.accounts import Viewer
from app.services.collections import albums
from app.services.tagging.vocabulary import sync_vocabulary
from tests.web.conftest import eventually
from tests.web.test_browser import address, chromium, library, listening, screen

pytestmark = pytest.mark.slow
__all__ = ["address", "chromium", "library", "listening", "screen"]  # fixtures


@pytest.fixture
def understood(library: list[str], context: Context, anna: Viewer) -> str:
    """The newest photo, with a dog in its left half that an object and its tags speak of."""
    with context.database.write() as session:
        sync_vocabulary(session)
        photo = session.get_one(Photo, UUID(library[-1]))
        for slug in ("dog", "animal"):
            tag = session.query(Tag).filter_by(slug=slug, owner_id=None).one()
            session.add(PhotoTag(tag_id=tag.id, photo_id=photo.id, source="object", confidence=0.9, state="suggested",
                                 model="objects/one@x"))  # fmt: skip
        session.add(DetectedObject(photo_id=photo.id, name="dog", confidence=0.9, x=0.1, y=0.2, width=0.3, height=0.5,
                                   model="objects/one@x"))  # fmt: skip
        session.add(Stage(photo_id=photo.id, stage="text", model="text/one@x", version="1", seconds=0.1,
                          error="The reader ran out of memory."))  # fmt: skip
        photo.status = "ready"
    return library[-1]


def test_a_verdict_on_a_tag_is_given_and_taken_back(screen: Callable[..., Any], understood: str) -> None:
    s = screen()
    s.open(f"/photo/{understood}")
    page = s.page
    dog = ".tag-line[data-slug='dog']"
    assert not page.is_visible(f"{dog} .actions")
    page.click(f"{dog} > a")
    page.click(f"{dog} [aria-label^='Confirm']")
    page.wait_for_selector(f"{dog}.confirmed")
    page.click(f"{dog} > a")
    page.click(f"{dog} [aria-label^='Confirmed by you']")
    page.wait_for_selector(f"{dog}.suggested")
    page.click(f"{dog} > a")
    page.click(f"{dog} [aria-label^='Remove']")
    page.wait_for_selector(dog, state="detached")
    page.click(".toast:has-text('removed') button")
    page.wait_for_selector(f"{dog}.suggested")
    page.click(f"{dog} > a")
    page.click(f"{dog} [aria-label^='Remove']")
    page.click(".rejected-tags summary")
    page.click(".rejected-tags [data-slug='dog'] button")
    page.wait_for_selector(f"{dog}.suggested")
    assert not page.is_visible(".rejected-tags")
    assert s.complaints == []


def test_turning_stays_on_the_page_and_back_leads_to_the_list(
    screen: Callable[..., Any], library: list[str]
) -> None:
    s = screen()
    s.open("/")
    page = s.page
    page.wait_for_selector(".grid.laid .tile")
    page.evaluate("window.mine = true")
    page.click(".tile >> nth=3 >> a")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector("html.js")
    page.evaluate("window.mine = 'photo'")
    seen = [page.url]
    for _ in range(4):
        page.wait_for_selector(".turn.next")
        page.keyboard.press("ArrowRight")
        page.wait_for_url(lambda url: url != seen[-1])
        seen.append(page.url)
    assert len(set(seen)) == 5
    assert page.evaluate("window.mine") == "photo"  # the same document throughout
    assert page.text_content("[data-turned]") == page.get_attribute(".picture img", "alt")
    page.click(".turn.previous")
    page.wait_for_url(seen[-2])
    page.go_back()
    page.wait_for_url(f"{s.address}/")
    last = seen[-2].rpartition("/")[2]
    page.wait_for_selector(f".tile[data-id='{last}'] a:focus")
    assert s.complaints == []


def test_without_scripts_there_is_a_next_and_a_previous(
    screen: Callable[..., Any], library: list[str]
) -> None:
    s = screen(java_script_enabled=False)
    newest = s.page.get_attribute(".tile >> nth=0", "data-id")
    s.page.goto(f"{s.address}/photo/{newest}")
    assert s.page.query_selector(".turn.previous") is None
    s.page.click(".turn.next")
    second = s.page.url
    s.page.click(".turn.previous")
    assert second != s.page.url == f"{s.address}/photo/{newest}"
    s.page.goto(f"{s.address}/photo/{library[0]}")
    assert s.page.query_selector(".turn.next") is None  # the oldest


@pytest.mark.parametrize("action", ["delete", "archive"])
def test_what_is_taken_away_makes_room_for_the_next_of_the_list(
    screen: Callable[..., Any], library: list[str], action: str
) -> None:
    s = screen()
    page = s.page
    s.open("/search?q=name:IMG_1*")
    page.wait_for_selector(".grid.laid .tile")
    listed = [tile.get_attribute("data-id") for tile in page.query_selector_all(".tile")]
    page.click(".tile >> nth=1 >> a")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector("[data-back][href^='/search']")  # the script knows the list
    page.focus(f"[data-away={action}] button")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/photo/{listed[2]}")  # the next of the search, not of the timeline
    page.wait_for_selector(".toast.undoes")
    page.wait_for_selector(f"[data-away={action}] button:focus")
    page.keyboard.press("ArrowLeft")
    page.wait_for_url(f"**/photo/{listed[0]}")  # what is gone is no neighbour any more
    page.wait_for_selector(".turn.next")
    page.keyboard.press("Control+z")
    page.wait_for_url(f"**/photo/{listed[1]}")
    page.wait_for_selector(f"[data-away={action}]")
    page.wait_for_selector(".turn.next")
    page.keyboard.press("ArrowRight")
    page.wait_for_url(f"**/photo/{listed[2]}")
    assert s.complaints == []


def test_the_last_of_a_list_leads_back_to_it_with_undo(
    screen: Callable[..., Any], library: list[str]
) -> None:
    s = screen()
    page = s.page
    s.open("/search?q=name:IMG_12*")
    page.wait_for_selector(".grid.laid .tile")
    page.click(".tile a")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector("html.js")
    page.wait_for_selector("[data-back][href^='/search']")
    page.keyboard.press("Delete")
    page.wait_for_url("**/search?q=name:IMG_12*")
    page.wait_for_selector(".empty")
    page.click(".toast.undoes button")
    page.wait_for_url("**/photo/*")
    page.wait_for_selector("[data-away=delete]")
    assert s.complaints == []


def test_boxes_and_words_light_each_other(screen: Callable[..., Any], understood: str) -> None:
    s = screen()
    s.open(f"/photo/{understood}")
    page = s.page
    page.keyboard.press("b")
    page.wait_for_selector(".boxes rect", state="visible")
    assert page.text_content(".boxes text") == "dog"
    page.hover(".boxes rect", position={"x": 4, "y": 4})
    assert page.locator(".tag-line.lit").count() == 2  # the dog, and the animal it is
    assert page.locator(".chip.lit").count() == 1
    page.mouse.move(0, 0)
    assert page.locator(".lit").count() == 0
    page.focus(".tag-line[data-slug='animal'] a")
    assert page.locator(".boxes .lit").count() == 1
    page.click(".boxes rect", position={"x": 4, "y": 4})
    assert page.evaluate("document.activeElement.matches('.chip[data-box]')")
    assert s.complaints == []


def test_a_tag_says_why(screen: Callable[..., Any], understood: str) -> None:
    s = screen()
    s.open(f"/photo/{understood}")
    page = s.page
    page.focus(".tag-line[data-slug='dog'] > a")
    page.keyboard.press("Enter")
    page.focus(".tag-line[data-slug='dog'] [data-why]")
    page.keyboard.press("Enter")
    page.wait_for_selector(".why:has-text('90%')")
    assert "Because this was found: dog." in page.text_content(".why")
    page.wait_for_selector(".picture-frame .heat:not(.waiting)")
    # Red lies over the dog, nothing over the right half.
    red, clear = page.evaluate(
        """() => { const image = document.querySelector('.picture-frame .heat');
        const canvas = Object.assign(document.createElement('canvas'), {width: 100, height: 100});
        const context = canvas.getContext('2d', {willReadFrequently: true});
        context.drawImage(image, 0, 0, 100, 100);
        return [[25, 45], [85, 50]].map(([x, y]) => context.getImageData(x, y, 1, 1).data[3]); }"""
    )
    assert red > 60 > clear
    page.keyboard.press("Escape")
    assert page.query_selector(".why, .heat") is None
    assert page.evaluate("document.activeElement.matches('[data-why][aria-expanded=\"false\"]')")
    assert s.complaints == []


def test_what_could_not_be_understood_is_said_with_a_way_out(
    screen: Callable[..., Any], understood: str
) -> None:
    s = screen()
    s.open(f"/photo/{understood}")
    assert "Text" in s.page.text_content(".panel .notice.problem")
    assert "ran out of memory" in s.page.text_content(".stage-lines")
    s.page.click(".panel .notice.problem button")
    s.page.wait_for_selector(".stage-flash .notice.done")


def test_albums_of_a_photo(
    screen: Callable[..., Any], understood: str, context: Context, anna: Viewer
) -> None:
    with context.database.write() as session:
        albums.create_album(session, anna, "Dogs", query="tag:dog")
        albums.create_album(session, anna, "Cats", query="tag:cat")
    s = screen()
    s.open(f"/photo/{understood}")
    page = s.page
    page.wait_for_selector("photo-albums .chip:has-text('Dogs')")
    assert page.locator("photo-albums .chip").count() == 1
    page.fill("photo-albums input", "Walks")
    page.keyboard.press("Enter")
    page.wait_for_selector("photo-albums .chip:has-text('Walks')")
    page.click("photo-albums .chip:has-text('Dogs') button")  # the rule does not count for this one
    page.wait_for_selector("photo-albums .chip:has-text('Dogs')", state="detached")
    page.click(".toast button")
    page.wait_for_selector("photo-albums .chip:has-text('Dogs')")
    page.fill("photo-albums input", "wal")
    page.wait_for_timeout(200)
    assert page.locator("photo-albums [role=option]").all_text_contents() == ["walnew album"]
    assert s.complaints == []


def test_keys_zoom_and_move_the_picture(screen: Callable[..., Any], library: list[str]) -> None:
    s = screen()
    s.open(f"/photo/{library[0]}")
    page = s.page
    here = page.url
    page.keyboard.press("+")
    page.keyboard.press("+")
    first = page.evaluate("document.querySelector('.picture-frame').style.transform")
    assert "scale(1.96)" in first
    page.keyboard.press("ArrowRight")  # moves the picture, does not turn
    assert page.evaluate("document.querySelector('.picture-frame').style.transform") != first
    page.keyboard.press("0")
    assert page.evaluate("document.querySelector('.picture-frame').style.transform") == ""
    assert page.url == here
    page.keyboard.press("?")
    assert "Slide show" in page.text_content("dialog")
    page.keyboard.press("Escape")
    page.wait_for_selector("dialog", state="detached")


@pytest.mark.parametrize("motion", ["reduce", "no-preference"])
def test_the_slide_show_goes_on_by_itself(
    screen: Callable[..., Any], library: list[str], motion: str
) -> None:
    s = screen(reduced_motion=motion)
    newest = s.page.get_attribute(".tile >> nth=0", "data-id")
    s.page.evaluate("localStorage.setItem('albumen.show.seconds', '0.3')")
    s.open(f"/photo/{newest}")
    page = s.page
    page.wait_for_selector(".turn.next")
    page.keyboard.press("s")
    page.wait_for_selector(".show-bar")
    assert not page.is_visible(".panel")
    first = page.url
    page.wait_for_url(lambda url: url != first)
    page.keyboard.press(" ")
    page.wait_for_selector(".show-bar [aria-label='Play']")
    stopped = page.url
    page.wait_for_timeout(700)
    assert page.url == stopped
    page.keyboard.press("ArrowRight")
    page.wait_for_url(lambda url: url != stopped)
    page.keyboard.press("Escape")
    page.wait_for_selector(".show-bar", state="detached")
    assert page.is_visible(".panel")
    assert s.complaints == []


def test_an_edit_shows_in_the_photos_place(
    screen: Callable[..., Any], library: list[str], context: Context
) -> None:
    from app.services import edits
    from app.worker import Worker

    s = screen()
    with context.database.write() as session:
        photo = session.get_one(Photo, UUID(library[0]))
        viewer = Viewer(photo.owner_id, "anna", False)
        edits.create_edit(session, viewer, photo.id, [{"op": "invert"}], "Negative")
    Worker(context).run_once()
    s.open(f"/photo/{library[0]}")
    page = s.page
    before = page.get_attribute(".picture img", "src")
    page.click("[data-version]")
    assert "/edits/" in page.evaluate("document.querySelector('.picture img').src")
    eventually(page, "() => document.querySelector('.picture img').naturalWidth > 0")
    page.click("[data-version]")
    assert page.evaluate("document.querySelector('.picture img').src").endswith(before)


def test_things_are_counted_and_labels_keep_clear_of_each_other(
    screen: Callable[..., Any], understood: str, context: Context
) -> None:
    with context.database.write() as session:
        for x, sure in ((0.11, 0.8), (0.5, 0.7)):
            session.add(DetectedObject(photo_id=UUID(understood), name="dog", confidence=sure, x=x, y=0.2, width=0.3,
                                       height=0.5, model="objects/one@x"))  # fmt: skip
        session.add(DetectedObject(photo_id=UUID(understood), name="tv", confidence=0.4, x=0.9, y=0.0, width=0.1,
                                   height=0.1, model="objects/one@x"))  # fmt: skip
    s = screen()
    s.open(f"/photo/{understood}")
    page = s.page
    assert page.text_content(".chip[data-box='0 1 2']") == "dog × 3"
    assert not page.is_visible(".chip:has-text('tv')")  # less sure: folded away
    page.keyboard.press("b")
    page.wait_for_selector(".boxes rect", state="visible")
    eventually(page, "document.querySelector('.boxes text').hasAttribute('x')")
    boxes = page.evaluate(
        """() => [...document.querySelectorAll('.boxes text:not(.crowded)')].map((text) => {
        const {x, y, width, height} = text.getBBox(); return [x, y, x + width, y + height]; })"""
    )
    view = page.evaluate("document.querySelector('.boxes').viewBox.baseVal.width")
    assert len(boxes) >= 3
    for at, (left, top, right, foot) in enumerate(boxes):
        assert left >= 0
        assert right <= view + 1
        for other in boxes[at + 1 :]:
            assert right <= other[0] or left >= other[2] or foot <= other[1] + 2 or top >= other[3] - 2
    assert s.complaints == []
