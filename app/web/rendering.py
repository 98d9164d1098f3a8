"""Turns a context dataclass into a page: the template engine, hashed static addresses, the error page.

The engine is strict: a variable a template names and its context lacks is an error, not an empty string.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, fields, replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from app import deps
from app.errors import AppError, NotSignedIn
from app.logs import request_id
from app.web import shell
from app.web.contexts import ErrorPage, Page
from app.web.i18n import LANGUAGES, Translator

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = ROOT / "templates"
STATIC = ROOT / "static"


@lru_cache(maxsize=512)
def _content_hash(path: Path, _mtime_ns: int, _size: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def static_url(name: str) -> str:
    """The address of a file under ``static/`` with a hash of its content, so that it may be cached for long.

    Raises:
        FileNotFoundError: there is no such file; a page must not point at nothing.
    """
    path = STATIC / name
    stat = path.stat()
    return f"/static/{name}?v={_content_hash(path, stat.st_mtime_ns, stat.st_size)}"


@dataclass(frozen=True)
class Assets:
    """The addresses in use: the bundle made at set-up, or the plain sources (then no map)."""

    script: str
    style: str
    world: str | None


def assets() -> Assets:
    if (STATIC / "dist" / "app.js").is_file() and (STATIC / "dist" / "app.css").is_file():
        return Assets(static_url("dist/app.js"), static_url("dist/app.css"), static_url("dist/world.svg"))
    return Assets(static_url("js/app.js"), static_url("css/app.css"), None)


def _icon(name: str, label: str = "") -> Markup:
    """One symbol of the sprite; with a label it is a picture with a name, without one it is decoration."""
    role = Markup('role="img" aria-label="{}"').format(label) if label else Markup('aria-hidden="true"')
    return Markup('<svg class="icon" {}><use href="{}#{}"/></svg>').format(
        role, static_url("icons.svg"), name
    )


@cache
def environment() -> Environment:
    env = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    shared: dict[str, Any] = {
        "icon": _icon,
        "static_url": static_url,
        "assets": assets,
        "languages": LANGUAGES,
    }
    env.globals.update(shared)
    return env


def render(page: Page) -> str:
    """The page as HTML. The template sees the context's own fields and ``t``, its language."""
    values = {f.name: getattr(page, f.name) for f in fields(page)}
    return environment().get_template(page.template).render(t=Translator(page.shell.language), **values)


def respond(
    request: Request, page: Page, status: int = 200, headers: dict[str, str] | None = None
) -> HTMLResponse:
    # A page shows one person's photos: neither a shared cache nor the back button after sign-out may keep it.
    response = HTMLResponse(render(page), status, {"Cache-Control": "no-store", **(headers or {})})
    shell.forget_flash(request, response)
    return response


def _know_viewer(request: Request, error: AppError) -> None:
    """Who sees the error keeps the frame of the pages, also where no page was reached that asked who it is."""
    if error.status >= 500 or hasattr(request.state, "viewer"):
        return
    try:
        viewer = deps.optional_viewer(request)
    except AppError:
        return
    if viewer is not None:
        request.state.viewer = viewer


def error_page(request: Request, error: AppError) -> Response:
    """What a browser gets for an error: the way to sign in, or a page that says what happened."""
    if isinstance(error, NotSignedIn):
        back = request.url.path if request.method == "GET" else "/"
        if request.method == "GET" and request.url.query:
            back += f"?{request.url.query}"
        return RedirectResponse(f"/sign-in?next={quote(back, safe='')}", 303)
    _know_viewer(request, error)
    frame = shell.shell_of(request)
    t = Translator(frame.language)
    known, said = t.has(f"error.{error.code}.title"), t.sentence(error.detail)
    page = ErrorPage(
        shell=frame,
        title=t(f"error.{error.code}.title") if known else t("error.internal.title"),
        detail=said
        if said != error.detail or frame.language == "en" or not known
        else t(f"error.{error.code}.text"),
        request_id=request_id.get() or "" if error.status >= 500 else "",
        home=True,
    )
    if request.url.path.startswith("/s/") and error.status in (404, 410):
        # A guest has no photos here to go back to.
        page = replace(
            page, title=t("share.ended"), detail=t("share.ended_text"), home=frame.person is not None
        )
    return respond(request, page, error.status, error.headers)
