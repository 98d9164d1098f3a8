"""Rules of dynamic albums: both forms, exceptions, order, cover, suggestions, and as text."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from fastapi.testclient import TestClient

from app.context import Context
from tests.conftest import Drawn

V1 = "/api/v1"


@pytest.fixture
def photos(api: TestClient, draw: Drawn) -> dict[str, str]:
    ids = {}
    for year in (2021, 2019, 2020):
        fields = {"taken_at": f"{year}-06-01T12:00:00Z"}
        answer = api.post(f"{V1}/photos", files={"file": (f"{year}.jpg", draw())}, data=fields)
        ids[str(year)] = answer.json()["id"]
    return ids


def make(api: TestClient, **body: Any) -> str:
    answer = api.post(
        f"{V1}/albums", json={"title": "Newer", "kind": "dynamic", "query": "year:>=2020", **body}
    )
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def names(api: TestClient, album: str) -> list[str]:
    return [item["filename"] for item in api.get(f"{V1}/albums/{album}/photos").json()["items"]]


def read_in(api: TestClient, text: str) -> Any:
    return api.post(f"{V1}/albums/rules", content=text.encode(), headers={"Content-Type": "text/plain"})


def test_a_query_is_read_in_both_forms_with_a_live_count(api: TestClient, photos: dict[str, str]) -> None:
    tree = {"not": {"field": "year", "value": "2019"}}
    assert api.post(f"{V1}/queries/parse", json={"query": "  -year:2019 "}).json() == {
        "canonical": "-year:2019", "tree": tree, "count": 2,
    }  # fmt: skip
    assert api.post(f"{V1}/queries/parse", json={"tree": tree}).json()["canonical"] == "-year:2019"
    assert api.post(f"{V1}/queries/parse", json={}).json() == {"canonical": "", "tree": None, "count": 3}


def test_faults_have_a_place(api: TestClient) -> None:
    text = api.post(f"{V1}/queries/parse", json={"query": "year:2024 tga:dog"})
    assert (text.status_code, text.json()["position"]) == (422, 10)
    assert "tag:" in text.json()["suggestions"]
    tree = api.post(f"{V1}/queries/parse", json={"tree": {"all": [{"field": "tga", "value": "x"}]}})
    assert (tree.status_code, tree.json()["path"]) == (422, "all.0.field")
    both = api.post(f"{V1}/queries/parse", json={"query": "a", "tree": {"words": "a"}})
    assert both.status_code == 422


def test_exceptions_are_listed_and_let_go(api: TestClient, photos: dict[str, str]) -> None:
    album = make(api)
    api.put(f"{V1}/albums/{album}/photos/{photos['2019']}")
    api.delete(f"{V1}/albums/{album}/photos/{photos['2021']}")
    assert names(api, album) == ["2020.jpg", "2019.jpg"]
    pins = api.get(f"{V1}/albums/{album}/pins").json()
    assert {pin: [photo["id"] for photo in found] for pin, found in pins.items()} == {
        "always": [photos["2019"]], "never": [photos["2021"]],
    }  # fmt: skip
    for year in ("2019", "2021"):
        assert api.delete(f"{V1}/albums/{album}/pins/{photos[year]}").status_code == 204
    assert names(api, album) == ["2021.jpg", "2020.jpg"]
    manual = api.post(f"{V1}/albums", json={"title": "By hand"}).json()["id"]
    assert api.get(f"{V1}/albums/{manual}/pins").status_code == 409


def test_an_album_is_shown_in_its_order(api: TestClient, photos: dict[str, str]) -> None:
    album = make(api, query="year:>=2019", sort="oldest")
    assert names(api, album) == ["2019.jpg", "2020.jpg", "2021.jpg"]
    api.patch(f"{V1}/albums/{album}", json={"sort": "added"})
    assert names(api, album) == ["2020.jpg", "2019.jpg", "2021.jpg"]
    assert api.get(f"{V1}/albums/{album}").json()["sort"] == "added"
    assert api.patch(f"{V1}/albums/{album}", json={"sort": "random"}).status_code == 422


def test_rules_go_out_as_text_and_come_in_again(
    api: TestClient, bobs_api: TestClient, photos: dict[str, str]
) -> None:
    sea = make(api, title="Sea: and sand", query="year:>=2020", sort="oldest", description="One.\nTwo.")
    make(api, title="A later one", query=f"album:{sea} -year:2021")
    text = api.get(f"{V1}/albums/rules").text
    assert 'rule: album:"Sea: and sand" -year:2021' in text  # by title: an id means nothing elsewhere
    done = read_in(bobs_api, text).json()
    assert {(one["title"], one["outcome"]) for one in done} == {
        ("A later one", "created"),
        ("Sea: and sand", "created"),
    }
    assert bobs_api.get(f"{V1}/albums/rules").text == text
    assert {one["outcome"] for one in read_in(bobs_api, text).json()} == {"unchanged"}
    changed = read_in(bobs_api, text.replace("-year:2021", "-year:2020")).json()
    assert {one["title"]: one["outcome"] for one in changed} == {
        "A later one": "updated",
        "Sea: and sand": "unchanged",
    }
    assert len(bobs_api.get(f"{V1}/albums").json()["items"]) == 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", None),
        ("# nothing\n\n", None),
        ("album: A\nrule: year:2024\n\nalbum: B\n", 4),
        ("album: A\nrule: year:2024\n\ncolour: red\n", 4),
        ("album: A\nrule: year:2024\n\nalbum: B\nrule: yaer:2024\n", 4),
        ("album: A\nrule: album:B\n\nalbum: B\nrule: album:A\n", 1),
        ("album: A\norder: odd\nrule: year:2024\n", 1),
        ("album: A\nalbum: B\nrule: year:2024\n", 2),
    ],
)
def test_a_fault_leaves_nothing_behind_and_says_its_line(
    api: TestClient, text: str, line: int | None
) -> None:
    answer = read_in(api, text)
    assert answer.status_code == 422
    assert answer.json().get("line") == line
    assert api.get(f"{V1}/albums").json()["items"] == []


def test_suggestions_become_albums_with_one_call(api: TestClient, draw: Drawn) -> None:
    for number in range(5):
        photo = api.post(f"{V1}/photos", files={"file": (f"{number}.jpg", draw())},
                         data={"taken_at": "2023-06-01T12:00:00Z", "favorite": "true"}).json()["id"]  # fmt: skip
        assert photo
    (idea,) = api.get(f"{V1}/albums/suggestions").json()
    assert (idea["kind"], idea["title"], idea["count"]) == ("best_of_year", "Best of 2023", 5)
    body = {"title": idea["title"], "kind": "dynamic", "query": idea["query"]}
    assert api.post(f"{V1}/albums", json=body).json()["count"] == 5
    assert api.get(f"{V1}/albums/suggestions").json() == []


def test_the_command_writes_and_reads_rules(api: TestClient, context: Context, tmp_path: Any) -> None:
    make(api, title="Newer")

    def albumen(*arguments: str, **options: Any) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app", "albums", *arguments, "--data", str(context.settings.data)]
        return subprocess.run(command, capture_output=True, text=True, check=False, **options)

    file = tmp_path / "rules.txt"
    assert albumen("export", str(file)).returncode == 0
    assert "rule: year:>=2020" in file.read_text()
    changed = file.read_text().replace("2020", "2021")
    done = albumen("import", input=changed)
    assert (done.returncode, done.stdout.split()) == (0, ["updated", "Newer"])
    wrong = albumen("import", input="album: A\nrule: yaer:2\n")
    assert wrong.returncode == 2
    assert "yaer" in wrong.stderr
