"""The duplicates page without scripts: deciding, and taking it back."""

from __future__ import annotations

import io
import re
from typing import Any
from uuid import UUID

import pytest
from PIL import Image, ImageDraw

from app.context import Context
from app.models import DuplicatePair, Photo


@pytest.fixture
def pair(browser: Any, context: Context) -> list[str]:
    """Two sizes of one drawing, known to be copies."""
    ids = []
    for side in (400, 100):
        image = Image.new("RGB", (400, 300), "navy")
        ImageDraw.Draw(image).ellipse((50, 50, 200, 200), fill="gold")
        buffer = io.BytesIO()
        image.resize((side, side * 3 // 4)).save(buffer, "JPEG")
        ids.append(browser.upload(buffer.getvalue(), filename=f"{side}.jpg"))
    with context.database.write() as session:
        first, second = sorted(UUID(i) for i in ids)
        owner = session.get(Photo, first).owner_id
        session.add(
            DuplicatePair(first_id=first, second_id=second, owner_id=owner, kind="copy", bits=0, cosine=0.99)
        )
    return ids


def sets(page: str) -> int:
    return page.count('class="card duplicate-set"')


def undo_of(page: str) -> str:
    found = re.search(r'action="(/duplicates/[^"]+)"', page)
    assert found is not None
    return found[1].replace("&amp;", "&")


def test_the_best_is_suggested_and_the_rest_ticked(browser: Any, pair: list[str]) -> None:
    page = browser.get("/duplicates").text
    assert sets(page) == 1
    assert f'name="keeper" value="{pair[0]}" checked' in page
    assert f'name="gone" value="{pair[1]}" checked' in page
    assert f'name="gone" value="{pair[0]}" checked' not in page
    assert "it is larger" in page
    assert sets(browser.get("/duplicates?kind=similar").text) == 0


def test_keeping_one_and_taking_it_back(browser: Any, pair: list[str]) -> None:
    form = {"kind": "copy", "photo": pair, "keeper": pair[0], "gone": [pair[1]], "action": "merge"}
    page = browser.post("/duplicates", form).text
    assert sets(page) == 0
    assert "the other one is in the trash" in page
    assert pair[1] in browser.get("/trash").text
    page = browser.post(undo_of(page)).text
    assert "Everything is as it was" in page
    assert sets(page) == 1


def test_keeping_all_is_remembered_until_taken_back(browser: Any, pair: list[str]) -> None:
    page = browser.post("/duplicates", {"kind": "copy", "photo": pair, "action": "keep"}).text
    assert sets(page) == 0
    assert sets(browser.get("/duplicates").text) == 0
    assert sets(browser.post(undo_of(page)).text) == 1


def test_nothing_ticked_is_told_kindly(browser: Any, pair: list[str]) -> None:
    page = browser.post("/duplicates", {"kind": "copy", "photo": pair, "keeper": pair[0], "action": "merge"})
    assert page.status_code == 200
    assert "Name the photos that go." in page.text
    assert sets(page.text) == 1
