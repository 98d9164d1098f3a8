"""What the networks saw in a photo, part by part, and what people said of it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from uuid import UUID

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.db import new_id, utcnow
from app.models.base import Base, cascade

if TYPE_CHECKING:
    from app.models.photos import Photo


DECIDED = text("state <> 'suggested'")


class Stage(Base):
    """One stage of understanding on one photo: which model ran when, how long it took, and how it failed."""

    __tablename__ = "stages"
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
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
    owner_id: Mapped[UUID | None] = mapped_column(cascade("users.id"))
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
    tag_id: Mapped[int] = mapped_column(cascade("tags.id"), primary_key=True)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    source: Mapped[str] = mapped_column(
        String(8), primary_key=True
    )  # scene guess object face cue learned user
    confidence: Mapped[float]
    state: Mapped[str] = mapped_column(String(9), default="suggested")  # suggested confirmed rejected
    model: Mapped[str | None] = mapped_column(String(80))
    photo: Mapped[Photo] = relationship(back_populates="tags")
    tag: Mapped[Tag] = relationship()
    __table_args__ = (
        # Whether a photo shows a tag is answered from this alone.
        Index("ix_photo_tags_photo", "photo_id", "tag_id", "state", "source", "confidence"),
        # What users decided: few rows among many, asked for by every query that names a tag.
        Index(
            "ix_photo_tags_decided",
            "tag_id",
            "state",
            "photo_id",
            sqlite_where=DECIDED,
            postgresql_where=DECIDED,
        ),
        {"sqlite_with_rowid": False},
    )


class TaughtTag(Base):
    """What was learned from the photos a user confirmed and rejected for a tag: a linear rule on their vectors."""

    __tablename__ = "taught_tags"
    tag_id: Mapped[int] = mapped_column(cascade("tags.id"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"), index=True)
    model: Mapped[str | None] = mapped_column(String(170))  # of the vectors; None before an example has one
    rule: Mapped[bytes | None]  # float32 little endian, see ml.teaching
    revision: Mapped[int] = mapped_column(default=0)  # grows with every verdict
    learned_revision: Mapped[int] = mapped_column(default=-1)  # the revision the rule knows
    learned_at: Mapped[datetime | None]


class TagChoice(Base):
    """What one user wants of a tag, of the vocabulary or their own: another name, another place in the tree, out of
    sight, or as one with another tag. The tag itself and everybody else's view of it stay as they are."""

    __tablename__ = "tag_choices"
    user_id: Mapped[UUID] = mapped_column(cascade("users.id"), primary_key=True)
    tag_id: Mapped[int] = mapped_column(cascade("tags.id"), primary_key=True)
    name_en: Mapped[str | None] = mapped_column(String(100))
    name_zh: Mapped[str | None] = mapped_column(String(100))
    moved: Mapped[bool] = mapped_column(default=False)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id", ondelete="SET NULL"), index=True)
    hidden: Mapped[bool] = mapped_column(default=False)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("tags.id", ondelete="SET NULL"), index=True)
    __table_args__ = (Index(None, "tag_id"),)


class DetectedObject(Base):
    __tablename__ = "objects"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)
    name: Mapped[str] = mapped_column(String(40))  # COCO name in English
    confidence: Mapped[float]
    x: Mapped[float]
    y: Mapped[float]
    width: Mapped[float]
    height: Mapped[float]
    model: Mapped[str] = mapped_column(String(80))
    __table_args__ = (Index(None, "name", "photo_id", "confidence"),)


class Cue(Base):
    """A measured quality of one photo: ``value`` in the cue's own unit, ``flagged`` by its calibrated rule."""

    __tablename__ = "cues"
    name: Mapped[str] = mapped_column(
        String(16), primary_key=True
    )  # sharpness exposure dark haze bw screenshot ...
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    value: Mapped[float]
    flagged: Mapped[bool]
    model: Mapped[str] = mapped_column(String(80))
    __table_args__ = (Index(None, "photo_id"), Index(None, "name", "flagged", "photo_id"))


class TextLine(Base):
    """One line of text recognised in a photo."""

    __tablename__ = "text_lines"
    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), index=True)
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
    photo_id: Mapped[UUID] = mapped_column(cascade("photos.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)  # visual semantic imgtext
    model: Mapped[str] = mapped_column(String(80))
    vector: Mapped[bytes]  # unit length, float16 little endian
    version: Mapped[int] = mapped_column(BigInteger, default=0)  # given by triggers: see app.search.numbering
    __table_args__ = (Index(None, "kind", "version"),)


class VectorCounter(Base):
    """One row: the last number given to a vector. It only grows."""

    __tablename__ = "vector_counter"
    id: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[int] = mapped_column(BigInteger)


class TagCount(Base):
    """A ledger: how many photos of an owner show a tag is the sum of its rows. See app.services.tagging.tag_counts."""

    __tablename__ = "tag_counts"
    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer, "sqlite"), primary_key=True)
    owner_id: Mapped[UUID] = mapped_column(cascade("users.id"))
    tag_id: Mapped[int] = mapped_column(cascade("tags.id"), index=True)
    delta: Mapped[int] = mapped_column(BigInteger)
    __table_args__ = (Index(None, "owner_id", "tag_id", "delta"),)
