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
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import ColumnElement, Select, case, func, literal, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import NullType

from app.db import ReadSession
from app.models import Face, Person, Photo, PhotoTag, PhotoTerm
from app.search import conditions as sql
from app.search import forms
from app.search.compile import FreeWords, Plan
from app.search.evidence import Evidence, WordEvidence, dated

# What it is worth to find a word elsewhere than among the tags.
WEIGHTS = {"confirmed": 1.0, "person": 1.0, "title": 1.0, "place": 0.9, "date": 0.8, "text": 0.7, "name": 0.6}
SEEN = 0.5  # weight of the tags' confidence beside the meaning's similarity
_CONFIRMED = 2.0  # stands for the user's word in a column of confidences
HEAD = 1000  # so many photos are put in order of relevance; see ``head``
MAX_REASONS = 8
_FIELD_KINDS = {"title": "title", "place": "place", "text": "text", "name": "filename"}


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
    found = [row[0] for row in forms.first(session, plan, select(Photo.id), forms.NEWEST, HEAD + 1)]
    if len(found) <= HEAD:
        return found, True
    found.pop()
    also = {photo_id for group in plan.groups for photo_id in group.similar}
    for evidence in {e for group in plan.groups for word in group.words for way in word.ways for e in way}:
        said: list[Any] = [sql.decided(evidence.tags, "confirmed")] if evidence.tags else []
        said += [_face_rows(evidence.people)] if evidence.people else []
        said += [_word_rows(plan, evidence)] if evidence.terms else []
        said += [_date_rows(plan, evidence)] if evidence.dated else []
        for statement in said:
            also.update(session.scalars(statement.limit(HEAD)))
    more = sorted(also.difference(found))[: 10 * HEAD]
    there = select(Photo.id).where(Photo.id.in_(more), forms.of_few(session, plan))
    return [*found, *(session.scalars(there) if more else ())], False


def rank(session: ReadSession, plan: Plan, only: Sequence[UUID]) -> Ranking:
    """The scores of photos that the plan finds."""
    as_bytes = session.get_bind().dialect.name == "sqlite"
    keys: list[_Key] = [photo_id.bytes for photo_id in only] if as_bytes else list(only)
    ranker = _Ranker(session, plan, keys)
    scores = dict.fromkeys(keys, 0.0)
    for group in plan.groups:
        said, seen = ranker.weigh(group)
        similar = {photo_id.bytes if as_bytes else photo_id: m for photo_id, m in group.similar.items()}
        for key in scores:
            tags, m = seen.get(key, 0.0), similar.get(key)
            visual = SEEN * tags if m is None else (m + SEEN * tags) / (1 + SEEN)
            score = 1 - (1 - said.get(key, 0.0)) * (1 - min(visual, 1.0))
            if scores[key] < score:
                scores[key] = score
    return Ranking({key: round(score, 6) for key, score in scores.items()}, as_bytes)


class _Ranker:
    """Reads evidence in bulk: one statement for the tags of all words, one for people, one for plain words."""

    def __init__(self, session: ReadSession, plan: Plan, keys: Sequence[_Key]) -> None:
        self.session = session
        self.keys = keys
        words = (word for group in plan.groups for word in group.words)
        self.known: dict[Evidence, tuple[_Strengths, _Strengths]] = {
            evidence: ({}, {}) for word in words for way in word.ways for evidence in way
        }
        self._read_tags()
        self._read_people()
        self._read_words(plan)
        self._read_dates(plan)

    def weigh(self, group: FreeWords) -> tuple[_Strengths, _Strengths]:
        """How strongly photos say and show the words, averaged over them."""
        words = [self.word(word) for word in group.words]
        if len(words) == 1:
            return words[0]
        said, seen = _Strengths(), _Strengths()
        for pair in words:
            for total, one in zip((said, seen), pair, strict=True):
                for key, strength in one.items():
                    total[key] = total.get(key, 0.0) + strength / len(words)
        return said, seen

    def word(self, word: WordEvidence) -> tuple[_Strengths, _Strengths]:
        """A way of several names is as strong as their mean, and the strongest way counts."""
        if len(word.ways) == 1 and len(word.ways[0]) == 1:
            return self.known[word.ways[0][0]]
        best = _Strengths(), _Strengths()
        for way in word.ways:
            parts = [self.known[evidence] for evidence in way]
            for which in (0, 1):
                for key in set().union(*(part[which] for part in parts)):
                    mean = sum(part[which].get(key, 0.0) for part in parts) / len(way)
                    if best[which].get(key, 0.0) < mean:
                        best[which][key] = mean
        return best

    def _read_tags(self) -> None:
        asked = _asked({evidence: evidence.tags for evidence in self.known})
        rows = self._rows(_tag_rows(asked), PhotoTag.photo_id, PhotoTag.tag_id, _SURE) if asked else ()
        for key, tag, confidence in rows:
            for evidence in asked[tag]:
                said, seen = self.known[evidence]
                if confidence == _CONFIRMED:
                    said[key] = WEIGHTS["confirmed"]
                elif seen.get(key, 0.0) < confidence:
                    seen[key] = confidence

    def _read_people(self) -> None:
        asked = _asked({evidence: evidence.people for evidence in self.known})
        rows = self._rows(_face_rows(asked), Face.photo_id, Face.person_id) if asked else ()
        for key, person in rows:
            for evidence in asked[UUID(bytes=person) if isinstance(person, bytes) else person]:
                self._say(evidence, key, "person")

    def _read_words(self, plan: Plan) -> None:
        plain = {e: e.terms for e in self.known if len(e.terms) == 1 and not e.prefix}
        asked = _asked(plain)
        written = select(PhotoTerm.photo_id).where(PhotoTerm.term.in_(sorted(asked)))
        rows = self._rows(written, PhotoTerm.photo_id, PhotoTerm.term, PhotoTerm.field) if asked else ()
        for key, term, field in rows:
            for evidence in asked[term]:
                self._say(evidence, key, field)
        for evidence in self.known.keys() - plain.keys():
            if evidence.terms:
                for key, field in self._rows(_word_rows(plan, evidence), PhotoTerm.photo_id, PhotoTerm.field):
                    self._say(evidence, key, field)

    def _read_dates(self, plan: Plan) -> None:
        for evidence in self.known:
            if evidence.dated:
                for (key,) in self._rows(_date_rows(plan, evidence), Photo.id):
                    self._say(evidence, key, "date")

    def _rows(self, statement: Any, key: Any, *columns: Any) -> Sequence[Any]:
        """The statement's rows about these photos, as plain values: the session would look for objects in each."""
        plain = statement.where(_raw(key).in_(self.keys)).with_only_columns(*map(_raw, (key, *columns)))
        return self.session.connection().execute(plain).fetchall()

    def _say(self, evidence: Evidence, key: _Key, place: str) -> None:
        said = self.known[evidence][0]
        if said.get(key, 0.0) < WEIGHTS[place]:
            said[key] = WEIGHTS[place]


_Name = TypeVar("_Name", bound=Hashable)


def _asked(names: Mapping[Evidence, Collection[_Name]]) -> dict[_Name, list[Evidence]]:
    """Which evidence each name is of."""
    asked: dict[_Name, list[Evidence]] = defaultdict(list)
    for evidence, some in names.items():
        for name in some:
            asked[name].append(evidence)
    return asked


def _raw(column: ColumnElement[Any] | InstrumentedAttribute[Any]) -> ColumnElement[Any]:
    return type_coerce(column, NullType())


_SURE = case((PhotoTag.state == "confirmed", literal(_CONFIRMED)), else_=PhotoTag.confidence)


def _tag_rows(tags: Collection[int]) -> Select[UUID]:
    # The sum keeps SQLite from looking up every tag for every photo, where it should look up the photos alone.
    tagged = (PhotoTag.tag_id + 0).in_(sorted(tags))
    return select(PhotoTag.photo_id).where(tagged, PhotoTag.state != "rejected")


def _face_rows(people: Collection[UUID]) -> Select[UUID]:
    return select(Face.photo_id).where(Face.person_id.in_(sorted(people)))


def _word_rows(plan: Plan, evidence: Evidence) -> Select[UUID, str]:
    return sql.word_rows(
        evidence.terms, sql.ALL_TERM_FIELDS, prefix=evidence.prefix, collation=plan.library.collation
    )


def _date_rows(plan: Plan, evidence: Evidence) -> Select[UUID]:
    return select(Photo.id).where(Photo.owner_id == plan.library.viewer.user_id, dated(evidence))


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
            _tag_rows(evidence.tags)
            .with_only_columns(PhotoTag.photo_id, PhotoTag.tag_id, func.max(sql.effective_confidence()))
            .where(PhotoTag.photo_id.in_(ids))
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
    if evidence.terms:
        words = _word_rows(plan, evidence).where(PhotoTerm.photo_id.in_(ids))
        for photo_id, field in session.execute(words):
            found[photo_id].append(Reason(_FIELD_KINDS[field], evidence.text))
    if evidence.dated:
        for photo_id in session.scalars(_date_rows(plan, evidence).where(Photo.id.in_(ids))):
            found[photo_id].append(Reason("date", evidence.text))
