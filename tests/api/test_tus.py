"""Resumable uploads: the protocol by hand, a real client over a real server, and a network that keeps breaking."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import update
from tusclient.client import TusClient
from tusclient.exceptions import TusCommunicationError

from app.context import Context
from app.db import utcnow
from app.models import ResumableUpload
from app.services.accounts import Viewer
from app.services.clients import resumable
from tests.api.conftest import Live
from tests.conftest import REPOSITORY, Drawn
from tests.network import CuttingProxy

URL = "/api/v1/uploads"
TUS = {"Tus-Resumable": "1.0.0"}
PIECE = {**TUS, "Content-Type": "application/offset+octet-stream"}
PROBLEM = "urn:albumen:problem:"


def metadata(**fields: str) -> dict[str, str]:
    pairs = (f"{name} {base64.b64encode(value.encode()).decode()}" for name, value in fields.items())
    return {"Upload-Metadata": ",".join(pairs)}


def begin(api: TestClient, length: int, **fields: str) -> Any:
    return api.post(URL, headers={**TUS, "Upload-Length": str(length), **metadata(**fields)})


def send(api: TestClient, url: str, offset: int, data: bytes, **headers: str) -> Any:
    return api.patch(url, content=data, headers={**PIECE, "Upload-Offset": str(offset), **headers})


def waiting(context: Context) -> list[str]:
    folder = context.settings.data / "uploads"
    return [path.name for path in folder.iterdir()] if folder.exists() else []


def jpeg(draw: Drawn, size: int) -> bytes:
    """A picture of exactly ``size`` bytes: what follows its end is kept but not shown."""
    data = draw()
    return data + b"\0" * (size - len(data))


class TestProtocol:
    def test_what_is_spoken(self, anonymous: TestClient, context: Context) -> None:
        answer = anonymous.options(URL)
        assert answer.status_code == 204
        assert answer.headers["tus-version"] == "1.0.0"
        assert answer.headers["tus-max-size"] == str(context.settings.max_upload_bytes)
        assert "creation" in answer.headers["tus-extension"]

    def test_in_three_pieces(self, api: TestClient, context: Context, draw: Drawn) -> None:
        data = draw()
        album = api.post("/api/v1/albums", json={"title": "Trip"}).json()["id"]
        made = begin(
            api,
            len(data),
            filename="Sea.jpg",
            favorite="true",
            album_id=album,
            taken_at="2020-02-03T04:05:06Z",
        )
        assert made.status_code == 201
        assert made.headers["tus-resumable"] == "1.0.0"
        url = made.headers["location"]
        assert send(api, url, 0, data[:100]).headers["upload-offset"] == "100"
        head = api.head(url, headers=TUS)
        assert (head.headers["upload-offset"], head.headers["upload-length"]) == ("100", str(len(data)))
        assert head.headers["cache-control"] == "no-store"
        assert send(api, url, 100, data[100:1000]).status_code == 204
        last = send(api, url, 1000, data[1000:])
        assert (last.status_code, last.headers["upload-offset"]) == (204, str(len(data)))
        photo = api.get(f"/api/v1/photos/{last.headers['albumen-photo']}").json()
        assert (photo["filename"], photo["favorite"], photo["taken_at"]) == (
            "Sea.jpg",
            True,
            "2020-02-03T04:05:06Z",
        )
        assert photo["checksum"] == hashlib.sha256(data).hexdigest()
        items = api.get(f"/api/v1/albums/{album}/photos").json()["items"]
        assert [item["id"] for item in items] == [photo["id"]]
        assert waiting(context) == []

    def test_with_the_creation(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        headers = {**PIECE, "Upload-Length": str(len(data)), **metadata(filename="a.jpg")}
        made = api.post(URL, content=data, headers=headers)
        assert (made.status_code, made.headers["upload-offset"]) == (201, str(len(data)))
        assert api.get(f"/api/v1/photos/{made.headers['albumen-photo']}/original").content == data
        again = api.post(URL, content=data, headers=headers)
        assert again.headers["albumen-photo"] == made.headers["albumen-photo"]
        assert again.headers["albumen-duplicate"] == "true"

    def test_a_lost_last_answer_is_given_again(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        url = begin(api, len(data)).headers["location"]
        photo = send(api, url, 0, data).headers["albumen-photo"]
        head = api.head(url, headers=TUS)
        assert (head.headers["upload-offset"], head.headers["albumen-photo"]) == (str(len(data)), photo)
        assert send(api, url, len(data), b"").headers["albumen-photo"] == photo
        state = api.get(url).json()
        assert (state["offset"], state["photo"]["id"], state["photo"]["duplicate"]) == (
            len(data),
            photo,
            False,
        )

    def test_an_upload_that_was_whole_when_the_server_died_is_completed(
        self, api: TestClient, context: Context, draw: Drawn
    ) -> None:
        data = draw()
        url = begin(api, len(data), filename="a.jpg").headers["location"]
        send(api, url, 0, data[:-1])
        file = context.settings.data / "uploads" / waiting(context)[0]
        file.write_bytes(data)  # the last byte was written, then the power went
        head = api.head(url, headers=TUS)
        assert head.headers["upload-offset"] == str(len(data))
        assert api.get(f"/api/v1/photos/{head.headers['albumen-photo']}/original").content == data

    def test_offsets_are_strict(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        url = begin(api, len(data)).headers["location"]
        send(api, url, 0, data[:500])
        for offset in (0, 499, 501):
            answer = send(api, url, offset, data[offset : offset + 10])
            assert (answer.status_code, answer.json()["offset"]) == (409, 500)
        assert send(api, url, 500, data[500:] + b"more").status_code == 413
        assert api.head(url, headers=TUS).headers["upload-offset"] == "500"
        done = send(api, url, 500, data[500:])
        assert api.get(f"/api/v1/photos/{done.headers['albumen-photo']}/original").content == data

    def test_a_piece_with_a_wrong_checksum_is_forgotten(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        url = begin(api, len(data)).headers["location"]
        right = base64.b64encode(hashlib.sha1(data[:100]).digest()).decode()
        assert send(api, url, 0, data[:99] + b"\0", **{"Upload-Checksum": f"sha1 {right}"}).status_code == 460
        assert api.head(url, headers=TUS).headers["upload-offset"] == "0"
        assert send(api, url, 0, data[:100], **{"Upload-Checksum": f"sha1 {right}"}).status_code == 204
        assert send(api, url, 100, data[100:], **{"Upload-Checksum": "md5 AAAA"}).status_code == 422

    def test_a_file_that_is_not_what_was_announced_is_not_kept(
        self, api: TestClient, context: Context, draw: Drawn
    ) -> None:
        data = draw()
        url = begin(api, len(data), checksum=hashlib.sha256(b"other").hexdigest()).headers["location"]
        answer = send(api, url, 0, data)
        assert (answer.status_code, answer.json()["type"]) == (460, PROBLEM + "checksum-mismatch")
        assert api.head(url, headers=TUS).status_code == 404
        assert waiting(context) == []
        assert api.get("/api/v1/photos").json()["items"] == []

    @pytest.mark.parametrize(
        ("spoil", "status", "problem"),
        [
            (lambda data: b"%PDF-1.7 " + data, 415, "unsupported-image"),
            (lambda data: data[: len(data) // 2], 422, "broken-image"),
            (lambda data: b"", 415, "unsupported-image"),
        ],
    )
    def test_bad_pictures_are_refused_with_the_last_byte(
        self, api: TestClient, context: Context, draw: Drawn, spoil: Any, status: int, problem: str
    ) -> None:
        data = spoil(draw((800, 600)))
        answer = begin(api, len(data))
        if data:
            answer = send(api, answer.headers["location"], 0, data)
        assert (answer.status_code, answer.json()["type"]) == (status, PROBLEM + problem)
        assert answer.headers["tus-resumable"] == "1.0.0"
        assert waiting(context) == []
        assert list(context.storage.originals()) == []

    def test_bad_requests(self, api: TestClient, context: Context) -> None:
        assert api.post(URL, headers={"Upload-Length": "10"}).status_code == 412
        assert (
            api.post(URL, headers={**TUS, "Tus-Resumable": "0.2.2", "Upload-Length": "1"}).status_code == 412
        )
        assert api.post(URL, headers=TUS).status_code == 422
        assert begin(api, context.settings.max_upload_bytes + 1).status_code == 413
        assert begin(api, 10, taken_at="yesterday").status_code == 422
        assert begin(api, 10, album_id="00000000-0000-7000-8000-000000000000").status_code == 404
        assert begin(api, 10, checksum="abc").status_code == 422
        bad = api.post(URL, headers={**TUS, "Upload-Length": "1", "Upload-Metadata": "filename ###"})
        assert bad.status_code == 422
        url = begin(api, 10).headers["location"]
        plain = api.patch(
            url, content=b"x", headers={**TUS, "Upload-Offset": "0", "Content-Type": "text/plain"}
        )
        assert plain.status_code == 415

    def test_giving_up(self, api: TestClient, context: Context) -> None:
        url = begin(api, 10).headers["location"]
        send(api, url, 0, b"12345")
        assert api.delete(url, headers=TUS).status_code == 204
        assert api.head(url, headers=TUS).status_code == 404
        assert waiting(context) == []

    def test_only_the_owner_knows_of_it(self, api: TestClient, bobs_api: TestClient) -> None:
        url = begin(api, 10).headers["location"]
        answers = [
            bobs_api.head(url, headers=TUS), bobs_api.get(url), send(bobs_api, url, 0, b"x"),
            bobs_api.delete(url, headers=TUS),
        ]  # fmt: skip
        assert [answer.status_code for answer in answers] == [404] * 4
        assert api.head(url, headers=TUS).headers["upload-offset"] == "0"

    def test_expired_uploads_are_gone_and_swept(self, api: TestClient, context: Context) -> None:
        url = begin(api, 10).headers["location"]
        send(api, url, 0, b"12345")
        with context.database.write() as session:
            session.execute(update(ResumableUpload).values(expires_at=utcnow() - timedelta(seconds=1)))
        assert api.head(url, headers=TUS).status_code == 410
        assert send(api, url, 5, b"12345").status_code == 410
        old = context.settings.data / "uploads" / waiting(context)[0]
        os.utime(old, (time.time() - 2 * 86_400,) * 2)
        assert resumable.sweep(context) == 1
        assert api.head(url, headers=TUS).status_code == 404
        assert waiting(context) == []

    def test_the_number_of_unfinished_uploads_is_limited(
        self, api: TestClient, bobs_api: TestClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(resumable, "MAX_OPEN", 3)
        for _ in range(3):
            assert begin(api, 10).status_code == 201
        answer = begin(api, 10)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "60")
        assert begin(bobs_api, 10).status_code == 201

    def test_one_writer_at_a_time(self, api: TestClient, context: Context, anna: Viewer) -> None:
        url = begin(api, 10).headers["location"]
        upload_id = UUID(url.rpartition("/")[2])
        with resumable.append(context, anna, upload_id, 0) as piece:
            piece.write(b"123")
            answer = send(api, url, 3, b"456")
            assert (answer.status_code, answer.json()["type"]) == (423, PROBLEM + "upload-locked")
            assert api.delete(url, headers=TUS).status_code == 423
            piece.end()
        assert send(api, url, 3, b"456").status_code == 204


# --- a real client over a network that breaks -----------------------------------------------------------------


@pytest.fixture
def proxy(live: Live) -> Iterator[CuttingProxy]:
    made = CuttingProxy(live.port, [1500, *[600_000] * 16])
    yield made
    made.close()


def upload_through(port: int, headers: dict[str, str], path: Path, chunk: int, tries: int = 60) -> str:
    """Send a file with tuspy, beginning again from where the server stands whenever the connection breaks."""
    client = TusClient(f"http://127.0.0.1:{port}{URL}", headers=headers)
    uploader = client.uploader(str(path), chunk_size=chunk, metadata={"filename": path.name})
    for _ in range(tries):
        try:
            if uploader.url is not None:
                uploader.offset = uploader.get_offset()
            uploader.upload()
        except (TusCommunicationError, OSError) as error:
            if getattr(error, "status_code", None) not in (None, 409, 423):
                raise
            time.sleep(0.05)
        else:
            return str(uploader.url)
    raise AssertionError("never arrived")


@pytest.mark.slow
def test_a_client_on_a_breaking_network(
    live: Live, proxy: CuttingProxy, api: TestClient, context: Context, draw: Drawn, tmp_path: Path
) -> None:
    data = jpeg(draw, 5_000_000)
    path = tmp_path / "big.jpg"
    path.write_bytes(data)
    headers = {"Authorization": api.headers["authorization"]}
    upload_through(proxy.port, headers, path, chunk=2_000_000)
    assert proxy.cut >= 6
    items = api.get("/api/v1/photos").json()["items"]
    assert [(item["filename"], item["size"]) for item in items] == [("big.jpg", len(data))]
    assert api.get(f"/api/v1/photos/{items[0]['id']}/original").content == data
    assert waiting(context) == []


@pytest.mark.slow
def test_several_uploads_at_once(
    live: Live, api: TestClient, context: Context, draw: Drawn, tmp_path: Path
) -> None:
    headers = {"Authorization": api.headers["authorization"]}
    files = [tmp_path / f"{n}.jpg" for n in range(8)]
    for path in files:
        path.write_bytes(jpeg(draw, 700_000))
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda path: upload_through(live.port, headers, path, chunk=200_000), files))
    items = api.get("/api/v1/photos").json()["items"]
    assert {item["filename"]: item["checksum"] for item in items} == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }
    assert waiting(context) == []


@pytest.mark.slow
def test_tus_js_client_on_a_breaking_network(
    live: Live, proxy: CuttingProxy, api: TestClient, context: Context, draw: Drawn, tmp_path: Path
) -> None:
    """The client that browsers and phone apps use, unmodified."""
    node = shutil.which("node", path=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]))
    if node is None or not (REPOSITORY / "node_modules" / "tus-js-client").is_dir():
        pytest.skip("tus-js-client and a Node for it are not installed: make test")
    data = jpeg(draw, 5_000_000)
    path = tmp_path / "big.jpg"
    path.write_bytes(data)
    script = REPOSITORY / "tests" / "api" / "tus_upload.mjs"
    token = api.headers["authorization"].split()[1]
    sent = subprocess.run(
        [node, script, f"http://127.0.0.1:{proxy.port}{URL}", token, path, "2000000"],
        capture_output=True, text=True, timeout=120,
    )  # fmt: skip
    assert sent.returncode == 0, sent.stderr
    assert proxy.cut >= 6
    (item,) = api.get("/api/v1/photos").json()["items"]
    assert (item["id"], item["filename"]) == (sent.stdout.strip(), "big.jpg")
    assert api.get(f"/api/v1/photos/{item['id']}/original").content == data
    assert waiting(context) == []
