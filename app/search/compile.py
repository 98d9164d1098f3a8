"""From the tree of a query to one SQL condition, the owner's photos first."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import Select, and_, not_, or_, select, type_coerce
from sqlalchemy.types import NullType

from app.db import ReadSession, utcnow
from app.models import Album, Photo
from app.search import conditions as sql
from app.search.clauses import SimilarTo, compile_term, numbers
from app.search.conditions import Condition
from app.search.evidence import (
    WordEvidence,
    count_words,
    named_slugs,
    read_phrase,
    read_words,
    word_condition,
)
from app.search.language import And, Node, Not, Or, Phrase, Query, Term, Word
from app.search.library import Library
from app.search.values import Interval, Number
from app.services.accounts import Viewer


@dataclass(frozen=True)
class FreeWords:
    """A group of free words that stands outside every negation: what ranking and reasons look at."""

    text: str
    words: tuple[WordEvidence, ...]
    confidence: Interval[Number] | None
    similar: dict[UUID, float] = field(default_factory=dict, compare=False)  # photo id -> cosine, by meaning


@dataclass(frozen=True)
class Plan:
    """A compiled query: ``where`` holds for the photos it finds."""

    where: Condition
    archived: bool  # whether it finds archived photos, too
    groups: tuple[FreeWords, ...]
    library: Library
    lasting: bool  # what it finds only changes when something of its owner does

    def photos(self) -> Select[Photo]:
        return select(Photo).where(self.where)


class FindMeaning(Protocol):
    """Photos by the sense of a text, with their similarity; see ``app.search.meaning``."""

    def __call__(
        self, text: str, *, words: int, slugs: Collection[str] = (), among: Collection[UUID] | None = None
    ) -> dict[UUID, float]: ...


# More candidates than this are not worth listing: the best of all are then the best of most of these, too.
MAX_CANDIDATES = 20_000


def visible(viewer: Viewer, *, trashed: bool = False) -> Select[Photo]:
    """The viewer's own photos, those in the trash or (by default) those outside it."""
    return select(Photo).where(_scope(viewer, trashed))


def compile_query(
    session: ReadSession,
    viewer: Viewer,
    query: Query,
    *,
    trashed: bool = False,
    archived: bool = False,
    meaning: FindMeaning | None = None,
    similar_to: SimilarTo | None = None,
    now: datetime | None = None,
) -> Plan:
    """Compile ``query`` for ``viewer``.

    Args:
        trashed: look in the trash instead of the library.
        archived: also find archived photos; a query that speaks of ``is:archived`` always does.
        meaning: finds photos by the sense of free words; without it only exact evidence counts.
        similar_to: the photos that look like one.

    Raises:
        BadQuery: the query names a tag, object or album that is not there, or an album that contains itself.
    """
    library = Library(session, viewer, now or utcnow())
    compiler = _Compiler(library, trashed, meaning, similar_to)
    found = compiler.node(query.root, None, False) if query.root is not None else sql.all_conditions([])
    parts = [_scope(viewer, trashed)]
    archived = archived or compiler.speaks_of_archived
    if archived:
        parts.append(Photo.archived.in_((False, True)))  # said so that the timeline's index can be used
    else:
        parts.append(Photo.archived.is_(False))
    return Plan(and_(*parts, found), archived, tuple(compiler.groups), library, compiler.lasting)


def _scope(viewer: Viewer, trashed: bool) -> Condition:
    in_place = Photo.deleted_at.is_not(None) if trashed else Photo.deleted_at.is_(None)
    return and_(Photo.owner_id == viewer.user_id, in_place)


class _Compiler:
    def __init__(
        self, library: Library, trashed: bool, meaning: FindMeaning | None, similar_to: SimilarTo | None
    ) -> None:
        self.library = library
        self.trashed = trashed
        self.meaning = meaning
        self.similar_to = similar_to
        self.groups: list[FreeWords] = []
        self.albums: list[Album] = []
        self.speaks_of_archived = False
        self.lasting = True

    # -- structure -------------------------------------------------------------------------------------

    def node(self, node: Node, confidence: Interval[Number] | None, negative: bool) -> Condition:
        if isinstance(node, Not):
            return not_(self.node(node.child, confidence, not negative))
        if isinstance(node, Or):
            return or_(*(self.node(c, confidence, negative) for c in node.children))
        if isinstance(node, And):
            return self.conjunction(node, confidence, negative)
        if isinstance(node, Word):
            return self.words([node], confidence, negative)
        if isinstance(node, Phrase):
            return self.phrase(node, confidence, negative)
        return compile_term(self, node, confidence)

    def conjunction(self, node: And, confidence: Interval[Number] | None, negative: bool) -> Condition:
        for child in node.children:
            if isinstance(child, Term) and child.field == "confidence":
                confidence = numbers(child)
        words = [c for c in node.children if isinstance(c, Word)]
        parts = [self.node(c, confidence, negative) for c in node.children if not isinstance(c, Word)]
        if words:
            parts.append(self.words(words, confidence, negative, parts))
        return sql.all_conditions(parts)

    def words(
        self,
        words: Sequence[Word],
        confidence: Interval[Number] | None,
        negative: bool,
        beside: Sequence[Condition] = (),
    ) -> Condition:
        """Words of one group are matched together: all by evidence, or the whole text by its meaning."""
        text = " ".join(w.text for w in words)
        evidence = read_words(self.library, words)
        found = sql.all_conditions([word_condition(self.library, w, confidence) for w in evidence])
        if negative:
            return found  # what merely resembles the words is not excluded
        similar: dict[UUID, float] = {}
        if self.meaning is not None and not any(w.prefix for w in words):
            similar = self.meaning(
                text,
                words=count_words(evidence),
                slugs=named_slugs(self.library, words),
                among=self.candidates(beside),
            )
        self.groups.append(FreeWords(text, tuple(evidence), confidence, similar))
        # The list first: where it holds, SQLite need not gather all photos with the tags.
        return or_(Photo.id.in_(list(similar)), found) if similar else found

    def phrase(self, phrase: Phrase, confidence: Interval[Number] | None, negative: bool) -> Condition:
        evidence = read_phrase(self.library, phrase.text)
        if not negative:
            self.groups.append(FreeWords(phrase.text, (evidence,), confidence))
        return word_condition(self.library, evidence, confidence)

    def candidates(self, beside: Sequence[Condition]) -> list[UUID] | None:
        """The photos that meet the conditions beside the words, if they are few: the nearest of those count."""
        if not beside:
            return None
        both = Photo.archived.in_((False, True))  # lets the timeline's index be used
        # Plain values: where there are too many, none of them need become a UUID.
        few = select(type_coerce(Photo.id, NullType()))
        few = few.where(_scope(self.library.viewer, self.trashed), both, *beside).limit(MAX_CANDIDATES + 1)
        rows = self.library.session.connection().execute(few).fetchall()
        if len(rows) > MAX_CANDIDATES:
            return None
        return [key if isinstance(key, UUID) else UUID(bytes=key) for (key,) in rows]
