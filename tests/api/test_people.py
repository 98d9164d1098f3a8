"""People, teaching and evidence through the API."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image
from sqlalchemy import select

from app.context import Context
from app.db import new_id
from app.models import DetectedObject, Face, PeopleSuggestion, Person, PhotoTag, Tag
from app.services.accounts import Viewer
from app.worker import Worker
from tests.conftest import Drawn, FakeAnalyzer

V1 = "/api/v1"


class Faces:
    """Photos with one face each, put to people directly."""

    def __init__(self, api: TestClient, context: Context, viewer: Viewer, draw: Drawn) -> None:
        self.api, self.context, self.viewer, self.draw = api, context, viewer, draw

    def photo(self) -> UUID:
        answer = self.api.post(f"{V1}/photos", files={"file": ("a.jpg", self.draw((400, 300)))})
        return UUID(answer.json()["id"])

    def person(self, count: int, name: str = "") -> tuple[UUID, list[UUID]]:
        person_id, faces = new_id(), []
        photos = [self.photo() for _ in range(count)]
        with self.context.database.write() as session:
            session.add(Person(id=person_id, owner_id=self.viewer.user_id, name=name))
            session.flush()
            for photo_id in photos:
                vector = np.zeros(128, "<f4").tobytes()
                face = Face(id=new_id(), photo_id=photo_id, score=0.9, x=0.5, y=0.25, width=0.2, height=0.3,
                            embedding=vector, model="m", person_id=person_id, person_source="model")  # fmt: skip
                session.add(face)
                faces.append(face.id)
        return person_id, faces


@pytest.fixture
def faces(api: TestClient, context: Context, anna: Viewer, draw: Drawn) -> Faces:
    return Faces(api, context, anna, draw)


def test_people_are_listed_named_and_found(api: TestClient, faces: Faces) -> None:
    person, shown = faces.person(3)
    faces.person(2)
    listed = api.get(f"{V1}/people").json()["items"]
    assert [(p["id"], p["faces"], p["photos"], p["name"]) for p in listed] == [(str(person), 3, 3, "")]
    assert len(api.get(f"{V1}/people", params={"min_faces": 1}).json()["items"]) == 2
    changed = api.patch(f"{V1}/people/{person}", json={"name": "Mia", "cover": str(shown[1])}).json()
    assert (changed["name"], changed["cover_face_id"]) == ("Mia", str(shown[1]))
    by_name = api.get(f"{V1}/photos", params={"q": "person:Mia"}).json()["items"]
    of_person = api.get(f"{V1}/people/{person}/photos").json()["items"]
    assert [p["id"] for p in by_name] == [p["id"] for p in of_person]
    assert len(of_person) == 3
    api.patch(f"{V1}/people/{person}", json={"hidden": True})
    assert api.get(f"{V1}/people").json()["items"] == []
    assert [p["name"] for p in api.get(f"{V1}/people", params={"hidden": True}).json()["items"]] == ["Mia"]


def test_pages_of_photos_and_faces_follow_each_other(api: TestClient, faces: Faces) -> None:
    person, _ = faces.person(5)
    for kind in ("photos", "faces"):
        seen, cursor = [], None
        while True:
            answer = api.get(
                f"{V1}/people/{person}/{kind}", params={"limit": 2, **({"cursor": cursor} if cursor else {})}
            )
            seen += [item["id"] for item in answer.json()["items"]]
            cursor = answer.json()["next_cursor"]
            if cursor is None:
                break
        assert len(set(seen)) == len(seen) == 5
        assert api.get(f"{V1}/people/{person}/{kind}", params={"cursor": "#"}).status_code == 422


def test_merge_and_undo(api: TestClient, faces: Faces) -> None:
    (one, _), (two, _) = faces.person(3, "Mia"), faces.person(4)
    merged = api.post(f"{V1}/people/merge", json={"into": str(one), "people": [str(two)]})
    assert merged.status_code == 200, merged.text
    assert merged.json()["person"]["faces"] == 7
    assert api.get(f"{V1}/people/{two}").status_code == 404
    undone = api.post(f"{V1}/people/merges/{merged.json()['id']}/undo").json()
    assert {p["id"]: p["faces"] for p in undone} == {str(one): 3, str(two): 4}
    assert api.post(f"{V1}/people/merges/{merged.json()['id']}/undo").status_code == 409
    assert api.post(f"{V1}/people/merge", json={"into": str(one), "people": [str(one)]}).status_code == 422


def test_split_and_assign(api: TestClient, faces: Faces) -> None:
    person, shown = faces.person(4)
    other = api.post(f"{V1}/people/{person}/split", json={"faces": [str(shown[0])], "name": "Ben"})
    assert other.status_code == 201
    assert (other.json()["name"], other.json()["faces"]) == ("Ben", 1)
    moved = api.post(f"{V1}/faces/{shown[1]}/assign", json={"person": other.json()["id"]}).json()
    assert (moved["person"], moved["source"]) == (other.json()["id"], "user")
    gone = api.post(f"{V1}/faces/{shown[2]}/assign", json={"person": None}).json()
    assert gone["person"] is None
    both = api.post(f"{V1}/faces/{shown[3]}/assign", json={"person": str(person), "nobody": True})
    assert both.status_code == 422
    assert api.get(f"{V1}/people/{person}").json()["faces"] == 1


def test_suggestions_are_answered(api: TestClient, faces: Faces, context: Context, anna: Viewer) -> None:
    people = [faces.person(3)[0] for _ in range(4)]
    with context.database.write() as session:
        for first, second in (people[:2], people[2:]):
            row = PeopleSuggestion(first_id=first, second_id=second, owner_id=anna.user_id, distance=0.55)
            session.add(row)
    asked = api.get(f"{V1}/people/suggestions").json()["items"]
    assert {(q["first"]["id"], q["second"]["id"]) for q in asked} == {
        (str(people[0]), str(people[1])),
        (str(people[2]), str(people[3])),
    }
    merged = api.post(f"{V1}/people/suggestions/{people[0]}/{people[1]}/accept")
    assert merged.json()["person"]["faces"] == 6
    assert api.post(f"{V1}/people/suggestions/{people[2]}/{people[3]}/reject").status_code == 204
    assert api.get(f"{V1}/people/suggestions").json()["items"] == []
    assert api.post(f"{V1}/people/suggestions/{people[2]}/{people[3]}/accept").status_code == 404


def test_a_face_crop_is_small_square_and_cacheable(
    api: TestClient, faces: Faces, bobs_api: TestClient
) -> None:
    _, (face,) = faces.person(1)
    answer = api.get(f"{V1}/faces/{face}/crop")
    assert answer.headers["content-type"] == "image/webp"
    assert "immutable" in answer.headers["cache-control"]
    with Image.open(BytesIO(answer.content)) as picture:
        assert picture.size == (160, 160)
    again = api.get(f"{V1}/faces/{face}/crop", headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert bobs_api.get(f"{V1}/faces/{face}/crop").status_code == 404


def test_an_objects_boxes_are_its_evidence(api: TestClient, faces: Faces, context: Context) -> None:
    photo = faces.photo()
    Worker(context, FakeAnalyzer()).run_once()
    with context.database.write() as session:
        tag = session.scalars(select(Tag).where(Tag.slug == "dog", Tag.owner_id.is_(None))).one()
        session.add(
            PhotoTag(tag_id=tag.id, photo_id=photo, source="object", confidence=0.8, model="object/test@one")
        )
        session.add(DetectedObject(photo_id=photo, name="dog", confidence=0.8, x=0.5, y=0.5, width=0.5, height=0.5,
                                   model="object/test@one"))  # fmt: skip
    found = api.get(f"{V1}/photos/{photo}/tags/dog/evidence").json()
    assert (found["source"], found["model"], found["confidence"]) == ("object", "object/test@one", 0.8)
    assert [(b["name"], b["box"]["x"]) for b in found["boxes"]] == [("dog", 0.5)]
    picture = api.get(found["heat_map"])
    assert picture.headers["content-type"] == "image/png"
    with Image.open(BytesIO(picture.content)) as image:
        assert image.width / image.height == pytest.approx(400 / 300, rel=0.01)
        alpha = np.array(image)[..., 3]
    assert alpha[-10, -10] > 100
    assert alpha[10, 10] == 0
    assert api.get(f"{V1}/photos/{photo}/explain", params={"tag": "screenshot"}).status_code == 404


def test_a_tag_is_taught_changed_and_deleted(api: TestClient, faces: Faces) -> None:
    photos = [str(faces.photo()) for _ in range(3)]
    body = {"name": "Our boat", "examples": photos[:2], "counter_examples": photos[2:]}
    taught = api.post(f"{V1}/tags", json=body)
    assert taught.status_code == 201, taught.text
    assert (taught.json()["slug"], taught.json()["examples"], taught.json()["counter_examples"]) == (
        "our-boat",
        2,
        1,
    )
    found = api.get(f"{V1}/photos", params={"q": "tag:our-boat"}).json()["items"]
    assert {p["id"] for p in found} == set(photos[:2])
    evidence = api.get(f"{V1}/photos/{photos[0]}/tags/our-boat/evidence").json()
    assert (evidence["source"], evidence["state"]) == ("user", "confirmed")
    renamed = api.patch(f"{V1}/tags/our-boat", json={"name": "The Albatross", "parent": "vehicle"}).json()
    assert renamed["name"] == "The Albatross"
    assert api.patch(f"{V1}/tags/our-boat", json={"parent": "our-boat"}).status_code == 409
    nodes = {node["slug"]: node for node in api.get(f"{V1}/tags").json()}
    assert nodes["our-boat"]["parent"] == "vehicle"
    assert api.patch(f"{V1}/tags/beach", json={"hidden": True}).json()["hidden"] is True
    assert "beach" not in {node["slug"] for node in api.get(f"{V1}/tags").json()}
    assert [tag["slug"] for tag in api.get(f"{V1}/tags/hidden").json()] == ["beach"]
    assert api.delete(f"{V1}/tags/our-boat").status_code == 204
    assert api.delete(f"{V1}/tags/our-boat").status_code == 404
