"""Tags a user teaches by example: learned from what they confirmed and rejected, given to every photo that fits.

There is no list of examples beside the user's verdicts: a confirmed photo is an example, a rejected one a
counter-example, and every further verdict improves the rule. Small libraries learn within the request, large ones in
a durable ``teach`` job. Deleting the tag removes everything that came of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, delete, func, insert, or_, select, update
from sqlalchemy.orm import aliased

from app.context import Context
from app.cursors import as_kinds, cut, read_cursor, write_cursor
from app.db import ReadSession, WriteSession, utcnow
from app.errors import Invalid, NotFound
from app.models import Embedding, Job, Photo, PhotoTag, Tag, TaughtTag
from app.sentences import say
from app.services import jobs
from app.services.accounts import Viewer
from app.services.faces.grouping import LostLease
from app.services.tagging import vocabulary
from ml import teaching as rules
from ml.teaching import Rule

KIND = "teach"
AT_ONCE = 3000
"""Libraries of up to so many photos learn while the user waits (about a second)."""
MAX_EXAMPLES = 500
_PART = 4096  # vectors in memory at once
_SOME = 500  # ids in one statement
_BOTH = "+"  # between the models of visual and semantic vectors


@dataclass(frozen=True)
class Taught:
    """What teaching did; ``photos`` now carry the tag by the rule, or None while ``job`` is to find them."""

    tag: Tag
    examples: int
    counter_examples: int
    photos: int | None
    job: UUID | None


def teach(
    session: WriteSession,
    viewer: Viewer,
    name: str,
    examples: Sequence[UUID],
    counter_examples: Sequence[UUID] = (),
) -> Taught:
    """Make a tag of the viewer, or extend it, by photos that show it and photos that do not.

    Raises:
        Invalid: no example, too many, or a photo on both sides.
        NotFound: a photo that is not the viewer's.
    """
    wanted, unwanted = dict.fromkeys(examples), dict.fromkeys(counter_examples)
    if not wanted:
        raise Invalid("Teaching needs at least one example photo.", field="examples")
    if wanted.keys() & unwanted.keys():
        raise Invalid("A photo cannot be both an example and a counter-example.", field="counter_examples")
    if max(len(wanted), len(unwanted)) > MAX_EXAMPLES:
        raise Invalid(say("Give at most {most} photos at once.", most=MAX_EXAMPLES), field="examples")
    _require_own(session, viewer, [*wanted, *unwanted])
    tag = _own_tag(session, viewer, name)
    if session.get(TaughtTag, tag.id) is None:
        session.add(TaughtTag(tag_id=tag.id, owner_id=viewer.user_id))
    decide_many(session, tag, list(wanted), "confirmed")
    decide_many(session, tag, list(unwanted), "rejected")
    photos, job = _learn_or_enqueue(session, tag.id)
    verdicts = Counter(_verdicts(session, tag.id).values())
    return Taught(tag, verdicts["confirmed"], verdicts["rejected"], photos, job)


def _require_own(session: ReadSession, viewer: Viewer, photo_ids: Sequence[UUID]) -> None:
    mine = set(
        session.scalars(select(Photo.id).where(Photo.id.in_(photo_ids), Photo.owner_id == viewer.user_id))
    )
    if mine != set(photo_ids):
        raise NotFound("There is no such photo.")


def _own_tag(session: WriteSession, viewer: Viewer, name: str) -> Tag:
    """The viewer's tag of that name, made when new. A vocabulary tag of the name stays as it is beside it."""
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("A tag has a name of 1 to 100 characters.", field="name")
    slug = vocabulary.slugify(name)
    tag = session.scalar(select(Tag).where(Tag.owner_id == viewer.user_id, Tag.slug == slug))
    if tag is None:
        tag = Tag(slug=slug, owner_id=viewer.user_id, name_en=name, name_zh=name)
        session.add(tag)
        session.flush()
    return tag


def decide_many(session: WriteSession, tag: Tag, photo_ids: Sequence[UUID], state: str) -> None:
    """The user's verdict on one tag of many photos."""
    for start in range(0, len(photo_ids), _SOME):
        some = photo_ids[start : start + _SOME]
        mine = and_(PhotoTag.tag_id == tag.id, PhotoTag.photo_id.in_(some))
        session.execute(delete(PhotoTag).where(mine, PhotoTag.source == "user"))
        session.execute(
            insert(PhotoTag),
            [
                {"tag_id": tag.id, "photo_id": i, "source": "user", "confidence": 1.0, "state": state}
                for i in some
            ],
        )
        session.execute(update(PhotoTag).where(mine).values(state=state))
        session.execute(update(Photo).where(Photo.id.in_(some)).values(updated_at=utcnow()))
    session.expire_all()


def note_verdict(session: WriteSession, tag: Tag) -> None:
    """The user confirmed or rejected a tag: if it is a taught one, it is to learn from that."""
    taught = session.get(TaughtTag, tag.id)
    if taught is not None:
        taught.revision += 1
        _enqueue(session, taught)


def _enqueue(session: WriteSession, taught: TaughtTag) -> UUID | None:
    session.flush()
    return jobs.enqueue(
        session, KIND, dedupe=str(taught.tag_id), owner_id=taught.owner_id, priority=jobs.USER_WAITS
    )


def _learn_or_enqueue(session: WriteSession, tag_id: int) -> tuple[int | None, UUID | None]:
    taught = session.get_one(TaughtTag, tag_id)
    taught.revision += 1
    size = session.scalar(select(func.count()).select_from(Photo).where(Photo.owner_id == taught.owner_id))
    if (size or 0) > AT_ONCE:
        return None, _enqueue(session, taught)
    learned = _learn(session, taught)
    _store(session, taught, learned)
    return len(learned.found), None


def learn_tag(context: Context, worker: str, job: Job) -> None:
    """Do one claimed ``teach`` job.

    Raises:
        LostLease: the job was cancelled or taken over.
    """
    while True:
        with context.database.read() as session:
            taught = session.get(TaughtTag, int(job.dedupe))
            learned = _learn(session, taught) if taught is not None else None
        with context.database.write() as session:
            now = session.get(TaughtTag, int(job.dedupe))
            if now is not None and learned is not None:
                if now.revision != learned.revision:
                    continue  # another verdict came meanwhile
                _store(session, now, learned)
            if not jobs.finish(session, worker, job.id):
                raise LostLease
            return


# --- learning -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Learned:
    revision: int
    model: str | None
    rule: Rule | None
    found: dict[UUID, float]
    seen: set[UUID]


def _verdicts(session: ReadSession, tag_id: int) -> dict[UUID, str]:
    rows = session.execute(
        select(PhotoTag.photo_id, PhotoTag.state).where(PhotoTag.tag_id == tag_id, PhotoTag.source == "user")
    )
    return dict(rows.tuples().all())


def _learn(session: ReadSession, taught: TaughtTag) -> _Learned:
    """The rule that the verdicts so far teach, and the photos it finds."""
    verdicts = _verdicts(session, taught.tag_id)
    confirmed = [photo_id for photo_id, state in verdicts.items() if state == "confirmed"]
    model = _model_of(session, confirmed)
    examples = _vectors(session, taught.owner_id, model, confirmed) if model else {}
    if model is None or not examples:
        return _Learned(taught.revision, None, None, {}, set())
    rejected = [photo_id for photo_id, state in verdicts.items() if state == "rejected"]
    everybody = _all(taught.owner_id, model)
    ids = [i for i in session.scalars(everybody.with_only_columns(Photo.id)) if i not in verdicts]
    places = np.linspace(0, max(len(ids) - 1, 0), min(len(ids), rules.LIBRARY)).astype(int)
    library = _vectors(session, taught.owner_id, model, [ids[i] for i in places])
    width = len(next(iter(examples.values()))[0])
    against = _vectors(session, taught.owner_id, model, rejected)
    shown, kin = _matrix(examples, model)
    rule = rules.learn(shown, _matrix(against, model)[0], _matrix(library, model)[0], width, kin)
    found: dict[UUID, float] = {}
    seen: set[UUID] = set()
    for part in _parts(session, everybody):
        seen.update(part)
        for photo_id, sure in zip(part, rule.confidence(_matrix(part, model)[0]), strict=True):
            if sure >= rules.CUT and verdicts.get(photo_id) != "rejected":
                found[photo_id] = float(sure)
    return _Learned(taught.revision, model, rule, found, seen)


def _store(session: WriteSession, taught: TaughtTag, learned: _Learned) -> None:
    """Keep the rule and make the photos' tags agree with it."""
    taught.rule = learned.rule.to_bytes() if learned.rule is not None else None
    taught.model, taught.learned_revision, taught.learned_at = learned.model, learned.revision, utcnow()
    rows = select(PhotoTag.photo_id).where(PhotoTag.tag_id == taught.tag_id, PhotoTag.source == "learned")
    before = set(session.scalars(rows))
    there = set(session.scalars(select(Photo.id).where(Photo.owner_id == taught.owner_id)))
    verdicts = _verdicts(session, taught.tag_id)
    found = {i: sure for i, sure in learned.found.items() if i in there}
    # A photo that came while the rule was learned keeps what the rule before gave it.
    stale = [i for i in before if i in found or i in learned.seen or learned.rule is None]
    for start in range(0, len(stale), _SOME):
        some = stale[start : start + _SOME]
        learned_rows = and_(PhotoTag.tag_id == taught.tag_id, PhotoTag.source == "learned")
        session.execute(delete(PhotoTag).where(learned_rows, PhotoTag.photo_id.in_(some)))
    if found:
        session.execute(insert(PhotoTag), [_row(taught, i, sure, verdicts) for i, sure in found.items()])
    changed = sorted({*stale} ^ found.keys())
    for start in range(0, len(changed), _SOME):
        some = changed[start : start + _SOME]
        session.execute(update(Photo).where(Photo.id.in_(some)).values(updated_at=utcnow()))
    session.expire_all()


def _row(
    taught: TaughtTag, photo_id: UUID, confidence: float, verdicts: dict[UUID, str]
) -> dict[str, object]:
    return {
        "tag_id": taught.tag_id,
        "photo_id": photo_id,
        "source": "learned",
        "confidence": confidence,
        "state": verdicts.get(photo_id, "suggested"),
        "model": "albumen/taught",
    }


def tag_photo(session: WriteSession, photo: Photo) -> None:
    """Give a photo whose vectors were just stored the tags its owner has taught."""
    for taught in session.scalars(select(TaughtTag).where(TaughtTag.owner_id == photo.owner_id)).all():
        verdict = session.get(PhotoTag, (taught.tag_id, photo.id, "user"))
        if verdict is not None:  # an example: the rule itself depends on it
            taught.revision += 1
            _enqueue(session, taught)
        if taught.rule is None or taught.model is None:
            continue
        vector = _vectors(session, photo.owner_id, taught.model, [photo.id])
        rule = Rule.from_bytes(taught.rule)
        sure = float(rule.confidence(_matrix(vector, taught.model)[0])[0]) if vector else 0.0
        old = session.get(PhotoTag, (taught.tag_id, photo.id, "learned"))
        state = verdict.state if verdict is not None else "suggested"
        if sure >= rules.CUT and state != "rejected":
            session.merge(PhotoTag(**_row(taught, photo.id, sure, {photo.id: state})))
        elif old is not None and vector:
            session.delete(old)
    session.flush()


@dataclass(frozen=True)
class Review:
    """What a taught tag has found so far: ``found`` photos nobody has judged yet, the surest first.

    ``learning`` while verdicts given since have not been learned from.
    """

    tag: Tag
    examples: int
    counter_examples: int
    waiting: int
    learning: bool
    found: list[tuple[Photo, float]]
    next_cursor: str | None


def review(
    session: ReadSession, viewer: Viewer, slug: str, *, limit: int = 60, cursor: str | None = None
) -> Review:
    """A page of what a taught tag has found, to confirm or reject.

    Raises:
        NotFound: no such tag of this viewer, or one that was not taught. Invalid: a cursor of something else.
    """
    tag = session.scalar(select(Tag).where(Tag.owner_id == viewer.user_id, Tag.slug == slug))
    taught = session.get(TaughtTag, tag.id) if tag is not None else None
    if tag is None or taught is None:
        raise NotFound("There is no such taught tag.")
    mine = and_(
        PhotoTag.tag_id == tag.id, PhotoTag.source == "learned", PhotoTag.state == "suggested",
        Photo.owner_id == viewer.user_id, Photo.deleted_at.is_(None),
    )  # fmt: skip
    query = select(Photo, PhotoTag.confidence).join(PhotoTag, PhotoTag.photo_id == Photo.id).where(mine)
    if cursor is not None:
        sure, last = as_kinds(read_cursor(cursor, slug), float, UUID)
        beyond = or_(PhotoTag.confidence < sure, Photo.id > last)
        query = query.where(PhotoTag.confidence <= sure, beyond)
    rows = (
        session.execute(query.order_by(PhotoTag.confidence.desc(), Photo.id).limit(limit + 1)).tuples().all()
    )
    shown, end = cut(rows, limit)
    verdicts = Counter(_verdicts(session, tag.id).values())
    return Review(
        tag, verdicts["confirmed"], verdicts["rejected"],
        session.scalar(select(func.count()).select_from(PhotoTag).join(Photo).where(mine)) or 0,
        taught.revision != taught.learned_revision, shown,
        write_cursor([end[1], end[0].id.hex], slug) if end else None,
    )  # fmt: skip


def nearest_examples(
    session: ReadSession, photo: Photo, tag: Tag, limit: int = 5
) -> list[tuple[UUID, float]]:
    """The confirmed photos of a taught tag that are most like this one, with the cosine."""
    taught = session.get(TaughtTag, tag.id)
    if taught is None or taught.model is None:
        return []
    confirmed = [
        i
        for i, state in _verdicts(session, tag.id).items()
        if state == "confirmed" and i != photo.id
    ]  # fmt: skip
    mine = _vectors(session, photo.owner_id, taught.model, [photo.id])
    if not mine:
        return []
    own = np.concatenate(mine[photo.id])
    rows = _vectors(session, photo.owner_id, taught.model, confirmed)
    near = [(i, float(np.concatenate(v) @ own / (own @ own))) for i, v in rows.items()]
    return sorted(near, key=lambda pair: -pair[1])[:limit]


# --- vectors --------------------------------------------------------------------------------------------------

_Parts = tuple[NDArray[np.float32], NDArray[np.float32]]


def _model_of(session: ReadSession, photo_ids: Sequence[UUID]) -> str | None:
    """The models whose vectors most of these photos have: the visual one, and the semantic one if all have it."""
    count: Counter[str] = Counter()
    for start in range(0, len(photo_ids), _SOME):
        rows = session.execute(
            select(Embedding.photo_id, Embedding.kind, Embedding.model).where(
                Embedding.photo_id.in_(photo_ids[start : start + _SOME])
            )
        )
        models: dict[UUID, dict[str, str]] = {}
        for photo_id, kind, model in rows:
            models.setdefault(photo_id, {})[kind] = model
        for own in models.values():
            if "visual" in own:
                count[_BOTH.join([own["visual"], *([own["semantic"]] if "semantic" in own else [])])] += 1
    return count.most_common(1)[0][0] if count else None


def _all(owner_id: UUID, model: str) -> Select[UUID, bytes, bytes | None]:
    """Every photo of the owner that has these vectors: id, visual, semantic."""
    visual_model, _, semantic_model = model.partition(_BOTH)
    visual, semantic = aliased(Embedding), aliased(Embedding)
    both = and_(semantic.photo_id == Photo.id, semantic.kind == "semantic", semantic.model == semantic_model)
    query = (
        select(Photo.id, visual.vector, semantic.vector)
        .join(visual, and_(visual.photo_id == Photo.id, visual.kind == "visual"))
        .join(semantic, both, isouter=not semantic_model)  # no model has an empty name: then there is none
        .where(Photo.owner_id == owner_id, visual.model == visual_model)
    )
    return query.order_by(Photo.id)


def _parts(session: ReadSession, query: Select[UUID, bytes, bytes | None]) -> Iterator[dict[UUID, _Parts]]:
    for rows in session.execute(query.execution_options(yield_per=_PART)).partitions():
        yield {photo_id: (_floats(visual), _floats(meaning)) for photo_id, visual, meaning in rows}


def _vectors(
    session: ReadSession, owner_id: UUID, model: str, photo_ids: Sequence[UUID]
) -> dict[UUID, _Parts]:
    found: dict[UUID, _Parts] = {}
    for start in range(0, len(photo_ids), _SOME):
        some = _all(owner_id, model).where(Photo.id.in_(photo_ids[start : start + _SOME]))
        for part in _parts(session, some):
            found |= part
    return found


def _floats(data: bytes | None) -> NDArray[np.float32]:
    return np.frombuffer(data or b"", "<f2").astype(np.float32)


def _matrix(vectors: dict[UUID, _Parts], model: str) -> tuple[NDArray[np.float32], int]:
    """What ``rules.joint`` makes of the photos' vectors."""
    if not vectors:
        return np.zeros((0, 0), np.float32), 0
    visual = np.stack([pair[0] for pair in vectors.values()])
    semantic = np.stack([pair[1] for pair in vectors.values()])
    return rules.joint(visual, semantic, model.partition(_BOTH)[0])
