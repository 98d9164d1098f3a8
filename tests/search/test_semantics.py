"""The space in which text meets photos."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ml.semantics import (
    LANGUAGES,
    MODEL,
    TABLE,
    WIDTH,
    concept_texts,
    semantic_space,
    text_encoder,
    text_key,
    unit,
    write_table,
)
from ml.stages import Findings
from ml.tasks.semantics import SemanticStage
from ml.types import Box, Detection, FaceDetection, TextBlock, Vector
from ml.vocabulary import load_vocabulary

WHOLE = Box(0, 0, 1, 1)


def sees(*classes: tuple[str, float]) -> Vector:
    """The scene network's probabilities when it sees these concepts."""
    probabilities = np.full(1000, 1e-5, np.float32)
    for slug, share in classes:
        probabilities[load_vocabulary().imagenet.index(slug)] = share
    return probabilities / probabilities.sum()


def nearness(query: str, *photos: Vector) -> list[float]:
    return [float(semantic_space().query(query).vector @ photo) for photo in photos]


def test_the_table_of_texts_is_current() -> None:
    """Fails after the vocabulary changed: run ``python -m ml.train.build_concept_texts``."""
    with np.load(TABLE, allow_pickle=False) as table:
        known = set(table["keys"].tolist())
    vocabulary = load_vocabulary()
    lacking = [
        text
        for language in LANGUAGES
        for slug in vocabulary.concepts
        if text_key(text := vocabulary.concept_text(slug, language)) not in known
    ]
    assert not lacking


def test_a_table_is_made_and_used(tmp_path: Path) -> None:
    class Few:
        concepts = ("dog", "pizza")

        def concept_text(self, slug: str, language: str) -> str:
            return f"{slug} {language}"

    table = tmp_path / "texts.npz"
    assert write_table(Few(), table) == 4  # type: ignore[arg-type]
    assert write_table(Few(), table) == 0  # type: ignore[arg-type]
    read = concept_texts(Few(), "en", table)  # type: ignore[arg-type]
    np.testing.assert_allclose(read[1], text_encoder().encode("pizza en", query=False), atol=1e-3)


@pytest.mark.parametrize("text", ["", " ", "a\0b", "\ud800", "x" * 20_000, "海边的狗", "🐕", "\n\t"])
def test_any_text_has_a_vector(text: str) -> None:
    vector = text_encoder().encode(text)
    assert vector.shape == (WIDTH,)
    assert vector.dtype == np.float32
    assert np.isfinite(vector).all()
    query = semantic_space().query(text)
    assert np.linalg.norm(query.vector) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(
    ("query", "near"),
    [
        ("puppy", "dog"),
        ("小狗", "dog"),
        ("an animal that barks", "dog"),
        ("something to eat", "pizza"),
        ("好吃的", "pizza"),
        ("place of worship", "church"),
        ("教堂", "church"),
        ("headwear", "hat"),
        ("making music", "piano"),
        ("钢琴", "piano"),
    ],
)
def test_words_are_nearest_to_what_they_mean(query: str, near: str) -> None:
    photos = {
        "dog": sees(("golden-retriever", 0.6), ("beagle", 0.2)),
        "pizza": sees(("pizza", 0.7)),
        "church": sees(("church", 0.5), ("palace", 0.2)),
        "hat": sees(("cowboy-hat", 0.8)),
        "piano": sees(("grand-piano", 0.8)),
    }
    vectors = [semantic_space().photo(p) for p in photos.values()]
    assert list(photos)[int(np.argmax(nearness(query, *vectors)))] == near


def test_a_photo_is_its_scene_and_its_objects_and_more() -> None:
    space = semantic_space()
    scene = sees(("seashore", 0.5))
    bare = space.photo(scene)
    with_dog = space.photo(scene, [Detection("dog", 0.9, Box(0.2, 0.2, 0.5, 0.5))])
    small_dog = space.photo(scene, [Detection("dog", 0.9, Box(0.2, 0.2, 0.03, 0.03))])
    a, b, c = nearness("dog", bare, with_dog, small_dog)
    assert a < c < b
    a, b = nearness("at night", bare, space.photo(scene, tags=[("night", 0.9)]))
    assert a < b
    a, b = nearness("tax invoice", bare, space.photo(scene, text="Invoice 2041, grand total 300 EUR, VAT"))
    assert a < b
    for vector in (bare, with_dog, small_dog):
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-4)
    assert not space.photo(None).any()
    assert space.photo(None, [Detection("unheard of", 0.9, WHOLE)]).any() == False  # noqa: E712


def test_kinds_tell_a_thing_from_what_is_like_it() -> None:
    space = semantic_space()
    tiger, leopard = space.photo(sees(("tiger", 0.6))), space.photo(sees(("leopard", 0.6)))
    mine, others = space.kinds(np.stack([tiger, leopard]), ["tiger"])
    assert mine[0] > others[0]
    assert mine[1] < others[1] - 0.15
    mine, others = space.kinds(np.stack([tiger, leopard]), ["big-cat"])
    assert (mine > others).all()


def test_equal_texts_are_equal_and_centred_by_language() -> None:
    space = semantic_space()
    assert space.query("red  car") is space.query("red car")
    assert space.query("披萨").concept == space.query("pizza").concept == "pizza"
    assert space.query("guitar").nearness > space.query("asdfgh").nearness + 0.2


def test_stage_puts_everything_together() -> None:
    stage = SemanticStage(Path())
    assert stage.model_ids[0] == MODEL
    scene = sees(("seashore", 0.5))
    faces = tuple(
        FaceDetection(0.99, Box(x, 0.2, 0.1, 0.15), ((0.1, 0.1),) * 5, None) for x in (0.1, 0.4, 0.7)
    )
    bare, grouped, written, blind = stage.run(
        [np.zeros((8, 8, 3), np.uint8)] * 4,
        [
            Findings(probabilities=scene),
            Findings(probabilities=scene, faces=faces),
            Findings(probabilities=scene, text=(TextBlock("Boarding pass, gate 12, flight", 0.9, WHOLE),)),
            Findings(),
        ],
    )
    vectors = []
    for result in (bare, grouped, written, blind):
        assert not isinstance(result, Exception)
        vectors.append(result["semantic"])
    a, b = nearness("group photo", vectors[0], vectors[1])
    assert a < b
    a, b = nearness("boarding pass for a flight", vectors[0], vectors[2])
    assert a < b
    assert np.linalg.norm(vectors[1]) == pytest.approx(1, abs=1e-4)
    assert not vectors[3].any()


def test_unit_keeps_zeros() -> None:
    assert not unit(np.zeros((2, 3))).any()
    np.testing.assert_allclose(unit([[3.0, 4.0]]), [[0.6, 0.8]], atol=1e-6)
