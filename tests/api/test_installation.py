"""What administrators see and have done: models, storage, the check of all files, health."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.context import Context
from app.db import utcnow
from app.services.understanding import models
from app.services.upkeep import health
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer

ADMIN = "/api/v1/admin"
FAST, TILED = "object/ssdlite-mobilenet-v2@coco", "object/ssdlite-mobilenet-v2-tiled@coco"


@pytest.fixture
def add(api: TestClient, draw: Drawn) -> Callable[[], dict[str, Any]]:
    return lambda: api.post("/api/v1/photos", files={"file": ("a.jpg", draw())}).json()


class TestCheck:
    def test_damage_is_found_told_and_not_repeated_as_well(
        self, api: TestClient, context: Context, add: Callable[[], dict[str, Any]]
    ) -> None:
        kept, broken = add(), add()
        original = context.storage.original(broken["checksum"])
        original.chmod(0o600)
        original.write_bytes(b"flipped bits")
        job = api.post(f"{ADMIN}/check", json={}).json()
        assert job["state"] == "ready"
        assert Worker(context, FakeAnalyzer()).errand_once()
        done = api.get(f"/api/v1/jobs/{job['id']}").json()
        assert (done["state"], done["result"]["files"]) == ("done", 2)
        assert done["result"]["counts"] == {"damaged-original": 1}
        assert [f["subject"] for f in done["result"]["findings"]] == [broken["checksum"]]
        assert kept["checksum"] not in str(done["result"])
        assert api.get(f"{ADMIN}/storage").json()["last_check"]["id"] == job["id"]

    def test_it_can_be_cancelled_while_it_runs(
        self,
        api: TestClient,
        context: Context,
        add: Callable[[], dict[str, Any]],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        from app.services.upkeep import errands
        from app.storage import Storage

        monkeypatch.setattr(errands, "_STEP_SECONDS", 0.0)
        add(), add(), add()
        job = api.post(f"{ADMIN}/check", json={}).json()
        read: list[str] = []
        checksum = Storage.checksum

        def slow(self: Storage, path: Path) -> str:
            read.append(path.name)
            api.post(f"/api/v1/jobs/{job['id']}/cancel")
            return checksum(self, path)

        monkeypatch.setattr(Storage, "checksum", slow)
        Worker(context, FakeAnalyzer()).errand_once()
        assert api.get(f"/api/v1/jobs/{job['id']}").json()["state"] == "cancelled"
        assert len(read) == 1


class TestStorage:
    def test_bytes_by_kind_and_user(
        self, api: TestClient, bobs_api: TestClient, context: Context, draw: Drawn
    ) -> None:
        picture = draw()
        for client in (api, bobs_api):
            client.post("/api/v1/photos", files={"file": ("a.jpg", picture)})
        own = draw()
        trashed = bobs_api.post("/api/v1/photos", files={"file": ("b.jpg", own)}).json()["id"]
        bobs_api.delete(f"/api/v1/photos/{trashed}")
        held = api.get(f"{ADMIN}/storage").json()
        # The same picture of two users lies on disk once, and counts for both.
        assert held["bytes_by_kind"]["originals"] == len(picture) + len(own)
        by_name = {user["username"]: user for user in held["users"]}
        assert (by_name["anna"]["photos"], by_name["anna"]["bytes"]) == (1, len(picture))
        assert (by_name["bob"]["photos"], by_name["bob"]["trashed"]) == (1, 1)
        assert by_name["bob"]["bytes"] == len(picture) + len(own)
        assert (held["trashed"], held["trashed_bytes"]) == (1, len(own))
        assert held["bytes_by_kind"]["database"] > 0
        assert 0 < held["disk_free"] < held["disk_total"]

    def test_the_sweeper_leaves_word(self, api: TestClient, context: Context) -> None:
        assert api.get(f"{ADMIN}/storage").json()["last_sweep"] == {}
        Worker(context, FakeAnalyzer()).tick()
        assert api.get(f"{ADMIN}/storage").json()["last_sweep"]["photos"] == 0


class TestHealth:
    def test_without_a_worker_it_says_so(self, api: TestClient, add: Callable[[], dict[str, Any]]) -> None:
        add()
        found = api.get(f"{ADMIN}/health").json()
        assert found["problems"] == ["no-worker"]
        assert [(q["kind"], q["ready"]) for q in found["queues"]] == [("analyse", 1)]
        assert found["schema_revision"] == found["expected_schema_revision"] != ""
        assert "python" in found["versions"]

    def test_a_worker_is_seen_and_missed(self, api: TestClient, context: Context) -> None:
        name = Worker(context, FakeAnalyzer()).name
        with context.database.write() as session:
            health.beat(session, name)
            health.beat(session, name)
            health.beat(session, "elsewhere/17/0")
        workers = api.get(f"{ADMIN}/health").json()["workers"]
        assert {(w["host"] == "elsewhere", w["alive"]) for w in workers} == {(True, True), (False, True)}
        assert api.get(f"{ADMIN}/health").json()["problems"] == []
        gone = name.rpartition("/")[0] + "/1"  # the same pid, but another process
        with context.database.write() as session:
            health.gone(session, name)
            health.gone(session, "elsewhere/17/0")
            health.beat(session, gone)
        assert [w["alive"] for w in api.get(f"{ADMIN}/health").json()["workers"]] == [False]

    def test_failures_are_listed(
        self, api: TestClient, context: Context, add: Callable[[], dict[str, Any]]
    ) -> None:
        context.storage.original(add()["checksum"]).unlink()
        worker = Worker(context, FakeAnalyzer())
        for _ in range(3):
            with context.database.engine.begin() as connection:
                connection.exec_driver_sql("update jobs set run_after = '2000-01-01'")
            worker.run_once()
        failure = api.get(f"{ADMIN}/health").json()["failures"][0]
        assert (failure["kind"], failure["code"]) == ("analyse", "internal")

    def test_a_probe_writes_nothing_to_the_log(
        self, anonymous: TestClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.INFO)
        caplog.clear()
        assert anonymous.get("/readyz").status_code == 200
        assert [r.message for r in caplog.records if r.name.startswith(("alembic", "albumen"))] == []

    def test_another_schema_is_not_ready(self, anonymous: TestClient, context: Context) -> None:
        with context.database.engine.begin() as connection:
            connection.exec_driver_sql("update alembic_version set version_num = 'another'")
        assert anonymous.get("/readyz").status_code == 503


class TestModels:
    def test_the_registry_with_licences_metrics_and_state(self, api: TestClient) -> None:
        listed = {model["id"]: model for model in api.get(f"{ADMIN}/models").json()}
        fast = listed[FAST]
        assert (fast["state"], fast["default"], fast["chosen"], fast["choice"]) == (
            "missing",
            True,
            True,
            True,
        )
        assert fast["licence"]
        assert {"name", "dataset", "value", "measured", "note"} == fast["metrics"][0].keys()
        assert [m["id"] for m in listed.values() if m["task"] == "object" and m["choice"]] == [FAST, TILED]

    def test_only_what_is_installed_can_be_chosen(self, api: TestClient) -> None:
        assert api.post(f"{ADMIN}/models/choose", json={"model": TILED}).status_code == 409
        assert (
            api.post(
                f"{ADMIN}/models/choose", json={"model": "face-detection/mtcnn-onet@facenet"}
            ).status_code
            == 422
        )
        assert api.post(f"{ADMIN}/models/fetch", json={"model": "no/such@model"}).status_code == 404

    def test_what_cannot_be_fetched_says_why(
        self, api: TestClient, context: Context, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from ml import zoo

        def refuse(*_: Any, **__: Any) -> None:
            raise zoo.FetchError("the archive has another checksum")

        monkeypatch.setattr(zoo.Zoo, "fetch", refuse)
        job = api.post(f"{ADMIN}/models/fetch", json={"model": FAST}).json()
        Worker(context, FakeAnalyzer()).errand_once()
        failed = api.get(f"/api/v1/jobs/{job['id']}").json()
        assert (failed["state"], failed["error_code"]) == ("failed", "model-not-fetched")
        assert "another checksum" in failed["error"]


@pytest.mark.slow
class TestModelsHere:
    """With real weights, where this machine has them."""

    @pytest.fixture
    def context(self, context: Context, tmp_path: Path) -> Context:
        from tests.server import default_models

        if not (default_models() / FAST.replace("/", "__")).is_dir():
            pytest.skip("the model weights are not on this machine")
        context.settings.models_dir.symlink_to(default_models())
        return context

    def test_a_choice_is_used_from_then_on(self, api: TestClient, context: Context) -> None:
        worker = Worker(context)
        assert models.provenance(worker.analyzer_for(), ["objects"])["objects"][0] == FAST
        chosen = {
            m["id"] for m in api.post(f"{ADMIN}/models/choose", json={"model": TILED}).json() if m["chosen"]
        }
        assert TILED in chosen
        assert FAST not in chosen
        assert models.provenance(worker.analyzer_for(), ["objects"])["objects"][0] == TILED

    def test_measuring_keeps_speed_and_memory(self, api: TestClient, context: Context) -> None:
        job = api.post(f"{ADMIN}/models/measure", json={"model": FAST}).json()
        Worker(context).errand_once()
        done = api.get(f"/api/v1/jobs/{job['id']}").json()
        assert done["state"] == "done", done
        measured = {m["id"]: m["measured"] for m in api.get(f"{ADMIN}/models").json()}[FAST]
        assert measured["seconds"] > 0
        assert measured["memory_bytes"] > 1_000_000
        assert measured["at"] <= utcnow().isoformat()

    def test_only_outdated_asks_what_would_be_recorded(
        self, api: TestClient, context: Context, draw: Drawn
    ) -> None:
        api.post("/api/v1/photos", files={"file": ("a.jpg", draw())})
        Worker(context).run_once()
        wish = {"stages": ["objects"], "only_outdated": True}
        assert api.post(f"{ADMIN}/retag", json=wish).json()["total"] == 0
        assert api.post(f"{ADMIN}/retag", json={**wish, "model": TILED}).json()["total"] == 1
