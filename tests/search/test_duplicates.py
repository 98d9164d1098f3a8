"""Near-duplicates: what counts as one, which is to be kept, and that none is missed."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from app.db import utcnow
from app.models import Embedding
from app.search.duplicates import COPY, close_pairs, duplicate_groups


def flip(value: int, bits: int, chance: random.Random) -> int:
    for bit in chance.sample(range(64), bits):
        value ^= 1 << bit
    return value


def signed(value: int) -> int:
    return value - 2**64 if value >= 2**63 else value


def looks(*values: float) -> Any:
    vector = np.array(values, np.float32) / np.linalg.norm(values)
    return lambda photo: Embedding(
        photo_id=photo.id, kind="visual", model="v", vector=vector.astype("<f2").tobytes(),
    )  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
def test_no_close_pair_is_missed(seed: int) -> None:
    chance = random.Random(seed)
    values = [chance.getrandbits(64) for _ in range(60)]
    values += [flip(chance.choice(values), chance.randint(0, 9), chance) for _ in range(60)]
    expected = {
        (a, b): bits
        for a in range(len(values))
        for b in range(a + 1, len(values))
        if (bits := (values[a] ^ values[b]).bit_count()) <= COPY
    }
    found = list(close_pairs(np.array(values, np.uint64)))
    assert {(a, b): bits for a, b, bits in found} == expected
    assert len(found) == len(expected)
    assert expected


def test_groups_are_copies_that_look_alike(library: Any) -> None:
    chance = random.Random(1)
    one, two = chance.getrandbits(64), chance.getrandbits(64)
    original = library.photo(looks(1, 0), phash=signed(one), width=4000, height=3000)
    small = library.photo(looks(1, 0.1), phash=signed(flip(one, 2, chance)), width=800, height=600)
    crop = library.photo(looks(1, 0.2), phash=signed(flip(one, 6, chance)), width=3900, height=2900)
    library.photo(looks(0, 1), phash=signed(flip(one, 1, chance)))  # as flat, but another picture
    library.photo(looks(1, 0), phash=signed(flip(one, 20, chance)))
    unseen = library.photo(phash=signed(two))
    copy = library.photo(phash=signed(flip(two, 2, chance)), taken=datetime(2020, 1, 1))
    library.photo(phash=signed(flip(two, 5, chance)))  # without a vector the hash must be nearly equal
    library.photo(phash=None)
    with library.database.read() as session:
        groups = duplicate_groups(session, library.viewer)
    members = [{photo.id for photo in group.photos} for group in groups]
    assert sorted(members, key=len, reverse=True) == [{original.id, small.id, crop.id}, {unseen.id, copy.id}]
    assert groups[members.index({original.id, small.id, crop.id})].photos[0].id == original.id


def test_only_the_viewers_photos_outside_the_trash(library: Any, library_of: Any) -> None:
    other = library_of(library.database, "ben")
    library.photo(phash=7)
    library.photo(phash=7, deleted_at=utcnow())
    other.photo(phash=7)
    with library.database.read() as session:
        assert duplicate_groups(session, library.viewer) == []
    archived = library.photo(phash=-1, archived=True)
    kept = library.photo(phash=-1, rating=1)
    with library.database.read() as session:
        (group,) = duplicate_groups(session, library.viewer)
    assert [p.id for p in group.photos] == [kept.id, archived.id]


def test_many_flat_pictures_do_not_take_for_ever() -> None:
    from app.db import new_id
    from app.search.duplicates import MOST_OF_ONE_HASH, _pairs

    ids = [new_id() for _ in range(3000)]
    pairs = _pairs({0: ids[:2900], 3: ids[2900:], 2**40 - 1: []})
    assert len(pairs) <= 3 * MOST_OF_ONE_HASH**2
    assert {bits for _, _, bits in pairs} == {0, 2}


@pytest.mark.parametrize(
    ("better", "reason"),
    [
        ({"favorite": True}, "favorite"),
        ({"rating": 3}, "rating"),
        ({"width": 5000}, "pixels"),
        ({"size": 9_000_000}, "size"),
        ({"added_at": datetime(2020, 1, 1, tzinfo=UTC)}, "added"),
    ],
)
def test_the_one_to_keep(library: Any, better: dict[str, Any], reason: str) -> None:
    now = utcnow() - timedelta(days=1)
    library.photo(phash=5, **({"added_at": now} | {}))
    best = library.photo(phash=5, **({"added_at": now} | better))
    library.photo(phash=5, added_at=now)
    with library.database.read() as session:
        (group,) = duplicate_groups(session, library.viewer)
    assert (group.photos[0].id, group.reason) == (best.id, reason)
