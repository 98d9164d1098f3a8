"""The page where a user arranges tags: another name or place, out of sight, or several as one; all of it undoable."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.db import ReadSession
from app.errors import AppError, Invalid
from app.search.terms import name_key
from app.sentences import say
from app.services.accounts import Viewer
from app.services.tagging import taxonomy, vocabulary
from app.services.tagging.taxonomy import Arranged, TagChange
from app.services.tagging.vocabulary import TagNode
from app.web import present
from app.web.contexts import TagsPage
from app.web.i18n import Translator
from app.web.parts import ChangedTag, TagRow
from app.web.present import address
from app.web.rendering import respond
from app.web.shell import Form, PageViewer, go, shell_of, tell, text_of, translator_of

router = APIRouter()
HERE = "/explore/tags"
_ROWS = 50


@router.get(HERE)
def tags_page(
    request: Request, viewer: PageViewer, session: deps.ReadDb, q: str = "", after: str = ""
) -> Response:
    t = translator_of(request)
    nodes = vocabulary.tag_tree(session, viewer)
    names = {node.tag.id: present.tag_name(node, t) for node in nodes}
    found = _matching(nodes, q)
    start = next((i + 1 for i, node in enumerate(found) if node.tag.slug == after), 0)
    shown = found[start : start + _ROWS]
    more = start + _ROWS < len(found)
    labels = {node.tag.slug: names[node.tag.id] for node in nodes}
    changed = () if q or after else taxonomy.changed_tags(session, viewer)
    context = TagsPage(
        shell_of(request, "explore"),
        query=q,
        rows=tuple(_row(node, names, t) for node in shown),
        changed=tuple(_changed(tag, labels, t) for tag in changed),
        names=tuple(sorted({names[node.tag.id] for node in nodes if node.count or node.tag.own})),
        next_href=address(HERE, q=q, after=shown[-1].tag.slug) if more else "",
    )
    return respond(request, context)


def _matching(nodes: list[TagNode], words: str) -> list[TagNode]:
    """The tags in use and one's own, or all whose name holds the words; the most used first."""
    key = name_key(words)
    if key:
        kept = [
            n for n in nodes if any(key in name_key(x) for x in (n.tag.slug, n.tag.name_en, n.tag.name_zh))
        ]
    else:
        kept = [node for node in nodes if node.count or node.tag.own]
    return sorted(kept, key=lambda node: (-node.count, node.tag.slug))


def _row(node: TagNode, names: dict[int, str], t: Translator) -> TagRow:
    tag = node.tag
    parent = names.get(tag.parent_id, "") if tag.parent_id is not None else ""
    return TagRow(
        tag.slug,
        names[tag.id],
        tag.name_en,
        tag.name_zh,
        parent,
        present.tag_address(node),
        node.count,
        tag.own,
    )


def _changed(seen: Arranged, labels: dict[str, str], t: Translator) -> ChangedTag:
    shipped = seen.tag.name_zh if t.language == "zh" else seen.tag.name_en
    names = [(seen.name_en, seen.tag.name_en), (seen.name_zh, seen.tag.name_zh)]
    given = [now for now, before in (names[::-1] if t.language == "zh" else names) if now != before]
    said = {
        "name": t("tags.was_renamed", name=given[0] if given else shipped),
        "parent": t("tags.was_moved", parent=labels.get(seen.parent or "", t("tags.top"))),
        "hidden": t("tags.was_hidden"),
        "merged": t("tags.was_merged", into=labels.get(seen.merged_into or "", seen.merged_into or "")),
    }
    return ChangedTag(seen.tag.slug, shipped, tuple(said[what] for what in seen.changed))


# --- forms ----------------------------------------------------------------------------------------------


@router.post(HERE + "/{slug}")
def save(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    """Names and the tag above, as the form has them; those that are as they were change nothing."""
    try:
        before = taxonomy.arranged(session, viewer, vocabulary.get_tag(session, viewer, slug))
        parent = _slug_of(session, viewer, text_of(form, "parent")) if text_of(form, "parent") else ""
        change: dict[str, Any] = {
            field: text_of(form, field)
            for field in ("name_en", "name_zh")
            if text_of(form, field) != getattr(before, field)
        }
        if text_of(form, "parent") != text_of(form, "parent_before"):
            change["parent"] = parent
        after = taxonomy.update_tag(session, viewer, slug, TagChange(**change))
    except AppError as error:
        session.rollback()
        return tell(HERE, error.detail)
    # A user's own tag has no other state to go back to.
    return go(HERE, "tags.saved", undo="" if after.tag.owner_id is not None else _restore(slug))


@router.post(HERE + "/{slug}/merge")
def merge(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    try:
        into = taxonomy.merge_tags(session, viewer, [slug], _slug_of(session, viewer, text_of(form, "into")))
    except AppError as error:
        session.rollback()
        return tell(HERE, error.detail)
    return go(HERE, "tags.merged", undo=_restore(slug), into=into.name_en)


@router.post(HERE + "/{slug}/hide")
def hide(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    taxonomy.update_tag(session, viewer, slug, TagChange(hidden=True))
    return go(HERE, "tags.hidden", undo=_restore(slug))


@router.post(HERE + "/{slug}/restore")
def restore(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    taxonomy.restore_tag(session, viewer, slug)
    return go(HERE, "tags.restored")


@router.post(HERE + "/{slug}/delete")
def delete(form: Form, viewer: PageViewer, session: deps.WriteDb, slug: str) -> Response:
    try:
        taxonomy.delete_tag(session, viewer, slug)
    except AppError as error:
        return tell(HERE, error.detail)
    return go(HERE, "tags.deleted")


def _restore(slug: str) -> str:
    return f"{HERE}/{slug}/restore"


def _slug_of(session: ReadSession, viewer: Viewer, name: str) -> str:
    """The tag that somebody typed, by any of its names.

    Raises:
        Invalid: there is none.
    """
    found = vocabulary.find_tag(session, viewer, name)
    if found is None:
        raise Invalid(say("There is no tag {slug}.", slug=name), field="tag")
    return found
