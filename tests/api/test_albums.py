"""Manual and dynamic albums."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.conftest import Drawn


def make(client: TestClient, title: str, query: str | None = None) -> dict[str, Any]:
    body = {"title": title, "kind": "dynamic", "query": query} if query else {"title": title}
    answer = client.post("/api/v1/albums", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


def names(client: TestClient, album: dict[str, Any]) -> list[str]:
    return [i["filename"] for i in client.get(f"/api/v1/albums/{album['id']}/photos").json()["items"]]


@pytest.fixture
def photos(api: TestClient, draw: Drawn) -> dict[str, str]:
    ids = {}
    for year in (2019, 2020, 2021):
        fields = {"taken_at": f"{year}-06-01T12:00:00Z"}
        answer = api.post("/api/v1/photos", files={"file": (f"{year}.jpg", draw())}, data=fields)
        ids[str(year)] = answer.json()["id"]
    return ids


def test_a_manual_album_holds_what_is_put_in(api: TestClient, photos: dict[str, str]) -> None:
    album = make(api, "Best of")
    url = f"/api/v1/albums/{album['id']}"
    for year in ("2019", "2021"):
        assert api.put(f"{url}/photos/{photos[year]}").status_code == 204
    assert names(api, album) == ["2021.jpg", "2019.jpg"]
    assert api.get(url).json()["count"] == 2
    assert api.get(url).json()["cover_photo_id"] == photos["2021"]
    assert api.delete(f"{url}/photos/{photos['2021']}").status_code == 204
    assert names(api, album) == ["2019.jpg"]


def test_a_dynamic_album_fills_itself(api: TestClient, photos: dict[str, str], draw: Drawn) -> None:
    album = make(api, "Newer", "year:>=2020")
    assert names(api, album) == ["2021.jpg", "2020.jpg"]
    api.post(
        "/api/v1/photos", files={"file": ("2022.jpg", draw())}, data={"taken_at": "2022-06-01T12:00:00Z"}
    )
    assert names(api, album) == ["2022.jpg", "2021.jpg", "2020.jpg"]
    api.delete(f"/api/v1/photos/{photos['2021']}")
    assert names(api, album) == ["2022.jpg", "2020.jpg"]


def test_exceptions_can_be_pinned(api: TestClient, photos: dict[str, str]) -> None:
    album = make(api, "Newer", "year:>=2020")
    url = f"/api/v1/albums/{album['id']}/photos"
    api.put(f"{url}/{photos['2019']}")
    api.delete(f"{url}/{photos['2021']}")
    assert names(api, album) == ["2020.jpg", "2019.jpg"]


def test_a_bad_rule_is_refused_with_the_position(api: TestClient) -> None:
    body = {"title": "Broken", "kind": "dynamic", "query": "year:2020 ("}
    answer = api.post("/api/v1/albums", json=body)
    assert answer.status_code == 422
    assert answer.json()["position"] >= 10
    assert api.get("/api/v1/albums").json()["items"] == []


def test_rules_may_refer_to_albums_but_not_in_a_circle(api: TestClient, photos: dict[str, str]) -> None:
    newer = make(api, "Newer", "year:>=2020")
    both = make(api, "Both", f"album:{newer['id']} year:2021")
    assert names(api, both) == ["2021.jpg"]
    answer = api.patch(f"/api/v1/albums/{newer['id']}", json={"query": f"album:{both['id']}"})
    assert answer.status_code == 422
    assert names(api, newer) == ["2021.jpg", "2020.jpg"]


def test_the_rule_is_kept_in_its_canonical_form(api: TestClient) -> None:
    album = make(api, "Canon", "  year:2020    camera:canon ")
    assert album["query"] == "year:2020 camera:canon"


def test_deleting_an_album_can_be_undone_and_keeps_its_photos(
    api: TestClient, photos: dict[str, str]
) -> None:
    album = make(api, "Gone")
    url = f"/api/v1/albums/{album['id']}"
    api.put(f"{url}/photos/{photos['2019']}")
    assert api.delete(url).status_code == 204
    assert api.get(url).status_code == 404
    assert api.get(f"/api/v1/photos/{photos['2019']}").status_code == 200
    assert api.post(f"{url}/restore").json()["count"] == 1


def test_others_albums_and_photos_do_not_exist(
    api: TestClient, bobs_api: TestClient, photos: dict[str, str]
) -> None:
    album = make(api, "Private")
    url = f"/api/v1/albums/{album['id']}"
    assert bobs_api.get(url).status_code == 404
    assert bobs_api.get(f"{url}/photos").status_code == 404
    assert bobs_api.patch(url, json={"title": "Mine"}).status_code == 404
    assert bobs_api.delete(url).status_code == 404
    his = make(bobs_api, "His")
    answer = bobs_api.put(f"/api/v1/albums/{his['id']}/photos/{photos['2019']}")
    assert answer.status_code == 404


def test_albums_are_listed_in_pages_the_latest_changed_first(api: TestClient) -> None:
    for number in range(5):
        assert api.post("/api/v1/albums", json={"title": str(number)}).status_code == 201
    seen, cursor = [], None
    while True:
        page = api.get("/api/v1/albums", params={"limit": 2, **({"cursor": cursor} if cursor else {})}).json()
        seen += [album["title"] for album in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == ["4", "3", "2", "1", "0"]
    assert api.get("/api/v1/albums", params={"kind": "dynamic"}).json()["items"] == []
    wrong = api.get("/api/v1/albums", params={"cursor": "nonsense"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "cursor")


def test_an_album_whose_rule_names_what_is_gone_does_not_hide_the_others(api: TestClient) -> None:
    other = api.post("/api/v1/albums", json={"title": "List"}).json()["id"]
    rule = api.post("/api/v1/albums", json={"title": "Rule", "kind": "dynamic", "query": f"album:{other}"})
    assert rule.status_code == 201, rule.text
    assert api.delete(f"/api/v1/albums/{other}").status_code == 204
    assert [(a["title"], a["count"]) for a in api.get("/api/v1/albums").json()["items"]] == [("Rule", 0)]
