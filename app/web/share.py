"""The page behind a share's link: for people without an account, with the password where there is one.

Guests look, download where they may, and add photos where they are asked to.
"""

from __future__ import annotations

from urllib.parse import quote

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.responses import RedirectResponse, Response

from app import deps
from app.api.auth import client_address
from app.api.shares import Token, cookie_of
from app.context import Context
from app.db import ReadSession
from app.errors import AppError, NotAllowed, TooManyRequests
from app.imaging.formats import MEDIA_TYPES, SUFFIXES
from app.models import Photo
from app.services.collections import shares
from app.services.collections.shares import Opened, PasswordNeeded, WrongPassword
from app.web.contexts import SharePage
from app.web.i18n import Translator
from app.web.parts import SharedTile
from app.web.present import alt_text
from app.web.rendering import respond
from app.web.shell import GateForm, shell_of, translator_of

router = APIRouter()
_PAGE = 100
_HEADERS = {"X-Robots-Tag": "noindex, nofollow"}


@router.get("/s/{token}")
def share_page(request: Request, session: deps.ReadDb, token: Token, cursor: str | None = None) -> Response:
    try:
        opened = shares.open_share(session, token, request.cookies.get(cookie_of(token)))
    except PasswordNeeded:
        return respond(request, SharePage(shell_of(request), locked=True), headers=_HEADERS)
    return respond(request, _opened_page(request, session, token, opened, cursor), headers=_HEADERS)


def _opened_page(
    request: Request,
    session: ReadSession,
    token: str,
    opened: Opened,
    cursor: str | None = None,
    results: tuple[tuple[str, bool, str], ...] = (),
) -> SharePage:
    t = translator_of(request)
    found = shares.shared_photos(session, opened, _PAGE, cursor)
    expires_at, after = opened.share.expires_at, quote(found.next_cursor or "")
    return SharePage(
        shell_of(request),
        title=opened.title,
        description=opened.description,
        total=opened.count,
        expires=t.date(expires_at) if expires_at else "",
        tiles=tuple(_tile(token, opened, hit.photo, t) for hit in found.items),
        next_href=f"/s/{token}?cursor={after}" if after else "",
        more_from=f"/api/v1/shares/{token}/photos?limit={_PAGE}&cursor={after}" if after else "",
        accept=",".join([*MEDIA_TYPES.values(), *SUFFIXES.values()]) if opened.share.upload else "",
        results=results,
    )


@router.post("/s/{token}/photos")
async def add_photos(request: Request, context: deps.ContextDep, token: Token) -> Response:
    """What a guest's plain form adds. The link is looked at before the files are read."""
    deps.check_same_origin(request)
    opened = await run_in_threadpool(_open, context, request, token)
    if not opened.share.upload:
        raise NotAllowed("The owner of this link does not ask for photos.")
    results = []
    t = translator_of(request)
    async with request.form(max_files=500, max_fields=50) as form:
        for part in form.getlist("file"):
            if isinstance(part, UploadFile) and part.filename:
                results.append(await run_in_threadpool(_take_in, context, opened, part, t))
    page = await run_in_threadpool(_after_adding, context, request, token, tuple(results))
    return respond(request, page, headers=_HEADERS)


def _open(context: Context, request: Request, token: str) -> Opened:
    with context.database.read() as session:
        return shares.open_share(session, token, request.cookies.get(cookie_of(token)))


def _take_in(context: Context, opened: Opened, part: UploadFile, t: Translator) -> tuple[str, bool, str]:
    name = part.filename or ""
    try:
        shares.receive(context, opened, part.file, name)
    except AppError as error:
        return name, False, t.sentence(error.detail)
    return name, True, ""


def _after_adding(
    context: Context, request: Request, token: str, results: tuple[tuple[str, bool, str], ...]
) -> SharePage:
    with context.database.read() as session:
        opened = shares.open_share(session, token, request.cookies.get(cookie_of(token)))
        return _opened_page(request, session, token, opened, results=results)


@router.post("/s/{token}")
async def unlock(request: Request, context: deps.ContextDep, form: GateForm, token: Token) -> Response:
    """The proof of the password goes into a cookie that the pictures' addresses are asked with too."""
    password = str(form.get("password", ""))[:1024]
    try:
        access, _ = await run_in_threadpool(shares.unlock, context, token, password, client_address(request))
    except (WrongPassword, TooManyRequests) as error:
        t = translator_of(request)
        problem = t("share.wrong") if isinstance(error, WrongPassword) else t("sign_in.too_often")
        page = SharePage(shell_of(request), locked=True, problem=problem)
        return respond(request, page, error.status, {**_HEADERS, **error.headers})
    response = RedirectResponse(f"/s/{quote(token)}", 303)
    response.set_cookie(
        cookie_of(token),
        access,
        max_age=round(shares.ACCESS_LASTS.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )
    return response


def _tile(token: str, opened: Opened, photo: Photo, t: Translator) -> SharedTile:
    base = f"/api/v1/shares/{token}/photos/{photo.id}"
    small = "grid" if opened.share.album_id else "preview"  # one photo alone is shown large
    # The usual description of a picture may say where it was taken.
    alt = (
        alt_text(photo, t)
        if opened.share.location or photo.title
        else t("photo.alt", date=t.date(photo.taken_local))
    )
    return SharedTile(
        href=f"{base}/rendition/preview",
        src=f"{base}/rendition/{small}",
        width=photo.width,
        height=photo.height,
        alt=alt,
        thumbhash=photo.thumbhash or "",
        download=f"{base}/original" if opened.share.download else "",
    )
