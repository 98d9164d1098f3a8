"""The database side of tags: the vocabulary's rows, the tag tree with counts, and lookup by slug."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import and_, distinct, func, or_, select

from app.db import ReadSession, WriteSession
from app.errors import Invalid, NotFound
from app.models import KeyValue, Photo, PhotoTag, Tag, TagChoice
from app.search.tags import TagBook, TagInfo, tag_book
from app.search.terms import name_key
from app.sentences import say
from app.services.accounts import Viewer
from app.services.tagging import tag_counts


@dataclass(frozen=True)
class TagNode:
    """One tag of the tree; ``count`` is the number of the viewer's photos that carry the tag itself."""

    tag: TagInfo
    count: int


def sync_vocabulary(session: WriteSession) -> int:
    """Bring the vocabulary's rows in line with the shipped data; how many concepts there are.

    Cheap when nothing changed. Rows a user's photo refers to are kept: a concept that left the data is hidden.
    """
    from ml.vocabulary import load_vocabulary

    concepts = load_vocabulary().concepts
    digest = hashlib.sha256(repr(sorted(concepts.items())).encode()).hexdigest()
    known = session.get(KeyValue, "vocabulary")
    if known is not None and known.value.get("digest") == digest:
        return len(concepts)
    rows = {tag.slug: tag for tag in session.scalars(select(Tag).where(Tag.owner_id.is_(None)))}
    for slug, concept in concepts.items():
        tag = rows.get(slug)
        if tag is None:
            tag = rows[slug] = Tag(slug=slug)
            session.add(tag)
        tag.name_en, tag.name_zh = concept.name_en, concept.name_zh
        tag.synonyms = [*concept.synonyms_en, *concept.synonyms_zh]
        tag.hidden = False
    for slug, tag in rows.items():
        tag.hidden = tag.hidden or slug not in concepts
    session.flush()
    for slug, concept in concepts.items():
        rows[slug].parent_id = rows[concept.parent].id if concept.parent else None
    session.merge(KeyValue(key="vocabulary", value={"digest": digest}))
    return len(concepts)


def tag_tree(session: ReadSession, viewer: Viewer) -> list[TagNode]:
    """Every tag the viewer can see, parents before children is not promised; counts exclude trash and rejections."""
    book = tag_book(session, viewer.user_id)
    counts = {**tag_counts.counts(session, viewer.user_id), **_joint_counts(session, viewer, book)}
    return [TagNode(tag, counts.get(tag.id, 0)) for tag in sorted(book.by_id.values(), key=lambda t: t.slug)]


def _joint_counts(session: ReadSession, viewer: Viewer, book: TagBook) -> dict[int, int]:
    """Photos of the tags that others became one with: a photo that has several of them counts once."""
    counts = {}
    for tag_id in set(book.into.values()) & book.by_id.keys():
        there = (
            select(func.count(distinct(PhotoTag.photo_id)))
            .join(Photo, Photo.id == PhotoTag.photo_id)
            .where(PhotoTag.tag_id.in_(book.members(tag_id)), PhotoTag.source != "guess")
            .where(PhotoTag.state != "rejected", Photo.owner_id == viewer.user_id)
            .where(Photo.deleted_at.is_(None), Photo.archived.is_(False))
        )
        counts[tag_id] = session.scalar(there) or 0
    return counts


def get_tag(session: ReadSession, viewer: Viewer, slug: str) -> Tag:
    """The viewer's own tag of that slug, else the vocabulary's."""
    tag = session.scalar(
        select(Tag)
        .where(Tag.slug == slug, or_(Tag.owner_id.is_(None), Tag.owner_id == viewer.user_id))
        .order_by(Tag.owner_id.is_(None))
        .limit(1)
    )
    if tag is None:
        raise NotFound(say("There is no tag {slug}.", slug=slug))
    return tag


def meant(session: ReadSession, viewer: Viewer, slug: str) -> list[Tag]:
    """The tag a slug stands for in the viewer's eyes, and the tags that became one with it; that tag first."""
    tag, book = get_tag(session, viewer, slug), tag_book(session, viewer.user_id)
    ids = book.members(book.into.get(tag.id, tag.id))
    found = {other.id: other for other in session.scalars(select(Tag).where(Tag.id.in_(ids)))}
    return [found[i] for i in ids]


def find_tag(session: ReadSession, viewer: Viewer, name: str) -> str | None:
    """The slug of the tag that a name means to the viewer, in either language; one that is so named rather than a
    synonym, one of their own rather than the vocabulary's. None when nothing is called so."""
    book, key = tag_book(session, viewer.user_id), name_key(name)
    found = [book.by_id[tag] for tag in book.find(name)]
    by_name = lambda tag: key in (name_key(tag.name_en), name_key(tag.name_zh), name_key(tag.slug))  # noqa: E731
    best = min(found, key=lambda tag: (not by_name(tag), not tag.own, tag.slug), default=None)
    return best.slug if best is not None else None


def names(session: ReadSession, slugs: Sequence[str], language: str) -> dict[str, str]:
    """Slug -> name in a language, for those of the vocabulary's tags."""
    column = Tag.name_zh if language == "zh" else Tag.name_en
    rows = session.execute(select(Tag.slug, column).where(Tag.slug.in_(slugs), Tag.owner_id.is_(None)))
    return dict(rows.tuples().all())


def tag_ids(session: ReadSession, slugs: Collection[str]) -> dict[str, int]:
    """Slug -> id of these tags of the vocabulary."""
    rows = session.execute(select(Tag.slug, Tag.id).where(Tag.owner_id.is_(None), Tag.slug.in_(slugs)))
    return dict(rows.tuples().all())


def named(session: WriteSession, viewer: Viewer, name: str, *, synonyms: bool = True) -> Tag:
    """The tag a person means by a name in either language, by slug or by synonym; made as their own when new.

    Without ``synonyms`` only by its very name: the keyword "John" of another program is not the loo.

    Raises:
        Invalid: an empty name or one of more than 100 characters.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= 100 or not name.isprintable():
        raise Invalid("A tag has a name of 1 to 100 characters.", field="name")
    slug = slugify(name)
    # One that left the vocabulary keeps its row; its name may be a synonym of another now.
    visible = or_(and_(Tag.owner_id.is_(None), Tag.hidden.is_(False)), Tag.owner_id == viewer.user_id)
    same = or_(Tag.slug == slug, func.lower(Tag.name_en) == name.lower(), Tag.name_zh == name)
    tag = _renamed(session, viewer, name)
    if tag is None:
        tag = session.scalar(select(Tag).where(visible, same).order_by(Tag.owner_id.is_(None)).limit(1))
    if tag is None and synonyms:
        tag = _by_synonym(session, name)
    if tag is None:
        tag = Tag(slug=slug, owner_id=viewer.user_id, name_en=name, name_zh=name)
        session.add(tag)
        session.flush()
    return _in_sight(session, viewer, tag)


def _renamed(session: ReadSession, viewer: Viewer, name: str) -> Tag | None:
    """The tag to which the viewer gave this name."""
    called = or_(func.lower(TagChoice.name_en) == name.lower(), TagChoice.name_zh == name)
    mine = select(Tag).join(TagChoice, TagChoice.tag_id == Tag.id).where(TagChoice.user_id == viewer.user_id)
    return session.scalar(mine.where(called).limit(1))


def _in_sight(session: WriteSession, viewer: Viewer, tag: Tag) -> Tag:
    """The tag it became one with, if so; who names a hidden tag for a photo wants to see it again."""
    into = tag_book(session, viewer.user_id).into.get(tag.id)
    tag = session.get_one(Tag, into) if into is not None else tag
    choice = session.get(TagChoice, (viewer.user_id, tag.id))
    if choice is not None and choice.hidden:
        choice.hidden = False
        session.flush()
    return tag


def slugify(name: str) -> str:
    """A stable name for URLs and queries: lower case, words joined by hyphens; Chinese is kept as it is."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[^\w]+", "-", folded).strip("-")[:80] or "tag"


def _by_synonym(session: ReadSession, name: str) -> Tag | None:
    from ml.vocabulary import load_vocabulary

    slugs = load_vocabulary().find(name)
    if not slugs:
        return None
    return session.scalar(select(Tag).where(Tag.owner_id.is_(None), Tag.slug == slugs[0]))
