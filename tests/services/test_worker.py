"""The worker: what it does with pending photos, failures, leases, verdicts of users."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from sqlalchemy import select

from app.context import Context
from app.db import utcnow
from app.models import Job, Photo, Stage
from app.services import intake, jobs, photos
from app.services.accounts import Viewer
from app.services.upkeep.check import check
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer


def add(context: Context, viewer: Viewer, data: bytes, **options: Any) -> intake.Added:
    return intake.add_stream(context, viewer, BytesIO(data), intake.Options(**options))


def the_job(context: Context) -> Job:
    with context.database.read() as session:
        return session.scalars(select(Job)).one()


def tags(context: Context, viewer: Viewer, photo_id: Any) -> dict[str, tuple[str, str]]:
    with context.database.read() as session:
        seen = photos.describe(session, viewer, photo_id).tags
    return {t.tag.slug: (t.source, t.state) for t in seen}


@pytest.fixture
def photo(context: Context, anna: Viewer, draw: Drawn) -> intake.Added:
    return add(context, anna, draw())


def test_a_pending_photo_becomes_ready_with_tags_renditions_and_provenance(
    context: Context, anna: Viewer, photo: intake.Added, analysis: Callable[..., Any]
) -> None:
    worker = Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9), ("animal", 0.95))))
    assert worker.run_once() == 1
    with context.database.read() as session:
        detail = photos.describe(session, anna, photo.id)
    assert detail.photo.status == "ready"
    assert {(t.tag.slug, t.model) for t in detail.tags} == {
        ("dog", "scene/test@one"),
        ("animal", "scene/test@one"),
    }
    assert {stage.stage for stage in detail.stages} == {"renditions", "tags"}
    for kind in ("grid", "preview"):
        assert context.storage.rendition(detail.photo.checksum, kind).is_file()
    assert the_job(context).state == "done"
    assert worker.run_once() == 0


def test_photos_are_analysed_in_batches(context: Context, anna: Viewer, draw: Drawn) -> None:
    for _ in range(5):
        add(context, anna, draw())
    analyzer = FakeAnalyzer()
    Worker(context, analyzer).run_once()
    assert analyzer.batches == [5]


def test_a_users_verdicts_survive_every_analysis(
    context: Context, anna: Viewer, photo: intake.Added, analysis: Callable[..., Any]
) -> None:
    worker = Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9), ("cat", 0.6))))
    worker.run_once()
    with context.database.write() as session:
        photos.reject_tag(session, anna, photo.id, "cat")
        photos.confirm_tag(session, anna, photo.id, "beach")
        photos.confirm_tag(session, anna, photo.id, "Grandma's garden")
        photos.request_analysis(session, anna, photo.id)
    worker.run_once()
    assert tags(context, anna, photo.id) == {
        "beach": ("user", "confirmed"),
        "grandma-s-garden": ("user", "confirmed"),
        "dog": ("scene", "suggested"),
        "cat": ("scene", "rejected"),
    }


def test_what_a_newer_model_no_longer_sees_goes_but_confirmed_tags_stay(
    context: Context, anna: Viewer, photo: intake.Added, analysis: Callable[..., Any]
) -> None:
    see = {"now": analysis(("dog", 0.9), ("cat", 0.6))}
    worker = Worker(context, FakeAnalyzer(lambda _i: see["now"]))
    worker.run_once()
    with context.database.write() as session:
        photos.confirm_tag(session, anna, photo.id, "dog")
        photos.request_analysis(session, anna, photo.id)
    see["now"] = analysis(("bird", 0.8), model="scene/test@two")
    worker.run_once()
    assert tags(context, anna, photo.id) == {"dog": ("user", "confirmed"), "bird": ("scene", "suggested")}


def test_a_failing_stage_keeps_the_old_results_and_says_why(
    context: Context, anna: Viewer, photo: intake.Added, analysis: Callable[..., Any]
) -> None:
    from ml.types import Analysis, StageRun

    see = {"now": analysis(("dog", 0.9))}
    worker = Worker(context, FakeAnalyzer(lambda _i: see["now"]))
    worker.run_once()
    with context.database.write() as session:
        photos.request_analysis(session, anna, photo.id)
    see["now"] = Analysis(stages=(StageRun("tags", "scene/test@one", "1", 0.1, error="out of luck"),))
    worker.run_once()
    assert tags(context, anna, photo.id) == {"dog": ("scene", "suggested")}
    with context.database.read() as session:
        stage = session.get(Stage, (photo.id, "tags"))
    assert stage is not None
    assert stage.error == "out of luck"


def test_a_passing_fault_is_retried_and_a_lasting_one_parked(
    context: Context, anna: Viewer, photo: intake.Added
) -> None:
    def broken(_image: Any) -> Any:
        raise OSError("the disk is away")

    worker = Worker(context, FakeAnalyzer(broken))
    for attempt in range(1, jobs.MAX_ATTEMPTS + 1):
        assert worker.run_once() == 1
        job = the_job(context)
        assert job.attempts == attempt
        if attempt < jobs.MAX_ATTEMPTS:
            assert job.state == "ready"
            assert worker.run_once() == 0  # backing off
            with context.database.write() as session:
                session.get_one(Job, job.id).run_after = utcnow()
    assert the_job(context).state == "failed"
    with context.database.read() as session:
        row = session.get_one(Photo, photo.id)
    assert row.status == "failed"
    assert "the disk is away" in (row.error or "")


def test_a_missing_original_is_parked_at_once_and_found_by_check(
    context: Context, anna: Viewer, photo: intake.Added
) -> None:
    context.storage.original(photo.checksum).unlink()
    Worker(context, FakeAnalyzer()).run_once()
    assert {finding.kind for finding in check(context)} >= {"missing-original"}


def test_one_bad_photo_does_not_hold_up_the_others(
    context: Context, anna: Viewer, draw: Drawn, analysis: Callable[..., Any]
) -> None:
    good, bad, also_good = (add(context, anna, draw()) for _ in range(3))
    path = context.storage.original(bad.checksum)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes()[:100])
    Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9)))).run_once()
    with context.database.read() as session:
        states = [session.get_one(Photo, p.id).status for p in (good, bad, also_good)]
    assert states == ["ready", "failed", "ready"]


def test_a_cancelled_job_is_not_done_and_can_be_retried(
    context: Context, anna: Viewer, photo: intake.Added
) -> None:
    with context.database.write() as session:
        jobs.cancel(session, anna, the_job(context).id)
    worker = Worker(context, FakeAnalyzer())
    assert worker.run_once() == 0
    with context.database.write() as session:
        jobs.retry(session, anna, the_job(context).id)
    assert worker.run_once() == 1
    assert the_job(context).state == "done"


class TestLeases:
    def claim(self, context: Context, worker: str) -> list[Job]:
        with context.database.write() as session:
            return jobs.claim(session, worker, ["analyse"], 10, 300)

    def test_no_job_is_claimed_twice(self, context: Context, anna: Viewer, draw: Drawn) -> None:
        for _ in range(6):
            add(context, anna, draw())
        with context.database.write() as session:
            first = jobs.claim(session, "a", ["analyse"], 4, 300)
        second = self.claim(context, "b")
        assert (len(first), len(second)) == (4, 2)
        assert not {j.id for j in first} & {j.id for j in second}

    def test_an_expired_lease_is_taken_over_and_the_old_holder_changes_nothing(
        self, context: Context, photo: intake.Added
    ) -> None:
        (job,) = self.claim(context, "elsewhere/1/1")
        with context.database.write() as session:
            session.get_one(Job, job.id).lease_until = utcnow() - timedelta(seconds=1)
        with context.database.write() as session:
            assert jobs.reap(session) == []
        assert Worker(context, FakeAnalyzer()).run_once() == 1
        with context.database.write() as session:
            assert not jobs.finish(session, "elsewhere/1/1", job.id)

    def test_a_living_holders_job_is_left_alone(self, context: Context, photo: intake.Added) -> None:
        self.claim(context, jobs.worker_name())
        with context.database.write() as session:
            jobs.reap(session)
        assert the_job(context).state == "running"

    def test_a_dead_process_of_this_host_is_noticed_at_once(
        self, context: Context, photo: intake.Added
    ) -> None:
        host = jobs.worker_name().partition("/")[0]
        self.claim(context, f"{host}/999999999/1")
        with context.database.write() as session:
            jobs.reap(session)
        assert the_job(context).state == "ready"

    def test_a_photo_that_kills_every_worker_is_given_up_and_says_so(
        self, context: Context, anna: Viewer, photo: intake.Added
    ) -> None:
        worker = Worker(context, FakeAnalyzer())
        host = jobs.worker_name().partition("/")[0]
        for _ in range(jobs.MAX_ATTEMPTS):
            assert len(self.claim(context, f"{host}/999999999/1")) == 1
            worker._housekeeping()
            worker._due["reap"] = 0.0
        assert the_job(context).state == "failed"
        with context.database.read() as session:
            assert session.get_one(Photo, photo.id).status == "failed"


@pytest.mark.slow
def test_a_worker_ends_at_whatever_moment_it_is_told_to(context: Context) -> None:
    program = """
import os, signal, sys, threading
from pathlib import Path
from app import worker
from app.context import Context
from app.settings import Settings

worker._IDLE_SECONDS = 0.0005  # it looks for work all the time: most signals meet it between two looks
worker.os.nice = lambda _by: None
worker.Worker._housekeeping = lambda _self: None
worker.Worker.run_once = lambda _self: 0
for number in range(80):
    threading.Timer(0.03 + 0.0001 * number, lambda: os.kill(os.getpid(), signal.SIGTERM)).start()
    worker.run(Context.open(Settings(data=Path(sys.argv[1]))))
"""
    ended = subprocess.run(
        [sys.executable, "-c", program, str(context.settings.data)],
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
