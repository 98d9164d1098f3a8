"""Looking at a picture that is not stored, with the real models."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import pytest
from PIL import Image

from tests.server import Server

pytestmark = [pytest.mark.slow, pytest.mark.weights]


def test_the_web_and_the_command_see_the_same(server: Server, shared_data: Path) -> None:
    photo = shared_data / "photos/scenes/darknet_dog.jpg"
    server.start()
    client = server.client()
    seen = client.post("/images/analyze", files={"file": ("a.jpg", photo.read_bytes())}).json()
    assert "dog" in {tag["slug"] for tag in seen["tags"]}
    assert any(found["name"] == "dog" for found in seen["objects"])
    printed = server.command("analyze", str(photo))
    assert " dog " in printed.stdout
    assert client.get("/photos").json()["items"] == []
    broken = client.post("/images/analyze", files={"file": ("a.jpg", b"nonsense")})
    assert broken.status_code == 415


def test_photos_are_found_by_a_picture_that_is_not_among_them(server: Server, shared_data: Path) -> None:
    photo = shared_data / "photos/scenes/darknet_dog.jpg"
    others = sorted((shared_data / "photos/scenes").glob("*.jpg"))[:3]
    server.command(
        "user", "add", "anna", "--admin", "--password-stdin", input="correct horse battery staple\n"
    )
    server.command("import", str(photo), *(str(other) for other in others if other != photo))
    server.command("worker", "--once")
    smaller = io.BytesIO()
    with Image.open(photo) as image:
        image.reduce(2).save(smaller, "JPEG", quality=60)
    server.start()
    client = server.client()
    page = client.post("/search/picture", files={"file": ("b.jpg", smaller.getvalue())}).json()
    assert page["next_cursor"] is None
    assert page["items"][0]["filename"] == photo.name
    scores = [item["score"] for item in page["items"]]
    assert scores == sorted(scores, reverse=True)
    assert scores[0] > 0.8
    data = base64.b64encode(smaller.getvalue()).decode()
    again = client.post("/search/picture?limit=1", json={"image": data}).json()
    assert [item["id"] for item in again["items"]] == [page["items"][0]["id"]]
    assert client.post("/search/picture", files={"file": ("b.jpg", b"nonsense")}).status_code == 415
    assert len(client.get("/photos").json()["items"]) == len({photo, *others})


def test_a_retag_of_tags_alone_keeps_what_other_evidence_gave(server: Server, shared_data: Path) -> None:
    photo = shared_data / "photos/scenes/darknet_dog.jpg"
    server.command(
        "user", "add", "anna", "--admin", "--password-stdin", input="correct horse battery staple\n"
    )
    server.command("import", str(photo))
    server.command("worker", "--once")
    report = json.loads(server.command("retag", "--stage", "tags", "--dry-run", "--json").stdout)
    assert (report["photos"], report["unchanged"], report["tags"]) == (1, 1, {})
