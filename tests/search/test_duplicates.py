"""Near-duplicates: what counts as one, that none is missed, and that a large library is not compared two by two."""

from __future__ import annotations

import random

import pytest

from app.search import duplicates
from app.search.duplicates import BANDED, Look, candidates, kind_of


def flip(value: int, bits: int, chance: random.Random) -> int:
    for bit in chance.sample(range(64), bits):
        value ^= 1 << bit
    return value


def look(value: int, second: float | None = None, size: tuple[int, int] = (400, 300)) -> Look:
    return Look(value - 2**64 if value >= 2**63 else value, *size, second)


@pytest.mark.parametrize("seed", range(5))
def test_no_close_pair_is_missed(seed: int) -> None:
    chance = random.Random(seed)
    values = [chance.getrandbits(64) for _ in range(60)]
    values += [flip(chance.choice(values), chance.randint(0, 14), chance) for _ in range(60)]
    fresh = chance.sample(range(120), 70)
    expected = {
        frozenset((a, b)): bits
        for a in range(120)
        for b in range(a)
        if (bits := (values[a] ^ values[b]).bit_count()) <= BANDED and {a, b} & set(fresh)
    }
    found = list(candidates([look(value) for value in values], fresh))
    assert {frozenset((a, b)): bits for a, b, bits in found} == expected
    assert len(found) == len(expected)  # each pair once
    assert len(expected) > 20


def test_shots_of_one_moment_are_compared_although_their_hashes_differ() -> None:
    chance = random.Random(4)
    value = chance.getrandbits(64)
    looks = [look(value, 100.0), look(flip(value, 18, chance), 150.0), look(flip(value, 18, chance), 170.0)]
    looks += [look(flip(value, 18, chance))]
    assert [(a, b) for a, b, _ in candidates(looks, [0])] == [(0, 1)]


def test_flat_pictures_with_one_hash_stay_few_pairs() -> None:
    found = list(candidates([look(5)] * 3000, range(3000)))
    assert len(found) <= 3000 * duplicates.MOST_OF_ONE


@pytest.mark.parametrize(
    ("bits", "cosine", "seconds", "same_size", "kind"),
    [
        (2, 0.8, None, False, "copy"),
        (6, 0.75, None, True, "copy"),
        (2, 0.3, None, True, None),  # as flat, but another picture
        (9, 0.95, None, False, "copy"),  # a slight crop
        (9, 0.95, None, True, "similar"),
        (9, 0.8, None, False, None),
        (3, 0.95, (10, 10), True, "copy"),
        (3, 0.95, (10, 12), True, "similar"),  # the camera's clock went on
        (18, 0.85, (10, 40), True, "similar"),
        (18, 0.85, (10, 90), True, None),
        (18, 0.85, None, True, None),
        (2, None, None, True, "copy"),  # without vectors the hash must be nearly equal
        (3, None, None, True, None),
    ],
)
def test_what_a_pair_is(
    bits: int, cosine: float | None, seconds: tuple[float, float] | None, same_size: bool, kind: str | None
) -> None:
    one = look(0, seconds[0] if seconds else None)
    other = look(1, seconds[1] if seconds else None, (400, 300) if same_size else (380, 290))
    assert kind_of(one, other, bits, cosine) == kind == kind_of(other, one, bits, cosine)
