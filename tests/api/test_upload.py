"""Taking photos in through the API: multipart, base64, duplicates, refusals."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import func, select

from app.context import Context
from app.models import Job, Photo
from app.services.accounts import Viewer
from tests.conftest import Drawn


def send(client: TestClient, data: bytes, name: str = "photo.jpg", **fields: str):
    return client.post("/api/v1/photos", files={"file": (name, data)}, data=fields)


def files_of(context: Context) -> list[Path]:
    kept = [path for _, path in context.storage.originals()]
    arriving = [p for p in (context.settings.data / "incoming").iterdir() if p.name != ".lock"]
    return kept + arriving


def test_an_upload_is_kept_byte_for_byte(api: TestClient, draw: Drawn) -> None:
    data = draw()
    answer = send(api, data, "Holiday 1.jpg")
    assert answer.status_code == 201
    body = answer.json()
    assert body == {
        "id": body["id"], "checksum": hashlib.sha256(data).hexdigest(), "status": "pending", "duplicate": False,
        "trashed": False,
    }  # fmt: skip
    assert api.get(f"/api/v1/photos/{body['id']}/original").content == data
    assert api.get(f"/api/v1/photos/{body['id']}").json()["filename"] == "Holiday 1.jpg"


def test_the_row_and_its_work_are_there_together(api: TestClient, context: Context, draw: Drawn) -> None:
    photo_id = send(api, draw()).json()["id"]
    with context.database.read() as session:
        job = session.scalars(select(Job)).one()
    assert (str(job.photo_id), job.kind, job.state) == (photo_id, "analyse", "ready")


@pytest.mark.parametrize("form", ["plain", "data-url", "wrapped"])
def test_base64_is_the_same_as_multipart(api: TestClient, draw: Drawn, form: str) -> None:
    data = draw(format="PNG")
    text = base64.b64encode(data).decode()
    text = {
        "plain": text,
        "data-url": f"data:image/png;base64,{text}",
        "wrapped": "\n".join(text[i : i + 76] for i in range(0, len(text), 76)),
    }[form]
    answer = api.post("/api/v1/photos/base64", json={"filename": "a.png", "data": text, "favorite": True})
    assert answer.status_code == 201
    photo = api.get(f"/api/v1/photos/{answer.json()['id']}").json()
    assert (photo["format"], photo["favorite"]) == ("png", True)
    assert send(api, data).json() == {**answer.json(), "duplicate": True}


@pytest.mark.parametrize("data", ["not base64!", "data:image/jpeg,plain", "aGVsbG8=="])
def test_bad_base64_is_explained(api: TestClient, context: Context, data: str) -> None:
    answer = api.post("/api/v1/photos/base64", json={"filename": "a.jpg", "data": data})
    assert 400 <= answer.status_code < 500
    assert answer.json()["type"].startswith("urn:albumen:problem:")
    assert files_of(context) == []


def test_the_same_bytes_again_are_a_success(api: TestClient, context: Context, draw: Drawn) -> None:
    data = draw()
    first, again = send(api, data), send(api, data, "other name.jpg")
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["duplicate"]
    assert len(files_of(context)) == 1


def test_two_users_may_have_the_same_photo(
    api: TestClient, bobs_api: TestClient, context: Context, draw: Drawn
) -> None:
    data = draw()
    mine, his = send(api, data).json(), send(bobs_api, data).json()
    assert mine["id"] != his["id"]
    assert not his["duplicate"]
    assert len(files_of(context)) == 1  # one blob


def test_a_duplicate_in_the_trash_says_so_and_stays_there(api: TestClient, draw: Drawn) -> None:
    data = draw()
    photo_id = send(api, data).json()["id"]
    api.delete(f"/api/v1/photos/{photo_id}")
    assert send(api, data).json()["trashed"]
    assert api.get("/api/v1/photos").json()["items"] == []


def test_exists_knows_both_kinds_of_checksum(api: TestClient, bobs_api: TestClient, draw: Drawn) -> None:
    data = draw()
    photo_id = send(api, data).json()["id"]
    sha256, sha1 = hashlib.sha256(data).hexdigest(), hashlib.sha1(data).hexdigest().upper()
    asked = {"checksums": [sha256, sha1, "0" * 64]}
    assert api.post("/api/v1/photos/exists", json=asked).json() == {
        "existing": {sha256: photo_id, sha1: photo_id}
    }
    assert bobs_api.post("/api/v1/photos/exists", json=asked).json() == {"existing": {}}
    assert api.post("/api/v1/photos/exists", json={"checksums": ["xyz"]}).status_code == 422


def test_what_is_not_a_picture_is_refused_by_its_content(api: TestClient, context: Context) -> None:
    for name, data in {
        "a.jpg": b"<html><script>alert(1)</script></html>",
        "b.jpg": b"",
        "c.png": b"%PDF-1.4\n%",
        "d.jpg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }.items():
        answer = send(api, data, name)
        assert answer.status_code in (415, 422), name
        assert answer.json()["type"].startswith("urn:albumen:problem:")
    assert files_of(context) == []
    with context.database.read() as session:
        assert session.scalar(select(func.count()).select_from(Photo)) == 0


def test_a_truncated_picture_is_refused_and_leaves_nothing(
    api: TestClient, context: Context, draw: Drawn
) -> None:
    data = draw((1200, 900))
    answer = send(api, data[: len(data) // 2])
    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:albumen:problem:broken-image"
    assert files_of(context) == []


def test_more_bytes_than_allowed_are_refused(
    anonymous: TestClient, api: TestClient, context: Context
) -> None:
    object.__setattr__(context.settings, "max_upload_bytes", 1000)
    answer = send(api, b"\xff\xd8\xff" + b"x" * 3_000_000)
    assert answer.status_code == 413
    assert answer.json()["type"] == "urn:albumen:problem:too-large"
    assert files_of(context) == []


def test_too_many_pixels_are_refused(api: TestClient, context: Context, draw: Drawn) -> None:
    object.__setattr__(context.settings, "max_pixels", 10_000)
    assert send(api, draw((200, 200))).status_code == 413
    assert files_of(context) == []


def test_an_upload_can_go_straight_into_an_album(api: TestClient, bobs_api: TestClient, draw: Drawn) -> None:
    album = api.post("/api/v1/albums", json={"title": "Trip"}).json()
    photo_id = send(api, draw(), album_id=album["id"]).json()["id"]
    listed = api.get(f"/api/v1/albums/{album['id']}/photos").json()["items"]
    assert [item["id"] for item in listed] == [photo_id]
    assert send(bobs_api, draw(), album_id=album["id"]).status_code == 404
    assert bobs_api.get("/api/v1/photos").json()["items"] == []


def test_the_clients_time_is_used_when_the_file_has_none(api: TestClient, draw: Drawn) -> None:
    photo_id = send(api, draw(), taken_at="2021-07-04T18:30:00+08:00").json()["id"]
    photo = api.get(f"/api/v1/photos/{photo_id}").json()
    assert photo["taken_at"] == "2021-07-04T18:30:00+08:00"


def test_form_mistakes_are_explained(api: TestClient, draw: Drawn) -> None:
    no_file = api.post("/api/v1/photos", files={"picture": ("a.jpg", draw())})
    assert (no_file.status_code, no_file.json()["field"]) == (422, "file")
    bad_time = send(api, draw(), taken_at="yesterday")
    assert (bad_time.status_code, bad_time.json()["field"]) == (422, "taken_at")
    assert (
        api.post("/api/v1/photos", content=b"raw", headers={"content-type": "image/jpeg"}).status_code == 422
    )


def test_uploading_needs_the_right_scope(api: TestClient, anna: Viewer, draw: Drawn) -> None:
    secret = api.post("/api/v1/auth/keys", json={"name": "viewer", "scopes": ["photos.read"]}).json()[
        "secret"
    ]
    frame = TestClient(api.app, headers={"Authorization": f"Bearer {secret}"})
    assert send(frame, draw()).status_code == 403


def test_awkward_names_are_kept_harmless(api: TestClient, draw: Drawn) -> None:
    photo_id = send(api, draw(), "../../etc/<b>pass\u202ewd</b>.jpg").json()["id"]
    name = api.get(f"/api/v1/photos/{photo_id}").json()["filename"]
    assert "/" not in name
    assert "\u202e" not in name
