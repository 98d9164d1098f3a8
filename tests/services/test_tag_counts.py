"""The counts of the tag tree are those a plain count of the rows gives, whatever is done to photos and tags."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import delete, func, select, update

from app import migrate
from app.db import Database, ReadSession, WriteSession, new_id, utcnow
from app.models import Photo, PhotoTag, Tag, TagCount, User
from app.services.tagging import tag_counts

TAGS = ("tag-a", "tag-b", "tag-c")
SOURCES = ("scene", "object", "user", "guess")
STATES = ("suggested", "confirmed", "rejected")


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path / 'a.db'}" if sqlite else request.getfixturevalue("postgresql_url")
    database = Database(url)
    migrate.upgrade(database)
    yield database
    database.dispose()


@pytest.fixture
def owner(database: Database) -> UUID:
    with database.write() as session:
        user = User(username="anna", username_key="anna", password_hash="-")
        session.add_all([user, *(Tag(slug=t, name_en=t, name_zh=t) for t in TAGS)])
        session.flush()
        return user.id


def tags(session: ReadSession) -> list[int]:
    return list(session.scalars(select(Tag.id).where(Tag.slug.in_(TAGS)).order_by(Tag.id)))


def photo(session: WriteSession, owner: UUID) -> UUID:
    made = Photo(
        owner_id=owner, checksum=new_id().hex * 2, checksum_sha1=new_id().hex + "0" * 8, size=1, format="jpeg",
        width=1, height=1, taken_local=datetime(2024, 1, 1), taken_at=utcnow(), taken_source="exif",
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made.id


def tag(session: WriteSession, photo_id: UUID, tag_id: int, source: str, state: str = "suggested") -> None:
    session.merge(PhotoTag(tag_id=tag_id, photo_id=photo_id, source=source, confidence=0.9, state=state))


def plainly(session: ReadSession, owner: UUID) -> dict[int, int]:
    shown = Photo.deleted_at.is_(None), Photo.archived.is_(False), PhotoTag.state != "rejected"
    rows = session.execute(
        select(PhotoTag.tag_id, func.count(PhotoTag.photo_id.distinct()))
        .join(Photo, Photo.id == PhotoTag.photo_id)
        .where(Photo.owner_id == owner, *shown, PhotoTag.source != "guess")
        .group_by(PhotoTag.tag_id)
    )
    return dict(rows.tuples().all())


def do_something(session: WriteSession, owner: UUID, chance: random.Random) -> None:
    """One random change of the kinds the product makes, many rows in one statement among them."""
    photos, ids = list(session.scalars(select(Photo.id).order_by(Photo.id))), tags(session)
    kind = chance.choice(
        ["photo", "tag", "tag", "tag", "verdict", "untag", "move", "archive", "trash", "purge", "all"]
    )
    if kind == "photo" or not photos:
        photos.append(photo(session, owner))
    one, tag_id = chance.choice(photos), chance.choice(ids)
    if kind == "tag":
        tag(session, one, tag_id, chance.choice(SOURCES), chance.choice(STATES))
    elif kind == "verdict":
        rows = PhotoTag.photo_id == one, PhotoTag.tag_id == tag_id
        session.execute(update(PhotoTag).where(*rows).values(state=chance.choice(STATES)))
    elif kind == "untag":
        session.execute(delete(PhotoTag).where(PhotoTag.photo_id == one))
    elif kind == "move":  # another tag takes the rows over, where it has none of its own
        taken = select(PhotoTag.photo_id).where(PhotoTag.tag_id == ids[0])
        rows = PhotoTag.tag_id == ids[1], PhotoTag.photo_id.not_in(taken)
        session.execute(update(PhotoTag).where(*rows).values(tag_id=ids[0]), execution_options=_UNSYNCED)
    elif kind == "archive":
        session.execute(update(Photo).where(Photo.id == one).values(archived=chance.random() < 0.5))
    elif kind == "trash":
        session.execute(
            update(Photo).where(Photo.id == one).values(deleted_at=chance.choice([None, utcnow()]))
        )
    elif kind == "purge":
        session.execute(delete(Photo).where(Photo.id == one))
    elif kind == "all":
        session.execute(update(Photo).values(archived=False, deleted_at=None), execution_options=_UNSYNCED)


_UNSYNCED = {"synchronize_session": False}


@pytest.mark.parametrize("seed", range(4))
def test_agrees_with_a_plain_count(database: Database, owner: UUID, seed: int) -> None:
    chance = random.Random(seed)
    for turn in range(60):
        with database.write() as session:
            for _ in range(chance.randint(1, 4)):
                do_something(session, owner, chance)
                session.flush()
                session.expire_all()
        if turn % 20 == 19:
            with database.write() as session:
                assert tag_counts.fold(session, least=1) in (0, 1)
        with database.read() as session:
            assert tag_counts.counts(session, owner) == plainly(session, owner)


def test_a_tag_or_user_that_goes_takes_its_counts_along(database: Database, owner: UUID) -> None:
    with database.write() as session:
        first, second, _ = tags(session)
        one = photo(session, owner)
        tag(session, one, first, "scene")
        tag(session, one, second, "scene")
    with database.write() as session:
        session.execute(delete(Tag).where(Tag.id == first))
    with database.read() as session:
        assert tag_counts.counts(session, owner) == {second: 1}
    with database.write() as session:
        session.execute(delete(User).where(User.id == owner))
    with database.read() as session:
        assert session.scalars(select(TagCount)).all() == []


def test_counts_of_an_older_database_are_made_when_it_is_upgraded(database: Database, owner: UUID) -> None:
    with database.write() as session:
        tag(session, photo(session, owner), tags(session)[0], "scene")
        session.execute(delete(TagCount))
    migrate.upgrade(database)
    with database.read() as session:
        assert tag_counts.counts(session, owner) == plainly(session, owner) != {}


def test_two_who_tag_one_photo_at_once_count_it_once(database: Database, owner: UUID) -> None:
    with database.write() as session:
        one, tag_id = photo(session, owner), tags(session)[0]
    started = threading.Barrier(2)

    def add(source: str) -> None:
        started.wait(30)
        with database.write() as session:
            tag(session, one, tag_id, source)

    for _ in range(10):
        threads = [threading.Thread(target=add, args=(source,)) for source in ("scene", "user")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with database.write() as session:
            assert tag_counts.counts(session, owner) == {tag_id: 1}
            session.execute(delete(PhotoTag))
