"""The pages about who is on the photos, and the plain forms that correct people."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote as percent
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.datastructures import FormData
from starlette.responses import Response

from app import deps
from app.db import ReadSession
from app.errors import Conflict, Invalid, NotFound
from app.models import Face, Person
from app.services.accounts import Viewer
from app.services.faces import merging, people
from app.services.faces.people import PersonSummary
from app.web import present
from app.web.contexts import PeoplePage, PersonPage
from app.web.parts import FaceView, PersonCard, PersonPair, Tile
from app.web.present import address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, tell, text_of, texts_of, translator_of

router = APIRouter()
_PEOPLE = 120
_PHOTOS = 60
_FACES = 120
_QUESTIONS = 6
_MOST_NAMES = 500
_UNDONE_AT_ONCE = 25  # faces whose ids fit into the message that offers to take a step back


def _crop(face_id: UUID | None) -> str:
    return f"/api/v1/faces/{face_id}/crop" if face_id else ""


def _here(person_id: UUID, **query: object) -> str:
    return address(f"/person/{person_id}", **query)


def _card(summary: PersonSummary) -> PersonCard:
    person = summary.person
    return PersonCard(
        str(person.id), person.name, _here(person.id), summary.photos, _crop(summary.cover_face_id)
    )


def _named(session: ReadSession, viewer: Viewer) -> list[PersonCard]:
    """Everybody who has a name, most photographed first: whom an unnamed person may turn out to be."""
    page = people.list_people(session, viewer, limit=_MOST_NAMES)
    return [_card(item) for item in page.items if item.person.name]


# --- everybody ------------------------------------------------------------------------------------------


@router.get("/people")
def people_page(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    show: str = "",
    cursor: str | None = None,
    ask: str = "",
) -> Response:
    t = translator_of(request)
    show = show if show in ("all", "hidden") else ""
    page = people.list_people(
        session, viewer, min_faces=1 if show else people.SHOWN_FROM, hidden=show == "hidden",
        limit=_PEOPLE, cursor=cursor,
    )  # fmt: skip
    # Questions are asked one at a time, below those with names; further pages are for looking.
    asked = [] if show or cursor else merging.questions(session, viewer, limit=_QUESTIONS)
    context = PeoplePage(
        shell_of(request, "people"),
        show=show,
        views=(
            ("", t("people.show_usual"), "/people"),
            ("all", t("people.show_all"), address("/people", show="all")),
            ("hidden", t("people.show_hidden"), address("/people", show="hidden")),
        ),
        named=tuple(_card(item) for item in page.items if item.person.name),
        unnamed=tuple(_card(item) for item in page.items if not item.person.name),
        pairs=tuple(PersonPair(_card(q.first), _card(q.second)) for q in asked),
        names=tuple(card.name for card in _named(session, viewer)),
        ask=int(ask) if ask.isascii() and ask.isdigit() and len(ask) < 4 else 0,
        next_href=address("/people", show=show, cursor=page.next_cursor) if page.next_cursor else "",
    )
    return respond(request, context)


@router.post("/people/suggestions/{first}/{second}")
def answer_question(
    form: Form, viewer: PageViewer, session: deps.WriteDb, first: UUID, second: UUID
) -> Response:
    """Yes makes them one, which can be taken back; no is never asked again."""
    try:
        if text_of(form, "answer") != "yes":
            merging.reject(session, viewer, first, second)
            return go("/people", "people.said_apart")
        merge = merging.accept(session, viewer, first, second)
    except NotFound as error:  # answered in another window, or grouped anew
        return tell("/people", error.detail)
    return go("/people", "people.said_merged", undo=f"/people/merges/{merge.id}/undo")


@router.post("/people/merges/{merge_id}/undo")
def undo_merge(form: Form, viewer: PageViewer, session: deps.WriteDb, merge_id: UUID) -> Response:
    try:
        found = merging.undo(session, viewer, merge_id)
    except Conflict as error:
        return tell("/people", error.detail)
    return go(_here(found[-1].id), "people.said_unmerged")


# --- one person -----------------------------------------------------------------------------------------


@router.get("/person/{person_id}")
def person_page(
    request: Request,
    viewer: PageViewer,
    session: deps.ReadDb,
    person_id: UUID,
    view: str = "",
    same: str = "",
    cursor: str | None = None,
) -> Response:
    t = translator_of(request)
    person = people.get_person(session, viewer, person_id)
    summary = people.summarise(session, person)
    view = "faces" if view == "faces" else "photos"
    faces: tuple[FaceView, ...] = ()
    tiles: tuple[Tile, ...] = ()
    more = ""
    if view == "faces":
        found = people.faces_of(session, viewer, person_id, limit=_FACES, cursor=cursor)
        faces = tuple(_face(face, summary) for face in found.items)
        after = found.next_cursor
    else:
        photos = people.photos_of(session, viewer, person_id, limit=_PHOTOS, cursor=cursor)
        tiles = present.tiles(photos.items, t)
        after = photos.next_cursor
        more = address(f"/api/v1/people/{person_id}/photos", limit=_PHOTOS, cursor=after) if after else ""
    context = PersonPage(
        shell_of(request, "people"),
        person=_card(summary),
        hidden=person.hidden,
        view=view,
        face_count=summary.faces,
        tiles=tiles,
        faces=faces,
        others=tuple(card for card in _named(session, viewer) if card.id != str(person_id)),
        same=same,
        next_href=_here(person_id, view="faces" if view == "faces" else "", cursor=after) if after else "",
        more_from=more,
    )
    return respond(request, context)


def _face(face: Face, of: PersonSummary) -> FaceView:
    return FaceView(
        str(face.id), _crop(face.id), f"/photo/{face.photo_id}", face.person_source == "user",
        face.id == of.cover_face_id,
    )  # fmt: skip


@router.post("/person/{person_id}/name")
def name_person(
    request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb, person_id: UUID
) -> Response:
    """Names them; a name somebody has already leads to the question whether they are one."""
    back = "/people" if text_of(form, "from") == "people" else _here(person_id)
    before = people.get_person(session, viewer, person_id).name
    name = text_of(form, "name") or request.query_params.get("was", "")
    try:
        person = people.update_person(session, viewer, person_id, name=name)
    except Invalid as error:
        return tell(back, error.detail)
    undo = f"/person/{person_id}/name?was={percent(before, safe='')}"
    if not person.name:
        return go(back, "people.said_unnamed", undo=undo if before else "")
    session.flush()
    same = _with_name(_named(session, viewer), person)
    if same:
        return go(_here(person_id, same=same.id) + "#same", "people.said_twice", name=person.name, undo=undo)
    return go(back, "people.said_named", name=person.name, undo=undo)


def _with_name(cards: Iterable[PersonCard], person: Person) -> PersonCard | None:
    others = (card for card in cards if card.id != str(person.id))
    return next((card for card in others if card.name.casefold() == person.name.casefold()), None)


@router.post("/person/{person_id}/hidden")
def hide_person(
    request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb, person_id: UUID
) -> Response:
    hidden = (text_of(form, "value") or request.query_params.get("value")) == "1"
    people.update_person(session, viewer, person_id, hidden=hidden)
    if not hidden:
        return go(_here(person_id), "people.said_shown")
    return go("/people", "people.said_hidden", undo=f"/person/{person_id}/hidden?value=0")


@router.post("/person/{person_id}/merge")
def merge_person(
    request: Request, form: Form, viewer: PageViewer, session: deps.WriteDb, person_id: UUID
) -> Response:
    """Gives this person's faces to another one."""
    try:
        into = UUID(text_of(form, "into") or request.query_params.get("into", ""))
    except ValueError:
        raise NotFound("There is no such person.") from None
    try:
        merge = merging.merge(session, viewer, [person_id], into)
    except Invalid as error:
        return tell(_here(person_id), error.detail)
    return go(_here(into), "people.said_merged", undo=f"/people/merges/{merge.id}/undo")


@router.post("/person/{person_id}/faces")
def correct_faces(form: Form, viewer: PageViewer, session: deps.WriteDb, person_id: UUID) -> Response:
    """What is done to the faces that are ticked: they are not this person, nobody, somebody else, or the cover."""
    back, action = _here(person_id, view="faces"), text_of(form, "action")
    people.get_person(session, viewer, person_id)
    faces = _faces(form)
    if not faces:
        return go(back, "people.said_none", kind="problem")
    try:
        if action == "split":
            other = people.split(session, viewer, person_id, faces, text_of(form, "name"))
            return go(_here(other.id), "people.said_split", undo=f"/person/{other.id}/merge?into={person_id}")
        if action == "cover":
            people.update_person(session, viewer, person_id, cover=faces[0])
            return go(back, "people.said_cover")
    except Invalid as error:
        return tell(back, error.detail)
    for face_id in faces:
        face, _ = people.get_face(session, viewer, face_id)
        if face.person_id == person_id:  # and not given to someone else meanwhile
            people.assign(session, viewer, face_id, nobody=action == "nobody")
    session.expire_all()  # someone without a name goes with their last face
    left = session.get(Person, person_id) is not None
    undo = f"/person/{person_id}/return?faces={'.'.join(face.hex for face in faces)}"
    return go(
        back if left else "/people", "people.said_away", count=len(faces),
        undo=undo if left and len(faces) <= _UNDONE_AT_ONCE else "",
    )  # fmt: skip


def _faces(form: FormData) -> list[UUID]:
    try:
        return [UUID(text) for text in texts_of(form, "face")]
    except ValueError:
        raise NotFound("There is no such face.") from None


@router.post("/person/{person_id}/return")
def return_faces(
    form: Form, viewer: PageViewer, session: deps.WriteDb, person_id: UUID, faces: str
) -> Response:
    """Gives faces back that were taken away a moment ago."""
    try:
        wanted = [UUID(text) for text in faces.split(".")]
    except ValueError:
        raise NotFound("There is no such face.") from None
    for face_id in wanted[:_UNDONE_AT_ONCE]:
        people.assign(session, viewer, face_id, person_id)
    return go(_here(person_id, view="faces"), "people.said_returned")
