"""Grouping faces into people: what joins, what stays apart, and that a user's word holds."""

from __future__ import annotations

import numpy as np
import pytest

from ml.people import MAYBE, SAME, Grouping

SIZE = 128


def point(person: int, distance: float, seed: int) -> np.ndarray:
    """A vector at this distance from the person's own; people are 1.4 apart."""
    centre = np.zeros(SIZE)
    centre[person] = 1.0
    way = np.random.default_rng(seed).normal(size=SIZE)
    return (centre + way / np.linalg.norm(way) * distance).astype(np.float32)


def faces(person: int, count: int, spread: float = 0.2) -> np.ndarray:
    return np.stack([point(person, spread, 100 * person + number) for number in range(count)])


def test_people_are_told_apart_in_any_order() -> None:
    vectors = np.concatenate([faces(person, 6) for person in range(5)])
    truth = np.repeat(np.arange(5), 6)
    order = np.random.default_rng(1).permutation(30)
    groups: Grouping[int, int] = Grouping()
    groups.add([int(i) for i in order], vectors[order])
    labels = np.array([groups.group_of(i) for i in range(30)])
    assert len(set(labels)) == 5
    assert all(len(set(labels[truth == person])) == 1 for person in range(5))


def test_a_new_face_joins_a_restored_person_and_a_stranger_does_not() -> None:
    groups: Grouping[str, str] = Grouping(lambda: "new")
    groups.restore(["a1", "a2"], faces(0, 2), ["ann", "ann"])
    changes = groups.add(["a3", "b1"], np.stack([point(0, 0.2, 7), point(1, 0.2, 8)]))
    assert changes.assigned == {"a3": "ann", "b1": "new"}
    assert groups.members("ann") == ["a1", "a2", "a3"]


def test_groups_become_one_when_a_face_brings_them_together_unless_both_are_settled() -> None:
    ends = np.zeros((2, SIZE), np.float32)
    ends[0, 0], ends[1, 0] = -0.27, 0.27
    middle = np.zeros((4, SIZE), np.float32)
    free: Grouping[int, str] = Grouping()
    free.restore([0, 1], ends, ["left", "right"])
    changes = free.add([2, 3, 4, 5], middle)
    assert changes.merged == {"right": "left"}
    assert free.groups() == ["left"]
    named: Grouping[int, str] = Grouping()
    named.restore([0, 1], ends, ["left", "right"])
    named.settle("left")
    named.settle("right")
    changes = named.add([2, 3, 4, 5], middle)
    assert changes.merged == {}
    assert set(named.groups()) == {"left", "right"}


def test_a_settled_group_takes_the_other_in_however_small_it_is() -> None:
    groups: Grouping[int, str] = Grouping()
    groups.restore(
        range(4), np.concatenate([faces(0, 1), faces(0, 3)[1:], faces(0, 5)[4:]]), ["x", "y", "y", "y"]
    )
    groups.settle("x")
    changes = groups.add([9], point(0, 0.05, 3)[None])
    assert changes.merged == {"y": "x"}
    assert changes.assigned == {9: "x"}


def test_a_face_taken_from_a_person_never_returns_by_itself() -> None:
    groups: Grouping[int, int] = Grouping()
    groups.add(range(5), faces(0, 5))
    person = groups.group_of(0)
    groups.forbid(2, person)
    assert groups.group_of(2) != person
    groups.add([9], point(0, 0.01, 4)[None])  # a face in the middle of both
    assert groups.group_of(2) != groups.group_of(0)
    assert all({s.first, s.second} != {groups.group_of(2), groups.group_of(0)} for s in groups.suggestions())


def test_people_kept_apart_are_neither_merged_nor_suggested() -> None:
    groups: Grouping[int, str] = Grouping()
    groups.restore([0, 1, 2, 3], faces(0, 4), ["x", "x", "y", "y"])
    groups.keep_apart("x", "y")
    groups.add([4], point(0, 0.0, 1)[None])
    assert set(groups.groups()) == {"x", "y"}
    assert groups.suggestions() == []


def test_two_faces_of_one_photo_are_two_people_until_a_user_merges_them() -> None:
    groups: Grouping[int, int] = Grouping()
    groups.add([0, 1], faces(0, 2), photos=["p", "p"])
    first, second = groups.group_of(0), groups.group_of(1)
    assert first != second
    groups.merge(second, first)
    assert groups.members(first) == [0, 1]


def test_what_was_said_of_a_group_holds_after_it_is_merged() -> None:
    groups: Grouping[int, str] = Grouping()
    groups.restore([0, 1, 2, 3], faces(0, 4), ["x", "x", "y", "z"])
    groups.keep_apart("y", "z")
    groups.merge("y", "x")
    assert all({s.first, s.second} != {"x", "z"} for s in groups.suggestions())
    groups.add([4], point(0, 0.0, 1)[None])
    assert groups.group_of(3) == "z"


def test_the_grey_zone_is_suggested_and_not_merged() -> None:
    one = np.zeros((2, SIZE), np.float32)
    two = np.zeros((2, SIZE), np.float32)
    two[:, 0] = (SAME + MAYBE) / 2
    groups: Grouping[int, str] = Grouping()
    groups.restore([0, 1, 2], np.concatenate([one, two[:1]]), ["x", "x", "y"])
    assert groups.add([3], two[:1]).assigned == {3: "y"}
    (suggestion,) = groups.suggestions()
    assert (suggestion.first, suggestion.second) == ("x", "y")
    assert suggestion.distance == pytest.approx((SAME + MAYBE) / 2, abs=1e-5)


def test_split_makes_a_person_that_stays() -> None:
    groups: Grouping[int, int] = Grouping()
    groups.add(range(6), faces(0, 6))
    origin = groups.group_of(0)
    new = groups.split([3, 4])
    assert groups.members(new) == [3, 4]
    assert groups.members(origin) == [0, 1, 2, 5]
    groups.add([6, 7], faces(0, 8)[6:])
    assert groups.group_of(3) == groups.group_of(4) != groups.group_of(0)


def test_assign_moves_a_face_and_measures_both_groups_anew() -> None:
    groups: Grouping[int, str] = Grouping(lambda: "fresh")
    groups.restore(
        [0, 1, 2], np.stack([point(0, 0.1, 1), point(0, 0.1, 2), point(1, 0.1, 3)]), ["a", "a", "a"]
    )
    groups.assign(2, "b")
    changes = groups.add([3, 4], np.stack([point(1, 0.1, 5), point(0, 0.1, 6)]))
    assert changes.assigned == {3: "b", 4: "a"}


def test_wrong_use_is_refused_and_changes_nothing() -> None:
    groups: Grouping[int, int] = Grouping()
    groups.add([0], faces(0, 1))
    with pytest.raises(ValueError, match="already"):
        groups.add([5, 0], faces(0, 2))
    with pytest.raises(ValueError, match="vectors"):
        groups.add([1, 2], faces(0, 1))
    with pytest.raises(ValueError, match="itself"):
        groups.merge(groups.group_of(0), groups.group_of(0))
    groups.add([5], point(0, 0.1, 9)[None])
    assert groups.group_of(5) == groups.group_of(0)


def test_grouping_one_by_one_equals_the_definition_of_its_distance() -> None:
    """The stored mean and spread give the root mean squared distance of all members."""
    vectors = np.concatenate([faces(0, 5, 0.15), faces(0, 9, 0.32)[5:]])
    groups: Grouping[int, str] = Grouping(maybe=2.0, same=0.0)
    groups.restore(range(9), vectors, ["x"] * 5 + ["y"] * 4)
    (suggestion,) = groups.suggestions()
    apart = np.linalg.norm(vectors[:5, None] - vectors[None, 5:], axis=2)
    assert suggestion.distance == pytest.approx(float(np.sqrt((apart**2).mean())), rel=1e-4)
