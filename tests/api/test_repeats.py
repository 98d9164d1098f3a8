"""What a phone on a bad network sends twice, asks in bulk, and reads in small."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
import zstandard
from fastapi.testclient import TestClient

from tests.conftest import Drawn

PROBLEM = "urn:albumen:problem:"


def send(api: TestClient, data: bytes, **headers: str) -> Any:
    return api.post("/api/v1/photos", files={"file": ("a.jpg", data)}, headers=headers)


class TestIdempotencyKey:
    def test_a_repeated_upload_gets_the_first_answer(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        first = send(api, data, **{"Idempotency-Key": "one"})
        again = send(api, data, **{"Idempotency-Key": "one"})
        assert (first.status_code, again.status_code) == (201, 201)
        assert again.json() == first.json()
        assert not again.json()["duplicate"]
        assert send(api, data).json()["duplicate"]
        assert send(api, data, **{"Idempotency-Key": "two"}).json()["duplicate"]

    def test_base64_too(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        body = {"filename": "a.jpg", "data": base64.b64encode(data).decode()}
        answers = [
            api.post("/api/v1/photos/base64", json=body, headers={"Idempotency-Key": "k"}) for _ in range(2)
        ]
        assert [a.status_code for a in answers] == [201, 201]
        assert answers[0].json() == answers[1].json()

    def test_other_bytes_with_the_same_key_are_refused(self, api: TestClient, draw: Drawn) -> None:
        send(api, draw(), **{"Idempotency-Key": "one"})
        answer = send(api, draw(), **{"Idempotency-Key": "one"})
        assert (answer.status_code, answer.json()["type"]) == (422, PROBLEM + "idempotency-key-reused")
        assert len(api.get("/api/v1/photos").json()["items"]) == 1

    def test_keys_belong_to_their_user(self, api: TestClient, bobs_api: TestClient, draw: Drawn) -> None:
        mine, his = (
            send(api, draw(), **{"Idempotency-Key": "k"}),
            send(bobs_api, draw(), **{"Idempotency-Key": "k"}),
        )
        assert (mine.status_code, his.status_code) == (201, 201)
        assert mine.json()["id"] != his.json()["id"]

    def test_a_photo_deleted_for_good_can_be_sent_again(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        first = send(api, data, **{"Idempotency-Key": "k"}).json()
        api.delete(f"/api/v1/photos/{first['id']}")
        api.delete("/api/v1/trash")
        again = send(api, data, **{"Idempotency-Key": "k"})
        assert again.status_code == 201
        assert api.get(f"/api/v1/photos/{again.json()['id']}").status_code == 200

    def test_a_refused_upload_keeps_no_answer(self, api: TestClient, draw: Drawn) -> None:
        assert send(api, b"no picture", **{"Idempotency-Key": "k"}).status_code == 415
        assert send(api, draw(), **{"Idempotency-Key": "k"}).status_code == 201


class TestAnnouncedChecksum:
    def test_known_bytes_are_answered_before_they_are_read(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        photo_id = send(api, data).json()["id"]
        announced = {"X-Checksum-SHA256": hashlib.sha256(data).hexdigest().upper()}
        read = []

        def body() -> Any:
            read.append(1)
            yield b"never needed"

        answer = api.post("/api/v1/photos", content=body(), headers=announced)
        assert (answer.status_code, answer.json()["id"], answer.json()["duplicate"]) == (200, photo_id, True)

    def test_unknown_bytes_are_taken_when_they_are_what_was_said(self, api: TestClient, draw: Drawn) -> None:
        data = draw()
        assert send(api, data, **{"X-Checksum-SHA256": hashlib.sha256(data).hexdigest()}).status_code == 201
        wrong = send(api, draw(), **{"X-Checksum-SHA256": hashlib.sha256(b"other").hexdigest()})
        assert (wrong.status_code, wrong.json()["field"]) == (422, "X-Checksum-SHA256")
        assert send(api, data, **{"X-Checksum-SHA256": "abc"}).status_code == 422

    def test_another_users_bytes_are_not_known(
        self, api: TestClient, bobs_api: TestClient, draw: Drawn
    ) -> None:
        data = draw()
        send(api, data)
        answer = send(bobs_api, data, **{"X-Checksum-SHA256": hashlib.sha256(data).hexdigest()})
        assert (answer.status_code, answer.json()["duplicate"]) == (201, False)


class TestReadingCheaply:
    @pytest.fixture
    def ids(self, api: TestClient, draw: Drawn) -> list[str]:
        return [send(api, draw()).json()["id"] for _ in range(3)]

    def test_many_by_id_in_the_order_asked(
        self, api: TestClient, bobs_api: TestClient, draw: Drawn, ids: list[str]
    ) -> None:
        his = send(bobs_api, draw()).json()["id"]
        asked = [ids[2], his, ids[0], ids[2]]
        got = api.post("/api/v1/photos/get", json={"ids": asked}).json()
        assert ([item["id"] for item in got["items"]], got["missing"]) == ([ids[2], ids[0]], [his])
        listed = {item["id"]: item for item in api.get("/api/v1/photos").json()["items"]}
        assert got["items"] == [listed[ids[2]], listed[ids[0]]]
        assert api.post("/api/v1/photos/get", json={"ids": [ids[0]] * 501}).status_code == 422

    def test_only_some_fields(self, api: TestClient, ids: list[str]) -> None:
        page = api.get("/api/v1/photos", params={"fields": "id, thumbhash", "limit": 2}).json()
        assert [set(item) for item in page["items"]] == [{"id", "thumbhash"}] * 2
        assert page["next_cursor"]
        got = api.post("/api/v1/photos/get", params={"fields": "checksum"}, json={"ids": ids[:1]}).json()
        assert [set(item) for item in got["items"]] == [{"checksum"}]
        album = api.post("/api/v1/albums", json={"title": "All"}).json()["id"]
        api.put(f"/api/v1/albums/{album}/photos/{ids[0]}")
        held = api.get(f"/api/v1/albums/{album}/photos", params={"fields": "id"}).json()
        assert held["items"] == [{"id": ids[0]}]
        for wrong in ("secret", ""):
            answer = api.get("/api/v1/photos", params={"fields": wrong})
            assert (answer.status_code, answer.json()["field"]) == (422, "fields")

    def test_json_is_compressed_and_pictures_are_not(self, api: TestClient, ids: list[str]) -> None:
        zipped = {"Accept-Encoding": "gzip"}
        listed = api.get("/api/v1/photos", headers=zipped)
        assert listed.headers["content-encoding"] == "gzip"
        assert len(listed.json()["items"]) == 3
        best = api.get("/api/v1/photos", headers={"Accept-Encoding": "gzip, zstd"})
        assert best.headers["content-encoding"] == "zstd"
        assert best.headers["vary"] == "Accept-Encoding"
        unpacked = zstandard.ZstdDecompressor().decompressobj().decompress(best.content)
        assert json.loads(unpacked) == listed.json()
        plain = api.get("/api/v1/photos", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        picture = api.get(f"/api/v1/photos/{ids[0]}/original", headers={**zipped, "Range": "bytes=0-1999"})
        assert (picture.status_code, len(picture.content)) == (206, 2000)
        assert "content-encoding" not in picture.headers
        assert "content-encoding" not in api.get("/sign-in", headers=zipped).headers
