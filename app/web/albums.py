"""Albums beside their own pages: which ones would be worth having, and letting a rule decide again."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.services.collections import albums, ideas
from app.services.collections.ideas import Idea
from app.web.contexts import IdeasPage
from app.web.i18n import Translator
from app.web.memories import where
from app.web.parts import IdeaCard
from app.web.present import API, search_address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, text_of, translator_of

router = APIRouter()


@router.get("/albums/ideas")
def ideas_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    t = translator_of(request)
    cards = tuple(_card(idea, t) for idea in ideas.ideas(session, viewer))
    return respond(request, IdeasPage(shell_of(request, "albums"), cards))


def _card(idea: Idea, t: Translator) -> IdeaCard:
    cover = f"{API}/{idea.cover_photo_id}/rendition/grid" if idea.cover_photo_id else ""
    return IdeaCard(_title(idea, t), idea.query, search_address(idea.query), idea.count, cover)


def _title(idea: Idea, t: Translator) -> str:
    if idea.kind == "people":
        return t.listed(idea.people)
    if idea.kind == "place":
        return where(idea.places, idea.countries, t)
    if idea.kind == "trip" and idea.start:
        return t(
            "ideas.trip", where=where(idea.places, idea.countries, t), month=t.month(f"{idea.start:%Y-%m}")
        )
    if idea.kind == "best_of_year" and idea.start:
        return t("ideas.best_of_year", year=idea.start.year)
    return t(f"ideas.{idea.kind}")


@router.post("/album/{rule_id}/pins/{photo_id}")
def unpin(form: Form, viewer: PageViewer, session: deps.WriteDb, rule_id: UUID, photo_id: UUID) -> Response:
    """Pin a photo in or out of a dynamic album, or let the rule decide about it again."""
    pin = text_of(form, "pin")
    if pin == "always":
        albums.add_photos(session, viewer, rule_id, [photo_id])
    elif pin == "never":
        albums.remove_photos(session, viewer, rule_id, [photo_id])
    else:
        albums.unpin(session, viewer, rule_id, photo_id)
    return go(f"/album/{rule_id}#exceptions", "flash.saved")
