"""The number on an album's card is always that of its rule now, however often it was shown before."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from app.context import Context
from app.db import WriteSession, new_id, utcnow
from app.models import Album, Edit, Photo, PhotoTag, Tag
from app.services.accounts import Viewer
from app.services.collections import albums


@pytest.fixture
def photo(context: Context, anna: Viewer) -> UUID:
    with context.database.write() as session:
        made = Photo(
            owner_id=anna.user_id, checksum=new_id().hex * 2, checksum_sha1=new_id().hex + "0" * 8, size=1,
            format="jpeg", width=1, height=1, taken_local=datetime(2024, 1, 1), taken_at=utcnow(), taken_source="exif",
        )  # fmt: skip
        session.add(made)
        session.flush()
        return made.id


def tag(session: WriteSession, photo: UUID) -> None:
    dog = session.scalars(select(Tag.id).where(Tag.slug == "dog")).one()
    session.add(PhotoTag(tag_id=dog, photo_id=photo, source="scene", confidence=0.9))


def untag(session: WriteSession, photo: UUID) -> None:
    session.execute(delete(PhotoTag).where(PhotoTag.photo_id == photo))


def rate(session: WriteSession, photo: UUID) -> None:
    session.get_one(Photo, photo).rating = 5


def edit(session: WriteSession, photo: UUID) -> None:
    session.add(Edit(photo_id=photo, recipe=[], status="ready"))


@pytest.mark.parametrize(
    ("rule", "change", "before", "after"),
    [
        ("tag:dog", tag, 0, 1),
        ("-tag:dog", tag, 1, 0),
        ("rating:5", rate, 0, 1),
        ("is:edited", edit, 0, 1),
        ("album:Dogs", tag, 0, 1),
    ],
)
def test_a_change_shows_at_once(
    context: Context,
    anna: Viewer,
    photo: UUID,
    rule: str,
    change: Callable[[WriteSession, UUID], None],
    before: int,
    after: int,
) -> None:
    with context.database.write() as session:
        albums.create_album(session, anna, "Dogs", query="tag:dog")
        chosen = albums.create_album(session, anna, "Chosen", query=rule)

    def shown() -> albums.AlbumSummary:
        with context.database.read() as session:
            return next(s for s in albums.list_albums(session, anna).items if s.album.id == chosen.id)

    assert [shown().count for _ in range(2)] == [before, before]
    with context.database.write() as session:
        change(session, photo)
    assert (shown().count, shown().cover_photo_id) == (after, photo if after else None)


def test_a_rule_that_changes_shows_at_once(context: Context, anna: Viewer, photo: UUID) -> None:
    with context.database.write() as session:
        album = albums.create_album(session, anna, "Dogs", query="rating:0")

    def count() -> int:
        with context.database.read() as session:
            return albums.list_albums(session, anna).items[0].count

    assert count() == 1
    with context.database.write() as session:
        albums.update_album(session, anna, album.id, query="rating:5")
        assert albums.summarise(session, anna, session.get_one(Album, album.id)).count == 0
    assert count() == 0
    with context.database.write() as session:
        tag(session, photo)
        untag(session, photo)
        albums.update_album(session, anna, album.id, query="rating:0")
    assert count() == 1
