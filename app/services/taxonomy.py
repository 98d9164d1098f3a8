"""Changing tags: a user's own are renamed, moved, merged and deleted; those of the vocabulary can be hidden."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import delete, select, update

from app.db import ReadSession, WriteSession, utcnow
from app.errors import Conflict, Invalid, NotAllowed
from app.models import HiddenTag, Job, Photo, PhotoTag, Tag, TaughtTag
from app.services import teaching, vocabulary
from app.services.accounts import Viewer


@dataclass(frozen=True)
class TagChange:
    """What is to change; None leaves a thing as it is. ``parent`` is a slug, or "" for the top of the tree."""

    name: str | None = None
    name_en: str | None = None
    name_zh: str | None = None
    parent: str | None = None
    hidden: bool | None = None
    merge_into: str | None = None


def update_tag(session: WriteSession, viewer: Viewer, slug: str, change: TagChange) -> Tag:
    """Change a tag; the one that is left (another when merged).

    Raises:
        NotFound: no such tag.
        NotAllowed: more than hiding is asked of a vocabulary tag.
        Invalid, Conflict: a bad name, a parent below the tag, a merge with itself.
    """
    tag = vocabulary.get_tag(session, viewer, slug)
    if tag.owner_id is None:
        if (change.name, change.name_en, change.name_zh, change.parent, change.merge_into) != (None,) * 5:
            raise NotAllowed("A tag of the vocabulary can only be hidden.")
        if change.hidden is not None:
            _hide(session, viewer, tag, change.hidden)
        return tag
    for field, value in (
        ("name_en", change.name_en or change.name),
        ("name_zh", change.name_zh or change.name),
    ):
        if value is not None:
            setattr(tag, field, _clean(value))
    if change.parent is not None:
        _move(session, viewer, tag, change.parent)
    if change.hidden is not None:
        tag.hidden = change.hidden
    _touch(session, tag)
    if change.merge_into is not None:
        return _merge(session, viewer, tag, change.merge_into)
    session.flush()
    return tag


def delete_tag(session: WriteSession, viewer: Viewer, slug: str) -> None:
    """Remove a tag of one's own from every photo, with all verdicts on it and what was learned from them.

    Raises:
        NotAllowed: it belongs to the vocabulary; hide it instead.
    """
    tag = vocabulary.get_tag(session, viewer, slug)
    if tag.owner_id is None:
        raise NotAllowed("A tag of the vocabulary cannot be deleted; hide it instead.")
    _touch(session, tag)
    _remove(session, tag)


def hidden_tags(session: ReadSession, viewer: Viewer) -> list[Tag]:
    """The vocabulary tags this user has hidden, and their own hidden ones."""
    chosen = select(HiddenTag.tag_id).where(HiddenTag.user_id == viewer.user_id)
    own = (Tag.owner_id == viewer.user_id) & Tag.hidden.is_(True)
    return list(session.scalars(select(Tag).where(Tag.id.in_(chosen) | own).order_by(Tag.slug)))


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("A tag has a name of 1 to 100 characters.", field="name")
    return name


def _hide(session: WriteSession, viewer: Viewer, tag: Tag, hidden: bool) -> None:
    if hidden:
        session.merge(HiddenTag(user_id=viewer.user_id, tag_id=tag.id))
    else:
        session.execute(
            delete(HiddenTag).where(HiddenTag.user_id == viewer.user_id, HiddenTag.tag_id == tag.id)
        )
    session.flush()


def _move(session: WriteSession, viewer: Viewer, tag: Tag, parent: str) -> None:
    if not parent:
        tag.parent_id = None
        return
    above: Tag | None = vocabulary.get_tag(session, viewer, parent)
    tag_above = above
    while above is not None:
        if above.id == tag.id:
            raise Conflict("A tag cannot be moved below itself.")
        above = session.get(Tag, above.parent_id) if above.parent_id is not None else None
    tag.parent_id = tag_above.id if tag_above is not None else None


def _merge(session: WriteSession, viewer: Viewer, gone: Tag, slug: str) -> Tag:
    """Every photo that was given ``gone`` by hand gets the other tag; what ``gone`` had learned is learned anew."""
    into = vocabulary.get_tag(session, viewer, slug)
    if into.id == gone.id:
        raise Conflict("A tag cannot be merged with itself.")
    by_user = PhotoTag.source == "user"
    decided = set(session.scalars(select(PhotoTag.photo_id).where(PhotoTag.tag_id == into.id, by_user)))
    confirmed = select(PhotoTag.photo_id).where(
        PhotoTag.tag_id == gone.id, by_user, PhotoTag.state == "confirmed"
    )
    # What is not a "corgi" may still be a "dog": a rejection says nothing about another tag.
    carried = [photo_id for photo_id in session.scalars(confirmed) if photo_id not in decided]
    teaching.decide_many(session, into, carried, "confirmed")
    taught = session.get(TaughtTag, gone.id) is not None and into.owner_id is not None
    session.execute(update(Tag).where(Tag.parent_id == gone.id).values(parent_id=into.id))
    if taught and session.get(TaughtTag, into.id) is None:
        session.add(TaughtTag(tag_id=into.id, owner_id=viewer.user_id))
        session.flush()
    _remove(session, gone)
    teaching.note_verdict(session, into)
    return into


def _remove(session: WriteSession, tag: Tag) -> None:
    tag_id = tag.id
    waiting = (Job.kind == teaching.KIND, Job.dedupe == str(tag_id))
    session.execute(delete(Job).where(*waiting, Job.state != "running"))
    session.expunge(tag)
    session.execute(delete(Tag).where(Tag.id == tag_id))
    session.expire_all()


def _touch(session: WriteSession, tag: Tag) -> None:
    photos = select(PhotoTag.photo_id).where(PhotoTag.tag_id == tag.id)
    session.execute(
        update(Photo).where(Photo.id.in_(photos)).values(updated_at=utcnow()),
        execution_options={"synchronize_session": False},
    )
