"""What every page needs of its request: who is asking, language, theme, its forms' token, a message.

Preferences a person sets before or without signing in live in cookies; the message a form leaves for the next
page does too, because a link must not be able to put words into Albumen's mouth.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Annotated, Any
from urllib.parse import quote, unquote
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import Depends, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app import deps
from app.errors import NotSignedIn
from app.services.accounts import Viewer
from app.web.i18n import LANGUAGES, Translator, choose_language
from app.web.parts import Flash, Person, Shell

LANGUAGE_COOKIE = "albumen_language"
THEME_COOKIE = "albumen_theme"
DENSITY_COOKIE = "albumen_density"  # written by the script
FLASH_COOKIE = "albumen_flash"
ZONE_COOKIE = "albumen_zone"
THEMES = ("system", "light", "dark")
DENSITIES = ("tiny", "small", "large")
_YEAR = 365 * 86_400


def _page_viewer(request: Request) -> Viewer:
    viewer = deps.optional_viewer(request)
    if viewer is None:
        raise NotSignedIn("Sign in to see this page.")
    request.state.viewer = viewer
    return viewer


PageViewer = Annotated[Viewer, Depends(_page_viewer)]


async def _checked_form(request: Request, _viewer: PageViewer) -> FormData:
    form = await request.form(max_files=1000, max_fields=2000)
    token = form.get("csrf_token")
    deps.check_csrf(request, token if isinstance(token, str) else None)
    return form


async def _open_form(request: Request) -> FormData:
    deps.check_same_origin(request)
    return await request.form(max_files=0, max_fields=50)


# A form of a signed-in page, its token checked; and a form of the pages before that.
Form = Annotated[FormData, Depends(_checked_form)]
GateForm = Annotated[FormData, Depends(_open_form)]


def text_of(form: FormData, name: str) -> str:
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> list[str]:
    return [value for value in form.getlist(name) if isinstance(value, str)]


def language_of(request: Request) -> str:
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    return choose_language(
        request.query_params.get("language"),
        request.cookies.get(LANGUAGE_COOKIE),
        viewer.language if viewer else None,
        accept=request.headers.get("accept-language", ""),
    )


def today_of(request: Request) -> date:
    """The day it is where this browser is, as its scripts told us; without them the server's."""
    zone = unquote(request.cookies.get(ZONE_COOKIE, ""))
    try:
        return datetime.now(ZoneInfo(zone)).date() if zone else date.today()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return date.today()  # a zone this machine does not know


def translator_of(request: Request) -> Translator:
    return Translator(language_of(request))


def shell_of(request: Request, nav: str = "", query: str = "") -> Shell:
    """The frame of a page for a signed-in person."""
    viewer: Viewer | None = getattr(request.state, "viewer", None)
    theme = request.cookies.get(THEME_COOKIE, "")
    density = request.cookies.get(DENSITY_COOKIE, "")
    return Shell(
        language=language_of(request),
        theme=theme if theme in THEMES else "system",
        csrf_token=deps.csrf_token(request),
        path=request.url.path,
        nav=nav,
        query=query,
        person=Person(viewer.username, viewer.is_admin) if viewer else None,
        flash=_read_flash(request),
        density=density if density in DENSITIES else "",
    )


def remember(response: Response, *, language: str = "", theme: str = "", secure: bool = False) -> None:
    """Keep a choice of language or theme in this browser."""
    for name, value, known in ((LANGUAGE_COOKIE, language, LANGUAGES), (THEME_COOKIE, theme, THEMES)):
        if value in known:
            response.set_cookie(name, value, max_age=_YEAR, samesite="lax", httponly=True, secure=secure)


# --- a message for the next page ------------------------------------------------------------------------


def go(
    address: str, said: str = "", *, kind: str = "done", undo: str = "", **values: Any
) -> RedirectResponse:
    """Send the browser on after a form, with a message: ``said`` is a sentence's key."""
    response = RedirectResponse(address, 303)
    if said:
        packed = quote(json.dumps({"kind": kind, "said": said, "undo": undo, "values": values}))
        response.set_cookie(FLASH_COOKIE, packed, max_age=60, samesite="lax", httponly=True)
    return response


def tell(address: str, problem: str) -> RedirectResponse:
    """Send the browser back with what went wrong, in the service's own words."""
    return go(address, "flash.problem", kind="problem", detail=problem[:500])


def _read_flash(request: Request) -> Flash | None:
    packed = request.cookies.get(FLASH_COOKIE)
    if not packed:
        return None
    try:
        note = json.loads(unquote(packed))
        t = translator_of(request)
        text = t(note["said"], **{**note["values"], **_problem(note, t)})
        flash = Flash(str(note["kind"]), text, str(note["undo"]))
    except (ValueError, KeyError, TypeError):
        return None  # written by an older version, or tampered with: nothing worth telling
    request.state.flash_shown = True
    return flash


def _problem(note: dict[str, Any], t: Translator) -> dict[str, str]:
    """The service's sentence a message carries, in the reader's language."""
    detail = note["values"].get("detail")
    return {"detail": t.sentence(detail)} if detail and note["kind"] == "problem" else {}


def forget_flash(request: Request, response: Response) -> None:
    """Drop the message once a page has shown it."""
    if getattr(request.state, "flash_shown", False):
        response.delete_cookie(FLASH_COOKIE)


def safe_next(address: str) -> str:
    """Where to go after sign-in: a path on this host, nothing else."""
    if not address.startswith("/") or address.startswith(("//", "/\\")) or "\n" in address or "\r" in address:
        return "/"
    return address
