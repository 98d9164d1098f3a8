"""The administrator's pages: models, storage, health. What takes time is an errand; the pages show how far it is."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps, migrate
from app.errors import AppError
from app.models import Job
from app.services.understanding import models
from app.services.upkeep import errands, health, holdings
from app.web.account import AdminViewer
from app.web.contexts import HealthPage, ModelsPage, StoragePage
from app.web.i18n import Translator
from app.web.parts import BytesRow, CheckView, Fact, JobView, ModelRow, QueueRow, WorkerRow
from app.web.rendering import respond
from app.web.shell import Form, go, shell_of, tell, text_of, translator_of

router = APIRouter()


# --- models ---------------------------------------------------------------------------------------------------


@router.get("/admin/models")
def models_page(
    request: Request, _viewer: AdminViewer, session: deps.ReadDb, context: deps.ContextDep
) -> Response:
    t = translator_of(request)
    under_way = errands.open_errands(session, (errands.FETCH, errands.MEASURE))
    busy = {str(job.payload.get("model")): job.progress for job in under_way}
    groups: dict[str, list[ModelRow]] = {}
    for report in models.reports(session, context.settings):
        row = _model_row(report, busy.get(report.entry.id), t)
        groups.setdefault(t.name("model.task", report.entry.task), []).append(row)
    shown = tuple((task, tuple(rows)) for task, rows in groups.items())
    return respond(request, ModelsPage(shell_of(request, "admin"), shown, bool(under_way)))


def _model_row(report: models.ModelReport, busy: float | None, t: Translator) -> ModelRow:
    entry, measured = report.entry, report.measured
    facts = [
        Fact(t("model.size"), t.size(report.bytes)) if report.bytes else None,
        Fact(t("model.download"), t.size(report.download)) if report.download else None,
        Fact(t("model.licence"), entry.weights_licence) if entry.weights_licence else None,
        Fact(t("model.speed"), _speed(measured, t)) if measured else None,
        Fact(t("model.memory"), t.size(measured["memory_bytes"])) if measured else None,
    ]
    here, without = t("model.measured_here"), entry.source.kind == "code"
    return ModelRow(
        id=entry.id,
        title=entry.title,
        version=entry.version,
        state=report.state,
        state_name=t.name("model.state", report.state),
        facts=tuple(fact for fact in facts if fact is not None),
        metrics=tuple(
            Fact(
                f"{metric.name} · {metric.dataset}",
                f"{metric.value:g}" + (f" · {here}" if metric.measured == "here" else ""),
            )
            for metric in entry.metrics
        ),
        weaknesses=entry.weaknesses,
        chosen=report.chosen,
        choosable=report.choice and report.state == "ready" and not report.chosen,
        fetchable=report.state != "ready" and not without,
        measurable=report.state == "ready" and bool(entry.examples),
        busy=busy,
        stage=report.stage,
        awaiting=t("model.awaiting", count=report.awaiting) if report.awaiting else "",
    )


def _speed(measured: dict[str, object], t: Translator) -> str:
    shape, seconds = measured["input"], float(str(measured["seconds"]))
    assert isinstance(shape, list)
    if len(shape) == 2:
        return t("model.seconds_text", ms=f"{seconds * 1000:.3g}")
    return t("model.seconds", ms=f"{seconds * 1000:.3g}", width=shape[-1], height=shape[-2])


@router.post("/admin/models/{action}")
def model_errand(
    form: Form, viewer: AdminViewer, session: deps.WriteDb, context: deps.ContextDep, action: str
) -> Response:
    """``fetch``, ``measure`` or ``choose`` the model the form names."""
    model = text_of(form, "model")
    try:
        if action == "fetch":
            errands.ask_fetch(session, viewer, model)
        elif action == "measure":
            errands.ask_measure(session, viewer, model)
        else:
            models.choose(session, context.settings, model)
            return go("/admin/models", "flash.model_chosen")
    except AppError as error:
        return tell("/admin/models", error.detail)
    return go("/admin/models", "flash.errand_asked")


# --- storage --------------------------------------------------------------------------------------------------


@router.get("/admin/storage")
def storage_page(
    request: Request, _viewer: AdminViewer, session: deps.ReadDb, context: deps.ContextDep
) -> Response:
    t, held = translator_of(request), holdings.report(session, context.settings)
    used = 1 - held.free / held.total
    swept = t("storage.never_swept")
    if held.swept:
        swept = t("storage.swept", at=_moment(held.swept["at"], t), count=held.swept["photos"])
    page = StoragePage(
        shell_of(request, "admin"),
        kinds=_bars(
            [
                (t.name("storage.kind", name), size, _as_of(name, held, t))
                for name, size in held.kinds.items()
            ],
            t,
        ),
        people=_bars([(h.username, h.bytes, t("count.photos", count=h.photos)) for h in held.holders], t),
        free=t.size(held.free),
        free_note=t("storage.free_of", total=t.size(held.total)),
        used_share=round(used, 4),
        trash=t(
            "storage.trash",
            count=held.trashed,
            size=t.size(held.trashed_bytes),
            days=context.settings.trash_days,
        ),
        swept=swept,
        check=_check_view(errands.last(session, errands.CHECK), t),
    )
    return respond(request, page)


def _as_of(name: str, held: holdings.Holdings, t: Translator) -> str:
    known_by_walking = name in ("renditions", "incoming") and held.measured_at
    return (
        t("storage.as_of", at=_moment(held.measured_at, t)) if known_by_walking and held.measured_at else ""
    )


def _bars(rows: list[tuple[str, int, str]], t: Translator) -> tuple[BytesRow, ...]:
    most = max([size for _, size, _ in rows] or [0]) or 1
    ordered = sorted(rows, key=lambda row: -row[1])
    return tuple(BytesRow(label, t.size(size), round(size / most, 4), note) for label, size, note in ordered)


def _moment(text: str, t: Translator) -> str:
    return t.moment(datetime.fromisoformat(text))


def _check_view(job: Job | None, t: Translator) -> CheckView | None:
    if job is None:
        return None
    result = job.result or {}
    found = sum(result.get("counts", {}).values())
    summary = ""
    if result:
        outcome = t("storage.found", count=found) if found else t("storage.all_well")
        summary = " ".join((t("storage.checked", count=result["files"]), outcome))
    return CheckView(
        state=job.state,
        progress=job.progress,
        at=t.moment(job.finished_at or job.created_at),
        summary=summary,
        good=bool(result) and not found,
        findings=tuple(
            (t.name("finding", f["kind"]), t.sentence(f["message"]), f["repaired"])
            for f in result.get("findings", ())
        ),
        error=t.sentence(job.error or ""),
    )


@router.post("/admin/check")
def begin_check(form: Form, viewer: AdminViewer, session: deps.WriteDb) -> Response:
    errands.ask_check(session, viewer, repair=text_of(form, "repair") == "1")
    return go("/admin/storage")


# --- health ---------------------------------------------------------------------------------------------------


@router.get("/admin/health")
def health_page(request: Request, _viewer: AdminViewer, session: deps.ReadDb) -> Response:
    t = translator_of(request)
    schema = migrate.current(session.connection()) or ""
    found = health.report(session, schema, migrate.expected_schema())
    at_head = found.schema == found.expected_schema
    place = t("health.head") if at_head else found.expected_schema
    versions = {**found.versions, "schema": f"{found.schema} ({place})"}
    page = HealthPage(
        shell_of(request, "admin"),
        problems=tuple(t(f"health.problem.{problem}") for problem in found.problems),
        workers=tuple(
            WorkerRow(
                name=f"{worker.host} · {worker.pid}", since=t.moment(worker.since), seen=t.moment(worker.seen),
                alive=worker.alive, doing=t.name("job.kind", worker.doing) if worker.doing else t("health.resting"),
            )
            for worker in found.workers
        ),
        queues=_queues(found, t),
        failures=tuple(_failure(failure, t) for failure in found.failures),
        versions=tuple((t.name("health.version", name), value) for name, value in versions.items()),
    )  # fmt: skip
    return respond(request, page)


def _queues(found: health.Health, t: Translator) -> tuple[QueueRow, ...]:
    return tuple(
        QueueRow(
            t.name("job.kind", queue.kind), queue.ready, queue.running, queue.paused, queue.failed,
            t.moment(queue.oldest) if queue.oldest else "",
        )
        for queue in found.queues
    )  # fmt: skip


def _failure(failure: health.Failure, t: Translator) -> JobView:
    return JobView(
        "", t.name("job.kind", failure.kind), "failed", 0.0, t.moment(failure.at), t.sentence(failure.message)
    )
