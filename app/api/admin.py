"""For administrators: re-tagging campaigns, tried on a sample first, started, steered and undone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from fastapi import APIRouter
from pydantic import Field

from app.api.schemas import JobPublic, Limit, Listing, Schema, problems
from app.cursors import cut
from app.db import WriteSession
from app.deps import Administrator, ContextDep, ReadDb, WriteDb
from app.models import Campaign
from app.services.understanding import retag
from app.services.upkeep import errands

router = APIRouter(tags=["administration"], prefix="/admin")
_ERRORS = problems(401, 403, 404, 409, 422)


class RetagRequest(Schema):
    """Which photos to look at again (as each owner's search finds them) and what to redo."""

    query: str = Field("", max_length=4000, examples=["year:2024"])
    stages: list[str] | None = Field(
        None, description="tags, objects, faces, embedding, image-text, cues, text; default all"
    )
    model: str | None = Field(None, max_length=80, description="registry id to use instead of the default")
    only_outdated: bool = Field(
        False, description="only where a stage is missing, failed, or was made by another model or version"
    )

    def wish(self) -> retag.Wish:
        return retag.Wish(self.query, retag.parse_stages(self.stages), self.model, self.only_outdated)


class RetagTry(RetagRequest):
    sample: int = Field(100, ge=1, le=500, description="photos to look at, chosen by chance")


class CampaignPublic(Schema):
    id: UUID
    state: str
    query: str
    stages: list[str]
    model: str | None
    created_at: datetime
    finished_at: datetime | None
    total: int
    done: int
    failed: int
    waiting: int
    photos_per_second: float | None
    eta_seconds: float | None

    @classmethod
    def of(cls, progress: retag.Progress) -> CampaignPublic:
        c = progress.campaign
        return cls(id=c.id, state=c.state, query=c.query, stages=c.stages, model=c.model, created_at=c.created_at,
                   finished_at=c.finished_at, total=progress.total, done=progress.done, failed=progress.failed,
                   waiting=progress.waiting + progress.running, photos_per_second=progress.rate,
                   eta_seconds=progress.eta)  # fmt: skip


@router.post(
    "/retag", status_code=202, response_model=CampaignPublic, responses=_ERRORS, summary="Re-tag many photos"
)
def start_retag(
    viewer: Administrator, context: ContextDep, session: WriteDb, body: RetagRequest
) -> CampaignPublic:
    """Starts a campaign the workers carry out; what users confirmed or rejected always wins."""
    wish = body.wish()
    ids = retag.wanted_photos(context, wish)
    campaign = retag.start(
        session, ids, stages=wish.stages, query=wish.query, model=wish.model,
        only_outdated=wish.only_outdated, created_by=viewer.user_id,
    )  # fmt: skip
    return CampaignPublic.of(retag.progress(session, campaign))


@router.post(
    "/retag/try", status_code=202, response_model=JobPublic, responses=_ERRORS, summary="Try a re-tag out"
)
def try_retag(viewer: Administrator, context: ContextDep, session: WriteDb, body: RetagTry) -> JobPublic:
    """Looks at a sample and stores nothing; the job's `result` says by tag how many photos would gain and lose it."""
    wish = body.wish()
    ids = retag.wanted_photos(context, wish)
    job = errands.ask_try(
        session, viewer, ids, stages=wish.stages, query=wish.query, model=wish.model, sample=body.sample
    )
    return JobPublic.of(job)


@router.get(
    "/retag", response_model=Listing[CampaignPublic], responses=_ERRORS, summary="Re-tagging campaigns"
)
def list_retags(
    _viewer: Administrator, session: ReadDb, limit: Limit = 50, cursor: UUID | None = None
) -> Listing[CampaignPublic]:
    """The latest first."""
    found = retag.list_campaigns(session, limit + 1, before=cursor)
    page, end = cut(found, limit)
    items = [CampaignPublic.of(retag.progress(session, campaign)) for campaign in page]
    return Listing(items=items, next_cursor=str(end.id) if end else None)


@router.get("/retag/{campaign_id}", response_model=CampaignPublic, responses=_ERRORS, summary="One campaign")
def get_retag(_viewer: Administrator, session: ReadDb, campaign_id: UUID) -> CampaignPublic:
    return CampaignPublic.of(retag.progress(session, retag.get_campaign(session, campaign_id)))


def _steering(
    name: str, summary: str, steer: Callable[[WriteSession, UUID], Campaign]
) -> Callable[..., CampaignPublic]:
    def endpoint(_viewer: Administrator, session: WriteDb, campaign_id: UUID) -> CampaignPublic:
        return CampaignPublic.of(retag.progress(session, steer(session, campaign_id)))

    endpoint.__name__ = f"{name}_retag"
    decorate = router.post(
        f"/retag/{{campaign_id}}/{name}", response_model=CampaignPublic, responses=_ERRORS, summary=summary
    )
    return decorate(endpoint)


pause_retag = _steering("pause", "Hold a campaign", retag.pause)
resume_retag = _steering("resume", "Go on with a paused campaign", retag.resume)
cancel_retag = _steering("cancel", "Give up the rest of a campaign", retag.cancel)


@router.post(
    "/retag/{campaign_id}/undo",
    status_code=202,
    response_model=CampaignPublic,
    responses=_ERRORS,
    summary="Undo a campaign",
)
def undo_retag(viewer: Administrator, session: WriteDb, campaign_id: UUID) -> CampaignPublic:
    """A worker puts back what the campaign replaced, photo by photo; ask again after an interruption."""
    errands.ask_undo(session, viewer, campaign_id)
    return CampaignPublic.of(retag.progress(session, retag.get_campaign(session, campaign_id)))
