"""A small library on a real database file, and the means to fill it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.db import Database, WriteSession
from app.models import Base, Photo, PhotoTag, Tag, User
from app.search import index_terms
from app.services.accounts import Viewer, viewer_of

_numbers = itertools.count()


class Library:
    """One user's library in one database; every method commits."""

    def __init__(self, database: Database, username: str = "anna") -> None:
        self.database = database
        with database.write() as session:
            user = User(username=username, username_key=username, password_hash="-")
            session.add(user)
            session.flush()
            self.viewer: Viewer = viewer_of(user)

    def photo(self, *rows: Any, **values: Any) -> Photo:
        """Add a photo; ``rows`` are made by functions of its id: tags, faces, objects and so on."""
        number = next(_numbers)
        taken = values.pop("taken", datetime(2024, 6, 1, 12, 0))
        defaults: dict[str, Any] = {
            "owner_id": self.viewer.user_id,
            "checksum": hashlib.sha256(str(number).encode()).hexdigest(),
            "checksum_sha1": f"{number:040}",
            "size": 1_000_000,
            "format": "jpeg",
            "filename": f"photo{number}.jpg",
            "width": 400,
            "height": 300,
            "status": "ready",
            "taken_local": taken,
            "taken_at": taken.replace(tzinfo=UTC),
            "taken_source": "exif",
            "added_at": datetime(2024, 7, 1, tzinfo=UTC),
        }
        with self.database.write() as session:
            photo = Photo(**(defaults | values))
            session.add(photo)
            session.flush()
            for row in rows:
                made = row(photo)
                session.add_all(made if isinstance(made, list) else [made])
            index_terms(session, photo)
        return photo

    def tag(self, slug: str, parent: str | None = None, zh: str = "", **values: Any) -> int:
        with self.database.write() as session:
            up = self._tag(session, parent).id if parent else None
            name = slug.replace("-", " ")
            row = Tag(slug=slug, parent_id=up, name_en=name, name_zh=zh or slug, **values)
            session.add(row)
            session.flush()
            return row.id

    def _tag(self, session: WriteSession, slug: str) -> Tag:
        return session.query(Tag).filter_by(slug=slug).one()

    def tagged(
        self, slug: str, confidence: float = 0.9, state: str = "suggested", source: str = "scene"
    ) -> Callable[[Photo], PhotoTag]:
        with self.database.read() as session:
            tag_id = session.query(Tag.id).filter_by(slug=slug).scalar()
        return lambda photo: PhotoTag(
            tag_id=tag_id, photo_id=photo.id, source=source, confidence=confidence, state=state, model="m"
        )


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    Base.metadata.create_all(database.engine)
    yield database
    database.dispose()


@pytest.fixture
def make_library(database: Database) -> Callable[..., Library]:
    return lambda **values: Library(database, **values)


@pytest.fixture
def library(database: Database) -> Library:
    return Library(database)
