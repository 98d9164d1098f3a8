"""Photos: listing, reading, changing, tags, trash."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated, TypeVar

from fastapi import APIRouter, Query
from starlette.responses import JSONResponse

from app.api.schemas import (
    Cursor,
    Fields,
    Limit,
    PhotoId,
    PhotoIds,
    PhotoItem,
    PhotoPage,
    PhotoPublic,
    PhotosGot,
    PhotoUpdate,
    problems,
)
from app.deps import ContextDep, Language, PhotoReader, PhotoWriter, ReadDb, WriteDb
from app.errors import Invalid
from app.search import Hit, find_photos
from app.sentences import say
from app.services import photos

router = APIRouter(tags=["photos"])

PageOfPhotos = TypeVar("PageOfPhotos", PhotoPage, PhotosGot)


@router.get(
    "/photos", response_model=PhotoPage, responses=problems(401, 403, 422), summary="List or search photos"
)
def list_photos(
    viewer: PhotoReader,
    session: ReadDb,
    q: Annotated[
        str, Query(max_length=4000, description="The query language.", examples=["beach year:2024"])
    ] = "",
    order: Annotated[str | None, Query(description="newest, oldest, added or relevance.")] = None,
    trashed: Annotated[bool, Query(description="List the trash instead.")] = False,
    limit: Limit = 100,
    cursor: Cursor = None,
    fields: Fields = None,
) -> PhotoPage | JSONResponse:
    """Newest capture first; with free words, most relevant first and each item carries its `score` and `reasons`."""
    names = field_names(fields)
    page = find_photos(session, viewer, q, order=order, limit=limit, cursor=cursor, trashed=trashed)
    return only(PhotoPage(items=items_of(page.items), next_cursor=page.next_cursor), names)


@router.post(
    "/photos/get",
    response_model=PhotosGot,
    responses=problems(401, 403, 422),
    summary="Many photos by their ids",
)
def get_photos(
    viewer: PhotoReader, session: ReadDb, body: PhotoIds, fields: Fields = None
) -> PhotosGot | JSONResponse:
    """Up to 500 at once, trashed ones included, as lists show them."""
    names = field_names(fields)
    found = photos.get_photos(session, viewer, body.ids)
    there = {photo.id for photo in found}
    missing = [photo_id for photo_id in dict.fromkeys(body.ids) if photo_id not in there]
    return only(PhotosGot(items=[PhotoItem.of(photo) for photo in found], missing=missing), names)


def field_names(fields: str | None) -> set[str] | None:
    """The names in ``fields``; None for all. Raises Invalid for one an item does not have."""
    if fields is None:
        return None
    names = {name.strip() for name in fields.split(",") if name.strip()}
    unknown = sorted(names - set(PhotoItem.model_fields))
    if unknown or not names:
        raise Invalid(
            say("A photo in a list has the fields {known}.", known=", ".join(PhotoItem.model_fields)),
            field="fields",
            unknown=unknown,
        )
    return names


def only(page: PageOfPhotos, names: set[str] | None) -> PageOfPhotos | JSONResponse:
    """The page whole, or with only some fields of its items."""
    if names is None:
        return page
    rest = page.model_dump(mode="json", exclude={"items"})
    return JSONResponse(
        {"items": [item.model_dump(mode="json", include=names) for item in page.items], **rest}
    )


def items_of(hits: Sequence[Hit]) -> list[PhotoItem]:
    """Search hits as list items, each with its score and reasons where there are any."""
    return [PhotoItem.of(hit.photo, hit.score, [asdict(r) for r in hit.reasons] or None) for hit in hits]


@router.get(
    "/photos/{photo_id}",
    response_model=PhotoPublic,
    responses=problems(401, 403, 404, 422),
    summary="Everything about a photo",
)
def get_photo(viewer: PhotoReader, session: ReadDb, photo_id: PhotoId, language: Language) -> PhotoPublic:
    return PhotoPublic.from_detail(photos.describe(session, viewer, photo_id), language)


@router.patch(
    "/photos/{photo_id}",
    response_model=PhotoPublic,
    responses=problems(401, 403, 404, 422),
    summary="Change a photo's metadata",
)
def update_photo(
    viewer: PhotoWriter,
    session: WriteDb,
    photo_id: PhotoId,
    body: PhotoUpdate,
    language: Language,
) -> PhotoPublic:
    fields = body.model_dump(exclude={"location"})
    location = (body.location.latitude, body.location.longitude) if body.location else None
    cleared = "location" in body.model_fields_set and body.location is None
    change = photos.Change(**fields, location=location, clear_location=cleared)
    photos.update_photo(session, viewer, photo_id, change)
    return PhotoPublic.from_detail(photos.describe(session, viewer, photo_id), language)


@router.delete(
    "/photos/{photo_id}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Move a photo to the trash",
)
def trash_photo(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId) -> None:
    """It can be restored until its time in the trash is over."""
    photos.trash_photo(session, viewer, photo_id)


@router.post(
    "/photos/{photo_id}/restore",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Take a photo out of the trash",
)
def restore_photo(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId) -> None:
    photos.restore_photo(session, viewer, photo_id)


@router.delete("/trash", status_code=204, responses=problems(401, 403), summary="Empty the trash")
def empty_trash(viewer: PhotoWriter, context: ContextDep) -> None:
    """Removes the viewer's trashed photos for good. This alone cannot be undone."""
    with context.database.write() as session:
        checksums = photos.empty_trash(session, viewer)
    photos.forget_files(context, checksums)


@router.put(
    "/photos/{photo_id}/tags/{slug}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Add or confirm a tag",
)
def confirm_tag(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, slug: str) -> None:
    """By slug, or by name in either language; an unknown name becomes a tag of your own."""
    photos.confirm_tag(session, viewer, photo_id, slug)


@router.delete(
    "/photos/{photo_id}/tags/{slug}",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Remove or reject a tag",
)
def reject_tag(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, slug: str) -> None:
    """A later analysis does not bring it back; `DELETE .../verdict` takes the rejection back."""
    photos.reject_tag(session, viewer, photo_id, slug)


@router.delete(
    "/photos/{photo_id}/tags/{slug}/verdict",
    status_code=204,
    responses=problems(401, 403, 404, 422),
    summary="Take back what you said of a tag",
)
def forget_verdict(viewer: PhotoWriter, session: WriteDb, photo_id: PhotoId, slug: str) -> None:
    """Neither confirmed nor rejected any more: the tag is on the photo as far as a model sees it there."""
    photos.forget_verdict(session, viewer, photo_id, slug)
