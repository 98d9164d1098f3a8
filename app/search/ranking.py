"""How found photos are scored, and why each was found. The only place where evidence and meaning are weighed.

For a group of free words a photo's score is

    score = max(E, M) + BOTH * min(E, M)      clipped to 1

with E the mean over the words of each word's strongest evidence (a tag counts its confidence, other places
what ``WEIGHTS`` says), and M the similarity of the photo's semantic vector. Of several groups (``beach or
mountain``) the best counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from app.db import ReadSession
from app.models import Face, Person, Photo, PhotoTag
from app.search import conditions as sql
from app.search.compile import FreeWords, Plan
from app.search.evidence import TERM_FIELDS, Evidence, WordEvidence, dated

# What a word found outside the tags is worth, next to a tag of confidence 1.
WEIGHTS = {"person": 1.0, "title": 1.0, "place": 0.9, "date": 0.8, "text": 0.7, "name": 0.6}
BOTH = 0.25
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


def rank(session: ReadSession, plan: Plan, only: Sequence[UUID] | None = None) -> dict[UUID, float]:
    """The score of every photo the plan finds (or of ``only`` these), 0 to 1, rounded to 6 digits."""
    ids = set(only) if only is not None else set(session.scalars(select(Photo.id).where(plan.where)))
    scores = dict.fromkeys(ids, 0.0)
    for group in plan.groups:
        evidence = _group_evidence(session, plan, group, ids)
        for photo_id in ids & (evidence.keys() | group.similar.keys()):
            e, m = evidence.get(photo_id, 0.0), group.similar.get(photo_id, 0.0)
            scores[photo_id] = max(scores[photo_id], min(1.0, max(e, m) + BOTH * min(e, m)))
    return {photo_id: round(score, 6) for photo_id, score in scores.items()}


def _group_evidence(session: ReadSession, plan: Plan, group: FreeWords, ids: set[UUID]) -> dict[UUID, float]:
    total: dict[UUID, float] = defaultdict(float)
    for word in group.words:
        for photo_id, strength in _word_strength(session, plan, word, ids).items():
            total[photo_id] += strength / len(group.words)
    return total


def _word_strength(session: ReadSession, plan: Plan, word: WordEvidence, ids: set[UUID]) -> dict[UUID, float]:
    """Each photo's strongest way of showing the word; a way of several names is as strong as their mean."""
    best: dict[UUID, float] = {}
    for way in word.ways:
        parts = [_strength(session, plan, evidence, ids) for evidence in way]
        for photo_id in set.intersection(*(set(p) for p in parts)):
            strength = sum(p[photo_id] for p in parts) / len(parts)
            best[photo_id] = max(best.get(photo_id, 0.0), strength)
    return best


def _strength(session: ReadSession, plan: Plan, evidence: Evidence, ids: set[UUID]) -> dict[UUID, float]:
    best: dict[UUID, float] = {}

    def add(rows: Iterable[Any], weight: float | None = None) -> None:
        for photo_id, found in rows:
            value = WEIGHTS[found] if weight is None and isinstance(found, str) else weight or float(found)
            if photo_id in ids and best.get(photo_id, 0.0) < value:
                best[photo_id] = value

    mine = Photo.owner_id == plan.library.viewer.user_id
    if evidence.tags:
        certain = func.max(sql.effective_confidence())
        add(
            session.execute(
                select(PhotoTag.photo_id, certain)
                .where(PhotoTag.tag_id.in_(sorted(evidence.tags)), PhotoTag.state != "rejected")
                .group_by(PhotoTag.photo_id)
            )
        )
    if evidence.people:
        people = select(Face.photo_id, Face.person_id).where(Face.person_id.in_(sorted(evidence.people)))
        add(session.execute(people), WEIGHTS["person"])
    for field in TERM_FIELDS if evidence.terms else ():
        found = sql.worded(evidence.terms, (field,), prefix=evidence.prefix, collation=plan.library.collation)
        add(session.execute(select(Photo.id, Photo.rating).where(mine, found)), WEIGHTS[field])
    if evidence.year is not None or evidence.month is not None:
        add(session.execute(select(Photo.id, Photo.rating).where(mine, dated(evidence))), WEIGHTS["date"])
    return best


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
            name = plan.library.tags.by_id[tag_id].name(language)
            found[photo_id].append(Reason("tag", evidence.text, name, round(sure, 4)))
    if evidence.people:
        people = (
            select(Face.photo_id, Person.name)
            .join(Person, Person.id == Face.person_id)
            .where(Face.photo_id.in_(ids), Face.person_id.in_(sorted(evidence.people)))
        )
        for photo_id, name in session.execute(people):
            found[photo_id].append(Reason("person", evidence.text, name))
    for field in TERM_FIELDS if evidence.terms else ():
        there = sql.worded(evidence.terms, (field,), prefix=evidence.prefix, collation=plan.library.collation)
        for photo_id in session.scalars(select(Photo.id).where(Photo.id.in_(ids), there)):
            found[photo_id].append(Reason(_FIELD_KINDS[field], evidence.text))
