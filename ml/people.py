"""People among faces: which faces are one person, kept up to date as faces arrive. Arrays in, labels out.

The distance of two groups of faces is the root of the mean squared distance of their members, one from
each: average linkage, which does not chain like a nearest neighbour does, and needs no more of a group
than its mean and spread. A new face joins the nearest group within ``SAME``, or starts its own; then
groups that have come within ``SAME`` become one. Between ``SAME`` and ``MAYBE`` nothing happens without
a person's word: those pairs are suggestions.

What a user said holds: a settled group (named, or with a face put there by hand) is never merged into
another one, a face never returns to a group it was taken from, and groups kept apart stay so. Two faces
of one photo are taken for two people unless a user says otherwise.

The thresholds fit the vectors of ``ml.tasks.faces`` (dlib's network, mirror average), measured on 456
pairs: one person's two photos are nearer than .52 in 95 of 100 pairs, two people's never nearer than
.56.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

SAME = 0.50
"""Up to this distance faces are put together without asking."""

MAYBE = 0.60
"""Up to this distance it is worth asking; beyond it, they are different people."""

F = TypeVar("F", bound=Hashable)
G = TypeVar("G", bound=Hashable)

_BLOCK = 512  # groups compared at once when suggestions are looked for


@dataclass(frozen=True)
class Changes(Generic[F, G]):
    """What ``add`` did: the group of every new face, and groups that went into another (gone: into)."""

    assigned: dict[F, G]
    merged: dict[G, G]


@dataclass(frozen=True)
class Suggestion(Generic[G]):
    """Two groups that may be one person; ``distance`` as in the module's text. ``second`` is the
    smaller one."""

    first: G
    second: G
    distance: float


@dataclass
class _Group(Generic[G]):
    """One group. ``photos`` counts its faces by photo; ``settled`` when a user has a say in it."""

    key: G
    members: set[int] = field(default_factory=set)
    photos: Counter[Hashable] = field(default_factory=Counter)
    settled: bool = False


class Grouping(Generic[F, G]):
    """Faces in groups, by keys of the caller's choice.

    Args:
        new_group: makes the key of a new group; 0, 1, 2, ... by default.
        same: see ``SAME``.
        maybe: see ``MAYBE``.
    """

    def __init__(
        self, new_group: Callable[[], G] | None = None, *, same: float = SAME, maybe: float = MAYBE
    ) -> None:
        self._new_group = new_group or cast("Callable[[], G]", itertools.count().__next__)
        self._same, self._maybe = same, maybe
        self._faces: list[F] = []
        self._index: dict[F, int] = {}
        self._photo: list[Hashable] = []
        self._slot_of_face: list[int] = []
        self._vectors = np.zeros((0, 0), np.float32)
        self._groups: list[_Group[G]] = []
        self._slot: dict[G, int] = {}
        self._means = np.zeros((0, 0), np.float32)
        self._spread = np.zeros(
            0, np.float32
        )  # mean squared length of the members; infinite for an empty slot
        self._banned: dict[int, set[int]] = {}  # face to the groups it must not be in
        self._foreseen: dict[F, set[int]] = {}  # the same for faces that are still to come
        self._apart: set[frozenset[int]] = set()

    def restore(
        self,
        faces: Sequence[F],
        vectors: NDArray[np.float32],
        groups: Sequence[G],
        photos: Sequence[Hashable] | None = None,
    ) -> None:
        """Put faces where they are known to be, without asking any distance.

        Args:
            faces: keys, none of them known yet.
            vectors: ``(N, D) float32``.
            groups: each face's group; groups that are not known yet are made.
            photos: each face's photo; without it no two faces share one.

        Raises:
            ValueError: lengths differ, or a face is known already.
        """
        start = self._store(faces, vectors, photos)
        touched: dict[int, list[int]] = {}
        for offset, key in enumerate(groups):
            slot = self._slot[key] if key in self._slot else self._open(key)
            touched.setdefault(slot, []).append(start + offset)
        for slot, members in touched.items():
            self._put(members, slot)

    def settle(self, group: G) -> None:
        """A user has named this group or put a face into it: from now on it goes into no other by
        itself."""
        self._groups[self._slot[group]].settled = True

    def forbid(self, face: F, group: G) -> None:
        """This face is not this person; it is moved to a group of its own if it is there now. The face may
        be one that is still to come."""
        slot = self._slot[group]
        if face not in self._index:
            self._foreseen.setdefault(face, set()).add(slot)
            return
        index = self._index[face]
        self._banned.setdefault(index, set()).add(slot)
        if self._slot_of_face[index] == slot:
            self._move([index], self._open(self._new_group()))

    def keep_apart(self, first: G, second: G) -> None:
        """These two are different people: never one group by itself, never suggested again."""
        self._apart.add(frozenset((self._slot[first], self._slot[second])))

    def add(
        self,
        faces: Sequence[F],
        vectors: NDArray[np.float32],
        photos: Sequence[Hashable] | None = None,
    ) -> Changes[F, G]:
        """Find a group for each new face, one after another, and let groups grow together.

        Args and errors as for ``restore``.
        """
        start = self._store(faces, vectors, photos)
        merged: dict[G, G] = {}
        for index in range(start, len(self._faces)):
            slot = self._nearest_for_face(index)
            if slot is None:  # no group is near a lone face that was not near it as a face
                self._put([index], self._open(self._new_group()))
                continue
            self._put([index], slot)
            while (other := self._nearest_for_group(slot)) is not None:
                gone, into = self._direction(slot, other)
                merged[self._groups[gone].key] = self._groups[into].key
                self._move(sorted(self._groups[gone].members), into)
                self._forget(gone, into)
                slot = into
        for gone_key in list(merged):
            while merged[gone_key] in merged:
                merged[gone_key] = merged[merged[gone_key]]
        return Changes({face: self.group_of(face) for face in faces}, merged)

    def assign(self, face: F, group: G) -> None:
        """A user says who this is; the group is settled by that. A group not known yet is made."""
        index = self._index[face]
        slot = self._slot[group] if group in self._slot else self._open(group)
        self._banned.get(index, set()).discard(slot)
        self._groups[slot].settled = True
        self._move([index], slot)

    def merge(self, gone: G, into: G) -> None:
        """A user says these two are one person."""
        source, target = self._slot[gone], self._slot[into]
        if source == target:
            raise ValueError("a group cannot be merged with itself")
        self._apart.discard(frozenset((source, target)))
        self._groups[target].settled |= self._groups[source].settled
        self._move(sorted(self._groups[source].members), target)
        self._forget(source, target)

    def split(self, faces: Iterable[F]) -> G:
        """A user says these faces are someone else: they become a settled group of their own."""
        indices = [self._index[face] for face in faces]
        slot = self._open(self._new_group())
        for origin in {self._slot_of_face[index] for index in indices}:
            self._apart.add(frozenset((origin, slot)))
        for index in indices:
            self._banned.setdefault(index, set()).add(self._slot_of_face[index])
        self._groups[slot].settled = True
        self._move(indices, slot)
        return self._groups[slot].key

    def group_of(self, face: F) -> G:
        """The group that a face is in."""
        return self._groups[self._slot_of_face[self._index[face]]].key

    def members(self, group: G) -> list[F]:
        """The faces of a group, oldest first."""
        return [self._faces[index] for index in sorted(self._groups[self._slot[group]].members)]

    def groups(self) -> list[G]:
        """All groups that have a face, largest first."""
        alive = [group for group in self._groups if group.members]
        return [group.key for group in sorted(alive, key=lambda group: -len(group.members))]

    def suggestions(self, limit: int = 20, *, smallest: int = 1) -> list[Suggestion[G]]:
        """Pairs of groups that may be one person, nearest first.

        Args:
            limit: at most so many.
            smallest: both groups have at least so many faces, or are settled.
        """
        fit = [
            slot
            for slot, group in enumerate(self._groups)
            if group.members and (group.settled or len(group.members) >= smallest)
        ]
        # A pair of two lone faces nobody named tells a user little: one side is a group or settled.
        sides = [s for s in fit if self._groups[s].settled or len(self._groups[s].members) > 1]
        found: dict[frozenset[int], float] = {}
        for start in range(0, len(sides), _BLOCK):
            block = sides[start : start + _BLOCK]
            distance = self._between(block, fit)
            for row, column in zip(*np.nonzero(distance <= self._maybe), strict=True):
                pair = frozenset((block[row], fit[column]))
                if len(pair) == 2 and self._may_be_one(*pair):
                    found[pair] = float(distance[row, column])
        nearest = sorted(found, key=lambda pair: found[pair])[:limit]
        return [self._suggest(pair, found[pair]) for pair in nearest]

    def _suggest(self, pair: frozenset[int], distance: float) -> Suggestion[G]:
        first, second = sorted(
            pair, key=lambda s: (not self._groups[s].settled, -len(self._groups[s].members), s)
        )
        return Suggestion(self._groups[first].key, self._groups[second].key, distance)

    def _store(
        self, faces: Sequence[F], vectors: NDArray[np.float32], photos: Sequence[Hashable] | None
    ) -> int:
        """Keep new faces' vectors; returns the first one's index."""
        if len(vectors) != len(faces) or (photos is not None and len(photos) != len(faces)):
            raise ValueError(f"{len(faces)} faces, but {len(vectors)} vectors or another number of photos")
        start = len(self._faces)
        for index, face in enumerate(faces, start):
            if self._index.setdefault(face, index) != index:
                for known in faces[: index - start]:
                    del self._index[known]
                raise ValueError(f"the face {face!r} is in a group already")
        if len(faces):
            self._make_room(start + len(faces), np.shape(vectors)[1])
            self._vectors[start : start + len(faces)] = vectors
        self._faces += faces
        self._photo += [object() for _ in faces] if photos is None else list(photos)
        self._slot_of_face += [-1] * len(faces)
        for index, face in enumerate(faces, start) if self._foreseen else ():
            if face in self._foreseen:
                self._banned[index] = self._foreseen.pop(face)
        return start

    def _make_room(self, count: int, width: int) -> None:
        """Space for so many vectors; doubling keeps the cost of one more constant."""
        if count > len(self._vectors):
            larger = np.zeros((max(count, 2 * len(self._vectors)), width), np.float32)
            larger[: len(self._vectors)] = self._vectors.reshape(-1, width)
            self._vectors = larger

    def _open(self, key: G) -> int:
        """A new empty group's slot."""
        if key in self._slot:
            raise ValueError(f"there is a group {key!r} already")
        slot = len(self._groups)
        if slot >= len(self._means):
            more = max(64, slot)
            width = self._vectors.shape[1]
            self._means = np.concatenate(
                [self._means.reshape(-1, width), np.zeros((more, width), np.float32)]
            )
            self._spread = np.concatenate([self._spread, np.full(more, np.inf, np.float32)])
        self._groups.append(_Group(key))
        self._slot[key] = slot
        return slot

    def _put(self, indices: Sequence[int], slot: int) -> None:
        """Faces that are in no group into one."""
        group = self._groups[slot]
        before = len(group.members)
        vectors = self._vectors[list(indices)]
        lengths = (vectors**2).sum(1)
        count = before + len(indices)
        old_spread = float(self._spread[slot]) if before else 0.0
        self._means[slot] = (self._means[slot] * before + vectors.sum(0)) / count
        self._spread[slot] = (old_spread * before + lengths.sum()) / count
        group.members.update(indices)
        for index in indices:
            self._slot_of_face[index] = slot
            group.photos[self._photo[index]] += 1

    def _move(self, indices: Sequence[int], slot: int) -> None:
        """Faces out of their groups and into one; what they leave is measured anew."""
        for origin in {self._slot_of_face[index] for index in indices}:
            group = self._groups[origin]
            group.members.difference_update(indices)
            group.photos = Counter(self._photo[index] for index in group.members)
            if group.members:
                rest = self._vectors[sorted(group.members)]
                self._means[origin] = rest.mean(0)
                self._spread[origin] = (rest**2).sum(1).mean()
            else:
                self._means[origin], self._spread[origin] = 0, np.inf
        self._put(indices, slot)

    def _forget(self, gone: int, into: int) -> None:
        """What was said of a group that is no more holds for the one it went into."""
        del self._slot[self._groups[gone].key]
        self._apart = {frozenset(into if s == gone else s for s in pair) for pair in self._apart}
        for slots in (*self._banned.values(), *self._foreseen.values()):
            if gone in slots:
                slots.add(into)

    def _nearest_for_face(self, index: int) -> int | None:
        """The nearest group within ``same`` that may take this face."""
        if not self._groups:
            return None
        vector = self._vectors[index]
        count = len(self._groups)
        squared = self._spread[:count] - 2 * (self._means[:count] @ vector) + vector @ vector
        banned = self._banned.get(index, set())
        for slot in self._ranked(squared):
            if slot not in banned and self._photo[index] not in self._groups[slot].photos:
                return slot
        return None

    def _nearest_for_group(self, slot: int) -> int | None:
        """The nearest other group within ``same`` that may become one with this."""
        count = len(self._groups)
        squared = self._spread[slot] + self._spread[:count] - 2 * (self._means[:count] @ self._means[slot])
        squared[slot] = np.inf
        for other in self._ranked(squared):
            if self._may_be_one(slot, other) and not self._both_settled(slot, other):
                mine, theirs = self._groups[slot].photos, self._groups[other].photos
                if mine.keys().isdisjoint(theirs):
                    return other
        return None

    def _ranked(self, squared: NDArray[np.float32]) -> list[int]:
        near = np.flatnonzero(squared <= self._same**2)
        return [int(slot) for slot in near[np.argsort(squared[near], kind="stable")]]

    def _between(self, first: Sequence[int], second: Sequence[int]) -> NDArray[np.float32]:
        """Distances of groups: ``(len(first), len(second))``; infinite where one is empty."""
        a, b = list(first), list(second)
        products = self._means[a] @ self._means[b].T
        squared = self._spread[a][:, None] + self._spread[b][None] - 2 * products
        return np.asarray(np.sqrt(np.maximum(squared, 0)), np.float32)

    def _both_settled(self, first: int, second: int) -> bool:
        return self._groups[first].settled and self._groups[second].settled

    def _may_be_one(self, first: int, second: int) -> bool:
        """Whether nothing a user said speaks against it."""
        if frozenset((first, second)) in self._apart:
            return False
        pairs = ((self._groups[first], second), (self._groups[second], first))
        return not any(
            other in self._banned.get(index, ()) for group, other in pairs for index in group.members
        )

    def _direction(self, first: int, second: int) -> tuple[int, int]:
        """Which of two groups goes (first of the result) and which stays: settled, larger, older."""
        stays = min(
            (first, second), key=lambda s: (not self._groups[s].settled, -len(self._groups[s].members), s)
        )
        return (second if stays == first else first), stays
