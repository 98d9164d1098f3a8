"""One action on many photos: those that are listed, or those that a query finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from app.db import ReadSession, WriteSession
from app.errors import Invalid, NotFound
from app.search import find_photos
from app.sentences import say
from app.services import batch_edits, photos
from app.services.accounts import Viewer
from app.services.collections import albums
from app.services.photos import Change

MAX_BATCH = 1000

_Action = Callable[[WriteSession, Viewer, UUID], object]
_CHANGES = {
    "favorite": Change(favorite=True),
    "unfavorite": Change(favorite=False),
    "archive": Change(archived=True),
    "unarchive": Change(archived=False),
}
_SIMPLE: dict[str, _Action] = {
    "delete": photos.trash_photo,
    "restore": photos.restore_photo,
    "retag": photos.request_analysis,
}
ACTIONS = ("tag", "untag", "album", "unalbum", *_CHANGES, *_SIMPLE, "edit")


@dataclass(frozen=True)
class BatchResult:
    """How many photos were acted on, and those of a listed batch that do not exist.

    An edit is ``done`` when it is asked for; ``job`` renders them all, and ``refused`` are photos whose size or
    shape the recipe does not suit.
    """

    done: int
    missing: list[UUID]
    refused: list[UUID] = field(default_factory=list)
    job: UUID | None = None


@dataclass(frozen=True)
class Values:
    """What the actions need: ``tag`` and ``untag`` a tag, ``album`` and ``unalbum`` an album, ``edit`` a recipe."""

    tag: str | None = None
    album_id: UUID | None = None
    recipe: Sequence[Any] | None = None
    title: str = ""


def batch(
    session: WriteSession,
    viewer: Viewer,
    action: str,
    values: Values | None = None,
    *,
    ids: Sequence[UUID] | None = None,
    query: str | None = None,
) -> BatchResult:
    """Act on listed photos, or on all that match a query (at most 1,000 each time; call again for the rest).

    Raises:
        Invalid: an unknown action, one without what it needs, or too many photos.
        BadRecipe: the recipe of an edit is wrong for every photo.
    """
    values = values or Values()
    act = None if action == "edit" else _action(action, values)
    chosen = _chosen(session, viewer, ids, query, trashed=action == "restore")
    if act is None:
        found = photos.get_photos(session, viewer, chosen)
        asked = batch_edits.create(session, viewer, found, values.recipe, values.title)
        missing = sorted(set(chosen) - {photo.id for photo in found})
        return BatchResult(asked.count, missing, asked.refused, asked.job)
    done, gone = 0, []
    for photo_id in chosen:
        try:
            act(session, viewer, photo_id)
            done += 1
        except NotFound:
            gone.append(photo_id)
    return BatchResult(done, gone)


def _chosen(
    session: ReadSession, viewer: Viewer, ids: Sequence[UUID] | None, query: str | None, *, trashed: bool
) -> list[UUID]:
    """The photos a request speaks of, each once."""
    if (ids is None) == (query is None):
        raise Invalid("Give either ids or a query.", field="ids")
    if ids is None:
        page = find_photos(session, viewer, query or "", limit=MAX_BATCH, trashed=trashed)
        return [hit.photo.id for hit in page.items]
    if len(ids) > MAX_BATCH:
        raise Invalid(say("Act on at most {most:,} photos at once.", most=MAX_BATCH), field="ids")
    return list(dict.fromkeys(ids))


def _action(action: str, values: Values) -> _Action:
    tag, album = values.tag, values.album_id
    if action in ("tag", "untag"):
        if not tag:
            raise Invalid("Say which tag.", field="tag")
        decide: Callable[..., object] = photos.confirm_tag if action == "tag" else photos.reject_tag
        return lambda s, v, p: decide(s, v, p, tag)
    if action in ("album", "unalbum"):
        if album is None:
            raise Invalid("Say which album.", field="album_id")
        move: Callable[..., object] = albums.add_photos if action == "album" else albums.remove_photos
        return lambda s, v, p: move(s, v, album, [p])
    if action in _CHANGES:
        return lambda s, v, p: photos.update_photo(s, v, p, _CHANGES[action])
    if action not in _SIMPLE:
        known = ", ".join(ACTIONS)
        raise Invalid(
            say("There is no action {action}. Choose among: {known}.", action=action, known=known),
            field="action",
        )
    return _SIMPLE[action]
