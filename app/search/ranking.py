"""How found photos are scored, and why each was found: the one place where evidence and meaning are weighed.

A photo's score for a group of free words is

    score = 1 - (1 - W) * (1 - V)        V = (M + SEEN * T) / (1 + SEEN), or SEEN * T without M

W: what is written or said about the photo (title, person, place, file name, recognised text, date, a tag the user
confirmed), each word's best by ``WEIGHTS``, averaged over the words. T: the confidence of the tags that the networks
gave, averaged likewise. M: the similarity in meaning, if it passed the cut-off. Of several groups (``beach or
mountain``) the best counts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Select, func, select

from app.db import ReadSession
from app.models import Face, Person, Photo, PhotoTag
from app.search import conditions as sql
from app.search.compile import Plan
from app.search.evidence import TERM_FIELDS, Evidence, WordEvidence, dated

# What it is worth to find a word elsewhere than among the tags.
WEIGHTS = {"confirmed": 1.0, "person": 1.0, "title": 1.0, "place": 0.9, "date": 0.8, "text": 0.7, "name": 0.6}
SEEN = 0.5  # weight of the tags' confidence beside the meaning's similarity
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


def rank(session: ReadSession, plan: Plan, only: Sequence[UUID] | None = None) -> dict[UUID, float]:
    """The score of every photo the plan finds (or of ``only`` these), 0 to 1, rounded to 6 digits."""
    ids = set(only) if only is not None else set(session.scalars(select(Photo.id).where(plan.where)))
    scores = dict.fromkeys(ids, 0.0)
    for group in plan.groups:
        said, seen = _Strengths(), _Strengths()
        for word in group.words:
            _weigh(session, plan, word, ids, 1 / len(group.words), said, seen)
        for photo_id in ids & (said.keys() | seen.keys() | group.similar.keys()):
            tags, similar = seen.get(photo_id, 0.0), group.similar.get(photo_id)
            visual = SEEN * tags if similar is None else (similar + SEEN * tags) / (1 + SEEN)
            score = 1 - (1 - min(said.get(photo_id, 0.0), 1.0)) * (1 - min(visual, 1.0))
            scores[photo_id] = max(scores[photo_id], score)
    return {photo_id: round(score, 6) for photo_id, score in scores.items()}


_Strengths = dict[UUID, float]


def _weigh(
    session: ReadSession,
    plan: Plan,
    word: WordEvidence,
    ids: set[UUID],
    share: float,
    said: _Strengths,
    seen: _Strengths,
) -> None:
    """Add a word's share; a way of several names is as strong as their mean, and the strongest way counts."""
    for total, measure in ((said, _said), (seen, _seen)):
        best: _Strengths = {}
        for way in word.ways:
            together: _Strengths = {}
            for evidence in way:
                for photo_id, strength in measure(session, plan, evidence).items():
                    together[photo_id] = together.get(photo_id, 0.0) + strength / len(way)
            for photo_id in ids & together.keys():
                best[photo_id] = max(best.get(photo_id, 0.0), together[photo_id])
        for photo_id, strength in best.items():
            total[photo_id] = total.get(photo_id, 0.0) + share * strength


def _seen(session: ReadSession, _plan: Plan, evidence: Evidence) -> _Strengths:
    """Photos that the networks tagged so, with the highest confidence."""
    if not evidence.tags:
        return {}
    rows = session.execute(
        select(PhotoTag.photo_id, func.max(PhotoTag.confidence))
        .where(PhotoTag.tag_id.in_(sorted(evidence.tags)), PhotoTag.state != "rejected")
        .group_by(PhotoTag.photo_id)
    )
    return {photo_id: confidence for photo_id, confidence in rows}  # noqa: C416 - a row is no pair to mypy


def _said(session: ReadSession, plan: Plan, evidence: Evidence) -> _Strengths:
    """Photos about which it is written or said, with the weight of the best place."""
    best: _Strengths = {}
    for kind, statement in _places(plan, evidence):
        for photo_id in session.scalars(statement):
            best[photo_id] = max(best.get(photo_id, 0.0), WEIGHTS[kind])
    return best


def _places(plan: Plan, evidence: Evidence) -> Iterator[tuple[str, Select[UUID]]]:
    if evidence.tags:
        tags = PhotoTag.tag_id.in_(sorted(evidence.tags))
        yield "confirmed", select(PhotoTag.photo_id).where(tags, PhotoTag.state == "confirmed")
    if evidence.people:
        yield "person", select(Face.photo_id).where(Face.person_id.in_(sorted(evidence.people)))
    mine = Photo.owner_id == plan.library.viewer.user_id
    for field in TERM_FIELDS if evidence.terms else ():
        found = sql.worded(evidence.terms, (field,), prefix=evidence.prefix, collation=plan.library.collation)
        yield field, select(Photo.id).where(mine, found)
    if evidence.year is not None or evidence.month is not None:
        yield "date", select(Photo.id).where(mine, dated(evidence))


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
    for kind, statement in _places(plan, evidence):
        if kind in _FIELD_KINDS:
            for photo_id in session.scalars(statement.where(Photo.id.in_(ids))):
                found[photo_id].append(Reason(_FIELD_KINDS[kind], evidence.text))
