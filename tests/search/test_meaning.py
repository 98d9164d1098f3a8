"""Search by meaning through the one entry: what is found, what is not, and what is said about it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from app.models import Embedding, Photo
from app.search import count_photos, find_photos, warm_up
from app.search.vectors import VectorIndex, vector_index
from app.services.tagging.vocabulary import sync_vocabulary
from ml.semantics import MODEL, semantic_space
from ml.vocabulary import load_vocabulary

NAMES = (
    "golden-retriever",
    "leopard",
    "pizza",
    "grand-piano",
    "church",
    "cowboy-hat",
    "seashore",
    "airliner",
)


def looks(slug: str, share: float = 0.6, model: str = MODEL) -> Callable[[Photo], Embedding]:
    """The semantic vector of a photo in which the scene network saw a class."""
    probabilities = np.full(1000, (1 - share) / 999, np.float32)
    probabilities[load_vocabulary().imagenet.index(slug)] = share
    vector = semantic_space().photo(probabilities)
    return lambda photo: Embedding(
        photo_id=photo.id, kind="semantic", model=model, vector=vector.astype("<f2").tobytes(),
    )  # fmt: skip


@pytest.fixture(scope="module")
def seen(make_database: Any, library_of: Any) -> Any:
    library = library_of(make_database("sqlite"))
    with library.database.write() as session:
        sync_vocabulary(session)
    library.slugs = {}
    for number, slug in enumerate(NAMES):
        rows = [looks(slug)]
        if slug in ("pizza", "leopard"):
            rows.append(library.tagged(slug, 0.9))
        photo = library.photo(*rows, rating=number % 2 * 5)
        library.slugs[photo.id] = slug
    return library


def search(library: Any, query: str) -> list[str]:
    with library.database.read() as session:
        hits = find_photos(session, library.viewer, query).items
        assert count_photos(session, library.viewer, query) == len(hits)
        return [library.slugs[hit.photo.id] for hit in hits]


@pytest.mark.parametrize(
    ("query", "best"),
    [
        ("golden retriever", "golden-retriever"),
        ("dogs", "golden-retriever"),
        ("小狗", "golden-retriever"),
        ("something to eat", "pizza"),
        ("pizza", "pizza"),
        ("披萨", "pizza"),
        ("big cat", "leopard"),
        ("豹子", "leopard"),
        ("the sea shore", "seashore"),
        ("a plane at the airport", "airliner"),
        ("musical instrument", "grand-piano"),
        ("place of worship", "church"),
        ("a cowboy wearing a hat", "cowboy-hat"),
        ("dog or piano", "grand-piano"),
    ],
)
def test_finds_what_is_meant(seen: Any, query: str, best: str) -> None:
    found = search(seen, query)
    assert best in found[: 2 if " or " in query else 1]
    assert len(found) <= 3


@pytest.mark.parametrize(
    "query",
    [
        "asdfgh",
        "tiger",
        "老虎",
        "cactus",
        "quantum mechanics",
        "sushi",
        "violin",
        "护照",
        "-dog tiger",
        '"to eat"',
    ],
)
def test_what_is_not_there_finds_nothing(seen: Any, query: str) -> None:
    assert search(seen, query) == []


def test_conditions_beside_the_words_narrow_the_meaning(seen: Any) -> None:
    assert search(seen, "dogs rating:0") == ["golden-retriever"]
    assert search(seen, "dogs rating:5") == []
    assert search(seen, "dogs -rating:0") == []
    assert search(seen, "(dogs or piano) rating:5") == ["grand-piano"]


def test_negated_words_exclude_by_evidence_alone(seen: Any) -> None:
    assert set(search(seen, "-pizza")) == set(NAMES) - {"pizza"}
    assert set(search(seen, "-dog")) == set(NAMES)  # it only looks like one


def test_scores_and_reasons(seen: Any) -> None:
    with seen.database.read() as session:
        (hit,) = find_photos(session, seen.viewer, "pizza").items
        reasons = {r.kind: r for r in hit.reasons}
        assert reasons["tag"].match == "pizza"
        assert reasons["tag"].confidence == 0.9
        assert 0.5 < (reasons["meaning"].confidence or 0) <= 1
        (alone,) = find_photos(session, seen.viewer, "dogs").items
        assert [r.kind for r in alone.reasons] == ["meaning"]
        assert (hit.score or 0) > (alone.score or 1)


def test_warming_up_loads_all_vectors(seen: Any) -> None:
    index = VectorIndex("semantic")
    with seen.database.read() as session:
        index.follow(session)
        assert len(index) == len(NAMES)
        warm_up(session)
        assert len(vector_index(session, "semantic")) == len(NAMES)


def test_vectors_of_another_model_are_not_compared(library: Any) -> None:
    with library.database.write() as session:
        sync_vocabulary(session)
    library.photo(looks("pizza", model="semantic/another@x"))
    library.slugs = {library.photo(looks("church")).id: "church"}
    assert search(library, "pizza") == []
    assert search(library, "church") == ["church"]
