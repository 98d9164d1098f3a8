"""The page of background work: what runs and how fast, what failed and the way out, re-tagging campaigns."""

from __future__ import annotations

from itertools import groupby
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app import deps
from app.context import Context
from app.db import ReadSession
from app.errors import AppError, BadQuery, Conflict, Invalid
from app.models import Job
from app.services import jobs
from app.services.accounts import Viewer
from app.services.tagging import vocabulary
from app.services.understanding import analysis, models, retag
from app.services.upkeep import errands
from app.web.account import AdminViewer
from app.web.contexts import ActivityPage
from app.web.i18n import Translator
from app.web.parts import CampaignView, JobGroup, JobView, RetagForm, Tried, TriedTag
from app.web.present import job_view, search_address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, tell, text_of, texts_of, translator_of

router = APIRouter()
_RECENT, _NEXT, _OPEN, _CAMPAIGNS, _TAGS = 400, 10, 50, 8, 60
_GROUPS, _EACH = 12, 20  # lines of what has ended, and jobs shown of one of them
_STEERING = {"running": ("pause", "cancel"), "paused": ("resume", "cancel"), "done": ("undo",),
             "cancelled": ("undo",), "undoing": ("undo",)}  # fmt: skip


@router.get("/activity")
def activity_page(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    context: deps.ContextDep,
    tried: UUID | None = None,
) -> Response:
    form = _form(request, context, session) if viewer.is_admin else None
    return respond(request, _page(request, viewer, session, form, tried))


def _page(
    request: Request, viewer: Viewer, session: ReadSession, form: RetagForm | None, tried: UUID | None = None
) -> ActivityPage:
    t = translator_of(request)

    def of(*states: str, limit: int) -> tuple[JobView, ...]:
        found = jobs.list_jobs(session, viewer, states=states, limit=limit)
        return tuple(job_view(job, name, t) for job, name in found)

    counts = jobs.counts(session, viewer)
    waiting = counts.ready + counts.running
    pace = jobs.pace(session, viewer, waiting)
    campaigns = retag.list_campaigns(session, _CAMPAIGNS) if viewer.is_admin else []
    return ActivityPage(
        shell_of(request, "activity"),
        running=(*of("running", limit=_OPEN), *of("ready", limit=_NEXT)),
        failed=of("failed", limit=_OPEN),
        recent=_gathered(of("done", "cancelled", limit=_RECENT)),
        waiting=waiting,
        ready=counts.ready,
        paused=counts.paused,
        failures=counts.failed,
        pace=_pace_text(pace.rate, pace.eta if waiting else None, t),
        campaigns=tuple(_campaign(retag.progress(session, campaign), t) for campaign in campaigns),
        form=form,
        tried=_tried(session, viewer, tried, t) if tried and viewer.is_admin else None,
    )


def _gathered(jobs: tuple[JobView, ...]) -> tuple[JobGroup, ...]:
    """What has ended, newest first; jobs of one kind in a row are one line."""
    found = []
    for (title, state), group in groupby(jobs, key=lambda job: (job.title, job.state)):
        several = tuple(group)
        found.append(JobGroup(title, state, len(several), several[0].at, several[:_EACH]))
    return tuple(found[:_GROUPS])


def _pace_text(rate: float | None, eta: float | None, t: Translator) -> str:
    if rate is None:
        return ""
    speed = t("activity.speed", rate=t.number(round(rate * 60, 1) if rate * 60 < 10 else round(rate * 60)))
    left = t("activity.left", time=t.duration(eta)) if eta is not None else ""
    return f"{speed} · {left}" if left else speed


# --- jobs -----------------------------------------------------------------------------------------------------


@router.post("/activity/pause")
def pause(form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    jobs.pause(session, viewer)
    return go("/activity", "flash.paused")


@router.post("/activity/resume")
def resume(form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    jobs.resume(session, viewer)
    return go("/activity")


@router.post("/activity/retry-failed")
def retry_failed(form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    jobs.retry_failed(session, viewer)
    return go("/activity")


@router.post("/activity/{job_id}/cancel")
def cancel_job(form: Form, viewer: PageViewer, session: deps.WriteDb, job_id: UUID) -> Response:
    try:
        jobs.cancel(session, viewer, job_id)
    except Conflict as error:  # it ended while the person was looking at it
        return tell("/activity", error.detail)
    return go("/activity")


@router.post("/activity/{job_id}/retry")
def retry_job(form: Form, viewer: PageViewer, session: deps.WriteDb, job_id: UUID) -> Response:
    try:
        jobs.retry(session, viewer, job_id)
    except Conflict as error:
        return tell("/activity", error.detail)
    return go("/activity")


# --- re-tagging -----------------------------------------------------------------------------------------------


def _form(
    request: Request, context: Context, session: ReadSession, given: FormData | None = None, problem: str = ""
) -> RetagForm:
    t, given = translator_of(request), given or FormData()
    stages, model = texts_of(given, "stage"), text_of(given, "model")
    ready = [r.entry for r in models.reports(session, context.settings) if r.choice and r.state == "ready"]
    return RetagForm(
        query=text_of(given, "query"),
        stages=tuple((name, t.name("stage", name), name in stages) for name in analysis.STAGES),
        models=tuple((entry.id, entry.title, model == entry.id) for entry in ready),
        only_outdated=text_of(given, "only_outdated") == "1",
        problem=problem,
    )


@router.post("/activity/retag")
def begin_retag(request: Request, form: Form, viewer: AdminViewer, context: deps.ContextDep) -> Response:
    """Start a campaign, or (``action=try``) have a sample looked at first. Nothing is held while photos are chosen."""
    try:
        wish = retag.Wish(
            text_of(form, "query"),
            retag.parse_stages(texts_of(form, "stage")),
            text_of(form, "model") or None,
            text_of(form, "only_outdated") == "1",
        )
        ids = retag.wanted_photos(context, wish)
        if not ids:
            raise Invalid("No photo is found by this. Nothing was started.")
    except (BadQuery, Invalid) as error:
        problem = translator_of(request).sentence(error.detail)
        with context.database.read() as session:
            page = _page(request, viewer, session, _form(request, context, session, form, problem))
        return respond(request, page, error.status)
    with context.database.write() as session:
        if text_of(form, "action") == "try":
            job = errands.ask_try(
                session, viewer, ids, stages=wish.stages, query=wish.query, model=wish.model
            )
            return RedirectResponse(f"/activity?tried={job.id}#tried", 303)
        retag.start(
            session, ids, stages=wish.stages, query=wish.query, model=wish.model,
            only_outdated=wish.only_outdated, created_by=viewer.user_id,
        )  # fmt: skip
    return go("/activity", "flash.retag_started")


@router.post("/activity/retag/{campaign_id}/{action}")
def steer_retag(
    form: Form, viewer: AdminViewer, session: deps.WriteDb, campaign_id: UUID, action: str
) -> Response:
    steer = {"pause": retag.pause, "resume": retag.resume, "cancel": retag.cancel}.get(action)
    try:
        if action == "undo":
            errands.ask_undo(session, viewer, campaign_id)
        elif steer is not None:
            steer(session, campaign_id)
    except Conflict as error:
        return tell("/activity", error.detail)
    return go("/activity")


def _campaign(state: retag.Progress, t: Translator) -> CampaignView:
    campaign = state.campaign
    detail = [", ".join(t.name("stage", stage) for stage in campaign.stages), campaign.model or ""]
    detail += [t("retag.only_outdated")] if campaign.only_outdated else []
    running = campaign.state == "running"
    return CampaignView(
        id=str(campaign.id),
        query=campaign.query,
        state=campaign.state,
        state_name=t.name("retag.state", campaign.state),
        detail=" · ".join(part for part in detail if part),
        at=t.moment(campaign.created_at),
        done=t("retag.done", done=t.number(state.done), total=t.number(state.total)),
        failed=t("retag.failed", count=state.failed) if state.failed else "",
        share=(state.done + state.failed) / state.total if state.total else 1.0,
        pace=_pace_text(state.rate, state.eta, t) if running else "",
        actions=tuple((name, t(f"retag.{name}")) for name in _STEERING.get(campaign.state, ())),
    )


def _tried(session: ReadSession, viewer: Viewer, job_id: UUID, t: Translator) -> Tried | None:
    try:
        job = jobs.get_job(session, viewer, job_id)
    except AppError:
        return None
    if job.kind != errands.TRY:
        return None
    result = job.result or {}
    return Tried(
        state=job.state,
        progress=job.progress,
        error=t.sentence(job.error or ""),
        summary=t("retag.tried", photos=t.number(result["photos"]), of=t.number(result["of"]),
                  unchanged=t.number(result["unchanged"])) if result else "",
        rows=_tried_rows(session, job, t),
    )  # fmt: skip


def _tried_rows(session: ReadSession, job: Job, t: Translator) -> tuple[TriedTag, ...]:
    """The tags that would change most, by how many photos would gain or lose them."""
    changes: dict[str, dict[str, int]] = (job.result or {}).get("tags", {})
    order = sorted(changes, key=lambda slug: (-changes[slug]["gained"] - changes[slug]["lost"], slug))[:_TAGS]
    names = vocabulary.names(session, order, t.language)
    return tuple(
        TriedTag(
            names.get(slug, slug),
            changes[slug]["gained"],
            changes[slug]["lost"],
            search_address(f"tag:{slug}"),
        )
        for slug in order
    )
