"""What queries look names up in: one viewer's tags, people and kinds of objects, read once per query."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cached_property
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from app.db import ReadSession
from app.models import Person, Photo
from app.search.tags import TagBook, tag_book
from app.search.terms import name_key
from app.services.accounts import Viewer


@dataclass
class Library:
    """``collation`` is the one that compares by code point, where the database has another default.

    ``sizes`` of sets of photos are kept here by ``app.search.forms``, for the statements of one query share them.
    """

    session: ReadSession
    viewer: Viewer
    now: datetime
    collation: str | None = field(init=False)
    sizes: dict[Any, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.collation = "C" if self.session.get_bind().dialect.name == "postgresql" else None

    @cached_property
    def tags(self) -> TagBook:
        return tag_book(self.session, self.viewer.user_id)

    @cached_property
    def people(self) -> dict[str, frozenset[UUID]]:
        """Named people by their whole name and by each word of it."""
        found: dict[str, set[UUID]] = {}
        rows = self.session.execute(
            select(Person.id, Person.name).where(Person.owner_id == self.viewer.user_id, Person.name != "")
        )
        for person_id, name in rows:
            for key in {name_key(name), *name_key(name).split()} - {""}:
                found.setdefault(key, set()).add(person_id)
        return {key: frozenset(ids) for key, ids in found.items()}

    def named(self, text: str) -> frozenset[UUID]:
        return self.people.get(name_key(text), frozenset())

    @cached_property
    def countries(self) -> dict[str, str]:
        """The countries of the viewer's photos: code -> name as the photos have it.

        Each step of the recursion is one look into the index; grouping would read every photo.
        """
        mine = Photo.owner_id == self.viewer.user_id
        codes = select(func.min(Photo.country_code).label("code")).where(mine).cte("codes", recursive=True)
        following = select(func.min(Photo.country_code)).where(mine, Photo.country_code > codes.c.code)
        codes = codes.union_all(select(following.scalar_subquery()).where(codes.c.code.is_not(None)))
        of_code = select(Photo.country).where(mine, Photo.country_code == codes.c.code).limit(1)
        rows = self.session.execute(
            select(codes.c.code, of_code.scalar_subquery()).where(codes.c.code.is_not(None))
        )
        return {code: name or "" for code, name in rows.tuples()}

    @staticmethod
    def object_names(name: str) -> frozenset[str]:
        """The detector's names that ``name`` means: itself, or those whose concept lies at or below it."""
        from ml.vocabulary import load_vocabulary

        vocabulary, key = load_vocabulary(), name_key(name)
        slugs = set(vocabulary.find(name))
        slugs = slugs.union(*(vocabulary.descendants(slug) for slug in slugs))
        return frozenset(t for t, slug in vocabulary.coco.items() if name_key(t) == key or slug in slugs)

    @staticmethod
    def near_objects(name: str) -> list[str]:
        from ml.vocabulary import load_vocabulary

        return get_close_matches(name_key(name), list(load_vocabulary().coco), 3, 0.5)


def object_things(word: str, *, chinese: bool = False) -> list[tuple[str, str]]:
    """The detector's names that begin with ``word`` in either language, with what to show for each."""
    from ml.vocabulary import load_vocabulary

    vocabulary, key = load_vocabulary(), name_key(word)
    found = []
    for name, slug in vocabulary.coco.items():
        zh = vocabulary.name(slug, "zh")
        if name_key(name).startswith(key) or name_key(zh).startswith(key):
            found.append((name, zh if chinese else name))
    return found
