"""What a taught tag has found, judged photo by photo."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.errors import NotFound
from app.search.values import quote
from app.services import photos
from app.services.tagging import teaching
from app.web import present
from app.web.contexts import ReviewPage
from app.web.present import address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, text_of, translator_of

router = APIRouter()
_SHOWN = 60


@router.get("/tag/{slug}/review")
def review_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, slug: str, cursor: str | None = None
) -> Response:
    t = translator_of(request)
    found = teaching.review(session, viewer, slug, limit=_SHOWN, cursor=cursor)
    context = ReviewPage(
        shell_of(request, "explore"),
        slug=found.tag.slug,
        name=found.tag.name_zh if t.language == "zh" else found.tag.name_en,
        href=present.search_address(f"tag:{quote(found.tag.slug)}"),
        examples=found.examples,
        counter_examples=found.counter_examples,
        waiting=found.waiting,
        learning=found.learning,
        tiles=tuple((present.tile(photo, t), round(sure, 4)) for photo, sure in found.found),
        next_href=address(f"/tag/{slug}/review", cursor=found.next_cursor) if found.next_cursor else "",
    )
    return respond(request, context)


@router.post("/tag/{slug}/review")
def judge(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    try:
        photo = UUID(text_of(form, "photo"))
    except ValueError:
        raise NotFound("There is no such photo.") from None
    yes = text_of(form, "verdict") == "confirm"
    if yes:
        photos.confirm_tag(session, viewer, photo, slug)
    else:
        photos.reject_tag(session, viewer, photo, slug)
    undo = address(f"/tag/{slug}/review/undo", photo=photo)
    return go(f"/tag/{slug}/review", "review.said_yes" if yes else "review.said_no", undo=undo)


@router.post("/tag/{slug}/review/undo")
def take_back(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str, photo: UUID) -> Response:
    photos.forget_verdict(session, viewer, photo, slug)
    return go(f"/tag/{slug}/review")
