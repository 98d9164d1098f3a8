"""Delta sync: a copy that applies the changes is the server's own listing, whoever writes at the same time."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import delete, select, text, update

from app import migrate
from app.context import Context
from app.db import Database, new_id, utcnow
from app.models import Album, AlbumPhoto, Change, Face, Person, Photo, PhotoTag, Tag, User
from app.services import accounts
from app.services.accounts import Viewer
from app.services.clients import sync
from tests.conftest import Drawn

PROBLEM = "urn:albumen:problem:"


class Copy:
    """What a phone keeps: things by type and id, and where it stands."""

    def __init__(self, api: TestClient, limit: int = 200) -> None:
        self.api, self.limit = api, limit
        self.cursor: str | None = None
        self.things: dict[tuple[str, str], dict[str, Any]] = {}

    def catch_up(self) -> dict[str, list[Any]]:
        """Apply everything new; what it was, as {changed: [type, ...], deleted: [type, ...]}."""
        said: dict[str, list[Any]] = {"changed": [], "deleted": []}
        while True:
            params = {"limit": self.limit, **({"since": self.cursor} if self.cursor else {})}
            answer = self.api.get("/api/v1/changes", params=params)
            assert answer.status_code == 200, answer.text
            page = answer.json()
            for thing in page["changed"]:
                self.things[thing["type"], thing["id"]] = thing
                said["changed"].append(thing["type"])
            for gone in page["deleted"]:
                self.things.pop((gone["type"], gone["id"]), None)
                said["deleted"].append(gone["type"])
            self.cursor = page["cursor"]
            if not page["has_more"]:
                return {"changed": sorted(set(said["changed"])), "deleted": sorted(set(said["deleted"]))}

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [thing for (type_, _), thing in self.things.items() if type_ == kind]

    def counts(self) -> dict[str, int]:
        trashed = sum(photo["deleted_at"] is not None for photo in self.of("photo"))
        kinds = {"albums": "album", "members": "member", "people": "person", "tags": "tag"}
        return {
            "photos": len(self.of("photo")) - trashed, "trashed": trashed,
            **{name: len(self.of(kind)) for name, kind in kinds.items()},
        }  # fmt: skip


def assert_same(copy: Copy) -> None:
    """The copy is the server's own listing, field by field and in the same order."""
    assert copy.counts() == copy.api.get("/api/v1/changes/counts").json()
    listed: list[dict[str, Any]] = []
    cursor = None
    while True:
        page = copy.api.get(
            "/api/v1/photos", params={"limit": 100, **({"cursor": cursor} if cursor else {})}
        ).json()
        listed += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    mine = [photo for photo in copy.of("photo") if photo["deleted_at"] is None and not photo["archived"]]
    mine.sort(key=lambda photo: (photo["taken_at"], photo["id"]), reverse=True)
    names = [name for name in listed[0] if name not in ("score", "reasons")] if listed else []
    assert [{name: photo[name] for name in names} for photo in mine] == [
        {name: photo[name] for name in names} for photo in listed
    ]
    for album in copy.of("album"):
        if album["kind"] == "manual":
            items = copy.api.get(f"/api/v1/albums/{album['id']}/photos", params={"limit": 500}).json()[
                "items"
            ]
            there = {
                member["photo_id"] for member in copy.of("member")
                if member["album_id"] == album["id"]
                and copy.things["photo", member["photo_id"]]["deleted_at"] is None
            }  # fmt: skip
            assert there == {item["id"] for item in items}


@pytest.fixture
def copy(api: TestClient) -> Copy:
    return Copy(api)


@pytest.fixture
def add(api: TestClient, draw: Drawn) -> Callable[[], str]:
    return lambda: api.post("/api/v1/photos", files={"file": ("a.jpg", draw((64, 48)))}).json()["id"]


class TestWhatChanges:
    def test_a_new_client_gets_everything_in_pages(self, api: TestClient, add: Callable[[], str]) -> None:
        ids = [add() for _ in range(7)]
        api.delete(f"/api/v1/photos/{ids[0]}")
        copy = Copy(api, limit=2)
        copy.catch_up()
        assert {photo["id"] for photo in copy.of("photo")} == set(ids)
        assert_same(copy)
        assert copy.catch_up() == {"changed": [], "deleted": []}

    def test_every_kind_of_change_arrives(self, api: TestClient, copy: Copy, add: Callable[[], str]) -> None:
        photo_id, other = add(), add()
        copy.catch_up()
        url = f"/api/v1/photos/{photo_id}"

        def then(changed: list[str], deleted: list[str] | None = None) -> None:
            assert copy.catch_up() == {"changed": changed, "deleted": deleted or []}
            assert_same(copy)

        api.patch(url, json={"title": "Sea", "rating": 4, "location": {"latitude": 48.86, "longitude": 2.35}})
        then(["photo"])
        assert copy.things["photo", photo_id]["place"]["country_code"] == "FR"
        api.put(f"{url}/tags/beach")
        then(["photo"])
        assert copy.things["photo", photo_id]["tags"] == ["beach"]
        api.put(f"{url}/tags/Our boat")
        then(["photo", "tag"])
        assert copy.of("tag")[0]["name_en"] == "Our boat"
        api.delete(f"{url}/tags/beach")
        then(["photo"])
        assert copy.things["photo", photo_id]["tags"] == ["our-boat"]
        api.delete(f"{url}/tags/our-boat/verdict")
        then(["photo"])
        assert copy.things["photo", photo_id]["tags"] == []
        album = api.post("/api/v1/albums", json={"title": "Trip"}).json()["id"]
        then(["album"])
        api.put(f"/api/v1/albums/{album}/photos/{photo_id}")
        api.put(f"/api/v1/albums/{album}/photos/{other}")
        then(["album", "member"])
        api.delete(f"/api/v1/albums/{album}/photos/{other}")
        then(["album"], ["member"])
        api.patch(f"/api/v1/albums/{album}", json={"title": "Journey"})
        then(["album"])
        assert copy.things["album", album]["title"] == "Journey"
        api.delete(f"/api/v1/albums/{album}")
        then([], ["album", "member"])
        api.post(f"/api/v1/albums/{album}/restore")
        then(["album", "member"])
        api.delete(url)
        then(["photo"])
        assert copy.things["photo", photo_id]["deleted_at"]
        api.delete("/api/v1/trash")
        then([], ["member", "photo"])
        api.post("/api/v1/photos/batch", json={"action": "archive", "ids": [other]})
        then(["photo"])

    def test_people_and_faces(
        self, api: TestClient, copy: Copy, context: Context, anna: Viewer, add: Callable[[], str]
    ) -> None:
        photo_id = UUID(add())
        copy.catch_up()
        person = Person(id=new_id(), owner_id=anna.user_id, name="Mia")
        with context.database.write() as session:
            session.add(person)
            session.flush()
            session.add(
                Face(photo_id=photo_id, score=1, x=0, y=0, width=1, height=1, model="m", person_id=person.id)
            )
        assert copy.catch_up() == {"changed": ["person", "photo"], "deleted": []}
        assert copy.things["photo", str(photo_id)]["people"] == [str(person.id)]
        with (
            context.database.write() as session
        ):  # in bulk, behind the session's back; the faces follow by cascade
            session.execute(delete(Person).where(Person.id == person.id))
        assert copy.catch_up() == {"changed": ["photo"], "deleted": ["person"]}
        assert copy.things["photo", str(photo_id)]["people"] == []
        assert_same(copy)

    def test_bulk_statements_cannot_be_forgotten(
        self, copy: Copy, context: Context, anna: Viewer, add: Callable[[], str]
    ) -> None:
        ids = [UUID(add()) for _ in range(3)]
        copy.catch_up()
        with context.database.write() as session:
            session.execute(update(Photo).where(Photo.owner_id == anna.user_id).values(favorite=True))
        assert copy.catch_up()["changed"] == ["photo"]
        assert all(photo["favorite"] for photo in copy.of("photo"))
        with context.database.write() as session:
            tag = session.scalar(select(Tag.id).where(Tag.slug == "dog"))
            rows = [{"tag_id": tag, "photo_id": i, "source": "scene", "confidence": 0.9} for i in ids]
            session.execute(text("SELECT 1"))
            session.execute(PhotoTag.__table__.insert(), rows)
        copy.catch_up()
        assert [photo["tags"] for photo in copy.of("photo")] == [["dog"]] * 3
        with context.database.write() as session:
            session.execute(delete(Photo).where(Photo.id == ids[0]))
        assert copy.catch_up() == {"changed": [], "deleted": ["photo"]}
        assert_same(copy)

    def test_users_do_not_see_each_others(
        self, bobs_api: TestClient, copy: Copy, draw: Drawn, add: Callable[[], str]
    ) -> None:
        add()
        bobs_api.post("/api/v1/photos", files={"file": ("b.jpg", draw())})
        his = Copy(bobs_api)
        his.catch_up(), copy.catch_up()
        assert len(his.of("photo")) == len(copy.of("photo")) == 1
        assert not set(his.things) & set(copy.things)


class TestCursors:
    def test_nonsense_is_no_cursor(self, api: TestClient) -> None:
        for wrong in ("x", "WzFd", "!!", "bnVsbA"):
            answer = api.get("/api/v1/changes", params={"since": wrong})
            assert (answer.status_code, answer.json()["field"]) == (422, "since")

    def test_after_a_restored_backup_everybody_starts_again(
        self, api: TestClient, copy: Copy, context: Context, add: Callable[[], str]
    ) -> None:
        add()
        copy.catch_up()
        with context.database.write() as session:
            sync.renew_epoch(session)
        answer = api.get("/api/v1/changes", params={"since": copy.cursor})
        assert (answer.status_code, answer.json()["type"]) == (410, PROBLEM + "cursor-expired")
        copy.cursor, copy.things = None, {}
        copy.catch_up()
        assert_same(copy)

    def test_a_history_that_went_back_is_noticed(
        self, api: TestClient, copy: Copy, context: Context, add: Callable[[], str]
    ) -> None:
        add()
        copy.catch_up()
        with context.database.write() as session:
            session.execute(text("UPDATE change_counters SET value = value - 1"))
        assert api.get("/api/v1/changes", params={"since": copy.cursor}).status_code == 410

    def test_forgotten_deletions_expire_only_the_cursors_before_them(
        self, api: TestClient, context: Context, add: Callable[[], str]
    ) -> None:
        ids = [add() for _ in range(4)]
        early, late, slow = Copy(api), Copy(api), Copy(api, limit=1)
        early.catch_up()
        api.delete(f"/api/v1/photos/{ids[3]}")
        api.delete("/api/v1/trash")
        late.catch_up()
        with context.database.write() as session:
            session.execute(update(Change).where(Change.gone).values(at=utcnow() - timedelta(days=200)))
            assert sync.forget_old(session) == 1
        assert api.get("/api/v1/changes", params={"since": early.cursor}).status_code == 410
        late.catch_up()
        assert_same(late)
        slow.catch_up()  # a new client, whose first pages end below what was forgotten
        assert_same(slow)

    def test_a_key_without_albums_gets_none_and_starts_again_with_them(
        self, api: TestClient, anna: Viewer, add: Callable[[], str]
    ) -> None:
        add()
        api.post("/api/v1/albums", json={"title": "Trip"})
        secret = api.post("/api/v1/auth/keys", json={"name": "k", "scopes": ["photos.read"]}).json()["secret"]
        weak = Copy(TestClient(api.app, headers={"Authorization": f"Bearer {secret}"}))
        weak.catch_up()
        assert {kind for kind, _ in weak.things} == {"photo"}
        assert api.get("/api/v1/changes", params={"since": weak.cursor}).status_code == 410

    def test_a_database_from_before_gets_its_numbers(
        self, api: TestClient, context: Context, add: Callable[[], str]
    ) -> None:
        add()
        api.post("/api/v1/albums", json={"title": "Trip"})
        with context.database.write() as session:
            session.execute(text("DELETE FROM changes"))
            session.execute(text("DELETE FROM change_counters"))
        sync.install(context.database)
        copy = Copy(api)
        copy.catch_up()
        assert_same(copy)
        assert len(copy.of("album")) == 1


# --- many writers at once -------------------------------------------------------------------------------------


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    database = Database(
        f"sqlite:///{tmp_path / 'a.db'}" if sqlite else request.getfixturevalue("postgresql_url")
    )
    migrate.upgrade(database)
    yield database
    database.dispose()


class Writer(threading.Thread):
    """Makes, changes and deletes photos, tags and albums of one user, sometimes slow to commit, sometimes failing."""

    def __init__(self, database: Database, owner: UUID, tags: list[int], seed: int, rounds: int) -> None:
        super().__init__()
        self.database, self.owner, self.tags, self.rounds = database, owner, tags, rounds
        self.random = random.Random(seed)
        self.photos: list[UUID] = []
        self.albums: list[UUID] = []
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            for _ in range(self.rounds):
                self.one()
        except BaseException as error:
            self.failure = error

    def one(self) -> None:
        class Abandoned(Exception):
            pass

        try:
            with self.database.write() as session:
                made = self.write(session)
                session.flush()
                if not self.database.is_sqlite and self.random.random() < 0.3:
                    # Take the numbers now and not at the commit, which then comes late and out of order.
                    session.execute(text("SET CONSTRAINTS ALL IMMEDIATE"))
                if self.random.random() < 0.3:
                    time.sleep(self.random.random() * 0.02)
                if self.random.random() < 0.1:
                    raise Abandoned
        except Abandoned:
            return
        if isinstance(made, Photo):
            self.photos.append(made.id)
        elif isinstance(made, Album):
            self.albums.append(made.id)

    def write(self, session: Any) -> Any:
        dice = self.random.random()
        if not self.photos or dice < 0.4:
            photo = Photo(
                id=new_id(), owner_id=self.owner, checksum=new_id().hex * 2, checksum_sha1="0" * 40, size=1,
                format="jpeg", width=1, height=1, taken_local=utcnow().replace(tzinfo=None), taken_at=utcnow(),
                taken_source="added",
            )  # fmt: skip
            session.add(photo)
            return photo
        chosen = self.random.choice(self.photos)
        if dice < 0.6:
            session.execute(update(Photo).where(Photo.id == chosen).values(rating=self.random.randrange(6)))
        elif dice < 0.7:
            session.merge(
                PhotoTag(tag_id=self.random.choice(self.tags), photo_id=chosen, source="user", confidence=1.0)
            )
        elif dice < 0.75:
            session.execute(delete(PhotoTag).where(PhotoTag.photo_id == chosen))
        elif dice < 0.85 and self.albums:
            session.merge(AlbumPhoto(album_id=self.random.choice(self.albums), photo_id=chosen))
        elif dice < 0.93:
            album = Album(id=new_id(), owner_id=self.owner, title=str(dice))
            session.add(album)
            return album
        else:
            session.execute(delete(Photo).where(Photo.id == chosen))
            self.photos.remove(chosen)
        return None


class Reader(threading.Thread):
    """Follows the changes in small pages while others write."""

    def __init__(self, database: Database, viewer: Viewer, limit: int) -> None:
        super().__init__()
        self.database, self.viewer, self.limit = database, viewer, limit
        self.cursor: str | None = None
        self.things: dict[tuple[str, str], Any] = {}
        self.stop = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self.stop.is_set():
                self.page()
        except BaseException as error:
            self.failure = error

    def page(self) -> bool:
        with self.database.read() as session:
            delta = sync.changes(session, self.viewer, self.cursor, self.limit)
        for thing in delta.changed:
            if isinstance(thing, sync.SyncedPhoto):
                self.things["photo", thing.photo.id.hex] = (thing.photo.rating, thing.tags)
            elif isinstance(thing, sync.Member):
                self.things["member", thing.album_id.hex + thing.photo_id.hex] = True
            else:
                self.things[type(thing).__name__.lower(), thing.id.hex] = thing.title  # type: ignore[union-attr]
        for gone in delta.deleted:
            self.things.pop(gone, None)
        self.cursor = delta.cursor
        return delta.has_more


def truth(database: Database, owner: UUID) -> dict[tuple[str, str], Any]:
    with database.read() as session:
        things: dict[tuple[str, str], Any] = {}
        for photo_id, rating in session.execute(
            select(Photo.id, Photo.rating).where(Photo.owner_id == owner)
        ):
            tags = (
                select(Tag.slug)
                .join(PhotoTag, PhotoTag.tag_id == Tag.id)
                .where(PhotoTag.photo_id == photo_id)
            )
            things["photo", photo_id.hex] = (rating, sorted(session.scalars(tags)))
        for album_id, title in session.execute(select(Album.id, Album.title).where(Album.owner_id == owner)):
            things["album", album_id.hex] = title
            for photo_id in session.scalars(
                select(AlbumPhoto.photo_id).where(AlbumPhoto.album_id == album_id)
            ):
                things["member", album_id.hex + photo_id.hex] = True
        return things


@pytest.mark.slow
def test_nothing_is_missed_while_many_write(database: Database) -> None:
    with database.write() as session:
        users = [User(username=str(n), username_key=str(n), password_hash="x") for n in range(2)]
        session.add_all(users)
        session.flush()
        viewers = [accounts.viewer_of(user) for user in users]
        tags = list(session.scalars(select(Tag.id).limit(5)))
    writers = [Writer(database, viewers[n % 2].user_id, tags, n, rounds=60) for n in range(8)]
    readers = [Reader(database, viewer, limit) for viewer in viewers for limit in (1, 7, 200)]
    for thread in (*writers, *readers):
        thread.start()
    for writer in writers:
        writer.join()
    for reader in readers:
        reader.stop.set()
        reader.join()
    assert [thread.failure for thread in (*writers, *readers) if thread.failure] == []
    for reader in readers:
        while reader.page():
            pass
        expected = truth(database, reader.viewer.user_id)
        assert len(expected) > 50
        assert reader.things == expected, "a change was missed"
