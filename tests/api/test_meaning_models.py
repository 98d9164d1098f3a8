"""Choosing the model that searches by meaning, with tiny ones of three colours fetched from a hub of our own."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from PIL import Image

from app.cli import main
from app.context import Context
from app.search import warm_up
from app.worker import Worker
from ml import registry
from ml.imagetext import TextTower
from ml.semantics import MODEL
from tests import colours
from tests.colours import Hub, InThisProcess, id_of
from tests.conftest import FakeAnalyzer

V1 = "/api/v1"
ADMIN = f"{V1}/admin"
A, B = id_of("a"), id_of("b")
RED, GREEN, BLUE = (240, 10, 10), (10, 240, 10), (10, 10, 240)


class Album:
    """What an administrator and a user do, over the API."""

    def __init__(self, api: TestClient, context: Context) -> None:
        self.api, self.context = api, context
        self._sides = itertools.count(20)

    def add(self, colour: tuple[int, int, int], title: str = "") -> str:
        photo = self.upload(colour)
        if title:
            assert self.api.patch(f"{V1}/photos/{photo}", json={"title": title}).status_code == 200
        Worker(self.context, FakeAnalyzer()).run_once()
        return photo

    def upload(self, colour: tuple[int, int, int]) -> str:
        """A picture of one colour; no two are the same file."""
        out = io.BytesIO()
        Image.new("RGB", (next(self._sides), 30), colour).save(out, "PNG")
        return str(self.api.post(f"{V1}/photos", files={"file": ("a.png", out.getvalue())}).json()["id"])

    def fetch(self, model: str) -> dict[str, Any]:
        job = self.api.post(f"{ADMIN}/models/fetch", json={"model": model}).json()
        Worker(self.context).errand_once()
        return dict(self.api.get(f"{V1}/jobs/{job['id']}").json())

    def choose(self, model: str) -> dict[str, Any]:
        """The chosen model as the list shows it."""
        answer = self.api.post(f"{ADMIN}/models/choose", json={"model": model})
        assert answer.status_code == 200, answer.text
        return self.model(model)

    def model(self, model: str) -> dict[str, Any]:
        return next(m for m in self.api.get(f"{ADMIN}/models").json() if m["id"] == model)

    def look_again(self, **wish: Any) -> dict[str, Any]:
        """A campaign of the stage, carried out."""
        campaign = self.api.post(f"{ADMIN}/retag", json={"stages": ["image-text"], **wish}).json()
        worker = Worker(self.context)
        while worker.run_once():
            pass
        return dict(campaign)

    def search(self, query: str) -> list[str]:
        found = self.api.get(f"{V1}/photos", params={"q": query})
        assert found.status_code == 200, found.text
        return [photo["id"] for photo in found.json()["items"]]


@pytest.fixture
def hub() -> Iterator[Hub]:
    with colours.served() as hub:
        yield hub


@pytest.fixture
def album(
    api: TestClient, context: Context, hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> Album:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setitem(context.__dict__, "lookout", InThisProcess(context))
    return Album(api, context)


def test_from_fetching_to_searching(album: Album) -> None:
    red, green, blue = album.add(RED), album.add(GREEN), album.add(BLUE, title="red herring")
    before = album.model(A)
    assert (before["state"], before["chosen"], before["choice"]) == ("missing", False, True)
    assert before["download"] > album.model("semantic-text/colours-a@test")["download"] > 0
    assert album.api.post(f"{ADMIN}/models/choose", json={"model": A}).status_code == 409
    assert album.fetch(A)["state"] == "done"
    assert album.model("semantic-text/colours-a@test")["state"] == "ready"

    chosen = album.choose(A)
    assert (chosen["chosen"], chosen["stage"], chosen["awaiting"]) == (True, "image-text", 3)
    assert not album.model(MODEL)["chosen"]
    assert album.search("red") == [blue]  # by its title: the model has seen no photo yet
    assert album.look_again(only_outdated=True)["total"] == 3
    assert album.model(A)["awaiting"] == 0
    assert album.look_again(only_outdated=True)["total"] == 0

    assert set(album.search("red")) == {red, blue}
    assert album.search("something Green") == [green]
    assert album.search("红")[0] == red
    assert album.search("velvet") == []  # nothing is near enough
    hit = album.api.get(f"{V1}/photos", params={"q": "green"}).json()["items"][0]
    assert [reason["kind"] for reason in hit["reasons"]] == ["meaning"]
    assert hit["score"] > 0.5
    stages = {s["stage"]: s for s in album.api.get(f"{V1}/photos/{red}").json()["stages"]}
    assert (stages["image-text"]["model"], stages["image-text"]["error"]) == (A, None)


def test_new_photos_are_seen_by_the_chosen_model(album: Album) -> None:
    album.fetch(A)
    album.choose(A)
    green = album.upload(GREEN)
    Worker(album.context).run_once()
    assert album.search("green") == [green]
    assert album.model(A)["awaiting"] == 0


def test_vectors_of_different_models_are_never_compared(album: Album) -> None:
    """A's red is B's green: one wrong comparison would show."""
    red, green = album.add(RED), album.add(GREEN)
    for model in (A, B):
        album.fetch(model)
    album.choose(A)
    album.look_again()
    assert album.search("red") == [red]

    assert album.choose(B)["awaiting"] == 2
    for word in ("red", "green", "blue"):
        assert album.search(word) == []
    assert album.look_again(only_outdated=True)["total"] == 2
    assert album.search("red") == [red]
    assert album.search("green") == [green]

    album.choose(A)  # each photo holds one vector of such models, and it is B's now
    assert album.search("red") == []
    assert album.model(A)["awaiting"] == 2


def test_a_mixed_library_finds_only_what_the_chosen_model_has_seen(album: Album) -> None:
    first, second = album.add(RED, title="one"), album.add(RED, title="two")
    for model in (A, B):
        album.fetch(model)
    album.choose(A)
    album.look_again()
    assert set(album.search("red")) == {first, second}
    album.look_again(query="two", model=B)  # before it is chosen: nothing is missing when it is
    assert album.search("red") == [first]
    assert album.model(A)["awaiting"] == 1
    assert album.choose(B)["awaiting"] == 1
    assert album.search("red") == [second]


def test_the_former_choice_comes_back_at_once_and_a_campaign_is_undone(album: Album) -> None:
    red = album.add(RED)
    for model in (A, B):
        album.fetch(model)
    album.choose(A)
    album.look_again()
    assert album.choose(MODEL)["chosen"]
    assert album.search("red") == []
    album.choose(A)
    assert album.search("red") == [red]  # its vectors were kept

    album.choose(B)
    campaign = album.look_again()
    assert album.api.post(f"{ADMIN}/retag/{campaign['id']}/undo").status_code == 202
    Worker(album.context).errand_once()
    assert album.search("red") == []
    album.choose(A)
    assert album.search("red") == [red]


def test_counts_of_albums_follow_the_choice(album: Album) -> None:
    album.add(RED)
    album.fetch(A)
    made = album.api.post(f"{V1}/albums", json={"title": "Red", "kind": "dynamic", "query": "red"})
    assert made.status_code == 201, made.text

    def count() -> int:
        return int(next(a for a in album.api.get(f"{V1}/albums").json()["items"])["count"])

    assert count() == 0
    album.choose(A)
    album.look_again()
    assert count() == 1
    album.choose(MODEL)
    assert count() == 0
    album.choose(A)
    assert count() == 1


def test_the_server_starts_with_words_and_vectors_at_hand(
    album: Album, monkeypatch: pytest.MonkeyPatch
) -> None:
    album.add(RED)
    album.fetch(A)
    album.choose(A)
    album.look_again()
    asked: list[str] = []
    encode = TextTower.encode
    monkeypatch.setattr(
        TextTower, "encode", lambda self, text: (asked.append(self.entry.id), encode(self, text))[1]
    )
    with album.context.database.read() as session:
        warm_up(session)
    assert asked == ["semantic-text/colours-a@test"]


def test_a_damaged_model_leaves_searching_by_words(album: Album, caplog: pytest.LogCaptureFixture) -> None:
    named, _ = album.add(GREEN, title="red"), album.add(RED)
    album.fetch(A)
    album.choose(A)
    album.look_again()
    graph = (
        album.context.settings.models_dir / registry.get("semantic-text/colours-a@test").folder / "model.onnx"
    )
    graph.write_bytes(graph.read_bytes() + b"\0")
    assert album.search("red") == [named]
    assert "not searched by meaning" in caplog.text
    assert album.model("semantic-text/colours-a@test")["state"] == "damaged"
    assert album.fetch("semantic-text/colours-a@test")["state"] == "done"
    assert len(album.search("red")) == 2


def test_a_file_that_is_not_the_named_one_is_refused_with_its_name(album: Album, hub: Hub) -> None:
    (path,) = [p for p in hub.files if "colours-a" in p and p.endswith("text.onnx")]
    hub.files[path] = hub.files[path][::-1]
    job = album.fetch(A)
    assert (job["state"], job["error_code"]) == ("failed", "model-not-fetched")
    assert "text.onnx" in job["error"]
    assert album.api.post(f"{ADMIN}/models/choose", json={"model": A}).status_code == 409


def test_text_towers_are_no_choice(album: Album) -> None:
    album.fetch(A)
    refused = album.api.post(f"{ADMIN}/models/choose", json={"model": "semantic-text/colours-a@test"})
    assert refused.status_code == 422


def test_the_command_chooses_and_tells_what_is_left(
    album: Album, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    album.add(RED)
    data = ["--data", str(album.context.settings.data)]
    run: Callable[..., int] = lambda *arguments: _run(*arguments, *data)  # noqa: E731
    assert run("models", "choose", A) == 2
    assert "Fetch it first" in capsys.readouterr().err
    assert run("models", "fetch", A) == 0
    assert run("models", "choose", A) == 0
    said = capsys.readouterr().out
    assert f"{A}" in said
    assert "1 photos not looked at yet" in said
    assert "albumen retag --stage image-text --only-outdated" in said
    assert run("retag", "--stage", "image-text", "--only-outdated") == 0
    assert run("models", "choose", "--json") == 0
    assert '"awaiting": 0' in capsys.readouterr().out.rpartition(A)[2]


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    return int(ended.value.code or 0)
