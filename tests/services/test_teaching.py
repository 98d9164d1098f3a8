"""Taught tags: what they find, how verdicts improve them, and that nothing is left of a deleted one."""

from __future__ import annotations

from io import BytesIO
from uuid import UUID

import numpy as np
import pytest
from sqlalchemy import func, select

from app.context import Context
from app.errors import Conflict, Invalid, NotAllowed, NotFound
from app.models import Job, PhotoTag, Tag, TaughtTag
from app.search import find_ids, suggest
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.collections import albums
from app.services.tagging import taxonomy, teaching, vocabulary
from app.services.tagging.taxonomy import TagChange
from app.services.understanding import evidence
from app.worker import Worker
from ml import teaching as rules
from ml.tasks.scenes import MODEL as SCENES
from ml.types import Analysis, StageRun
from tests.conftest import Drawn, FakeAnalyzer

WIDTH = 64


def unit(values: np.ndarray) -> np.ndarray:
    return (values / np.linalg.norm(values)).astype(np.float32)


def look(kind: int | None, seed: int, width: int = WIDTH) -> np.ndarray:
    """The vector of a photo: noise, and a direction that photos of one kind share."""
    noise = np.random.default_rng(seed).normal(size=width) * 0.12
    if kind is not None:
        noise[kind] += 2.5
    return unit(noise)


class Album:
    def __init__(self, context: Context, viewer: Viewer, draw: Drawn) -> None:
        self.context, self.viewer, self.draw = context, viewer, draw
        self.vectors: list[np.ndarray] = []
        self.seed = 0
        self.worker = Worker(context, FakeAnalyzer(lambda _image: self.see()))

    def see(self) -> Analysis:
        vector = self.vectors.pop(0)
        runs = (
            StageRun("scenes", "scene/test@one", "1", 0.01),
            StageRun("embedding", "semantic/test@one", "1", 0.01),
        )
        return Analysis(visual=vector, semantic=unit(vector[: WIDTH // 2] + 0.01), stages=runs)

    def add(self, kind: int | None, count: int = 1) -> list[UUID]:
        ids = []
        for _ in range(count):
            self.seed += 1
            self.vectors.append(look(kind, self.seed))
            options = intake.Options()
            ids.append(intake.add_stream(self.context, self.viewer, BytesIO(self.draw((64, 48))), options).id)
        self.work()
        return ids

    def work(self) -> None:
        while self.worker.run_once():
            pass

    def teach(
        self, examples: list[UUID], against: list[UUID] | None = None, name: str = "Our boat"
    ) -> teaching.Taught:
        with self.context.database.write() as session:
            taught = teaching.teach(session, self.viewer, name, examples, against or [])
        self.work()
        return taught

    def tagged(self, slug: str = "our-boat") -> set[UUID]:
        return self.finds(f"tag:{slug}")

    def finds(self, query: str) -> set[UUID]:
        with self.context.database.read() as session:
            return set(find_ids(session, self.viewer, query))


@pytest.fixture
def album(context: Context, anna: Viewer, draw: Drawn) -> Album:
    return Album(context, anna, draw)


def test_a_taught_tag_is_given_to_the_library_and_to_new_photos(album: Album) -> None:
    boats, others = album.add(3, 8), album.add(None, 25)
    taught = album.teach(boats[:5])
    assert (taught.examples, taught.job) == (5, None)
    assert album.tagged() == set(boats)
    (new,) = album.add(3)
    (plain,) = album.add(None)
    assert new in album.tagged()
    assert not album.tagged() & {plain, *others}


def test_a_large_library_learns_in_the_background(album: Album, monkeypatch: pytest.MonkeyPatch) -> None:
    boats = album.add(3, 6)
    album.add(None, 20)
    monkeypatch.setattr(teaching, "AT_ONCE", 10)
    taught = album.teach(boats[:4])
    assert taught.photos is None
    assert taught.job is not None
    assert album.tagged() == set(boats)


def test_every_verdict_improves_it(album: Album, context: Context, anna: Viewer) -> None:
    boats, ships = album.add(3, 7), album.add(3, 2)
    album.add(None, 30)
    album.teach(boats[:5])
    assert set(ships) <= album.tagged()
    sure = confidence(context, ships[1])
    with context.database.write() as session:
        photos.reject_tag(session, anna, ships[0], "our-boat")
    album.work()
    assert ships[0] not in album.tagged()
    assert confidence(context, ships[1]) < sure
    with context.database.read() as session:
        taught = session.scalars(select(TaughtTag)).one()
    assert taught.learned_revision == taught.revision


def confidence(context: Context, photo_id: UUID) -> float:
    """How sure the rule is of a photo; 0 where it does not give the tag."""
    row = select(PhotoTag.confidence).where(PhotoTag.photo_id == photo_id, PhotoTag.source == "learned")
    with context.database.read() as session:
        return session.scalar(row) or 0.0


def test_a_rejected_photo_is_never_given_the_tag_again(album: Album, context: Context, anna: Viewer) -> None:
    boats = album.add(3, 8)
    album.add(None, 20)
    album.teach(boats[:4])
    with context.database.write() as session:
        photos.reject_tag(session, anna, boats[6], "our-boat")
    album.vectors.append(look(3, 999))
    with context.database.write() as session:
        photos.request_analysis(session, anna, boats[6])
    album.teach(boats[:5])
    assert boats[6] not in album.tagged()


def test_a_verdict_that_is_taken_back_is_unlearned(album: Album, context: Context, anna: Viewer) -> None:
    boats = album.add(3, 8)
    album.add(None, 25)
    album.teach(boats[:5])
    learned = rule_of(context)
    with context.database.write() as session:
        photos.reject_tag(session, anna, boats[6], "our-boat")
    album.work()
    assert boats[6] not in album.tagged()
    assert rule_of(context) != learned
    with context.database.write() as session:
        photos.forget_verdict(session, anna, boats[6], "our-boat")
    album.work()
    assert album.tagged() == set(boats)
    assert rule_of(context) == learned


def rule_of(context: Context) -> bytes | None:
    with context.database.read() as session:
        return session.scalars(select(TaughtTag)).one().rule


def test_examples_that_are_not_analysed_yet_teach_later(album: Album, context: Context, draw: Drawn) -> None:
    album.add(None, 25)
    boats = album.add(3, 2)
    early = [
        intake.add_stream(context, album.viewer, BytesIO(draw((64, 48))), intake.Options()).id
        for _ in range(5)
    ]
    with context.database.write() as session:
        taught = teaching.teach(session, album.viewer, "Our boat", early)
    assert taught.photos == 0
    album.vectors += [look(3, 500 + i) for i in range(5)]
    album.work()
    assert {*early, *boats} <= album.tagged()


def test_a_deleted_tag_leaves_no_trace(album: Album, context: Context, anna: Viewer) -> None:
    boats = album.add(3, 6)
    others = album.add(None, 12)
    album.teach(boats[:4], others[:1])
    with context.database.write() as session:
        photos.confirm_tag(session, anna, boats[5], "our-boat")
    with context.database.write() as session:
        taxonomy.delete_tag(session, anna, "our-boat")
    album.work()
    album.add(3)
    with context.database.read() as session:
        assert session.scalars(select(Tag).where(Tag.owner_id == anna.user_id)).all() == []
        assert session.scalar(select(func.count()).select_from(PhotoTag)) == 0
        assert session.scalar(select(func.count()).select_from(TaughtTag)) == 0
        assert session.scalars(select(Job).where(Job.kind == "teach", Job.state != "done")).all() == []


def test_evidence_names_the_examples_that_are_most_alike(
    album: Album, context: Context, anna: Viewer
) -> None:
    boats = album.add(3, 7)
    album.add(None, 20)
    album.teach(boats[:5])
    with context.database.read() as session:
        found = evidence.evidence_of(session, anna, boats[6], "our-boat")
    assert found.rows[0].source == "learned"
    assert found.rows[0].confidence >= rules.CUT
    assert {photo for photo, _ in found.examples} == set(boats[:5])
    similar = [value for _, value in found.examples]
    assert similar == sorted(similar, reverse=True)
    assert not found.has_heat_map


def test_only_own_photos_and_one_side(album: Album, context: Context, bob: Viewer) -> None:
    (boat,) = album.add(3)
    with context.database.write() as session:
        with pytest.raises(NotFound):
            teaching.teach(session, bob, "Mine", [boat])
        with pytest.raises(Invalid):
            teaching.teach(session, album.viewer, "Both", [boat], [boat])
        with pytest.raises(Invalid):
            teaching.teach(session, album.viewer, "None", [])


class TestTaxonomy:
    def test_own_tags_are_renamed_and_moved(self, album: Album, context: Context, anna: Viewer) -> None:
        (boat,) = album.add(3)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, boat, "Nusschale")
            taxonomy.update_tag(session, anna, "nusschale", TagChange(name="Walnut", parent="beach"))
        with context.database.read() as session:
            tag = vocabulary.get_tag(session, anna, "nusschale")
            assert tag.name_en == "Walnut"
            assert boat in find_ids(session, anna, "tag:beach")

    def test_merged_tags_are_one_until_they_are_parted(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        one, two = album.add(None, 2)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, one, "skiff")
            photos.confirm_tag(session, anna, two, "dinghy of ours")
            taxonomy.update_tag(session, anna, "skiff", TagChange(merge_into="dinghy-of-ours"))
        assert album.tagged("dinghy-of-ours") == album.tagged("skiff") == {one, two}
        with context.database.read() as session:
            assert [t.tag.slug for t in photos.describe(session, anna, one).tags] == ["dinghy-of-ours"]
            counts = {node.tag.slug: node.count for node in vocabulary.tag_tree(session, anna)}
        assert counts["dinghy-of-ours"] == 2
        assert "skiff" not in counts
        with context.database.write() as session:
            taxonomy.restore_tag(session, anna, "skiff")
        assert (album.tagged("skiff"), album.tagged("dinghy-of-ours")) == ({one}, {two})

    def test_rejecting_a_merged_tag_rejects_all_that_it_is(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        (photo,) = album.add(None)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, photo, "skiff")
            taxonomy.merge_tags(session, anna, ["skiff"], "boat")
            photos.reject_tag(session, anna, photo, "boat")
        assert album.tagged("boat") == set()
        with context.database.read() as session:
            assert [(t.tag.slug, t.state) for t in photos.describe(session, anna, photo).tags] == [
                ("boat", "rejected")
            ]

    def test_tags_are_not_merged_in_a_circle(self, album: Album, context: Context, anna: Viewer) -> None:
        (photo,) = album.add(None)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, photo, "skiff")
            taxonomy.merge_tags(session, anna, ["skiff"], "boat")
            for slugs, into in ((["boat"], "skiff"), (["boat"], "boat"), (["skiff", "boat"], "skiff")):
                with pytest.raises(Conflict):
                    taxonomy.merge_tags(session, anna, slugs, into)
        # A chain counts as its end, and what lies below a merged tag lies below the other.
        with context.database.write() as session:
            taxonomy.merge_tags(session, anna, ["boat"], "vehicle")
        assert album.tagged("vehicle") == album.tagged("skiff") == {photo}

    def test_a_vocabulary_tag_is_arranged_for_one_user_only(
        self, album: Album, context: Context, anna: Viewer, bob: Viewer
    ) -> None:
        (photo,) = album.add(None)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, photo, "tomato")
            taxonomy.update_tag(
                session, anna, "tomato", TagChange(name_en="Love apple", name_zh="爱情果", parent="fruit")
            )
        for query in (
            "tag:tomato",
            "tag:西红柿",
            'tag:"love apple"',
            "tag:爱情果",
            "tag:fruit",
            '"love apple"',
        ):
            assert album.finds(query) == {photo}, query
        assert album.finds("tag:vegetable") == set()
        with context.database.read() as session:
            (shown,) = photos.describe(session, anna, photo).tags
            assert (shown.tag.name_en, shown.tag.name_zh) == ("Love apple", "爱情果")
            bobs = {node.tag.slug: node.tag for node in vocabulary.tag_tree(session, bob)}
            assert bobs["tomato"].name_en == "tomato"
            assert bobs["tomato"].parent_id == bobs["vegetable"].id
            (kept,) = taxonomy.changed_tags(session, anna)
            assert (kept.tag.slug, kept.changed) == ("tomato", ("name", "parent"))
        with context.database.write() as session:
            assert photos.confirm_tag(session, anna, photo, "love apple").slug == "tomato"
            taxonomy.restore_tag(session, anna, "tomato")
        assert album.finds("tag:vegetable") == {photo}
        with context.database.read() as session:
            assert taxonomy.changed_tags(session, anna) == []
            assert photos.describe(session, anna, photo).tags[0].tag.name_en == "tomato"

    def test_nothing_is_moved_below_itself(self, context: Context, anna: Viewer) -> None:
        with context.database.write() as session:
            for slug, parent in (("food", "tomato"), ("food", "food"), ("animal", "golden-retriever")):
                with pytest.raises(Conflict):
                    taxonomy.update_tag(session, anna, slug, TagChange(parent=parent))

    def test_hidden_tags_are_neither_found_nor_shown(
        self, album: Album, context: Context, anna: Viewer, bob: Viewer
    ) -> None:
        (photo,) = album.add(None)
        with context.database.write() as session:
            photos.confirm_tag(session, anna, photo, "beach")
            rule = albums.create_album(session, anna, "Beaches", query="tag:beach")
            taxonomy.update_tag(session, anna, "beach", TagChange(hidden=True))
            with pytest.raises(NotAllowed):
                taxonomy.delete_tag(session, anna, "beach")
        # Neither by its slug, nor by a name, nor through what lies above it, nor by an album's rule.
        for query in ("tag:beach", "tag:海滩", "tag:shore", "tag:nature", "beach", f'album:"{rule.title}"'):
            assert album.finds(query) == set(), query
        with context.database.read() as session:
            assert photos.describe(session, anna, photo).tags == []
            assert "beach" not in {offer.label for offer in suggest(session, anna, "tag:beac")}
            shown = {
                viewer.username: {n.tag.slug for n in vocabulary.tag_tree(session, viewer)}
                for viewer in (anna, bob)
            }
            assert [tag.tag.slug for tag in taxonomy.hidden_tags(session, anna)] == ["beach"]
        assert "beach" not in shown["anna"]
        assert "seashore" in shown["anna"]  # what lies below it is still there
        assert "beach" in shown["bob"]
        with context.database.write() as session:
            taxonomy.restore_tag(session, anna, "beach")
        assert album.finds("tag:shore") == {photo}
        with context.database.read() as session:
            assert len(photos.describe(session, anna, photo).tags) == 1

    def test_who_tags_a_photo_with_a_hidden_tag_sees_it_again(
        self, album: Album, context: Context, anna: Viewer
    ) -> None:
        (photo,) = album.add(None)
        with context.database.write() as session:
            taxonomy.update_tag(session, anna, "beach", TagChange(hidden=True))
            photos.confirm_tag(session, anna, photo, "beach")
        assert album.finds("tag:beach") == {photo}


def drawn(model: str = "scene/test@one", width: int = WIDTH) -> tuple[np.ndarray, int]:
    """The vectors of 40 pictures, the first 5 of which show the thing, and the width of their kinship."""
    return rules.joint(
        np.stack([look(1 if i < 5 else None, i, width) for i in range(40)]),
        np.stack([look(2 if i < 5 else None, 100 + i, 32) for i in range(40)]),
        model,
    )


def test_a_rule_survives_being_stored() -> None:
    pictures, kin = drawn()
    rule = rules.learn(pictures[:3], pictures[30:32], pictures[5:30], WIDTH, kin)
    sure = rule.confidence(pictures)
    assert sure[3:5].min() > rules.CUT > sure[5:].max()
    np.testing.assert_allclose(rules.Rule.from_bytes(rule.to_bytes()).confidence(pictures), sure, atol=1e-5)
    with pytest.raises(ValueError):
        rules.learn(pictures[:0], pictures[:0], pictures, WIDTH, kin)


def test_a_rule_of_a_time_without_kinship_still_reads_todays_pictures() -> None:
    pictures, kin = drawn(SCENES, 1280)
    assert kin > 0
    before = pictures[:, :-kin]
    rule = rules.learn(before[:3], before[30:32], before[5:30], 1280, 0)
    numbers = np.frombuffer(rule.to_bytes(), "<f4")
    old = rules.Rule.from_bytes(np.delete(numbers, 5).tobytes())  # it was written with five numbers, not six
    np.testing.assert_allclose(old.confidence(pictures), rule.confidence(before), atol=1e-5)
    today = rules.learn(pictures[:3], pictures[30:32], pictures[5:30], 1280, kin)
    stored = rules.Rule.from_bytes(today.to_bytes())
    np.testing.assert_allclose(stored.confidence(pictures), today.confidence(pictures), atol=1e-5)
