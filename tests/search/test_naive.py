"""The SQL of a query against a naive evaluation of the same query in plain Python, on random libraries."""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Database, utcnow
from app.models import Album, AlbumPhoto, Cue, DetectedObject, Edit, Face, Person, TextLine
from app.search import count_photos, find_photos, forms, timeline
from app.search.language import And, Node, Not, Or, Phrase, Term, Word, parse
from app.search.values import Chosen, Counted, Interval, Near, Text

# slug -> parent; names with two words are found as two neighbouring words
TREE = {"alfa": None, "bravo": "alfa", "charlie": "bravo", "delta": None, "echo-foxtrot": "delta"}
SYNONYMS = {"kilo": "bravo"}
PEOPLE = ("zoe", "max power")
THINGS = ("dog", "cat", "cup")
WORDS = ("red", "car", "blue", "house", "hotel", "img")
CITIES = (("Lima", "Peru", "PE"), ("New York", "United States", "US"))
ALBUMS = {
    "Mine": None,
    "Rule": "tag:bravo or rating:>=4",
    "Outer": "album:Rule -is:favorite",
    "Attic": "is:archived",
}
CUES = {"blurry": "sharpness", "night": "night", "dark": "dark"}
BOX = {"x": 0, "y": 0, "width": 0.1, "height": 0.1, "model": "m"}
NOW = utcnow()


@dataclass
class Known:
    """A photo as the naive evaluation sees it."""

    id: UUID
    row: dict[str, Any]
    tags: list[tuple[str, float, str]] = field(default_factory=list)  # slug, confidence, state
    objects: list[tuple[str, float]] = field(default_factory=list)
    people: list[str] = field(default_factory=list)
    faces: int = 0
    cues: set[str] = field(default_factory=set)
    lines: list[str] = field(default_factory=list)
    edited: bool = False
    albums: dict[str, str | None] = field(default_factory=dict)  # title -> pin


class Naive:
    """Evaluates queries photo by photo."""

    def finds(self, query: str, photo: Known) -> bool:
        root = parse(query).root
        if photo.row["deleted"] or (photo.row["archived"] and not self.speaks_of_archived(root)):
            return False
        return root is None or self.holds(root, photo, None)

    def speaks_of_archived(self, node: Node | None) -> bool:
        if node is None:
            return False
        if isinstance(node, Not):
            return self.speaks_of_archived(node.child)
        if isinstance(node, And | Or):
            return any(self.speaks_of_archived(child) for child in node.children)
        if isinstance(node, Term) and node.field == "album":
            rule = ALBUMS[str(node.value)]
            return rule is not None and self.speaks_of_archived(parse(rule).root)
        return isinstance(node, Term) and str(node) == "is:archived"

    def holds(self, node: Node, photo: Known, sure: Any) -> bool:
        if isinstance(node, Not):
            return not self.holds(node.child, photo, sure)
        if isinstance(node, Or):
            return any(self.holds(child, photo, sure) for child in node.children)
        if isinstance(node, And):
            for child in node.children:
                if isinstance(child, Term) and child.field == "confidence":
                    sure = child.value
            words = [c.text for c in node.children if isinstance(c, Word)]
            rest = [c for c in node.children if not isinstance(c, Word)]
            return self.words(words, photo, sure) and all(self.holds(c, photo, sure) for c in rest)
        if isinstance(node, Word):
            return self.words([node.text], photo, sure)
        if isinstance(node, Phrase):
            return self.name(node.text, photo, sure)
        return self.term(node, photo, sure)

    def words(self, words: list[str], photo: Known, sure: Any) -> bool:
        """Every word by itself, or as part of a name that it forms with its neighbours."""
        for i, word in enumerate(words):
            pairs = [" ".join(words[j : j + 2]) for j in (i - 1, i) if j >= 0 and j + 2 <= len(words)]
            names = [p for p in pairs if p in PEOPLE or p.replace(" ", "-") in TREE]
            if not any(self.name(name, photo, sure) for name in (word, *names)):
                return False
        return True

    def name(self, text: str, photo: Known, sure: Any) -> bool:
        text = text.lower()
        slug = SYNONYMS.get(text, text.replace(" ", "-"))
        if slug in TREE and self.tagged(slug, photo, sure, 0.1):
            return True
        if any(text == person or text in person.split() for person in photo.people):
            return True
        if re.fullmatch(r"20\d\d", text) and photo.row["taken"].year == int(text):
            return True
        texts = [
            photo.row["title"],
            photo.row["filename"],
            photo.row["city"],
            photo.row["country"],
            *photo.lines,
        ]
        return any(contains_words(t, text) for t in texts if t)

    def tagged(self, slug: str, photo: Known, sure: Any, least: float = 0.0) -> bool:
        if any(s == slug and state == "rejected" for s, _, state in photo.tags):
            return False
        for s, confidence, state in photo.tags:
            above: str | None = s
            while above is not None and above != slug:
                above = TREE[above]
            certain = 1.0 if state == "confirmed" else confidence
            if above and state != "rejected" and (within(certain, sure) if sure else certain >= least):
                return True
        return False

    def term(self, term: Term, photo: Known, sure: Any) -> bool:
        value, row = term.value, photo.row
        if term.field in ("iso", "rating", "size"):
            return within(row[term.field], value)
        if term.field in ("aperture", "focal", "mp"):
            plain = isinstance(value, Interval) and value.low == value.high
            measured = row["width"] * row["height"] / 1e6 if term.field == "mp" else row[term.field]
            if plain and measured is not None:
                width = {"aperture": 0.05, "focal": 0.5, "mp": 0.5}[term.field]
                target = float(value.low.value)  # type: ignore[union-attr]
                return target - width <= measured < target + width
            return within(measured, value, 1e-6 if term.field != "mp" else 0.0)
        return getattr(self, f"_{term.field}")(value, photo, sure)  # type: ignore[no-any-return]

    def _confidence(self, _v: Any, _p: Known, _s: Any) -> bool:
        return True

    def _tag(self, value: Text, photo: Known, sure: Any) -> bool:
        name = value.text.lower()
        return self.tagged(SYNONYMS.get(name, name.replace(" ", "-")), photo, sure)

    def _object(self, value: Counted, photo: Known, sure: Any) -> bool:
        count = sum(n == value.name and (not sure or within(c, sure, 1e-6)) for n, c in photo.objects)
        return within(count, value.count) if value.count else count >= 1

    def _person(self, value: Text, photo: Known, _: Any) -> bool:
        return any(value.text == p or value.text in p.split() for p in photo.people)

    def _faces(self, value: Any, photo: Known, _: Any) -> bool:
        return within(photo.faces, value)

    def _album(self, value: Text, photo: Known, _: Any) -> bool:
        rule, pin = ALBUMS[value.text], photo.albums.get(value.text, "none")
        if rule is None:
            return pin is None
        root = parse(rule).root
        assert root is not None
        return pin == "always" or (pin != "never" and self.holds(root, photo, None))

    def _place(self, value: Text, photo: Known, _: Any) -> bool:
        return any(contains_words(t, value.text) for t in (photo.row["city"], photo.row["country"]) if t)

    def _country(self, value: Text, photo: Known, _: Any) -> bool:
        names = (photo.row["country"], photo.row["country_code"])
        return any(n is not None and n.lower() == value.text.lower() for n in names)

    def _near(self, value: Near, photo: Known, _: Any) -> bool:
        lat, lon = photo.row["latitude"], photo.row["longitude"]
        if lat is None or lon is None:
            return False
        a, b, c, d = map(math.radians, (float(value.latitude), float(value.longitude), lat, lon))
        hav = math.sin((c - a) / 2) ** 2 + math.cos(a) * math.cos(c) * math.sin((d - b) / 2) ** 2
        return 2 * 6371.0088 * math.asin(min(1, math.sqrt(hav))) <= float(value.km)

    def _has(self, value: Chosen, photo: Known, _: Any) -> bool:
        known = {"gps": photo.row["latitude"] is not None, "faces": photo.faces > 0,
                 "text": bool(photo.lines), "edits": photo.edited}  # fmt: skip
        return bool(known[value.name])

    def _is(self, value: Chosen, photo: Known, _: Any) -> bool:
        w, h = photo.row["width"], photo.row["height"]
        square = max(w, h) <= min(w, h) * 1.02
        known = {
            "favorite": photo.row["favorite"], "archived": photo.row["archived"], "edited": photo.edited,
            "portrait": h > w and not square, "landscape": w > h and not square, "square": square,
            "panorama": max(w, h) >= 2 * min(w, h), **{name: name in photo.cues for name in CUES},
        }  # fmt: skip
        return bool(known[value.name])

    def _type(self, value: Chosen, photo: Known, _: Any) -> bool:
        return bool(photo.row["format"] == value.name)

    def _date(self, value: Any, photo: Known, _: Any) -> bool:
        start, end = span(value)
        return bool(start <= photo.row["taken"] < end)

    def _taken(self, value: Any, photo: Known, _: Any) -> bool:
        return bool(photo.row["taken"].replace(tzinfo=UTC) >= NOW - timedelta(days=value.count))

    def _added(self, value: Any, photo: Known, _: Any) -> bool:
        return bool(photo.row["added"] >= NOW - timedelta(days=value.count))

    def _year(self, value: Any, photo: Known, _: Any) -> bool:
        return within(photo.row["taken"].year, value)

    def _month(self, value: Any, photo: Known, _: Any) -> bool:
        return within(photo.row["taken"].month, value)

    def _camera(self, value: Text, photo: Known, _: Any) -> bool:
        return value.text.lower() in f"{photo.row['make'] or ''} {photo.row['model'] or ''}".lower()

    def _lens(self, value: Text, photo: Known, _: Any) -> bool:
        return value.text.lower() in (photo.row["lens"] or "").lower()

    def _text(self, value: Text, photo: Known, _: Any) -> bool:
        return any(contains_words(line, value.text) for line in photo.lines)

    def _name(self, value: Text, photo: Known, _: Any) -> bool:
        pattern = re.escape(value.text.lower()).replace(r"\*", ".*")
        match = re.fullmatch if "*" in value.text else re.search
        return match(pattern, photo.row["filename"].lower()) is not None


def contains_words(text: str, wanted: str) -> bool:
    return f" {' '.join(re.findall('[a-z0-9]+', wanted.lower()))} " in (
        f" {' '.join(re.findall('[a-z0-9]+', text.lower()))} "
    )


def within(number: float | None, interval: Any, slack: float = 0.0) -> bool:
    if number is None:
        return False
    low, high = interval.low, interval.high
    if low is not None:
        bound = float(low.value)
        if not (number > bound + slack if interval.low_open else number >= bound - slack):
            return False
    if high is not None:
        bound = float(high.value)
        if not (number < bound - slack if interval.high_open else number <= bound + slack):
            return False
    return True


def span(interval: Any) -> tuple[datetime, datetime]:
    def first(day: Any) -> datetime:
        return datetime(day.year, day.month or 1, day.day or 1)

    def after(day: Any) -> datetime:
        if day.day:
            return first(day) + timedelta(days=1)
        if day.month:
            return (first(day) + timedelta(days=31)).replace(day=1)
        return datetime(day.year + 1, 1, 1)

    low, high = interval.low, interval.high
    start = datetime.min if low is None else after(low) if interval.low_open else first(low)
    end = datetime.max if high is None else first(high) if interval.high_open else after(high)
    return start, end


# --- a random library -----------------------------------------------------------------------------------------


def fill(library: Any, seed: int, count: int = 70) -> dict[UUID, Known]:
    chance = random.Random(seed)
    for slug, parent in TREE.items():
        library.tag(slug, parent, zh=slug, synonyms=[w for w, s in SYNONYMS.items() if s == slug])
    owner = library.viewer.user_id
    people = {name: Person(owner_id=owner, name=name) for name in PEOPLE}
    albums = {
        title: Album(owner_id=owner, title=title, kind="manual" if rule is None else "dynamic", query=rule)
        for title, rule in ALBUMS.items()
    }
    with library.database.write() as session:
        session.add_all([*people.values(), *albums.values()])
    return dict(_photo(library, chance, people, albums) for _ in range(count))


def _photo(library: Any, chance: random.Random, people: Any, albums: Any) -> tuple[UUID, Known]:
    def maybe(value: Any, probability: float = 0.5) -> Any:
        return value if chance.random() < probability else None

    day = chance.choice([2018, 2023, 2024]), chance.choice([1, 6, 12]), chance.choice([1, 15, 28])
    taken = datetime(*day, chance.choice([0, 12, 23]))
    if chance.random() < 0.2:
        taken = (NOW - timedelta(days=chance.choice([2, 20, 200]), hours=1)).replace(tzinfo=None)
    place = maybe(chance.choice(CITIES)) or (None, None, None)
    spot = maybe((chance.uniform(-89, 89), chance.choice([-179.9, -9.1, 0.0, 0.2, 179.9]))) or (None, None)
    row = {
        "taken": taken, "added": NOW - timedelta(days=chance.choice([1, 10, 100])), "title": chance.choice(["",
        "Red car", "blue house", "the red hotel"]),
        "filename": chance.choice(["IMG_1.jpg", "img 100%.png", "Blue_car.JPG", "x.png"]), "city": place[0],
        "country": place[1],
        "country_code": place[2], "latitude": spot[0], "longitude": spot[1], "iso": maybe(chance.choice([100,
        800, 3200])),
        "aperture": maybe(chance.choice([1.8, 2.8, 2.8000000000000003, 2.84, 8.0])),
        "focal": maybe(chance.choice([24.0, 50.2, 50.6])),
        "rating": chance.choice([0, 3, 4, 5]), "size": chance.choice([900, 1000, 5_000_000, 5_000_001]),
        "favorite": chance.random() < 0.3, "archived": chance.random() < 0.2, "deleted": chance.random() < 0.1,
        "width": chance.choice([1000, 1019, 4000, 6000]), "height": chance.choice([1000, 3000, 2000]),
        "format": chance.choice(["jpeg", "png"]), "make": maybe("Canon"),
        "model": maybe(chance.choice(["EOS R6", "iPhone 12"])),
        "lens": maybe("RF 50mm"),
    }  # fmt: skip
    known = Known(UUID(int=0), row)
    for slug in chance.sample(list(TREE), chance.randint(0, 2)):
        known.tags.append(
            (
                slug,
                chance.choice([0.05, 0.3, 0.6, 0.61, 0.9]),
                chance.choice(["suggested"] * 3 + ["confirmed", "rejected"]),
            )
        )
    known.objects = [
        (chance.choice(THINGS), chance.choice([0.4, 0.6, 0.9])) for _ in range(chance.choice([0, 0, 1, 2, 4]))
    ]
    known.people = [name for name in PEOPLE if chance.random() < 0.25]
    known.faces = len(known.people) + chance.choice([0, 0, 1, 3])
    known.cues = {name for name in CUES if chance.random() < 0.3}
    known.lines = chance.choice([[], [], ["Red House"], ["total", "blue car 2024"]])
    known.edited = chance.random() < 0.3
    known.albums = {title: (None if rule is None else chance.choice(["always", "never"]))
                    for title, rule in ALBUMS.items() if chance.random() < 0.2}  # fmt: skip

    def rows(photo: Any) -> list[Any]:
        made: list[Any] = [library.tagged(slug, c, state)(photo) for slug, c, state in known.tags]
        made += [DetectedObject(photo_id=photo.id, name=n, confidence=c, **BOX) for n, c in known.objects]
        made += [Face(photo_id=photo.id, score=1, person_id=people[n].id, **BOX) for n in known.people]
        made += [Face(photo_id=photo.id, score=1, **BOX) for _ in range(known.faces - len(known.people))]
        made += [
            Cue(photo_id=photo.id, name=cue, value=0, flagged=n in known.cues, model="m")
            for n, cue in CUES.items()
        ]
        made += [TextLine(photo_id=photo.id, content=t, confidence=1, **BOX) for t in known.lines]
        made += [Edit(photo_id=photo.id, recipe=[], status="ready" if known.edited else "failed")]
        made += [
            AlbumPhoto(photo_id=photo.id, album_id=albums[t].id, pin=pin) for t, pin in known.albums.items()
        ]
        return made

    photo = library.photo(
        rows, taken=taken, added_at=row["added"], title=row["title"], filename=row["filename"], city=row["city"],
        country=row["country"], country_code=row["country_code"], latitude=row["latitude"],
        longitude=row["longitude"],
        iso=row["iso"], aperture=row["aperture"], focal_length=row["focal"], rating=row["rating"], size=row["size"],
        favorite=row["favorite"], archived=row["archived"], deleted_at=NOW if row["deleted"] else None,
        width=row["width"],
        height=row["height"], format=row["format"], camera_make=row["make"], camera_model=row["model"],
        lens=row["lens"],
    )  # fmt: skip
    known.id = photo.id
    return photo.id, known


# --- random queries -------------------------------------------------------------------------------------------

LEAVES = st.sampled_from(
    [
        "red", "car", "kilo", "bravo", "zoe", "max power", "echo foxtrot", "2024", "lima", "new york", "img",
        "hotel red",
        '"red car"', '"max power"', '"car red"', "tag:alfa", "tag:kilo", 'tag:"echo foxtrot"', "tag:delta",
        "object:dog",
        "object:dog>=2", "object:cup<2", "object:cat=0", "person:zoe", "person:power", "faces:0", "faces:>1",
        "faces:1..2",
        "faces:<=2", "album:Mine", "album:Rule", "album:Outer", "album:Attic", "place:lima",
        'place:"new york"', "country:us",
        "country:peru", "near:10,0,3000", "near:0,180,9000", "near:-40,-179,500", "has:gps", "has:faces",
        "has:text",
        "has:edits", "date:2024", "date:2024-06", "date:>2018-01-15", "date:<=2023", "date:2018..2023-06-15",
        "taken:last-30d",
        "taken:last-7d", "added:last-20d", "year:2018", "year:>2018", "month:6", "month:2..6", "month:>6",
        "camera:canon",
        "camera:eos", "lens:50", "iso:100", "iso:>=800", "iso:<800", "aperture:2.8", "aperture:<=2.8",
        "aperture:>2.8",
        "focal:50", "focal:>50", "is:favorite", "is:archived", "is:blurry", "is:night", "is:edited", "is:portrait",
        "is:landscape", "is:square", "is:panorama", "rating:>=4", "rating:0", "type:png", "size:>5mb",
        "size:<1kb", "size:1kb",
        "mp:12", "mp:>12", "mp:<=4", "text:red", 'text:"blue car"', "name:IMG_*", "name:*.jpg", "name:100%",
        "name:car",
        "tag:alfa confidence:>0.6", "tag:bravo confidence:<=0.6", "object:dog>=1 confidence:>=0.6",
        "(tag:delta or object:cat) confidence:>0.5", "red confidence:>0.6", "bravo confidence:<0.5",
    ]
)  # fmt: skip
QUERIES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        inner.map("-({})".format),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "({})".format(" ".join(parts))),
        st.lists(inner, min_size=2, max_size=3).map(lambda parts: "({})".format(" or ".join(parts))),
    ),
    max_leaves=7,
)


@pytest.fixture(scope="module", params=["sqlite-1", "sqlite-2", "sqlite-3", "postgresql-1"])
def filled(request: pytest.FixtureRequest, make_database: Callable[..., Database], library_of: Any) -> Any:
    kind, seed = request.param.split("-")
    library = library_of(make_database(kind))
    return library, fill(library, int(seed))


@given(query=QUERIES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_sql_agrees_with_a_naive_evaluation(filled: Any, query: str) -> None:
    library, photos = filled
    naive = Naive()
    with library.database.read() as session:
        found = {
            h.photo.id for h in find_photos(session, library.viewer, query, order="newest", limit=1000).items
        }
        assert count_photos(session, library.viewer, query) == len(found)
    assert found == {photo_id for photo_id, known in photos.items() if naive.finds(query, known)}


FORMS = {
    "sets are gathered": {"_ROWS_PER_PHOTO": 1e9, "_SMALL": 1e9, "_LEAST_WINDOW": 0},
    "every photo is asked": {
        "_ROWS_PER_PHOTO": 1e-6,
        "_SMALL": -1,
        "_LEAST_WINDOW": 2,
        "_ROWS_IN_ORDER": 10**9,
    },
}


@pytest.mark.parametrize("form", FORMS)
@given(query=QUERIES, order=st.sampled_from(["newest", "oldest", "added"]), archived=st.booleans())
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_form_of_a_query_finds_the_same_pages(
    filled: Any, form: str, query: str, order: str, archived: bool
) -> None:
    """What decides between them are estimates: here each of them decides always."""
    library, photos = filled
    viewer = library.viewer

    def pages(session: Any) -> list[UUID]:
        found, cursor = list[UUID](), None
        while True:
            page = find_photos(session, viewer, query, order=order, limit=7, archived=archived, cursor=cursor)
            found += [hit.photo.id for hit in page.items]
            if (cursor := page.next_cursor) is None:
                return found

    with library.database.read() as session:
        whole = find_photos(session, viewer, query, order=order, limit=1000, archived=archived).items
        with pytest.MonkeyPatch.context() as patch:
            for name, value in FORMS[form].items():
                patch.setattr(forms, name, value)
            assert pages(session) == [hit.photo.id for hit in whole]
            assert count_photos(session, viewer, query, archived=archived) == len(whole)
            assert sum(n for _, n in timeline(session, viewer, query)) == count_photos(session, viewer, query)
    if not archived:
        assert {hit.photo.id for hit in whole} == {
            i for i, known in photos.items() if Naive().finds(query, known)
        }


def test_the_random_library_answers_every_leaf(filled: Any) -> None:
    """Guards the test itself: a library in which most conditions hold for nothing would prove nothing."""
    _, photos = filled
    naive = Naive()
    leaves = LEAVES.elements  # type: ignore[attr-defined]
    empty = [q for q in leaves if not any(naive.finds(q, known) for known in photos.values())]
    assert len(empty) <= len(leaves) * 0.1, empty
