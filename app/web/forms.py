"""What plain forms do to photos, albums and jobs. Every address here has its JSON twin under /api/v1."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.responses import Response

from app import deps
from app.api.batches import as_zip
from app.api.forms import form_options
from app.context import Context
from app.db import WriteSession
from app.errors import AppError, BadQuery, Invalid, NotFound
from app.services import intake, photos
from app.services.accounts import Viewer
from app.services.clients import downloads
from app.services.collections import albums
from app.web import browse, present
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, safe_next, tell, text_of, translator_of

router = APIRouter()


def _back(photo_id: UUID) -> str:
    return f"/photo/{photo_id}"


def _onwards(session: WriteSession, viewer: Viewer, photo_id: UUID, form: FormData) -> str:
    """Where one goes when this photo leaves its list: to the list the script names, else the photo after it, else the
    one before, else the timeline."""
    if back := text_of(form, "back"):
        return safe_next(back)
    newer, older = photos.neighbours(session, viewer, photos.get_photo(session, viewer, photo_id))
    beside = older or newer
    return _back(beside) if beside else "/"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("There is nothing with that id.") from None


@router.post("/photo/{photo_id}")
def save_details(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    rating = text_of(form, "rating")
    change = photos.Change(
        title=text_of(form, "title")[:300],
        description=text_of(form, "description")[:10_000],
        rating=int(rating) if rating.isascii() and rating.isdigit() else None,
    )
    photos.update_photo(session, viewer, photo_id, change)
    return go(_back(photo_id), "flash.saved")


@router.post("/photo/{photo_id}/favorite")
def favorite(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    photos.update_photo(session, viewer, photo_id, photos.Change(favorite=text_of(form, "value") == "1"))
    return go(_back(photo_id))


@router.post("/photo/{photo_id}/archive")
def archive(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    wanted = text_of(form, "value") == "1"
    on = _onwards(session, viewer, photo_id, form) if wanted else _back(photo_id)
    photos.update_photo(session, viewer, photo_id, photos.Change(archived=wanted))
    if not wanted:
        return go(on, "flash.unarchived")
    return go(on, "flash.archived", undo=f"/photo/{photo_id}/archive")


@router.post("/photo/{photo_id}/delete")
def delete(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    on = _onwards(session, viewer, photo_id, form)
    photos.trash_photo(session, viewer, photo_id)
    return go(on, "flash.deleted", undo=f"/photo/{photo_id}/restore")


@router.post("/photo/{photo_id}/restore")
def restore(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    photos.restore_photo(session, viewer, photo_id)
    return go(_back(photo_id), "flash.restored")


@router.post("/photo/{photo_id}/purge")
def purge(form: Form, viewer: PageViewer, context: deps.ContextDep, photo_id: UUID) -> Response:
    """Delete one photo of the trash for good."""
    with context.database.write() as session:
        on = _onwards(session, viewer, photo_id, form)
        checksums = photos.purge_photo(session, viewer, photo_id)
    photos.forget_files(context, checksums)
    return go("/trash" if on == "/" else on, "flash.purged")


@router.post("/photo/{photo_id}/tags")
def add_tag(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    try:
        photos.confirm_tag(session, viewer, photo_id, text_of(form, "name"))
    except Invalid as error:
        return tell(_back(photo_id), error.detail)
    return go(_back(photo_id))


@router.post("/photo/{photo_id}/tags/{slug}")
def judge_tag(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID, slug: str) -> Response:
    said = text_of(form, "verdict")
    if said == "confirm":
        photos.confirm_tag(session, viewer, photo_id, slug)
    elif said == "none":
        photos.forget_verdict(session, viewer, photo_id, slug)
    else:
        photos.reject_tag(session, viewer, photo_id, slug)
    return go(_back(photo_id))


@router.post("/photo/{photo_id}/albums")
def add_to_album(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    album = albums.get_album(session, viewer, _id(text_of(form, "album")))
    albums.add_photos(session, viewer, album.id, [photo_id])
    return go(_back(photo_id), "flash.in_album", title=album.title)


@router.post("/download")
def download(form: Form, viewer: PageViewer, session: deps.ReadDb, context: deps.ContextDep) -> Response:
    """A selection as a file the browser saves while it arrives; ``ids`` are separated by commas."""
    ids = [_id(text) for text in text_of(form, "ids").split(",") if text]
    edited = text_of(form, "version") == "edited"
    return as_zip(downloads.entries(context, session, viewer, ids=ids, edited=edited))


@router.post("/photo/{photo_id}/albums/{album_id}")
def take_out_of_album(
    form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID, album_id: UUID
) -> Response:
    album = albums.get_album(session, viewer, album_id)
    albums.remove_photos(session, viewer, album.id, [photo_id])
    return go(_back(photo_id), "flash.out_of_album", title=album.title)


@router.post("/photo/{photo_id}/again")
def look_again(form: Form, viewer: PageViewer, session: deps.WriteDb, photo_id: UUID) -> Response:
    photos.request_analysis(session, viewer, photo_id)
    return go(_back(photo_id), "flash.looked_at_again")


@router.post("/trash/empty")
def empty_trash(form: Form, viewer: PageViewer, context: deps.ContextDep) -> Response:
    with context.database.write() as session:
        checksums = photos.empty_trash(session, viewer)
    photos.forget_files(context, checksums)
    return go("/trash", "flash.trash_emptied")


# --- albums ---------------------------------------------------------------------------------------------


@router.post("/albums")
def make_album(request: Request, form: Form, viewer: PageViewer, context: deps.ContextDep) -> Response:
    title, query, kind = text_of(form, "title"), text_of(form, "query"), text_of(form, "kind")
    rule = None if kind == "manual" or not (query or kind) else query
    try:
        with context.database.write() as session:
            album = albums.create_album(session, viewer, title, query=rule)
    except BadQuery as error:
        with context.database.read() as session:
            page = browse.albums_context(
                request,
                viewer,
                session,
                title,
                query,
                present.query_problem(query, error, translator_of(request)),
            )
        return respond(request, page, error.status)
    except Invalid as error:
        return tell("/albums", error.detail)
    return go(f"/album/{album.id}", "flash.album_made")


@router.post("/album/{album_id}")
def change_album(
    request: Request, form: Form, viewer: PageViewer, context: deps.ContextDep, album_id: UUID
) -> Response:
    query = text_of(form, "query")
    try:
        with context.database.write() as session:
            albums.update_album(
                session, viewer, album_id, title=text_of(form, "title"),
                description=text_of(form, "description"), query=query or None,
                sort=text_of(form, "sort") or None,
            )  # fmt: skip
    except BadQuery as error:
        with context.database.read() as session:
            page = browse.album_context(
                request,
                viewer,
                session,
                album_id,
                problem=present.query_problem(query, error, translator_of(request)),
            )
        return respond(request, page, error.status)
    except Invalid as error:
        return tell(f"/album/{album_id}", error.detail)
    return go(f"/album/{album_id}", "flash.saved")


@router.post("/album/{album_id}/delete")
def delete_album(form: Form, viewer: PageViewer, session: deps.WriteDb, album_id: UUID) -> Response:
    albums.delete_album(session, viewer, album_id)
    return go("/albums", "flash.album_deleted", undo=f"/album/{album_id}/restore")


@router.post("/album/{album_id}/restore")
def restore_album(form: Form, viewer: PageViewer, session: deps.WriteDb, album_id: UUID) -> Response:
    albums.restore_album(session, viewer, album_id)
    return go(f"/album/{album_id}", "flash.restored")


# --- uploads -----------------------------------------------------------------------------------


@router.post("/search/picture")
async def search_by_picture(
    request: Request, form: Form, viewer: PageViewer, context: deps.ContextDep
) -> Response:
    """The photos that look like the picture in the form, which is not kept."""
    part = form.get("file")
    data = await part.read() if isinstance(part, UploadFile) else b""
    await form.close()
    page = await run_in_threadpool(browse.example_context, request, viewer, context, data)
    return respond(request, page, 200 if page.failure is None else 422)


@router.post("/upload")
async def upload(request: Request, form: Form, viewer: PageViewer, context: deps.ContextDep) -> Response:
    """Any number of files; each is kept or refused on its own, and the page says which."""
    answer = await take_in_form(request, form, viewer, context)
    await form.close()
    return answer


async def take_in_form(request: Request, form: FormData, viewer: Viewer, context: Context) -> Response:
    """Keep the files of a form whose sender has been checked."""
    results = []
    for part in form.getlist("file"):
        if isinstance(part, UploadFile) and part.filename:
            options = form_options(form, part.filename)
            name, state, problem, href = await run_in_threadpool(_take_in, context, viewer, part, options)
            results.append((name, state, translator_of(request).sentence(problem), href))
    page = await run_in_threadpool(browse.upload_context, request, viewer, context, tuple(results))
    return respond(request, page)


def _take_in(
    context: Context, viewer: Viewer, part: UploadFile, options: intake.Options
) -> tuple[str, str, str, str]:
    try:
        added = intake.add_stream(context, viewer, part.file, options)
    except AppError as error:
        return options.filename, "failed", error.detail, ""
    return options.filename, "duplicate" if added.duplicate else "kept", "", f"/photo/{added.id}"
