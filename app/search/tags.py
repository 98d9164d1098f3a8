"""Tags as queries and pages see them: one user's book of the vocabulary and their own tags, as they arranged it.

A user may give a tag another name, move it, hide it, or make it one with another (``TagChoice``); the book has all
that applied, so that search, suggestions, pages and dynamic albums follow at once and agree.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from uuid import UUID

from sqlalchemy import ColumnElement, func, select

from app.db import ReadSession
from app.models import KeyValue, Tag, TagChoice
from app.search.terms import is_unspaced, name_key, units

_IRREGULAR = {"men": "man", "women": "woman", "children": "child", "mice": "mouse", "geese": "goose",
              "feet": "foot", "teeth": "tooth", "oxen": "ox", "people": "person"}  # fmt: skip


@dataclass(frozen=True)
class TagInfo:
    """One tag as its viewer sees it; ``own`` is one they made or taught."""

    id: int
    slug: str
    parent_id: int | None
    name_en: str
    name_zh: str
    synonyms: tuple[str, ...]
    own: bool = False

    def name(self, language: str | None) -> str:
        return self.name_zh if language and language.startswith("zh") else self.name_en

    @property
    def keys(self) -> set[str]:
        """Every name it is found by, in the form names are compared in."""
        return {name_key(n) for n in (self.slug, self.name_en, self.name_zh, *self.synonyms)} - {""}


@dataclass
class TagBook:
    """The tags one viewer can see; the vocabulary's part is built once per version and shared.

    ``children`` keeps hidden and merged tags, for what lies below them stays below what lies above; the other fields
    hold only what is shown. ``into`` is, for a tag that became one with another, that other. ``groups`` are the words
    for several tags at once that are no tag's name.
    """

    by_id: dict[int, TagInfo] = field(default_factory=dict)
    by_slug: dict[str, int] = field(default_factory=dict)
    names: dict[str, list[int]] = field(default_factory=lambda: defaultdict(list))
    children: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    longest: int = 1  # units in the longest name
    into: dict[int, int] = field(default_factory=dict)
    hidden_names: set[str] = field(default_factory=set)
    groups: dict[str, frozenset[int]] = field(default_factory=dict)

    def add(self, tags: Iterable[TagInfo]) -> None:
        for tag in tags:
            self.by_id[tag.id] = tag
            self.by_slug[tag.slug] = tag.id
            if tag.parent_id is not None:
                self.children[tag.parent_id].add(tag.id)
            for key in tag.keys:
                if tag.id not in self.names[key]:
                    self.names[key].append(tag.id)
                self.longest = max(self.longest, len(units(key)))

    def find(self, name: str) -> frozenset[int]:
        """The tags a name means: exact by slug, name, synonym or group; else in the singular, or as one word."""
        whole = name_key(name)
        for key in (*_forms(whole), *_forms(whole.replace(" ", ""))):
            if found := self._named(key):
                return found
        return frozenset()

    def _named(self, key: str) -> frozenset[int]:
        grouped = (self.shown(tag) for tag in self.groups.get(key, ()))
        return frozenset((*self.names.get(key, ()), *(tag.id for tag in grouped if tag is not None)))

    def described(self, text: str) -> frozenset[int]:
        """The tags that a description fits ("yellow fruit"), without those below others of them."""
        from ml.vocabulary import load_vocabulary

        vocabulary = load_vocabulary()
        fitting = vocabulary.described(text)
        return frozenset(
            self.by_slug[slug]
            for slug in fitting
            if slug in self.by_slug and fitting.isdisjoint(vocabulary.ancestors(slug))
        )

    def hides(self, name: str) -> bool:
        """Whether the name is that of a tag the viewer has put out of sight."""
        return any(key in self.hidden_names for key in _forms(name_key(name)))

    def shown(self, tag_id: int) -> TagInfo | None:
        """What a tag on a photo is shown as: itself, the one it became one with, or nothing."""
        return self.by_id.get(self.into.get(tag_id, tag_id))

    def above(self, tag: TagInfo) -> list[int]:
        """The ids of the tags above one, the nearest first."""
        found: list[int] = []
        while tag.parent_id in self.by_id and tag.parent_id not in found:
            tag = self.by_id[tag.parent_id]
            found.append(tag.id)
        return found

    def members(self, tag_id: int) -> list[int]:
        """The tag itself and those that became one with it."""
        return [tag_id, *sorted(gone for gone, into in self.into.items() if into == tag_id)]

    def below(self, roots: Iterable[int]) -> frozenset[int]:
        """``roots`` and every tag under them that is shown, along each of its parents."""
        seen: set[int] = set()
        waiting = list(roots)
        joined: dict[int, list[int]] = defaultdict(list)
        for gone, into in self.into.items():
            joined[into].append(gone)
        while waiting:
            tag = waiting.pop()
            if tag not in seen:
                seen.add(tag)
                waiting.extend(self.children.get(tag, ()))
                waiting.extend(joined.get(tag, ()))
        return frozenset(tag for tag in seen if self.shown(tag) is not None)

    def nearest(self, name: str) -> list[str]:
        """Known names like ``name``, for "did you mean"."""
        return get_close_matches(name_key(name), list(self.names), 3, 0.6)

    def arranged(self, own: Sequence[TagInfo], choices: Sequence[TagChoice]) -> TagBook:
        """A copy with a user's own tags and what they chose."""
        book = TagBook(dict(self.by_id), dict(self.by_slug), longest=self.longest, groups=self.groups)
        book.names.update({k: list(v) for k, v in self.names.items()})
        book.children.update({k: set(v) for k, v in self.children.items()})
        book.add(own)
        chosen = {choice.tag_id: choice for choice in choices if choice.tag_id in book.by_id}
        for choice in chosen.values():
            book._rename_and_move(choice)
        book.into = _ends(
            {c.tag_id: c.merged_into_id for c in chosen.values() if c.merged_into_id is not None}
        )
        gone = [i for i, choice in chosen.items() if choice.hidden or i in book.into]
        above = {i: tag.parent_id for i, tag in book.by_id.items()}
        book._take_out(gone)
        for tag in [
            t for t in book.by_id.values() if t.parent_id is not None and t.parent_id not in book.by_id
        ]:
            book.by_id[tag.id] = replace(tag, parent_id=book._shown_above(tag.id, above))
        return book

    def _rename_and_move(self, choice: TagChoice) -> None:
        old = self.by_id[choice.tag_id]
        new = replace(
            old,
            name_en=choice.name_en or old.name_en,
            name_zh=choice.name_zh or old.name_zh,
            parent_id=choice.parent_id if choice.moved else old.parent_id,
            synonyms=(*old.synonyms, old.name_en, old.name_zh),  # what it was called still finds it
        )
        if new.parent_id != old.parent_id and old.parent_id is not None:
            self.children[old.parent_id].discard(old.id)
        self.add([new])

    def _take_out(self, gone: Sequence[int]) -> None:
        taken = [self.by_id.pop(tag) for tag in gone]
        for tag in taken:
            into = self.into.get(tag.id)
            if into is not None and into in self.by_id:
                self.by_slug[tag.slug] = into
            else:
                self.by_slug.pop(tag.slug, None)
            for key in tag.keys:
                others = [other for other in self.names.get(key, ()) if other != tag.id]
                if into is not None and into in self.by_id and into not in others:
                    others.append(into)
                if others:
                    self.names[key] = others
                else:
                    self.names.pop(key, None)
                    self.hidden_names.add(key)

    def _shown_above(self, tag: int, above: dict[int, int | None]) -> int | None:
        """The nearest tag over this one that is shown and is not the tag itself."""
        seen, up = {tag}, above[tag]
        while up is not None and up not in seen:
            seen.add(up)
            shown = self.shown(up)
            if shown is not None and shown.id not in (tag, *self._under(tag, shown.id, above)):
                return shown.id
            up = above.get(up)
        return None

    def _under(self, tag: int, start: int, above: dict[int, int | None]) -> set[int]:
        """``{start}`` when it lies under ``tag`` (the two would be parents of each other), else nothing."""
        seen: set[int] = set()
        up: int | None = start
        while up is not None and up not in seen:
            if up == tag:
                return {start}
            seen.add(up)
            up = above.get(up)
        return set()


def _ends(into: dict[int, int]) -> dict[int, int]:
    """For each tag that became one with another the last of the chain; tags in a circle stay themselves."""
    ends = {}
    for start in into:
        seen, at = {start}, into[start]
        while at in into and at not in seen:
            seen.add(at)
            at = into[at]
        if at not in seen:
            ends[start] = at
    return ends


_cache: dict[tuple[object, ...], TagBook] = {}
_lock = threading.Lock()


def tag_book(session: ReadSession, user_id: UUID) -> TagBook:
    """A user's tags: the vocabulary, read once per version, and what is theirs, read each time."""
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
        _add_groups(book)
        with _lock:
            if len(_cache) > 8:
                _cache.clear()
            _cache[key] = book
    own = _read(session, Tag.owner_id == user_id)
    choices = session.scalars(select(TagChoice).where(TagChoice.user_id == user_id)).all()
    return book.arranged(own, choices) if own or choices else book


def _read(session: ReadSession, condition: ColumnElement[bool]) -> list[TagInfo]:
    rows = session.execute(
        select(Tag.id, Tag.slug, Tag.parent_id, Tag.name_en, Tag.name_zh, Tag.synonyms, Tag.owner_id).where(
            condition,
            Tag.hidden.is_(False),
        )
    )
    return [
        TagInfo(i, slug, up, en, zh, tuple(synonyms or ()), owner is not None)
        for i, slug, up, en, zh, synonyms, owner in rows
    ]


def _add_further_parents(book: TagBook) -> None:
    """The vocabulary has parents beside the tree's (a hot dog is food and a snack); rows hold the tree."""
    from ml.vocabulary import load_vocabulary

    for slug, concept in load_vocabulary().concepts.items():
        for other in concept.also if slug in book.by_slug else ():
            if other in book.by_slug:
                book.children[book.by_slug[other]].add(book.by_slug[slug])


def _add_groups(book: TagBook) -> None:
    """The vocabulary's words for several tags at once ("seafood")."""
    from ml.vocabulary import load_vocabulary

    found: dict[str, set[int]] = defaultdict(set)
    for slug, concept in load_vocabulary().concepts.items():
        for word in concept.groups if slug in book.by_slug else ():
            found[name_key(word)].add(book.by_slug[slug])
    book.groups = {key: frozenset(tags) for key, tags in found.items()}


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
    first, joint, rest = key.partition(" of ")
    if joint:
        forms += [f"{stem}{joint}{rest}" for stem in _forms(first)[1:]]  # "birds of prey"
    return forms
