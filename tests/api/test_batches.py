"""One recipe for many photos, and many photos as one file."""

from __future__ import annotations

import io
import tracemalloc
import zipfile
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.models import Edit, Photo
from app.services import batch_edits
from app.services.accounts import Viewer
from app.services.clients import downloads
from app.worker import Worker
from tests.conftest import Drawn


def _upload(api: TestClient, draw: Drawn, name: str, size: tuple[int, int] = (64, 48)) -> str:
    answer = api.post("/api/v1/photos", files={"file": (name, draw(size, "PNG"))})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def _edits(api: TestClient, photo: str) -> list[dict[str, Any]]:
    return list(api.get(f"/api/v1/photos/{photo}/edits").json()["items"])


def _work(context: Context, turns: int = 50) -> None:
    worker = Worker(context, analyzer=object())  # type: ignore[arg-type]
    worker._handlers = {kind: do for kind, do in worker._handlers.items() if kind in ("edit", "edits")}
    for _ in range(turns):
        if not worker.run_once():
            return


class TestEditingMany:
    def ask(self, api: TestClient, ids: list[str], recipe: Any = None) -> dict[str, Any]:
        body = {"action": "edit", "ids": ids, "recipe": recipe or [{"op": "invert"}], "title": "Negative"}
        answer = api.post("/api/v1/photos/batch", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def test_every_photo_gets_the_edit(self, api: TestClient, context: Context, draw: Drawn) -> None:
        ids = [_upload(api, draw, f"{n}.png") for n in range(3)]
        asked = self.ask(api, [*ids, ids[0], "0190a5f2-1111-7000-8000-000000000000"])
        assert asked["done"] == 3
        assert asked["missing"] == ["0190a5f2-1111-7000-8000-000000000000"]
        assert [e["status"] for i in ids for e in _edits(api, i)] == ["pending"] * 3
        _work(context)
        assert [e["status"] for i in ids for e in _edits(api, i)] == ["ready"] * 3
        job = api.get(f"/api/v1/jobs/{asked['job']}").json()
        assert (job["state"], job["progress"]) == ("done", 1.0)
        made = Image.open(io.BytesIO(api.get(f"/api/v1/edits/{_edits(api, ids[0])[0]['id']}/file").content))
        assert made.size == (64, 48)

    def test_what_does_not_suit_a_photo_leaves_it_out(
        self, api: TestClient, context: Context, draw: Drawn
    ) -> None:
        wide, tall = _upload(api, draw, "w.png", (640, 20)), _upload(api, draw, "t.png", (20, 640))
        asked = self.ask(api, [wide, tall], [{"op": "resize", "width": 10_000}])
        assert (asked["done"], asked["refused"]) == (1, [tall])

    def test_a_wrong_recipe_is_refused_for_all(self, api: TestClient, draw: Drawn) -> None:
        ids = [_upload(api, draw, "a.png")]
        for recipe in ([{"op": "explode"}], []):
            answer = api.post("/api/v1/photos/batch", json={"action": "edit", "ids": ids, "recipe": recipe})
            assert answer.status_code == 422
        assert _edits(api, ids[0]) == []

    def test_it_takes_turns_and_survives_a_kill(
        self, api: TestClient, context: Context, draw: Drawn, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ids = [_upload(api, draw, f"{n}.png") for n in range(3)]
        asked = self.ask(api, ids)
        monkeypatch.setattr(batch_edits, "_TURN", -1.0)  # other work may go first at once
        _work(context, 1)
        job = api.get(f"/api/v1/jobs/{asked['job']}").json()
        assert job["state"] == "ready"
        monkeypatch.setattr(batch_edits, "_TURN", 10.0)
        real, calls = batch_edits._render, []

        def killed(*arguments: Any) -> None:
            calls.append(arguments)
            if len(calls) == 2:
                raise SystemExit  # as a kill would: nothing after it runs
            real(*arguments)

        monkeypatch.setattr(batch_edits, "_render", killed)
        with pytest.raises(SystemExit):
            _work(context, 1)
        assert sorted(e["status"] for i in ids for e in _edits(api, i)) == ["pending", "pending", "ready"]
        monkeypatch.setattr(batch_edits, "_render", real)
        with context.database.write() as session:
            from app.models import Job

            session.get_one(Job, UUID(asked["job"])).lease_until = None
            from app.services import jobs

            jobs.reap(session)
        _work(context)
        assert [e["status"] for i in ids for e in _edits(api, i)] == ["ready"] * 3

    def test_cancelled_it_says_so_on_the_edits_and_can_run_again(
        self, api: TestClient, context: Context, draw: Drawn
    ) -> None:
        ids = [_upload(api, draw, f"{n}.png") for n in range(2)]
        job = self.ask(api, ids)["job"]
        assert api.post(f"/api/v1/jobs/{job}/cancel").json()["state"] == "cancelled"
        assert [(e["status"], e["error"]) for e in _edits(api, ids[0])] == [("failed", "Cancelled.")]
        assert api.post(f"/api/v1/jobs/{job}/retry").status_code == 200
        _work(context)
        assert [e["status"] for i in ids for e in _edits(api, i)] == ["ready"] * 2

    def test_all_of_it_can_be_taken_back(
        self, api: TestClient, bobs_api: TestClient, context: Context, draw: Drawn
    ) -> None:
        ids = [_upload(api, draw, f"{n}.png") for n in range(2)]
        job = self.ask(api, ids)["job"]
        _work(context)
        assert bobs_api.delete(f"/api/v1/jobs/{job}/edits").status_code == 404
        assert api.delete(f"/api/v1/jobs/{job}/edits").json() == {"done": 2}
        assert [_edits(api, i) for i in ids] == [[], []]
        assert api.delete(f"/api/v1/jobs/{job}/edits").json() == {"done": 0}


class TestDownloading:
    def get(self, api: TestClient, **body: Any) -> zipfile.ZipFile:
        answer = api.post("/api/v1/photos/download", json=body)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/zip"
        packed = zipfile.ZipFile(io.BytesIO(answer.content))
        assert packed.testzip() is None
        return packed

    def test_originals_with_names_that_stay_apart(self, api: TestClient, draw: Drawn) -> None:
        names = ["IMG.png", "img.PNG", "IMG.png", "../../etc/pass:wd.png", "CON.png", "猫.png"]
        pictures = {_upload(api, draw, name): name for name in names}
        packed = self.get(api, ids=list(pictures))
        found = packed.namelist()
        assert len({name.casefold() for name in found}) == 6
        assert not any(c in name for name in found for c in "/\\:")
        assert {"猫.png", "_CON.png"} <= set(found)
        original = {api.get(f"/api/v1/photos/{i}/original").content for i in pictures}
        assert {packed.read(name) for name in found} == original

    def test_edited_ones_where_there_are_edits(self, api: TestClient, context: Context, draw: Drawn) -> None:
        plain, edited = _upload(api, draw, "a.png"), _upload(api, draw, "b.png")
        recipe = [{"op": "resize", "width": 10, "height": 10}, {"op": "output", "format": "webp"}]
        api.post(f"/api/v1/photos/{edited}/edits", json={"recipe": recipe})
        _work(context)
        packed = self.get(api, ids=[plain, edited], version="edited")
        assert sorted(packed.namelist()) == ["a.png", "b.webp"]
        assert Image.open(io.BytesIO(packed.read("b.webp"))).format == "WEBP"
        assert packed.read("a.png") == api.get(f"/api/v1/photos/{plain}/original").content

    def test_only_ones_own_and_not_the_trash(
        self, api: TestClient, bobs_api: TestClient, draw: Drawn
    ) -> None:
        mine, gone, his = (_upload(a, draw, "x.png") for a in (api, api, bobs_api))
        api.delete(f"/api/v1/photos/{gone}")
        assert len(self.get(api, ids=[mine, gone, his]).namelist()) == 1
        assert len(self.get(api, query="name:x*").namelist()) == 1
        assert api.post("/api/v1/photos/download", json={"ids": [his]}).status_code == 404
        assert api.post("/api/v1/photos/download", json={}).status_code == 422

    def test_a_file_that_has_gone_is_named(self, api: TestClient, context: Context, draw: Drawn) -> None:
        ids = [_upload(api, draw, f"{n}.png") for n in range(2)]
        with context.database.read() as session:
            checksum = session.get_one(Photo, UUID(ids[0])).checksum
        context.storage.original(checksum).unlink()
        packed = self.get(api, ids=ids)
        assert sorted(packed.namelist()) == ["1.png", "NOT INCLUDED.txt"]
        assert b"0.png" in packed.read("NOT INCLUDED.txt")

    def test_memory_stays_flat(self, api: TestClient, context: Context, anna: Viewer, draw: Drawn) -> None:
        """Forty megabytes pass through a few hundred kilobytes."""
        ids = [_upload(api, draw, f"{n}.png") for n in range(4)]
        with context.database.write() as session:
            for photo_id in ids:
                path = context.storage.original(session.get_one(Photo, UUID(photo_id)).checksum)
                path.chmod(0o644)
                path.write_bytes(bytes(10_000_000))
        with context.database.read() as session:
            files = downloads.entries(context, session, anna, ids=[UUID(i) for i in ids])
        tracemalloc.start()
        size = sum(len(part) for part in downloads.stream(files))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert size > 40_000_000
        assert peak < 3_000_000


def test_edits_of_a_batch_are_of_the_photos_alone(api: TestClient, context: Context, draw: Drawn) -> None:
    """A query chooses as well as a list; edits carry the batch's title."""
    keep, other = _upload(api, draw, "keep.png"), _upload(api, draw, "other.png")
    body = {"action": "edit", "query": "name:keep*", "recipe": [{"op": "invert"}], "title": "Night"}
    assert api.post("/api/v1/photos/batch", json=body).json()["done"] == 1
    assert ([e["title"] for e in _edits(api, keep)], _edits(api, other)) == (["Night"], [])
    with context.database.read() as session:
        assert session.query(Edit).count() == 1
