"""No process that follows the vectors misses one, whatever is written, deleted and written again, and by whom."""

from __future__ import annotations

import threading
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select

from app.db import Database, WriteSession
from app.models import Embedding
from app.search.vectors import VectorIndex


@pytest.fixture(params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, make_database: Any, library_of: Any) -> Any:
    return library_of(make_database(request.param))


class Follower:
    """The index of another process: an engine and a cache of its own."""

    def __init__(self, library: Any) -> None:
        self.database = Database(library.database.url)
        self.index = VectorIndex("semantic", use_faiss=False)
        self.owner = library.viewer.user_id

    def sees(self, query: np.ndarray[Any, Any]) -> dict[UUID, float]:
        with self.database.read() as session:
            found = self.index.search(session, "m", query, 100, owner=self.owner)
        return {match.photo_id: round(match.similarity, 2) for match in found}


def axis(number: int) -> np.ndarray[Any, Any]:
    return np.eye(8, dtype=np.float32)[number]


def write(session: WriteSession, photo_id: UUID, vector: np.ndarray[Any, Any]) -> None:
    session.merge(
        Embedding(photo_id=photo_id, kind="semantic", model="m", vector=vector.astype("<f2").tobytes())
    )


def test_a_vector_that_is_deleted_and_comes_back_is_followed(library: Any) -> None:
    first, second = library.photo().id, library.photo().id
    follower = Follower(library)
    with library.database.write() as session:
        write(session, first, axis(0))
        write(session, second, axis(0))
    assert follower.sees(axis(0)) == {first: 1.0, second: 1.0}
    with library.database.write() as session:
        session.execute(delete(Embedding).where(Embedding.photo_id == second))
    with library.database.write() as session:  # the newest number was the deleted vector's
        write(session, second, axis(1))
    assert follower.sees(axis(1)) == {first: 0.0, second: 1.0}
    with library.database.write() as session:
        write(session, first, axis(1))
    assert follower.sees(axis(1)) == {first: 1.0, second: 1.0}


def test_numbers_never_go_back(library: Any) -> None:
    photo_id = library.photo().id
    numbers = []
    for turn in range(3):
        with library.database.write() as session:
            write(session, photo_id, axis(turn))
        with library.database.write() as session:
            numbers.append(session.scalar(select(Embedding.version)))
            session.execute(delete(Embedding))
    assert numbers == sorted(set(numbers))


def test_writers_that_end_in_the_other_order_are_both_followed(make_database: Any, library_of: Any) -> None:
    """PostgreSQL lets two transactions write at once; the one that began first may become visible last."""
    library = library_of(make_database("postgresql"))
    slow, quick = library.photo().id, library.photo().id
    follower = Follower(library)
    written, may_end = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with library.database.write() as session:
            write(session, slow, axis(0))
            session.flush()
            written.set()
            may_end.wait(30)

    thread = threading.Thread(target=write_slowly)
    thread.start()
    try:
        assert written.wait(30)
        with library.database.write() as session:
            write(session, quick, axis(0))
        assert follower.sees(axis(0)) == {quick: 1.0}
    finally:
        may_end.set()
        thread.join()
    assert follower.sees(axis(0)) == {quick: 1.0, slow: 1.0}
    with library.database.read() as session:
        numbers = session.scalars(select(Embedding.version)).all()
    assert len(set(numbers)) == 2
