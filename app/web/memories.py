"""Memories as pages show them: what this day brings back."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.search.countries import chinese_name
from app.services.collections import memories
from app.services.collections.memories import Memory
from app.web import present
from app.web.contexts import MemoriesPage
from app.web.i18n import Translator
from app.web.parts import MemoryView
from app.web.rendering import respond
from app.web.shell import PageViewer, shell_of, today_of, translator_of

router = APIRouter()


@router.get("/memories")
def memories_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    t, today = translator_of(request), today_of(request)
    found = memories.memories(session, viewer, today)
    views = tuple(memory_view(memory, t) for memory in found)
    return respond(request, MemoriesPage(shell_of(request, "memories"), t.day(today), views))


def memory_view(memory: Memory, t: Translator) -> MemoryView:
    ago = t("memories.years_ago", count=memory.years) if memory.years else t("memories.this_year")
    when = t.date(memory.start) if memory.start == memory.end else t.span(memory.start, memory.end)
    title, line = ago, when
    if memory.kind == "this_week":
        title = t("memories.this_week", ago=ago)
    elif memory.kind == "best_of_year":
        title, line = t("ideas.best_of_year", year=memory.start.year), ago
    elif memory.kind == "trip":
        title = where(memory.places, memory.countries, t)
    return MemoryView(
        title, line, present.search_address(memory.query), memory.count, present.tiles(memory.photos, t)
    )


def where(places: tuple[str, ...], countries: tuple[tuple[str, str], ...], t: Translator) -> str:
    """Towns, or else countries, as one says them in a row."""
    lands = [(chinese_name(code) if t.language == "zh" else None) or name for code, name in countries]
    return t.listed([*(places[:3] or lands[:3])])
