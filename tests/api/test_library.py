"""Completion, places, the map and memories over HTTP."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.main import create_app
from tests.conftest import Drawn

V1 = "/api/v1"


@pytest.fixture
def lisbon(api: TestClient, draw: Drawn) -> str:
    """A photo taken in Lisbon a year ago today, titled."""
    today = date.today()
    day = "02-28" if (today.month, today.day) == (2, 29) else f"{today:%m-%d}"
    taken = f"{today.year - 1}-{day}T12:00:00Z"
    answer = api.post(f"{V1}/photos", files={"file": ("a.jpg", draw())}, data={"taken_at": taken})
    photo = answer.json()["id"]
    body = {"location": {"latitude": 38.7169, "longitude": -9.1399}}
    assert api.patch(f"{V1}/photos/{photo}", json=body).status_code == 200
    return photo


def test_suggestions_say_what_to_replace(api: TestClient, lisbon: str) -> None:
    field = api.get(f"{V1}/suggest", params={"q": "year:2024 plac"}).json()[0]
    assert (field["kind"], field["text"], field["start"], field["end"]) == ("field", "place:", 10, 14)
    town = api.get(f"{V1}/suggest", params={"q": "place:lisb"}).json()[0]
    assert (town["text"], town["count"], town["start"], town["end"]) == ("place:Lisbon", 1, 0, 10)
    assert api.get(f"{V1}/suggest", params={"q": ""}).json() == []
    assert api.get(f"{V1}/suggest").status_code == 422


def test_places_form_a_tree_in_the_readers_language(
    api: TestClient, bobs_api: TestClient, lisbon: str
) -> None:
    (country,) = api.get(f"{V1}/places").json()
    assert (country["code"], country["name"], country["count"]) == ("PT", "Portugal", 1)
    (city,) = country["regions"][0]["cities"]
    assert (city["name"], city["count"], city["cover_photo_id"]) == ("Lisbon", 1, lisbon)
    for query in (country["query"], city["query"]):
        assert [p["id"] for p in api.get(f"{V1}/photos", params={"q": query}).json()["items"]] == [lisbon]
    assert api.get(f"{V1}/places", headers={"Accept-Language": "zh-CN"}).json()[0]["name"] == "葡萄牙"
    assert bobs_api.get(f"{V1}/places").json() == []


def test_the_map_shows_what_lies_in_its_box(api: TestClient, lisbon: str) -> None:
    (cluster,) = api.get(f"{V1}/map").json()["clusters"]
    assert (cluster["count"], cluster["photo_id"], cluster["place"]) == (1, lisbon, "Lisbon")
    near = api.get(f"{V1}/photos", params={"q": cluster["query"]}).json()["items"]
    assert [photo["id"] for photo in near] == [lisbon]
    assert api.get(f"{V1}/map", params={"bbox": "0,0,10,10", "zoom": 5}).json() == {"clusters": []}
    for wrong in ({"bbox": "here"}, {"bbox": "0,10,10,0"}, {"zoom": 19}, {"zoom": -1}):
        answer = api.get(f"{V1}/map", params=wrong)
        assert (answer.status_code, answer.json()["type"]) == (422, "urn:albumen:problem:invalid")


def test_memories_of_today_and_of_another_day(api: TestClient, bobs_api: TestClient, lisbon: str) -> None:
    (memory,) = api.get(f"{V1}/memories").json()["items"]
    assert (memory["kind"], memory["years"], memory["count"]) == ("on_this_day", 1, 1)
    assert [photo["id"] for photo in memory["photos"]] == [lisbon]
    other = api.get(f"{V1}/memories", params={"today": "2020-02-10"}).json()
    assert other == {"today": "2020-02-10", "items": []}
    assert bobs_api.get(f"{V1}/memories").json()["items"] == []
    assert api.get(f"{V1}/memories", params={"today": "tomorrow"}).status_code == 422


def test_the_new_doors_are_documented(context: Any) -> None:
    paths = create_app(context.settings, context).openapi()["paths"]
    for path in ("suggest", "places", "map", "memories"):
        route = paths[f"{V1}/{path}"]["get"]
        assert route["summary"]
        assert {"401", "403"} <= set(route["responses"])
