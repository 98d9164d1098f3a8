"""Searching with an image-text model in every kind of database: which vectors count, and for whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.db import Database
from app.models import Embedding, Photo, Stage
from app.search import find_photos
from app.services.understanding import models
from app.settings import Settings
from ml.imagetext import ImageTextStage
from ml.registry import get
from ml.zoo import Zoo
from tests import colours
from tests.colours import id_of

A, B = id_of("a"), id_of("b")
RED, GREEN = (240, 10, 10), (10, 240, 10)


@pytest.fixture(scope="module")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("colours")
    with colours.served():
        Zoo(folder / "models", folder / "cache").fetch([A, B])
        yield folder / "models"


@pytest.fixture(params=["sqlite", "postgresql", "pgvector"])
def kept(request: pytest.FixtureRequest, make_database: Callable[[str], Database], models_dir: Path) -> Any:
    """A database whose sessions know where the models are."""
    plain = make_database(request.param)
    database = Database(plain.url, models_dir=models_dir)
    yield database
    database.dispose()


@pytest.fixture
def looks(models_dir: Path) -> Callable[..., Callable[[Photo], list[Any]]]:
    """What a model stores with a photo of one colour."""

    def rows(colour: tuple[int, int, int], model: str) -> Callable[[Photo], list[Any]]:
        (found,) = ImageTextStage(models_dir, model=model).run([np.full((9, 9, 3), colour, np.uint8)], [{}])
        assert isinstance(found, dict)
        vector = found["image_text"].astype("<f2").tobytes()
        return lambda photo: [
            Embedding(photo_id=photo.id, kind="imgtext", model=model, vector=vector),
            Stage(photo_id=photo.id, stage="image-text", model=model, version="1", seconds=0.1),
        ]

    return rows


def test_only_the_owners_vectors_of_the_chosen_model_count(
    kept: Database, library_of: Any, looks: Any, models_dir: Path
) -> None:
    anna, ben = library_of(kept, "anna"), library_of(kept, "ben")
    names = {
        anna.photo(looks(RED, A)).id: "red by a",
        anna.photo(looks(GREEN, A), rating=5).id: "green by a",
        anna.photo(looks(RED, B)).id: "red by b",
        anna.photo().id: "not seen",
        ben.photo(looks(RED, A)).id: "ben's",
    }

    def choose(model: str) -> None:
        with kept.write() as session:
            models.choose(session, Settings(models=models_dir), model)

    def search(query: str, library: Any = anna) -> list[str]:
        with kept.read() as session:
            return [names[hit.photo.id] for hit in find_photos(session, library.viewer, query).items]

    def waiting(model: str) -> int:
        with kept.read() as session:
            return models.awaiting(session, get(model))

    assert search("red") == []  # nobody has chosen
    choose(A)
    assert search("red") == ["red by a"]
    assert search("green") == ["green by a"]
    assert search("绿") == ["green by a"]
    assert search("green rating:5") == ["green by a"]
    assert search("green rating:1") == []
    assert search("velvet") == []
    assert search("red", ben) == ["ben's"]
    assert waiting(A) == 2
    choose(B)
    assert search("red") == ["red by b"]
    assert search("green") == []
    assert waiting(B) == 4


def test_the_cut_off_keeps_what_is_near_the_best(
    kept: Database, library_of: Any, looks: Any, models_dir: Path
) -> None:
    anna = library_of(kept, "anna")
    reddish = {"pure": (250, 5, 5), "rose": (220, 90, 90), "grey": (130, 125, 125), "blue": (5, 5, 250)}
    names = {anna.photo(looks(colour, A)).id: name for name, colour in reddish.items()}
    with kept.write() as session:
        models.choose(session, Settings(models=models_dir), A)
    with kept.read() as session:
        hits = find_photos(session, anna.viewer, "red").items
    assert [names[hit.photo.id] for hit in hits] == ["pure", "rose"]
    scores = [hit.score or 0 for hit in hits]
    assert 1 >= scores[0] > scores[1] > 0
    reasons = [reason.kind for hit in hits for reason in hit.reasons]
    assert reasons == ["meaning", "meaning"]
