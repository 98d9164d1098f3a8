"""For machines that watch over Albumen: /healthz, /readyz, /metrics, at the root."""

from __future__ import annotations

import os

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text
from starlette.responses import PlainTextResponse

from app import migrate
from app.deps import ContextDep
from app.middleware import REGISTRY
from app.services.collections import library

router = APIRouter(tags=["operations"])


@router.get("/healthz", summary="The process lives")
def healthz() -> dict[str, str]:
    return {"status": "ok"}


@router.get(
    "/readyz", summary="The album can be used", responses={503: {"description": "Not ready; says why."}}
)
def readyz(context: ContextDep, response: Response) -> dict[str, str]:
    """Checks that the database answers with the current schema and that originals can be written."""
    checks: dict[str, str] = {}
    try:
        with context.database.read() as session:
            session.execute(text("SELECT 1"))
        migrate.require_current(context.database)
        checks["database"] = "ok"
    except Exception as error:  # a probe reports every kind of trouble instead of failing itself
        checks["database"] = type(error).__name__
    checks["storage"] = "ok" if os.access(context.settings.data / "incoming", os.W_OK) else "not writable"
    ready = all(value == "ok" for value in checks.values())
    response.status_code = 200 if ready else 503
    return {"status": "ready" if ready else "not ready", **checks}


@router.get(
    "/metrics",
    response_class=PlainTextResponse,
    responses={200: {"content": {CONTENT_TYPE_LATEST.partition(";")[0]: {}}}},
    summary="Prometheus metrics",
)
def metrics(context: ContextDep) -> Response:
    """Request counts and times of this process; photos and jobs of the whole installation."""
    with context.database.read() as session:
        numbers = library.stats(session, context.settings)
    lines = ["# TYPE albumen_photos gauge", f"albumen_photos {numbers.photos}", "# TYPE albumen_jobs gauge"]
    lines += [f'albumen_jobs{{state="{state}"}} {count}' for state, count in sorted(numbers.jobs.items())]
    lines += ["# TYPE albumen_originals_bytes gauge", f"albumen_originals_bytes {numbers.bytes}"]
    lines += ["# TYPE albumen_disk_free_bytes gauge", f"albumen_disk_free_bytes {numbers.disk_free}"]
    body = generate_latest(REGISTRY) + ("\n".join(lines) + "\n").encode()
    return Response(body, media_type=CONTENT_TYPE_LATEST)
