"""Arranging tags: giving them another name or place, hiding them, making several one; and taking that back.

A user arranges tags for themselves: what they do to a tag of the vocabulary is kept as their choice (``TagChoice``) and
changes nobody else's view, and the tag as it ships is a restore away. Tags of their own are renamed, moved and hidden
themselves; they become one with others by choice, too, so that this can be undone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update

from app.db import ReadSession, WriteSession, utcnow
from app.errors import Conflict, Invalid, NotAllowed
from app.models import Job, Photo, PhotoTag, Tag, TagChoice
from app.search.tags import tag_book
from app.services.accounts import Viewer
from app.services.tagging import teaching, vocabulary

MAX_MERGED = 100


@dataclass(frozen=True)
class TagChange:
    """What is to change; None leaves a thing as it is. ``parent`` is a slug, or "" for the top of the tree."""

    name: str | None = None
    name_en: str | None = None
    name_zh: str | None = None
    parent: str | None = None
    hidden: bool | None = None
    merge_into: str | None = None


@dataclass(frozen=True)
class Arranged:
    """A tag and what its user made of it. ``tag`` has the names and the place it ships with or was made with.

    ``changed`` holds ``name``, ``parent``, ``hidden`` and ``merged`` as they apply.
    """

    tag: Tag
    name_en: str
    name_zh: str
    parent: str | None
    hidden: bool
    merged_into: str | None
    changed: tuple[str, ...]


def update_tag(session: WriteSession, viewer: Viewer, slug: str, change: TagChange) -> Arranged:
    """Change a tag in the viewer's eyes; the one that is left (another when merged).

    Raises:
        NotFound: no such tag.
        Invalid, Conflict: a bad name, a parent below the tag, a merge with itself.
    """
    tag = vocabulary.get_tag(session, viewer, slug)
    names = {
        field: _clean(value)
        for field, value in (
            ("name_en", change.name if change.name_en is None else change.name_en),
            ("name_zh", change.name if change.name_zh is None else change.name_zh),
        )
        if value is not None
    }
    target: Tag | TagChoice = tag if tag.owner_id is not None else _choice(session, viewer, tag)
    for field, value in names.items():
        setattr(target, field, value)
    if change.parent is not None:
        _move(session, viewer, tag, change.parent)
    if change.hidden is not None:
        target.hidden = change.hidden
    _touch(session, viewer, [tag.id])
    session.flush()
    if change.merge_into is not None:
        return merge_tags(session, viewer, [tag.slug], change.merge_into)
    _forget_idle(session, viewer, tag)
    return arranged(session, viewer, tag)


def merge_tags(session: WriteSession, viewer: Viewer, slugs: Sequence[str], into_slug: str) -> Arranged:
    """Show all of these as one tag from now on: their photos, names and what is below them become its.

    Nothing on the photos changes, so ``restore_tag`` takes it back.

    Raises:
        NotFound: no such tag.
        Invalid: none or too many; Conflict: a tag with itself, or with one that is already part of it.
    """
    if not 1 <= len(slugs) <= MAX_MERGED:
        raise Invalid("Say which tags are to become one.", field="tags")
    into = vocabulary.meant(session, viewer, into_slug)[0]
    gone = [vocabulary.get_tag(session, viewer, slug) for slug in dict.fromkeys(slugs)]
    if into.id in {tag.id for tag in gone}:
        raise Conflict("A tag cannot be merged with itself.")
    for tag in gone:
        _choice(session, viewer, tag).merged_into_id = into.id
    session.flush()
    _touch(session, viewer, [tag.id for tag in gone])
    return arranged(session, viewer, into)


def restore_tag(session: WriteSession, viewer: Viewer, slug: str) -> Arranged:
    """Take back what was done to a tag: its own name and place, in sight, by itself.

    A tag of the viewer's own keeps the name and the place they gave it.
    """
    tag = vocabulary.get_tag(session, viewer, slug)
    session.execute(delete(TagChoice).where(TagChoice.user_id == viewer.user_id, TagChoice.tag_id == tag.id))
    if tag.owner_id is not None:
        tag.hidden = False
    session.expire_all()
    _touch(session, viewer, [tag.id])
    return arranged(session, viewer, tag)


def delete_tag(session: WriteSession, viewer: Viewer, slug: str) -> None:
    """Remove a tag of one's own from every photo, with all verdicts on it and what was learned from them; tags of
    one's own that became one with it go, too.

    Raises:
        NotAllowed: it belongs to the vocabulary; hide it instead.
    """
    tag = vocabulary.get_tag(session, viewer, slug)
    if tag.owner_id is None:
        raise NotAllowed("A tag of the vocabulary cannot be deleted; hide it instead.")
    members = tag_book(session, viewer.user_id).members(tag.id)
    gone = session.scalars(select(Tag).where(Tag.id.in_(members), Tag.owner_id == viewer.user_id)).all()
    _touch(session, viewer, members)
    for own in gone:
        _remove(session, own)


def arranged(session: ReadSession, viewer: Viewer, tag: Tag) -> Arranged:
    """One tag as the viewer arranged it."""
    return _describe(session, [(tag, session.get(TagChoice, (viewer.user_id, tag.id)))])[0]


def changed_tags(session: ReadSession, viewer: Viewer) -> list[Arranged]:
    """The tags the viewer renamed, moved, hid or merged, by slug; of their own only hidden and merged ones."""
    mine = or_(Tag.owner_id.is_(None), Tag.owner_id == viewer.user_id)
    chosen = (TagChoice.tag_id == Tag.id) & (TagChoice.user_id == viewer.user_id)
    rows = session.execute(
        select(Tag, TagChoice)
        .outerjoin(TagChoice, chosen)
        .where(mine, or_(TagChoice.tag_id.is_not(None), (Tag.owner_id == viewer.user_id) & Tag.hidden))
        .order_by(Tag.slug)
    )
    return [tag for tag in _describe(session, rows.tuples().all()) if tag.changed]


def hidden_tags(session: ReadSession, viewer: Viewer) -> list[Arranged]:
    """The tags this user has hidden."""
    return [tag for tag in changed_tags(session, viewer) if tag.hidden]


def _describe(session: ReadSession, rows: Sequence[tuple[Tag, TagChoice | None]]) -> list[Arranged]:
    ids = {
        i
        for tag, choice in rows
        for i in (tag.parent_id, *((choice.parent_id, choice.merged_into_id) if choice else ()))
        if i
    }
    slugs = dict(session.execute(select(Tag.id, Tag.slug).where(Tag.id.in_(ids))).tuples().all())
    found = []
    for tag, choice in rows:
        wanted = choice or TagChoice(hidden=False, moved=False)
        hidden = tag.hidden or bool(wanted.hidden)
        parent = wanted.parent_id if wanted.moved else tag.parent_id
        marks = {
            "name": bool(wanted.name_en or wanted.name_zh),
            "parent": bool(wanted.moved),
            "hidden": hidden,
            "merged": wanted.merged_into_id is not None,
        }
        found.append(
            Arranged(
                tag,
                wanted.name_en or tag.name_en,
                wanted.name_zh or tag.name_zh,
                slugs.get(parent) if parent is not None else None,
                hidden,
                slugs.get(wanted.merged_into_id) if wanted.merged_into_id is not None else None,
                tuple(name for name, applies in marks.items() if applies),
            )
        )
    return found


def _choice(session: WriteSession, viewer: Viewer, tag: Tag) -> TagChoice:
    choice = session.get(TagChoice, (viewer.user_id, tag.id))
    if choice is None:
        choice = TagChoice(user_id=viewer.user_id, tag_id=tag.id, moved=False, hidden=False)
        session.add(choice)
    return choice


def _forget_idle(session: WriteSession, viewer: Viewer, tag: Tag) -> None:
    """Drop a choice that says nothing (a name set back to what it was, a tag shown again)."""
    choice = session.get(TagChoice, (viewer.user_id, tag.id))
    if choice is None:
        return
    if choice.name_en == tag.name_en:
        choice.name_en = None
    if choice.name_zh == tag.name_zh:
        choice.name_zh = None
    if choice.moved and choice.parent_id == tag.parent_id:
        choice.moved, choice.parent_id = False, None
    if not (choice.name_en or choice.name_zh or choice.moved or choice.hidden or choice.merged_into_id):
        session.delete(choice)
    session.flush()


def _clean(name: str) -> str:
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("A tag has a name of 1 to 100 characters.", field="name")
    return name


def _move(session: WriteSession, viewer: Viewer, tag: Tag, parent: str) -> None:
    """Under the tag of that slug, or to the top."""
    above = vocabulary.meant(session, viewer, parent)[0] if parent else None
    if above is not None:
        book = tag_book(session, viewer.user_id)
        if above.id in book.below([tag.id]) or above.id == tag.id:
            raise Conflict("A tag cannot be moved below itself.")
    place = above.id if above is not None else None
    if tag.owner_id is not None:
        tag.parent_id = place
        return
    choice = _choice(session, viewer, tag)
    choice.moved, choice.parent_id = True, place


def _remove(session: WriteSession, tag: Tag) -> None:
    tag_id = tag.id
    waiting = (Job.kind == teaching.KIND, Job.dedupe == str(tag_id))
    session.execute(delete(Job).where(*waiting, Job.state != "running"))
    session.expunge(tag)
    session.execute(delete(Tag).where(Tag.id == tag_id))
    session.expire_all()


def _touch(session: WriteSession, viewer: Viewer, tag_ids: Sequence[int]) -> None:
    """Clients that keep a copy of the viewer's photos are to fetch those with these tags again."""
    photos = select(PhotoTag.photo_id).where(PhotoTag.tag_id.in_(tag_ids))
    session.execute(
        update(Photo)
        .where(Photo.id.in_(photos), Photo.owner_id == viewer.user_id)
        .values(updated_at=utcnow()),
        execution_options={"synchronize_session": False},
    )
