"""Background work and the administrator's pages, as a person without scripts uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from app.context import Context
from app.worker import Worker
from tests import colours


@pytest.fixture
def worker(context: Context, fake_analyzer: Any, analysis: Callable[..., Any]) -> Worker:
    return Worker(context, fake_analyzer(lambda _image: analysis(("dog", 0.9))))


def found(pattern: str, page: Any) -> str:
    met = re.search(pattern, page.text)
    assert met is not None, page.text
    return met[1]


class TestActivity:
    def test_holding_and_going_on(self, browser: Any, draw: Any, worker: Worker) -> None:
        browser.upload(draw())
        held = browser.post("/activity/pause")
        assert "Held for now" in held.text
        assert worker.run_once() == 0
        assert "Go on with 1" in held.text
        going = browser.post("/activity/resume")
        assert "Waiting or running" in going.text
        worker.run_once()
        done = browser.get("/activity").text
        assert "All done" in done
        assert "a minute" not in done
        browser.upload(draw())
        assert re.search(r"About [\d.]+ a minute", browser.get("/activity").text)

    def test_what_ended_is_gathered_by_kind(self, browser: Any, draw: Any, worker: Worker) -> None:
        for _ in range(3):
            browser.upload(draw())
        while worker.run_once():
            pass
        page = browser.get("/activity").text
        assert "3 done" in page
        assert page.count('class="job gathered"') == 1
        assert page.count("/photo/") == 3  # each of them is below

    def test_a_failure_says_why_and_what_to_do(
        self, browser: Any, draw: Any, context: Context, worker: Worker
    ) -> None:
        for _ in range(2):
            photo = browser.client.get(f"/api/v1/photos/{browser.upload(draw())}").json()
            original = context.storage.original(photo["checksum"])
            original.chmod(0o600)
            original.write_bytes(original.read_bytes()[:200])
        worker.run_once()
        page = browser.get("/activity").text
        assert "Upload" in page or "upload" in page
        assert "upload the photo again from the device" in page
        assert "Try all 2 again" in page
        assert "In progress" in browser.post("/activity/retry-failed").text

    def test_a_campaign_tried_started_held_and_undone(
        self,
        browser: Any,
        draw: Any,
        worker: Worker,
        context: Context,
        fake_analyzer: Any,
        analysis: Callable[..., Any],
    ) -> None:
        from app.services.tagging.vocabulary import sync_vocabulary

        with context.database.write() as session:
            sync_vocabulary(session)
        photo = browser.upload(draw())
        worker.run_once()
        better = Worker(context, fake_analyzer(lambda _image: analysis(("cat", 0.9))))
        tried = browser.post("/activity/retag", {"action": "try", "stage": "tags"})
        assert "A sample is being looked at" in tried.text
        assert better.errand_once()
        shown = browser.get(str(tried.url)).text
        assert "1 of 1 photos looked at" in shown
        assert re.search(r"[Cc]at</a></td><td class=\"figures\">\+1", shown)
        assert re.search(r"[Dd]og</a></td><td class=\"figures\"></td><td class=\"figures\">−1", shown)
        begun = browser.post("/activity/retag", {"action": "start", "stage": "tags"})
        assert "0 of 1" in begun.text
        campaign = found(r'action="(/activity/retag/[0-9a-f-]+)/pause"', begun)
        assert "Paused" in browser.post(f"{campaign}/pause").text
        assert better.run_once() == 0
        browser.post(f"{campaign}/resume")
        better.tick()
        assert "tag%3Acat" in browser.get(f"/photo/{photo}").text
        Worker(context, fake_analyzer()).tick()  # housekeeping sees that the campaign is over
        assert "Being undone" in browser.post(f"{campaign}/undo").text
        assert better.errand_once()
        assert "Undone" in browser.get("/activity").text
        assert "tag%3Acat" not in browser.get(f"/photo/{photo}").text

    def test_what_cannot_be_started_says_why(self, browser: Any, draw: Any) -> None:
        browser.upload(draw())
        for query, said in (("tga:dog", "There is no field"), ("name:nothing", "No photo is found")):
            refused = browser.post("/activity/retag", {"action": "start", "query": query})
            assert refused.status_code == 422
            assert said in refused.text
            assert f'value="{query}"' in refused.text
        assert 'class="campaign"' not in browser.get("/activity").text

    def test_only_administrators_re_tag(self, browser: Any, open_browser: Any, bob: Any) -> None:
        other = open_browser("bob")
        assert 'action="/activity/retag"' not in other.get("/activity").text
        assert other.post("/activity/retag", {"action": "start"}).status_code == 403


class TestAdministration:
    def test_models_can_be_fetched_measured_and_chosen(self, browser: Any, context: Context) -> None:
        page = browser.get("/admin/models").text
        assert "ssdlite-mobilenet-v2-tiled@coco" in page
        assert "Not installed" in page
        assert "Licence" not in page or "Apache" in page
        asked = browser.post("/admin/models/fetch", {"model": "object/ssdlite-mobilenet-v2@coco"})
        assert "Under way" in asked.text
        refused = browser.post("/admin/models/choose", {"model": "object/ssdlite-mobilenet-v2-tiled@coco"})
        assert "not installed" in refused.text

    def test_photos_a_chosen_model_has_not_seen_are_offered_to_it(
        self,
        browser: Any,
        draw: Any,
        context: Context,
        worker: Worker,
        monkeypatch: pytest.MonkeyPatch,
        tmp_path: Any,
    ) -> None:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
        with colours.served():
            model = colours.id_of("a")
            page = browser.get("/admin/models").text
            assert "Searching by meaning" in page
            assert "SigLIP 2 base" in page
            assert "690 MB" in page  # both towers
            browser.upload(draw())
            worker.run_once()
            assert "not installed" in browser.post("/admin/models/choose", {"model": model}).text
            browser.post("/admin/models/fetch", {"model": model})
            worker.errand_once()
            assert "Chosen" in browser.post("/admin/models/choose", {"model": model}).text
            page = browser.get("/admin/models").text
            assert "It has not looked at 1 photo yet" in page
            form = {"stage": "image-text", "only_outdated": "1", "action": "start"}
            assert all(f'name="{name}" value="{value}"' in page for name, value in form.items())
            monkeypatch.setitem(context.__dict__, "lookout", colours.InThisProcess(context))
            assert "being looked at again" in browser.post("/activity/retag", form).text
            Worker(context).run_once()
            assert "It has not looked at" not in browser.get("/admin/models").text

    def test_storage_and_the_check(self, browser: Any, draw: Any, context: Context, worker: Worker) -> None:
        photo = browser.client.get(f"/api/v1/photos/{browser.upload(draw())}").json()
        page = browser.get("/admin/storage").text
        assert "Originals" in page
        assert "anna" in page
        assert "Every file is being read" in browser.post("/admin/check").text
        worker.errand_once()
        assert "1 original read. All is well." in browser.get("/admin/storage").text
        context.storage.original(photo["checksum"]).unlink()
        browser.post("/admin/check")
        worker.errand_once()
        damaged = browser.get("/admin/storage").text
        assert "1 finding." in damaged
        assert "Original missing" in damaged
        browser.client.cookies.set("albumen_language", "zh")
        assert "原片缺失" in browser.get("/admin/storage").text

    def test_health(self, browser: Any, draw: Any, worker: Worker, context: Context) -> None:
        from app.services.upkeep import health

        browser.upload(draw())
        page = browser.get("/admin/health").text
        assert "No worker is alive" in page
        assert "Understanding a photo" in page
        with context.database.write() as session:
            health.beat(session, worker.name)
        page = browser.get("/admin/health").text
        assert "All is well." in page
        assert "Resting" in page

    def test_is_not_for_others(self, open_browser: Any, bob: Any, browser: Any) -> None:
        other = open_browser("bob")
        for path in ("users", "models", "storage", "health"):
            assert other.get(f"/admin/{path}").status_code == 403
            assert "/admin/health" in browser.get(f"/admin/{path}").text, "each page leads to the others"
