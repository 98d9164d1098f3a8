"""The guide for app authors, carried out: every snippet of docs/mobile.md, in order, against a real server."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from tests.api.conftest import Live
from tests.conftest import REPOSITORY, Drawn

GUIDE = REPOSITORY / "docs" / "mobile.md"


def test_every_snippet_of_the_guide_runs(
    live: Live, api: TestClient, draw: Drawn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    fenced = re.findall(r"^```(\w*)$", guide, re.MULTILINE)
    assert {language for language in fenced if language} == {"python"}, "a snippet nobody runs"
    (tmp_path / "DCIM").mkdir()
    for number in range(3):
        (tmp_path / "DCIM" / f"IMG_000{number}.jpg").write_bytes(draw((640, 480)))
    monkeypatch.chdir(tmp_path)
    scopes = ["photos.read", "photos.upload", "photos.write", "albums.read", "albums.write"]
    offered = api.post(
        f"{live.url}/api/v1/auth/pairings", json={"name": "Anna's phone", "scopes": scopes}
    ).json()
    names: dict[str, object] = {
        "__name__": "guide",
        "SCANNED": offered["uri"].replace("http%3A%2F%2Ftestserver", live.url),
    }
    for match in re.finditer(r"^```python\n(.*?)^```$", guide, re.MULTILINE | re.DOTALL):
        line = guide[: match.start()].count("\n") + 1
        code = "\n" * line + match[1]
        exec(compile(code, str(GUIDE), "exec"), names)
    assert len(names["copy"]) >= 3  # type: ignore[arg-type]
