"""Reading cheaply: months as columns, and renditions in the format a client takes."""

from __future__ import annotations

import io

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from tests.conftest import Drawn


class TestMonths:
    @pytest.fixture
    def months(self, api: TestClient, draw: Drawn) -> dict[str, str]:
        """A photo's id by its day."""
        days = [
            "2024-06-30T23:30:00",
            "2024-06-01T00:00:00+02:00",
            "2024-06-11T12:00:00",
            "2024-07-01T00:00:00",
        ]
        return {
            day: api.post(
                "/api/v1/photos", files={"file": ("a.jpg", draw((64, 48)))}, data={"taken_at": day}
            ).json()["id"]
            for day in days
        }

    def test_a_month_is_columns_newest_first(self, api: TestClient, months: dict[str, str]) -> None:
        favorite = months["2024-06-11T12:00:00"]
        api.patch(f"/api/v1/photos/{favorite}", json={"favorite": True})
        june = api.get("/api/v1/timeline/2024-06").json()
        assert june["id"] == [
            months[day] for day in ("2024-06-30T23:30:00", "2024-06-11T12:00:00", "2024-06-01T00:00:00+02:00")
        ]
        assert june["taken_at"][2] == "2024-06-01T00:00:00+02:00"
        assert (june["width"], june["height"]) == ([64] * 3, [48] * 3)
        assert june["favorite"] == [False, True, False]
        assert all(june["thumbhash"])
        assert api.get("/api/v1/timeline/2024-06", params={"q": "is:favorite"}).json()["id"] == [favorite]
        counts = {m["month"]: m["count"] for m in api.get("/api/v1/timeline").json()}
        assert counts == {"2024-06": 3, "2024-07": 1}
        assert api.get("/api/v1/timeline/1999-01").json()["id"] == []

    def test_in_pages(self, api: TestClient, bobs_api: TestClient, months: dict[str, str]) -> None:
        whole = api.get("/api/v1/timeline/2024-06").json()["id"]
        found: list[str] = []
        cursor = None
        for _ in range(3):
            page = api.get(
                "/api/v1/timeline/2024-06", params={"limit": 1, **({"cursor": cursor} if cursor else {})}
            ).json()
            found += page["id"]
            cursor = page["next_cursor"]
        assert (found, cursor) == (whole, None)
        first = api.get("/api/v1/timeline/2024-06", params={"limit": 1}).json()["next_cursor"]
        for path, headers in (("/api/v1/timeline/2024-07", {}), ("/api/v1/timeline/2024-06", {"q": "x"})):
            assert api.get(path, params={"cursor": first, **headers}).status_code == 422
        assert bobs_api.get("/api/v1/timeline/2024-06").json()["id"] == []

    @pytest.mark.parametrize("month", ["2024-13", "0000-01", "june", "2024-6"])
    def test_what_is_no_month(self, api: TestClient, month: str) -> None:
        assert api.get(f"/api/v1/timeline/{month}").status_code == 422


class TestFormats:
    @pytest.fixture
    def url(self, api: TestClient, draw: Drawn) -> str:
        photo = api.post("/api/v1/photos", files={"file": ("a.jpg", draw((900, 700)))}).json()["id"]
        return f"/api/v1/photos/{photo}/rendition"

    @pytest.mark.parametrize(
        ("accept", "grid", "preview"),
        [
            ("*/*", "webp", "jpeg"),
            ("image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "webp", "jpeg"),
            ("image/jpeg", "jpeg", "jpeg"),
            ("image/webp", "webp", "webp"),
            ("image/avif;q=1, image/jpeg;q=0.5", "avif", "jpeg"),
            ("image/webp;q=0, image/jpeg", "jpeg", "jpeg"),
            ("application/json", "webp", "jpeg"),
            ("image/x-unheard-of", "webp", "jpeg"),
            ("nonsense;;q=x", "webp", "jpeg"),
        ],
    )
    def test_the_client_gets_what_it_takes(
        self, api: TestClient, url: str, accept: str, grid: str, preview: str
    ) -> None:
        for kind, format in (("grid", grid), ("preview", preview)):
            answer = api.get(f"{url}/{kind}", headers={"Accept": accept})
            assert answer.headers["content-type"] == f"image/{format}"
            assert "Accept" in answer.headers["vary"]
            with Image.open(io.BytesIO(answer.content)) as picture:
                assert (picture.format or "").lower() == format
                assert picture.size == ((411, 320) if kind == "grid" else (900, 700))
            again = api.get(
                f"{url}/{kind}", headers={"Accept": accept, "If-None-Match": answer.headers["etag"]}
            )
            assert (again.status_code, again.content) == (304, b"")

    def test_formats_have_tags_of_their_own(self, api: TestClient, url: str) -> None:
        tags = [
            api.get(f"{url}/grid", headers={"Accept": f"image/{f}"}).headers["etag"]
            for f in ("webp", "jpeg", "avif")
        ]
        assert len(set(tags)) == 3
        other = api.get(f"{url}/grid", headers={"Accept": "image/jpeg", "If-None-Match": tags[0]})
        assert other.status_code == 200

    def test_where_something_shows_through_a_jpeg_is_white(self, api: TestClient) -> None:
        buffer = io.BytesIO()
        Image.new("RGBA", (400, 400), (0, 0, 0, 0)).save(buffer, "PNG")
        photo = api.post("/api/v1/photos", files={"file": ("a.png", buffer.getvalue())}).json()["id"]
        answer = api.get(f"/api/v1/photos/{photo}/rendition/preview", headers={"Accept": "image/jpeg"})
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.getpixel((5, 5)) == (255, 255, 255)
