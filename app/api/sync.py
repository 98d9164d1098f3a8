"""Delta sync for clients that keep a copy: what changed since last time, and counts to check the copy against."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import Field

from app.api.schemas import PhotoItem, Place, Schema, item_fields, photo_place, problems
from app.deps import PhotoReader, ReadDb
from app.models import Album, Person
from app.services.clients import sync
from app.services.clients.sync import Member, SyncedPhoto, Thing

router = APIRouter(tags=["sync"])


class ChangedPhoto(PhotoItem):
    """A photo as lists show it, and what lists of it depend on."""

    type: Literal["photo"] = "photo"
    description: str
    place: Place | None
    tags: list[str] = Field(description="Slugs; rejected ones are left out.")
    people: list[UUID]


class ChangedAlbum(Schema):
    type: Literal["album"] = "album"
    id: UUID
    title: str
    description: str
    kind: Literal["manual", "dynamic"]
    query: str | None
    cover_photo_id: UUID | None = Field(
        description="The chosen cover; null: the newest photo stands for the album."
    )


class ChangedMember(Schema):
    """A photo is in a manual album, or is always or never in a dynamic one."""

    type: Literal["member"] = "member"
    id: str = Field(description="`<album id>/<photo id>`")
    album_id: UUID
    photo_id: UUID
    pin: Literal["always", "never"] | None


class ChangedPerson(Schema):
    type: Literal["person"] = "person"
    id: UUID
    name: str
    hidden: bool
    cover_face_id: UUID | None


class ChangedTag(Schema):
    """A tag of the user's own; the vocabulary's are in GET /tags."""

    type: Literal["tag"] = "tag"
    id: str = Field(description="The slug.")
    name_en: str
    name_zh: str


class Gone(Schema):
    type: Literal["photo", "album", "member", "person", "tag"]
    id: str


Changed = Annotated[
    ChangedPhoto | ChangedAlbum | ChangedMember | ChangedPerson | ChangedTag, Field(discriminator="type")
]


class Changes(Schema):
    changed: list[Changed]
    deleted: list[Gone]
    cursor: str = Field(description="Send it as `since` next time.")
    has_more: bool = Field(description="Ask again at once; the copy is whole when this is false.")


class CountsPublic(Schema):
    photos: int = Field(description="Not in the trash; archived ones included.")
    trashed: int
    albums: int
    members: int
    people: int
    tags: int = Field(description="The user's own.")


@router.get(
    "/changes",
    response_model=Changes,
    responses=problems(401, 403, 410, 422),
    summary="What changed since last time",
)
def list_changes(
    viewer: PhotoReader,
    session: ReadDb,
    since: Annotated[
        str | None, Query(max_length=200, description="`cursor` of the page before; none to start.")
    ] = None,
    limit: Annotated[int, Query(ge=1, le=sync.MAX_PAGE)] = 200,
) -> Changes:
    """Put each thing in place of the one with the same type and id, remove the deleted ones, keep the cursor.

    Things may come in any order and more than once. Trashed photos are `changed`, with `deleted_at`; photos deleted
    for good are `deleted`. Albums and members need the scope albums.read besides photos.read. After a 410
    (`cursor-expired`) drop the copy and start without `since`.
    """
    delta = sync.changes(session, viewer, since, limit)
    return Changes(
        changed=[_changed(thing) for thing in delta.changed],
        deleted=[Gone(type=kind, id=_public_id(kind, name)) for kind, name in delta.deleted],  # type: ignore[arg-type]
        cursor=delta.cursor,
        has_more=delta.has_more,
    )


@router.get(
    "/changes/counts", response_model=CountsPublic, responses=problems(401, 403), summary="How much there is"
)
def count_synced(viewer: PhotoReader, session: ReadDb) -> CountsPublic:
    """What a copy that is up to date must hold."""
    return CountsPublic.model_validate(sync.counts(session, viewer))


def _changed(thing: Thing) -> Changed:
    if isinstance(thing, SyncedPhoto):
        return ChangedPhoto(
            **item_fields(thing.photo),
            description=thing.photo.description,
            place=photo_place(thing.photo),
            tags=thing.tags,
            people=thing.people,
        )
    if isinstance(thing, Member):
        name = f"{thing.album_id}/{thing.photo_id}"
        return ChangedMember(id=name, album_id=thing.album_id, photo_id=thing.photo_id, pin=thing.pin)  # type: ignore[arg-type]
    if isinstance(thing, Album):
        return ChangedAlbum.model_validate(thing)
    if isinstance(thing, Person):
        return ChangedPerson.model_validate(thing)
    return ChangedTag(id=thing.slug, name_en=thing.name_en, name_zh=thing.name_zh)


def _public_id(kind: str, name: str) -> str:
    if kind == "tag":
        return name
    if kind == "member":
        return f"{UUID(hex=name[:32])}/{UUID(hex=name[32:])}"
    return str(UUID(hex=name))
