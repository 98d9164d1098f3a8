"""The API keeps to its own description, whatever it is asked: see ``tests.fuzz``; ``bench.fuzz`` asks more."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.api.world import Objects, World, installed
from tests.conftest import Drawn
from tests.fuzz import Fuzzer

SECRET = "Zanzibar-at-dawn"
THINGS = (
    "photo_id",
    "album_id",
    "edit_id",
    "job_id",
    "person_id",
    "face_id",
    "first",
    "second",
    "upload_id",
    "key_id",
    "rule_id",
    "photo_merge_id",
)
MORE = ("token", "share_id", "campaign_id")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, empty_album: Path, draw: Drawn) -> Iterator[World]:
    with installed(tmp_path_factory.mktemp("world") / "data", empty_album, draw) as world:
        yield world


@pytest.fixture(scope="module")
def url(world: World) -> Iterator[str]:
    server = uvicorn.Server(uvicorn.Config(world.app, port=0, log_level="error", lifespan="off"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(30)


def test_every_operation_has_a_name_and_a_summary(world: World) -> None:
    document = world.app.openapi()
    operations = [o for methods in document["paths"].values() for o in methods.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names), "clients call operations by these names"
    assert [name for name in names if "__" in name or "api_v1" in name] == []
    assert all(operation["summary"] for operation in operations)


@pytest.mark.slow
@pytest.mark.parametrize("who", ["owner", "other", "admin"])
def test_whatever_is_asked_the_answer_is_as_described(world: World, url: str, who: str) -> None:
    objects = Objects(world)
    ids = {name: objects[name] for name in (*THINGS, *MORE)}
    owner = world.client(Authorization=f"Bearer {world.session('owner')}")
    owner.patch(f"/api/v1/photos/{ids['photo_id']}", json={"title": SECRET, "description": SECRET})
    session = world.session(who)
    fuzzer = Fuzzer(
        url,
        world.app.openapi(),
        {"Authorization": f"Bearer {session}", "x-api-key": session, "X-Auth-Token": session},
        dict(objects) if who == "owner" else {n: i for n, i in objects.items() if n != "token"},  # it opens
        forbidden=() if who == "owner" else (SECRET, ids["photo_id"], ids["album_id"], ids["person_id"]),
        examples=int(os.environ.get("ALBUMEN_FUZZ_EXAMPLES", "3")),
    )
    fuzzer.run()
    assert fuzzer.requests > 300
    assert not fuzzer.failures, f"{len(fuzzer.failures)} kinds of failures:\n" + "\n".join(
        fuzzer.failures.values()
    )
