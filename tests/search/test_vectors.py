"""The index in memory answers as a plain computation over the rows would, whatever happens to them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import delete, select

from app.models import Embedding
from app.search.vectors import SCAN_WIDTH, VectorIndex, vector_index, vectors_of

RANDOM = np.random.default_rng(7)


def unit(width: int) -> np.ndarray[Any, Any]:
    vector = RANDOM.standard_normal(width)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


def store(
    library: Any, photo_id: UUID, vector: np.ndarray[Any, Any], model: str = "a", kind: str = "semantic"
) -> None:
    with library.database.write() as session:
        session.merge(
            Embedding(photo_id=photo_id, kind=kind, model=model, vector=vector.astype("<f2").tobytes())
        )


def plainly(
    library: Any, query: np.ndarray[Any, Any], model: str = "a", kind: str = "semantic"
) -> dict[UUID, float]:
    with library.database.read() as session:
        rows = session.scalars(select(Embedding).where(Embedding.kind == kind, Embedding.model == model))
        return {r.photo_id: float(np.frombuffer(r.vector, "<f2").astype(np.float32) @ query) for r in rows}


@pytest.mark.parametrize("use_faiss", [False, True])
@pytest.mark.parametrize("width", [16, SCAN_WIDTH, 1280])
def test_agrees_with_a_plain_computation(library: Any, use_faiss: bool, width: int) -> None:
    if use_faiss:
        pytest.importorskip("faiss")
    index, owner = VectorIndex("semantic", use_faiss=use_faiss), library.viewer.user_id
    photos = [library.photo().id for _ in range(40)]
    for photo_id in photos[:30]:
        store(library, photo_id, unit(width))
    query = unit(width)

    def check(among: list[UUID] | None = None, k: int = 10, least: float = -1.0) -> None:
        expected = plainly(library, query)
        if among is not None:
            expected = {i: s for i, s in expected.items() if i in among}
        best = sorted((s for s in expected.values() if s >= least), reverse=True)[:k]
        with library.database.read() as session:
            matches = index.search(session, "a", query, k, owner=owner, among=among, least=least)
        assert [m.similarity for m in matches] == pytest.approx(best, abs=2e-3)
        for match in matches:
            assert match.similarity == pytest.approx(expected[match.photo_id], abs=2e-3)

    check()
    check(k=100)
    check(among=photos[:3])
    check(among=[])
    check(among=photos[35:])
    check(least=0.05)
    for photo_id in photos[25:35]:  # five changed, five new
        store(library, photo_id, unit(width))
    check(k=100)
    with library.database.write() as session:
        session.execute(delete(Embedding).where(Embedding.photo_id.in_(photos[:15])))
    with library.database.read() as session:
        index.drop_deleted(session)
    check(k=100)
    assert len(index) == 20


def test_vectors_of_image_text_models_are_compared_in_full(
    library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A projection's error is as large as what parts a text's pictures from others."""
    monkeypatch.setattr("app.search.vectors._RESCORED", 1)
    index, query = VectorIndex("imgtext", use_faiss=False), unit(768)
    for _ in range(60):
        store(library, library.photo().id, unit(768), kind="imgtext")
    best = sorted(plainly(library, query, kind="imgtext").values(), reverse=True)[:10]
    with library.database.read() as session:
        matches = index.search(session, "a", query, 10, owner=library.viewer.user_id)
    assert [m.similarity for m in matches] == pytest.approx(best, abs=2e-3)


def test_models_and_owners_are_kept_apart(library: Any, library_of: Any) -> None:
    other = library_of(library.database, "ben")
    index = VectorIndex("semantic", use_faiss=False)
    mine, moved, theirs = library.photo().id, library.photo().id, other.photo().id
    vector = unit(8)
    for photo_id in (mine, moved, theirs):
        store(library, photo_id, vector)

    def search(model: str, owner: Any = library) -> set[UUID]:
        with library.database.read() as session:
            return {m.photo_id for m in index.search(session, model, vector, 10, owner=owner.viewer.user_id)}

    assert search("a") == {mine, moved}
    assert search("a", other) == {theirs}
    store(library, moved, vector, model="b")
    assert search("a") == {mine}
    assert search("b") == {moved}
    assert search("c") == set()
    with library.database.read() as session, pytest.raises(ValueError, match="width 8"):
        index.search(session, "a", unit(16), 1, owner=library.viewer.user_id)


def test_one_index_per_database_and_kind(library: Any, make_database: Any) -> None:
    second = make_database("sqlite")
    with library.database.read() as a, library.database.write() as b, second.read() as c:
        assert vector_index(a, "semantic") is vector_index(b, "semantic")
        assert vector_index(a, "semantic") is not vector_index(a, "visual")
        assert vector_index(a, "semantic") is not vector_index(c, "semantic")


def test_vectors_of_reads_one_model(library: Any) -> None:
    first, second = library.photo().id, library.photo().id
    store(library, first, unit(8))
    store(library, second, unit(8), model="b")
    with library.database.read() as session:
        ids, vectors = vectors_of(session, "semantic", "a", [first, second])
        assert ids == [first]
        assert vectors.shape == (1, 8)
        assert vectors_of(session, "semantic", "c", [first])[0] == []
