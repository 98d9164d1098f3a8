"""Batch re-tagging: a durable campaign of ``analyse`` jobs that can be paused, cancelled, resumed and undone.

A campaign is a row; its progress is a count over its jobs, so a killed command or worker loses nothing. Before a job
replaces anything, the same transaction keeps what the stages held (``CampaignBefore``): undo puts it back photo by
photo. What users confirmed, rejected or taught is never part of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from app.context import Context
from app.db import ReadSession, WriteSession, new_id, utcnow
from app.errors import Conflict, Invalid, NotFound
from app.imaging.renditions import ANALYSIS_LONG_SIDE
from app.models import Campaign, CampaignBefore, Job, Photo, PhotoTag, Stage, Tag, User
from app.search import find_ids
from app.sentences import say
from app.services import accounts, jobs
from app.services.understanding import analysis, models, snapshots
from app.services.understanding.known import stored_analysis

if TYPE_CHECKING:
    from ml import Analyzer

_CHUNK = 5000
_TRY_BATCH = 8
_PACED = 500  # jobs by which the pace is told


@dataclass(frozen=True)
class Progress:
    """How far a campaign is; ``rate`` in photos per second of late (``_rate``), ``eta`` in seconds."""

    campaign: Campaign
    total: int
    done: int
    failed: int
    waiting: int
    running: int
    rate: float | None = None
    eta: float | None = None

    @property
    def ended(self) -> bool:
        return self.waiting + self.running == 0


@dataclass
class Difference:
    """What a re-tag would change, by tag slug: how many photos would gain and lose it."""

    photos: int = 0
    unchanged: int = 0
    failed: int = 0
    gained: Counter[str] = field(default_factory=Counter)
    lost: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        tags = {
            slug: {"gained": self.gained[slug], "lost": self.lost[slug]}
            for slug in sorted(self.gained.keys() | self.lost.keys())
        }
        return {"photos": self.photos, "unchanged": self.unchanged, "failed": self.failed, "tags": tags}


def parse_stages(names: Sequence[str] | None) -> list[str]:
    """Stage names in canonical order; all of them when none is named.

    Raises:
        Invalid: an unknown stage.
    """
    unknown = sorted(set(names or ()) - set(analysis.STAGES))
    if unknown:
        raise Invalid(
            say(
                "There is no stage {stage}. Choose among: {known}.",
                stage=unknown[0],
                known=", ".join(analysis.STAGES),
            ),
            field="stages",
        )
    return [name for name in analysis.STAGES if not names or name in names]


def select_photos(
    session: ReadSession,
    query: str,
    *,
    owner: UUID | None = None,
    current: dict[str, tuple[str, str]] | None = None,
) -> list[UUID]:
    """Photos a campaign would touch: of every user (or of ``owner``), as each owner's own search finds them.

    ``current`` says what would be recorded now (stage -> model id, version), and keeps the photos for which one of
    these stages is missing, failed, or was made by another model or version.
    """
    users = session.scalars(select(User).order_by(User.id)).all()
    ids: list[UUID] = []
    for user in users:
        if owner is None or user.id == owner:
            ids += find_ids(session, accounts.viewer_of(user), query, archived=True)
    if current is None:
        return ids
    fresh: Counter[UUID] = Counter()
    for stage, (model, version) in current.items():
        made = select(Stage.photo_id).where(
            Stage.stage == stage, Stage.model == model, Stage.version == version, Stage.error.is_(None)
        )
        fresh.update(session.scalars(made))
    return [photo_id for photo_id in ids if fresh[photo_id] < len(current)]


@dataclass(frozen=True)
class Wish:
    """What a re-tag is to do: the photos a query finds, the stages, a model instead of the one in use."""

    query: str
    stages: list[str]
    model: str | None = None
    only_outdated: bool = False


def wanted_photos(context: Context, wish: Wish) -> list[UUID]:
    """The photos a wish is about, read before anything is written: what is outdated is asked of the process that may
    load networks, which takes seconds.

    Raises:
        BadQuery, Invalid: the query, or the model.
    """
    if wish.model is not None:
        models.choosable(wish.model)
    current = None
    if wish.only_outdated:
        made = context.lookout.ask("provenance", stages=wish.stages, model=wish.model)
        current = {stage: (model, version) for stage, (model, version) in made.items()}
    with context.database.read() as session:
        return select_photos(session, wish.query, current=current)


def start(
    session: WriteSession,
    photo_ids: Sequence[UUID],
    *,
    stages: Sequence[str],
    query: str = "",
    only_outdated: bool = False,
    model: str | None = None,
    created_by: UUID | None = None,
) -> Campaign:
    """Create a campaign and its jobs in the caller's transaction."""
    campaign = Campaign(
        created_by=created_by,
        query=query,
        stages=list(stages),
        model=model,
        only_outdated=only_outdated,
        total=len(photo_ids),
    )
    session.add(campaign)
    session.flush()
    for begin in range(0, len(photo_ids), _CHUNK):
        part = photo_ids[begin : begin + _CHUNK]
        owners = dict(
            session.execute(select(Photo.id, Photo.owner_id).where(Photo.id.in_(part))).tuples().all()
        )
        session.execute(insert(Job), [_job(campaign, photo_id, owners[photo_id]) for photo_id in part])
    return campaign


def _job(campaign: Campaign, photo_id: UUID, owner_id: UUID) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": "analyse",
        "dedupe": f"{photo_id}:{campaign.id}",
        "owner_id": owner_id,
        "photo_id": photo_id,
        "campaign_id": campaign.id,
        "payload": {"stages": campaign.stages, "model": campaign.model},
        "priority": jobs.CAMPAIGN,
    }


def list_campaigns(session: ReadSession, limit: int = 50, *, before: UUID | None = None) -> list[Campaign]:
    """The latest first; ``before`` is the id the list goes on after."""
    latest = select(Campaign).order_by(Campaign.id.desc()).limit(limit)
    return list(session.scalars(latest if before is None else latest.where(Campaign.id < before)))


def get_campaign(session: ReadSession, campaign_id: UUID) -> Campaign:
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("There is no such re-tagging campaign.")
    return campaign


def progress(session: ReadSession, campaign: Campaign) -> Progress:
    states = dict(
        session.execute(
            select(Job.state, func.count()).where(Job.campaign_id == campaign.id).group_by(Job.state)
        )
        .tuples()
        .all()
    )
    done = states.get("done", 0)
    waiting = states.get("ready", 0) + states.get("paused", 0)
    rate = _rate(session, campaign)
    return Progress(
        campaign,
        campaign.total,
        done,
        states.get("failed", 0),
        waiting,
        states.get("running", 0),
        rate,
        (waiting + states.get("running", 0)) / rate if rate else None,
    )


def _rate(session: ReadSession, campaign: Campaign) -> float | None:
    """Photos per second over the last that were done: as fast as it goes now, and found without reading them all."""
    ended = select(Job.finished_at).where(Job.campaign_id == campaign.id, Job.state == "done")
    times = session.scalars(ended.order_by(Job.finished_at.desc()).limit(_PACED)).all()
    seconds = (times[0] - times[-1]).total_seconds() if times and times[0] and times[-1] else 0.0
    return (len(times) - 1) / seconds if seconds > 0 else None


# --- steering -------------------------------------------------------------------------------------------------


def pause(session: WriteSession, campaign_id: UUID) -> Campaign:
    """Hold the jobs that wait; those that run are finished."""
    return _shift(session, campaign_id, "running", "paused", Job.state == "ready", state="paused")


def resume(session: WriteSession, campaign_id: UUID) -> Campaign:
    return _shift(session, campaign_id, "paused", "running", Job.state == "paused", state="ready")


def cancel(session: WriteSession, campaign_id: UUID) -> Campaign:
    """Give up what waits; what is done stays done (undo takes it back)."""
    campaign = get_campaign(session, campaign_id)
    if campaign.state not in ("running", "paused"):
        raise Conflict(say("The campaign is {state}.", state=say(campaign.state)))
    held = Job.state.in_(("ready", "paused"))
    _shift(session, campaign_id, campaign.state, "cancelled", held, state="cancelled", finished_at=utcnow())
    campaign.finished_at = utcnow()
    return campaign


def _shift(
    session: WriteSession, campaign_id: UUID, before: str, after: str, which: Any, **values: Any
) -> Campaign:
    campaign = get_campaign(session, campaign_id)
    if campaign.state != before:
        raise Conflict(
            say("The campaign is {state}, not {before}.", state=say(campaign.state), before=say(before))
        )
    session.execute(
        update(Job).where(Job.campaign_id == campaign_id, which).values(**values),
        execution_options={"synchronize_session": False},
    )
    campaign.state = after
    return campaign


def settle(session: WriteSession) -> None:
    """Mark running campaigns without open jobs as done."""
    open_jobs = select(Job.campaign_id).where(
        Job.campaign_id == Campaign.id, Job.state.in_(("ready", "running", "paused"))
    )
    session.execute(
        update(Campaign)
        .where(Campaign.state == "running", ~open_jobs.exists())
        .values(state="done", finished_at=utcnow()),
        execution_options={"synchronize_session": False},
    )


# --- undoing --------------------------------------------------------------------------------------------------


def begin_undo(session: WriteSession, campaign_id: UUID) -> Campaign:
    """Mark a campaign as being undone. Raises NotFound, or Conflict while it is running or paused."""
    settle(session)
    campaign = get_campaign(session, campaign_id)
    if campaign.state not in ("done", "cancelled", "undoing", "undone"):
        raise Conflict(say("The campaign is {state}. Cancel it first.", state=say(campaign.state)))
    campaign.state = "undoing"
    return campaign


def undo(context: Context, campaign_id: UUID, *, report: Any = None) -> int:
    """Put back what a finished or cancelled campaign replaced; how many photos. Resumable: call it again.

    A photo analysed again since (another model or version made a stage later) keeps its newer results.

    Raises:
        Conflict: the campaign is still running or paused.
    """
    with context.database.write() as session:
        begin_undo(session, campaign_id)
    restored = 0
    while True:
        with context.database.write() as session:
            batch = session.scalars(
                select(CampaignBefore).where(CampaignBefore.campaign_id == campaign_id).limit(50)
            ).all()
            for kept in batch:
                photo = session.get(Photo, kept.photo_id)
                if photo is not None and snapshots.restore(session, photo, kept.before):
                    restored += 1
                session.delete(kept)
            if not batch:
                get_campaign(session, campaign_id).state = "undone"
                return restored
        if report is not None:
            report(len(batch))


# --- dry run --------------------------------------------------------------------------------------------------


def try_out(
    context: Context,
    analyzer: Analyzer,
    ids: Sequence[UUID],
    stages: Sequence[str],
    *,
    report: Callable[[int], object],
) -> Difference:
    """Look at these photos as a campaign would and store nothing; ``report`` is told how many are done."""
    difference = Difference()
    for begin in range(0, len(ids), _TRY_BATCH):
        part = ids[begin : begin + _TRY_BATCH]
        with context.database.read() as session:
            photos = list(session.scalars(select(Photo).where(Photo.id.in_(part))))
            pixels = [
                context.sandbox.decode(context.storage.original(p.checksum), long_side=ANALYSIS_LONG_SIDE)
                for p in photos
            ]
            known = [stored_analysis(session, photo, stages) for photo in photos]
            lenses = [photo.lens for photo in photos]
            found = analyzer.analyze(pixels, stages=stages, known=known, lenses=lenses)
            for photo, seen in zip(photos, found, strict=True):
                compare(session, photo, seen, difference)
        report(begin + len(part))
    return difference


def compare(session: ReadSession, photo: Photo, seen: Any, difference: Difference) -> None:
    """Add one photo's would-be change to ``difference``; ``seen`` is an ``ml.Analysis``."""
    if any(run.error for run in seen.stages):
        difference.failed += 1
        return
    difference.photos += 1
    if "tags" not in {run.stage for run in seen.stages}:
        difference.unchanged += 1  # a campaign without that stage leaves the tags as they are
        return
    rows = session.execute(
        select(Tag.slug, PhotoTag.state)
        .join(Tag, Tag.id == PhotoTag.tag_id)
        .where(PhotoTag.photo_id == photo.id, PhotoTag.source.not_in(("user", "learned", "guess")))
    ).tuples()
    now = {slug for slug, state in rows if state != "rejected"}
    decided = set(
        session.scalars(
            select(Tag.slug)
            .join(PhotoTag, PhotoTag.tag_id == Tag.id)
            .where(PhotoTag.photo_id == photo.id, PhotoTag.state != "suggested")
        )
    )
    after = {tag.slug for tag in seen.tags if tag.source != "guess"}
    gained, lost = (after - now) - decided, (now - after) - decided
    difference.unchanged += not gained and not lost
    difference.gained.update(gained)
    difference.lost.update(lost)
