"""The owner's side of sharing: making a link to an album or photo, seeing one's links, taking them back."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.cursors import cut
from app.db import ReadSession, utcnow
from app.errors import Invalid
from app.services import photos
from app.services.accounts import Viewer
from app.services.collections import albums, shares
from app.web import present
from app.web.contexts import ShareFormPage, SharesPage
from app.web.i18n import Translator
from app.web.parts import ShareRow
from app.web.present import API, address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, text_of, translator_of

router = APIRouter()
_PAGE = 50
# Days a link lasts, the first being offered first; "0" is for ever.
_DAYS = ("30", "1", "7", "90", "365", "0")


@router.get("/shares")
def shares_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, cursor: UUID | None = None
) -> Response:
    t = translator_of(request)
    found = shares.list_shares(session, viewer, limit=_PAGE + 1, before=cursor)
    page, end = cut(found, _PAGE)
    more = address("/shares", cursor=end.share.id) if end else ""
    rows = tuple(_row(listed, t) for listed in page)
    return respond(request, SharesPage(shell_of(request, "shares"), rows, more))


def _row(listed: shares.Listed, t: Translator) -> ShareRow:
    share = listed.share
    over = share.expires_at is not None and share.expires_at <= utcnow()
    allowed = {
        "password": share.password_hash is not None,
        "download": share.download,
        "location": share.location,
        "upload": share.upload,
    }
    facts = [t(f"shares.fact.{name}") for name, has in allowed.items() if has]
    if share.received:
        facts.append(t("shares.received", count=share.received))
    ends = t("shares.never_ends")
    if share.expires_at is not None:
        ends = t("shares.over" if over else "shares.ends", date=t.date(share.expires_at))
    return ShareRow(
        id=str(share.id),
        title=listed.title or t("shares.untitled"),
        href=f"/album/{share.album_id}" if share.album_id else f"/photo/{share.photo_id}",
        cover=f"{API}/{listed.cover_photo_id}/rendition/grid" if listed.cover_photo_id else "",
        made=t("shares.made", date=t.moment(share.created_at)),  # two links to one album differ by it
        ends=ends,
        over=over,
        facts=tuple(facts),
    )


@router.get("/shares/new")
def share_form(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    album: UUID | None = None,
    photo: UUID | None = None,
) -> Response:
    return respond(request, _form(request, viewer, session, album, photo))


def _form(
    request: Request,
    viewer: Viewer,
    session: ReadSession,
    album_id: UUID | None,
    photo_id: UUID | None,
    *,
    path: str = "",
    problem: str = "",
) -> ShareFormPage:
    t = translator_of(request)
    if album_id is not None:
        found = albums.summarise(session, viewer, albums.get_album(session, viewer, album_id))
        kind, thing, title, cover = "album", album_id, found.album.title, found.cover_photo_id
        guests = found.album.kind == "manual"
    else:
        shown = photos.get_photo(session, viewer, photo_id or UUID(int=0), trashed=False)
        kind, thing, title, cover, guests = "photo", shown.id, present.heading(shown, t), shown.id, False
    return ShareFormPage(
        shell_of(request, "shares"),
        kind=kind,
        id=str(thing),
        title=title,
        cover=f"{API}/{cover}/rendition/preview" if cover else "",
        back=f"/{kind}/{thing}",
        days=tuple((value, t(f"shares.days.{value}")) for value in _DAYS),
        guests=guests,
        url=f"{request.base_url}{path.lstrip('/')}" if path else "",
        path=path,
        problem=problem,
    )


@router.post("/shares")
def make_share(request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    """The answer is the page itself and not a redirect: the link exists in this one response only."""
    album_id, photo_id = _id_of(form, "album"), _id_of(form, "photo")
    days = text_of(form, "days")
    lasts = timedelta(days=int(days)) if days in _DAYS and days != "0" else None
    try:
        _, token = shares.create_share(
            session,
            viewer,
            album_id=album_id,
            photo_id=photo_id,
            password=text_of(form, "password") or None,
            expires_at=utcnow() + lasts if lasts else None,
            download=text_of(form, "download") == "1",
            location=text_of(form, "location") == "1",
            upload=text_of(form, "upload") == "1",
        )
    except Invalid as error:
        problem = translator_of(request).sentence(error.detail)
        page = _form(request, viewer, session, album_id, photo_id, problem=problem)
        return respond(request, page, error.status)
    return respond(request, _form(request, viewer, session, album_id, photo_id, path=f"/s/{token}"))


def _id_of(form: Form, name: str) -> UUID | None:
    text = text_of(form, name)
    try:
        return UUID(text) if text else None
    except ValueError:
        return UUID(int=0)  # nobody's: the same answer as for a thing that is gone


@router.post("/shares/{share_id}/revoke")
def revoke_share(form: Form, viewer: PageViewer, session: deps.WriteDb, share_id: UUID) -> Response:
    shares.revoke_share(session, viewer, share_id)
    return go("/shares", "flash.share_revoked")
