"""Pages, orders, cursors, scores, reasons, and who sees what."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.db import utcnow
from app.errors import BadQuery, Invalid
from app.models import Face, Person, Photo
from app.search import Hit, count_photos, find_ids, find_photos, similar_photos, timeline
from app.search.find import ORDERS


@pytest.fixture(params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, make_database: Any, library_of: Any) -> Any:
    return library_of(make_database(request.param))


@pytest.fixture
def dogs(library: Any) -> Any:
    library.tag("animal", zh="动物")
    library.tag("dog", "animal", zh="狗", synonyms=["小狗"])
    library.tag("golden-retriever", "dog", zh="金毛")
    library.tag("beach", zh="海滩", synonyms=["海边"])
    return library


def search(library: Any, query: str, **options: Any) -> list[Hit]:
    with library.database.read() as session:
        return find_photos(session, library.viewer, query, **options).items


def found(library: Any, query: str, **options: Any) -> list[Photo]:
    return [hit.photo for hit in search(library, query, **options)]


def ids(photos: list[Photo]) -> list[Any]:
    return [photo.id for photo in photos]


@pytest.mark.parametrize(
    "query", ["yellow fruit", "some fruit that is yellow", "黄色水果", "yellow fruit 2024"]
)
def test_a_description_finds_the_tags_it_fits(library: Any, query: str) -> None:
    library.tag("fruit", zh="水果")
    for slug, zh in (("banana", "香蕉"), ("strawberry", "草莓")):
        library.tag(slug, "fruit", zh=zh)
    photo = library.photo(library.tagged("banana"))
    library.photo(library.tagged("strawberry"))
    library.photo(library.tagged("fruit"))
    (hit,) = search(library, query)
    assert hit.photo.id == photo.id
    assert ("tag", "banana") in {(reason.kind, reason.match) for reason in hit.reasons}


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("limit", [1, 2, 3, 50])
def test_pages_meet_without_gap_or_overlap(dogs: Any, order: str, limit: int) -> None:
    start = datetime(2024, 6, 1)
    for number in range(7):
        dogs.photo(
            dogs.tagged("dog", confidence=0.5 + number // 2 / 10),
            taken=start + timedelta(days=number // 3),  # equal times: the id decides
            added_at=start.replace(tzinfo=UTC) + timedelta(hours=number // 2),
        )
    pages: list[Any] = []
    cursor = None
    with dogs.database.read() as session:
        while True:
            page = find_photos(session, dogs.viewer, "dog", order=order, limit=limit, cursor=cursor)
            pages += [hit.photo for hit in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            assert len(page.items) == limit
        whole = find_photos(session, dogs.viewer, "dog", order=order, limit=100).items
    assert ids(pages) == [hit.photo.id for hit in whole]
    assert len(set(ids(pages))) == 7
    keys = {
        "newest": [(p.taken_local, p.id) for p in pages][::-1],
        "oldest": [(p.taken_local, p.id) for p in pages],
        "added": [(p.added_at, p.id) for p in pages][::-1],
        "relevance": [(hit.score, hit.photo.id) for hit in whole][::-1],
    }[order]
    assert keys == sorted(keys)


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 50])
def test_behind_the_ranked_head_come_the_others_by_time(
    dogs: Any, monkeypatch: pytest.MonkeyPatch, limit: int
) -> None:
    monkeypatch.setattr("app.search.ranking.HEAD", 3)
    titled = dogs.photo(title="My dog", taken=datetime(1990, 1, 1))
    plain = [
        dogs.photo(dogs.tagged("dog", 0.5 + day / 100), taken=datetime(2024, 6, day)) for day in range(1, 9)
    ]
    pages: list[Photo] = []
    cursor = None
    with dogs.database.read() as session:
        while True:
            page = find_photos(session, dogs.viewer, "dog", limit=limit, cursor=cursor)
            assert all(hit.score and hit.reasons for hit in page.items)
            pages += [hit.photo for hit in page.items]
            cursor = page.next_cursor
            if cursor is None:
                break
            assert len(page.items) == limit
        assert count_photos(session, dogs.viewer, "dog") == 9
    # The title is found however old it is; of the rest the newest three are ranked, then time decides.
    assert ids(pages) == [titled.id, *ids(plain[::-1])]


def test_cursors_are_checked(dogs: Any) -> None:
    for _ in range(3):
        dogs.photo(dogs.tagged("dog"))
    with dogs.database.read() as session:
        cursor = find_photos(session, dogs.viewer, "dog", limit=1).next_cursor
        assert cursor is not None
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        forged = base64.urlsafe_b64encode(raw[:-1] + bytes([raw[-1] ^ 1])).decode()
        for bad in (
            forged,
            cursor[:-2],
            cursor + "A",
            "x",
            "é",
            "A" * 300,
            "=",
            base64.b64encode(b"[]").decode(),
        ):
            with pytest.raises(Invalid):
                find_photos(session, dogs.viewer, "dog", limit=1, cursor=bad)
        for other in ({"order": "oldest"}, {"trashed": True}, {"archived": True}):
            with pytest.raises(Invalid):
                find_photos(session, dogs.viewer, "dog", limit=1, cursor=cursor, **other)
        with pytest.raises(Invalid):
            find_photos(session, dogs.viewer, "tag:dog", limit=1, cursor=cursor)


@pytest.mark.parametrize("options", [{"order": "random"}, {"limit": 0}, {"limit": 1001}])
def test_options_are_checked(library: Any, options: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        search(library, "", **options)


def test_nobody_sees_another_users_photos(dogs: Any, library_of: Any) -> None:
    other = library_of(dogs.database, "ben")
    person = Person(owner_id=other.viewer.user_id, name="Anna")
    with dogs.database.write() as session:
        session.add(person)
    theirs = other.photo(
        other.tagged("dog"),
        lambda p: Face(photo_id=p.id, score=1, x=0, y=0, width=1, height=1, model="m", person_id=person.id),
        title="secret dog",
    )
    mine = dogs.photo(dogs.tagged("dog"), title="my dog")
    for query in (
        "",
        "dog",
        "tag:dog",
        "secret or dog",
        "-beach",
        "is:archived or dog",
        "person:Anna or dog",
    ):
        assert ids(found(dogs, query)) == [mine.id]
        assert ids(found(other, query)) == [theirs.id]
    assert found(dogs, "secret") == found(dogs, "Anna") == []
    with dogs.database.read() as session:
        assert timeline(session, dogs.viewer) == [("2024-06", 1)]


def test_trash_and_archive(dogs: Any) -> None:
    kept = dogs.photo(dogs.tagged("dog"))
    archived = dogs.photo(dogs.tagged("dog"), archived=True)
    trashed = dogs.photo(dogs.tagged("dog"), deleted_at=utcnow())
    assert ids(found(dogs, "dog")) == [kept.id]
    assert set(ids(found(dogs, "dog", archived=True))) == {kept.id, archived.id}
    assert ids(found(dogs, "dog", trashed=True)) == [trashed.id]
    assert ids(found(dogs, "dog is:archived")) == [archived.id]
    with dogs.database.read() as session:
        assert count_photos(session, dogs.viewer, "dog", trashed=True) == 1
        assert find_ids(session, dogs.viewer, "dog", archived=True) == [archived.id, kept.id]


@pytest.mark.parametrize(
    "query",
    [
        "dog", "Dogs", "puppy or 小狗", "golden retriever", "retriever golden or 金毛", "animals", "动物", "dog beach",
        "a photo of the dog on the beach", "海边小狗", "海边的小狗", "Anna", "anna meier", "Anna dog", "Lisbon",
        "portugal dog", "葡萄牙", "rex", "IMG_7", "img*", '"rex at"', "grand total", "2024", "June", "6月",
        "dog 2024年",
    ],
)  # fmt: skip
def test_free_words_find_evidence_of_every_kind(dogs: Any, query: str) -> None:
    from app.models import TextLine

    person = Person(owner_id=dogs.viewer.user_id, name="Anna Meier")
    with dogs.database.write() as session:
        session.add(person)
    photo = dogs.photo(
        dogs.tagged("golden-retriever", 0.8),
        dogs.tagged("beach", 0.7),
        lambda p: Face(photo_id=p.id, score=1, x=0, y=0, width=1, height=1, model="m", person_id=person.id),
        lambda p: TextLine(photo_id=p.id, content="Grand total", confidence=1, x=0, y=0, width=1, height=1, model="m"),
        title="Rex at the sea", filename="IMG_7.jpg", city="Lisbon", country="Portugal", country_code="PT",
        taken=datetime(2024, 6, 2),
    )  # fmt: skip
    dogs.photo(filename="other.jpg", taken=datetime(2022, 2, 2))
    hits = search(dogs, query)
    assert [hit.photo.id for hit in hits] == [photo.id]
    assert hits[0].score is not None
    assert 0 < hits[0].score <= 1
    assert hits[0].reasons


@pytest.mark.parametrize(
    "query", ["cat", "dog cat", '"at rex"', "dog -beach", "retriever2", "", "x" * 50, "狗 猫", "2023", "July"]
)
def test_free_words_do_not_find_what_is_not_there(dogs: Any, query: str) -> None:
    dogs.photo(dogs.tagged("dog"), dogs.tagged("beach"), title="Rex at the sea", taken=datetime(2024, 6, 2))
    assert len(found(dogs, query)) == (query == "")


def test_the_users_word_comes_first(dogs: Any) -> None:
    weak = dogs.photo(dogs.tagged("dog", 0.3))
    sure = dogs.photo(dogs.tagged("dog", 0.95))
    said = dogs.photo(dogs.tagged("dog", 0.2, "confirmed", "user"))
    titled = dogs.photo(title="The dog", taken=datetime(2020, 1, 1))
    dogs.photo(dogs.tagged("dog", 0.99, "rejected"))
    dogs.photo(dogs.tagged("dog", 0.05))
    order = ids(found(dogs, "dog"))
    assert set(order[:2]) == {said.id, titled.id}
    assert order[2:] == [sure.id, weak.id]


def test_reasons_name_what_matched(dogs: Any) -> None:
    photo = dogs.photo(dogs.tagged("golden-retriever", 0.8), title="Dog at sea", city="Lisbon")
    (hit,) = search(dogs, "dog lisbon", order="newest")
    assert hit.photo.id == photo.id
    reasons = {(r.kind, r.word, r.match, r.confidence) for r in hit.reasons}
    assert reasons == {
        ("tag", "dog", "golden retriever", 0.8),
        ("title", "dog", "", None),
        ("place", "lisbon", "", None),
    }
    assert search(dogs, "tag:dog")[0].reasons == ()
    assert search(dogs, "tag:dog")[0].score is None


def test_confidence_applies_to_free_words(dogs: Any) -> None:
    dogs.photo(dogs.tagged("dog", 0.4))
    sure = dogs.photo(dogs.tagged("dog", 0.9))
    assert ids(found(dogs, "dog confidence:>0.5")) == [sure.id]


def test_changes_are_seen_at_once(dogs: Any) -> None:
    photo = dogs.photo(dogs.tagged("beach"))
    assert found(dogs, "dog") == []
    dogs.tag("sea-dog", "dog", zh="海狗", owner_id=dogs.viewer.user_id)
    with dogs.database.write() as session:
        session.add(dogs.tagged("sea-dog", 1.0, "confirmed", "user")(photo))
    assert ids(found(dogs, "dog")) == [photo.id]


def test_timeline_counts_months(dogs: Any) -> None:
    for day in (
        datetime(2024, 6, 30, 23, 59),
        datetime(2024, 7, 1),
        datetime(2024, 7, 31),
        datetime(999, 1, 1),
    ):
        dogs.photo(dogs.tagged("dog"), taken=day)
    with dogs.database.read() as session:
        assert timeline(session, dogs.viewer, "dog") == [("2024-07", 2), ("2024-06", 1), ("0999-01", 1)]
        with pytest.raises(BadQuery):
            timeline(session, dogs.viewer, "dog:cat")


def test_similar_photos_need_the_viewers_photo(dogs: Any, library_of: Any) -> None:
    from app.errors import NotFound

    other = library_of(dogs.database, "ben")
    photo = dogs.photo()
    with dogs.database.read() as session:
        assert similar_photos(session, dogs.viewer, photo.id) == []
        with pytest.raises(NotFound):
            similar_photos(session, other.viewer, photo.id)
