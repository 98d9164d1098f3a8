"""The JSON shapes of the REST API. Names are the words of the design; times are ISO 8601."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Literal, cast
from uuid import UUID

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from app.models import Album, Edit, Face, Job, Person, Photo, User
from app.services.albums import AlbumSummary
from app.services.photos import PhotoDetail, TagOnPhoto

TagState = Literal["suggested", "confirmed", "rejected"]
Limit = Annotated[int, Query(ge=1, le=500, description="How many items at most.")]
Cursor = Annotated[str | None, Query(max_length=1000, description="`next_cursor` of the page before.")]
Fields = Annotated[
    str | None,
    Query(
        max_length=500,
        description="Only these fields of each item, separated by commas.",
        examples=["id,thumbhash"],
    ),
]
PhotoId = Annotated[UUID, Path(description="A photo's id.")]


class Schema(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Problem(BaseModel):
    """An error (RFC 9457): `type` is stable and meant for programs, `detail` for people."""

    model_config = ConfigDict(extra="allow")
    type: str = Field(examples=["urn:albumen:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is no such photo."])


_PROBLEMS = {
    401: "Sign-in needed (`not-signed-in`).",
    403: "Not allowed, or the key lacks the scope (`not-allowed`).",
    404: "No such thing, or not yours (`not-found`).",
    409: "It contradicts the present state (`conflict`).",
    410: "It is over: start again (`upload-expired`, `cursor-expired`, `share-expired`).",
    412: "Another version of the protocol is spoken here (`wrong-version`).",
    413: "Too large (`too-large`).",
    415: "Not a picture type Albumen keeps (`unsupported-image`).",
    422: "The request, query or picture is wrong (`invalid`, `bad-query`, `broken-image`).",
    423: "Another request is writing to it; see `Retry-After` (`upload-locked`).",
    429: "Too many requests; see `Retry-After` (`too-many-requests`).",
    460: "The bytes are not what their checksum says (`checksum-mismatch`).",
    507: "The disk is full (`storage-full`).",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries for the errors a route can answer with."""
    return {
        status: {
            "description": _PROBLEMS[status],
            "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for status in statuses
    }


# --- accounts -------------------------------------------------------------------------------------------------


class Credentials(Schema):
    username: str = Field(min_length=1, max_length=64, examples=["anna"])
    password: str = Field(min_length=1, max_length=1024, examples=["correct horse battery staple"])


class UserPublic(Schema):
    id: UUID
    username: str
    is_admin: bool
    language: str | None = None
    created_at: datetime | None = None
    disabled: bool = False

    @classmethod
    def of(cls, user: User) -> UserPublic:
        return cls(
            id=user.id,
            username=user.username,
            is_admin=user.is_admin,
            language=user.language,
            created_at=user.created_at,
            disabled=user.disabled_at is not None,
        )


class Me(Schema):
    id: UUID
    username: str
    is_admin: bool
    language: str | None
    scopes: list[str] | None = Field(description="null for a session, which may do everything its user may.")


class Session(Schema):
    token: str = Field(examples=["als_2lZ…"])
    user: UserPublic


class KeyCreate(Schema):
    name: str = Field(min_length=1, max_length=100, examples=["Anna's phone"])
    scopes: list[str] = Field(min_length=1, max_length=20, examples=[["photos.read", "photos.upload"]])


class KeyPublic(Schema):
    id: UUID
    name: str
    scopes: list[str]
    created_at: datetime
    last_used_at: datetime | None


class KeyCreated(KeyPublic):
    secret: str = Field(description="Shown only this once.", examples=["alk_1Yb…"])


class UserCreate(Credentials):
    is_admin: bool = False


class UserUpdate(Schema):
    password: str | None = Field(None, max_length=1024)
    is_admin: bool | None = None
    disabled: bool | None = None


# --- photos ---------------------------------------------------------------------------------------------------


class Uploaded(Schema):
    """The answer to an upload; sending the same bytes again is a success with `duplicate` true."""

    id: UUID
    checksum: str = Field(description="SHA-256 of the original, hexadecimal.")
    status: Literal["pending", "ready", "failed"]
    duplicate: bool
    trashed: bool = Field(False, description="The duplicate lies in the trash; restore it to see it again.")


class Base64Upload(Schema):
    filename: str = Field("", max_length=1000, examples=["IMG_2041.jpg"])
    data: str = Field(
        min_length=1,
        description="Base64, plain or as a data: URL.",
        examples=["data:image/jpeg;base64,/9j/4AAQ…"],
    )
    taken_at: datetime | None = None
    device_id: str | None = Field(None, max_length=100)
    device_asset_id: str | None = Field(None, max_length=200)
    album_id: UUID | None = None
    favorite: bool = False


class Checksums(Schema):
    checksums: list[str] = Field(max_length=5000, description="SHA-256 or SHA-1, hexadecimal.")


class Existing(Schema):
    existing: dict[str, UUID] = Field(description="Checksum as given -> photo id; unknown ones are left out.")


class UploadState(Schema):
    """How far a resumable upload is; `photo` once it is complete."""

    id: UUID
    length: int
    offset: int
    expires_at: datetime
    photo: Uploaded | None


class BoxSchema(Schema):
    """A rectangle relative (0..1) to the upright picture; x, y is the top left corner."""

    x: float
    y: float
    width: float
    height: float


class TagPublic(Schema):
    slug: str
    name: str
    confidence: float
    source: str
    state: TagState
    model: str | None

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


class EditPublic(Schema):
    id: UUID
    title: str
    recipe: list[dict[str, Any]]
    status: str
    error: str | None
    format: str | None
    width: int | None
    height: int | None
    created_at: datetime

    @classmethod
    def of(cls, edit: Edit) -> EditPublic:
        return cls.model_validate(edit)


class EditCreate(Schema):
    recipe: list[dict[str, Any]] = Field(max_length=100, examples=[[{"op": "dehaze", "strength": 0.6}]])
    title: str = Field("", max_length=200)


class EditRequested(Schema):
    edit: EditPublic
    job: UUID | None


class ProcessRequest(Schema):
    image: str = Field(min_length=1, description="Base64, plain or as a data: URL.")
    recipe: list[dict[str, Any]] = Field(default_factory=list, max_length=100)
    format: str | None = Field(None, max_length=8)


class ParameterPublic(Schema):
    name: str
    type: str
    description: str
    default: Any = None
    unit: str | None
    range: dict[str, Any] | None
    only_for: dict[str, list[Any]] | None


class OperationPublic(Schema):
    name: str
    kind: str
    title: str
    description: str
    parameters: list[ParameterPublic]
    seconds_per_megapixel: float


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
        return cls(**_item_fields(photo), score=score, reasons=reasons)


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
            **_item_fields(photo),
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
    """Act on listed photos or on all that a query finds (1,000 at a time)."""

    action: str = Field(examples=["favorite"])
    ids: list[UUID] | None = Field(None, max_length=1000)
    query: str | None = Field(None, max_length=4000, examples=["tag:dog year:2024"])
    tag: str | None = Field(None, max_length=100)
    album_id: UUID | None = None


class BatchAnswer(Schema):
    done: int
    missing: list[UUID]


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


# --- albums and jobs ------------------------------------------------------------------------------------------


class AlbumCreate(Schema):
    title: str = Field(min_length=1, max_length=200, examples=["Summer by the sea"])
    kind: Literal["manual", "dynamic"] = "manual"
    query: str | None = Field(None, max_length=4000, examples=["beach year:2024"])
    description: str = Field("", max_length=10_000)


class AlbumUpdate(Schema):
    title: str | None = Field(None, min_length=1, max_length=200)
    description: str | None = Field(None, max_length=10_000)
    query: str | None = Field(None, max_length=4000)
    cover_photo_id: UUID | None = None


class AlbumPublic(Schema):
    id: UUID
    title: str
    description: str
    kind: Literal["manual", "dynamic"]
    query: str | None
    count: int
    cover_photo_id: UUID | None
    created_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, summary: AlbumSummary) -> AlbumPublic:
        album: Album = summary.album
        return cls(
            id=album.id,
            title=album.title,
            description=album.description,
            kind=album.kind,  # type: ignore[arg-type]
            query=album.query,
            count=summary.count,
            cover_photo_id=summary.cover_photo_id,
            created_at=album.created_at,
            updated_at=album.updated_at,
        )


class JobPublic(Schema):
    id: UUID
    kind: str
    state: Literal["ready", "running", "done", "failed", "cancelled"]
    photo_id: UUID | None
    filename: str | None = None
    progress: float
    attempts: int
    error: str | None
    error_code: str | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None

    @classmethod
    def of(cls, job: Job, filename: str | None = None) -> JobPublic:
        return cls.model_validate(job).model_copy(update={"filename": filename})


class JobPage(Schema):
    items: list[JobPublic]
    next_cursor: str | None
    counts: dict[str, int]


def _item_fields(photo: Photo) -> dict[str, Any]:
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


def local_time(photo: Photo) -> datetime:
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
