"""One function per field of the query language: its values as SQL.

``app.search.compile`` calls them; a field that only compares a column of the photo needs none.
"""

from __future__ import annotations

import typing
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from typing import Any, Protocol
from uuid import UUID

from sqlalchemy import BigInteger, and_, cast, extract, func, not_, or_, select

from app.errors import BadQuery
from app.models import Album, AlbumPhoto, Cue, DetectedObject, Edit, Face, Photo, TextLine
from app.search import conditions as sql
from app.search.conditions import Condition
from app.search.countries import chinese_name
from app.search.fields import BY_NAME
from app.search.language import Node, Term, parse
from app.search.library import Library
from app.search.terms import lookup, name_key
from app.search.values import Chosen, Counted, Day, Interval, Near, Number, PhotoId, Recent, Text
from app.sentences import say

MAX_ALBUM_DEPTH = 8
CUES = {"blurry": "sharpness", "dark": "dark", "hazy": "haze", "screenshot": "screenshot", "bw": "bw",
        "night": "night", "sunset": "sunset"}  # fmt: skip

SimilarTo = Callable[[UUID], list[UUID]]


class Compiler(Protocol):
    """What a field may ask of the query it stands in. ``albums`` are those whose rule is being compiled.

    A field sets ``lasting`` to False when what it finds can change without a change of the photo.
    """

    library: Library
    similar_to: SimilarTo | None
    albums: list[Album]
    speaks_of_archived: bool
    lasting: bool

    def node(self, node: Node, confidence: Interval[Number] | None, negative: bool) -> Condition: ...


Clause = Callable[[Compiler, Term, "Interval[Number] | None"], Condition]
CLAUSES: dict[str, Clause] = {}


def compile_term(compiler: Compiler, term: Term, confidence: Interval[Number] | None) -> Condition:
    """The photos a ``field:value`` finds; ``confidence`` is what its group asks of tags and objects.

    Raises:
        BadQuery: it names a tag, object or album that is not there, or an album that contains itself.
    """
    if term.field in CLAUSES:
        return CLAUSES[term.field](compiler, term, confidence)
    field = BY_NAME[term.field]
    assert field.column is not None, f"{field.name} has neither a column nor a clause"
    return sql.in_interval(getattr(Photo, field.column), numbers(term), field.rounding)


def numbers(term: Term) -> Interval[Number]:
    assert isinstance(term.value, Interval)
    return typing.cast("Interval[Number]", term.value)


def _bad(c: Compiler, term: Term, detail: str, suggestions: list[str]) -> BadQuery:
    if c.albums:  # the position would lie in the album's own rule
        detail = say("In the album “{title}”: {detail}", title=c.albums[0].title, detail=detail)
        return BadQuery(detail, position=0, suggestions=suggestions)
    return BadQuery(detail, position=term.position, suggestions=suggestions)


def _compiles(name: str) -> Callable[[Clause], Clause]:
    def register(function: Clause) -> Clause:
        CLAUSES[name] = function
        return function

    return register


def _text(term: Term) -> str:
    assert isinstance(term.value, Text)
    return term.value.text


def _days(term: Term) -> Interval[Day]:
    assert isinstance(term.value, Interval)
    return typing.cast("Interval[Day]", term.value)


@_compiles("tag")
def _tag(c: Compiler, term: Term, confidence: Interval[Number] | None) -> Condition:
    name = _text(term)
    roots = c.library.tags.find(name)
    if not roots and c.library.tags.hides(name):
        return sql.nothing()  # no error: an album's rule must not break because its owner hid a tag
    if not roots:
        near = c.library.tags.nearest(name)
        hint = say(" Did you mean {names}?", names=", ".join(near)) if near else ""
        raise _bad(
            c,
            term,
            say("There is no tag “{name}”.{hint}", name=name, hint=hint),
            [f"tag:{Text(n)}" for n in near],
        )
    return sql.tagged(c.library.tags.below(roots), roots, confidence)


@_compiles("object")
def _object(c: Compiler, term: Term, confidence: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Counted)
    names = c.library.object_names(term.value.name)
    if not names:
        near = c.library.near_objects(term.value.name)
        hint = say(" Did you mean {names}?", names=", ".join(near)) if near else ""
        detail = say(
            "Albumen does not look for objects named “{name}”.{hint}", name=term.value.name, hint=hint
        )
        raise _bad(c, term, detail, [f"object:{Text(n)}" for n in near])
    where: list[Condition] = [DetectedObject.name.in_(sorted(names))]
    if confidence is not None:
        where.append(sql.in_interval(DetectedObject.confidence, confidence))
    if term.value.count is None:
        return sql.of_photos(select(DetectedObject.photo_id).where(*where))
    return sql.has_count(DetectedObject, term.value.count, *where)


@_compiles("person")
def _person(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.showing(c.library.named(_text(term)))


@_compiles("faces")
def _faces(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.has_count(Face, numbers(term))


@_compiles("album")
def _album(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    found = _find_albums(c, _text(term))
    if not found:
        raise _bad(
            c, term, say("There is no album “{name}”.", name=_text(term)), _near_albums(c, _text(term))
        )
    return sql.any_condition([_album_photos(c, term, album) for album in found])


def _find_albums(c: Compiler, name: str) -> list[Album]:
    own = select(Album).where(Album.owner_id == c.library.viewer.user_id, Album.deleted_at.is_(None))
    try:
        album_id = UUID(name)
    except ValueError:
        titles = c.library.session.scalars(own.order_by(Album.id))
        return [a for a in titles if name_key(a.title) == name_key(name)]
    return list(c.library.session.scalars(own.where(Album.id == album_id)))


def _near_albums(c: Compiler, name: str) -> list[str]:
    titles = c.library.session.scalars(
        select(Album.title).where(Album.owner_id == c.library.viewer.user_id, Album.deleted_at.is_(None))
    )
    return [f"album:{Text(t)}" for t in get_close_matches(name, list(titles), 3, 0.5)]


def _album_photos(c: Compiler, term: Term, album: Album) -> Condition:
    """A manual album is its list; a dynamic one its rule, with what was pinned in and out."""
    listed = select(AlbumPhoto.photo_id).where(AlbumPhoto.album_id == album.id)
    pinned = or_(AlbumPhoto.pin.is_(None), AlbumPhoto.pin != "never")
    if album.query is None:
        return sql.of_photos(listed.where(pinned))
    if album.id in [a.id for a in c.albums]:
        chain = " → ".join(f"“{a.title}”" for a in [*c.albums, album])
        raise _bad(c, term, say("An album cannot contain itself: {chain}.", chain=chain), [])
    if len(c.albums) >= MAX_ALBUM_DEPTH:
        raise _bad(
            c, term, say("Albums refer to each other more than {most} deep.", most=MAX_ALBUM_DEPTH), []
        )
    c.albums.append(album)
    rule = parse(album.query)
    inside = c.node(rule.root, None, False) if rule.root is not None else sql.all_conditions([])
    c.albums.pop()
    # Most albums have no exceptions; without them the rule stands alone and its own conditions can be used.
    pins = set(
        c.library.session.scalars(select(AlbumPhoto.pin).where(AlbumPhoto.album_id == album.id).distinct())
    )
    if "never" in pins:
        inside = and_(inside, Photo.id.not_in(listed.where(AlbumPhoto.pin == "never")))
    return or_(inside, Photo.id.in_(listed.where(pinned))) if pins - {"never"} else inside


@_compiles("place")
def _place(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name = _text(term)
    prefix = name.endswith("*")
    return sql.worded(lookup(name), {"place"}, prefix=prefix, collation=c.library.collation)


@_compiles("country")
def _country(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    wanted = name_key(_text(term))
    codes = [
        code
        for code, name in c.library.countries.items()
        if wanted in {name_key(n) for n in (code, name, chinese_name(code) or "")}
    ]
    return and_(Photo.country_code.is_not(None), Photo.country_code.in_(codes)) if codes else sql.nothing()


@_compiles("near")
def _near(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Near)
    return sql.near(term.value)


@_compiles("date")
@_compiles("taken")
def _taken(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    if isinstance(term.value, Recent):
        c.lasting = False
        if term.value.unit in ("today", "yesterday"):
            here = c.library.now.astimezone().replace(tzinfo=None)
            return sql.between(Photo.taken_local, *term.value.span(here))
        start, _end = term.value.span(c.library.now)
        # The instant decides; the wall clock, at most 14 hours off, lets the timeline's index help.
        near = start.replace(tzinfo=None) - timedelta(days=1) if start.year > 1 else datetime.min
        return and_(Photo.taken_local >= near, Photo.taken_at >= start)
    return sql.between(Photo.taken_local, *sql.bounds(_days(term)))


@_compiles("added")
def _added(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    if isinstance(term.value, Recent):
        c.lasting = False
        return sql.between(Photo.added_at, *term.value.span(c.library.now.astimezone(UTC)))
    start, end = sql.bounds(_days(term))
    return sql.between(Photo.added_at, start and start.replace(tzinfo=UTC), end and end.replace(tzinfo=UTC))


@_compiles("year")
def _year(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    years = numbers(term)
    low, high = (Day(int(b.value)) if b is not None else None for b in (years.low, years.high))
    return sql.between(Photo.taken_local, *sql.bounds(Interval(low, high, years.low_open, years.high_open)))


@_compiles("month")
def _month(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.in_interval(extract("month", Photo.taken_local), numbers(term))


@_compiles("camera")
def _camera(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name: Any = func.coalesce(Photo.camera_make, "") + " " + func.coalesce(Photo.camera_model, "")
    return sql.contains(name, _text(term))


@_compiles("lens")
def _lens(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.contains(Photo.lens, _text(term))


@_compiles("name")
def _name(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    return sql.contains(Photo.filename, _text(term), anchored="*" in _text(term))


@_compiles("type")
def _type(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Chosen)
    return Photo.format == term.value.name


@_compiles("mp")
def _megapixels(_c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    megapixels = numbers(term)
    low, high = (
        Number(b.value * 10**6) if b is not None else None for b in (megapixels.low, megapixels.high)
    )
    pixels = cast(Photo.width, BigInteger) * Photo.height
    interval = Interval(low, high, megapixels.low_open, megapixels.high_open)
    return sql.in_interval(pixels, interval, BY_NAME["mp"].rounding * 1e6)


@_compiles("confidence")
def _confidence(_c: Compiler, _term: Term, _: Interval[Number] | None) -> Condition:
    return sql.all_conditions([])  # taken up by the tags and objects of its group


@_compiles("similar")
def _similar(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, PhotoId)
    ids = c.similar_to(term.value.id) if c.similar_to is not None else []
    return Photo.id.in_(ids) if ids else sql.nothing()


@_compiles("text")
def _recognised(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    name = _text(term)
    return sql.worded(lookup(name), {"text"}, prefix=name.endswith("*"), collation=c.library.collation)


@_compiles("has")
def _has(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
    assert isinstance(term.value, Chosen)
    if term.value.name == "gps":
        return and_(Photo.latitude.is_not(None), Photo.longitude.is_not(None))
    if term.value.name == "faces":
        return sql.of_photos(select(Face.photo_id))
    if term.value.name == "text":
        return sql.of_photos(select(TextLine.photo_id))
    return _edited(c)


@_compiles("is")
def _is(c: Compiler, term: Term, _: Interval[Number] | None) -> Condition:
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
        return _edited(c)
    width, height = Photo.width, Photo.height
    square = and_(width * 50 <= height * 51, height * 50 <= width * 51)
    return {
        "panorama": or_(width >= height * 2, height >= width * 2),
        "portrait": and_(height > width, not_(square)),
        "landscape": and_(width > height, not_(square)),
        "square": square,
    }[name]


def _edited(c: Compiler) -> Condition:
    c.lasting = False
    return sql.of_photos(select(Edit.photo_id).where(Edit.status == "ready", Edit.deleted_at.is_(None)))
