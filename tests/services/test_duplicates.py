"""Duplicates from upload to undo: real photos, changed as copies are changed, through the worker and the API."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageOps
from sqlalchemy import delete

from app.context import Context
from app.models import DuplicatePair, Face, KeyValue, Person, Photo
from app.services.copies import comparing
from app.worker import Worker

V1 = "/api/v1"


def jpeg(image: Image.Image, quality: int = 90, taken: str = "") -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    if taken:
        exif.get_ifd(0x8769)[0x9003] = taken
    image.convert("RGB").save(buffer, "JPEG", quality=quality, exif=exif)
    return buffer.getvalue()


def crop(image: Image.Image, share: float) -> Image.Image:
    width, height = round(image.width * share), round(image.height * share)
    return image.crop((0, 0, width, height))


@pytest.fixture
def pictures(shared_data: Path) -> list[Image.Image]:
    files = sorted((shared_data / "photos" / "scenes").glob("*.jpg"))[:4]
    found = []
    for file in files:
        image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        image.thumbnail((800, 800))
        found.append(image)
    return found


@pytest.fixture
def worker(context: Context, fake_analyzer: Any) -> Worker:
    """Sees every picture as its colours on a coarse grid: alike for copies, unlike for different photos."""
    from ml.types import Analysis, StageRun

    def see(pixels: Any) -> Analysis:
        small = np.asarray(Image.fromarray(pixels[..., :3]).resize((6, 6), Image.Resampling.BOX), np.float32)
        vector = (small - small.mean((0, 1))).ravel()
        vector = vector / (np.linalg.norm(vector) or 1)
        return Analysis(visual=vector, stages=(StageRun("scenes", "grid", "1", 0.0),))

    return Worker(context, analyzer=fake_analyzer(see))


def upload(api: TestClient, name: str, data: bytes) -> str:
    answer = api.post(f"{V1}/photos", files={"file": (name, data)})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def work(worker: Worker) -> None:
    while worker.run_once():
        pass


def groups(api: TestClient, **options: Any) -> list[dict[str, Any]]:
    return list(api.get(f"{V1}/duplicates", params=options).json()["items"])


def ids(group: dict[str, Any]) -> set[str]:
    return {photo["id"] for photo in group["photos"]}


def test_copies_are_found_and_bursts_are_kept_apart_from_them(
    api: TestClient, bobs_api: TestClient, worker: Worker, pictures: list[Image.Image]
) -> None:
    one, two, three, four = pictures
    original = upload(api, "original.jpg", jpeg(one, 95))
    copies = [
        upload(api, "messenger.jpg", jpeg(one, 40)),
        upload(api, "small.jpg", jpeg(one.resize((one.width // 3, one.height // 3)))),
        upload(api, "crop.jpg", jpeg(crop(one, 0.98))),
    ]
    burst = [
        upload(api, "a.jpg", jpeg(two, taken="2024:06:01 12:00:00")),
        upload(api, "b.jpg", jpeg(crop(two.rotate(1), 0.97).resize(two.size), taken="2024:06:01 12:00:01")),
    ]
    upload(api, "alone.jpg", jpeg(three))
    upload(api, "mirrored.jpg", jpeg(ImageOps.mirror(three)))
    upload(bobs_api, "his.jpg", jpeg(one, 80))
    upload(api, "another.jpg", jpeg(four))
    work(worker)
    by_kind = {group["kind"]: group for group in groups(api)}
    assert len(groups(api)) == 2
    assert ids(by_kind["copy"]) == {original, *copies}
    assert by_kind["copy"]["keeper"] == original == by_kind["copy"]["photos"][0]["id"]
    assert "pixels" in by_kind["copy"]["reasons"] or "size" in by_kind["copy"]["reasons"]
    assert ids(by_kind["similar"]) == set(burst)
    assert groups(bobs_api) == []
    assert [group["kind"] for group in groups(api, kind="similar")] == ["similar"]


def test_a_new_upload_joins_the_copies_that_were_there(
    api: TestClient, worker: Worker, pictures: list[Image.Image]
) -> None:
    first = upload(api, "a.jpg", jpeg(pictures[0], 90))
    work(worker)
    assert groups(api) == []
    second = upload(api, "b.jpg", jpeg(pictures[0], 50))
    work(worker)
    third = upload(api, "c.jpg", jpeg(pictures[0], 30))
    work(worker)
    (group,) = groups(api)
    assert ids(group) == {first, second, third}


def test_what_was_said_to_be_different_is_never_asked_again(
    api: TestClient, worker: Worker, pictures: list[Image.Image]
) -> None:
    pair = [upload(api, f"{q}.jpg", jpeg(pictures[0], q)) for q in (90, 50)]
    work(worker)
    assert len(groups(api)) == 1
    assert api.post(f"{V1}/duplicates/dismiss", json={"ids": pair}).status_code == 204
    assert groups(api) == []
    for photo in pair:
        api.post(f"{V1}/photos/batch", json={"ids": [photo], "action": "retag"})
    work(worker)
    assert groups(api) == []
    assert api.delete(f"{V1}/duplicates/dismiss", params={"ids": pair}).status_code == 204
    assert len(groups(api)) == 1


def state(api: TestClient, context: Context, photo: str, album: str) -> dict[str, Any]:
    """Everything a merge may change of one photo."""
    known = api.get(f"{V1}/photos/{photo}").json()
    kept = ("title", "description", "favorite", "rating", "deleted_at")
    members = [item["id"] for item in api.get(f"{V1}/albums/{album}/photos").json()["items"]]
    with context.database.read() as session:
        faces = session.query(Face).filter(Face.photo_id == UUID(photo)).order_by(Face.id).all()
        people = [(face.person_id, face.person_source) for face in faces]
    return {
        **{name: known[name] for name in kept},
        "tags": sorted((tag["slug"], tag["state"]) for tag in known["tags"]),
        "in_album": photo in members, "cover": api.get(f"{V1}/albums/{album}").json()["cover_photo_id"],
        "people": people,
    }  # fmt: skip


def test_a_merge_keeps_everything_and_can_be_undone(
    api: TestClient, context: Context, worker: Worker, pictures: list[Image.Image]
) -> None:
    keeper = upload(api, "big.jpg", jpeg(pictures[0], 95))
    other = upload(api, "small.jpg", jpeg(pictures[0], 40))
    work(worker)
    api.patch(f"{V1}/photos/{keeper}", json={"title": "Mine", "rating": 2})
    said = {"title": "Other", "description": "By the lake", "favorite": True, "rating": 4}
    api.patch(f"{V1}/photos/{other}", json=said)
    for slug in ("beach", "dog"):
        api.put(f"{V1}/photos/{other}/tags/{slug}")
    api.delete(f"{V1}/photos/{keeper}/tags/dog")  # the keeper's own verdict stays
    album = api.post(f"{V1}/albums", json={"title": "Lake"}).json()["id"]
    api.put(f"{V1}/albums/{album}/photos/{other}")
    api.patch(f"{V1}/albums/{album}", json={"cover_photo_id": other})
    with context.database.write() as session:
        owner = session.get(Photo, UUID(keeper)).owner_id
        anna = Person(owner_id=owner, name="Anna", settled=True)
        session.add(anna)
        session.flush()
        box = {"score": 0.9, "width": 0.2, "height": 0.2, "model": "m"}
        session.add(Face(photo_id=UUID(keeper), x=0.1, y=0.1, **box))
        session.add(Face(photo_id=UUID(keeper), x=0.7, y=0.7, **box))
        session.add(Face(photo_id=UUID(other), x=0.11, y=0.1, person_id=anna.id, person_source="user", **box))
    before = {photo: state(api, context, photo, album) for photo in (keeper, other)}

    merged = api.post(f"{V1}/duplicates/merge", json={"keeper": keeper, "others": [other]}).json()
    now = state(api, context, keeper, album)
    assert (now["title"], now["description"], now["favorite"], now["rating"]) == (
        "Mine",
        "By the lake",
        True,
        4,
    )
    assert ("beach", "confirmed") in now["tags"]
    assert ("dog", "rejected") in now["tags"]
    assert now["in_album"]
    assert now["cover"] == keeper
    assert [person == anna.id for person, _ in now["people"]] == [True, False]
    assert api.get(f"{V1}/photos/{other}").json()["deleted_at"] is not None
    assert groups(api) == []

    undone = api.post(f"{V1}/duplicates/merges/{merged['id']}/undo")
    assert [photo["id"] for photo in undone.json()] == [keeper, other]
    assert {photo: state(api, context, photo, album) for photo in (keeper, other)} == before
    assert len(groups(api)) == 1
    again = api.post(f"{V1}/duplicates/merges/{merged['id']}/undo")
    assert again.status_code == 409


def test_an_emptied_trash_is_told(api: TestClient, worker: Worker, pictures: list[Image.Image]) -> None:
    keeper, other = (upload(api, f"{q}.jpg", jpeg(pictures[0], q)) for q in (90, 50))
    merged = api.post(f"{V1}/duplicates/merge", json={"keeper": keeper, "others": [other]}).json()
    api.delete(f"{V1}/trash")
    answer = api.post(f"{V1}/duplicates/merges/{merged['id']}/undo")
    assert answer.status_code == 409
    assert "trash" in answer.json()["detail"]


def test_refusals(api: TestClient, bobs_api: TestClient, worker: Worker, pictures: list[Image.Image]) -> None:
    one, two = (upload(api, f"{q}.jpg", jpeg(pictures[0], q)) for q in (90, 50))
    his = upload(bobs_api, "his.jpg", jpeg(pictures[1]))
    for body, status in (
        ({"keeper": one, "others": [one]}, 422), ({"keeper": one, "others": []}, 422),
        ({"keeper": one, "others": [his]}, 404), ({"keeper": his, "others": [one]}, 404),
    ):  # fmt: skip
        assert api.post(f"{V1}/duplicates/merge", json=body).status_code == status
    api.delete(f"{V1}/photos/{two}")
    assert api.post(f"{V1}/duplicates/merge", json={"keeper": one, "others": [two]}).status_code == 409
    assert api.post(f"{V1}/duplicates/dismiss", json={"ids": [one, his]}).status_code == 404
    assert api.get(f"{V1}/duplicates", params={"kind": "odd"}).status_code == 422
    assert api.get(f"{V1}/duplicates", params={"cursor": "odd"}).status_code == 422


def test_pages_of_groups(api: TestClient, worker: Worker, pictures: list[Image.Image]) -> None:
    for number in range(3):
        for quality in (90, 50):
            upload(api, f"{number}{quality}.jpg", jpeg(pictures[number], quality))
    work(worker)
    first = api.get(f"{V1}/duplicates", params={"limit": 2}).json()
    second = api.get(f"{V1}/duplicates", params={"limit": 2, "cursor": first["next_cursor"]}).json()
    assert (len(first["items"]), len(second["items"]), first["total"]) == (2, 1, 3)
    assert second["next_cursor"] is None
    assert not first["searching"]
    assert len({group["id"] for group in [*first["items"], *second["items"]]}) == 3


def test_a_library_from_before_is_compared_once(
    api: TestClient, context: Context, worker: Worker, pictures: list[Image.Image]
) -> None:
    for quality in (90, 50):
        upload(api, f"{quality}.jpg", jpeg(pictures[0], quality))
    work(worker)
    with context.database.write() as session:
        assert comparing.request_first_search(session) == 0
        session.execute(delete(DuplicatePair))
        session.execute(delete(KeyValue).where(KeyValue.key.startswith(comparing.KIND)))
    assert groups(api) == []
    with context.database.write() as session:
        assert comparing.request_first_search(session) == 1
    assert api.get(f"{V1}/duplicates").json()["searching"]
    work(worker)
    assert len(groups(api)) == 1
