"""Reads and checks the vocabulary's files: outlines, ``groups.txt``, ``traits.txt`` and the classes (``imagenet.tsv``).

The format is described in docs/vocabulary.md. Everything a hand edit can get wrong is refused here with the
file and line, so that the rest of the package may trust what it is given.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from ml.vocabulary.words import key

# In the order in which a person meets them when browsing.
OUTLINES = ("people-and-clothing", "animals", "plants-and-food", "places-and-nature", "vehicles", "things")
CLASSES = 1000

Setting = Literal["in", "out"]

_CHINESE = re.compile(r"[一-鿿㐀-䶿]")
_ENGLISH_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 '&.()\-]*")
_CHINESE_WORD = re.compile(r"[A-Za-z0-9㐀-䶿一-鿿]+")


class VocabularyError(Exception):
    """A vocabulary file breaks its format; the message names file and line."""


@dataclass(frozen=True)
class Concept:
    """Something a photo can show.

    Attributes:
        slug: the tag's identity in databases and URLs; never reused for another meaning.
        parent: slug of the concept it is a kind of, None for the top of a tree.
        also: slugs of further concepts it is a kind of (a cat is also a pet).
        classes: ImageNet class indices that mean exactly this.
        setting: where such a thing is seen, ``in`` or ``out`` of doors, None when it says nothing.
        lookalike: the network says it of whatever looks like it; needs more certainty to be shown.
        groups: words in both languages for groups that it belongs to and that are no concepts ("seafood").
        place: file and line, for messages.
    """

    slug: str
    parent: str | None
    name_en: str
    name_zh: str
    synonyms_en: tuple[str, ...]
    synonyms_zh: tuple[str, ...]
    also: tuple[str, ...] = ()
    classes: tuple[int, ...] = ()
    setting: Setting | None = None
    lookalike: bool = False
    groups: tuple[str, ...] = ()
    place: str = field(default="", repr=False, compare=False)

    @property
    def words(self) -> tuple[str, ...]:
        """Names, synonyms and groups in both languages."""
        return (self.name_en, self.name_zh, *self.synonyms_en, *self.synonyms_zh, *self.groups)


@dataclass(frozen=True)
class ImageNetClass:
    """One row of ``imagenet.tsv``: WordNet id, the label the data set is usually shipped with, and the
    further WordNet lemmas that do not mislead."""

    wnid: str
    label: str
    lemmas: tuple[str, ...]


@dataclass(frozen=True)
class Outline:
    """All concepts in file order, the slug of each ImageNet class and of each COCO name, and the slugs of the concepts
    that have a trait, by the key of each of its words."""

    concepts: dict[str, Concept]
    imagenet: tuple[str, ...]
    coco: dict[str, str]
    classes: tuple[ImageNetClass, ...]
    traits: dict[str, frozenset[str]]


def slug_of(name: str) -> str:
    """The slug of an English name: ``Shih Tzu`` -> ``shih-tzu``."""
    return re.sub(r"[^a-z0-9]+", "-", name.replace("'", "").lower()).strip("-")


def read_outline(folder: Path) -> Outline:
    """Read and check every file of the vocabulary in ``folder``.

    Raises:
        VocabularyError: a file breaks the format or contradicts another.
    """
    classes = _read_classes(folder / "imagenet.tsv")
    concepts: dict[str, Concept] = {}
    coco: dict[str, str] = {}
    for name in OUTLINES:
        path = folder / f"{name}.txt"
        for concept, coco_names in _read_concepts(path, path.read_text(encoding="utf-8")):
            if concept.slug in concepts:
                raise VocabularyError(
                    f"{concept.place}: '{concept.slug}' is already at {concepts[concept.slug].place}"
                )
            concepts[concept.slug] = concept
            for coco_name in coco_names:
                if coco_name in coco:
                    raise VocabularyError(
                        f"{concept.place}: COCO's '{coco_name}' is already {coco[coco_name]}"
                    )
                coco[coco_name] = concept.slug
    imagenet = _map_classes(concepts.values())
    concepts = {slug: _with_labels(concept, classes) for slug, concept in concepts.items()}
    check_concepts(concepts)
    _add_groups(concepts, folder / "groups.txt")
    return Outline(concepts, imagenet, coco, classes, _read_traits(concepts, folder / "traits.txt"))


def check_concepts(concepts: dict[str, Concept]) -> None:
    """Check what only shows when all concepts are known: parents, cycles, siblings with the same word.

    Raises:
        VocabularyError: one of these is wrong.
    """
    siblings: dict[str | None, dict[str, str]] = {}
    for concept in concepts.values():
        for parent in (concept.parent, *concept.also):
            if parent is not None and parent not in concepts:
                raise VocabularyError(f"{concept.place}: '{concept.slug}' has an unknown parent '{parent}'")
        taken = siblings.setdefault(concept.parent, {})
        for word in {key(word) for word in concept.words}:
            if word in taken:
                raise VocabularyError(
                    f"{concept.place}: '{word}' is also a word of its sibling '{taken[word]}'"
                )
            taken[word] = concept.slug
    for slug in concepts:
        _refuse_cycle(concepts, slug, ())


def _add_groups(concepts: dict[str, Concept], path: Path) -> None:
    """Give the words of each group to its concepts; several groups may share a word."""
    for words, slugs in _read_table(concepts, path):
        for slug in slugs:
            concept = concepts[slug]
            known = set(map(key, concept.words))
            new = {key(word): word for word in words if key(word) not in known}
            concepts[slug] = replace(concept, groups=(*concept.groups, *new.values()))


def _read_traits(concepts: dict[str, Concept], path: Path) -> dict[str, frozenset[str]]:
    """The concepts that have each trait; a word of several traits stands for all of them."""
    found: dict[str, frozenset[str]] = {}
    for words, slugs in _read_table(concepts, path):
        for word in words:
            found[key(word)] = found.get(key(word), frozenset()).union(slugs)
    return found


def _read_table(concepts: dict[str, Concept], path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """The words, in both languages, and the concepts of each line.

    Raises:
        VocabularyError: a line breaks the format or names a concept that is none.
    """
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"{path.name}:{number}"
        fields = [_split(field.strip()) for field in line.split("|")]
        if len(fields) != 3 or not any(fields[:2]) or not fields[2]:
            raise VocabularyError(f"{place}: expected 'English words | Chinese words | concepts'")
        english, chinese, slugs = map(list, fields)
        _check_words(english, chinese, place)
        for slug in slugs:
            if slug not in concepts:
                raise VocabularyError(f"{place}: unknown concept '{slug}'")
        yield [*english, *chinese], slugs


def _refuse_cycle(concepts: dict[str, Concept], slug: str, below: tuple[str, ...]) -> None:
    if slug in below:
        raise VocabularyError(
            f"{concepts[slug].place}: '{slug}' is above itself: {' < '.join((*below, slug))}"
        )
    for parent in (concepts[slug].parent, *concepts[slug].also):
        if parent is not None:
            _refuse_cycle(concepts, parent, (*below, slug))


def _read_concepts(path: Path, text: str) -> Iterator[tuple[Concept, list[str]]]:
    above: list[Concept] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        place = f"{path.name}:{number}"
        indent = len(line) - len(line.lstrip(" "))
        if indent % 2 or indent // 2 > len(above):
            raise VocabularyError(f"{place}: indent by two spaces, one step at a time")
        del above[indent // 2 :]
        concept, coco = _read_line(line.strip(), above[-1] if above else None, place)
        above.append(concept)
        yield concept, coco


def _read_line(line: str, parent: Concept | None, place: str) -> tuple[Concept, list[str]]:
    fields = [field.strip() for field in line.split("|")]
    if not 2 <= len(fields) <= 5:
        raise VocabularyError(f"{place}: expected 'English | Chinese | synonyms | synonyms | keys'")
    name_en, name_zh, synonyms_en, synonyms_zh, keys = fields + [""] * (5 - len(fields))
    found = _read_keys(keys, place)
    concept = Concept(
        slug=slug_of(name_en),
        parent=parent.slug if parent else None,
        name_en=name_en,
        name_zh=name_zh,
        synonyms_en=_split(synonyms_en),
        synonyms_zh=_split(synonyms_zh),
        also=tuple(found.also),
        classes=tuple(found.classes),
        setting=found.setting or (parent.setting if parent else None),
        lookalike=found.lookalike,
        place=place,
    )
    _check_words((name_en, *concept.synonyms_en), (name_zh, *concept.synonyms_zh), place)
    if len(set(map(key, concept.words))) != len(concept.words):
        raise VocabularyError(f"{place}: the same word twice")
    return concept, found.coco


def _check_words(english: Iterable[str], chinese: Iterable[str], place: str) -> None:
    for word in english:
        if not _ENGLISH_WORD.fullmatch(word):
            raise VocabularyError(f"{place}: '{word}' is not an English word or phrase")
    for word in chinese:
        if not (_CHINESE_WORD.fullmatch(word) and _CHINESE.search(word)):
            raise VocabularyError(f"{place}: '{word}' is not a Chinese word")


@dataclass
class _Keys:
    classes: list[int] = field(default_factory=list)
    coco: list[str] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    setting: Setting | None = None
    lookalike: bool = False


def _read_keys(keys: str, place: str) -> _Keys:
    found = _Keys()
    for item in keys.split():
        if item.isdecimal() and int(item) < CLASSES:
            found.classes.append(int(item))
        elif item.startswith("coco:"):
            found.coco.append(item.removeprefix("coco:").replace("_", " "))
        elif item.startswith("+"):
            found.also.append(item[1:])
        elif item in ("in", "out"):
            found.setting = "in" if item == "in" else "out"
        elif item == "lookalike":
            found.lookalike = True
        else:
            raise VocabularyError(f"{place}: unknown key '{item}'")
    return found


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",")) if words else ()


def _map_classes(concepts: Iterable[Concept]) -> tuple[str, ...]:
    slugs: dict[int, str] = {}
    for concept in concepts:
        for index in concept.classes:
            if index in slugs:
                raise VocabularyError(f"{concept.place}: class {index} is already '{slugs[index]}'")
            slugs[index] = concept.slug
    missing = [index for index in range(CLASSES) if index not in slugs]
    if missing:
        raise VocabularyError(f"ImageNet classes without a concept: {missing}")
    return tuple(slugs[index] for index in range(CLASSES))


def _with_labels(concept: Concept, classes: tuple[ImageNetClass, ...]) -> Concept:
    """Add the labels and lemmas of the concept's classes to its synonyms, after those chosen by hand."""
    words = list(concept.synonyms_en)
    known = set(map(key, concept.words))
    for index in concept.classes:
        for word in (classes[index].label, *classes[index].lemmas):
            if key(word) not in known:
                known.add(key(word))
                words.append(word)
    return replace(concept, synonyms_en=tuple(words))


def _read_classes(path: Path) -> tuple[ImageNetClass, ...]:
    classes: list[ImageNetClass] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("#"):
            continue
        fields = line.split("\t")
        if len(fields) != 4 or fields[0] != str(len(classes)) or not re.fullmatch(r"n\d{8}", fields[1]):
            raise VocabularyError(f"{path.name}:{number}: expected index, WordNet id, label, lemmas in order")
        classes.append(ImageNetClass(fields[1], fields[2], tuple(fields[3].split("; ")) if fields[3] else ()))
    if len(classes) != CLASSES:
        raise VocabularyError(f"{path.name}: {len(classes)} classes instead of {CLASSES}")
    return tuple(classes)
