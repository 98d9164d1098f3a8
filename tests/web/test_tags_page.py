"""The page where tags are renamed, moved, merged, hidden and deleted, with its plain forms."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

import pytest

from app.context import Context
from app.services.accounts import Viewer
from app.services.tagging import vocabulary
from tests.conftest import Drawn
from tests.web.test_people_pages import undo_of, words

HERE = "/explore/tags"


@pytest.fixture
def photo(browser: Any, draw: Drawn, context: Context) -> str:
    """A photo that its owner tagged as a tomato and with a tag of their own."""
    with context.database.write() as session:
        vocabulary.sync_vocabulary(session)
    photo = str(browser.upload(draw()))
    for name in ("tomato", "Our garden"):
        browser.post(f"/photo/{photo}/tags", {"name": name})
    return photo


def form(**changed: str) -> dict[str, str]:
    return {
        "name_en": "tomato",
        "name_zh": "西红柿",
        "parent": "vegetable",
        "parent_before": "vegetable",
    } | changed


def finds(browser: Any, query: str, photo: str) -> bool:
    return f'data-id="{photo}"' in browser.get(f"/search?q={query}").text


def tags_of(browser: Any, photo: str) -> set[str]:
    return set(re.findall(r'data-slug="([^"]+)"', unescape(browser.get(f"/photo/{photo}").text)))


def test_the_way_there_and_what_is_listed(browser: Any, photo: str) -> None:
    assert f'href="{HERE}"' in browser.get("/explore").text
    text = words(browser.get(HERE).text)
    assert "tomato in vegetable 1" in text
    assert "Our garden yours 1" in text
    assert "zebra" not in text
    assert "zebra" in words(browser.get(f"{HERE}?q=zeb").text)
    assert "No tag is called so" in words(browser.get(f"{HERE}?q=qqqq").text)


def test_a_tag_is_renamed_and_moved_and_restored(browser: Any, photo: str) -> None:
    saved = browser.post(f"{HERE}/tomato", form(name_en="love apple", parent="fruit"))
    assert "love apple in fruit" in words(saved.text)
    assert "called love apple · lies in fruit" in words(saved.text)
    assert finds(browser, "tag:fruit", photo)
    assert finds(browser, 'tag:"love apple"', photo)
    assert "love apple" in words(browser.get(f"/photo/{photo}").text)
    back = browser.post(undo_of(saved.text))
    assert "tomato in vegetable" in words(back.text)
    assert not finds(browser, "tag:fruit", photo)


def test_a_tag_is_hidden_and_shown_again(browser: Any, photo: str) -> None:
    hidden = browser.post(f"{HERE}/tomato/hide")
    assert "tomato hidden" in words(hidden.text)
    assert not finds(browser, "tag:tomato", photo)
    assert tags_of(browser, photo) == {"our-garden"}
    browser.post(undo_of(hidden.text))
    assert finds(browser, "tag:tomato", photo)


def test_tags_become_one_and_are_parted(browser: Any, photo: str) -> None:
    merged = browser.post(f"{HERE}/our-garden/merge", {"into": "西红柿"})
    assert "Now part of tomato" in words(merged.text)
    assert finds(browser, "our-garden", photo)
    assert tags_of(browser, photo) == {"tomato"}
    browser.post(undo_of(merged.text))
    assert tags_of(browser, photo) == {"tomato", "our-garden"}


def test_ones_own_tag_is_deleted(browser: Any, photo: str) -> None:
    gone = browser.post(f"{HERE}/our-garden/delete")
    assert "The tag is gone" in words(gone.text)
    assert tags_of(browser, photo) == {"tomato"}
    kept = browser.post(f"{HERE}/tomato/delete")
    assert "cannot be deleted" in words(kept.text)


@pytest.mark.parametrize(
    ("path", "data", "told"),
    [
        ("tomato", form(name_en=" "), "1 to 100 characters"),
        ("tomato", form(parent="nowhere at all"), "There is no tag nowhere at all"),
        ("vegetable", form(parent="tomato"), "below itself"),
        ("tomato/merge", {"into": "tomato"}, "with itself"),
        ("tomato/merge", {"into": "nowhere at all"}, "There is no tag nowhere at all"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(
    browser: Any, photo: str, path: str, data: dict[str, str], told: str
) -> None:
    answer = browser.post(f"{HERE}/{path}", data)
    assert told in words(answer.text)
    assert "Changed by you" not in words(answer.text)


def test_one_users_tags_are_nobody_elses(browser: Any, photo: str, open_browser: Any, bob: Viewer) -> None:
    browser.post(f"{HERE}/tomato", form(name_en="love apple"))
    browser.post(f"{HERE}/vegetable/hide")
    other = words(open_browser("bob").get(f"{HERE}?q=tomato").text)
    assert "tomato in vegetable" in other
    assert "love apple" not in other
