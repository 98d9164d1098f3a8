"""The pages one looks at: timeline, search, photo, albums, activity and their kin. Thin over the services."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from app import deps
from app.context import Context
from app.db import ReadSession
from app.errors import AppError, BadQuery
from app.imaging.formats import MEDIA_TYPES, SUFFIXES
from app.models import Album
from app.search import count_photos, find_photos, parse, timeline
from app.search.fields import FIELDS
from app.search.values import quote
from app.services import photos
from app.services.accounts import Viewer
from app.services.collections import albums, covers, memories
from app.services.tagging import vocabulary
from app.services.understanding import examples
from app.web import present, seen
from app.web.contexts import (
    AlbumPage,
    AlbumsPage,
    ExplorePage,
    GridPage,
    PhotoPage,
    SearchPage,
    TimelinePage,
    UploadPage,
)
from app.web.headline import headline
from app.web.i18n import Translator
from app.web.memories import memory_view
from app.web.parts import AlbumChoice, MemoryView, QueryProblem, Shell, TermCard
from app.web.present import API, address
from app.web.rendering import respond
from app.web.shell import PageViewer, shell_of, today_of, translator_of

router = APIRouter()
PAGE_SIZE = 60
_TOP_TAGS = 18
_MEMORIES = 4  # on the timeline
_SHOWN_BY_BROWSERS = ("jpeg", "png", "gif", "bmp", "webp", "avif")


@router.get("/")
def timeline_page(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    cursor: str | None = None,
    into: UUID | None = None,
) -> Response:
    """``into`` is the album photos are chosen for, here and in searches."""
    t = translator_of(request)
    page = find_photos(session, viewer, "", limit=PAGE_SIZE, cursor=cursor)
    buckets = tuple((month, count) for month, count in timeline(session, viewer, ""))
    shell = _choosing(shell_of(request, "albums" if into else "photos"), viewer, session, into)
    context = TimelinePage(
        shell,
        months=present.months([hit.photo for hit in page.items], buckets, t),
        buckets=buckets,
        total=sum(count for _, count in buckets),
        next_href=address("/", cursor=page.next_cursor, into=into) if page.next_cursor else "",
        memories=() if cursor or into else _of_this_day(request, viewer, session, t),
    )
    return respond(request, context)


def _choosing(shell: Shell, viewer: Viewer, session: ReadSession, into: UUID | None) -> Shell:
    if into is None:
        return shell
    album = albums.get_album(session, viewer, into, kind="manual")
    return replace(shell, into=(str(album.id), album.title))


def _of_this_day(
    request: Request, viewer: Viewer, session: ReadSession, t: Translator
) -> tuple[MemoryView, ...]:
    found = memories.on_this_day(session, viewer, today_of(request), most=_MEMORIES)
    return tuple(memory_view(memory, t) for memory in found)


# --- flat lists -----------------------------------------------------------------------------------------


def _list_page(
    request: Request,
    viewer: Viewer,
    session: ReadSession,
    nav: str,
    query: str,
    icon: str,
    *,
    trashed: bool = False,
    intro: str = "",
) -> Response:
    """A titled list of what a query finds; its words are ``<nav>.intro``, ``<nav>.empty_title`` and so on."""
    t = translator_of(request)
    cursor = request.query_params.get("cursor")
    page = find_photos(session, viewer, query, limit=PAGE_SIZE, cursor=cursor, trashed=trashed)
    more = address(API, q=query, trashed="true" if trashed else "", limit=PAGE_SIZE, cursor=page.next_cursor)
    context = GridPage(
        shell_of(request, nav),
        title=t(f"nav.{nav}"),
        intro=intro or t(f"{nav}.intro"),
        empty_icon=icon,
        empty_title=t(f"{nav}.empty_title"),
        empty_text=t(f"{nav}.empty_text"),
        tiles=present.tiles((hit.photo for hit in page.items), t),
        total=count_photos(session, viewer, query, trashed=trashed),
        actions="trash" if trashed else nav,
        next_href=address(f"/{nav}", cursor=page.next_cursor) if page.next_cursor else "",
        more_from=more if page.next_cursor else "",
    )
    return respond(request, context)


@router.get("/favorites")
def favorites_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    return _list_page(request, viewer, session, "favorites", "is:favorite", "heart")


@router.get("/archive")
def archive_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    return _list_page(request, viewer, session, "archive", "is:archived", "archive")


@router.get("/trash")
def trash_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, context: deps.ContextDep
) -> Response:
    intro = translator_of(request)("trash.intro", count=context.settings.trash_days)
    return _list_page(request, viewer, session, "trash", "", "trash", trashed=True, intro=intro)


# --- search ---------------------------------------------------------------------------------------------

_ACCEPT = ",".join([*MEDIA_TYPES.values(), *SUFFIXES.values()])  # what a file dialog offers


@router.get("/search")
def search_page(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    q: str = "",
    order: str = "",
    cursor: str | None = None,
    within: str = "",
    into: UUID | None = None,
) -> Response:
    """``within`` is what a form of another page searches in, as a query of its own."""
    if within:
        return RedirectResponse(present.search_address(f"{within} ({q})" if q.strip() else within), 303)
    t = translator_of(request)
    shell = _choosing(shell_of(request, "search", q), viewer, session, into)
    if not q.strip():
        return respond(
            request, SearchPage(shell, "", "", (), (), 0, fields=present.field_help(t), accept=_ACCEPT)
        )
    try:
        query = parse(q)
        order = order or ("relevance" if query.has_free_words else "newest")
        page = find_photos(session, viewer, q, order=order, limit=PAGE_SIZE, cursor=cursor)
        total = count_photos(session, viewer, q)
    except BadQuery as error:
        return respond(
            request, SearchPage(shell, q, "", (), (), None, present.query_problem(q, error, t)), error.status
        )
    kinds = (["relevance"] if query.has_free_words else []) + ["newest", "oldest"]
    named = headline(session, viewer, query, [hit.photo for hit in page.items], t)
    context = SearchPage(
        replace(shell, nav=named.nav or "search") if named else shell,
        headline=named,
        query=q,
        order=order,
        orders=tuple(
            (kind, t(f"search.order.{kind}"), address("/search", q=q, order=kind, into=into))
            for kind in kinds
        ),
        tiles=tuple(
            present.tile(hit.photo, t, (present.reason(r, t) for r in hit.reasons)) for hit in page.items
        ),
        total=total,
        next_href=address("/search", q=q, order=order, cursor=page.next_cursor, into=into)
        if page.next_cursor
        else "",
        more_from=address(API, q=q, order=order, limit=PAGE_SIZE, cursor=page.next_cursor)
        if page.next_cursor
        else "",
    )
    return respond(request, context)


def example_context(request: Request, viewer: Viewer, context: Context, data: bytes) -> SearchPage:
    """The search page with the photos that look like a picture, or with why it cannot be searched with."""
    t = translator_of(request)
    shell = shell_of(request, "search")
    try:
        found = examples.photos_like(context, viewer, data, PAGE_SIZE)
    except AppError as error:
        return SearchPage(
            shell, "", "", (), (), None, example=True, failure=t.sentence(error.detail), accept=_ACCEPT
        )
    tiles = tuple(present.tile(photo, t) for photo, _ in found)
    return SearchPage(shell, "", "", (), tiles, len(tiles), example=True, accept=_ACCEPT)


@router.get("/search/words")
def search_words(request: Request, _viewer: PageViewer) -> JSONResponse:
    """The query language's fields and their choices, for completion in the search box."""
    t = translator_of(request)
    zh = t.language == "zh"
    words: list[dict[str, Any]] = [
        {
            "name": field.name,
            "label": t(f"field.{field.name}"),
            "group": t(f"fields.{present.field_group(field.name)}"),
            "help": field.help_zh if zh else field.help_en,
            "example": field.examples[0],
            "kind": field.kind.value,
            "compares": field.compares,
            "choices": [{"name": c.name, "help": c.help_zh if zh else c.help_en} for c in field.choices],
        }
        for field in FIELDS
    ]
    return JSONResponse(words, headers={"Cache-Control": "private, max-age=3600", "Vary": "Cookie"})


@router.get("/explore")
def explore_page(request: Request, viewer: PageViewer, session: deps.ReadDb) -> Response:
    t = translator_of(request)
    nodes = vocabulary.tag_tree(session, viewer)
    cards = []
    seen: set[UUID] = set()
    for node in present.telling(nodes, _TOP_TAGS):
        found = find_photos(session, viewer, f"tag:{quote(node.tag.slug)}", order="newest", limit=8).items
        # A photo with several tags stands for one of them only, while there are others.
        photo = covers.choose(session, [hit.photo for hit in found], seen)
        cover = f"{API}/{photo.id}/rendition/grid" if photo else ""
        seen.update([photo.id] if photo else [])
        cards.append(TermCard(present.tag_name(node, t), present.tag_address(node), node.count, cover))
    context = ExplorePage(shell_of(request, "explore"), tuple(cards), present.branches(nodes, t))
    return respond(request, context)


# --- one photo ------------------------------------------------------------------------------------------


@router.get("/photo/{photo_id}")
def photo_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, context: deps.ContextDep, photo_id: UUID
) -> Response:
    detail = photos.describe(session, viewer, photo_id)
    # Which rules the photo meets is asked for by the script: with many albums that takes a moment.
    held = albums.holding(session, viewer, photo_id, rules=False)
    near = photos.neighbours(session, viewer, detail.photo)
    page = _photo_context(shell_of(request), detail, held, translator_of(request))
    choices = tuple(AlbumChoice(str(a.id), a.title) for a in albums.choices(session, viewer) if a not in held)
    previous, following = (f"/photo/{one}" if one else "" for one in near)
    left = photos.days_left(detail.photo, context.settings.trash_days)
    page = replace(page, albums=choices, previous=previous, next=following, days_left=left)
    return respond(request, page)


def _photo_context(shell: Shell, detail: photos.PhotoDetail, held: list[Album], t: Translator) -> PhotoPage:
    photo, taken = detail.photo, detail.photo.taken_local
    heading = present.heading(photo, t)
    tags = [present.tag_view(tag, t) for tag in detail.tags if present.tells(tag)]
    return PhotoPage(
        shell,
        id=str(photo.id), heading=heading, title=photo.title, description=photo.description,
        filename=photo.filename or f"{photo.checksum[:12]}.{photo.format}",
        favorite=photo.favorite, archived=photo.archived, deleted=photo.deleted_at is not None, rating=photo.rating,
        status=photo.status, problem=t.sentence(photo.error or ""),
        src=f"{API}/{photo.id}/rendition/preview", original=f"{API}/{photo.id}/original",
        shown_original=photo.format in _SHOWN_BY_BROWSERS and photo.orientation == 1,
        width=photo.width, height=photo.height, thumbhash=photo.thumbhash or "", alt=present.alt_text(photo, t),
        month=f"{taken:%Y-%m}", taken_time=t.time(taken),
        taken_day=t.weekday(taken) if heading == t.date(taken) else t.day(taken),
        facts=present.facts(photo, t), place=present.place(photo, t), exif=present.exif(photo),
        tags=tuple(tag for tag in tags if not tag.aside), also=tuple(tag for tag in tags if tag.aside),
        rejected=tuple(present.tag_view(tag, t) for tag in detail.tags if tag.state == "rejected"),
        boxes=seen.boxes(detail, t), things=seen.things(detail, t), faces=seen.faces(detail, t),
        qualities=present.qualities(detail, t), cues=present.cues(detail, t),
        text_lines=tuple(line.content for line in detail.text),
        stages=present.stages(detail, t), edits=tuple(present.edit_view(edit, t) for edit in detail.edits),
        in_albums=tuple(present.in_album(album, photo) for album in held), albums=(),
        stage_problem=present.stage_problem(detail, t),
        similar=present.search_address(f"similar:{photo.id}") if present.comparable(detail) else "",
        back="/trash" if photo.deleted_at else "/archive" if photo.archived else f"/#m-{taken:%Y-%m}",
    )  # fmt: skip


# --- albums ---------------------------------------------------------------------------------------------


def albums_context(
    request: Request,
    viewer: Viewer,
    session: ReadSession,
    title: str,
    query: str,
    problem: QueryProblem | None = None,
    cursor: str | None = None,
) -> AlbumsPage:
    page = albums.list_albums(session, viewer, cursor=cursor)
    cards = tuple(present.album_card(summary) for summary in page.items)
    more = f"/albums?cursor={page.next_cursor}" if page.next_cursor else ""
    return AlbumsPage(shell_of(request, "albums"), cards, title, query, problem, more)


@router.get("/albums")
def albums_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, query: str = "", cursor: str | None = None
) -> Response:
    return respond(request, albums_context(request, viewer, session, "", query, cursor=cursor))


def album_context(
    request: Request,
    viewer: Viewer,
    session: ReadSession,
    album_id: UUID,
    problem: QueryProblem | None = None,
) -> AlbumPage:
    t = translator_of(request)
    summary = albums.summarise(session, viewer, albums.get_album(session, viewer, album_id))
    album = summary.album
    page = find_photos(
        session, viewer, albums.members(album), order=album.sort, limit=PAGE_SIZE, archived=True,
        cursor=request.query_params.get("cursor"),
    )  # fmt: skip
    pins = (
        albums.pinned(session, viewer, album.id) if album.kind == "dynamic" else {"always": [], "never": []}
    )
    here, api, after = f"/album/{album.id}", f"/api/v1/albums/{album.id}", page.next_cursor
    return AlbumPage(
        shell_of(request, "albums"),
        id=str(album.id),
        title=album.title,
        description=album.description,
        kind=album.kind,
        query=album.query or "",
        tiles=present.tiles((hit.photo for hit in page.items), t),
        total=summary.count,
        problem=problem,
        next_href=address(here, cursor=after) if after else "",
        more_from=address(f"{api}/photos", order=album.sort, limit=PAGE_SIZE, cursor=after) if after else "",
        sorts=tuple((order, t(f"album.sort.{order}"), order == album.sort) for order in albums.ORDERS),
        always=present.tiles(pins["always"], t),
        never=present.tiles(pins["never"], t),
    )


@router.get("/album/{album_id}")
def album_page(request: Request, viewer: PageViewer, session: deps.ReadDb, album_id: UUID) -> Response:
    return respond(request, album_context(request, viewer, session, album_id))


# --- uploads and jobs -----------------------------------------------------------------------------------


def upload_context(
    request: Request, viewer: Viewer, context: Context, results: tuple[tuple[str, str, str, str], ...] = ()
) -> UploadPage:
    t = translator_of(request)
    chosen = request.query_params.get("album", "")
    with context.database.read() as session:
        choices = tuple(
            AlbumChoice(str(album.id), album.title, str(album.id) == chosen)
            for album in albums.choices(session, viewer)
        )
    return UploadPage(
        shell_of(request, "upload"),
        accept=",".join([*MEDIA_TYPES.values(), *SUFFIXES.values()]),
        largest=t.size(context.settings.max_upload_bytes),
        albums=choices,
        results=results,
    )


@router.get("/upload")
def upload_page(request: Request, viewer: PageViewer, context: deps.ContextDep) -> Response:
    return respond(request, upload_context(request, viewer, context))
