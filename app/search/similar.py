"""Photos that look like another one, by the visual vectors the scene network made on the way to its tags."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from app.db import ReadSession
from app.errors import NotFound
from app.models import Photo
from app.search.matches import Floats, Match
from app.search.vectors import vector_index, vector_of
from app.services.accounts import Viewer

# Cosine from which photos count as similar (bench/retrieval.py prints how often such a pair is of one kind).
LEAST_SIMILAR = 0.5
MOST_SIMILAR = 200


def similar_photos(
    session: ReadSession, viewer: Viewer, photo_id: UUID, limit: int = 24
) -> list[tuple[Photo, float]]:
    """The viewer's photos most like one of theirs, with their cosine; trash and archive excluded.

    Raises:
        NotFound: no such photo of this viewer.
    """
    if session.scalar(select(Photo.owner_id).where(Photo.id == photo_id)) != viewer.user_id:
        raise NotFound("There is no such photo.")
    matches = similar_matches(session, viewer, photo_id, limit * 2 + 50)
    return _load(session, matches, limit)


def similar_to_vector(
    session: ReadSession, viewer: Viewer, model: str, vector: Floats, limit: int = 24
) -> list[tuple[Photo, float]]:
    """The same for a picture that is not in the library, by the visual vector ``model`` gave it."""
    index = vector_index(session, "visual")
    matches = index.search(session, model, vector, limit * 2 + 50, owner=viewer.user_id, least=LEAST_SIMILAR)
    return _load(session, matches, limit)


def similar_matches(session: ReadSession, viewer: Viewer, photo_id: UUID, limit: int) -> list[Match]:
    """The nearest vectors to a photo's, itself left out; none while it has no vector or is another user's."""
    own = vector_of(session, photo_id, "visual")
    if own is None or session.scalar(select(Photo.owner_id).where(Photo.id == photo_id)) != viewer.user_id:
        return []
    model, vector = own
    index = vector_index(session, "visual")
    found = index.search(session, model, vector, limit + 1, owner=viewer.user_id, least=LEAST_SIMILAR)
    return [match for match in found if match.photo_id != photo_id][:limit]


def _load(session: ReadSession, matches: list[Match], limit: int) -> list[tuple[Photo, float]]:
    ids = [match.photo_id for match in matches]
    there = Photo.deleted_at.is_(None), Photo.archived.is_(False)
    photos = {p.id: p for p in session.scalars(select(Photo).where(Photo.id.in_(ids), *there))}
    return [(photos[m.photo_id], m.similarity) for m in matches if m.photo_id in photos][:limit]
