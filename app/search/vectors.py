"""Nearest vectors: an exact scan in memory over the ``embeddings`` rows, which are the truth.

One ``VectorIndex`` per process, database and kind. It is filled at first use and then follows the table by
``version`` (see ``app.search.numbering``): what any process wrote is seen at the next search. Exact scans answer
100,000 photos in milliseconds, have no build time and get faster with filters, which graph indexes do not. faiss is
used when it is installed (half the memory, twice the speed); numpy gives the same answers.

Vectors of different models live in different matrices and are never compared.
"""

from __future__ import annotations

import importlib.util
import threading
import time
from collections.abc import Collection, Iterable, Sequence
from functools import cache
from typing import Any, Protocol
from uuid import UUID
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func, select, type_coerce
from sqlalchemy.types import NullType

from app.db import ReadSession
from app.models import Embedding, Photo
from app.search import pgvector
from app.search.matches import Floats, Match, Nearest
from app.search.numbering import newest_number

# Wider vectors are scanned as a random projection to this width, and the best of it compared in full. Its error is
# about .04 in cosine, small between pictures; but an image-text model parts words' pictures from others by less.
SCAN_WIDTH = 384
_IN_FULL = frozenset({"imgtext"})
_RESCORED = 400
_BLOCK = 65_536
_COUNT_EVERY = 60.0  # seconds between looks for deleted rows


class _Scan(Protocol):
    """Rows of unit vectors that can be appended to and searched."""

    def append(self, vectors: Floats) -> None: ...

    def search(self, query: Floats, k: int, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats]: ...


class NumpyScan:
    def __init__(self, width: int) -> None:
        self._rows = np.empty((1024, width), np.float32)
        self._count = 0

    def append(self, vectors: Floats) -> None:
        needed = self._count + len(vectors)
        if needed > len(self._rows):
            grown = np.empty((max(needed, len(self._rows) * 3 // 2), self._rows.shape[1]), np.float32)
            grown[: self._count] = self._rows[: self._count]
            self._rows = grown
        self._rows[self._count : needed] = vectors
        self._count = needed

    def search(self, query: Floats, k: int, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats]:
        kept = int(keep.sum())
        if kept * 4 < self._count:  # few candidates: gather them; else score all and mask
            chosen = np.flatnonzero(keep)
            scores = np.concatenate(
                [self._rows[chosen[i : i + _BLOCK]] @ query for i in range(0, max(kept, 1), _BLOCK)]
            )
            best = _largest(scores, k)
            return chosen[best], scores[best]
        scores = np.empty(self._count, np.float32)
        for i in range(0, self._count, _BLOCK):
            np.dot(self._rows[i : min(i + _BLOCK, self._count)], query, out=scores[i : i + _BLOCK])
        scores[~keep] = -np.inf
        best = _largest(scores, min(k, kept))
        return best, scores[best]


class FaissScan:
    def __init__(self, width: int) -> None:
        import faiss

        self._faiss: Any = faiss
        kind = faiss.ScalarQuantizer.QT_fp16
        self._index: Any = faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)

    def append(self, vectors: Floats) -> None:
        if not self._index.is_trained:
            self._index.train(vectors)
        self._index.add(vectors)

    def search(self, query: Floats, k: int, keep: NDArray[np.bool_]) -> tuple[NDArray[np.int64], Floats]:
        bits = np.packbits(keep, bitorder="little")
        parameters = self._faiss.SearchParameters(sel=self._faiss.IDSelectorBitmap(bits))
        count = min(k, int(keep.sum()))
        scores, rows = self._index.search(query[None], max(count, 1), params=parameters)
        found = rows[0] >= 0
        return rows[0][found][:count], scores[0][found][:count]


def _largest(scores: Floats, k: int) -> NDArray[np.int64]:
    k = min(k, len(scores))
    if k <= 0:
        return np.empty(0, np.int64)
    top = np.argpartition(-scores, k - 1)[:k]
    return top[np.argsort(-scores[top], kind="stable")]


@cache
def has_faiss() -> bool:
    return importlib.util.find_spec("faiss") is not None


@cache
def _projection(width: int) -> Floats:
    """A fixed random orthogonal map to ``SCAN_WIDTH``, which keeps angles nearly (Johnson and Lindenstrauss)."""
    rows = np.random.default_rng(20240607).standard_normal((width, SCAN_WIDTH))
    orthogonal, _ = np.linalg.qr(rows)
    return np.ascontiguousarray(orthogonal * np.sqrt(width / SCAN_WIDTH), np.float32)


class _Model:
    """The vectors of one model: which photo and owner stands in which row, and which rows still count."""

    def __init__(self, width: int, use_faiss: bool, in_full: bool) -> None:
        self.width = width
        self.projected = width > SCAN_WIDTH and not in_full
        scanned = SCAN_WIDTH if self.projected else width
        self.scan: _Scan = FaissScan(scanned) if use_faiss else NumpyScan(scanned)
        # Ids as bytes: the garbage collector walks through objects, and a library has a million of them.
        self.photos: list[bytes] = []
        self.rows: dict[bytes, int] = {}
        self.owners = np.empty(0, np.int32)
        self.versions = np.empty(0, np.int64)
        self.alive = np.empty(0, np.bool_)

    def project(self, vectors: Floats) -> Floats:
        return vectors @ _projection(self.width) if self.projected else vectors

    def put(
        self, photos: Sequence[bytes], owners: Sequence[int], versions: Sequence[int], vectors: Floats
    ) -> None:
        for photo in photos:
            self.drop(photo)
        start = len(self.photos)
        self.rows.update(zip(photos, range(start, start + len(photos)), strict=True))
        self.photos.extend(photos)
        self.owners = np.concatenate([self.owners, np.array(owners, np.int32)])
        self.versions = np.concatenate([self.versions, np.array(versions, np.int64)])
        self.alive = np.concatenate([self.alive, np.ones(len(photos), np.bool_)])
        self.scan.append(self.project(vectors))

    def version(self, photo: bytes) -> int | None:
        row = self.rows.get(photo)
        return None if row is None else int(self.versions[row])

    def drop(self, photo: bytes) -> None:
        row = self.rows.pop(photo, None)
        if row is not None:
            self.alive[row] = False


class VectorIndex:
    """See ``app.search.matches.Nearest``: all vectors of one kind, in memory. Thread-safe."""

    def __init__(self, kind: str, *, use_faiss: bool | None = None) -> None:
        self.kind = kind
        self._use_faiss = has_faiss() if use_faiss is None else use_faiss
        self._lock = threading.Lock()
        self._forget()

    def _forget(self) -> None:
        self._models: dict[str, _Model] = {}
        self._owners: dict[UUID, int] = {}
        self._seen = -1
        self._counted = time.monotonic()

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
        query = np.ascontiguousarray(query, np.float32)
        with self._lock:
            self._follow(session)
            part = self._models.get(model)
            code = self._owners.get(owner)
            if part is None or code is None or k <= 0:
                return []
            if query.shape != (part.width,):
                raise ValueError(f"{model} has vectors of width {part.width}, not {query.shape}")
            keep = self._kept(part, code, among)
            wanted = max(k, _RESCORED) if part.projected else k
            rows, scores = part.scan.search(part.project(query[None])[0], wanted, keep)
            found = [Match(UUID(bytes=part.photos[r]), float(s)) for r, s in zip(rows, scores, strict=True)]
        if part.projected:
            found = _rescored(session, self.kind, model, query, found)
        return [match for match in found if match.similarity >= least][:k]

    def models(self, session: ReadSession, owner: UUID) -> list[str]:
        with self._lock:
            self._follow(session)
            code = self._owners.get(owner, -1)
            return [
                m for m, part in sorted(self._models.items()) if (part.alive & (part.owners == code)).any()
            ]

    def follow(self, session: ReadSession) -> bool:
        """Read what is new, so that the next search has less to do. Whether there is any vector at all."""
        with self._lock:
            self._follow(session)
        return len(self) > 0

    def __len__(self) -> int:
        return sum(len(part.rows) for part in self._models.values())

    def _kept(self, part: _Model, owner: int, among: Collection[UUID] | None) -> NDArray[np.bool_]:
        keep = part.alive & (part.owners == owner)
        if among is None:
            return keep
        chosen = np.zeros(len(keep), np.bool_)
        chosen[[part.rows[i.bytes] for i in among if i.bytes in part.rows]] = True
        return np.asarray(keep & chosen)

    def _follow(self, session: ReadSession) -> None:
        """Read the rows written since the last look, and now and then look for deleted ones."""
        newest = newest_number(session)
        if newest < self._seen:  # an older backup came in place of this database
            self._forget()
        if newest > self._seen:
            for rows in self._read(session, self._seen):
                self._put(rows)
            self._seen = newest  # what the rows hold beyond it was committed meanwhile and is read again
        if time.monotonic() - self._counted > _COUNT_EVERY:
            self.drop_deleted(session)

    def _read(self, session: ReadSession, since: int) -> Iterable[Sequence[Any]]:
        statement = (
            select(
                _raw(Embedding.photo_id), Photo.owner_id, Embedding.model, Embedding.vector, Embedding.version
            )
            .join(Photo, Photo.id == Embedding.photo_id)
            .where(Embedding.kind == self.kind, Embedding.version > since)
            .order_by(Embedding.version)
        )
        connection = session.connection()  # rows of plain values: the session would look for objects in each
        return connection.execute(statement.execution_options(yield_per=8192)).partitions()

    def _put(self, rows: Sequence[Any]) -> None:
        by_model: dict[str, dict[bytes, Any]] = {}
        for key, owner_id, model, vector, version in rows:
            photo = key.bytes if isinstance(key, UUID) else bytes(key)
            part = self._models.get(model)
            if part is None or part.version(photo) != version:
                by_model.setdefault(model, {})[photo] = (owner_id, version, vector)
        for model, photos in by_model.items():
            joined = np.frombuffer(b"".join(v for _, _, v in photos.values()), "<f2")
            vectors = joined.reshape(len(photos), -1).astype(np.float32)
            codes = [self._owners.setdefault(o, len(self._owners)) for o, _, _ in photos.values()]
            for other in self._models.values():  # a photo has one vector of a kind, by one model
                for photo in photos:
                    other.drop(photo)
            if model not in self._models:
                self._models[model] = _Model(vectors.shape[1], self._use_faiss, self.kind in _IN_FULL)
            self._models[model].put(list(photos), codes, [n for _, n, _ in photos.values()], vectors)

    def drop_deleted(self, session: ReadSession) -> None:
        """Let go of vectors whose rows are gone; starts anew when a quarter of all rows is dead."""
        self._counted = time.monotonic()
        count = session.scalar(select(func.count()).where(Embedding.kind == self.kind)) or 0
        if count == len(self):
            return
        ids = session.scalars(select(Embedding.photo_id).where(Embedding.kind == self.kind))
        there = {photo_id.bytes for photo_id in ids}
        for part in self._models.values():
            for photo in [photo for photo in part.rows if photo not in there]:
                part.drop(photo)
        dead = sum(int((~part.alive).sum()) for part in self._models.values())
        if dead * 4 > sum(len(part.photos) for part in self._models.values()):
            self._forget()
            self._follow(session)


def _raw(column: Any) -> Any:
    return type_coerce(column, NullType())


def vector_of(session: ReadSession, photo_id: UUID, kind: str) -> tuple[str, Floats] | None:
    """A photo's vector and its model, from the row."""
    row = session.execute(
        select(Embedding.model, Embedding.vector).where(
            Embedding.photo_id == photo_id, Embedding.kind == kind
        )
    ).first()
    return None if row is None else (row[0], np.frombuffer(row[1], "<f2").astype(np.float32))


def vectors_of(
    session: ReadSession, kind: str, model: str, ids: Collection[UUID]
) -> tuple[list[UUID], Floats]:
    """The photos among ``ids`` that have a vector of that kind and model, and the vectors: ``(N, width)``."""
    rows = session.execute(
        select(Embedding.photo_id, Embedding.vector).where(
            Embedding.kind == kind, Embedding.model == model, Embedding.photo_id.in_(list(ids))
        )
    ).all()
    joined = np.frombuffer(b"".join(vector for _, vector in rows), "<f2").astype(np.float32)
    return [photo_id for photo_id, _ in rows], joined.reshape(len(rows), -1 if len(rows) else 0)


def _rescored(
    session: ReadSession, kind: str, model: str, query: Floats, found: Sequence[Match]
) -> list[Match]:
    """``found`` compared in full width, from the rows."""
    ids, vectors = vectors_of(session, kind, model, [match.photo_id for match in found])
    full = [Match(i, float(s)) for i, s in zip(ids, vectors @ query if ids else (), strict=True)]
    return sorted(full, key=lambda match: (-match.similarity, match.photo_id))


_indexes: WeakKeyDictionary[Any, dict[str, Nearest]] = WeakKeyDictionary()
_indexes_lock = threading.Lock()


def vector_index(session: ReadSession, kind: str) -> Nearest:
    """What searches that kind in the session's database: PostgreSQL where it can, else this process's memory."""
    bind: Any = session.get_bind()
    with _indexes_lock:  # an engine and its variants with other options share one pool
        kinds = _indexes.setdefault(bind.engine.pool, {})
        if kind not in kinds:
            kinds[kind] = pgvector.PgVectorIndex(kind) if pgvector.in_use(session) else VectorIndex(kind)
        return kinds[kind]
