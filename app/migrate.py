"""Bringing the database to the current schema, and refusing to run on another one."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, MetaData, inspect, text

from app.db import Database
from app.models import User
from app.search import numbering, pgvector
from app.services import accounts
from app.services.clients import sync
from app.services.tagging import tag_counts, vocabulary

_MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


class WrongSchema(Exception):
    """The database's schema is not the one this version of Albumen needs."""


def upgrade(database: Database) -> None:
    """Create or upgrade the schema, then bring the tag vocabulary and the triggers up to date. Safe to repeat."""
    config = alembic_config(database)
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
    with database.write() as session:
        vocabulary.sync_vocabulary(session)
    sync.install(database)
    numbering.install(database)
    pgvector.install(database)
    tag_counts.install(database)


def require_current(database: Database) -> None:
    """Raise WrongSchema, saying what to do, unless the schema is current."""
    head = expected_schema()
    with database.engine.connect() as connection:
        revision = current(connection)
    if revision != head:
        raise WrongSchema(
            f"The database is at {revision or 'no schema'}, this version needs {head}: run `albumen migrate`."
        )


def current(connection: Connection) -> str | None:
    """The revision of the schema the database has; None before the first migration."""
    # Asked without Alembic, which would log every look of a health probe.
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.scalar(text("select version_num from alembic_version"))


@cache
def expected_schema() -> str:
    """The revision this version of Albumen needs."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return str(ScriptDirectory.from_config(config).get_current_head())


def knows(database: Database, revision: str) -> bool:
    """Whether this version of Albumen can upgrade a schema of that revision."""
    return any(
        script.revision == revision
        for script in ScriptDirectory.from_config(alembic_config(database)).walk_revisions()
    )


def has_users(database: Database) -> bool:
    """Whether somebody uses the album: whether there is anything to lose."""
    if not inspect(database.engine).has_table(User.__tablename__):
        return False
    with database.read() as session:
        return accounts.has_users(session)


def recreate(database: Database, revision: str) -> None:
    """Replace whatever schema there is by the empty one of ``revision``. For an album without users only."""
    if has_users(database):
        raise WrongSchema("The database is in use.")
    config = alembic_config(database)
    pgvector.remove(database)
    with database.engine.begin() as connection:
        there = MetaData()
        there.reflect(connection)
        there.drop_all(connection)
    with database.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
        connection.commit()


def alembic_config(database: Database) -> Config:
    """How Alembic finds the migrations and this database."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.set_main_option("sqlalchemy.url", database.url.replace("%", "%%"))
    return config
