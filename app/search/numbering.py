"""Numbers for vectors: what lets every process follow the ``embeddings`` table without missing a row.

``Embedding.version`` comes from one counter row that only grows, written by triggers, so that no way of writing a
vector can be forgotten. A transaction that takes a number holds the counter until it ends (SQLite has one writer;
PostgreSQL locks the row), so numbers become visible in their order: who has seen ``n`` has seen every smaller number
that will ever be. A vector that is deleted and comes back gets a new number, as does one that changes.

On PostgreSQL the triggers wait for the commit and one number serves the whole transaction, so the counter is held
only briefly. They lock the owner's change counter first, as ``app.services.clients.sync`` does in the same commit: two
workers with photos of one owner then take both locks in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import func, select

from app.db import Database, ReadSession, insert_into
from app.models import Embedding, VectorCounter


def newest_number(session: ReadSession) -> int:
    """The last number given to a vector of this database; -1 before there is any."""
    value = session.scalar(select(VectorCounter.value))
    return -1 if value is None else value


def install(database: Database) -> None:
    """Put counter and triggers into the database, in place of older ones."""
    with database.write() as session:
        last = session.scalar(select(func.max(Embedding.version))) or 0
        session.execute(insert_into(session, VectorCounter).values(id=1, value=last).on_conflict_do_nothing())
        for statement in _sqlite() if database.is_sqlite else _postgresql():
            session.connection().exec_driver_sql(statement)


def _sqlite() -> Iterator[str]:
    for event in ("INSERT", "UPDATE OF model, vector"):
        name = f"number_vector_{event.split()[0].lower()}"
        yield f"DROP TRIGGER IF EXISTS {name}"
        yield f"""
            CREATE TRIGGER {name} AFTER {event} ON embeddings BEGIN
                UPDATE vector_counter SET value = value + 1;
                UPDATE embeddings SET version = (SELECT value FROM vector_counter)
                WHERE photo_id = NEW.photo_id AND kind = NEW.kind;
            END"""  # noqa: S608


def _postgresql() -> Iterator[str]:
    yield """
        CREATE OR REPLACE FUNCTION number_vector() RETURNS trigger AS $$
        DECLARE number bigint := nullif(current_setting('albumen.vector_number', true), '')::bigint;
        BEGIN
            IF number IS NULL THEN
                PERFORM 1 FROM change_counters
                WHERE owner_id = (SELECT owner_id FROM photos WHERE id = NEW.photo_id) FOR UPDATE;
                UPDATE vector_counter SET value = value + 1 RETURNING value INTO number;
                PERFORM set_config('albumen.vector_number', number::text, true);
            END IF;
            UPDATE embeddings SET version = number WHERE photo_id = NEW.photo_id AND kind = NEW.kind;
            RETURN NULL;
        END $$ LANGUAGE plpgsql"""
    yield "DROP TRIGGER IF EXISTS number_vector ON embeddings"
    yield """
        CREATE CONSTRAINT TRIGGER number_vector AFTER INSERT OR UPDATE OF model, vector ON embeddings
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION number_vector()"""
