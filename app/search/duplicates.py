"""Which photos are one picture, or nearly: by perceptual hash first, then by the scene network's vectors.

``copy``: the same picture in another size, compression or slight crop. ``similar``: another shot of the same moment,
such as one of a burst. Measured on 40 photos (bits of 64 that differ in the hash; cosine of the vectors):

=====================  ============  ===========
compared               bits          cosine
=====================  ============  ===========
recompressed, smaller  0 to 2        .75 to 1
crop to 97 %           4 (up to 12)  .93 and up
crop to 94 %           8 (up to 16)  .91 and up
burst (drawn: turned,  12 (to 26)    .71 and up
moved, one thing new)
different photos       18 and up     up to .79
=====================  ============  ===========

Nobody's library is compared two by two. Hashes that differ in at most eleven bits agree in one of four bands of
sixteen bits to within two; the few photos with such a band are looked up in sorted tables. What was taken within
the same minute is compared as well, with wider bounds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Kind = Literal["copy", "similar"]
Hashes = NDArray[np.uint64]

BANDED = 11  # bits within which the tables find every pair
SURE = 2  # bits from which the hash alone is believed, for photos without a vector
COPY_BITS, COPY_COSINE = 6, 0.7
CROP_COSINE = 0.9  # for 7 to 11 bits
MOMENT = 60.0  # seconds between shots of one moment
MOMENT_BITS, MOMENT_COSINE = 20, 0.8
_NEIGHBOURS = 24  # photos on either side in time that may belong to one moment
MOST_OF_ONE = 30  # pairs kept of one photo: flat pictures all have nearly the same hash
_FLIPS = 2
_BANDS = (0, 16, 32, 48)
_MASKS = np.array(
    [sum(1 << bit for bit in bits) for n in range(_FLIPS + 1) for bits in combinations(range(16), n)], np.uint64
)  # fmt: skip


@dataclass(frozen=True)
class Look:
    """What is compared of one photo: its hash, size in pixels, and the second its camera's clock showed (None where
    the date is only that of the file)."""

    phash: int  # signed, as stored
    width: int
    height: int
    second: float | None

    def apart(self, other: Look) -> float | None:
        """Seconds between two shots; None where a clock is unknown."""
        return None if self.second is None or other.second is None else abs(self.second - other.second)


def candidates(looks: Sequence[Look], fresh: Sequence[int]) -> Iterator[tuple[int, int, int]]:
    """Positions of pairs that may belong together, one of each in ``fresh``, with the bits that differ; each once."""
    hashes = np.array([look.phash for look in looks], np.int64).view(np.uint64)
    moments = _Moments(looks)
    tables = [_Table(hashes, low) for low in _BANDS]
    done = np.zeros(len(looks), bool)
    for one in fresh:
        near = np.concatenate([table.near(hashes[one]) for table in tables])
        found = _nearest(hashes, one, near[~done[near]], BANDED)
        around = moments.around(one)
        found |= _nearest(hashes, one, around[~done[around]], MOMENT_BITS)
        for bits, other in sorted((bits, other) for other, bits in found.items())[:MOST_OF_ONE]:
            yield one, other, bits
        done[one] = True


def _nearest(hashes: Hashes, one: int, others: NDArray[np.int64], most: int) -> dict[int, int]:
    """Those of ``others`` that differ in at most ``most`` bits from ``one``: position -> bits."""
    bits = np.bitwise_count(hashes[others] ^ hashes[one])
    chosen = np.flatnonzero((bits <= most) & (others != one))
    if len(chosen) > 4 * MOST_OF_ONE:  # each may be listed once by each table
        chosen = chosen[np.argpartition(bits[chosen], 4 * MOST_OF_ONE)[: 4 * MOST_OF_ONE]]
    return dict(zip(others[chosen].tolist(), bits[chosen].tolist(), strict=True))


def kind_of(one: Look, other: Look, bits: int, cosine: float | None) -> Kind | None:
    """What a candidate pair is; ``cosine`` of their vectors, None where they have none that can be compared."""
    apart = one.apart(other)
    if cosine is None:
        return "copy" if bits <= SURE and not apart else None
    shot_again = bool(apart)  # both cameras' clocks are known, and differ
    if bits <= COPY_BITS and cosine >= COPY_COSINE:
        return "similar" if shot_again else "copy"
    if bits <= BANDED and cosine >= CROP_COSINE:
        same_shape = (one.width, one.height) == (other.width, other.height)
        return "similar" if shot_again or same_shape else "copy"
    if apart is not None and apart <= MOMENT and bits <= MOMENT_BITS and cosine >= MOMENT_COSINE:
        return "similar"
    return None


class _Table:
    """One band of all hashes, sorted."""

    def __init__(self, hashes: Hashes, low: int) -> None:
        self._low = np.uint64(low)
        band = self._band(hashes)
        self._order = np.argsort(band, kind="stable")
        self._sorted = band[self._order]

    def _band(self, hashes: Hashes) -> Hashes:
        return (hashes >> self._low) & np.uint64(0xFFFF)

    def near(self, value: np.uint64) -> NDArray[np.int64]:
        """Positions of hashes whose band differs in at most two bits from that of ``value``."""
        wanted = self._band(np.array([value], np.uint64))[0] ^ _MASKS
        start, end = (np.searchsorted(self._sorted, wanted, side=side) for side in ("left", "right"))
        spans = [self._order[a:b] for a, b in zip(start, end, strict=True) if a < b]
        return np.concatenate(spans) if spans else np.empty(0, np.int64)


class _Moments:
    """Photos in order of their camera's clock."""

    def __init__(self, looks: Sequence[Look]) -> None:
        known = [(look.second, at) for at, look in enumerate(looks) if look.second is not None]
        known.sort()
        self._seconds = np.array([second for second, _ in known])
        self._order = np.array([at for _, at in known], np.int64)
        self._looks = looks

    def around(self, one: int) -> NDArray[np.int64]:
        second = self._looks[one].second
        if second is None:
            return np.empty(0, np.int64)
        start = int(np.searchsorted(self._seconds, second - MOMENT))
        middle = int(np.searchsorted(self._seconds, second))
        end = int(np.searchsorted(self._seconds, second + MOMENT, side="right"))
        return self._order[max(start, middle - _NEIGHBOURS) : min(end, middle + _NEIGHBOURS)]
