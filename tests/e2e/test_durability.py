"""What is accepted stays: kill -9 in the middle of everything loses nothing and doubles nothing."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from pathlib import Path

import httpx2 as httpx
import pytest

from tests.conftest import Drawn
from tests.server import REPOSITORY, Server

pytestmark = [pytest.mark.slow, pytest.mark.weights]


def test_kill_9_during_uploads_and_analysis(server: Server, draw: Drawn) -> None:
    server.start()
    client = server.client()
    pictures = [draw((640, 480)) for _ in range(24)]
    accepted: dict[str, bytes] = {}
    for index, data in enumerate(pictures):
        if index in (8, 16):
            server.kill()
            server.start()
        answer = client.post("/photos", files={"file": (f"{index}.jpg", data)})
        assert answer.status_code == 201
        accepted[answer.json()["id"]] = data
    server.kill()
    server.start()
    server.wait(lambda: server.is_idle(client), 180)
    items = client.get("/photos", params={"limit": 500}).json()["items"]
    assert {item["id"] for item in items} == set(accepted)
    assert {item["status"] for item in items} == {"ready"}
    for photo_id, data in accepted.items():
        assert client.get(f"/photos/{photo_id}/original").content == data
        assert client.get(f"/photos/{photo_id}/rendition/grid").status_code == 200
    assert server.command("check").returncode == 0


def test_kill_9_during_a_folder_import_which_then_goes_on(
    server: Server, draw: Drawn, tmp_path: Path
) -> None:
    folder = tmp_path / "card"
    (folder / "sub").mkdir(parents=True)
    pictures = {f"{'sub/' if n % 2 else ''}{n:02}.jpg": draw((800, 600)) for n in range(30)}
    for name, data in pictures.items():
        (folder / name).write_bytes(data)
    server.command(
        "user", "add", "anna", "--admin", "--password-stdin", input="correct horse battery staple\n"
    )
    for _ in range(3):
        importing = subprocess.Popen(
            [sys.executable, "-m", "app", "import", str(folder)], env=server.environment, cwd=REPOSITORY,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        time.sleep(2.5)
        importing.kill()
        importing.wait()
    last = server.command("import", str(folder), "--json")
    assert last.returncode == 0, last.stderr
    again = server.command("import", str(folder), "--json")
    assert '"duplicate": 30' in again.stdout
    server.start()
    client = server.client()
    server.wait(lambda: server.is_idle(client), 180)
    checksums = [item["checksum"] for item in client.get("/photos", params={"limit": 500}).json()["items"]]
    assert sorted(checksums) == sorted(hashlib.sha256(data).hexdigest() for data in pictures.values())
    assert server.command("check").returncode == 0


def test_a_killed_worker_is_replaced_and_its_photos_are_done_once(server: Server, draw: Drawn) -> None:
    server.start()
    client = server.client()
    for _ in range(12):
        assert client.post("/photos", files={"file": ("a.jpg", draw((900, 700)))}).status_code == 201
    for _ in range(2):
        time.sleep(1.0)
        subprocess.run(["pkill", "-9", "-P", str(server.process.pid), "-f", "app worker"], check=False)
    server.wait(lambda: server.is_idle(client), 180)
    counts = client.get("/jobs").json()["counts"]
    assert (counts["failed"], counts["ready"], counts["running"]) == (0, 0, 0)


def test_a_hostile_file_kills_only_the_child_that_decodes_it(
    server: Server, shared_data: Path, draw: Drawn
) -> None:
    server.start()
    client = server.client()
    for path in sorted((shared_data / "hostile").glob("bomb/*")):
        answer = client.post("/photos", files={"file": (path.name, path.read_bytes())})
        assert answer.status_code < 500, path.name
    good = client.post("/photos", files={"file": ("good.jpg", draw())}).json()
    server.wait(lambda: client.get(f"/photos/{good['id']}").json()["status"] == "ready", 120)


def test_serve_greets_and_answers(server: Server) -> None:
    server.start()
    log = (server.data.parent / "server.log").read_text()
    assert str(server.data) in log
    assert "albumen user add" in log
    assert httpx.get(f"{server.url}/healthz").json() == {"status": "ok"}
    assert "albumen_requests_total" in httpx.get(f"{server.url}/metrics").text
