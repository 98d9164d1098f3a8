"""Rules of dynamic albums: reading and writing them, suggestions, exceptions, and all of them as one text."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Body
from starlette.responses import PlainTextResponse

from app.api.schemas import PhotoItem, problems
from app.api.schemas.albums import AlbumIdea, PinsPublic, QueryOrTree, QueryRead, RuleImported
from app.deps import AlbumReader, AlbumWriter, PhotoReader, ReadDb, WriteDb
from app.errors import Invalid
from app.search import count_photos, parse
from app.search.trees import from_tree, to_tree
from app.services.collections import album_rules, albums, ideas

router = APIRouter(tags=["albums"])


@router.post(
    "/queries/parse",
    response_model=QueryRead,
    responses=problems(401, 403, 422),
    summary="Read a query, as text or as JSON",
)
def read_query(viewer: PhotoReader, session: ReadDb, body: QueryOrTree) -> QueryRead:
    """Give `query` to get its tree, or `tree` to get its text. A fault in the text has a `position`, one in the JSON a
    `path`; both come with `suggestions`."""
    if body.query is not None and body.tree is not None:
        raise Invalid("Give either a query or a tree.", field="query")
    query = parse(body.query) if body.query is not None else from_tree(body.tree)
    return QueryRead(canonical=str(query), tree=to_tree(query), count=count_photos(session, viewer, query))


@router.get(
    "/albums/suggestions",
    response_model=list[AlbumIdea],
    responses=problems(401, 403),
    summary="Albums worth having",
)
def album_suggestions(viewer: AlbumReader, session: ReadDb) -> list[AlbumIdea]:
    """Trips, people together, places one returns to, the best of a year, screenshots, documents; those that are albums
    already are left out."""
    return [AlbumIdea.of(idea) for idea in ideas.ideas(session, viewer)]


@router.get(
    "/albums/rules",
    response_class=PlainTextResponse,
    responses=problems(401, 403),
    summary="All rules as text",
)
def export_rules(viewer: AlbumReader, session: ReadDb) -> PlainTextResponse:
    """A block of `album:`, `order:`, `rule:` for each dynamic album."""
    return PlainTextResponse(album_rules.export_rules(session, viewer))


@router.post(
    "/albums/rules",
    response_model=list[RuleImported],
    responses=problems(401, 403, 422),
    summary="Make albums from rules as text",
)
def import_rules(
    viewer: AlbumWriter,
    session: WriteDb,
    rules: Annotated[
        str,
        Body(
            media_type="text/plain",
            max_length=album_rules.MAX_TEXT,
            examples=["album: Summer\nrule: tag:beach\n"],
        ),
    ],
) -> list[RuleImported]:
    """What `GET /albums/rules` writes. An album of the same title takes the new rule. All of it or nothing; `line` says
    where a fault is."""
    return [RuleImported.of(one) for one in album_rules.import_rules(session, viewer, rules)]


@router.get(
    "/albums/{rule_id}/pins",
    response_model=PinsPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="A dynamic album's exceptions",
)
def album_pins(viewer: AlbumReader, session: ReadDb, rule_id: UUID) -> PinsPublic:
    """`PUT` and `DELETE` of `/albums/{album_id}/photos/{photo_id}` make them."""
    found = albums.pinned(session, viewer, rule_id)
    return PinsPublic(**{pin: [PhotoItem.of(photo) for photo in photos] for pin, photos in found.items()})


@router.delete(
    "/albums/{rule_id}/pins/{photo_id}",
    status_code=204,
    responses=problems(401, 403, 404, 409, 422),
    summary="Let the rule decide again",
)
def unpin_photo(viewer: AlbumWriter, session: WriteDb, rule_id: UUID, photo_id: UUID) -> None:
    albums.unpin(session, viewer, rule_id, photo_id)
