"""Albums and tags."""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse

from app.api.photos import field_names, items_of, only
from app.api.schemas import (
    AlbumCreate,
    AlbumPublic,
    AlbumUpdate,
    Cursor,
    Fields,
    Limit,
    Listing,
    PhotoPage,
    TagNodePublic,
    problems,
)
from app.deps import AlbumReader, AlbumWriter, Language, PhotoReader, ReadDb, WriteDb
from app.errors import Invalid
from app.search import find_photos
from app.services.collections import albums
from app.services.tagging import vocabulary

router = APIRouter(tags=["albums"])


@router.get(
    "/albums",
    response_model=Listing[AlbumPublic],
    responses=problems(401, 403, 422),
    summary="List albums",
)
def list_albums(
    viewer: AlbumReader,
    session: ReadDb,
    kind: Annotated[Literal["manual", "dynamic"] | None, Query(description="Only these.")] = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> Listing[AlbumPublic]:
    """The latest changed first."""
    page = albums.list_albums(session, viewer, kind=kind, limit=limit, cursor=cursor)
    return Listing(items=[AlbumPublic.of(summary) for summary in page.items], next_cursor=page.next_cursor)


@router.post(
    "/albums",
    status_code=201,
    response_model=AlbumPublic,
    responses=problems(401, 403, 422),
    summary="Make an album",
)
def create_album(viewer: AlbumWriter, session: WriteDb, body: AlbumCreate) -> AlbumPublic:
    """A dynamic album needs a `query`; a bad one is refused with the position of the error."""
    if body.kind == "dynamic" and body.query is None:
        raise Invalid("A dynamic album needs a query.", field="query")
    if body.kind == "manual" and body.query is not None:
        raise Invalid("A manual album has no query.", field="query")
    album = albums.create_album(
        session, viewer, body.title, query=body.query, description=body.description, sort=body.sort
    )
    return AlbumPublic.of(albums.summarise(session, viewer, album))


@router.get(
    "/albums/{album_id}",
    response_model=AlbumPublic,
    responses=problems(401, 403, 404, 422),
    summary="One album",
)
def get_album(viewer: AlbumReader, session: ReadDb, album_id: UUID) -> AlbumPublic:
    album = albums.get_album(session, viewer, album_id)
    return AlbumPublic.of(albums.summarise(session, viewer, album))


@router.patch(
    "/albums/{album_id}",
    response_model=AlbumPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="Change an album",
)
def update_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID, body: AlbumUpdate) -> AlbumPublic:
    album = albums.update_album(session, viewer, album_id, **body.model_dump())
    return AlbumPublic.of(albums.summarise(session, viewer, album))


@router.delete(
    "/albums/{album_id}", status_code=204, responses=problems(401, 403, 404, 422), summary="Delete an album"
)
def delete_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID) -> None:
    """The photos stay; the album can be restored."""
    albums.delete_album(session, viewer, album_id)


@router.post(
    "/albums/{album_id}/restore",
    response_model=AlbumPublic,
    responses=problems(401, 403, 404, 422),
    summary="Bring a deleted album back",
)
def restore_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID) -> AlbumPublic:
    album = albums.restore_album(session, viewer, album_id)
    return AlbumPublic.of(albums.summarise(session, viewer, album))


@router.get(
    "/albums/{album_id}/photos",
    response_model=PhotoPage,
    responses=problems(401, 403, 404, 422),
    summary="An album's photos",
)
def list_album_photos(
    viewer: AlbumReader,
    session: ReadDb,
    album_id: UUID,
    q: Annotated[str, Query(max_length=3000)] = "",
    order: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
    fields: Fields = None,
) -> PhotoPage | JSONResponse:
    names = field_names(fields)
    album = albums.get_album(session, viewer, album_id)
    query = f"{albums.members(album)} ({q})" if q.strip() else albums.members(album)
    order = order or (None if q.strip() else album.sort)
    page = find_photos(session, viewer, query, order=order, limit=limit, cursor=cursor, archived=True)
    return only(PhotoPage(items=items_of(page.items), next_cursor=page.next_cursor), names)


@router.put(
    "/albums/{album_id}/photos/{photo_id}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Put a photo into an album",
)
def add_to_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID, photo_id: UUID) -> None:
    """In a dynamic album this pins the photo: always this one."""
    albums.add_photos(session, viewer, album_id, [photo_id])


@router.delete(
    "/albums/{album_id}/photos/{photo_id}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Take a photo out of an album",
)
def remove_from_album(viewer: AlbumWriter, session: WriteDb, album_id: UUID, photo_id: UUID) -> None:
    """In a dynamic album this is remembered: never this one."""
    albums.remove_photos(session, viewer, album_id, [photo_id])


@router.get(
    "/tags",
    response_model=list[TagNodePublic],
    responses=problems(401, 403),
    summary="The tag tree with counts",
)
def list_tags(
    viewer: PhotoReader,
    session: ReadDb,
    language: Language,
    used: Annotated[bool, Query(description="Only tags that are on a photo, and their parents.")] = False,
) -> list[TagNodePublic]:
    nodes = vocabulary.tag_tree(session, viewer)
    by_id = {node.tag.id: node.tag for node in nodes}
    keep = set(by_id)
    if used:
        keep = set()
        for node in nodes:
            tag = node.tag if node.count else None
            while tag is not None and tag.id not in keep:
                keep.add(tag.id)
                tag = by_id.get(tag.parent_id or -1)
    return [
        TagNodePublic(
            slug=node.tag.slug,
            name=node.tag.name_zh if language == "zh" else node.tag.name_en,
            name_en=node.tag.name_en,
            name_zh=node.tag.name_zh,
            parent=by_id[node.tag.parent_id].slug if node.tag.parent_id in by_id else None,
            count=node.count,
            own=node.tag.own,
        )
        for node in nodes
        if node.tag.id in keep
    ]
