"""What a search is called in words: "Reptile", "Around Arezzo", "Anna · 2024" instead of the query's own spelling."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from app.db import ReadSession
from app.models import Album, Photo
from app.search.countries import chinese_name
from app.search.fields import BY_NAME
from app.search.language import And, Node, Phrase, Query, Term, Word
from app.search.tags import tag_book
from app.search.values import Chosen, Counted, Day, Interval, PhotoId, Text
from app.services.accounts import Viewer
from app.web.i18n import Translator
from app.web.parts import Headline
from app.web.seen import object_name

_MOST = 3  # conditions that are still a title
# Where one comes from with such a condition: the section of the rail, which is the way back too.
_SECTIONS = {
    "tag": "explore", "object": "explore", "person": "people", "place": "places", "country": "places",
    "near": "places", "album": "albums",
}  # fmt: skip


def headline(
    session: ReadSession, viewer: Viewer, query: Query, found: Sequence[Photo], t: Translator
) -> Headline | None:
    """None for what has no plain name: alternatives, exclusions, comparisons, and many conditions."""
    root = query.root
    parts = root.children if isinstance(root, And) else (root,) if root is not None else ()
    if not 0 < len(parts) <= _MOST:
        return None
    names = [_name(session, viewer, part, found, t) for part in parts]
    if not all(names):
        return None
    told = [name for name in names if name]
    if all(isinstance(part, Word) for part in parts):
        return Headline(" ".join(told))
    only = parts[0] if len(parts) == 1 else None
    if not isinstance(only, Term):
        return Headline(" · ".join(told))
    section = _SECTIONS.get(only.field, "archive" if str(only) == "is:archived" else "")
    key = f"search.kind.{only.field}"
    return Headline(
        told[0],
        kind=t(key) if t.has(key) else "",
        nav=section,
        back=f"/{section}" if section else "",
        back_name=t(f"nav.{section}") if section else "",
    )


def _name(
    session: ReadSession, viewer: Viewer, node: Node, found: Sequence[Photo], t: Translator
) -> str | None:
    if isinstance(node, Word):
        return str(node)
    if isinstance(node, Phrase):
        return f"“{node.text}”"
    if not isinstance(node, Term):
        return None
    value = node.value
    if node.field == "near":
        return _around(found, t)
    if isinstance(value, Text):
        return _text(session, viewer, node.field, value.text, found, t)
    if isinstance(value, Counted):
        return object_name(value.name, t) if value.count is None else None
    if isinstance(value, Chosen):
        choice = next((one for one in BY_NAME[node.field].choices if one.name == value.name), None)
        said = (choice.help_zh if t.language == "zh" else choice.help_en) if choice else value.name
        return t("nav.archive") if str(node) == "is:archived" else said[:1].upper() + said[1:]
    if isinstance(value, PhotoId):
        return t("photo.similar_heading")
    if isinstance(value, Interval) and node.field in ("year", "date", "taken"):
        return _span(value.low, value.high, t)
    return None


def _text(
    session: ReadSession, viewer: Viewer, field: str, text: str, found: Sequence[Photo], t: Translator
) -> str | None:
    if field == "tag":
        book = tag_book(session, viewer.user_id)
        known = book.by_slug.get(text) or min(book.find(text), default=None)
        named = book.by_id[known].name(t.language) if known is not None else text
        return named[:1].upper() + named[1:]
    if field == "country" and len(text) == 2:
        there = next((photo.country for photo in found if photo.country), None)
        return (chinese_name(text) if t.language == "zh" else None) or there or text.upper()
    if field == "album":
        try:
            album = session.get(Album, UUID(text))
        except ValueError:
            return text
        return album.title if album and album.owner_id == viewer.user_id else None
    return None if "*" in text else text


def _around(found: Sequence[Photo], t: Translator) -> str:
    """Named after the town most of what was found lies in."""
    towns = Counter(photo.city for photo in found if photo.city)
    return t("search.around", place=towns.most_common(1)[0][0]) if towns else t("search.around_here")


def _span(low: object, high: object, t: Translator) -> str | None:
    if low is None or high is None:
        return None
    return " – ".join(dict.fromkeys(_day(end, t) for end in (low, high)))


def _day(day: object, t: Translator) -> str:
    if not isinstance(day, Day):
        return str(day)
    if day.month is None:
        return str(day)
    return t.date(day.first) if day.day is not None else t.month(str(day))
