"""From the tree of a query to one SQL condition, the owner's photos first."""

from __future__ import annotations

import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, Select, and_, cast, extract, func, not_, or_, select

from app.db import ReadSession, utcnow
from app.errors import BadQuery
from app.models import Album, AlbumPhoto, Cue, DetectedObject, Edit, Face, Photo, TextLine
from app.search import conditions as sql
from app.search.conditions import Condition
from app.search.countries import chinese_name
from app.search.evidence import WordEvidence, named_slugs, read_phrase, read_words, word_condition
from app.search.fields import BY_NAME
from app.search.language import And, Node, Not, Or, Phrase, Query, Term, Word, parse
from app.search.library import Library
from app.search.terms import lookup, name_key
from app.search.values import (
    Chosen,
    Counted,
    Day,
    Interval,
    Near,
    Number,
    PhotoId,
    Recent,
    Text,
)
from app.services.accounts import Viewer

MAX_ALBUM_DEPTH = 8
CUES = {"blurry": "sharpness", "dark": "dark", "hazy": "haze", "screenshot": "screenshot", "bw": "bw",
        "night": "night", "sunset": "sunset"}  # fmt: skip


@dataclass(frozen=True)
class FreeWords:
    """A group of free words that stands outside every negation: what ranking and reasons look at."""

    text: str
    words: tuple[WordEvidence, ...]
    confidence: Interval[Number] | None
    similar: dict[UUID, float] = field(default_factory=dict, compare=False)  # photo id -> cosine, by meaning


@dataclass(frozen=True)
class Plan:
    """A compiled query: ``where`` holds for the photos it finds."""

    where: Condition
    groups: tuple[FreeWords, ...]
    library: Library

    def photos(self) -> Select[Photo]:
        return select(Photo).where(self.where)


class FindMeaning(Protocol):
    """Photos by the sense of a text, with their similarity; see ``app.search.meaning``."""

    def __call__(
        self, text: str, *, words: int, slugs: Collection[str] = (), among: Collection[UUID] | None = None
    ) -> dict[UUID, float]: ...


SimilarTo = Callable[[UUID], list[UUID]]
# More candidates than this are not worth listing: the best of all are then the best of most of these, too.
MAX_CANDIDATES = 20_000


def visible(viewer: Viewer, *, trashed: bool = False) -> Select[Photo]:
    """The viewer's own photos, those in the trash or (by default) those outside it."""
    return select(Photo).where(_scope(viewer, trashed))


def compile_query(
    session: ReadSession,
    viewer: Viewer,
    query: Query,
    *,
    trashed: bool = False,
    archived: bool = False,
    meaning: FindMeaning | None = None,
    similar_to: SimilarTo | None = None,
    now: datetime | None = None,
) -> Plan:
    """Compile ``query`` for ``viewer``.

    Args:
        trashed: look in the trash instead of the library.
        archived: also find archived photos; a query that speaks of ``is:archived`` always does.
        meaning: finds photos by the sense of free words; without it only exact evidence counts.
        similar_to: the photos that look like one.

    Raises:
        BadQuery: the query names a tag, object or album that is not there, or an album that contains itself.
    """
    library = Library(session, viewer, now or utcnow())
    compiler = _Compiler(library, trashed, meaning, similar_to)
    found = compiler.node(query.root, None, False) if query.root is not None else sql.all_conditions([])
    parts = [_scope(viewer, trashed)]
    if not (archived or compiler.speaks_of_archived):
        parts.append(Photo.archived.is_(False))
    return Plan(and_(*parts, found), tuple(compiler.groups), library)


def _scope(viewer: Viewer, trashed: bool) -> Condition:
    in_place = Photo.deleted_at.is_not(None) if trashed else Photo.deleted_at.is_(None)
    return and_(Photo.owner_id == viewer.user_id, in_place)


class _Compiler:
    def __init__(
        self, library: Library, trashed: bool, meaning: FindMeaning | None, similar_to: SimilarTo | None
    ) -> None:
        self.library = library
        self.trashed = trashed
        self.meaning = meaning
        self.similar_to = similar_to
        self.groups: list[FreeWords] = []
        self.albums: list[Album] = []
        self.speaks_of_archived = False

    # -- structure -------------------------------------------------------------------------------------

    def node(self, node: Node, confidence: Interval[Number] | None, negative: bool) -> Condition:
        if isinstance(node, Not):
            return not_(self.node(node.child, confidence, not negative))
        if isinstance(node, Or):
            return or_(*(self.node(c, confidence, negative) for c in node.children))
        if isinstance(node, And):
            return self.conjunction(node, confidence, negative)
        if isinstance(node, Word):
            return self.words([node], confidence, negative)
        if isinstance(node, Phrase):
            return self.phrase(node, confidence, negative)
        return self.term(node, confidence)

    def conjunction(self, node: And, confidence: Interval[Number] | None, negative: bool) -> Condition:
        for child in node.children:
            if isinstance(child, Term) and child.field == "confidence":
                confidence = _numbers(child)
        words = [c for c in node.children if isinstance(c, Word)]
        parts = [self.node(c, confidence, negative) for c in node.children if not isinstance(c, Word)]
        if words:
            parts.append(self.words(words, confidence, negative, parts))
        return sql.all_conditions(parts)

    def words(
        self,
        words: Sequence[Word],
        confidence: Interval[Number] | None,
        negative: bool,
        beside: Sequence[Condition] = (),
    ) -> Condition:
        """Words of one group are matched together: all by evidence, or the whole text by its meaning."""
        text = " ".join(w.text for w in words)
        evidence = read_words(self.library, words)
        found = sql.all_conditions([word_condition(self.library, w, confidence) for w in evidence])
        if negative:
            return found  # what merely resembles the words is not excluded
        similar: dict[UUID, float] = {}
        if self.meaning is not None and not any(w.prefix for w in words):
            similar = self.meaning(
                text,
                words=len(evidence),
                slugs=named_slugs(self.library, words),
                among=self.candidates(beside),
            )
        self.groups.append(FreeWords(text, tuple(evidence), confidence, similar))
        return or_(found, Photo.id.in_(list(similar))) if similar else found

    def phrase(self, phrase: Phrase, confidence: Interval[Number] | None, negative: bool) -> Condition:
        evidence = read_phrase(self.library, phrase.text)
        if not negative:
            self.groups.append(FreeWords(phrase.text, (evidence,), confidence))
        return word_condition(self.library, evidence, confidence)

    def candidates(self, beside: Sequence[Condition]) -> list[UUID] | None:
        """The photos that meet the conditions beside the words, if they are few: the nearest of those count."""
        if not beside:
            return None
        scope = _scope(self.library.viewer, self.trashed)
        few = select(Photo.id).where(scope, *beside).limit(MAX_CANDIDATES + 1)
        ids = list(self.library.session.scalars(few))
        return ids if len(ids) <= MAX_CANDIDATES else None

    def term(self, term: Term, confidence: Interval[Number] | None) -> Condition:
        if term.field in _TERMS:
            return _TERMS[term.field](self, term, confidence)
        field_ = BY_NAME[term.field]
        assert field_.column is not None
        return sql.in_interval(getattr(Photo, field_.column), _numbers(term), field_.rounding)

    def fail(self, term: Term, detail: str, suggestions: list[str]) -> BadQuery:
        if self.albums:  # the position would lie in the album's own rule
            detail = f"In the album “{self.albums[0].title}”: {detail}"
            return BadQuery(detail, position=0, suggestions=suggestions)
        return BadQuery(detail, position=term.position, suggestions=suggestions)


Compiled = Callable[[_Compiler, Term, "Interval[Number] | None"], Condition]
_TERMS: dict[str, Compiled] = {}


def _compiles(name: str) -> Callable[[Compiled], Compiled]:
    def register(function: Compiled) -> Compiled:
        _TERMS[name] = function
        return function

    return register


def _text(term: Term) -> str:
    assert isinstance(term.value, Text)
    return term.value.text


def _numbers(term: Term) -> Interval[Number]:
    assert isinstance(term.value, Interval)
    return typing.cast("Interval[Number]", term.value)


def _days(term: Term) -> Interval[Day]:
    assert isinstance(term.value, Interval)
    return typing.cast("Interval[Day]", term.value)


@_compiles("tag")
def _tag(c: _Compiler, term: Term, confidence: Interval[Number] | None) -> Condition:
    name = _text(term)
    roots = c.library.tags.find(name)
    if not roots:
        near = c.library.tags.nearest(name)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise c.fail(term, f"There is no tag “{name}”.{hint}", [f"tag:{Text(n)}" for n in near])
    return sql.tagged(c.library.tags.below(roots), roots, confidence)


@_compiles("object")
def _object(c: _Compiler, term: Term, confidence: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Counted)
    names = c.library.object_names(term.value.name)
    if not names:
        near = c.library.near_objects(term.value.name)
        hint = f" Did you mean {' or '.join(near)}?" if near else ""
        raise c.fail(
            term, f"Albumen does not look for objects named “{term.value.name}”.{hint}",
            [f"object:{Text(n)}" for n in near],
        )  # fmt: skip
    where: list[Condition] = [DetectedObject.name.in_(sorted(names))]
    if confidence is not None:
        where.append(sql.in_interval(DetectedObject.confidence, confidence))
    if term.value.count is None:
        return sql.of_photos(select(DetectedObject.photo_id).where(*where))
    return sql.has_count(DetectedObject, term.value.count, *where)


@_compiles("person")
def _person(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.showing(c.library.named(_text(term)))


@_compiles("faces")
def _faces(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.has_count(Face, _numbers(term))


@_compiles("album")
def _album(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    found = _find_albums(c, _text(term))
    if not found:
        raise c.fail(term, f"There is no album “{_text(term)}”.", _near_albums(c, _text(term)))
    return sql.any_condition([_album_photos(c, term, album) for album in found])


def _find_albums(c: _Compiler, name: str) -> list[Album]:
    own = select(Album).where(Album.owner_id == c.library.viewer.user_id, Album.deleted_at.is_(None))
    try:
        album_id = UUID(name)
    except ValueError:
        titles = c.library.session.scalars(own.order_by(Album.id))
        return [a for a in titles if name_key(a.title) == name_key(name)]
    return list(c.library.session.scalars(own.where(Album.id == album_id)))


def _near_albums(c: _Compiler, name: str) -> list[str]:
    titles = c.library.session.scalars(
        select(Album.title).where(Album.owner_id == c.library.viewer.user_id, Album.deleted_at.is_(None))
    )
    return [f"album:{Text(t)}" for t in get_close_matches(name, list(titles), 3, 0.5)]


def _album_photos(c: _Compiler, term: Term, album: Album) -> Condition:
    """A manual album is its list; a dynamic one its rule, with what was pinned in and out."""
    listed = select(AlbumPhoto.photo_id).where(AlbumPhoto.album_id == album.id)
    pinned = or_(AlbumPhoto.pin.is_(None), AlbumPhoto.pin != "never")
    if album.query is None:
        return sql.of_photos(listed.where(pinned))
    if album.id in [a.id for a in c.albums]:
        chain = " → ".join(f"“{a.title}”" for a in [*c.albums, album])
        raise c.fail(term, f"An album cannot contain itself: {chain}.", [])
    if len(c.albums) >= MAX_ALBUM_DEPTH:
        raise c.fail(term, f"Albums refer to each other more than {MAX_ALBUM_DEPTH} deep.", [])
    c.albums.append(album)
    rule = parse(album.query)
    inside = c.node(rule.root, None, False) if rule.root is not None else sql.all_conditions([])
    c.albums.pop()
    never = listed.where(AlbumPhoto.pin == "never")
    return or_(and_(inside, Photo.id.not_in(never)), Photo.id.in_(listed.where(pinned)))


@_compiles("place")
def _place(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name = _text(term)
    prefix = name.endswith("*")
    return sql.worded(lookup(name), ("place",), prefix=prefix, collation=c.library.collation)


@_compiles("country")
def _country(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    wanted = name_key(_text(term))
    rows = c.library.session.execute(
        select(Photo.country_code, func.max(Photo.country))
        .where(Photo.owner_id == c.library.viewer.user_id, Photo.country_code.is_not(None))
        .group_by(Photo.country_code)
    )
    codes = [
        code
        for code, name in rows
        if code and wanted in {name_key(n) for n in (code, name or "", chinese_name(code) or "")}
    ]
    return and_(Photo.country_code.is_not(None), Photo.country_code.in_(codes)) if codes else sql.nothing()


@_compiles("near")
def _near(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Near)
    return sql.near(term.value)


@_compiles("date")
@_compiles("taken")
def _taken(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    if isinstance(term.value, Recent):
        if term.value.unit in ("today", "yesterday"):
            here = c.library.now.astimezone().replace(tzinfo=None)
            return sql.between(Photo.taken_local, *term.value.span(here))
        start, _end = term.value.span(c.library.now)
        # The instant decides; the wall clock, at most 14 hours off, lets the timeline's index help.
        near = start.replace(tzinfo=None) - timedelta(days=1) if start.year > 1 else datetime.min
        return and_(Photo.taken_local >= near, Photo.taken_at >= start)
    return sql.between(Photo.taken_local, *sql.bounds(_days(term)))


@_compiles("added")
def _added(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    if isinstance(term.value, Recent):
        return sql.between(Photo.added_at, *term.value.span(c.library.now.astimezone(UTC)))
    start, end = sql.bounds(_days(term))
    return sql.between(Photo.added_at, start and start.replace(tzinfo=UTC), end and end.replace(tzinfo=UTC))


@_compiles("year")
def _year(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    years = _numbers(term)
    low, high = (Day(int(b.value)) if b is not None else None for b in (years.low, years.high))
    return sql.between(Photo.taken_local, *sql.bounds(Interval(low, high, years.low_open, years.high_open)))


@_compiles("month")
def _month(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.in_interval(extract("month", Photo.taken_local), _numbers(term))


@_compiles("camera")
def _camera(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name: Any = func.coalesce(Photo.camera_make, "") + " " + func.coalesce(Photo.camera_model, "")
    return sql.contains(name, _text(term))


@_compiles("lens")
def _lens(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.contains(Photo.lens, _text(term))


@_compiles("name")
def _name(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.contains(Photo.filename, _text(term), anchored="*" in _text(term))


@_compiles("type")
def _type(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Chosen)
    return Photo.format == term.value.name


@_compiles("mp")
def _megapixels(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    megapixels = _numbers(term)
    low, high = (
        Number(b.value * 10**6) if b is not None else None for b in (megapixels.low, megapixels.high)
    )
    pixels = cast(Photo.width, BigInteger) * Photo.height
    interval = Interval(low, high, megapixels.low_open, megapixels.high_open)
    return sql.in_interval(pixels, interval, BY_NAME["mp"].rounding * 1e6)


@_compiles("confidence")
def _confidence(_c: _Compiler, _term: Term, _: Interval[Number] | None) -> Condition:
    return sql.all_conditions([])  # taken up by the tags and objects of its group


@_compiles("similar")
def _similar(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, PhotoId)
    ids = c.similar_to(term.value.id) if c.similar_to is not None else []
    return Photo.id.in_(ids) if ids else sql.nothing()


@_compiles("text")
def _recognised(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name = _text(term)
    return sql.worded(lookup(name), ("text",), prefix=name.endswith("*"), collation=c.library.collation)


@_compiles("has")
def _has(_c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Chosen)
    if term.value.name == "gps":
        return and_(Photo.latitude.is_not(None), Photo.longitude.is_not(None))
    if term.value.name == "faces":
        return sql.of_photos(select(Face.photo_id))
    if term.value.name == "text":
        return sql.of_photos(select(TextLine.photo_id))
    return _edited()


@_compiles("is")
def _is(c: _Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Chosen)
    name = term.value.name
    if name in CUES:
        return sql.of_photos(select(Cue.photo_id).where(Cue.name == CUES[name], Cue.flagged))
    if name == "archived":
        c.speaks_of_archived = True
        return Photo.archived.is_(True)
    if name == "favorite":
        return Photo.favorite.is_(True)
    if name == "edited":
        return _edited()
    width, height = Photo.width, Photo.height
    square = and_(width * 50 <= height * 51, height * 50 <= width * 51)
    return {
        "panorama": or_(width >= height * 2, height >= width * 2),
        "portrait": and_(height > width, not_(square)),
        "landscape": and_(width > height, not_(square)),
        "square": square,
    }[name]


def _edited() -> Condition:
    return sql.of_photos(select(Edit.photo_id).where(Edit.status == "ready", Edit.deleted_at.is_(None)))
