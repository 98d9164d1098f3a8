"""Albumen as an installed app: manifest, service worker, the page without a connection, photos shared from a phone."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from app import deps
from app.errors import NotAllowed
from app.web import forms
from app.web.contexts import OfflinePage
from app.web.rendering import STATIC, assets, respond, static_url
from app.web.shell import PageViewer, shell_of, translator_of

router = APIRouter()
_ICONS = (  # (file, size, purpose)
    ("app-192.png", "192x192", "any"),
    ("app-512.png", "512x512", "any"),
    ("maskable-512.png", "512x512", "maskable"),
)


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> JSONResponse:
    """What the browser needs to install Albumen; its share target takes photos from other apps."""
    t = translator_of(request)
    description: dict[str, Any] = {
        "id": "/",
        "name": "Albumen",
        "short_name": "Albumen",
        "description": t("app.description"),
        "lang": t.html_language,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf9f9",
        "theme_color": "#faf9f9",
        "categories": ["photo"],
        "icons": [
            {"src": static_url(f"icons/{name}"), "sizes": sizes, "type": "image/png", "purpose": purpose}
            for name, sizes, purpose in _ICONS
        ],
        "shortcuts": [
            {"name": t("nav.upload"), "url": "/upload"},
            {"name": t("nav.albums"), "url": "/albums"},
        ],
        "share_target": {
            "action": "/share-target",
            "method": "POST",
            "enctype": "multipart/form-data",
            "params": {"files": [{"name": "file", "accept": ["image/*", ".heic", ".heif", ".avif"]}]},
        },
    }
    return JSONResponse(
        description, media_type="application/manifest+json", headers={"Cache-Control": "no-cache"}
    )


@router.get("/sw.js")
def service_worker() -> Response:
    """The service worker with the list of what the shell is made of; another list is another version."""
    used = assets()
    shell = json.dumps(
        ["/offline", used.style, used.script, static_url("icons.svg"), static_url("icons/mark.svg")]
    )
    source = (STATIC / "sw.js").read_text(encoding="utf-8")
    version = hashlib.sha256((shell + source).encode()).hexdigest()[:12]
    script = f"const SHELL = {shell};\nconst VERSION = {json.dumps(version)};\n{source}"
    return Response(script, media_type="text/javascript", headers={"Cache-Control": "no-cache"})


@router.get("/offline")
def offline_page(request: Request) -> Response:
    """What is shown without a connection; it holds nothing of anybody's."""
    shell = replace(shell_of(request), csrf_token="", person=None, flash=None)
    return respond(request, OfflinePage(shell), headers={"Cache-Control": "no-cache"})


@router.post("/share-target")
async def share_target(request: Request, viewer: PageViewer, context: deps.ContextDep) -> Response:
    """Photos another app shares. No page of ours made this form, so it has no token: the browser itself must say that
    the person, and not another site, sent it.
    """
    if request.headers.get("sec-fetch-site") not in ("none", "same-origin"):
        raise NotAllowed("This form must be sent from Albumen's own page.")
    async with request.form(max_files=1000, max_fields=50) as form:
        return await forms.take_in_form(request, form, viewer, context)
