"""Looking at a picture that is not stored, with the real models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

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


def test_a_retag_of_tags_alone_keeps_what_other_evidence_gave(server: Server, shared_data: Path) -> None:
    photo = shared_data / "photos/scenes/darknet_dog.jpg"
    server.command(
        "user", "add", "anna", "--admin", "--password-stdin", input="correct horse battery staple\n"
    )
    server.command("import", str(photo))
    server.command("worker", "--once")
    report = json.loads(server.command("retag", "--stage", "tags", "--dry-run", "--json").stdout)
    assert (report["photos"], report["unchanged"], report["tags"]) == (1, 1, {})
