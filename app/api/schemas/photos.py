"""A photo, as lists show it and whole."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any, Literal, cast
from uuid import UUID

from pydantic import Field

from app.api.schemas.base import BoxSchema, Schema
from app.api.schemas.edits import EditPublic
from app.models import Face, Person, Photo
from app.search import Tile
from app.services.photos import PhotoDetail, TagOnPhoto

TagState = Literal["suggested", "confirmed", "rejected"]


class TagPublic(Schema):
    slug: str
    name: str
    confidence: float
    source: str
    state: TagState
    model: str | None
    broader: bool = Field(False, description="Another tag of the photo says it more exactly.")

    @classmethod
    def of(cls, seen: TagOnPhoto, language: str) -> TagPublic:
        name = seen.tag.name_zh if language == "zh" else seen.tag.name_en
        return cls(
            slug=seen.tag.slug,
            name=name,
            confidence=round(seen.confidence, 4),
            source=seen.source,
            state=cast("TagState", seen.state),
            model=seen.model,
            broader=seen.broader,
        )


class ObjectPublic(Schema):
    name: str
    confidence: float
    box: BoxSchema
    model: str


class PersonRef(Schema):
    id: UUID
    name: str


class FacePublic(Schema):
    id: UUID
    box: BoxSchema
    score: float
    person: PersonRef | None

    @classmethod
    def of(cls, face: Face, person: Person | None) -> FacePublic:
        return cls(
            id=face.id,
            box=BoxSchema.model_validate(face),
            score=round(face.score, 4),
            person=PersonRef.model_validate(person) if person else None,
        )


class CuePublic(Schema):
    name: str
    value: float
    flagged: bool


class TextPublic(Schema):
    content: str
    confidence: float
    box: BoxSchema


class StagePublic(Schema):
    stage: str
    model: str
    version: str
    at: datetime
    seconds: float
    error: str | None


class Place(Schema):
    latitude: float
    longitude: float
    altitude: float | None
    city: str | None
    region: str | None
    country: str | None
    country_code: str | None
    source: str | None


class PhotoItem(Schema):
    """A photo as lists show it."""

    id: UUID
    status: Literal["pending", "ready", "failed"]
    checksum: str
    filename: str
    format: str
    size: int = Field(description="Bytes of the original.")
    width: int = Field(description="Pixels, upright.")
    height: int
    taken_at: datetime = Field(description="Capture time with the offset of the place, when known.")
    added_at: datetime
    updated_at: datetime
    deleted_at: datetime | None
    title: str
    favorite: bool
    rating: int
    archived: bool
    thumbhash: str | None = Field(description="Tiny placeholder, base64 thumbhash.")
    score: float | None = Field(None, description="Relevance, for searches with free words.")
    reasons: list[dict[str, Any]] | None = Field(None, description="Why the photo was found.")

    @classmethod
    def of(
        cls, photo: Photo, score: float | None = None, reasons: list[dict[str, Any]] | None = None
    ) -> PhotoItem:
        return cls(**item_fields(photo), score=score, reasons=reasons)


class PhotoPage(Schema):
    items: list[PhotoItem]
    next_cursor: str | None


class PhotoIds(Schema):
    ids: list[UUID] = Field(max_length=500)


class PhotosGot(Schema):
    items: list[PhotoItem] = Field(description="In the order asked for.")
    missing: list[UUID] = Field(description="Deleted for good, or never yours.")


class PhotoPublic(PhotoItem):
    """Everything known about one photo."""

    description: str
    error: str | None
    frames: int
    orientation: int
    color_profile: str | None
    camera_make: str | None
    camera_model: str | None
    lens: str | None
    iso: int | None
    aperture: float | None
    exposure_time: float | None
    focal_length: float | None
    exif: dict[str, Any]
    place: Place | None
    tags: list[TagPublic]
    objects: list[ObjectPublic]
    faces: list[FacePublic]
    cues: list[CuePublic]
    text: list[TextPublic]
    edits: list[EditPublic]
    stages: list[StagePublic]

    @classmethod
    def from_detail(cls, detail: PhotoDetail, language: str) -> PhotoPublic:
        photo = detail.photo
        plain = (
            "description",
            "error",
            "frames",
            "orientation",
            "color_profile",
            "camera_make",
            "camera_model",
            "lens",
            "iso",
            "aperture",
            "exposure_time",
            "focal_length",
            "exif",
        )
        return cls(
            **item_fields(photo),
            **{name: getattr(photo, name) for name in plain},
            place=photo_place(photo),
            tags=[TagPublic.of(tag, language) for tag in detail.tags],
            objects=[
                ObjectPublic(
                    name=o.name,
                    confidence=round(o.confidence, 4),
                    model=o.model,
                    box=BoxSchema.model_validate(o),
                )
                for o in detail.objects
            ],
            faces=[FacePublic.of(face, person) for face, person in detail.faces],
            cues=[CuePublic.model_validate(cue) for cue in detail.cues],
            text=[
                TextPublic(content=t.content, confidence=t.confidence, box=BoxSchema.model_validate(t))
                for t in detail.text
            ],
            edits=[EditPublic.of(edit) for edit in detail.edits],
            stages=[StagePublic.model_validate(stage) for stage in detail.stages],
        )


class Location(Schema):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)


class PhotoUpdate(Schema):
    """Only the fields that are sent change; `location` null removes it."""

    title: str | None = Field(None, max_length=300)
    description: str | None = Field(None, max_length=10_000)
    favorite: bool | None = None
    rating: int | None = Field(None, ge=0, le=5)
    archived: bool | None = None
    taken_at: datetime | None = None
    location: Location | None = None


class BatchRequest(Schema):
    """Act on listed photos or on all that a query finds (1,000 at a time).

    `tag` and `untag` need `tag`; `album` and `unalbum` need `album_id`; `edit` needs `recipe`.
    """

    action: str = Field(examples=["favorite"])
    ids: list[UUID] | None = Field(None, max_length=1000)
    query: str | None = Field(None, max_length=4000, examples=["tag:dog year:2024"])
    tag: str | None = Field(None, max_length=100)
    album_id: UUID | None = None
    recipe: list[dict[str, Any]] | None = Field(None, max_length=100, examples=[[{"op": "auto_enhance"}]])
    title: str = Field("", max_length=200, description="Name of the edits.")


class BatchAnswer(Schema):
    done: int
    missing: list[UUID]
    refused: list[UUID] = Field([], description="Photos whose size or shape the recipe does not suit.")
    job: UUID | None = Field(None, description="Renders the edits; cancel it, or take its edits back.")


class DownloadRequest(Schema):
    """Listed photos, or all that a query finds (5,000 at a time)."""

    ids: list[UUID] | None = Field(None, max_length=5000)
    query: str | None = Field(None, max_length=4000, examples=['album:"Summer by the sea"'])
    version: Literal["original", "edited"] = Field(
        "original",
        description="`edited` gives each photo's newest edit, and the original where there is none.",
    )


class EditsTakenBack(Schema):
    done: int


class TagNodePublic(Schema):
    slug: str
    name: str
    name_en: str
    name_zh: str
    parent: str | None
    count: int
    own: bool = Field(description="Made or taught by you, not part of the vocabulary.")


class MonthCount(Schema):
    month: str = Field(examples=["2024-06"])
    count: int


def item_fields(photo: Photo) -> dict[str, Any]:
    """What a photo says of itself in a list; ``exif`` and what hangs on the photo are not touched."""
    names = (
        "id",
        "status",
        "checksum",
        "filename",
        "format",
        "size",
        "width",
        "height",
        "added_at",
        "updated_at",
        "deleted_at",
        "title",
        "favorite",
        "rating",
        "archived",
        "thumbhash",
    )
    return {**{name: getattr(photo, name) for name in names}, "taken_at": local_time(photo)}


def local_time(photo: Photo | Tile) -> datetime:
    """The capture time with its offset: the wall clock of the place and the right instant at once."""
    if photo.taken_offset is None:
        return photo.taken_at
    return photo.taken_at.astimezone(timezone(timedelta(minutes=photo.taken_offset)))


def photo_place(photo: Photo) -> Place | None:
    if photo.latitude is None or photo.longitude is None:
        return None
    return Place(
        latitude=photo.latitude,
        longitude=photo.longitude,
        altitude=photo.altitude,
        city=photo.city,
        region=photo.region,
        country=photo.country,
        country_code=photo.country_code,
        source=photo.location_source,
    )
