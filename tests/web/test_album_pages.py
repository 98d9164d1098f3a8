"""Memories, places, ideas for albums, and a dynamic album's order and exceptions, as a person without scripts."""

from __future__ import annotations

import re
from datetime import date
from html import unescape
from typing import Any
from urllib.parse import quote

import pytest


def place(browser: Any, photo: str, latitude: float, longitude: float) -> None:
    body = {"location": {"latitude": latitude, "longitude": longitude}}
    answer = browser.client.patch(
        f"/api/v1/photos/{photo}", json=body, headers={"x-csrf-token": browser.token()}
    )
    assert answer.status_code == 200, answer.text


def test_this_day_is_remembered_on_the_timeline_and_its_page(browser: Any, draw: Any) -> None:
    today = date.today()
    past = today.replace(year=today.year - 2, day=min(today.day, 28) if today.month == 2 else today.day)
    photo = browser.upload(draw(), taken_at=f"{past}T10:00:00Z")
    for page in (browser.get("/").text, browser.get("/memories").text):
        assert "2 years ago" in page
        assert f"/api/v1/photos/{photo}/rendition/grid" in page
    assert "往年今日" in browser.get("/?language=zh").text
    browser.client.cookies.set("albumen_zone", "No%2FWhere")
    assert browser.get("/memories").status_code == 200


def test_the_day_is_the_one_where_the_browser_is(browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}
    for zone in ("Pacific/Kiritimati", "Etc/GMT+12"):  # 26 hours apart: never the same day
        browser.client.cookies.set("albumen_zone", quote(zone, safe=""))
        found = re.search(r'<h1>Memories</h1><p class="quiet">([^<]+)<', browser.get("/memories").text)
        assert found is not None
        seen[zone] = found[1]
    assert len(set(seen.values())) == 2


def test_pins_lead_nearer_until_they_lead_to_photos(browser: Any, draw: Any) -> None:
    for latitude, longitude in ((38.72, -9.14), (38.80, -9.30), (52.52, 13.40)):
        place(browser, browser.upload(draw()), latitude, longitude)
    href = "/places"
    for _ in range(6):
        page = browser.get(href).text
        pins = re.findall(r'<a href="([^"]+)" aria-label="([^"]+)"><circle', page)
        west = next(
            unescape(link)
            for link, label in pins
            if "3 photos" in label or "Lisbon" in label or "2 photo" in label
        )
        if west.startswith("/search"):
            break
        href = west
    assert west.startswith("/search?q=near")
    assert "1 photo" in browser.get(west).text
    assert browser.get("/places?box=nonsense").status_code == 200


def test_an_idea_becomes_an_album_with_one_press(browser: Any, draw: Any) -> None:
    for _ in range(5):
        photo = browser.upload(draw(), taken_at="2023-06-01T10:00:00Z")
        browser.post(f"/photo/{photo}/favorite", {"value": "1"})
    page = browser.get("/albums/ideas").text
    assert "Best of 2023" in page
    form = dict(re.findall(r'name="(title|query)" value="([^"]*)"', page.partition('class="idea"')[2]))
    album = browser.post("/albums", {name: unescape(value) for name, value in form.items()})
    assert "Best of 2023" in album.text
    assert album.text.count('class="tile"') == 5
    assert "Best of 2023" not in browser.get("/albums/ideas").text


def test_order_and_exceptions_of_a_dynamic_album(browser: Any, draw: Any) -> None:
    photos = [browser.upload(draw(), taken_at=f"{year}-06-01T10:00:00Z") for year in (2019, 2020, 2021)]
    made = browser.post("/albums", {"title": "Newer", "query": "year:>=2020"})
    album = str(made.url.path)

    def tiles(page: str) -> list[str]:
        return re.findall(r'class="tile" data-id="([^"]+)"', page)

    assert tiles(made.text) == [photos[2], photos[1]]
    page = browser.post(album, {"title": "Newer", "query": "year:>=2020", "sort": "oldest"}).text
    assert tiles(page) == [photos[1], photos[2]]
    browser.post(f"{album}/pins/{photos[0]}", {"pin": "always"})
    page = browser.post(f"{album}/pins/{photos[2]}", {"pin": "never"}).text
    assert tiles(page) == [photos[0], photos[1]]
    assert "Never in this album" in page
    page = browser.post(f"{album}/pins/{photos[2]}").text
    assert tiles(page) == [photos[0], photos[1], photos[2]]
