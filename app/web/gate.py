"""The pages before a session: set-up, sign-in, sign-out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from app import deps
from app.api.auth import set_session_cookie, sign_in
from app.context import Context
from app.errors import AppError, NotSignedIn, TooManyRequests
from app.services import accounts
from app.web.contexts import SetupPage, SignInPage
from app.web.i18n import Translator
from app.web.rendering import respond
from app.web.shell import (
    Form,
    GateForm,
    PageViewer,
    language_of,
    remember,
    safe_next,
    shell_of,
    text_of,
    translator_of,
)

router = APIRouter()


@router.get("/setup")
def setup_page(request: Request, session: deps.ReadDb) -> Response:
    if accounts.has_users(session):
        return RedirectResponse("/sign-in", 303)
    return _with_language(request, respond(request, SetupPage(shell_of(request))))


@router.post("/setup")
async def setup(request: Request, form: GateForm, context: deps.ContextDep) -> Response:
    username, password = text_of(form, "username"), str(form.get("password", ""))
    try:
        token = await run_in_threadpool(_set_up, context, request, username, password)
    except AppError as error:
        problem = _said(error, translator_of(request))
        return respond(request, SetupPage(shell_of(request), username, problem), error.status)
    return _entered(context, token, "/")


def _set_up(context: Context, request: Request, username: str, password: str) -> str:
    with context.database.write() as session:
        user = accounts.set_up(session, username, password)
        return accounts.start_session(session, context.settings, user, request.headers.get("user-agent", ""))


@router.get("/sign-in")
def sign_in_page(request: Request, session: deps.ReadDb, next: str = "/") -> Response:
    if not accounts.has_users(session):
        return RedirectResponse("/setup", 303)
    if deps.optional_viewer(request) is not None:
        return RedirectResponse(safe_next(next), 303)
    return _with_language(request, respond(request, SignInPage(shell_of(request), next=safe_next(next))))


@router.post("/sign-in")
async def sign_in_form(request: Request, form: GateForm, context: deps.ContextDep) -> Response:
    username, back = text_of(form, "username"), safe_next(text_of(form, "next") or "/")
    try:
        token, _ = await run_in_threadpool(sign_in, context, request, username, str(form.get("password", "")))
    except AppError as error:
        page = SignInPage(shell_of(request), username, _said(error, translator_of(request)), back)
        return respond(request, page, error.status)
    return _entered(context, token, back)


@router.post("/sign-out")
def sign_out(form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    accounts.end_session(session, viewer)
    response = RedirectResponse("/sign-in", 303)
    response.delete_cookie(deps.SESSION_COOKIE)
    # Whoever uses this browser next finds no picture of ours in it: neither in its cache nor in the service worker's.
    response.headers["Clear-Site-Data"] = '"cache", "storage"'
    return response


def _entered(context: Context, token: str, address: str) -> Response:
    response = RedirectResponse(address, 303)
    set_session_cookie(response, context, token)
    return response


def _said(error: AppError, t: Translator) -> str:
    """A refusal in the reader's language where it has a sentence of its own."""
    if isinstance(error, NotSignedIn):
        return t("sign_in.wrong")
    if isinstance(error, TooManyRequests):
        return t("sign_in.too_often")
    field = error.extra.get("field")
    key = f"account.problem.{error.code}.{field}"
    return t(key) if t.has(key) else t.sentence(error.detail)


def _with_language(request: Request, response: Response) -> Response:
    """Keep the language a link of the page asked for."""
    if "language" in request.query_params:
        remember(response, language=language_of(request))
    return response
