"""All tables. Rules live in services; queries that lists share live in ``app.search`` and the services.

Conventions: ``*_at`` are instants (UTC); boxes are x, y, width, height in 0..1 of the upright picture; ``model`` is
the registry id that produced a value; ids seen from outside are UUIDv7.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from app.db import Id, UtcTime, new_id, utcnow


class Base(DeclarativeBase):
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map = {UUID: Id, datetime: UtcTime, dict[str, Any]: JSON, list[Any]: JSON}  # noqa: RUF012


def _cascade(column: str) -> ForeignKey:
    return ForeignKey(column, ondelete="CASCADE")


# --- accounts -------------------------------------------------------------------------------------------------


class User(Base):
    __tablename__ = "users"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    username: Mapped[str] = mapped_column(String(64))
    username_key: Mapped[str] = mapped_column(
        String(64), unique=True
    )  # casefolded: "Anna" and "anna" are one
    password_hash: Mapped[str] = mapped_column(String(256))
    is_admin: Mapped[bool] = mapped_column(default=False)
    language: Mapped[str | None] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    disabled_at: Mapped[datetime | None]


class SignIn(Base):
    """A session: one signed-in browser or client. Only the token's SHA-256 is kept."""

    __tablename__ = "sessions"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    user_agent: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime]


class ApiKey(Base):
    __tablename__ = "api_keys"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    user_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[list[Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    last_used_at: Mapped[datetime | None]


class LoginFailure(Base):
    """Recent failed sign-ins, for throttling across processes; rows older than the window are swept."""

    __tablename__ = "login_failures"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(200))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    __table_args__ = (Index(None, "key", "at"),)


# --- photos ---------------------------------------------------------------------------------------------------


class Photo(Base):
    __tablename__ = "photos"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"))
    checksum: Mapped[str] = mapped_column(String(64))  # SHA-256 hex of the original; names the blob
    checksum_sha1: Mapped[str] = mapped_column(String(40))
    size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(8))  # jpeg png gif bmp webp tiff heif avif
    filename: Mapped[str] = mapped_column(String(255), default="")
    device_id: Mapped[str | None] = mapped_column(String(100))
    device_asset_id: Mapped[str | None] = mapped_column(String(200))
    width: Mapped[int]  # of the upright picture
    height: Mapped[int]
    orientation: Mapped[int] = mapped_column(default=1)  # EXIF 1..8 as stored in the file
    frames: Mapped[int] = mapped_column(default=1)
    color_profile: Mapped[str | None] = mapped_column(String(100))

    status: Mapped[str] = mapped_column(String(8), default="pending")  # pending ready failed
    error: Mapped[str | None] = mapped_column(String(500))
    thumbhash: Mapped[str | None] = mapped_column(String(64))  # base64
    phash: Mapped[int | None] = mapped_column(BigInteger)  # 64-bit perceptual hash as a signed integer

    # When: taken_local is the wall clock where the photo was taken (order, months and date: use it); taken_at is
    # the instant, exact when the offset is known, else the wall clock read as UTC.
    taken_local: Mapped[datetime] = mapped_column(DateTime)
    taken_at: Mapped[datetime]
    taken_offset: Mapped[int | None]  # minutes east of UTC
    taken_source: Mapped[str] = mapped_column(String(8))  # user exif client file added
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]

    # What the user says
    title: Mapped[str] = mapped_column(String(300), default="")
    description: Mapped[str] = mapped_column(String(10_000), default="")
    favorite: Mapped[bool] = mapped_column(default=False)
    rating: Mapped[int] = mapped_column(default=0)
    archived: Mapped[bool] = mapped_column(default=False)

    # How: from EXIF
    camera_make: Mapped[str | None] = mapped_column(String(100))
    camera_model: Mapped[str | None] = mapped_column(String(100))
    lens: Mapped[str | None] = mapped_column(String(150))
    iso: Mapped[int | None]
    aperture: Mapped[float | None]  # f-number
    exposure_time: Mapped[float | None]  # seconds
    focal_length: Mapped[float | None]  # millimetres
    exif: Mapped[dict[str, Any]] = mapped_column(default=dict)  # every readable tag, name -> printable value

    # Where
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    altitude: Mapped[float | None]  # metres above sea level
    location_source: Mapped[str | None] = mapped_column(String(8))  # user exif
    country_code: Mapped[str | None] = mapped_column(String(2))
    country: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    city: Mapped[str | None] = mapped_column(String(100))

    tags: Mapped[list[PhotoTag]] = relationship(back_populates="photo", passive_deletes=True)

    __table_args__ = (
        UniqueConstraint("owner_id", "checksum"),
        Index(None, "owner_id", "checksum_sha1"),
        Index("ix_photos_timeline", "owner_id", "deleted_at", "archived", "taken_local", "id"),
        Index(None, "owner_id", "added_at"),
        Index(None, "owner_id", "country_code", "city"),
        Index(None, "owner_id", "camera_model"),
        Index(None, "checksum"),
        CheckConstraint("rating between 0 and 5", name="rating"),
        CheckConstraint("status in ('pending', 'ready', 'failed')", name="status"),
    )


class Stage(Base):
    """One stage of understanding on one photo: which model ran when, how long it took, and how it failed."""

    __tablename__ = "stages"
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    stage: Mapped[str] = mapped_column(
        String(16), primary_key=True
    )  # renditions tags objects faces embedding cues text
    model: Mapped[str] = mapped_column(String(80))
    version: Mapped[str] = mapped_column(String(16))
    at: Mapped[datetime] = mapped_column(default=utcnow)
    seconds: Mapped[float]
    error: Mapped[str | None] = mapped_column(String(500))
    __table_args__ = (Index(None, "stage", "model", "version"),)


class Tag(Base):
    """A concept. Vocabulary tags have no owner; taught and hand-made tags belong to their user."""

    __tablename__ = "tags"
    id: Mapped[int] = mapped_column(primary_key=True)
    slug: Mapped[str] = mapped_column(String(80))
    owner_id: Mapped[UUID | None] = mapped_column(_cascade("users.id"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id", ondelete="SET NULL"), index=True)
    name_en: Mapped[str] = mapped_column(String(100))
    name_zh: Mapped[str] = mapped_column(String(100))
    synonyms: Mapped[list[Any]] = mapped_column(default=list)  # both languages, lower case
    hidden: Mapped[bool] = mapped_column(default=False)
    __table_args__ = (
        Index("uq_tags_vocabulary", "slug", unique=True, sqlite_where=text("owner_id IS NULL"),
              postgresql_where=text("owner_id IS NULL")),
        UniqueConstraint("owner_id", "slug"),
    )  # fmt: skip


class PhotoTag(Base):
    """A tag on a photo from one source. ``state`` repeats the user's verdict on every row of (photo, tag), so that
    one condition, ``state <> 'rejected'``, answers every search."""

    __tablename__ = "photo_tags"
    tag_id: Mapped[int] = mapped_column(_cascade("tags.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    source: Mapped[str] = mapped_column(
        String(8), primary_key=True
    )  # scene guess object face cue learned user
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(String(9), default="suggested")  # suggested confirmed rejected
    model: Mapped[str | None] = mapped_column(String(80))
    photo: Mapped[Photo] = relationship(back_populates="tags")
    tag: Mapped[Tag] = relationship()
    __table_args__ = (Index(None, "photo_id"), {"sqlite_with_rowid": False})


class DetectedObject(Base):
    __tablename__ = "objects"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))  # COCO name in English
    confidence: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    model: Mapped[str] = mapped_column(String(80))
    __table_args__ = (Index(None, "name", "photo_id", "confidence"),)


class Person(Base):
    __tablename__ = "people"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    name: Mapped[str] = mapped_column(String(100), default="")
    hidden: Mapped[bool] = mapped_column(default=False)
    # A user named, merged or split this person, or put a face here: it never goes into another one by itself.
    settled: Mapped[bool] = mapped_column(default=False)
    cover_face_id: Mapped[UUID | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)


class Face(Base):
    __tablename__ = "faces"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), index=True)
    score: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    landmarks: Mapped[list[Any]] = mapped_column(default=list)  # five [x, y] points, relative like the box
    embedding: Mapped[bytes | None]  # float32 little endian
    model: Mapped[str] = mapped_column(String(80))
    person_id: Mapped[UUID | None] = mapped_column(ForeignKey("people.id", ondelete="SET NULL"), index=True)
    person_source: Mapped[str | None] = mapped_column(
        String(5)
    )  # model user; a user's word is never overwritten


class FaceRejection(Base):
    """A user said: this face is not this person."""

    __tablename__ = "face_rejections"
    face_id: Mapped[UUID] = mapped_column(_cascade("faces.id"), primary_key=True)
    person_id: Mapped[UUID] = mapped_column(_cascade("people.id"), primary_key=True)


class Cue(Base):
    """A measured quality of one photo: ``value`` in the cue's own unit, ``flagged`` by its calibrated rule."""

    __tablename__ = "cues"
    name: Mapped[str] = mapped_column(
        String(16), primary_key=True
    )  # sharpness exposure dark haze bw screenshot ...
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    value: Mapped[float]
    flagged: Mapped[bool]
    model: Mapped[str] = mapped_column(String(80))
    __table_args__ = (Index(None, "photo_id"), Index(None, "name", "flagged", "photo_id"))


class TextLine(Base):
    """One line of text recognised in a photo."""

    __tablename__ = "text_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), index=True)
    content: Mapped[str] = mapped_column(String(1000))
    confidence: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    model: Mapped[str] = mapped_column(String(80))


class Embedding(Base):
    """A vector of one photo. Vectors of different models are never compared."""

    __tablename__ = "embeddings"
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # visual semantic
    model: Mapped[str] = mapped_column(String(80))
    vector: Mapped[bytes]  # unit length, float16 little endian
    version: Mapped[int] = mapped_column(
        BigInteger, default=0
    )  # grows with every write: lets readers follow incrementally
    __table_args__ = (Index(None, "kind", "version"),)


class PhotoTerm(Base):
    """The word index: one row per word of a photo's title, description, file name, place or recognised text."""

    __tablename__ = "photo_terms"
    term: Mapped[str] = mapped_column(String(64), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    field: Mapped[str] = mapped_column(String(8), primary_key=True)  # title text name place
    __table_args__ = (Index(None, "photo_id", "field"), {"sqlite_with_rowid": False})


class PeopleApart(Base):
    """A user said: these two are different people. ``first_id`` < ``second_id``."""

    __tablename__ = "people_apart"
    first_id: Mapped[UUID] = mapped_column(_cascade("people.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(_cascade("people.id"), primary_key=True)
    __table_args__ = (Index(None, "second_id"),)


class PeopleSuggestion(Base):
    """Two people who may be one, as the last grouping saw it. ``second`` is the smaller one."""

    __tablename__ = "people_suggestions"
    first_id: Mapped[UUID] = mapped_column(_cascade("people.id"), primary_key=True)
    second_id: Mapped[UUID] = mapped_column(_cascade("people.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"))
    distance: Mapped[float]  # see ml.people
    __table_args__ = (Index(None, "second_id"), Index(None, "owner_id", "distance"))


class PeopleMerge(Base):
    """A user's merging of people, with what is needed to take it back."""

    __tablename__ = "people_merges"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    into_id: Mapped[UUID]  # may itself have gone into another person since
    before: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    undone_at: Mapped[datetime | None]


class TaughtTag(Base):
    """What was learned from the photos a user confirmed and rejected for a tag: a linear rule on visual vectors."""

    __tablename__ = "taught_tags"
    tag_id: Mapped[int] = mapped_column(_cascade("tags.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    model: Mapped[str | None] = mapped_column(String(170))  # of the vectors; None before an example has one
    rule: Mapped[bytes | None]  # float32 little endian, see ml.teaching
    revision: Mapped[int] = mapped_column(default=0)  # grows with every verdict
    learned_revision: Mapped[int] = mapped_column(default=-1)  # the revision the rule knows
    learned_at: Mapped[datetime | None]


class HiddenTag(Base):
    """A vocabulary tag that one user does not want to see."""

    __tablename__ = "hidden_tags"
    user_id: Mapped[UUID] = mapped_column(_cascade("users.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(_cascade("tags.id"), primary_key=True)
    __table_args__ = (Index(None, "tag_id"),)


# --- albums and edits -----------------------------------------------------------------------------------------


class Album(Base):
    __tablename__ = "albums"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(10_000), default="")
    kind: Mapped[str] = mapped_column(String(7), default="manual")  # manual dynamic
    query: Mapped[str | None] = mapped_column(String(4000))  # canonical text of a dynamic album's rule
    cover_photo_id: Mapped[UUID | None] = mapped_column(ForeignKey("photos.id", ondelete="SET NULL"))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    updated_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]
    __table_args__ = (CheckConstraint("(kind = 'dynamic') = (query is not null)", name="query_if_dynamic"),)


class AlbumPhoto(Base):
    """A photo in a manual album, or a pinned exception of a dynamic one (``pin`` always | never)."""

    __tablename__ = "album_photos"
    album_id: Mapped[UUID] = mapped_column(_cascade("albums.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    pin: Mapped[str | None] = mapped_column(String(6))
    added_at: Mapped[datetime] = mapped_column(default=utcnow)
    __table_args__ = (Index(None, "photo_id"),)


class Edit(Base):
    """A recipe applied to a photo's original; its result is a blob rendered by the worker."""

    __tablename__ = "edits"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), index=True)
    title: Mapped[str] = mapped_column(String(200), default="")
    recipe: Mapped[list[Any]]
    output: Mapped[dict[str, Any]] = mapped_column(default=dict)  # format, quality, metadata
    status: Mapped[str] = mapped_column(String(8), default="pending")  # pending ready failed
    error: Mapped[str | None] = mapped_column(String(500))
    checksum: Mapped[str | None] = mapped_column(String(64))  # of the rendered file
    format: Mapped[str | None] = mapped_column(String(8))
    size: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    deleted_at: Mapped[datetime | None]


# --- work -----------------------------------------------------------------------------------------------------


class Job(Base):
    """A durable unit of background work. ``state``: ready -> running -> done | failed | cancelled; paused while
    its campaign is.

    ``dedupe`` makes enqueueing idempotent: at most one ready or running job per (kind, dedupe).
    A running job whose lease has passed belongs to a dead worker and becomes ready again.
    """

    __tablename__ = "jobs"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(16))  # analyse edit people ...
    dedupe: Mapped[str] = mapped_column(String(100))
    owner_id: Mapped[UUID | None] = mapped_column(_cascade("users.id"))
    photo_id: Mapped[UUID | None] = mapped_column(_cascade("photos.id"), index=True)
    campaign_id: Mapped[UUID | None] = mapped_column(_cascade("campaigns.id"))
    payload: Mapped[dict[str, Any]] = mapped_column(default=dict)
    state: Mapped[str] = mapped_column(String(9), default="ready")
    priority: Mapped[int] = mapped_column(default=50)  # lower first: 10 a user waits, 50 upload, 90 campaign
    attempts: Mapped[int] = mapped_column(default=0)
    run_after: Mapped[datetime] = mapped_column(default=utcnow)
    lease_until: Mapped[datetime | None]
    worker: Mapped[str | None] = mapped_column(String(100))
    progress: Mapped[float] = mapped_column(default=0.0)  # 0..1
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    error: Mapped[str | None] = mapped_column(String(500))
    error_code: Mapped[str | None] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    __table_args__ = (
        Index("uq_jobs_active", "kind", "dedupe", unique=True, sqlite_where=text("state IN ('ready', 'running')"),
              postgresql_where=text("state IN ('ready', 'running')")),
        Index("ix_jobs_claim", "state", "kind", "priority", "id"),
        Index(None, "state", "lease_until"),
        Index(None, "owner_id", "state", "id"),
        Index(None, "campaign_id", "state"),
        CheckConstraint("state in ('ready', 'running', 'paused', 'done', 'failed', 'cancelled')", name="state"),
    )  # fmt: skip


class Campaign(Base):
    """A batch re-tagging run: which photos, which stages, how far, and what is needed to undo it."""

    __tablename__ = "campaigns"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_by: Mapped[UUID | None] = mapped_column(ForeignKey("users.id", ondelete="SET NULL"))
    query: Mapped[str] = mapped_column(String(4000), default="")
    stages: Mapped[list[Any]]
    model: Mapped[str | None] = mapped_column(String(80))
    only_outdated: Mapped[bool] = mapped_column(default=False)
    state: Mapped[str] = mapped_column(
        String(9), default="running"
    )  # running paused done cancelled undoing undone
    total: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    finished_at: Mapped[datetime | None]


class CampaignBefore(Base):
    """What one photo's replaced stages held before a campaign touched it; written in the same transaction."""

    __tablename__ = "campaign_before"
    campaign_id: Mapped[UUID] = mapped_column(_cascade("campaigns.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(_cascade("photos.id"), primary_key=True)
    before: Mapped[dict[str, Any]]


class KeyValue(Base):
    """Small facts of the installation: the vocabulary's version, chosen models, counters."""

    __tablename__ = "key_values"
    key: Mapped[str] = mapped_column(String(80), primary_key=True)
    value: Mapped[dict[str, Any]]


# --- clients on the road --------------------------------------------------------------------------------------


class ResumableUpload(Base):
    """An upload that arrives in pieces (tus). The file in the data folder knows how much of it is there."""

    __tablename__ = "uploads"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    length: Mapped[int] = mapped_column(BigInteger)
    options: Mapped[dict[str, Any]]  # what the client said about the photo
    checksum: Mapped[str | None] = mapped_column(String(64))  # SHA-256 the client announced
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    expires_at: Mapped[datetime] = mapped_column(index=True)
    photo_id: Mapped[UUID | None]  # what it became
    duplicate: Mapped[bool] = mapped_column(default=False)


class KeptAnswer(Base):
    """What an upload with an Idempotency-Key was answered, to be answered again when it is repeated."""

    __tablename__ = "kept_answers"
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    checksum: Mapped[str] = mapped_column(String(64))
    answer: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = mapped_column(default=utcnow, index=True)


class Change(Base):
    """The latest change of one thing of one user; written by the database's triggers, see app.services.sync."""

    __tablename__ = "changes"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # photo album member person tag
    entity: Mapped[str] = mapped_column(String(80), primary_key=True)  # ids in hexadecimal, a tag's slug
    sequence: Mapped[int] = mapped_column(BigInteger)
    gone: Mapped[bool]
    at: Mapped[datetime]
    __table_args__ = (Index(None, "owner_id", "sequence"),)


class ChangeCounter(Base):
    """The last sequence number given out for one user, and the last one whose tombstones have been forgotten."""

    __tablename__ = "change_counters"
    owner_id: Mapped[UUID] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)
    forgotten: Mapped[int] = mapped_column(BigInteger, default=0, server_default=text("0"))


class Share(Base):
    """A link to an album or a photo for whoever holds its token; only the token's SHA-256 is kept."""

    __tablename__ = "shares"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    owner_id: Mapped[UUID] = mapped_column(_cascade("users.id"), index=True)
    album_id: Mapped[UUID | None] = mapped_column(_cascade("albums.id"), index=True)
    photo_id: Mapped[UUID | None] = mapped_column(_cascade("photos.id"), index=True)
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str | None] = mapped_column(String(256))
    expires_at: Mapped[datetime | None]
    download: Mapped[bool] = mapped_column(default=False)
    location: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime] = mapped_column(default=utcnow)
    __table_args__ = (CheckConstraint("(album_id is null) <> (photo_id is null)", name="one_thing"),)
