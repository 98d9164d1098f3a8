"""The database side of tags: the vocabulary's rows, the tag tree with counts, and lookup by slug."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import ColumnElement, func, or_, select

from app.db import ReadSession, WriteSession
from app.errors import Invalid, NotFound
from app.models import HiddenTag, KeyValue, Tag
from app.sentences import say
from app.services import tag_counts
from app.services.accounts import Viewer


@dataclass(frozen=True)
class TagNode:
    """One tag of the tree; ``count`` is the number of the viewer's photos that carry the tag itself."""

    tag: Tag
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
    counts = tag_counts.counts(session, viewer.user_id)
    rows = session.scalars(
        select(Tag)
        .where(or_(Tag.owner_id.is_(None), Tag.owner_id == viewer.user_id))
        .where(Tag.hidden.is_(False), ~hidden_by(viewer.user_id))
        .order_by(Tag.slug)
    )
    return [TagNode(tag, counts.get(tag.id, 0)) for tag in rows]


def hidden_by(user_id: UUID) -> ColumnElement[bool]:
    """Tags this user has hidden for themselves."""
    chosen = select(HiddenTag.tag_id).where(HiddenTag.user_id == user_id, HiddenTag.tag_id == Tag.id)
    return chosen.exists()


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


def tag_ids(session: ReadSession) -> dict[str, int]:
    """Slug -> id of the vocabulary's tags."""
    rows = session.execute(select(Tag.slug, Tag.id).where(Tag.owner_id.is_(None)))
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
    visible = or_(Tag.owner_id.is_(None), Tag.owner_id == viewer.user_id)
    same = or_(Tag.slug == slug, func.lower(Tag.name_en) == name.lower(), Tag.name_zh == name)
    tag = session.scalar(select(Tag).where(visible, same).order_by(Tag.owner_id.is_(None)).limit(1))
    if tag is None and synonyms:
        tag = _by_synonym(session, name)
    if tag is None:
        tag = Tag(slug=slug, owner_id=viewer.user_id, name_en=name, name_zh=name)
        session.add(tag)
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
