"""Reading and changing photos: lists, details, metadata, tags, trash, batches, bytes."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer


@pytest.fixture
def add(api: TestClient, draw: Drawn) -> Callable[..., str]:
    def add(name: str = "photo.jpg", data: bytes | None = None, **fields: str) -> str:
        answer = api.post("/api/v1/photos", files={"file": (name, data or draw())}, data=fields)
        return answer.json()["id"]

    return add


def names(client: TestClient, **params: Any) -> list[str]:
    return [item["filename"] for item in client.get("/api/v1/photos", params=params).json()["items"]]


class TestLists:
    def test_newest_capture_first(self, api: TestClient, add: Callable[..., str]) -> None:
        for name, day in {"b": "2020-05-02", "c": "2021-01-01", "a": "2019-12-31"}.items():
            add(name, taken_at=f"{day}T12:00:00Z")
        assert names(api) == ["c", "b", "a"]
        assert names(api, order="oldest") == ["a", "b", "c"]

    def test_pages_follow_each_other_without_gap_or_repetition(
        self, api: TestClient, add: Callable[..., str]
    ) -> None:
        ids = {add(f"{n}.jpg", taken_at="2020-05-02T12:00:00Z") for n in range(7)}
        seen, cursor = [], None
        while True:
            page = api.get(
                "/api/v1/photos", params={"limit": 3, **({"cursor": cursor} if cursor else {})}
            ).json()
            seen += [item["id"] for item in page["items"]]
            if (cursor := page["next_cursor"]) is None:
                break
        assert len(seen) == 7
        assert set(seen) == ids

    def test_a_made_up_cursor_is_refused(self, api: TestClient, add: Callable[..., str]) -> None:
        add()
        answer = api.get("/api/v1/photos", params={"cursor": "bm9uc2Vuc2U"})
        assert answer.status_code == 422

    def test_a_bad_query_says_where(self, api: TestClient) -> None:
        answer = api.get("/api/v1/photos", params={"q": "dog (cat"})
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:albumen:problem:bad-query"
        assert isinstance(answer.json()["position"], int)

    def test_months_are_counted_by_the_clock_of_the_place(
        self, api: TestClient, add: Callable[..., str]
    ) -> None:
        add("late", taken_at="2020-12-31T23:30:00-08:00")  # already January in UTC
        add("early", taken_at="2021-01-01T00:30:00+09:00")
        assert api.get("/api/v1/timeline").json() == [
            {"month": "2021-01", "count": 1},
            {"month": "2020-12", "count": 1},
        ]

    def test_users_see_only_their_own(
        self, api: TestClient, bobs_api: TestClient, add: Callable[..., str]
    ) -> None:
        photo_id = add()
        assert names(bobs_api) == []
        for path in ("", "/original", "/rendition/grid", "/edits"):
            assert bobs_api.get(f"/api/v1/photos/{photo_id}{path}").status_code == 404
        assert bobs_api.patch(f"/api/v1/photos/{photo_id}", json={"title": "mine"}).status_code == 404
        assert bobs_api.delete(f"/api/v1/photos/{photo_id}").status_code == 404
        assert bobs_api.put(f"/api/v1/photos/{photo_id}/tags/dog").status_code == 404
        batch = {"action": "delete", "ids": [photo_id]}
        answer = bobs_api.post("/api/v1/photos/batch", json=batch).json()
        assert (answer["done"], answer["missing"]) == (0, [photo_id])
        assert names(api) == ["photo.jpg"]


class TestMetadata:
    def test_only_what_is_sent_changes(self, api: TestClient, add: Callable[..., str]) -> None:
        photo_id = add(favorite="true")
        changed = api.patch(f"/api/v1/photos/{photo_id}", json={"title": "At the lake", "rating": 4}).json()
        assert (changed["title"], changed["rating"], changed["favorite"]) == ("At the lake", 4, True)
        assert names(api, q="lake") == ["photo.jpg"]

    def test_a_corrected_time_moves_the_photo(self, api: TestClient, add: Callable[..., str]) -> None:
        add("a", taken_at="2020-01-01T12:00:00Z")
        photo_id = add("b", taken_at="2021-01-01T12:00:00Z")
        api.patch(f"/api/v1/photos/{photo_id}", json={"taken_at": "1999-07-01T08:00:00+02:00"})
        assert names(api) == ["a", "b"]
        assert api.get(f"/api/v1/photos/{photo_id}").json()["taken_at"] == "1999-07-01T08:00:00+02:00"

    def test_a_location_names_the_place_and_null_forgets_it(
        self, api: TestClient, add: Callable[..., str]
    ) -> None:
        photo_id = add()
        there = {"location": {"latitude": 48.8583, "longitude": 2.2945}}
        place = api.patch(f"/api/v1/photos/{photo_id}", json=there).json()["place"]
        assert (place["country_code"], place["source"]) == ("FR", "user")
        assert names(api, q="France") == ["photo.jpg"]
        assert api.patch(f"/api/v1/photos/{photo_id}", json={"location": None}).json()["place"] is None
        assert names(api, q="France") == []

    @pytest.mark.parametrize(
        "change", [{"rating": 6}, {"title": "x" * 301}, {"location": {"latitude": 91, "longitude": 0}}]
    )
    def test_nonsense_is_refused(
        self, api: TestClient, add: Callable[..., str], change: dict[str, Any]
    ) -> None:
        answer = api.patch(f"/api/v1/photos/{add()}", json=change)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"


class TestTags:
    def test_a_tag_can_be_named_in_either_language(self, api: TestClient, add: Callable[..., str]) -> None:
        photo_id = add()
        assert api.put(f"/api/v1/photos/{photo_id}/tags/海滩").status_code == 204
        tags = api.get(f"/api/v1/photos/{photo_id}").json()["tags"]
        assert [(t["slug"], t["state"]) for t in tags] == [("beach", "confirmed")]
        chinese = api.get(f"/api/v1/photos/{photo_id}", headers={"Accept-Language": "zh-CN"}).json()["tags"]
        assert chinese[0]["name"] == "海滩"
        assert names(api, q="tag:beach") == ["photo.jpg"]
        assert names(api, q="海边") == ["photo.jpg"]

    def test_a_rejected_tag_no_longer_finds_the_photo(
        self, api: TestClient, context: Context, add: Callable[..., str], analysis: Callable[..., Any]
    ) -> None:
        photo_id = add()
        Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9)))).run_once()
        assert names(api, q="dog") == ["photo.jpg"]
        assert api.delete(f"/api/v1/photos/{photo_id}/tags/dog").status_code == 204
        assert names(api, q="dog") == []
        assert names(api, q="tag:dog") == []

    @pytest.mark.parametrize("say", ["put", "delete"])
    def test_a_verdict_can_be_taken_back(
        self,
        api: TestClient,
        context: Context,
        add: Callable[..., str],
        analysis: Callable[..., Any],
        say: str,
    ) -> None:
        photo_id = add()
        Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9)))).run_once()
        url = f"/api/v1/photos/{photo_id}"
        before = api.get(url).json()["tags"]
        getattr(api, say)(f"{url}/tags/dog")
        assert api.get(url).json()["tags"] != before
        for _ in range(2):  # a second time is harmless
            assert api.delete(f"{url}/tags/dog/verdict").status_code == 204
            assert api.get(url).json()["tags"] == before
        assert names(api, q="dog") == ["photo.jpg"]

    def test_taking_back_a_tag_of_ones_own_removes_it(self, api: TestClient, add: Callable[..., str]) -> None:
        url = f"/api/v1/photos/{add()}"
        api.put(f"{url}/tags/beach")
        api.delete(f"{url}/tags/beach/verdict")
        assert api.get(url).json()["tags"] == []
        assert api.delete(f"{url}/tags/no-such-tag/verdict").status_code == 404

    def test_a_parent_finds_the_photos_of_its_children(
        self, api: TestClient, context: Context, add: Callable[..., str], analysis: Callable[..., Any]
    ) -> None:
        add()
        Worker(context, FakeAnalyzer(lambda _i: analysis(("golden-retriever", 0.9)))).run_once()
        for query in ("tag:animal", "dog", "狗", "tag:golden-retriever", "animal -cat"):
            assert names(api, q=query) == ["photo.jpg"], query
        assert names(api, q="cat") == []

    def test_the_tree_counts_what_is_seen(
        self, api: TestClient, context: Context, add: Callable[..., str], analysis: Callable[..., Any]
    ) -> None:
        add(), add()
        Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9)))).run_once()
        used = {t["slug"]: t for t in api.get("/api/v1/tags", params={"used": True}).json()}
        assert used["dog"]["count"] == 2
        assert used["dog"]["parent"] in used


class TestTrash:
    def test_there_and_back(self, api: TestClient, add: Callable[..., str]) -> None:
        photo_id = add()
        assert api.delete(f"/api/v1/photos/{photo_id}").status_code == 204
        assert names(api) == []
        assert names(api, trashed=True) == ["photo.jpg"]
        assert api.post(f"/api/v1/photos/{photo_id}/restore").status_code == 204
        assert names(api) == ["photo.jpg"]

    def test_emptying_removes_rows_and_files_for_good(
        self, api: TestClient, context: Context, add: Callable[..., str], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.photos._JUST_KEPT", 0.0)
        gone, stays = add("gone"), add("stays")
        Worker(context, FakeAnalyzer()).run_once()
        api.delete(f"/api/v1/photos/{gone}")
        assert api.delete("/api/v1/trash").status_code == 204
        assert api.get(f"/api/v1/photos/{gone}").status_code == 404
        assert api.get(f"/api/v1/photos/{stays}/original").status_code == 200
        assert len(list(context.storage.originals())) == 1
        assert len(list(context.storage.renditions())) == 2

    def test_a_file_another_user_has_too_stays(
        self, api: TestClient, bobs_api: TestClient, draw: Drawn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("app.services.photos._JUST_KEPT", 0.0)
        data = draw()
        mine, his = (
            c.post("/api/v1/photos", files={"file": ("a.jpg", data)}).json()["id"] for c in (api, bobs_api)
        )
        api.delete(f"/api/v1/photos/{mine}")
        api.delete("/api/v1/trash")
        assert bobs_api.get(f"/api/v1/photos/{his}/original").content == data


class TestBatches:
    def test_listed_photos(self, api: TestClient, add: Callable[..., str]) -> None:
        ids = [add(f"{n}") for n in range(3)]
        done = api.post(
            "/api/v1/photos/batch", json={"action": "tag", "ids": ids[:2], "tag": "Holiday"}
        ).json()
        assert (done["done"], done["missing"]) == (2, [])
        assert sorted(names(api, q="tag:holiday")) == ["0", "1"]

    def test_all_that_a_query_finds(self, api: TestClient, add: Callable[..., str]) -> None:
        add("a", taken_at="2020-01-01T12:00:00Z"), add("b", taken_at="2021-01-01T12:00:00Z")
        assert (
            api.post("/api/v1/photos/batch", json={"action": "favorite", "query": "year:2020"}).json()["done"]
            == 1
        )
        assert names(api, q="is:favorite") == ["a"]

    def test_delete_and_restore(self, api: TestClient, add: Callable[..., str]) -> None:
        ids = [add("a"), add("b")]
        api.post("/api/v1/photos/batch", json={"action": "delete", "ids": ids})
        assert names(api) == []
        api.post("/api/v1/photos/batch", json={"action": "restore", "ids": ids})
        assert sorted(names(api)) == ["a", "b"]

    def test_unknown_actions_are_refused(self, api: TestClient, add: Callable[..., str]) -> None:
        answer = api.post("/api/v1/photos/batch", json={"action": "explode", "ids": [add()]})
        assert answer.status_code == 422
        assert "favorite" in answer.json()["detail"]


class TestBytes:
    def test_renditions_are_upright_small_and_cacheable_for_ever(
        self, api: TestClient, add: Callable[..., str]
    ) -> None:
        buffer = BytesIO()
        exif = Image.Exif()
        exif[0x0112] = 6  # stored lying on its side
        Image.new("RGB", (1200, 800), "teal").save(buffer, "JPEG", exif=exif)
        photo_id = add("side.jpg", buffer.getvalue())
        detail = api.get(f"/api/v1/photos/{photo_id}").json()
        assert (detail["width"], detail["height"], detail["orientation"]) == (800, 1200, 6)
        answer = api.get(f"/api/v1/photos/{photo_id}/rendition/grid")
        assert Image.open(BytesIO(answer.content)).size == (320, 480)
        assert "immutable" in answer.headers["cache-control"]
        again = api.get(
            f"/api/v1/photos/{photo_id}/rendition/grid", headers={"If-None-Match": answer.headers["etag"]}
        )
        assert (again.status_code, again.content) == (304, b"")

    def test_originals_support_ranges_and_cannot_run_script(
        self, api: TestClient, add: Callable[..., str]
    ) -> None:
        url = f"/api/v1/photos/{add()}/original"
        whole = api.get(url)
        part = api.get(url, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, whole.content[10:20])
        assert whole.headers["content-security-policy"] == "sandbox"
        assert whole.headers["x-content-type-options"] == "nosniff"

    @pytest.mark.parametrize("kind", ["original", "rendition/grid", "rendition/preview"])
    def test_how_large_a_file_is_can_be_asked_without_its_bytes(
        self, api: TestClient, add: Callable[..., str], kind: str
    ) -> None:
        url = f"/api/v1/photos/{add()}/{kind}"
        whole, asked = api.get(url), api.head(url)
        assert (asked.status_code, asked.content) == (200, b"")
        for name in ("content-length", "content-type", "etag", "accept-ranges"):
            assert asked.headers[name] == whole.headers[name]

    def test_there_is_no_other_rendition(self, api: TestClient, add: Callable[..., str]) -> None:
        assert api.get(f"/api/v1/photos/{add()}/rendition/huge").status_code == 404
