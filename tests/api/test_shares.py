"""Links for people without an account: what they open, what they do not, and what never leaves by them."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import update

from app.context import Context
from app.db import utcnow
from app.models import Share
from app.services import accounts
from app.services.accounts import Viewer
from tests.conftest import Drawn

PROBLEM = "urn:albumen:problem:"
V1 = "/api/v1"


def with_position(size: tuple[int, int] = (160, 120), format: str = "JPEG") -> bytes:
    """A picture taken at the Eiffel Tower, by its EXIF."""
    exif = Image.Exif()
    exif[0x010F] = "Camera Maker"
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (48.0, 51.0, 29.6), 3: "E", 4: (2.0, 17.0, 40.2)})
    exif[0x8825] = gps
    buffer = io.BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(buffer, format, exif=exif)
    return buffer.getvalue()


def position_in(data: bytes) -> dict[int, Any]:
    return dict(Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825))


@pytest.fixture
def add(api: TestClient, draw: Drawn) -> Callable[..., str]:
    def add(data: bytes | None = None, name: str = "a.jpg") -> str:
        return api.post(f"{V1}/photos", files={"file": (name, data or draw())}).json()["id"]

    return add


@pytest.fixture
def album(api: TestClient, add: Callable[..., str]) -> dict[str, Any]:
    """An album of two photos, and one photo outside."""
    inside, outside = [add(), add()], add()
    made = api.post(f"{V1}/albums", json={"title": "Trip", "description": "By the sea"}).json()
    for photo_id in inside:
        api.put(f"{V1}/albums/{made['id']}/photos/{photo_id}")
    return {"id": made["id"], "inside": inside, "outside": outside}


def share(api: TestClient, what: str, **options: Any) -> dict[str, Any]:
    answer = api.post(f"{V1}/{what}/shares", json=options)
    assert answer.status_code == 201, answer.text
    return answer.json()


class TestLooking:
    def test_an_album(self, api: TestClient, anonymous: TestClient, album: dict[str, Any]) -> None:
        link = share(api, f"albums/{album['id']}")
        url = f"{V1}/shares/{link['token']}"
        assert anonymous.get(url).json() == {
            "kind": "album", "title": "Trip", "description": "By the sea", "count": 2, "download": False,
            "location": False, "upload": False, "expires_at": None,
        }  # fmt: skip
        items = anonymous.get(f"{url}/photos").json()["items"]
        assert {item["id"] for item in items} == set(album["inside"])
        answer = anonymous.get(f"{url}/photos/{album['inside'][0]}/rendition/grid")
        assert answer.status_code == 200
        assert answer.headers["x-robots-tag"] == "noindex"
        for tail in ("rendition/grid", "rendition/preview", "original"):
            assert anonymous.get(f"{url}/photos/{album['outside']}/{tail}").status_code in (403, 404)
        assert anonymous.get(f"{url}/photos/{album['outside']}/rendition/grid").status_code == 404

    def test_in_pages(self, api: TestClient, anonymous: TestClient, album: dict[str, Any]) -> None:
        url = f"{V1}/shares/{share(api, 'albums/' + album['id'])['token']}/photos"
        first = anonymous.get(url, params={"limit": 1}).json()
        second = anonymous.get(url, params={"limit": 1, "cursor": first["next_cursor"]}).json()
        assert {first["items"][0]["id"], second["items"][0]["id"]} == set(album["inside"])

    def test_a_dynamic_album_shows_what_it_holds_now(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        made = api.post(
            f"{V1}/albums", json={"title": "Best", "kind": "dynamic", "query": "rating:>=4"}
        ).json()
        url = f"{V1}/shares/{share(api, 'albums/' + made['id'])['token']}/photos"
        assert anonymous.get(url).json()["items"] == []
        photo_id = album["outside"]
        assert anonymous.get(f"{url}/{photo_id}/rendition/grid").status_code == 404
        api.patch(f"{V1}/photos/{photo_id}", json={"rating": 5})
        assert [item["id"] for item in anonymous.get(url).json()["items"]] == [photo_id]
        assert anonymous.get(f"{url}/{photo_id}/rendition/grid").status_code == 200

    def test_one_photo(self, api: TestClient, anonymous: TestClient, album: dict[str, Any]) -> None:
        shared, other = album["inside"]
        url = f"{V1}/shares/{share(api, f'photos/{shared}')['token']}"
        assert anonymous.get(url).json()["kind"] == "photo"
        assert [item["id"] for item in anonymous.get(f"{url}/photos").json()["items"]] == [shared]
        assert anonymous.get(f"{url}/photos/{other}/rendition/grid").status_code == 404

    def test_a_trashed_photo_is_not_shown(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        shared = album["inside"][0]
        links = [share(api, f"photos/{shared}"), share(api, f"albums/{album['id']}")]
        api.delete(f"{V1}/photos/{shared}")
        assert anonymous.get(f"{V1}/shares/{links[0]['token']}").status_code == 404
        for link in links:
            answer = anonymous.get(f"{V1}/shares/{link['token']}/photos/{shared}/rendition/grid")
            assert answer.status_code == 404

    def test_the_token_opens_nothing_else(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        token = share(api, f"albums/{album['id']}")["token"]
        for path in (f"photos/{album['inside'][0]}", "photos", f"albums/{album['id']}", "shares"):
            answer = anonymous.get(
                f"{V1}/{path}", headers={"Authorization": f"Bearer {token}", "X-Share-Access": token}
            )
            assert answer.status_code == 401


class TestEnding:
    def test_revoking(
        self, api: TestClient, bobs_api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        link = share(api, f"albums/{album['id']}")
        listed = api.get(f"{V1}/shares").json()["items"]
        assert [one["id"] for one in listed] == [link["id"]]
        assert "token" not in listed[0]
        assert bobs_api.delete(f"{V1}/shares/{link['id']}").status_code == 404
        assert api.delete(f"{V1}/shares/{link['id']}").status_code == 204
        assert anonymous.get(f"{V1}/shares/{link['token']}").status_code == 404

    def test_expiry(
        self, api: TestClient, anonymous: TestClient, context: Context, album: dict[str, Any]
    ) -> None:
        soon = (utcnow() + timedelta(hours=1)).isoformat()
        token = share(api, f"albums/{album['id']}", expires_at=soon)["token"]
        assert anonymous.get(f"{V1}/shares/{token}").status_code == 200
        with context.database.write() as session:
            session.execute(update(Share).values(expires_at=utcnow() - timedelta(seconds=1)))
        photo = f"{V1}/shares/{token}/photos/{album['inside'][0]}/rendition/grid"
        for path in (f"{V1}/shares/{token}", f"{V1}/shares/{token}/photos", photo):
            answer = anonymous.get(path)
            assert (answer.status_code, answer.json()["type"]) == (410, PROBLEM + "share-expired")
        past = api.post(f"{V1}/albums/{album['id']}/shares", json={"expires_at": "2020-01-01T00:00:00Z"})
        assert past.status_code == 422

    def test_a_deleted_album_and_a_disabled_owner(
        self,
        api: TestClient,
        anonymous: TestClient,
        context: Context,
        anna: Viewer,
        bob: Viewer,
        album: dict[str, Any],
    ) -> None:
        token = share(api, f"albums/{album['id']}")["token"]
        api.delete(f"{V1}/albums/{album['id']}")
        assert anonymous.get(f"{V1}/shares/{token}").status_code == 404
        api.post(f"{V1}/albums/{album['id']}/restore")
        assert anonymous.get(f"{V1}/shares/{token}").status_code == 200
        with context.database.write() as session:
            accounts.set_admin(session, accounts.get_user_by_id(session, bob.user_id), True)
            accounts.set_disabled(session, accounts.get_user_by_id(session, anna.user_id), True)
        assert anonymous.get(f"{V1}/shares/{token}").status_code == 404

    def test_the_token_is_not_kept(self, api: TestClient, context: Context, album: dict[str, Any]) -> None:
        link = share(api, f"albums/{album['id']}", password="open sesame")
        with context.database.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        data = (context.settings.data / "albumen.db").read_bytes()
        assert link["token"].encode() not in data
        assert b"open sesame" not in data


class TestPasswords:
    @pytest.fixture
    def link(self, api: TestClient, album: dict[str, Any]) -> str:
        return f"{V1}/shares/{share(api, 'albums/' + album['id'], password='open sesame', download=True)['token']}"

    def test_nothing_shows_without_it(self, anonymous: TestClient, album: dict[str, Any], link: str) -> None:
        photo = f"{link}/photos/{album['inside'][0]}"
        for path in (link, f"{link}/photos", f"{photo}/rendition/grid", f"{photo}/original"):
            for access in ({}, {"X-Share-Access": "open sesame"}, {"X-Share-Access": "9999999999.00"}):
                answer = anonymous.get(path, headers=access)
                assert (answer.status_code, answer.json()["type"]) == (401, PROBLEM + "share-password-needed")

    def test_with_it(self, anonymous: TestClient, album: dict[str, Any], link: str) -> None:
        unlocked = anonymous.post(f"{link}/unlock", json={"password": "open sesame"}).json()
        access = {"X-Share-Access": unlocked["access"]}
        assert anonymous.get(link, headers=access).json()["title"] == "Trip"
        grid = anonymous.get(f"{link}/photos/{album['inside'][0]}/rendition/grid", headers=access)
        assert grid.status_code == 200
        later, _, proof = unlocked["access"].partition(".")
        forged = {"X-Share-Access": f"{int(later) + 1000}.{proof}"}
        assert anonymous.get(link, headers=forged).status_code == 401

    def test_the_proof_of_one_link_opens_no_other(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], link: str
    ) -> None:
        other = share(api, f"photos/{album['outside']}", password="open sesame")["token"]
        access = anonymous.post(f"{link}/unlock", json={"password": "open sesame"}).json()["access"]
        answer = anonymous.get(f"{V1}/shares/{other}", headers={"X-Share-Access": access})
        assert answer.status_code == 401

    def test_guessing_is_throttled(self, anonymous: TestClient, context: Context, link: str) -> None:
        for _ in range(context.settings.login_attempts):
            answer = anonymous.post(f"{link}/unlock", json={"password": "guess"})
            assert (answer.status_code, answer.json()["type"]) == (403, PROBLEM + "share-password-wrong")
        answer = anonymous.post(f"{link}/unlock", json={"password": "open sesame"})
        assert answer.status_code == 429
        assert int(answer.headers["retry-after"]) > 0


class TestPlaces:
    @pytest.mark.parametrize(("format", "name"), [("JPEG", "tower.jpg"), ("PNG", "tower.png")])
    def test_positions_stay_at_home(
        self, api: TestClient, anonymous: TestClient, add: Callable[..., str], format: str, name: str
    ) -> None:
        data = with_position(format=format)
        assert position_in(data)
        photo_id = add(data, name)
        assert api.get(f"{V1}/photos/{photo_id}").json()["place"]["city"]
        token = share(api, f"photos/{photo_id}", download=True)["token"]
        items = anonymous.get(f"{V1}/shares/{token}/photos")
        assert items.json()["items"][0]["place"] is None
        assert "Paris" not in items.text
        assert "Paris" not in anonymous.get(f"/s/{token}").text
        url = f"{V1}/shares/{token}/photos/{photo_id}"
        kept = anonymous.get(f"{url}/original")
        assert (kept.status_code, Image.open(io.BytesIO(kept.content)).size) == (200, (160, 120))
        assert name in kept.headers["content-disposition"]
        for content in (
            kept.content,
            *(anonymous.get(f"{url}/rendition/{k}").content for k in ("grid", "preview")),
        ):
            assert position_in(content) == {}
        assert Image.open(io.BytesIO(kept.content)).getexif()[0x010F] == "Camera Maker"
        assert anonymous.get(f"{url}/original").content == kept.content  # made once

    def test_unless_the_owner_allows_it(
        self, api: TestClient, anonymous: TestClient, add: Callable[..., str]
    ) -> None:
        data = with_position()
        photo_id = add(data)
        token = share(api, f"photos/{photo_id}", download=True, location=True)["token"]
        item = anonymous.get(f"{V1}/shares/{token}/photos").json()["items"][0]
        assert item["place"]["country_code"] == "FR"
        assert anonymous.get(f"{V1}/shares/{token}/photos/{photo_id}/original").content == data

    def test_no_original_unless_downloads_are_offered(
        self, api: TestClient, anonymous: TestClient, add: Callable[..., str]
    ) -> None:
        photo_id = add()
        token = share(api, f"photos/{photo_id}", location=True)["token"]
        answer = anonymous.get(f"{V1}/shares/{token}/photos/{photo_id}/original")
        assert (answer.status_code, answer.json()["type"]) == (403, PROBLEM + "not-allowed")


class TestPage:
    def test_shows_the_photos(self, api: TestClient, anonymous: TestClient, album: dict[str, Any]) -> None:
        link = share(api, f"albums/{album['id']}", download=True)
        page = anonymous.get(link["path"])
        assert page.status_code == 200
        assert page.headers["x-robots-tag"].startswith("noindex")
        assert "<h1>Trip</h1>" in page.text
        for photo_id in album["inside"]:
            base = f"/api/v1/shares/{link['token']}/photos/{photo_id}"
            assert f"{base}/rendition/grid" in page.text
            assert f"{base}/original" in page.text
        assert album["outside"] not in page.text
        chinese = anonymous.get(link["path"], headers={"Accept-Language": "zh-CN"})
        assert "2 张照片" in chinese.text

    def test_asks_for_the_password_and_remembers_it(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        link = share(api, f"albums/{album['id']}", password="open sesame")
        asked = anonymous.get(link["path"])
        assert 'type="password"' in asked.text
        assert "Trip" not in asked.text
        assert anonymous.post(link["path"], data={"password": "wrong"}).status_code == 403
        entered = anonymous.post(link["path"], data={"password": "open sesame"}, follow_redirects=False)
        assert entered.status_code == 303
        assert "httponly" in entered.headers["set-cookie"].lower()
        assert "<h1>Trip</h1>" in anonymous.get(link["path"]).text
        picture = f"{V1}/shares/{link['token']}/photos/{album['inside'][0]}/rendition/grid"
        assert anonymous.get(picture).status_code == 200

    def test_a_dead_link_is_a_plain_page(self, anonymous: TestClient) -> None:
        answer = anonymous.get("/s/nothing", headers={"Accept": "text/html"})
        assert answer.status_code == 404
        assert "<html" in answer.text

    def test_a_title_cannot_run_script(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any]
    ) -> None:
        api.patch(f"{V1}/albums/{album['id']}", json={"title": "<script>alert(1)</script>"})
        page = anonymous.get(share(api, f"albums/{album['id']}")["path"])
        assert "<script>alert" not in page.text


class TestGuestsAddPhotos:
    """Where the owner asks for photos, and only there; they are the owner's from then on."""

    @staticmethod
    def send(client: TestClient, token: str, data: bytes) -> Any:
        return client.post(f"{V1}/shares/{token}/photos", files={"file": ("party.jpg", data)})

    def test_into_the_album(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], draw: Drawn
    ) -> None:
        link = share(api, f"albums/{album['id']}", upload=True)
        answer = self.send(anonymous, link["token"], draw())
        assert answer.status_code == 201, answer.text
        added = answer.json()["id"]
        photos = anonymous.get(f"{V1}/shares/{link['token']}/photos").json()["items"]
        assert added in {item["id"] for item in photos}
        assert api.get(f"{V1}/photos/{added}").json()["filename"] == "party.jpg"
        listed = {item["id"]: item for item in api.get(f"{V1}/shares").json()["items"]}[link["id"]]
        assert (listed["upload"], listed["received"]) == (True, 1)

    def test_not_where_nobody_asked(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], draw: Drawn
    ) -> None:
        before = api.get(f"{V1}/photos").json()["items"]
        for link in (share(api, f"albums/{album['id']}"), share(api, f"photos/{album['inside'][0]}")):
            assert self.send(anonymous, link["token"], draw()).status_code == 403
        assert api.get(f"{V1}/photos").json()["items"] == before
        dynamic = api.post(
            f"{V1}/albums", json={"title": "Best", "kind": "dynamic", "query": "rating:5"}
        ).json()
        for path in (f"photos/{album['inside'][0]}", f"albums/{dynamic['id']}"):
            refused = api.post(f"{V1}/{path}/shares", json={"upload": True})
            assert (refused.status_code, refused.json()["field"]) == (422, "upload")

    def test_the_password_comes_first(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], draw: Drawn
    ) -> None:
        link = share(api, f"albums/{album['id']}", upload=True, password="open sesame")
        assert self.send(anonymous, link["token"], draw()).status_code == 401
        access = anonymous.post(
            f"{V1}/shares/{link['token']}/unlock", json={"password": "open sesame"}
        ).json()
        anonymous.headers["X-Share-Access"] = access["access"]
        assert self.send(anonymous, link["token"], draw()).status_code == 201

    def test_what_is_no_picture_is_refused_and_counted(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], context: Context, draw: Drawn
    ) -> None:
        from app.services.collections.shares import MOST_RECEIVED

        link = share(api, f"albums/{album['id']}", upload=True)
        assert self.send(anonymous, link["token"], b"MZ not a picture").status_code == 415
        with context.database.write() as session:
            session.execute(update(Share).values(received=MOST_RECEIVED - 1))
        assert self.send(anonymous, link["token"], draw()).status_code == 201
        assert self.send(anonymous, link["token"], draw()).status_code == 409

    def test_a_guest_is_not_told_what_was_there(
        self, api: TestClient, anonymous: TestClient, album: dict[str, Any], draw: Drawn
    ) -> None:
        known = draw()
        api.post(f"{V1}/photos", files={"file": ("mine.jpg", known)})
        token = share(api, f"albums/{album['id']}", upload=True)["token"]
        first, second = self.send(anonymous, token, known), self.send(anonymous, token, draw())
        assert (first.status_code, first.json().keys()) == (second.status_code, second.json().keys())
