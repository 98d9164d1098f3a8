"""People: grouping new faces, what users decide about them, and that decisions outlive every machine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from io import BytesIO
from uuid import UUID

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import select

from app.context import Context
from app.errors import Conflict, Invalid, NotFound
from app.models import Face, Job, PeopleSuggestion, Person, Photo
from app.search import find_ids
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.faces import grouping, merging, people
from app.services.understanding import snapshots
from app.worker import Worker
from ml.types import Analysis, Box, FaceDetection, StageRun
from tests.conftest import Drawn, FakeAnalyzer

Vector = NDArray[np.float32]
BOX = Box(0.1, 0.1, 0.3, 0.4)


def direction(index: int) -> Vector:
    """Vectors of different people: 0.85 apart."""
    vector = np.zeros(128, np.float32)
    vector[index] = 0.6
    return vector


def like(vector: Vector, distance: float, seed: int = 0) -> Vector:
    """A vector ``distance`` away."""
    step = np.random.default_rng(seed).normal(size=128).astype(np.float32)
    step[np.abs(vector) > 0] = 0
    return (vector + distance * step / np.linalg.norm(step)).astype(np.float32)


ANNA, BEN = direction(0), direction(1)


def seen(*vectors: Vector, boxes: Sequence[Box] = ()) -> Analysis:
    marks = ((0.2, 0.2),) * 5
    places = boxes or [Box(0.05 + 0.3 * i, 0.1, 0.25, 0.3) for i in range(len(vectors))]
    faces = tuple(FaceDetection(0.99, box, marks, v) for box, v in zip(places, vectors, strict=True))
    return Analysis(faces=faces, stages=(StageRun("faces", "face/test@one", "1", 0.01),))


class Album:
    """Photos whose faces are given, and the worker that finds them."""

    def __init__(self, context: Context, viewer: Viewer, draw: Drawn) -> None:
        self.context, self.viewer, self.draw = context, viewer, draw
        self.now = seen()
        self.worker = Worker(context, FakeAnalyzer(lambda _image: self.now))

    def add(self, *vectors: Vector, group: bool = True) -> UUID:
        self.now = seen(*vectors)
        added = intake.add_stream(self.context, self.viewer, BytesIO(self.draw()), intake.Options())
        self.worker.run_once()
        if group:
            self.work()
        return added.id

    def again(self, photo_id: UUID, *vectors: Vector, boxes: Sequence[Box] = ()) -> None:
        self.now = seen(*vectors, boxes=boxes)
        with self.context.database.write() as session:
            photos.request_analysis(session, self.viewer, photo_id)
        self.work()

    def work(self) -> None:
        while self.worker.run_once():
            pass

    def who(self, photo_id: UUID) -> list[UUID | None]:
        """The people of a photo's faces, from left to right."""
        with self.context.database.read() as session:
            return [face.person_id for face, _ in photos.describe(session, self.viewer, photo_id).faces]

    def face(self, photo_id: UUID, place: int = 0) -> UUID:
        with self.context.database.read() as session:
            return photos.describe(session, self.viewer, photo_id).faces[place][0].id

    def person(self, photo_id: UUID) -> UUID:
        (person,) = self.who(photo_id)
        assert person is not None
        return person

    def name(self, person_id: UUID, name: str) -> None:
        with self.context.database.write() as session:
            people.update_person(session, self.viewer, person_id, name=name)
        self.work()


@pytest.fixture
def album(context: Context, anna: Viewer, draw: Drawn) -> Album:
    return Album(context, anna, draw)


class TestGrouping:
    def test_like_faces_become_one_person_and_others_do_not(self, album: Album) -> None:
        first, second = album.add(ANNA), album.add(like(ANNA, 0.3))
        other = album.add(BEN)
        assert album.person(first) == album.person(second)
        assert album.person(other) != album.person(first)

    def test_many_photos_ask_for_one_grouping(self, album: Album, context: Context) -> None:
        for seed in range(4):
            album.add(like(ANNA, 0.2, seed), group=False)
        with context.database.read() as session:
            waiting = session.scalars(select(Job).where(Job.kind == "people")).all()
        assert [job.state for job in waiting] == ["ready"]
        album.work()
        with context.database.read() as session:
            assert len(session.scalars(select(Person)).all()) == 1

    def test_two_faces_of_one_photo_are_two_people(self, album: Album) -> None:
        one, other = album.who(album.add(ANNA, like(ANNA, 0.1)))
        assert None not in (one, other)
        assert one != other

    def test_users_people_are_their_own(
        self, album: Album, context: Context, bob: Viewer, draw: Drawn
    ) -> None:
        mine = album.person(album.add(ANNA))
        his = Album(context, bob, draw)
        theirs = his.person(his.add(ANNA))
        assert mine != theirs
        with context.database.write() as session, pytest.raises(NotFound):
            people.update_person(session, bob, mine, name="Mine")
        with context.database.write() as session, pytest.raises(NotFound):
            merging.merge(session, bob, [mine], theirs)

    def test_two_named_people_are_never_merged_by_themselves(self, album: Album) -> None:
        left, right = album.add(ANNA), album.add(like(ANNA, 0.7))
        album.name(album.person(left), "Anna")
        album.name(album.person(right), "Hanna")
        for seed in range(5):  # faces that would pull the two together
            album.add(((ANNA + like(ANNA, 0.7)) / 2 + like(ANNA, 0.01, seed) - ANNA).astype(np.float32))
        assert album.person(left) != album.person(right)


class TestDecisions:
    def test_a_name_is_found_by_search_and_shown_to_clients(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        photo = album.add(ANNA)
        with context.database.read() as session:
            before = session.get_one(Photo, photo).updated_at
        album.name(album.person(photo), "  Aunt   Mia ")
        with context.database.read() as session:
            assert find_ids(session, anna, 'person:"Aunt Mia"') == [photo]
            assert session.get_one(Photo, photo).updated_at > before

    def test_a_face_that_is_not_this_person_never_returns(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        stays, wrong = album.add(ANNA), album.add(like(ANNA, 0.2))
        person = album.person(stays)
        with context.database.write() as session:
            people.assign(session, anna, album.face(wrong))
        album.work()
        album.again(wrong, like(ANNA, 0.2))
        assert album.person(wrong) != person
        assert album.person(stays) == person

    def test_a_rejected_face_that_is_not_found_again_keeps_the_users_word(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        stays, wrong = album.add(ANNA), album.add(like(ANNA, 0.2))
        with context.database.write() as session:
            people.assign(session, anna, album.face(wrong))
        album.again(wrong)
        album.again(wrong, like(ANNA, 0.2))
        assert album.person(wrong) != album.person(stays)

    def test_a_hand_put_face_survives_another_look(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        photo, other = album.add(ANNA), album.add(BEN)
        ben = album.person(other)
        with context.database.write() as session:
            people.assign(session, anna, album.face(photo), ben)
        album.again(photo, ANNA)
        assert album.person(photo) == ben

    def test_nobody_stays_nobody(self, album: Album, context: Context, anna: Viewer) -> None:
        album.add(ANNA)
        statue = album.add(like(ANNA, 0.1))
        with context.database.write() as session:
            people.assign(session, anna, album.face(statue), nobody=True)
        album.add(like(ANNA, 0.15))
        assert album.who(statue) == [None]

    def test_a_face_can_be_given_by_name(self, album: Album, context: Context, anna: Viewer) -> None:
        first, second = album.add(ANNA), album.add(BEN)
        for photo in (first, second):
            with context.database.write() as session:
                people.assign(session, anna, album.face(photo), name="Zoe")
        assert album.person(first) == album.person(second)

    def test_a_split_holds(self, album: Album, context: Context, anna: Viewer) -> None:
        ids = [album.add(like(ANNA, 0.2, seed)) for seed in range(4)]
        person = album.person(ids[0])
        with context.database.write() as session:
            other = people.split(session, anna, person, [album.face(i) for i in ids[2:]])
        album.add(like(ANNA, 0.05))
        assert [album.person(i) for i in ids] == [person, person, other.id, other.id]

    def test_a_split_leaves_somebody_behind(self, album: Album, context: Context, anna: Viewer) -> None:
        photo = album.add(ANNA)
        with context.database.write() as session, pytest.raises(Invalid):
            people.split(session, anna, album.person(photo), [album.face(photo)])

    def test_the_cover_must_be_theirs(self, album: Album, context: Context, anna: Viewer) -> None:
        photo, other = album.add(ANNA), album.add(BEN)
        with context.database.write() as session:
            with pytest.raises(Invalid):
                people.update_person(session, anna, album.person(photo), cover=album.face(other))
            people.update_person(session, anna, album.person(photo), cover=album.face(photo))


class TestMerging:
    def everything(self, context: Context) -> list[tuple[object, ...]]:
        with context.database.read() as session:
            faces = session.execute(select(Face.id, Face.person_id, Face.person_source).order_by(Face.id))
            named = session.execute(select(Person.id, Person.name, Person.hidden).order_by(Person.id))
            return [*map(tuple, faces), *map(tuple, named)]

    def test_a_merge_can_be_taken_back(self, album: Album, context: Context, anna: Viewer) -> None:
        ids = [album.add(ANNA), album.add(like(ANNA, 0.2)), album.add(BEN)]
        album.name(album.person(ids[2]), "Ben")
        before = self.everything(context)
        into = album.person(ids[0])
        with context.database.write() as session:
            merge = merging.merge(session, anna, [album.person(ids[2])], into)
        album.work()
        assert {album.person(i) for i in ids} == {into}
        with context.database.read() as session:
            assert session.get_one(Person, into).name == "Ben"
        with context.database.write() as session:
            merging.undo(session, anna, merge.id)
        album.work()
        assert self.everything(context) == before
        with context.database.write() as session, pytest.raises(Conflict):
            merging.undo(session, anna, merge.id)

    def test_a_face_moved_since_stays_where_it_is(self, album: Album, context: Context, anna: Viewer) -> None:
        left, right, third = album.add(ANNA), album.add(BEN), album.add(direction(2))
        with context.database.write() as session:
            merge = merging.merge(session, anna, [album.person(right)], album.person(left))
        with context.database.write() as session:
            people.assign(session, anna, album.face(right), album.person(third))
        with context.database.write() as session:
            merging.undo(session, anna, merge.id)
        assert album.person(right) == album.person(third)

    def test_the_grey_zone_is_asked_about_and_answers_hold(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        left, right = album.add(ANNA), album.add(like(ANNA, 0.55))
        album.name(album.person(left), "Anna")
        with context.database.read() as session:
            (question,) = merging.questions(session, anna)
        pair = question.first.person.id, question.second.person.id
        assert set(pair) == {album.person(left), album.person(right)}
        with context.database.write() as session:
            merging.reject(session, anna, *pair)
        album.add(BEN)
        with context.database.read() as session:
            assert session.scalars(select(PeopleSuggestion)).all() == []
        assert album.person(left) != album.person(right)

    def test_what_is_asked_does_not_depend_on_how_the_faces_came(
        self, album: Album, context: Context
    ) -> None:
        """Nor does a suggestion change its distance when the same people are looked at once more."""

        def asked() -> list[tuple[object, ...]]:
            with context.database.read() as session:
                order = (PeopleSuggestion.first_id, PeopleSuggestion.second_id)
                return [
                    (row.first_id, row.second_id, row.distance)
                    for row in session.scalars(select(PeopleSuggestion).order_by(*order))
                ]

        rng = np.random.default_rng(0)
        family = rng.normal(size=(12, 128)) * 0.04
        for _ in range(20):
            here = family[rng.permutation(12)[:6]]
            faces = here + rng.normal(size=here.shape) * 0.04 * rng.uniform(0.5, 1.3, (6, 1))
            album.add(*faces.astype(np.float32), group=False)
        album.work()
        before = asked()
        assert before
        with context.database.write() as session:
            grouping.request_grouping(session, album.viewer.user_id)
        album.work()
        assert asked() == before

    def test_accepting_keeps_the_name(self, album: Album, context: Context, anna: Viewer) -> None:
        left, right = album.add(ANNA), album.add(like(ANNA, 0.55))
        album.name(album.person(right), "Anna")
        with context.database.read() as session:
            (question,) = merging.questions(session, anna)
        with context.database.write() as session:
            merging.accept(session, anna, question.second.person.id, question.first.person.id)
        with context.database.read() as session:
            assert session.get_one(Person, album.person(left)).name == "Anna"
        assert album.person(left) == album.person(right)


def test_passers_by_are_not_listed_and_pages_follow_each_other(
    album: Album, context: Context, anna: Viewer
) -> None:
    for count, index in ((4, 0), (3, 1), (1, 2), (1, 3)):
        for seed in range(count):
            album.add(like(direction(index), 0.1, seed), group=False)
    album.work()
    alone = album.add(like(direction(3), 0.1, 9))
    album.name(album.person(alone), "Zoe")
    listed: Callable[..., people.PeoplePage] = people.list_people
    with context.database.read() as session:
        assert [item.faces for item in listed(session, anna).items] == [2, 4, 3]
        assert [item.faces for item in listed(session, anna, min_faces=1).items] == [2, 4, 3, 1]
        first = listed(session, anna, limit=2)
        rest = listed(session, anna, limit=2, cursor=first.next_cursor)
    assert [item.faces for item in (*first.items, *rest.items)] == [2, 4, 3]
    assert rest.next_cursor is None


def test_an_undone_campaign_changes_no_decision(album: Album, context: Context, anna: Viewer) -> None:
    """Its snapshot may name a person who has gone since, and faces a user has given to another since."""
    photo, other = album.add(ANNA), album.add(BEN)
    left, right = album.person(photo), album.person(other)
    with context.database.write() as session:
        row = session.get_one(Photo, photo)
        before = snapshots.take(session, row, ("faces",))
    with context.database.write() as session:
        merging.merge(session, anna, [left], right)
    album.again(photo)  # the new model finds no face
    assert album.who(photo) == []
    with context.database.write() as session:
        snapshots.restore(session, session.get_one(Photo, photo), before)
    album.work()
    assert album.who(photo) != [None]
    assert album.person(photo) != left
    with context.database.write() as session:
        people.assign(session, anna, album.face(photo), right)
    with context.database.write() as session:
        snapshots.restore(session, session.get_one(Photo, photo), before)
    assert album.person(photo) == right
