"""Tags as queries see them: which rows a name means in either language, with synonyms and all below it."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches

from sqlalchemy import ColumnElement, func, select

from app.db import ReadSession
from app.models import KeyValue, Tag
from app.search.terms import is_unspaced, name_key, units
from app.services.accounts import Viewer

_IRREGULAR = {"men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
              "feet": "foot", "teeth": "tooth", "oxen": "ox", "people": "person"}  # fmt: skip


@dataclass(frozen=True)
class TagInfo:
    id: int
    slug: str
    parent_id: int | None
    name_en: str
    name_zh: str
    synonyms: tuple[str, ...]

    def name(self, language: str | None) -> str:
        return self.name_zh if language and language.startswith("zh") else self.name_en


@dataclass
class TagBook:
    """The tags one viewer can see. Built once per version of the vocabulary and shared."""

    by_id: dict[int, TagInfo] = field(default_factory=dict)
    by_slug: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    children: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    longest: int = 1  # units in the longest name

    def add(self, tags: Iterable[TagInfo]) -> None:
        for tag in tags:
            self.by_id[tag.id] = tag
            self.by_slug[tag.slug] = tag.id
            if tag.parent_id is not None:
                self.children[tag.parent_id].add(tag.id)
            for key in {name_key(n) for n in (tag.slug, tag.name_en, tag.name_zh, *tag.synonyms)} - {""}:
                self.names[key].append(tag.id)
                self.longest = max(self.longest, len(units(key)))

    def find(self, name: str) -> frozenset[int]:
        """The tags a name means: exact by slug, name or synonym; else the same in the singular."""
        for key in _forms(name_key(name)):
            if key in self.names:
                return frozenset(self.names[key])
        return frozenset()

    def below(self, roots: Iterable[int]) -> frozenset[int]:
        """``roots`` and every tag under them, along each of its parents."""
        seen: set[int] = set()
        waiting = list(roots)
        while waiting:
            tag = waiting.pop()
            if tag not in seen:
                seen.add(tag)
                waiting.extend(self.children.get(tag, ()))
        return frozenset(seen)

    def nearest(self, name: str) -> list[str]:
        """Known names like ``name``, for "did you mean"."""
        return get_close_matches(name_key(name), list(self.names), 3, 0.6)

    def with_own(self, tags: Iterable[TagInfo]) -> TagBook:
        book = TagBook(dict(self.by_id), dict(self.by_slug), longest=self.longest)
        book.names.update({k: list(v) for k, v in self.names.items()})
        book.children.update({k: set(v) for k, v in self.children.items()})
        book.add(tags)
        return book


_cache: dict[tuple[object, ...], TagBook] = {}
_lock = threading.Lock()


def tag_book(session: ReadSession, viewer: Viewer) -> TagBook:
    """The viewer's tags: the vocabulary, read once per version, and their own, read each time."""
    count, last = session.execute(
        select(func.count(), func.max(Tag.id)).where(Tag.owner_id.is_(None), Tag.hidden.is_(False))
    ).one()
    version = session.get(KeyValue, "vocabulary")
    key = (str(session.get_bind().engine.url), count, last, str(version.value) if version else "")
    book = _cache.get(key)
    if book is None:
        book = TagBook()
        book.add(_read(session, Tag.owner_id.is_(None)))
        _add_further_parents(book)
        with _lock:
            if len(_cache) > 8:
                _cache.clear()
            _cache[key] = book
    own = _read(session, Tag.owner_id == viewer.user_id)
    return book.with_own(own) if own else book


def _read(session: ReadSession, condition: ColumnElement[bool]) -> list[TagInfo]:
    rows = session.execute(
        select(Tag.id, Tag.slug, Tag.parent_id, Tag.name_en, Tag.name_zh, Tag.synonyms).where(
            condition,
            Tag.hidden.is_(False),
        )
    )
    return [TagInfo(i, slug, up, en, zh, tuple(syn or ())) for i, slug, up, en, zh, syn in rows]


def _add_further_parents(book: TagBook) -> None:
    """The vocabulary has parents beside the tree's (a hot dog is food and a snack); rows hold the tree."""
    from ml.vocabulary import load_vocabulary

    vocabulary = load_vocabulary()
    for slug, tag in book.by_slug.items():
        if slug in vocabulary.concepts:
            for lower in vocabulary.descendants(slug):
                if lower in book.by_slug and lower != slug:
                    book.children[tag].add(book.by_slug[lower])


def _forms(key: str) -> list[str]:
    """The key, then what it may be the plural of."""
    forms = [key]
    head, _, last = key.rpartition(" ")
    if not last or is_unspaced(last[0]):
        return forms
    if last in _IRREGULAR:
        forms.append(f"{head} {_IRREGULAR[last]}".strip())
    if len(last) > 3 and last.endswith("s") and not last.endswith("ss"):
        stems = [last[:-1]]
        if last.endswith("ies"):
            stems.insert(0, last[:-3] + "y")
        if last.endswith("es"):
            stems.append(last[:-2])
        if last.endswith("ves"):
            stems += [last[:-3] + "f", last[:-3] + "fe"]
        forms += [f"{head} {stem}".strip() for stem in stems]
    forms.append(f"{head} {last}s".strip())
    return forms
