"""Why a photo has a tag: what saw it, how sure, where in the picture, or which examples it is like."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import numpy as np
from sqlalchemy import select

from app.context import Context
from app.db import ReadSession
from app.errors import NotFound
from app.models import DetectedObject, Face, Photo, PhotoTag, Stage, Tag
from app.search.tags import TagInfo, tag_book
from app.services.accounts import Viewer
from app.services.photos import get_photo
from app.services.renditions import rendition
from app.services.tagging import teaching, vocabulary
from app.services.understanding.heatmaps import paint

_SIDE = 512  # pixels of the long side of a map made of boxes


@dataclass(frozen=True)
class Place:
    """A box that speaks for the tag, relative to the picture, and what was seen there."""

    name: str
    confidence: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Evidence:
    """Everything that speaks for one tag on one photo: ``rows`` the strongest first."""

    tag: TagInfo
    rows: list[PhotoTag]
    places: list[Place]
    examples: list[tuple[UUID, float]]
    has_heat_map: bool


def evidence_of(session: ReadSession, viewer: Viewer, photo_id: UUID, slug: str) -> Evidence:
    """The evidence for a tag that a photo has (or that was rejected).

    Raises:
        NotFound: no such photo or tag of this viewer, or the photo does not have it.
    """
    photo = get_photo(session, viewer, photo_id)
    tag, rows = _speaking(session, viewer, photo, slug)
    shown = tag_book(session, viewer.user_id).shown(tag.id)
    if not rows or shown is None:
        raise NotFound("The photo does not have this tag.")
    places = _places(session, photo, tag, rows)
    seen = any(row.source == "scene" for row in rows) and bool(_classes(tag))
    return Evidence(shown, rows, places, teaching.nearest_examples(session, photo, tag), seen or bool(places))


def _speaking(session: ReadSession, viewer: Viewer, photo: Photo, slug: str) -> tuple[Tag, list[PhotoTag]]:
    """The tag, or the one of those shown as it that has the strongest evidence, and its rows, strongest first."""
    meant = {tag.id: tag for tag in vocabulary.meant(session, viewer, slug)}
    found = session.scalars(
        select(PhotoTag).where(PhotoTag.photo_id == photo.id, PhotoTag.tag_id.in_(meant))
    ).all()
    rows = sorted(found, key=lambda row: (row.source == "user", -row.confidence))
    tag = meant[rows[0].tag_id] if rows else next(iter(meant.values()))
    return tag, [row for row in rows if row.tag_id == tag.id]


def _under(tag: Tag) -> set[str]:
    """The tag's concept and all below it; nothing for a user's own tag."""
    from ml.vocabulary import load_vocabulary

    known = load_vocabulary()
    if tag.owner_id is not None or tag.slug not in known.concepts:
        return set()
    return {tag.slug, *known.descendants(tag.slug)}


def _classes(tag: Tag) -> set[str]:
    """The concepts under the tag that the scene network can point at."""
    from ml.vocabulary import load_vocabulary

    return _under(tag) & set(load_vocabulary().imagenet)


def _places(session: ReadSession, photo: Photo, tag: Tag, rows: list[PhotoTag]) -> list[Place]:
    """Boxes of objects that are the thing, and of faces where faces told."""
    from ml.vocabulary import load_vocabulary

    coco, under = load_vocabulary().coco, _under(tag)
    objects = session.scalars(
        select(DetectedObject)
        .where(DetectedObject.photo_id == photo.id)
        .order_by(DetectedObject.confidence.desc())
    )
    places = [
        Place(o.name, o.confidence, o.x, o.y, o.width, o.height) for o in objects if coco.get(o.name) in under
    ]
    if any(row.source == "face" for row in rows):
        faces = session.scalars(select(Face).where(Face.photo_id == photo.id).order_by(Face.score.desc()))
        places += [Place("face", f.score, f.x, f.y, f.width, f.height) for f in faces]
    return places


# --- heat maps ------------------------------------------------------------------------------------------------


def heat_map(context: Context, session: ReadSession, viewer: Viewer, photo_id: UUID, slug: str) -> Path:
    """The PNG of where a tag was seen: transparent where it was not, as wide and high in proportion as the photo.

    From the boxes when a detector saw it, else from the scene network, which looks again (in the child process, a
    second) and whose map is kept.

    Raises:
        NotFound: no such photo or tag, or nothing in the picture speaks for it in one place more than another.
    """
    photo = get_photo(session, viewer, photo_id)
    tag, rows = _speaking(session, viewer, photo, slug)
    places = _places(session, photo, tag, rows)
    by_scene = bool(_classes(tag)) and (not places or (bool(rows) and rows[0].source == "scene"))
    scene = session.get(Stage, (photo.id, "scenes"))
    version = f"{scene.model} {scene.version}" if scene is not None and by_scene else repr(places)
    key = hashlib.sha256(f"{tag.slug}|{by_scene}|{version}".encode()).hexdigest()[:20]
    path = context.storage.rendition(photo.checksum, f"heat-{key}")
    if path.is_file():
        return path
    if by_scene:
        preview, _ = rendition(context, photo.checksum, "preview")
        asked = {"path": str(preview), "slug": tag.slug, "checksum": photo.checksum, "kind": f"heat-{key}"}
        if context.lookout.ask("explain", **asked):
            return context.storage.rendition(photo.checksum, f"heat-{key}")
    if not places:
        raise NotFound("Nothing in the picture speaks for this tag in one place more than in another.")
    return context.storage.write_rendition(photo.checksum, f"heat-{key}", ".png", _drawn(photo, places))


def _drawn(photo: Photo, places: list[Place]) -> bytes:
    scale = _SIDE / max(photo.width, photo.height)
    height, width = max(1, round(photo.height * scale)), max(1, round(photo.width * scale))
    heat = np.zeros((height, width), np.float32)
    for place in places:
        rows = slice(int(place.y * height), int(np.ceil((place.y + place.height) * height)))
        columns = slice(int(place.x * width), int(np.ceil((place.x + place.width) * width)))
        heat[rows, columns] = np.maximum(heat[rows, columns], place.confidence)
    return paint(heat)
