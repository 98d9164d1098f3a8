"""Near-duplicates: copies of one picture that differ in size, compression, a slight crop or brightness.

Photos are compared by their 64-bit perceptual hash; that they look alike to the scene network, too, is asked where
the hash alone would be too generous: flat and dark pictures have nearly the same hash. Measured on 150 photos: a
smaller, recompressed or brighter copy differs in at most 6 bits, a crop to 94 % in 6 (90 % of them: 10), two
different photos in at least 16.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select

from app.db import ReadSession
from app.models import Embedding, Photo
from app.search.vectors import vectors_of
from app.services.accounts import Viewer

COPY = 6  # bits that copies differ in at most
SURE = 2  # bits from which the hash alone is believed, for photos without a vector
MOST_OF_ONE_HASH = 50
ALIKE = 0.8  # least cosine of the visual vectors
# Seven bands of nine bits (and one of ten): hashes that differ in six bits agree in at least one band.
_BANDS = tuple((start, min(start + 9 + (start == 54), 64)) for start in range(0, 63, 9))


@dataclass(frozen=True)
class DuplicateGroup:
    """Photos that are one picture, the one to keep first; ``reason`` says why it: favorite, rating, pixels, size or
    added (nothing else told them apart)."""

    photos: tuple[Photo, ...]
    reason: str


def duplicate_groups(session: ReadSession, viewer: Viewer) -> list[DuplicateGroup]:
    """The viewer's groups of near-duplicates, the latest first; trash excluded, archive included."""
    rows = session.execute(
        select(Photo.id, Photo.phash).where(
            Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None), Photo.phash.is_not(None)
        )
    ).tuples()
    of_hash: dict[int, list[UUID]] = {}
    for photo_id, phash in rows:
        if phash is not None:
            of_hash.setdefault(phash, []).append(photo_id)
    groups = _join(_alike(session, _pairs(of_hash)))
    wanted = [photo_id for group in groups for photo_id in group]
    photos: dict[UUID, Photo] = {}
    for start in range(0, len(wanted), 5000):
        some = select(Photo).where(Photo.id.in_(wanted[start : start + 5000]))
        photos.update((photo.id, photo) for photo in session.scalars(some))
    found = [_ordered([photos[i] for i in group if i in photos]) for group in groups]
    return sorted(
        (g for g in found if len(g.photos) > 1), key=lambda g: g.photos[0].taken_local, reverse=True
    )


def _pairs(of_hash: dict[int, list[UUID]]) -> list[tuple[UUID, UUID, int]]:
    """Photos with equal or close hashes, two by two. Of one hash only so many are compared: it is a flat picture's."""
    few = [sorted(ids)[:MOST_OF_ONE_HASH] for ids in of_hash.values()]
    pairs = [(a, b, 0) for ids in few for a, b in combinations(ids, 2)]
    hashes = np.array(list(of_hash), np.int64).view(np.uint64)
    for one, other, bits in close_pairs(hashes):
        pairs += [(a, b, bits) for a, b in product(few[one], few[other])]
    return pairs


def close_pairs(hashes: NDArray[np.uint64], most: int = COPY) -> Iterator[tuple[int, int, int]]:
    """Positions of every two hashes that differ in at most ``most`` (up to 6) bits, and in how many; each once."""
    if most > COPY:
        raise ValueError(f"bands are made for {COPY} bits")
    seen: set[tuple[int, int]] = set()
    for low, high in _BANDS:
        band = (hashes >> np.uint64(low)) & np.uint64((1 << (high - low)) - 1)
        order = np.argsort(band, kind="stable")
        edges = np.flatnonzero(np.diff(band[order])) + 1
        for bucket in np.split(order, edges):
            for at, first in enumerate(bucket[:-1]):
                bits = np.bitwise_count(hashes[bucket[at + 1 :]] ^ hashes[first])
                for other in np.flatnonzero(bits <= most):
                    pair = tuple(sorted((int(first), int(bucket[at + 1 + other]))))
                    if pair not in seen:
                        seen.add((pair[0], pair[1]))
                        yield pair[0], pair[1], int(bits[other])


def _alike(session: ReadSession, pairs: Sequence[tuple[UUID, UUID, int]]) -> Iterator[tuple[UUID, UUID]]:
    """The pairs that look alike to the scene network, or have no vectors to compare and all but equal hashes."""
    ids = {photo_id for a, b, _ in pairs for photo_id in (a, b)}
    known: dict[UUID, tuple[str, NDArray[np.float32]]] = {}
    models = session.scalars(select(Embedding.model).where(Embedding.kind == "visual").distinct()).all()
    wanted = sorted(ids)
    for model in models:
        for start in range(0, len(wanted), 5000):
            found, vectors = vectors_of(session, "visual", model, wanted[start : start + 5000])
            known.update((i, (model, vector)) for i, vector in zip(found, vectors, strict=True))
    for a, b, bits in pairs:
        one, other = known.get(a), known.get(b)
        if one is not None and other is not None and one[0] == other[0]:
            if float(one[1] @ other[1]) >= ALIKE:
                yield a, b
        elif bits <= SURE:
            yield a, b


def _join(pairs: Iterator[tuple[UUID, UUID]]) -> list[set[UUID]]:
    """Pairs put together into groups: what is alike to a member belongs to the group."""
    group_of: dict[UUID, set[UUID]] = {}
    for a, b in pairs:
        joined = group_of.get(a, {a}) | group_of.get(b, {b})
        for member in joined:
            group_of[member] = joined
    return list({id(group): group for group in group_of.values()}.values())


def _ordered(photos: list[Photo]) -> DuplicateGroup:
    def worth(photo: Photo) -> tuple[float, ...]:
        pixels = photo.width * photo.height
        return photo.favorite, photo.rating, pixels, photo.size, -photo.added_at.timestamp()

    best = sorted(photos, key=lambda photo: (worth(photo), photo.id), reverse=True)
    reasons = ("favorite", "rating", "pixels", "size", "added")
    first, second = worth(best[0]), worth(best[1]) if len(best) > 1 else worth(best[0])
    told = [reason for reason, a, b in zip(reasons, first, second, strict=True) if a != b]
    return DuplicateGroup(tuple(best), told[0] if told else "added")
