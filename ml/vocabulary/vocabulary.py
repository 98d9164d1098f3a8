"""The vocabulary as the rest of the product sees it: the tree, the lookup of words, the texts of classes.

Scores are turned into tags by ``scoring``, other evidence by ``evidence``; both are reached through here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import numpy as np

from ml.types import CueValue, Detection, FaceDetection, TextBlock, Vector
from ml.vocabulary.descriptions import Descriptions
from ml.vocabulary.evidence import SIGN, DerivedTag, Evidence, derive
from ml.vocabulary.outline import Concept, ImageNetClass, Outline, read_outline
from ml.vocabulary.scoring import SceneScorer
from ml.vocabulary.words import forms, key

Language = Literal["en", "zh"]

# How many words and how many kinds a class text holds: more drown the class, fewer lose the everyday word.
_TEXT_WORDS = 3
_TEXT_KINDS = 4


class Vocabulary:
    """Concepts in both languages, their tree, and what photos show of them.

    Attributes:
        concepts: every concept by slug, in the order of the files (siblings together, parents first).
        imagenet: the slug of each ImageNet class, in class order (1000).
        coco: slug by COCO name (80).
        visible: the concepts that the networks can see: those with a class or an object at or below them.
    """

    def __init__(self, outline: Outline) -> None:
        self.concepts: Mapping[str, Concept] = MappingProxyType(outline.concepts)
        self.imagenet: tuple[str, ...] = outline.imagenet
        self.coco: Mapping[str, str] = MappingProxyType(outline.coco)
        self.imagenet_classes: tuple[ImageNetClass, ...] = outline.classes
        self._ancestors = {slug: self._walk_up(slug) for slug in outline.concepts}
        self._descendants: dict[str, list[str]] = {slug: [] for slug in outline.concepts}
        for slug, above in self._ancestors.items():
            for ancestor in above:
                self._descendants[ancestor].append(slug)
        seen = {*self.imagenet, *self.coco.values()}
        self.visible: frozenset[str] = frozenset(seen.union(*(self._ancestors[slug] for slug in seen)))
        self._index = self._build_index()
        self._descriptions = Descriptions(outline.traits, self.find, self.descendants)
        self._openness = np.array([SIGN[outline.concepts[slug].setting] for slug in outline.imagenet])
        self._scorer = SceneScorer(outline.concepts, outline.imagenet, self._ancestors)

    def ancestors(self, slug: str) -> tuple[str, ...]:
        """Everything ``slug`` is a kind of, nearest first, without itself; follows ``also`` parents too.

        Raises:
            KeyError: no such concept.
        """
        return self._ancestors[slug]

    def descendants(self, slug: str) -> tuple[str, ...]:
        """Every kind of ``slug``, in file order, without itself.

        Raises:
            KeyError: no such concept.
        """
        return tuple(self._descendants[slug])

    def children(self, slug: str | None) -> tuple[str, ...]:
        """The concepts whose tree parent is ``slug``; the tops of the tree for None."""
        return tuple(concept.slug for concept in self.concepts.values() if concept.parent == slug)

    def top(self, slug: str) -> str:
        """The top of the tree that ``slug`` stands in; itself when it is one."""
        parent = self.concepts[slug].parent
        return slug if parent is None else self.top(parent)

    def name(self, slug: str, language: Language) -> str:
        """The display name in one language."""
        concept = self.concepts[slug]
        return concept.name_zh if language == "zh" else concept.name_en

    def find(self, word: str) -> list[str]:
        """Slugs of the concepts that have ``word`` as name or synonym, those named so first.

        Case, width, hyphens, spaces and simple English plurals make no difference; nothing else is guessed.
        An unknown word gives an empty list.
        """
        for form in forms(word):
            if found := self._index.get(form):
                return list(found)
        return []

    def described(self, text: str) -> frozenset[str]:
        """The concepts that a description fits ("yellow fruit", "会飞的动物"), with all below them.

        Empty where the text is no description: see ``ml.vocabulary.descriptions``.
        """
        return self._descriptions.fit(text)

    def class_text(self, index: int, language: Language = "en") -> str:
        """What ImageNet class ``index`` is, for a text encoder: a few names, then what it is a kind of.

        ``"golden retriever, golden, goldie: a kind of retriever, dog, mammal, animal"``. The hypernyms
        make the difference: they let "something to eat" find a pizza.
        """
        return self.concept_text(self.imagenet[index], language)

    def concept_text(self, slug: str, language: Language = "en") -> str:
        """The same for any concept."""
        concept = self.concepts[slug]
        kinds = [self.name(above, language) for above in self._ancestors[slug][:_TEXT_KINDS]]
        if language == "zh":
            words = "、".join((concept.name_zh, *concept.synonyms_zh)[:_TEXT_WORDS])
            return f"{words}：一种{'、'.join(kinds)}" if kinds else words
        words = ", ".join((concept.name_en, *concept.synonyms_en)[:_TEXT_WORDS])
        return f"{words}: a kind of {', '.join(kinds)}" if kinds else words

    def level(self, slug: str) -> str | None:
        """The name of the level whose threshold decides over a concept; None for one without classes."""
        return self._scorer.level(slug)

    def scene_tags(self, probabilities: Vector) -> list[tuple[str, float]]:
        """What the scene network saw, as concepts that are certain enough to show, surest first.

        See ``SceneScorer.tags``.
        """
        return self._scorer.tags(probabilities)

    def scene_guesses(self, probabilities: Vector, minimum: float = 0.1) -> list[tuple[str, float]]:
        """What a search may match though it is too uncertain to show: see ``SceneScorer.guesses``."""
        return self._scorer.guesses(probabilities, minimum)

    def concept_probabilities(self, probabilities: Vector) -> dict[str, float]:
        """The summed probability of every concept with ImageNet classes under it, without any threshold."""
        return self._scorer.sums_by_slug(probabilities)

    def derived_tags(
        self,
        objects: Sequence[Detection] = (),
        faces: Sequence[FaceDetection] = (),
        cues: Sequence[CueValue] = (),
        scene: Vector | None = None,
        *,
        text: Sequence[TextBlock] = (),
        lens: str = "",
    ) -> list[DerivedTag]:
        """What objects, faces, cues, recognised text and the scene say together, surest first.

        Args:
            scene: the scene network's probabilities, ``(1000,)``, when it ran.
            lens: the lens's name from the photo's metadata; a front camera takes selfies.
        """
        sums = {} if scene is None else self.concept_probabilities(scene)
        openness = 0.0 if scene is None else float(self._openness @ scene)
        return derive(Evidence(self, objects, faces, cues, text, sums, openness, lens))

    def _walk_up(self, slug: str) -> tuple[str, ...]:
        # Breadth first: the kinds nearest in meaning come first, the tree's own parent before the others.
        above: list[str] = []
        level = [slug]
        while level:
            following: list[str] = []
            for current in level:
                concept = self.concepts[current]
                for parent in (concept.parent, *concept.also):
                    if parent is not None and parent not in above and parent not in following:
                        following.append(parent)
            above += following
            level = following
        return tuple(above)

    def _build_index(self) -> dict[str, list[str]]:
        index: dict[str, list[str]] = {}
        ranked = [(concept, names) for names in (True, False) for concept in self.concepts.values()]
        for concept, names in ranked:
            both = (concept.name_en, concept.name_zh)
            for word in both if names else concept.words:
                slugs = index.setdefault(key(word), [])
                if concept.slug not in slugs:
                    slugs.append(concept.slug)
        return index


@cache
def load_vocabulary() -> Vocabulary:
    """The vocabulary that ships with the product; read once per process (about 30 ms, 5 MB).

    Raises:
        VocabularyError: a file was edited wrongly; the message names file and line.
    """
    return Vocabulary(read_outline(Path(__file__).parent))
