"""People: who is on the photos, and every way to correct it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field
from starlette.responses import FileResponse

from app.api.schemas import BoxSchema, Cursor, Limit, Listing, PhotoItem, PhotoPage, Schema, problems
from app.deps import ContextDep, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.models import Face
from app.services.faces import merging, people
from app.services.faces.crops import face_crop
from app.services.faces.people import PersonSummary

router = APIRouter(tags=["people"])
PersonId = Annotated[UUID, Path(description="A person's id.")]
FaceId = Annotated[UUID, Path(description="A face's id.")]
_IMMUTABLE = "private, max-age=31536000, immutable"


class PersonPublic(Schema):
    id: UUID
    name: str = Field(description="Empty until somebody gives one.")
    hidden: bool
    faces: int
    photos: int
    cover_face_id: UUID | None = Field(description="`GET /faces/{id}/crop` is its picture.")

    @classmethod
    def of(cls, summary: PersonSummary) -> PersonPublic:
        person = summary.person
        return cls(
            id=person.id,
            name=person.name,
            hidden=person.hidden,
            faces=summary.faces,
            photos=summary.photos,
            cover_face_id=summary.cover_face_id,
        )


class PeoplePage(Schema):
    items: list[PersonPublic]
    next_cursor: str | None


class PersonFace(Schema):
    id: UUID
    photo_id: UUID
    box: BoxSchema
    score: float
    source: str | None = Field(description="`model`, or `user` where a user said who it is.")

    @classmethod
    def of(cls, face: Face) -> PersonFace:
        box = BoxSchema.model_validate(face)
        return cls(
            id=face.id, photo_id=face.photo_id, box=box, score=round(face.score, 4), source=face.person_source
        )


class FacePage(Schema):
    items: list[PersonFace]
    next_cursor: str | None


class PersonUpdate(Schema):
    """Only the fields that are sent change; an empty name unnames."""

    name: str | None = Field(None, max_length=100, examples=["Anna"])
    hidden: bool | None = None
    cover: UUID | None = Field(None, description="One of the person's faces.")


class MergeRequest(Schema):
    into: UUID = Field(description="Who stays.")
    people: list[UUID] = Field(min_length=1, max_length=100, description="Who becomes one with them.")


class MergePublic(Schema):
    id: UUID = Field(description="For `POST /people/merges/{id}/undo`.")
    person: PersonPublic


class SplitRequest(Schema):
    faces: list[UUID] = Field(min_length=1, max_length=people.MAX_FACES)
    name: str = Field("", max_length=100)


class Assignment(Schema):
    """A person by id or by name, or neither: this is not the person the face was taken for."""

    person: UUID | None = None
    name: str | None = Field(None, max_length=100, description="Made when nobody has this name.")
    nobody: bool = Field(False, description="Never take this face for anyone: a stranger, a statue.")


class FaceAssigned(PersonFace):
    person: UUID | None


class SamePersonPublic(Schema):
    first: PersonPublic
    second: PersonPublic
    distance: float = Field(description="Of the two groups of faces; 0.5 and below is taken for one person.")


@router.get(
    "/people", response_model=PeoplePage, responses=problems(401, 403, 422), summary="Who is on the photos"
)
def list_people(
    viewer: PhotoReader,
    session: ReadDb,
    min_faces: Annotated[
        int, Query(ge=0, description="Leave out unnamed people with fewer.")
    ] = people.SHOWN_FROM,
    hidden: Annotated[bool, Query(description="List the hidden people instead.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> PeoplePage:
    """Named people first, then those with most faces."""
    page = people.list_people(session, viewer, min_faces=min_faces, hidden=hidden, limit=limit, cursor=cursor)
    return PeoplePage(items=[PersonPublic.of(item) for item in page.items], next_cursor=page.next_cursor)


@router.get(
    "/people/suggestions",
    response_model=Listing[SamePersonPublic],
    responses=problems(401, 403, 422),
    summary="Is this the same person?",
)
def list_people_suggestions(
    viewer: PhotoReader, session: ReadDb, limit: Limit = 20
) -> Listing[SamePersonPublic]:
    """Pairs that are too near to be sure they differ and too far to be put together unasked, nearest first.

    Answer some and ask again: the rest moves up, so there is no cursor.
    """
    pairs = [
        SamePersonPublic(
            first=PersonPublic.of(question.first),
            second=PersonPublic.of(question.second),
            distance=round(question.distance, 4),
        )
        for question in merging.questions(session, viewer, limit=limit)
    ]
    return Listing(items=pairs)


@router.post(
    "/people/suggestions/{first}/{second}/accept",
    response_model=MergePublic,
    responses=problems(401, 403, 404, 422),
    summary="They are the same person",
)
def accept_suggestion(viewer: PhotoWriter, session: WriteDb, first: UUID, second: UUID) -> MergePublic:
    """Merges them; the answer's id takes it back."""
    merge = merging.accept(session, viewer, first, second)
    return MergePublic(id=merge.id, person=_person(session, viewer, merge.into_id))


@router.post(
    "/people/suggestions/{first}/{second}/reject",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="They are two people",
)
def reject_suggestion(viewer: PhotoWriter, session: WriteDb, first: UUID, second: UUID) -> None:
    """Never asked again, never put together by themselves."""
    merging.reject(session, viewer, first, second)


@router.post(
    "/people/merge",
    response_model=MergePublic,
    responses=problems(401, 403, 404, 422),
    summary="Make people one",
)
def merge_people(viewer: PhotoWriter, session: WriteDb, body: MergeRequest) -> MergePublic:
    """`into` keeps its name, or takes the first there is. The answer's id takes it back."""
    merge = merging.merge(session, viewer, body.people, body.into)
    return MergePublic(id=merge.id, person=_person(session, viewer, body.into))


@router.post(
    "/people/merges/{merge_id}/undo",
    response_model=list[PersonPublic],
    responses=problems(401, 403, 404, 409, 422),
    summary="Take a merge back",
)
def undo_merge(viewer: PhotoWriter, session: WriteDb, merge_id: UUID) -> list[PersonPublic]:
    """The people as they are then, the one that stayed first."""
    found = merging.undo(session, viewer, merge_id)
    return [PersonPublic.of(people.summarise(session, person)) for person in found]


@router.get(
    "/people/{person_id}",
    response_model=PersonPublic,
    responses=problems(401, 403, 404, 422),
    summary="One person",
)
def get_person(viewer: PhotoReader, session: ReadDb, person_id: PersonId) -> PersonPublic:
    return _person(session, viewer, person_id)


@router.get(
    "/people/{person_id}/photos",
    response_model=PhotoPage,
    responses=problems(401, 403, 404, 422),
    summary="A person's photos",
)
def list_person_photos(
    viewer: PhotoReader, session: ReadDb, person_id: PersonId, limit: Limit = 100, cursor: Cursor = None
) -> PhotoPage:
    """Newest capture first. For a named person, the search `person:"Name"` finds them, too."""
    page = people.photos_of(session, viewer, person_id, limit=limit, cursor=cursor)
    return PhotoPage(items=[PhotoItem.of(photo) for photo in page.items], next_cursor=page.next_cursor)


@router.get(
    "/people/{person_id}/faces",
    response_model=FacePage,
    responses=problems(401, 403, 404, 422),
    summary="A person's faces",
)
def list_person_faces(
    viewer: PhotoReader, session: ReadDb, person_id: PersonId, limit: Limit = 100, cursor: Cursor = None
) -> FacePage:
    page = people.faces_of(session, viewer, person_id, limit=limit, cursor=cursor)
    return FacePage(items=[PersonFace.of(face) for face in page.items], next_cursor=page.next_cursor)


@router.patch(
    "/people/{person_id}",
    response_model=PersonPublic,
    responses=problems(401, 403, 404, 422),
    summary="Name or hide a person, choose the cover",
)
def update_person(
    viewer: PhotoWriter, session: WriteDb, person_id: PersonId, body: PersonUpdate
) -> PersonPublic:
    people.update_person(session, viewer, person_id, **body.model_dump())
    return _person(session, viewer, person_id)


@router.post(
    "/people/{person_id}/split",
    status_code=201,
    response_model=PersonPublic,
    responses=problems(401, 403, 404, 422),
    summary="Make a new person of some faces",
)
def split_person(
    viewer: PhotoWriter, session: WriteDb, person_id: PersonId, body: SplitRequest
) -> PersonPublic:
    """The faces become someone else; the two are never put together again by themselves."""
    other = people.split(session, viewer, person_id, body.faces, body.name)
    return PersonPublic.of(people.summarise(session, other))


@router.post(
    "/faces/{face_id}/assign",
    response_model=FaceAssigned,
    responses=problems(401, 403, 404, 422),
    summary="Say who a face is",
)
def assign_face(viewer: PhotoWriter, session: WriteDb, face_id: FaceId, body: Assignment) -> FaceAssigned:
    """`person: null` alone means: not this person. The face never returns there but may join others."""
    face = people.assign(session, viewer, face_id, body.person, name=body.name, nobody=body.nobody)
    return FaceAssigned(**PersonFace.of(face).model_dump(), person=face.person_id)


@router.get(
    "/faces/{face_id}/crop",
    response_class=FileResponse,
    summary="A picture of one face",
    responses={200: {"content": {"image/webp": {}}}, **problems(401, 403, 404, 422)},
)
def get_face_crop(
    request: Request, viewer: PhotoReader, session: ReadDb, context: ContextDep, face_id: FaceId
) -> Response:
    """Square, 160 pixels, WebP; cacheable for ever."""
    face, photo = people.get_face(session, viewer, face_id)
    headers = {"Cache-Control": _IMMUTABLE, "ETag": f'"face-{face.id.hex}"'}
    if headers["ETag"] in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return FileResponse(face_crop(context, photo, face), media_type="image/webp", headers=headers)


def _person(session: ReadDb, viewer: PhotoReader, person_id: UUID) -> PersonPublic:
    return PersonPublic.of(people.summarise(session, people.get_person(session, viewer, person_id)))
