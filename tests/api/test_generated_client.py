"""A client nobody wrote: generated from the OpenAPI document, then used as an app would use it."""

from __future__ import annotations

import importlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Live
from tests.conftest import Drawn

# What the generator knows only as bytes.
BYTES = ("image/*", "image/webp", "image/jpeg", "image/png", "image/avif", "application/zip", "text/plain")
NAME = "generated_albumen"


@pytest.fixture
def generated(anonymous: TestClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The name of the generated package; nothing of the document may have been left out."""
    (tmp_path / "openapi.json").write_text(anonymous.get("/api/openapi.json").text)
    config = {"post_hooks": [], "content_type_overrides": dict.fromkeys(BYTES, "application/octet-stream")}
    (tmp_path / "config.json").write_text(json.dumps(config))
    command = [
        Path(sys.executable).with_name("openapi-python-client"), "generate", "--meta", "none",
        "--path", tmp_path / "openapi.json", "--output-path", tmp_path / NAME, "--config", tmp_path / "config.json",
        "--fail-on-warning",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    monkeypatch.syspath_prepend(str(tmp_path))
    yield NAME
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


@pytest.mark.slow
def test_a_generated_client_uploads_lists_tags_and_syncs(
    generated: str, live: Live, api: TestClient, draw: Drawn
) -> None:
    def module(name: str) -> Any:
        return importlib.import_module(f"{generated}.{name}")

    def call(tag: str, operation: str, *arguments: Any, **options: Any) -> Any:
        return module(f"api.{tag}.{operation}").sync(*arguments, client=client, **options)

    models = module("models")
    token = api.headers["authorization"].split()[1]
    client = module("client").AuthenticatedClient(base_url=live.url, token=token)
    data = draw((640, 480))
    file = module("types").File(io.BytesIO(data), "Sea.jpg", "image/jpeg")
    sent = call("photos", "upload_photo", body=models.UploadPhotoBody(file=file, favorite=True))
    assert isinstance(sent, models.Uploaded)
    page = call("photos", "list_photos", q="is:favorite", limit=10)
    assert [(item.id, item.filename) for item in page.items] == [(sent.id, "Sea.jpg")]
    module("api.photos.confirm_tag").sync_detailed(sent.id, "beach", client=client)
    photo = call("photos", "get_photo", sent.id)
    assert [(tag.slug, tag.state.value) for tag in photo.tags] == [("beach", "confirmed")]
    grid = call("photos", "get_rendition", sent.id, "grid")
    assert grid.payload.read()[8:12] == b"WEBP"
    album = call("albums", "create_album", body=models.AlbumCreate(title="Summer"))
    module("api.albums.add_to_album").sync_detailed(album.id, sent.id, client=client)
    changes = call("sync", "list_changes")
    kinds = [type(thing) for thing in changes.changed]
    assert {models.ChangedPhoto, models.ChangedAlbum, models.ChangedMember} == set(kinds)
    assert [thing.tags for thing in changes.changed if isinstance(thing, models.ChangedPhoto)] == [["beach"]]
    problem = call("photos", "list_photos", q="nonsense:1")
    assert isinstance(problem, models.Problem)
    assert problem.type_ == "urn:albumen:problem:bad-query"
