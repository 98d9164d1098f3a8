"""The web application: routers, middleware, errors. No rules, no SQL, no torch."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from app import errors, migrate
from app.api import (
    admin,
    albums,
    around,
    auth,
    batches,
    duplicates,
    files,
    images,
    installation,
    intake,
    library,
    operations,
    pairing,
    people,
    photos,
    rules,
    search,
    shares,
    sync,
    tags,
    timeline,
    uploads,
    work,
)
from app.api.schemas import Problem, problems
from app.compat import huawei, immich, webdav
from app.context import Context
from app.middleware import install_middleware, template
from app.sentences import say
from app.settings import Settings
from app.web import pages, share
from app.web.i18n import Translator, choose_language
from app.web.rendering import error_page
from app.web.static import Static

log = logging.getLogger(__name__)
STATIC = Path(__file__).resolve().parents[1] / "static"
_DESCRIPTION = """
Store photos safely, have them understood, find them again, make them better.

Authenticate with `Authorization: Bearer <token>` (a session token of `/auth/login`, or an API key). Errors are
`application/problem+json` (RFC 9457) with a stable `type`; `title` and `detail` are in English or, by
`Accept-Language`, Chinese. Lists take `limit` and `cursor`.
"""


def create_app(settings: Settings, context: Context | None = None) -> FastAPI:
    """The application over one data folder. ``context`` may be given by tests and by ``serve``."""
    context = context or Context.open(settings, decoders=2)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        migrate.require_current(context.database)
        # Large form parts spool here and not to /tmp, which may be memory.
        tempfile.tempdir = str(settings.data / "incoming")
        context.storage.sweep_incoming()
        yield
        context.close()

    app = FastAPI(
        title="Albumen",
        version="0.1.0",
        description=_DESCRIPTION,
        lifespan=lifespan,
        docs_url="/api/docs",
        redoc_url=None,
        openapi_url="/api/openapi.json",
        generate_unique_id_function=_operation_id,
    )
    app.state.context = context
    for api in (
        auth,
        pairing,
        intake,
        batches,
        photos,
        timeline,
        search,
        files,
        around,
        uploads,
        sync,
        shares,
        people,
        tags,
        rules,
        albums,
        library,
        duplicates,
        images,
        work,
        admin,
        installation,
    ):
        app.include_router(api.router, prefix="/api/v1")
    for facade in (huawei.router, immich.router, webdav.router):
        app.include_router(facade)
    app.include_router(operations.router)
    app.include_router(pages.router, include_in_schema=False)
    app.include_router(share.router, include_in_schema=False)
    app.mount("/static", Static(directory=STATIC), name="static")
    _install_error_handlers(app)
    install_middleware(app, settings)
    _describe_problems(app)
    return app


def _operation_id(route: APIRoute) -> str:
    """What a generated client calls it: the function's name; a facade's name goes before its own ones."""
    package, _, module = route.endpoint.__module__.rpartition(".")
    return f"{module}_{route.name}" if package == "app.compat" else route.name


def _install_error_handlers(app: FastAPI) -> None:
    app.add_exception_handler(errors.AppError, _on_app_error)
    app.add_exception_handler(RequestValidationError, _on_validation_error)
    app.add_exception_handler(HTTPException, _on_http_error)
    app.add_exception_handler(Exception, _on_unexpected)


def _respond(request: Request, error: errors.AppError) -> Response:
    path = request.url.path
    wants_page = "text/html" in request.headers.get("accept", "") and not path.startswith("/api/")
    if wants_page:
        return error_page(request, error)
    t = Translator(choose_language(accept=request.headers.get("accept-language", "")))
    problem = error.problem()
    problem.update(title=t.sentence(error.title), detail=t.sentence(error.detail))
    headers = {"Content-Language": t.html_language, "Vary": "Accept-Language", **error.headers}
    return JSONResponse(problem, error.status, headers=headers, media_type="application/problem+json")


async def _on_app_error(request: Request, error: Any) -> Response:
    return _respond(request, error)


async def _on_validation_error(request: Request, error: Any) -> Response:
    first = error.errors()[0] if error.errors() else {"loc": (), "msg": "invalid"}
    if first.get("type") == "json_invalid":
        place = first["loc"][-1]
        return _respond(
            request, errors.Invalid(say("The body is not valid JSON (at character {place}).", place=place))
        )
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    problems = [
        {"field": ".".join(str(p) for p in e["loc"] if p != "body"), "message": e["msg"]}
        for e in error.errors()
    ]
    detail = say("{where}: {problem}.", where=where, problem=first["msg"]) if where else f"{first['msg']}."
    return _respond(request, errors.Invalid(detail, field=where, problems=problems[:20]))


async def _on_http_error(request: Request, error: Any) -> Response:
    known = {
        400: errors.Invalid("The body cannot be read as what its content type says."),
        404: errors.NotFound("There is nothing at this address."),
        405: _MethodNotAllowed("This address does not take that method."),
    }
    problem = known.get(error.status_code) or _Other(str(error.detail))
    problem.headers.update(error.headers or {})
    if isinstance(problem, _Other):
        problem.status = error.status_code  # type: ignore[misc]
    return _respond(request, problem)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    log.error("unexpected error", exc_info=error, extra={"route": template(request.scope)})
    return _respond(request, errors.AppError("Albumen hit an unexpected error. It has been logged."))


class _MethodNotAllowed(errors.AppError):
    code, status, title = "method-not-allowed", 405, "Method not allowed"


class _Other(errors.AppError):
    code, status, title = "http", 400, "The request was refused"


def _describe_problems(app: FastAPI) -> None:
    """Put the Problem schema into OpenAPI once; routes refer to it, and so does every 422."""
    original = app.openapi

    def openapi() -> dict[str, Any]:
        document = original()
        schemas = document.setdefault("components", {}).setdefault("schemas", {})
        schemas.setdefault("Problem", Problem.model_json_schema())
        for unused in ("HTTPValidationError", "ValidationError"):
            schemas.pop(unused, None)
        for operation in (o for methods in document["paths"].values() for o in methods.values()):
            # The framework describes its own shape wherever a route does not name ours.
            if "HTTPValidationError" in str(operation["responses"].get("422")):
                operation["responses"]["422"] = problems(422)[422]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
