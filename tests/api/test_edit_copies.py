"""An edit saved as a photo of its own: its bytes, what its owner said about the source, and nothing twice."""

from __future__ import annotations

import io
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer

RECIPE = [{"op": "crop", "width": 0.5}]


def work(context: Context) -> None:
    worker = Worker(context, FakeAnalyzer())
    while worker.run_once():
        pass


@pytest.fixture
def source(api: TestClient, draw: Drawn) -> dict[str, Any]:
    """A photo its owner has said much about, in an album."""
    files = {"file": ("Beach day.jpg", draw())}
    photo = api.post("/api/v1/photos", files=files).json()["id"]
    said = {
        "title": "By the sea",
        "description": "Our first day.",
        "taken_at": "2019-07-04T10:30:00+02:00",
        "location": {"latitude": 38.7, "longitude": -9.1},
        "favorite": True,
    }
    api.patch(f"/api/v1/photos/{photo}", json=said)
    api.put(f"/api/v1/photos/{photo}/tags/beach")
    api.delete(f"/api/v1/photos/{photo}/tags/dog")
    album = api.post("/api/v1/albums", json={"title": "Summer"}).json()["id"]
    api.put(f"/api/v1/albums/{album}/photos/{photo}")
    return {"id": photo, "album": album}


def edit_of(api: TestClient, photo: str, recipe: Any = RECIPE) -> str:
    made = api.post(f"/api/v1/photos/{photo}/edits", json={"recipe": recipe, "title": "Narrow"})
    return str(made.json()["edit"]["id"])


def test_a_finished_edit_becomes_a_photo(api: TestClient, context: Context, source: dict[str, Any]) -> None:
    edit = edit_of(api, source["id"])
    work(context)
    made = api.post(f"/api/v1/edits/{edit}/copy")
    assert made.status_code == 201, made.text
    assert (made.json()["duplicate"], made.json()["status"]) == (False, "pending")
    assert made.headers["location"] == f"/api/v1/photos/{made.json()['id']}"
    copy = api.get(made.headers["location"]).json()
    original = api.get(f"/api/v1/photos/{source['id']}").json()
    for field in ("title", "description", "taken_at", "place"):
        assert copy[field] == original[field], field
    assert copy["place"]["country"] == "Portugal"
    assert [(t["slug"], t["state"]) for t in copy["tags"]] == [("beach", "confirmed")]
    assert (copy["filename"], copy["favorite"], copy["edits"]) == ("Beach day-edit.jpeg", False, [])
    kept = api.get(f"/api/v1/photos/{copy['id']}/original").content
    assert kept == api.get(f"/api/v1/edits/{edit}/file").content
    assert Image.open(io.BytesIO(kept)).size == (160, 240)
    in_album = api.get("/api/v1/photos", params={"q": "album:Summer"}).json()["items"]
    assert [item["id"] for item in in_album] == [source["id"]], "albums are not taken over"
    found = api.get("/api/v1/photos", params={"q": "sea"}).json()["items"]
    assert {item["id"] for item in found} == {source["id"], copy["id"]}
    work(context)
    assert api.get(made.headers["location"]).json()["status"] == "ready"


def test_the_same_bytes_are_one_photo(api: TestClient, context: Context, source: dict[str, Any]) -> None:
    edit = edit_of(api, source["id"])
    work(context)
    first = api.post(f"/api/v1/edits/{edit}/copy").json()["id"]
    again = api.post(f"/api/v1/edits/{edit}/copy")
    assert (again.status_code, again.json()["id"], again.json()["duplicate"]) == (200, first, True)


def test_until_it_is_made_there_is_nothing_to_copy(
    api: TestClient, context: Context, source: dict[str, Any]
) -> None:
    edit = edit_of(api, source["id"])
    early = api.post(f"/api/v1/edits/{edit}/copy", headers={"Accept-Language": "zh"})
    assert early.status_code == 409
    assert early.json()["type"] == "urn:albumen:problem:conflict"
    assert "still" not in early.json()["detail"], "told in Chinese"
    assert len(api.get("/api/v1/photos").json()["items"]) == 1


def test_a_copy_outlives_its_source(api: TestClient, context: Context, source: dict[str, Any]) -> None:
    edit = edit_of(api, source["id"])
    work(context)
    copy = api.post(f"/api/v1/edits/{edit}/copy").json()["id"]
    api.delete(f"/api/v1/photos/{source['id']}")
    assert api.post(f"/api/v1/edits/{edit}/copy").status_code == 404, "its photo is in the trash"
    api.delete("/api/v1/trash")
    assert api.get(f"/api/v1/photos/{copy}/original").status_code == 200
