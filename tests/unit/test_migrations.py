"""The schema: upgrades from empty on both databases, one linear history, no drift between models and migrations."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app import migrate
from app.db import Database
from app.models import Base

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = (
        f"sqlite:///{tmp_path / 'a.db'}"
        if request.param == "sqlite"
        else request.getfixturevalue("postgresql_url")
    )
    database = Database(url)
    yield database
    database.dispose()


def test_upgrading_from_nothing_gives_what_the_models_say(database: Database) -> None:
    with pytest.raises(migrate.WrongSchema):
        migrate.require_current(database)
    migrate.upgrade(database)
    migrate.require_current(database)
    with database.engine.connect() as connection:
        drift = compare_metadata(
            MigrationContext.configure(connection, opts={"compare_type": True}), Base.metadata
        )
    assert drift == []


def test_upgrading_twice_changes_nothing(database: Database) -> None:
    migrate.upgrade(database)
    migrate.upgrade(database)
    migrate.require_current(database)


def test_history_is_one_line_of_dated_files() -> None:
    scripts = ScriptDirectory(str(REPOSITORY / "migrations"))
    assert len(scripts.get_heads()) == 1
    assert len(scripts.get_bases()) == 1
    for path in (REPOSITORY / "migrations/versions").glob("*.py"):
        assert path.name[:10].replace("-", "").isdigit(), path.name
