"""PostgreSQL with pgvector finds the vectors that a plain computation over the rows finds, and never holds others."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select, text, update

from app.db import Database
from app.models import Embedding, Photo
from app.search import pgvector, similar_photos
from app.search.pgvector import PgVectorIndex
from app.search.vectors import VectorIndex, vector_index

RANDOM = np.random.default_rng(11)


def unit(width: int) -> np.ndarray[Any, Any]:
    vector = RANDOM.standard_normal(width)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def row(photo_id: UUID, vector: np.ndarray[Any, Any], model: str = "a", kind: str = "semantic") -> Embedding:
    return Embedding(photo_id=photo_id, kind=kind, model=model, vector=vector.astype("<f2").tobytes())


def plainly(
    database: Database, owner: UUID, query: np.ndarray[Any, Any], model: str = "a"
) -> dict[UUID, float]:
    mine = Photo.owner_id == owner, Embedding.model == model, Embedding.kind == "semantic"
    rows = select(Embedding).join(Photo, Photo.id == Embedding.photo_id).where(*mine)
    with database.read() as session:
        return {r.photo_id: float(np.frombuffer(r.vector, "<f2") @ query) for r in session.scalars(rows)}


@pytest.fixture
def library(make_database: Any, library_of: Any) -> Any:
    return library_of(make_database("pgvector"))


@pytest.fixture(params=["comparing all", "by the graph"])
def searched(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(pgvector, "INDEX_FROM", 50 if request.param == "by the graph" else 10**9)
    return str(request.param)


@pytest.mark.parametrize("width", [16, 384, 1280])
def test_agrees_with_a_plain_computation(library: Any, library_of: Any, width: int, searched: str) -> None:
    database, owner = library.database, library.viewer.user_id
    other = library_of(database, "ben")
    photos = [library.photo().id for _ in range(120)]
    with database.write() as session:
        session.add_all(row(photo_id, unit(width)) for photo_id in photos[:100])
        session.add_all(row(other.photo().id, unit(width)) for _ in range(100))
        session.add_all(row(photo_id, unit(8), "b") for photo_id in photos[100:110])
    assert pgvector.build_indexes(database) == (searched == "by the graph")
    assert pgvector.build_indexes(database) == 0
    index, query = PgVectorIndex("semantic"), unit(width)

    def check(among: list[UUID] | None = None, k: int = 10, least: float = -1.0) -> None:
        expected = {i: s for i, s in plainly(database, owner, query).items() if among is None or i in among}
        best = sorted((s for s in expected.values() if s >= least), reverse=True)[:k]
        with database.read() as session:
            if searched == "by the graph":  # so few rows would rather be compared
                session.execute(text("SET LOCAL enable_seqscan = off"))
                session.execute(text("SET LOCAL enable_bitmapscan = off"))
                session.execute(text("SET LOCAL enable_sort = off"))
            matches = index.search(session, "a", query, k, owner=owner, among=among, least=least)
        assert [m.similarity for m in matches] == pytest.approx(best, abs=2e-3)
        for match in matches:
            assert match.similarity == pytest.approx(expected[match.photo_id], abs=2e-3)

    check()
    check(k=100)  # half of all vectors are another's: the graph has to go on until there are enough
    check(among=photos[:3])
    check(among=[])
    check(among=photos[110:])
    check(least=0.05)
    with database.write() as session:
        session.execute(update(Embedding).where(Embedding.photo_id == photos[0]).values(vector=_bytes(query)))
        session.execute(delete(Embedding).where(Embedding.photo_id.in_(photos[1:20])))
        session.execute(delete(Photo).where(Photo.id.in_(photos[20:30])))
    check(k=100)
    check(k=1)
    with database.read() as session:
        assert index.models(session, owner) == ["a", "b"]
        assert index.search(session, "c", query, 1, owner=owner) == []
        with pytest.raises(ValueError, match=f"width {width}"):
            index.search(session, "a", unit(24), 1, owner=owner)


def _bytes(vector: np.ndarray[Any, Any]) -> bytes:
    return vector.astype("<f2").tobytes()


def test_every_half_number_arrives(library: Any) -> None:
    """Also the smallest ones, which are written in another way."""
    values = np.array([0.0, -0.0, 2.0**-24, 1023 * 2.0**-24, 2.0**-14, -(2.0**-14), 0.1, -1.0], "<f2")
    with library.database.write() as session:
        session.add(row(library.photo().id, values))
    with library.database.read() as session:
        kept = session.scalar(text("SELECT vector::real[] FROM albumen_vectors.vectors"))
    assert np.array(kept).astype("<f2").tobytes() == values.tobytes()


def test_the_extension_decides_where_vectors_are_searched(library: Any, make_database: Any) -> None:
    plain, database = make_database("postgresql"), library.database
    with plain.read() as session:
        assert isinstance(vector_index(session, "visual"), VectorIndex)
    one, two = library.photo().id, library.photo().id
    look = unit(8)
    with database.write() as session:
        session.add_all([row(one, look, kind="visual"), row(two, look, kind="visual")])

    def alike(database: Database) -> list[UUID]:
        with database.read() as session:
            return [photo.id for photo, _ in similar_photos(session, library.viewer, one)]

    with database.read() as session:
        assert isinstance(vector_index(session, "visual"), PgVectorIndex)
    assert alike(database) == [two]
    with database.engine.begin() as connection:
        connection.exec_driver_sql("DROP EXTENSION vector CASCADE")
    pgvector.install(database)
    with database.write() as session:
        session.execute(update(Embedding).values(vector=_bytes(look)))
    again = Database(database.url)
    assert alike(again) == [two]
    again.dispose()
    with database.engine.begin() as connection:
        connection.exec_driver_sql("CREATE EXTENSION vector")
    pgvector.install(database)
    with database.read() as session:
        assert session.scalar(text("SELECT count(*) FROM albumen_vectors.vectors")) == 2


def test_an_old_extension_is_not_used(library: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pgvector, "LEAST_VERSION", (99, 0))
    pgvector.install(library.database)
    with library.database.read() as session:
        assert not pgvector.in_use(session)
