"""Settings of one person (look, API keys, password) and the administrator's list of users."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

import segno
from fastapi import APIRouter, Depends, Request
from starlette.responses import Response

from app import deps
from app.api.auth import client_address, set_session_cookie
from app.api.pairing import pairing_uri
from app.errors import AppError, NotAllowed, NotSignedIn
from app.models import ApiKey
from app.services import accounts
from app.services.accounts import Viewer
from app.services.clients import pairing
from app.web.contexts import SettingsPage, UsersPage
from app.web.i18n import Translator
from app.web.parts import AccountRow, KeyView, PairingView, ScopeChoice
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, remember, shell_of, tell, text_of, texts_of, translator_of

router = APIRouter()
_USUAL = ("photos.read", "photos.upload")  # what most devices need and no more


def _admin(viewer: PageViewer) -> Viewer:
    if not viewer.may("admin"):
        raise NotAllowed("Only administrators manage users.")
    return viewer


AdminViewer = Annotated[Viewer, Depends(_admin)]


def _settings_page(
    request: Request,
    viewer: Viewer,
    keys: list[ApiKey],
    made: tuple[ApiKey, str] | None = None,
    problem: str = "",
    code: PairingView | None = None,
) -> SettingsPage:
    t = translator_of(request)
    scopes = [scope for scope in accounts.SCOPES if scope != "admin" or viewer.is_admin]
    return SettingsPage(
        shell_of(request, "settings"),
        keys=tuple(_key_view(key, t) for key in keys),
        scopes=tuple(ScopeChoice(scope, t.name("scope", scope), scope in _USUAL) for scope in scopes),
        new_key=_key_view(made[0], t) if made else None,
        secret=made[1] if made else "",
        pairing=code,
        problem=problem,
    )


def _key_view(key: ApiKey, t: Translator) -> KeyView:
    return KeyView(
        id=str(key.id),
        name=key.name,
        scopes=tuple(t.name("scope", scope) for scope in key.scopes),
        created=t.date(key.created_at),
        used=t("keys.used", date=t.moment(key.last_used_at)) if key.last_used_at else "",
    )


@router.get("/settings")
def settings_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    return respond(request, _settings_page(request, viewer, accounts.list_keys(session, viewer)))


@router.post("/settings/look")
def set_look(form: Form, viewer: PageViewer, session: deps.WriteDb, context: deps.ContextDep) -> Response:
    """Theme and language of this browser; the language also becomes the account's, for other devices."""
    language, theme = text_of(form, "language"), text_of(form, "theme")
    if language in ("en", "zh"):
        accounts.get_user_by_id(session, viewer.user_id).language = language
    response = go("/settings", "flash.saved")
    remember(response, language=language, theme=theme, secure=context.settings.secure_cookies)
    return response


@router.post("/settings/keys")
def make_key(request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    """The answer is the page itself and not a redirect: the secret exists in this one response only."""
    try:
        made = accounts.create_key(session, viewer, text_of(form, "name"), texts_of(form, "scope"))
    except AppError as error:
        return _refused_key(request, viewer, session, error)
    return respond(request, _settings_page(request, viewer, accounts.list_keys(session, viewer), made))


def _refused_key(request: Request, viewer: Viewer, session: deps.ReadDb, error: AppError) -> Response:
    t = translator_of(request)
    key = f"keys.problem.{error.extra.get('field')}"
    problem = t(key) if t.has(key) else t.sentence(error.detail)
    page = _settings_page(request, viewer, accounts.list_keys(session, viewer), problem=problem)
    return respond(request, page, error.status)


@router.post("/settings/pair")
def pair_device(request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    """The page with a code to scan; it leaves the screen by itself when the code is too old."""
    try:
        offer = pairing.offer(session, viewer, text_of(form, "name"), texts_of(form, "scope"))
    except AppError as error:
        return _refused_key(request, viewer, session, error)
    picture = segno.make(pairing_uri(request, offer), micro=False).svg_data_uri(border=4, light="#fff")
    code = PairingView(picture, offer.code)
    response = respond(
        request, _settings_page(request, viewer, accounts.list_keys(session, viewer), code=code)
    )
    response.headers["Refresh"] = f"{pairing.LIFETIME.total_seconds():.0f}; url=/settings"
    return response


@router.post("/settings/keys/{key_id}/revoke")
def revoke_key(form: Form, viewer: PageViewer, session: deps.WriteDb, key_id: UUID) -> Response:
    accounts.revoke_key(session, viewer, key_id)
    return go("/settings", "flash.key_revoked")


@router.post("/settings/password")
def change_password(request: Request, form: Form, viewer: PageViewer, context: deps.ContextDep) -> Response:
    """Signs every other browser out; this one stays, with a new session."""
    address = client_address(request)
    old, new = str(form.get("old_password", "")), str(form.get("new_password", ""))
    try:
        with context.database.read() as reading:
            accounts.check_password(reading, context.settings, viewer.username, old, address)
        with context.database.write() as session:
            user = accounts.get_user_by_id(session, viewer.user_id)
            accounts.set_password(session, user, new)
            agent = request.headers.get("user-agent", "")
            token = accounts.start_session(session, context.settings, user, agent)
    except NotSignedIn:
        with context.database.write() as session:
            accounts.record_failure(session, viewer.username, address)
        return go("/settings", "flash.wrong_password", kind="problem")
    except AppError as error:
        return tell("/settings", error.detail)
    response = go("/settings", "flash.password_changed")
    set_session_cookie(response, context, token)
    return response


# --- users ----------------------------------------------------------------------------------------------


def _users_page(
    request: Request, viewer: Viewer, session: deps.ReadDb, problem: str = "", username: str = ""
) -> UsersPage:
    t = translator_of(request)
    rows = tuple(
        AccountRow(str(user.id), user.username, user.is_admin, user.disabled_at is not None,
                   t.date(user.created_at), user.id == viewer.user_id)
        for user in accounts.list_users(session)
    )  # fmt: skip
    return UsersPage(shell_of(request, "admin"), rows, problem, username)


@router.get("/admin/users")
def users_page(request: Request, viewer: AdminViewer, session: deps.ReadDb) -> Response:
    return respond(request, _users_page(request, viewer, session))


@router.post("/admin/users")
def add_user(request: Request, form: Form, viewer: AdminViewer, session: deps.WriteDb) -> Response:
    username, password = text_of(form, "username"), str(form.get("password", ""))
    try:
        accounts.create_user(session, username, password, is_admin=text_of(form, "is_admin") == "1")
    except AppError as error:
        problem = translator_of(request).sentence(error.detail)
        return respond(request, _users_page(request, viewer, session, problem, username), error.status)
    return go("/admin/users", "flash.user_added", name=username)


@router.post("/admin/users/{user_id}")
def change_user(form: Form, viewer: AdminViewer, session: deps.WriteDb, user_id: UUID) -> Response:
    user = accounts.get_user_by_id(session, user_id)
    try:
        accounts.set_disabled(session, user, text_of(form, "disabled") == "1")
    except AppError as error:
        return tell("/admin/users", error.detail)
    return go("/admin/users", "flash.saved")
