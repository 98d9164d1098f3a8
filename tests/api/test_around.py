"""What lies around a photo: its kin, and the albums that hold it."""

from __future__ import annotations

from uuid import UUID

import numpy as np
from fastapi.testclient import TestClient

from app.context import Context
from app.models import Embedding
from tests.conftest import Drawn


def _upload(api: TestClient, draw: Drawn, name: str, year: int) -> str:
    answer = api.post(
        "/api/v1/photos", files={"file": (name, draw())}, data={"taken_at": f"{year}-06-01T12:00:00Z"}
    )
    return str(answer.json()["id"])


def test_the_most_alike_comes_first(api: TestClient, context: Context, draw: Drawn) -> None:
    ids = [_upload(api, draw, f"{n}.jpg", 2020 + n) for n in range(4)]
    with context.database.write() as session:
        for number, (photo_id, angle) in enumerate(zip(ids, (0.0, 0.4, 0.1, 1.5), strict=True)):
            vector = np.array([np.cos(angle), np.sin(angle)], "<f2")
            session.add(
                Embedding(
                    photo_id=UUID(photo_id),
                    kind="visual",
                    model="v",
                    vector=vector.tobytes(),
                    version=number + 1,
                )
            )
    found = api.get(f"/api/v1/photos/{ids[0]}/similar").json()["items"]
    assert [one["filename"] for one in found] == ["2.jpg", "1.jpg"]
    assert found[0]["score"] > found[1]["score"] > 0.9
    assert len(api.get(f"/api/v1/photos/{ids[0]}/similar", params={"limit": 1}).json()["items"]) == 1


def test_a_photo_knows_its_albums(api: TestClient, draw: Drawn) -> None:
    early, late = _upload(api, draw, "a.jpg", 2019), _upload(api, draw, "b.jpg", 2021)
    made = {}
    for title, query in (
        ("Best", None),
        ("Old ones", "year:2019"),
        ("New ones", "year:2021"),
        ("Blue", "name:blue*"),
    ):
        body = {"title": title, "kind": "dynamic", "query": query} if query else {"title": title}
        made[title] = api.post("/api/v1/albums", json=body).json()["id"]
    api.put(f"/api/v1/albums/{made['Best']}/photos/{early}")
    api.put(f"/api/v1/albums/{made['Blue']}/photos/{early}")  # pinned against its rule
    api.delete(f"/api/v1/albums/{made['New ones']}/photos/{late}")  # pinned out of it

    def titles(photo: str) -> list[tuple[str, str]]:
        return [(a["title"], a["kind"]) for a in api.get(f"/api/v1/photos/{photo}/albums").json()["items"]]

    assert titles(early) == [("Best", "manual"), ("Blue", "dynamic"), ("Old ones", "dynamic")]
    assert titles(late) == []
    api.patch(f"/api/v1/photos/{early}", json={"archived": True})
    assert titles(early)[-1] == ("Old ones", "dynamic")  # as the album's own page counts it
