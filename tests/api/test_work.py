"""Jobs, events, health, metrics, one-shot images, campaigns."""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.context import Context
from app.models import Edit, Photo
from app.services import jobs
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer


@pytest.fixture
def photo_id(api: TestClient, draw: Drawn) -> str:
    return api.post("/api/v1/photos", files={"file": ("a.jpg", draw())}).json()["id"]


def jobs_owner(context: Context, photo_id: UUID) -> UUID:
    with context.database.read() as session:
        photo = session.get(Photo, photo_id)
        assert photo is not None
        return photo.owner_id


class TestJobs:
    def test_pending_work_is_listed_with_counts(self, api: TestClient, photo_id: str) -> None:
        page = api.get("/api/v1/jobs").json()
        assert page["counts"]["ready"] == 1
        assert [(j["kind"], j["photo_id"], j["filename"]) for j in page["items"]] == [
            ("analyse", photo_id, "a.jpg")
        ]

    def test_cancel_and_retry(self, api: TestClient, photo_id: str) -> None:
        job = api.get("/api/v1/jobs").json()["items"][0]
        assert api.post(f"/api/v1/jobs/{job['id']}/cancel").json()["state"] == "cancelled"
        assert api.post(f"/api/v1/jobs/{job['id']}/retry").json()["state"] == "ready"
        assert api.post(f"/api/v1/jobs/{job['id']}/retry").status_code == 409

    def test_others_jobs_do_not_exist(self, bobs_api: TestClient, api: TestClient, photo_id: str) -> None:
        job = api.get("/api/v1/jobs").json()["items"][0]
        assert bobs_api.get("/api/v1/jobs").json()["items"] == []
        assert bobs_api.get(f"/api/v1/jobs/{job['id']}").status_code == 404
        assert bobs_api.post(f"/api/v1/jobs/{job['id']}/cancel").status_code == 404

    def test_holding_everything_and_going_on(
        self, api: TestClient, bobs_api: TestClient, context: Context, draw: Drawn, photo_id: str
    ) -> None:
        worker = Worker(context, FakeAnalyzer())
        other = bobs_api.post("/api/v1/photos", files={"file": ("b.jpg", draw())}).json()["id"]
        assert api.post("/api/v1/jobs/pause").json() == {"count": 1}
        listed = api.get("/api/v1/jobs").json()
        assert listed["items"][0]["state"] == "paused"
        assert listed["counts"]["paused"] == 1
        worker.run_once()
        assert api.get(f"/api/v1/photos/{photo_id}").json()["status"] == "pending"
        assert bobs_api.get(f"/api/v1/photos/{other}").json()["status"] == "ready", "others' work goes on"
        assert api.post("/api/v1/jobs/resume").json() == {"count": 1}
        worker.run_once()
        assert api.get(f"/api/v1/photos/{photo_id}").json()["status"] == "ready"
        assert api.get("/api/v1/jobs").json()["per_second"] > 0

    def test_work_asked_for_again_while_held_is_done_once(
        self, api: TestClient, context: Context, photo_id: str
    ) -> None:
        from app.services.upkeep.check import check

        api.post("/api/v1/jobs/pause")
        assert list(check(context, repair=True)) == [], "held work is not lost work"
        with context.database.write() as session:
            photo = UUID(photo_id)
            jobs.enqueue(
                session, "analyse", dedupe=photo_id, owner_id=jobs_owner(context, photo), photo_id=photo
            )
        assert api.post("/api/v1/jobs/resume").json() == {"count": 0}
        states = sorted(job["state"] for job in api.get("/api/v1/jobs").json()["items"])
        assert states == ["cancelled", "ready"]

    def test_everything_that_failed_is_tried_again(
        self, api: TestClient, context: Context, draw: Drawn, photo_id: str
    ) -> None:
        ids = [photo_id, api.post("/api/v1/photos", files={"file": ("b.jpg", draw())}).json()["id"]]
        for photo in ids:
            context.storage.original(api.get(f"/api/v1/photos/{photo}").json()["checksum"]).write_bytes(b"x")
        Worker(context, FakeAnalyzer()).run_once()
        assert api.get("/api/v1/jobs?state=failed").json()["counts"]["failed"] == 2
        assert api.post("/api/v1/jobs/retry-failed").json() == {"count": 2}
        assert {api.get(f"/api/v1/photos/{photo}").json()["status"] for photo in ids} == {"pending"}


class TestHealth:
    def test_ready_means_database_and_storage(self, anonymous: TestClient) -> None:
        assert anonymous.get("/healthz").status_code == 200
        assert anonymous.get("/readyz").json() == {"status": "ready", "database": "ok", "storage": "ok"}

    def test_metrics_count_requests_and_photos(self, api: TestClient, photo_id: str) -> None:
        text = api.get("/metrics").text
        assert 'albumen_requests_total{method="POST",route="/api/v1/photos",status="201"}' in text
        assert "albumen_photos 1" in text
        assert 'albumen_jobs{state="ready"} 1' in text

    def test_metrics_and_logs_name_no_folder_and_no_file(
        self, api: TestClient, caplog: pytest.LogCaptureFixture
    ) -> None:
        with caplog.at_level("INFO", logger="albumen.request"):
            api.request("PROPFIND", "/dav/Our%20divorce/papers/a.jpg")
            api.get("/api/v1/photos/01a22f34-b5c4-703e-84f9-be512e50c9f4")
        text = api.get("/metrics").text
        assert 'method="PROPFIND",route="/dav/{path:path}"' in text
        assert 'method="GET",route="/api/v1/photos/{photo_id}",status="404"' in text
        logged = [record.__dict__["route"] for record in caplog.records if "route" in record.__dict__]
        assert logged[:2] == ["/dav/{path:path}", "/api/v1/photos/{photo_id}"]
        assert "divorce" not in text + str(logged)

    def test_a_body_that_is_no_json_is_told_in_words(self, api: TestClient) -> None:
        json = {"Content-Type": "application/json"}
        answer = api.post("/api/v1/photos/get", content=b"{bad", headers=json)
        assert answer.status_code == 422
        assert answer.json()["detail"] == "The body is not valid JSON (at character 1)."
        chinese = api.post("/api/v1/photos/get", content=b"{bad", headers={**json, "Accept-Language": "zh"})
        assert chinese.json()["detail"] == "请求正文不是有效的 JSON（第 1 个字符处）。"

    def test_every_answer_carries_a_request_id_and_safe_headers(self, anonymous: TestClient) -> None:
        headers = anonymous.get("/healthz").headers
        assert len(headers["x-request-id"]) == 12
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


class TestOneShot:
    RECIPE = [{"op": "rotate", "angle": 90}, {"op": "grayscale", "method": "mean"}]  # noqa: RUF012

    def test_multipart_gives_the_picture_back(self, api: TestClient, draw: Drawn) -> None:
        answer = api.post(
            "/api/v1/images/process",
            files={"file": ("a.jpg", draw((300, 200)))},
            data={"recipe": json.dumps(self.RECIPE), "format": "png"},
        )
        assert answer.headers["content-type"] == "image/png", answer.text
        picture = Image.open(BytesIO(answer.content))
        assert picture.size == (200, 300)
        assert picture.mode == "L" or len(set(picture.convert("RGB").getpixel((5, 5)))) == 1

    @pytest.mark.parametrize("format", ["jpg", "JPEG", "jpeg"])
    def test_a_jpeg_may_be_called_jpg(self, api: TestClient, draw: Drawn, format: str) -> None:
        answer = api.post(
            "/api/v1/images/process",
            files={"file": ("a.jpg", draw((30, 20)))},
            data={"recipe": json.dumps(self.RECIPE), "format": format},
        )
        assert answer.headers["content-type"] == "image/jpeg", answer.text

    def test_json_is_the_same_in_base64(self, api: TestClient, draw: Drawn) -> None:
        image = base64.b64encode(draw((300, 200))).decode()
        body = {"image": f"data:image/jpeg;base64,{image}", "recipe": self.RECIPE, "format": "webp"}
        answer = api.post("/api/v1/images/process", json=body).json()
        assert Image.open(BytesIO(base64.b64decode(answer["image"]))).size == (200, 300)

    def test_a_bad_recipe_names_the_parameter_and_its_range(self, api: TestClient, draw: Drawn) -> None:
        recipe = json.dumps([{"op": "gamma", "gamma": 1000}])
        answer = api.post(
            "/api/v1/images/process", files={"file": ("a.jpg", draw())}, data={"recipe": recipe}
        )
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:albumen:problem:bad-recipe"
        assert answer.json()["parameter"] == "gamma"

    def test_nothing_is_stored(self, api: TestClient, context: Context, draw: Drawn) -> None:
        api.post("/api/v1/images/process", files={"file": ("a.jpg", draw())}, data={"recipe": "[]"})
        assert list(context.storage.originals()) == []
        assert [p for p in (context.settings.data / "incoming").iterdir() if p.name != ".lock"] == []

    def test_broken_pictures_are_refused(self, api: TestClient) -> None:
        answer = api.post(
            "/api/v1/images/process", files={"file": ("a.jpg", b"nonsense")}, data={"recipe": "[]"}
        )
        assert answer.status_code == 415


class TestEdits:
    def test_an_edit_is_a_new_file_and_the_original_stays(
        self, api: TestClient, context: Context, photo_id: str
    ) -> None:
        before = api.get(f"/api/v1/photos/{photo_id}/original").content
        body = {"title": "Square", "recipe": [{"op": "crop", "x": 0, "y": 0, "width": 0.5, "height": 0.5}]}
        made = api.post(f"/api/v1/photos/{photo_id}/edits", json=body)
        assert made.status_code == 202, made.text
        edit_id = made.json()["edit"]["id"]
        assert api.get(f"/api/v1/edits/{edit_id}/file").status_code == 409  # still being made
        assert api.get(f"/api/v1/edits/{edit_id}/preview").status_code == 409
        Worker(context, FakeAnalyzer()).run_once()
        assert api.get(f"/api/v1/edits/{edit_id}").json()["status"] == "ready"
        picture = Image.open(BytesIO(api.get(f"/api/v1/edits/{edit_id}/file").content))
        assert picture.size == (160, 120)
        small = api.get(f"/api/v1/edits/{edit_id}/preview")
        assert Image.open(BytesIO(small.content)).size == (160, 120)
        assert "immutable" in small.headers["cache-control"]
        assert api.get(f"/api/v1/photos/{photo_id}/original").content == before
        assert [e["id"] for e in api.get(f"/api/v1/photos/{photo_id}/edits").json()["items"]] == [edit_id]

    def test_the_file_goes_for_good_with_the_photo_and_no_earlier(
        self, api: TestClient, context: Context, photo_id: str
    ) -> None:
        def made_of(photo: str) -> Path:
            made = api.post(f"/api/v1/photos/{photo}/edits", json={"recipe": [{"op": "flip"}]}).json()["edit"]
            Worker(context, FakeAnalyzer()).run_once()
            with context.database.read() as session:
                path = context.storage.original(session.get_one(Edit, UUID(made["id"])).checksum or "")
            os.utime(path, (0, 0))
            return path

        edited = made_of(photo_id)
        # Somebody uploads the result: now a photo and an edit share a file.
        kept = api.post("/api/v1/photos", files={"file": ("b.jpg", edited.read_bytes())}).json()["id"]
        own = made_of(kept)
        os.utime(edited, (0, 0))
        for photo, there in ((photo_id, (True, True)), (kept, (False, False))):
            assert api.delete(f"/api/v1/photos/{photo}").status_code == 204
            assert api.delete("/api/v1/trash").status_code == 204
            assert (edited.exists(), own.exists()) == there

    def test_deleting_can_be_undone(self, api: TestClient, photo_id: str) -> None:
        made = api.post(f"/api/v1/photos/{photo_id}/edits", json={"recipe": [{"op": "flip"}]}).json()["edit"]
        assert api.delete(f"/api/v1/edits/{made['id']}").status_code == 204
        assert api.get(f"/api/v1/photos/{photo_id}/edits").json()["items"] == []
        assert api.post(f"/api/v1/edits/{made['id']}/restore").status_code == 200

    def test_a_cancelled_edit_says_so_and_can_be_tried_again(self, api: TestClient, photo_id: str) -> None:
        made = api.post(f"/api/v1/photos/{photo_id}/edits", json={"recipe": [{"op": "flip"}]}).json()
        assert api.post(f"/api/v1/jobs/{made['job']}/cancel").json()["state"] == "cancelled"
        assert api.get(f"/api/v1/edits/{made['edit']['id']}").json()["status"] == "failed"
        api.post(f"/api/v1/jobs/{made['job']}/retry")
        assert api.get(f"/api/v1/edits/{made['edit']['id']}").json()["status"] == "pending"

    def test_a_preview_is_small_and_quick(self, api: TestClient, photo_id: str) -> None:
        answer = api.post(f"/api/v1/photos/{photo_id}/edits/preview", json={"recipe": [{"op": "invert"}]})
        assert answer.headers["content-type"] == "image/jpeg", answer.text
        assert max(Image.open(BytesIO(answer.content)).size) <= 1024

    @pytest.mark.parametrize(
        "step",
        [{"op": "stretch", "horizontal": 8}, {"op": "rotate", "angle": 12}],
        ids=lambda step: step["op"],
    )
    def test_a_preview_is_small_whatever_the_recipe_enlarges(
        self, api: TestClient, draw: Drawn, step: dict[str, Any]
    ) -> None:
        photo = api.post("/api/v1/photos", files={"file": ("a.jpg", draw((1200, 700)))}).json()["id"]
        answer = api.post(f"/api/v1/photos/{photo}/edits/preview", json={"recipe": [step]})
        assert max(Image.open(BytesIO(answer.content)).size) == 1024

    def test_others_edits_do_not_exist(self, api: TestClient, bobs_api: TestClient, photo_id: str) -> None:
        made = api.post(f"/api/v1/photos/{photo_id}/edits", json={"recipe": [{"op": "flip"}]}).json()["edit"]
        for path in ("", "/file"):
            assert bobs_api.get(f"/api/v1/edits/{made['id']}{path}").status_code == 404
        assert bobs_api.post(f"/api/v1/photos/{photo_id}/edits", json={"recipe": []}).status_code == 404

    def test_operations_are_described_in_both_languages(self, api: TestClient) -> None:
        english = {o["name"]: o for o in api.get("/api/v1/enhancements").json()}
        chinese = {
            o["name"]: o for o in api.get("/api/v1/enhancements", headers={"Accept-Language": "zh"}).json()
        }
        assert {"dehaze", "low_light", "super_resolution", "style", "grayscale"} <= english.keys()
        assert all(english[name]["title"] != chinese[name]["title"] for name in english)

    def test_styles_are_named_with_their_titles_and_each_is_a_recipe(
        self, api: TestClient, photo_id: str
    ) -> None:
        def presets(language: str) -> dict[str, str]:
            listed = api.get("/api/v1/enhancements", headers={"Accept-Language": language}).json()
            (style,) = (o for o in listed if o["name"] == "style")
            named = {p["name"]: p["choices"] for p in style["parameters"]}
            assert named["strength"] is None
            return {choice["value"]: choice["title"] for choice in named["preset"]}

        english = presets("en")
        assert english["starry-night"] == "The Starry Night"
        assert presets("zh")["starry-night"] == "星月夜"
        for name in english:
            body = {"recipe": [{"op": "style", "preset": name}]}
            assert api.post(f"/api/v1/photos/{photo_id}/edits", json=body).status_code == 202


class TestCampaigns:
    def test_a_campaign_is_done_undone_and_leaves_verdicts_alone(
        self, api: TestClient, context: Context, photo_id: str, analysis: Callable[..., Any]
    ) -> None:
        see = {"now": analysis(("dog", 0.9), ("cat", 0.5))}
        worker = Worker(context, FakeAnalyzer(lambda _i: see["now"]))
        worker.run_once()
        before = api.get(f"/api/v1/photos/{photo_id}").json()
        see["now"] = analysis(("bird", 0.8), model="scene/test@two")
        campaign = api.post("/api/v1/admin/retag", json={"stages": ["tags"]}).json()
        assert (campaign["total"], campaign["waiting"]) == (1, 1)
        worker.tick()
        url = f"/api/v1/admin/retag/{campaign['id']}"
        assert api.get(url).json()["done"] == 1
        tags = api.get(f"/api/v1/photos/{photo_id}").json()["tags"]
        assert [t["slug"] for t in tags] == ["bird"]
        assert api.post(f"{url}/undo").json()["state"] == "undoing"
        assert worker.errand_once()
        assert api.get(url).json()["state"] == "undone"
        after = api.get(f"/api/v1/photos/{photo_id}").json()
        assert after["tags"] == before["tags"]
        assert after["stages"] == before["stages"]

    def test_pause_holds_and_resume_goes_on(self, api: TestClient, context: Context, photo_id: str) -> None:
        worker = Worker(context, FakeAnalyzer())
        worker.run_once()
        campaign = api.post("/api/v1/admin/retag", json={}).json()
        url = f"/api/v1/admin/retag/{campaign['id']}"
        assert api.post(f"{url}/pause").json()["state"] == "paused"
        assert worker.run_once() == 0
        api.post(f"{url}/resume")
        assert worker.run_once() == 1

    def test_cancel_gives_up_the_rest(self, api: TestClient, context: Context, photo_id: str) -> None:
        campaign = api.post("/api/v1/admin/retag", json={"query": "year:>1800"}).json()
        assert api.post(f"/api/v1/admin/retag/{campaign['id']}/cancel").json()["waiting"] == 0

    def test_trying_out_says_what_would_change_and_changes_nothing(
        self, api: TestClient, context: Context, photo_id: str, analysis: Callable[..., Any]
    ) -> None:
        see = {"now": analysis(("dog", 0.9), ("cat", 0.5))}
        worker = Worker(context, FakeAnalyzer(lambda _i: see["now"]))
        worker.run_once()
        before = api.get(f"/api/v1/photos/{photo_id}").json()
        see["now"] = analysis(("dog", 0.9), ("bird", 0.8))
        job = api.post("/api/v1/admin/retag/try", json={"stages": ["tags"], "sample": 5}).json()
        again = api.post("/api/v1/admin/retag/try", json={"stages": ["tags"], "sample": 5}).json()
        assert again["id"] == job["id"], "asking twice is asking once"
        assert worker.errand_once()
        result = api.get(f"/api/v1/jobs/{job['id']}").json()["result"]
        assert (result["of"], result["photos"], result["unchanged"]) == (1, 1, 0)
        assert result["tags"] == {"bird": {"gained": 1, "lost": 0}, "cat": {"gained": 0, "lost": 1}}
        assert api.get(f"/api/v1/photos/{photo_id}").json() == before

    def test_trying_out_without_the_tags_says_that_they_stay(
        self, api: TestClient, context: Context, photo_id: str, analysis: Callable[..., Any]
    ) -> None:
        from ml.types import Analysis, StageRun

        see = {"now": analysis(("dog", 0.9))}
        worker = Worker(context, FakeAnalyzer(lambda _i: see["now"]))
        worker.run_once()
        see["now"] = Analysis(stages=(StageRun("objects", "object/test@one", "1", 0.01),))
        job = api.post("/api/v1/admin/retag/try", json={"stages": ["objects"]}).json()
        assert worker.errand_once()
        result = api.get(f"/api/v1/jobs/{job['id']}").json()["result"]
        assert (result["photos"], result["unchanged"], result["tags"]) == (1, 1, {})

    def test_an_unknown_model_is_refused_before_anything_starts(self, api: TestClient, photo_id: str) -> None:
        for path in ("retag", "retag/try"):
            refused = api.post(f"/api/v1/admin/{path}", json={"model": "object/no-such@model"})
            assert (refused.status_code, refused.json()["field"]) == (422, "model")
        assert api.get("/api/v1/admin/retag").json()["items"] == []

    def test_is_for_administrators(self, bobs_api: TestClient) -> None:
        assert bobs_api.post("/api/v1/admin/retag", json={}).status_code == 403
        assert bobs_api.get("/api/v1/admin/stats").status_code == 403

    def test_unknown_stages_are_refused(self, api: TestClient) -> None:
        assert api.post("/api/v1/admin/retag", json={"stages": ["smells"]}).status_code == 422
