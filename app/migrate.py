"""Bringing the database to the current schema, and refusing to run on another one."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db import Database
from app.search import numbering
from app.services import sync, tag_counts, vocabulary

_MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


class WrongSchema(Exception):
    """The database's schema is not the one this version of Albumen needs."""


def upgrade(database: Database) -> None:
    """Create or upgrade the schema, then bring the tag vocabulary and the triggers up to date. Safe to repeat."""
    config = _config(database)
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    with database.write() as session:
        vocabulary.sync_vocabulary(session)
    sync.install(database)
    numbering.install(database)
    tag_counts.install(database)


def require_current(database: Database) -> None:
    """Raise WrongSchema, saying what to do, unless the schema is current."""
    head = ScriptDirectory.from_config(_config(database)).get_current_head()
    with database.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current != head:
        raise WrongSchema(
            f"The database is at {current or 'no schema'}, this version needs {head}: run `albumen migrate`."
        )


def _config(database: Database) -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("sqlalchemy.url", database.url.replace("%", "%%"))
    return config
