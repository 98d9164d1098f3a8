"""Nearest vectors in PostgreSQL, where its extension pgvector (0.8 or later) has been created in the database.

Beside ``embeddings``, whose bytes stay the truth, a table holds the same vectors as ``halfvec``; triggers write it in
the same transaction, a foreign key empties it. It is no part of the models: it lies in a schema of its own, is made
when the extension is there and can be dropped at any time. Searches then need no vectors in the memory of the
processes. Up to ``INDEX_FROM`` vectors of a model PostgreSQL compares them all, exactly; beyond that an HNSW graph
(Malkov and Yashunin, 2018) finds most of the nearest, and goes on along the graph until enough of them pass the
filters ("iterative scan", new in pgvector 0.8: before it, a filtered search returned too few).
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection, Iterator
from typing import Any
from uuid import UUID

import numpy as np
from sqlalchemy import text

from app.db import Database, ReadSession
from app.search.matches import Floats, Match

log = logging.getLogger(__name__)

LEAST_VERSION = (0, 8)
INDEX_FROM = 50_000  # vectors of one model from which comparing them all takes too long
_SEEN = 400  # candidates the graph is searched for at least (ef_search); more find more, and take longer
_MOST_SEEN = 1000  # pgvector's limit
_BUILDING = 7_350_921  # advisory lock: one process builds an index


def install(database: Database) -> None:
    """Make, or take away, table and triggers, as the extension is there or not. Cheap when nothing changed."""
    if database.is_sqlite:
        return
    with database.write() as session:
        run = session.connection().exec_driver_sql
        usable = _extension(session)
        there = _there(session)
        if usable == there:
            return
        for statement in _make() if usable else _drop():
            run(statement)


def in_use(session: ReadSession) -> bool:
    """Whether vectors of this database are searched by PostgreSQL."""
    return session.get_bind().dialect.name == "postgresql" and _there(session)


def _there(session: ReadSession) -> bool:
    return bool(session.scalar(text("SELECT to_regclass('albumen_vectors.vectors') IS NOT NULL")))


def _extension(session: ReadSession) -> bool:
    version = session.scalar(text("SELECT extversion FROM pg_extension WHERE extname = 'vector'"))
    if version is None:
        return False
    if tuple(map(int, version.split(".")[:2])) < LEAST_VERSION:
        log.warning(
            "pgvector is too old to search with filters; vectors are searched in memory",
            extra={"version": version, "needed": ".".join(map(str, LEAST_VERSION))},
        )
        return False
    return True


class PgVectorIndex:
    """See ``app.search.matches.Nearest``; without any state of its own."""

    def __init__(self, kind: str) -> None:
        self.kind = kind

    def search(
        self,
        session: ReadSession,
        model: str,
        query: Floats,
        k: int,
        *,
        owner: UUID,
        among: Collection[UUID] | None = None,
        least: float = -1.0,
    ) -> list[Match]:
        if k <= 0 or (among is not None and not among):
            return []
        width = self._width(session, model)
        if width is None:
            return []
        if query.shape != (width,):
            raise ValueError(f"{model} has vectors of width {width}, not {query.shape}")
        seen = min(max(_SEEN, k), _MOST_SEEN)
        session.execute(text(f"SET LOCAL hnsw.ef_search = {seen}"))
        session.execute(text("SET LOCAL hnsw.iterative_scan = 'relaxed_order'"))
        values = {"kind": self.kind, "model": model, "owner": owner, "k": k, "query": _literal(query)}
        chosen = ""
        if among is not None:
            chosen, values["among"] = "AND photo_id = ANY(:among)", list(among)
        distance = f"(vector::halfvec({width})) <#> CAST(:query AS halfvec({width}))"
        rows = session.execute(
            text(
                f"SELECT photo_id, -({distance}) AS similarity FROM albumen_vectors.vectors"  # noqa: S608
                f" WHERE kind = :kind AND model = :model AND owner_id = :owner {chosen}"
                f" ORDER BY {distance} LIMIT :k"
            ),
            values,
        )
        found = [Match(photo_id, float(similarity)) for photo_id, similarity in rows if similarity >= least]
        return sorted(found, key=lambda match: (-match.similarity, match.photo_id))

    def models(self, session: ReadSession, owner: UUID) -> list[str]:
        found = text(
            "SELECT DISTINCT model FROM albumen_vectors.vectors WHERE kind = :kind AND owner_id = :owner"
        )
        return sorted(session.scalars(found, {"kind": self.kind, "owner": owner}))

    def follow(self, session: ReadSession) -> bool:
        any_at_all = text("SELECT 1 FROM albumen_vectors.vectors WHERE kind = :kind LIMIT 1")
        return session.scalar(any_at_all, {"kind": self.kind}) is not None

    def _width(self, session: ReadSession, model: str) -> int | None:
        found: int | None = session.scalar(
            text(
                "SELECT vector_dims(vector) FROM albumen_vectors.vectors"
                " WHERE kind = :kind AND model = :model LIMIT 1"
            ),
            {"kind": self.kind, "model": model},
        )
        return found


def build_indexes(database: Database) -> int:
    """Build the graph of every model that has become large without one; how many were built. Takes minutes.

    Photos can be added meanwhile. Several processes may call this: one of them builds.
    """
    if database.is_sqlite:
        return 0
    with database.read() as session:
        if not _there(session):
            return 0
        large = text(
            "SELECT kind, model, max(vector_dims(vector)) FROM albumen_vectors.vectors"
            " GROUP BY kind, model HAVING count(*) >= :least"
        )
        wanted = [
            (_index_name(kind, model), kind, model, width)
            for kind, model, width in session.execute(large, {"least": INDEX_FROM}).tuples()
        ]
        valid = text(
            "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
            " WHERE i.indrelid = 'albumen_vectors.vectors'::regclass AND i.indisvalid"
        )
        known = set(session.scalars(valid))
    missing = [one for one in wanted if one[0] not in known]
    if missing:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _BUILDING}):
                return 0
            try:
                for name, kind, model, width in missing:
                    connection.exec_driver_sql(
                        f"DROP INDEX IF EXISTS albumen_vectors.{name}"
                    )  # a broken attempt
                    connection.exec_driver_sql(
                        f"CREATE INDEX CONCURRENTLY {name} ON albumen_vectors.vectors"
                        f" USING hnsw ((vector::halfvec({width})) halfvec_ip_ops)"
                        f" WHERE kind = {_quoted(kind)} AND model = {_quoted(model)}"
                    )
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _BUILDING})
    return len(missing)


def _index_name(kind: str, model: str) -> str:
    return f"nearest_{kind}_{hashlib.sha256(model.encode()).hexdigest()[:12]}"


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _literal(vector: Any) -> str:
    return "[" + ",".join(map(repr, np.asarray(vector, np.float32).tolist())) + "]"


# --- the table ------------------------------------------------------------------------------------------------


def _make() -> Iterator[str]:
    yield "CREATE SCHEMA albumen_vectors"
    # A half-precision number is s eeeee mmmmmmmmmm; unit vectors hold neither infinities nor NaN.
    yield """
        CREATE FUNCTION albumen_vectors.halves(bytes bytea) RETURNS real[] LANGUAGE sql IMMUTABLE STRICT AS $$
            SELECT array_agg((CASE WHEN h >= 32768 THEN -1 ELSE 1 END)
                * (CASE WHEN (h >> 10) & 31 = 0 THEN (h & 1023) * 2.0::real ^ (-24)
                   ELSE ((h & 1023) + 1024) * 2.0::real ^ (((h >> 10) & 31) - 25) END) ORDER BY i)::real[]
            FROM (SELECT i, get_byte(bytes, 2 * i) + 256 * get_byte(bytes, 2 * i + 1) AS h
                  FROM generate_series(0, length(bytes) / 2 - 1) i) parts
        $$"""
    yield """
        CREATE TABLE albumen_vectors.vectors (
            photo_id uuid NOT NULL, kind varchar(8) NOT NULL, model varchar(80) NOT NULL, owner_id uuid NOT NULL,
            vector halfvec NOT NULL,
            PRIMARY KEY (photo_id, kind),
            FOREIGN KEY (photo_id, kind) REFERENCES embeddings (photo_id, kind) ON DELETE CASCADE
        )"""
    yield """
        CREATE FUNCTION albumen_vectors.keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            INSERT INTO albumen_vectors.vectors (photo_id, kind, model, owner_id, vector)
            SELECT NEW.photo_id, NEW.kind, NEW.model, owner_id, albumen_vectors.halves(NEW.vector)::halfvec
            FROM photos WHERE id = NEW.photo_id
            ON CONFLICT (photo_id, kind) DO UPDATE SET model = excluded.model, vector = excluded.vector;
            RETURN NULL;
        END $$"""
    yield """
        CREATE TRIGGER keep_vector AFTER INSERT OR UPDATE OF model, vector ON embeddings
        FOR EACH ROW EXECUTE FUNCTION albumen_vectors.keep()"""
    yield """
        INSERT INTO albumen_vectors.vectors (photo_id, kind, model, owner_id, vector)
        SELECT e.photo_id, e.kind, e.model, p.owner_id, albumen_vectors.halves(e.vector)::halfvec
        FROM embeddings e JOIN photos p ON p.id = e.photo_id"""
    yield "CREATE INDEX whose ON albumen_vectors.vectors (kind, model, owner_id)"
    yield "ANALYZE albumen_vectors.vectors"


def remove(database: Database) -> None:
    """Take table and triggers away; ``install`` makes them again."""
    if not database.is_sqlite:
        with database.write() as session:
            for statement in _drop():
                session.connection().exec_driver_sql(statement)


def _drop() -> Iterator[str]:  # the trigger goes with its function
    yield "DROP SCHEMA IF EXISTS albumen_vectors CASCADE"
