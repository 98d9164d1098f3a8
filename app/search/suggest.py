"""Completion: what the word at the end of a query could become, with how many photos it would find."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace

from sqlalchemy import distinct, func, select

from app.db import ReadSession
from app.models import Album, AlbumPhoto, Face, Person, Photo, PhotoTag, PhotoTerm, TagCount
from app.search import conditions as sql
from app.search.countries import chinese_name
from app.search.fields import FIELDS, Field, Kind, find_field
from app.search.library import object_things
from app.search.tags import TagBook, TagInfo, tag_book
from app.search.terms import lookup, name_key
from app.search.values import quote
from app.services.accounts import Viewer

MOST = 12
_COUNTED_TAGS = 30  # matching tags whose photos are counted, and photos of matching places
_COUNTED_PLACES = 5_000
_OPENING = '"＂“「『„'
_DATES = ("today", "yesterday", "last-7d", "last-30d", "last-1y")


@dataclass(frozen=True)
class Suggestion:
    """``text`` replaces the query from ``start`` on; ``label`` is what to show, ``count`` the photos it finds.

    ``kind``: field, choice, tag, object, person, place, album, camera, lens, year or date.
    """

    kind: str
    text: str
    label: str
    count: int | None = None
    start: int = 0


def suggest(session: ReadSession, viewer: Viewer, prefix: str, limit: int = MOST) -> list[Suggestion]:
    """Completions of the last word of ``prefix``, best first; none when it ends in a space."""
    start, word = last_word(prefix)
    if not word:
        return []
    name, colon, value = word.replace("：", ":").partition(":")
    field = find_field(name) if colon else None
    source = _Source(session, viewer)
    found = source.values(field, value.strip(_OPENING)) if field else source.anything(word)
    return [replace(one, start=start) for one in found[:limit]]


def last_word(text: str) -> tuple[int, str]:
    """Where the word at the end begins, and the word: with its field, and with an opened quotation."""
    start, closing = 0, ""
    for at, char in enumerate(text):
        if closing:
            closing = "" if char in closing else closing
        elif char in _OPENING:
            closing = {"“": '”"', "„": "“”", "「": "」", "『": "』"}.get(char, '"＂')
        elif char.isspace() or char in "()（），、；。":
            start = at + 1
    while text[start : start + 1] in ("-", "－", "−") and start < len(text):
        start += 1
    return start, text[start:]


class _Source:
    def __init__(self, session: ReadSession, viewer: Viewer) -> None:
        self.session = session
        self.viewer = viewer
        self.chinese = (viewer.language or "").startswith("zh")
        self.here = (
            Photo.owner_id == viewer.user_id,
            Photo.deleted_at.is_(None),
            Photo.archived.is_(False),
        )

    def anything(self, word: str) -> list[Suggestion]:
        key = name_key(word)
        if not key:
            return []
        fields = [
            Suggestion("field", f"{f.name}:", f.help_zh if self.chinese else f.help_en)
            for f in FIELDS
            if any(name.startswith(word.casefold()) for name in (f.name, *f.aliases))
        ]
        people = [replace(s, text=f"person:{quote(s.label)}") for s in self.people(word)]
        named = sorted([*self.tags(word), *people, *self.places(word)], key=lambda s: -(s.count or 0))
        return [*fields[:4], *named, *self.albums(word)]

    def values(self, field: Field, value: str) -> list[Suggestion]:
        sources: dict[str, Callable[[str], list[Suggestion]]] = {
            "tag": self.tags,
            "object": self.objects,
            "person": self.people,
            "place": self.places,
            "country": self.countries,
            "album": self.albums,
            "camera": self.cameras,
            "lens": self.lenses,
            "year": self.years,
        }
        if field.name in sources:
            return [_in_field(field, s) for s in sources[field.name](value)]
        if field.kind is Kind.CHOICE:
            return [
                Suggestion("choice", f"{field.name}:{c.name}", c.help_zh if self.chinese else c.help_en)
                for c in field.choices
                if any(name.startswith(value.casefold()) for name in (c.name, *c.aliases))
            ]
        known = _DATES if field.kind is Kind.DATE else tuple(e.partition(":")[2] for e in field.examples)
        kind = "date" if field.kind is Kind.DATE else "field"
        return [Suggestion(kind, f"{field.name}:{v}", v) for v in known if v.startswith(value)]

    def tags(self, word: str) -> list[Suggestion]:
        book = tag_book(self.session, self.viewer.user_id)
        found = _matching_tags(book, name_key(word))[:_COUNTED_TAGS]
        of_tag = TagCount.owner_id == self.viewer.user_id, TagCount.tag_id.in_([tag.id for tag in found])
        total = select(TagCount.tag_id, func.sum(TagCount.delta)).where(*of_tag).group_by(TagCount.tag_id)
        kept = {tag: int(count) for tag, count in self.session.execute(total).tuples()}
        joined = {tag.id: members for tag in found if len(members := book.members(tag.id)) > 1}
        counts = kept | {tag: self._photos_of(members) for tag, members in joined.items()}
        named = [Suggestion("tag", t.name(self.viewer.language), "", counts.get(t.id, 0)) for t in found]
        ranked = sorted(named, key=lambda s: (-(s.count or 0), len(s.text), s.text))
        return [replace(s, text=f"tag:{quote(s.text)}", label=s.text) for s in ranked]

    def _photos_of(self, tags: Collection[int]) -> int:
        """Photos with any of several tags: each counts once, so the kept counts do not help."""
        shown = PhotoTag.state != "rejected", PhotoTag.source != "guess"
        some = select(PhotoTag.photo_id).where(PhotoTag.tag_id.in_(tags), *shown)
        return self.session.scalar(select(func.count()).where(Photo.id.in_(some), *self.here)) or 0

    def objects(self, word: str) -> list[Suggestion]:
        return [
            Suggestion("object", name, label) for name, label in object_things(word, chinese=self.chinese)
        ]

    def people(self, word: str) -> list[Suggestion]:
        named = self.session.execute(
            select(Person.id, Person.name).where(
                Person.owner_id == self.viewer.user_id, Person.name != "", Person.hidden.is_(False)
            )
        ).tuples()
        names = {person_id: name for person_id, name in named if _begins(name, name_key(word))}
        # Only whom it will show are counted: of a photo must be known whether it is in view.
        faces = select(Face.person_id).where(Face.person_id.in_(list(names))).group_by(Face.person_id)
        some = self.session.scalars(faces.order_by(func.count().desc()).limit(MOST)).all()
        counted = self.session.execute(
            select(Face.person_id, func.count(distinct(Face.photo_id)))
            .join(Photo, Photo.id == Face.photo_id)
            .where(Face.person_id.in_(some), *self.here)
            .group_by(Face.person_id)
        ).tuples()
        return _ranked("person", word, [(names[i], count) for i, count in counted if i is not None])

    def places(self, word: str) -> list[Suggestion]:
        """Places are looked up in the word index first: grouping a whole library takes too long for a keystroke."""
        key = lookup(word)
        if not key:
            return []
        collation = "C" if self.session.get_bind().dialect.name == "postgresql" else None
        named = sql.word_rows(key, {"place"}, prefix=True, collation=collation)
        some = named.with_only_columns(PhotoTerm.photo_id).limit(_COUNTED_PLACES)
        rows = self.session.execute(
            select(Photo.city, Photo.region, Photo.country, func.count())
            .where(Photo.id.in_(some), *self.here)
            .group_by(Photo.city, Photo.region, Photo.country)
        )
        pairs = [(name, count) for *names, count in rows for name in dict.fromkeys(names) if name]
        return [replace(s, text=f"place:{quote(s.text)}") for s in _ranked("place", word, pairs)]

    def countries(self, word: str) -> list[Suggestion]:
        rows = self.session.execute(
            select(Photo.country_code, func.max(Photo.country), func.count())
            .where(Photo.country_code.is_not(None), *self.here)
            .group_by(Photo.country_code)
        )
        both = [
            (label, count)
            for code, name, count in rows
            for label in {name or code or "", (chinese_name(code) or "") if self.chinese else ""} - {""}
        ]
        return _ranked("place", word, both)

    def albums(self, word: str) -> list[Suggestion]:
        rows = self.session.execute(
            select(Album.title, Album.kind, func.count(AlbumPhoto.photo_id))
            .outerjoin(AlbumPhoto, AlbumPhoto.album_id == Album.id)
            .where(Album.owner_id == self.viewer.user_id, Album.deleted_at.is_(None))
            .group_by(Album.id, Album.title, Album.kind)
        ).tuples()
        lists = {title: count for title, kind, count in rows if kind == "manual"}
        titles = self.session.scalars(
            select(Album.title).where(Album.owner_id == self.viewer.user_id, Album.deleted_at.is_(None))
        )
        found = _ranked("album", word, [(title, lists.get(title, 0)) for title in titles])
        # Counting a dynamic album means running its rule: too much for a keystroke.
        return [replace(s, text=f"album:{quote(s.label)}", count=lists.get(s.label)) for s in found]

    def cameras(self, word: str) -> list[Suggestion]:
        return self._column("camera", Photo.camera_model, word)

    def lenses(self, word: str) -> list[Suggestion]:
        return self._column("lens", Photo.lens, word)

    def _column(self, kind: str, column: object, word: str) -> list[Suggestion]:
        counted = select(column, func.count()).where(column.is_not(None), *self.here).group_by(column)  # type: ignore[attr-defined,call-overload]
        return _ranked(kind, word, [(str(name), count) for name, count in self.session.execute(counted)])

    def years(self, word: str) -> list[Suggestion]:
        from app.search.find import timeline

        years: dict[str, int] = {}
        for month, count in timeline(self.session, self.viewer):
            years[month[:4]] = years.get(month[:4], 0) + count
        return [Suggestion("year", y, y, n) for y, n in years.items() if y.startswith(word)]


def _in_field(field: Field, one: Suggestion) -> Suggestion:
    """The same value after this field: a place may be asked for by ``place:`` or ``country:``."""
    return replace(one, text=f"{field.name}:{quote(one.label if one.kind != 'object' else one.text)}")


def _matching_tags(book: TagBook, key: str) -> list[TagInfo]:
    found = {tag for name, ids in book.names.items() if name.startswith(key) for tag in ids}
    tags = [book.by_id[tag] for tag in found]
    return sorted(tags, key=lambda t: (not name_key(t.name_en).startswith(key), len(t.name_en), t.id))


def _ranked(kind: str, word: str, rows: Iterable[tuple[str, int]]) -> list[Suggestion]:
    """The names that begin with ``word``, or have a word that does; the most frequent first."""
    key = name_key(word)
    total: dict[str, int] = {}
    for name, count in rows:
        if _begins(name, key):
            total[name] = total.get(name, 0) + count
    ranked = sorted(total.items(), key=lambda pair: (-pair[1], pair[0]))
    return [Suggestion(kind, name, name, count) for name, count in ranked]


def _begins(name: str, key: str) -> bool:
    known = name_key(name)
    return known.startswith(key) or f" {key}" in known
