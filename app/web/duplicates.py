"""The page on which duplicates are looked through, and the plain forms that decide about them."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.errors import Conflict, Invalid, NotFound
from app.services.copies import duplicates, keeping
from app.services.copies.duplicates import Candidate, DuplicateGroup
from app.web import present
from app.web.contexts import DuplicatesPage
from app.web.i18n import Translator
from app.web.parts import DuplicatePhoto, DuplicateSet
from app.web.present import address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, tell, text_of, texts_of, translator_of

router = APIRouter()
_GROUPS = 20
_UNDONE_AT_ONCE = 25  # photos whose ids fit into the message that offers to take a step back


def _here(kind: str) -> str:
    return address("/duplicates", kind="similar" if kind == "similar" else "")


@router.get("/duplicates")
def duplicates_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, kind: str = "", cursor: str | None = None
) -> Response:
    t = translator_of(request)
    kind = "similar" if kind == "similar" else "copy"
    page = duplicates.list_groups(session, viewer, kind=kind, limit=_GROUPS, cursor=cursor)
    counts = duplicates.count_groups(session, viewer)
    after = page.next_cursor
    context = DuplicatesPage(
        shell_of(request, "duplicates"),
        kind=kind,
        views=tuple((k, t(f"duplicates.{k}"), _here(k), counts[k]) for k in duplicates.KINDS),
        sets=tuple(_set(group, t) for group in page.items),
        searching=page.searching,
        next_href=address("/duplicates", kind="similar" if kind == "similar" else "", cursor=after)
        if after
        else "",
    )
    return respond(request, context)


def _set(group: DuplicateGroup, t: Translator) -> DuplicateSet:
    reasons = [t(f"duplicates.why.{reason}") for reason in group.reasons]
    return DuplicateSet(
        str(group.id),
        t("duplicates.group", count=len(group.photos)),
        t("duplicates.suggested", reasons=t.listed(reasons)),
        tuple(_photo(c, first=at == 0, goes=group.kind == "copy", t=t) for at, c in enumerate(group.photos)),
    )


def _photo(candidate: Candidate, *, first: bool, goes: bool, t: Translator) -> DuplicatePhoto:
    photo = candidate.photo
    notes = [t("duplicates.favorite")] if photo.favorite else []
    if photo.rating:
        notes.append(t("duplicates.rating", count=photo.rating))
    if candidate.albums:
        notes.append(t("duplicates.albums", count=candidate.albums))
    if candidate.edits:
        notes.append(t("duplicates.edits", count=candidate.edits))
    if photo.archived:
        notes.append(t("nav.archive"))
    return DuplicatePhoto(
        tile=present.tile(photo, t),
        name=photo.filename,
        size=f"{photo.width} × {photo.height} · {t.size(photo.size)}",
        taken=t.moment(photo.taken_local),
        notes=tuple(notes),
        keep=first,
        goes=goes and not first,
    )


@router.post("/duplicates")
def decide(form: Form, viewer: PageViewer, session: deps.WriteDb) -> Response:
    """Keep one of a group, or say that its photos are different."""
    back = _here(text_of(form, "kind"))
    try:
        everyone = [UUID(text) for text in texts_of(form, "photo")]
        if text_of(form, "action") == "keep":
            duplicates.dismiss(session, viewer, everyone)
            ids = ".".join(photo.hex for photo in everyone[:_UNDONE_AT_ONCE])
            undo = address("/duplicates/back", kind=text_of(form, "kind"), photos=ids)
            return go(back, "duplicates.said_apart", undo=undo)
        keeper = UUID(text_of(form, "keeper"))
        gone = [UUID(text) for text in texts_of(form, "gone")]
    except ValueError:
        raise NotFound("There is no such photo.") from None
    try:
        row = keeping.merge(session, viewer, keeper, gone)
    except (Invalid, Conflict) as error:
        return tell(back, error.detail)
    count = len(set(gone) - {keeper})
    undo = address(f"/duplicates/merges/{row.id}/undo", kind=text_of(form, "kind"))
    return go(back, "duplicates.said_merged", count=count, undo=undo)


@router.post("/duplicates/merges/{photo_merge_id}/undo")
def undo_merge(
    form: Form, viewer: PageViewer, session: deps.WriteDb, photo_merge_id: UUID, kind: str = ""
) -> Response:
    try:
        keeping.undo(session, viewer, photo_merge_id)
    except Conflict as error:
        return tell(_here(kind), error.detail)
    return go(_here(kind), "duplicates.said_unmerged")


@router.post("/duplicates/back")
def take_back(form: Form, viewer: PageViewer, session: deps.WriteDb, photos: str, kind: str = "") -> Response:
    """They may be duplicates after all."""
    try:
        ids = [UUID(text) for text in photos.split(".")]
    except ValueError:
        raise NotFound("There is no such photo.") from None
    duplicates.take_back(session, viewer, ids)
    return go(_here(kind), "duplicates.said_back")
