"""How found photos are scored, and why each was found: the one place where evidence and meaning are weighed.

A photo's score for a group of free words is

    score = 1 - (1 - W) * (1 - V)        V = (M + SEEN * T) / (1 + SEEN), or SEEN * T without M

W: what is written or said about the photo (title, person, place, file name, recognised text, date, a tag the user
confirmed), each word's best by ``WEIGHTS``, averaged over the words. T: the confidence of the tags that the networks
gave, averaged likewise. M: the similarity in meaning, if it passed the cut-off. Of several groups (``beach or
mountain``) the best counts.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, literal, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import NullType

from app.db import ReadSession
from app.models import Face, Person, Photo, PhotoTag
from app.search import conditions as sql
from app.search.compile import FreeWords, Plan
from app.search.evidence import TERM_FIELDS, Evidence, WordEvidence, dated

# What it is worth to find a word elsewhere than among the tags.
WEIGHTS = {"confirmed": 1.0, "person": 1.0, "title": 1.0, "place": 0.9, "date": 0.8, "text": 0.7, "name": 0.6}
SEEN = 0.5  # weight of the tags' confidence beside the meaning's similarity
_CONFIRMED = 2.0  # stands for the user's word in a column of confidences
HEAD = 1000  # so many photos are put in order of relevance; see ``head``
MAX_REASONS = 8
_FIELD_KINDS = {"title": "title", "place": "place", "text": "text", "name": "filename", "date": "date"}


@dataclass(frozen=True)
class Reason:
    """Why a photo was found. ``kind``: tag, person, place, date, title, text, filename or meaning.

    ``word`` is what was searched, ``match`` what it met in the photo (a tag's or a person's name);
    ``confidence`` is the tag's, or the similarity.
    """

    kind: str
    word: str
    match: str = ""
    confidence: float | None = None


# A photo's id as the database driver gives it: making UUIDs of tens of thousands would take most of the time.
_Key = Any
_Strengths = dict[_Key, float]


@dataclass(frozen=True)
class Ranking:
    """Scores of photos, 0 to 1 with 6 digits, by their ids as the database has them."""

    scores: dict[_Key, float]
    _as_bytes: bool

    def best(self, limit: int, after: tuple[float, UUID] | None = None) -> list[tuple[UUID, float]]:
        """The ``limit`` highest, behind ``after`` in the order of score and id."""
        pairs: Iterable[tuple[float, _Key]] = ((score, key) for key, score in self.scores.items())
        if after is not None:
            last = after[0], after[1].bytes if self._as_bytes else after[1]
            pairs = (pair for pair in pairs if pair < last)
        return [
            (UUID(bytes=key) if self._as_bytes else key, score) for score, key in heapq.nlargest(limit, pairs)
        ]


def head(session: ReadSession, plan: Plan) -> tuple[list[UUID], bool]:
    """The photos worth ranking, and whether these are all that the plan finds.

    They are all, up to ``HEAD``; of more, the newest, those found by meaning, and some about which each word is
    written or said. What is left follows them in the order of time: nobody pages through thousands by score.
    """
    newest = select(Photo.id).where(plan.where).order_by(Photo.taken_local.desc(), Photo.id.desc())
    found = list(session.scalars(newest.limit(HEAD + 1)))
    if len(found) <= HEAD:
        return found, True
    found.pop()
    also = {photo_id for group in plan.groups for photo_id in group.similar}
    for evidence in {e for group in plan.groups for word in group.words for way in word.ways for e in way}:
        confirmed = select(PhotoTag.photo_id).where(
            PhotoTag.tag_id.in_(evidence.tags), PhotoTag.state == "confirmed"
        )
        also.update(session.scalars(confirmed.limit(HEAD)))
        for kind, statement in statements(plan, evidence):
            if kind != "tag":
                also.update(session.scalars(statement.limit(HEAD)))
    more = sorted(also.difference(found))[: 10 * HEAD]
    there = session.scalars(select(Photo.id).where(plan.where, Photo.id.in_(more))) if more else ()
    return [*found, *there], False


def rank(session: ReadSession, plan: Plan, only: Sequence[UUID]) -> Ranking:
    """The scores of photos that the plan finds."""
    ranker = _Ranker(session, only)
    keys = {ranker.key(photo_id) for photo_id in only}
    scores = dict.fromkeys(keys, 0.0)
    for group in plan.groups:
        said, seen = ranker.weigh(plan, group)
        similar = {ranker.key(photo_id): m for photo_id, m in group.similar.items()}
        for key in keys:
            tags, m = seen.get(key, 0.0), similar.get(key)
            visual = SEEN * tags if m is None else (m + SEEN * tags) / (1 + SEEN)
            score = 1 - (1 - said.get(key, 0.0)) * (1 - min(visual, 1.0))
            if scores[key] < score:
                scores[key] = score
    return Ranking({key: round(score, 6) for key, score in scores.items()}, ranker.as_bytes)


class _Ranker:
    """Reads evidence in bulk; each piece of it once."""

    def __init__(self, session: ReadSession, only: Sequence[UUID]) -> None:
        self.session = session
        self.only = only
        self.as_bytes = session.get_bind().dialect.name == "sqlite"
        self._known: dict[Evidence, tuple[_Strengths, _Strengths]] = {}

    def key(self, photo_id: UUID) -> _Key:
        return photo_id.bytes if self.as_bytes else photo_id

    def weigh(self, plan: Plan, group: FreeWords) -> tuple[_Strengths, _Strengths]:
        """How strongly photos say and show the words, averaged over them."""
        words = [self.word(plan, word) for word in group.words]
        if len(words) == 1:
            return words[0]
        said, seen = _Strengths(), _Strengths()
        for pair in words:
            for total, one in zip((said, seen), pair, strict=True):
                for key, strength in one.items():
                    total[key] = total.get(key, 0.0) + strength / len(words)
        return said, seen

    def word(self, plan: Plan, word: WordEvidence) -> tuple[_Strengths, _Strengths]:
        """A way of several names is as strong as their mean, and the strongest way counts."""
        if len(word.ways) == 1 and len(word.ways[0]) == 1:
            return self.strengths(plan, word.ways[0][0])
        best = _Strengths(), _Strengths()
        for way in word.ways:
            parts = [self.strengths(plan, evidence) for evidence in way]
            for which in (0, 1):
                for key in set().union(*(part[which] for part in parts)):
                    mean = sum(part[which].get(key, 0.0) for part in parts) / len(way)
                    if best[which].get(key, 0.0) < mean:
                        best[which][key] = mean
        return best

    def strengths(self, plan: Plan, evidence: Evidence) -> tuple[_Strengths, _Strengths]:
        """How strongly photos say, and show, what the evidence is of."""
        if evidence not in self._known:
            said, seen = _Strengths(), _Strengths()
            for kind, statement in statements(plan, evidence):
                self._read(kind, statement, said, seen)
            self._known[evidence] = said, seen
        return self._known[evidence]

    def _read(self, kind: str, statement: Select[Any, Any], said: _Strengths, seen: _Strengths) -> None:
        column = statement.selected_columns[0]
        statement = statement.where(column.in_(self.only))
        # Rows of plain values: the session would look for objects in each.
        plain = statement.with_only_columns(_raw(column), statement.selected_columns[1])
        rows = self.session.connection().execute(plain).fetchall()
        if kind == "tag":
            for key, confidence in rows:
                if confidence == _CONFIRMED:
                    said[key] = WEIGHTS["confirmed"]
                elif seen.get(key, 0.0) < confidence:
                    seen[key] = confidence
        else:
            for key, field in rows:
                weight = WEIGHTS[field if kind == "word" else kind]
                if said.get(key, 0.0) < weight:
                    said[key] = weight


def _raw(column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    return type_coerce(column, NullType())


def statements(plan: Plan, evidence: Evidence) -> Iterator[tuple[str, Select[Any, Any]]]:
    """Where evidence is read: the kind of place, and photo ids each with a confidence (tag) or a field (word)."""
    if evidence.tags:
        # The sum keeps SQLite from looking up every tag for every photo, where it should look up the photos alone.
        tagged = (PhotoTag.tag_id + 0).in_(sorted(evidence.tags))
        sure = case((PhotoTag.state == "confirmed", literal(_CONFIRMED)), else_=PhotoTag.confidence)
        yield "tag", select(PhotoTag.photo_id, sure).where(tagged, PhotoTag.state != "rejected")
    if evidence.people:
        people = Face.person_id.in_(sorted(evidence.people))
        yield "person", select(Face.photo_id, Face.score).where(people)
    if evidence.terms:
        yield (
            "word",
            sql.word_rows(
                evidence.terms, TERM_FIELDS, prefix=evidence.prefix, collation=plan.library.collation
            ),
        )
    if evidence.year is not None or evidence.month is not None:
        mine = Photo.owner_id == plan.library.viewer.user_id
        yield "date", select(Photo.id, Photo.rating).where(mine, dated(evidence))


def reasons_of(session: ReadSession, plan: Plan, ids: Sequence[UUID]) -> dict[UUID, tuple[Reason, ...]]:
    """Why each of these photos was found: at most ``MAX_REASONS`` each, the strongest first."""
    if not plan.groups or not ids:
        return {}
    found: dict[UUID, list[Reason]] = defaultdict(list)
    for group in plan.groups:
        for word in group.words:
            for evidence in {e for way in word.ways for e in way}:
                _explain(session, plan, evidence, ids, found)
        for photo_id in ids:
            if photo_id in group.similar:
                found[photo_id].append(Reason("meaning", group.text, "", round(group.similar[photo_id], 4)))
    return {i: tuple(sorted(dict.fromkeys(r), key=_weight)[:MAX_REASONS]) for i, r in found.items()}


def _weight(reason: Reason) -> tuple[bool, float, str, str]:
    return reason.kind == "meaning", -(reason.confidence or 1.0), reason.kind, reason.match


def _explain(
    session: ReadSession, plan: Plan, evidence: Evidence, ids: Sequence[UUID], found: dict[UUID, list[Reason]]
) -> None:
    language = plan.library.viewer.language
    if evidence.tags:
        rows: Select[UUID, int, float] = (
            select(PhotoTag.photo_id, PhotoTag.tag_id, func.max(sql.effective_confidence()))
            .where(
                PhotoTag.photo_id.in_(ids),
                PhotoTag.tag_id.in_(sorted(evidence.tags)),
                PhotoTag.state != "rejected",
            )
            .group_by(PhotoTag.photo_id, PhotoTag.tag_id)
        )
        for photo_id, tag_id, sure in session.execute(rows):
            tag = plan.library.tags.shown(tag_id)
            if tag is not None:
                found[photo_id].append(Reason("tag", evidence.text, tag.name(language), round(sure, 4)))
    if evidence.people:
        people = (
            select(Face.photo_id, Person.name)
            .join(Person, Person.id == Face.person_id)
            .where(Face.photo_id.in_(ids), Face.person_id.in_(sorted(evidence.people)))
        )
        for photo_id, name in session.execute(people):
            found[photo_id].append(Reason("person", evidence.text, name))
    for kind, statement in statements(plan, evidence):
        if kind in ("word", "date"):
            for photo_id, field in session.execute(statement.where(statement.selected_columns[0].in_(ids))):
                found[photo_id].append(Reason(_FIELD_KINDS[field if kind == "word" else kind], evidence.text))
