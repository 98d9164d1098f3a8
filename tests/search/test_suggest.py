"""Completion of the last word."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from app.models import Album, Face, Person
from app.search import Suggestion, parse, suggest
from app.search.suggest import last_word


@pytest.fixture
def filled(library: Any) -> Any:
    library.tag("animal", zh="动物")
    library.tag("beach", zh="海滩", synonyms=["seaside"])
    library.tag("beagle", zh="比格犬")
    library.tag("golden-retriever", zh="金毛")
    anna = Person(owner_id=library.viewer.user_id, name="Beatrix Meier")
    with library.database.write() as session:
        session.add(anna)
        session.add(Album(owner_id=library.viewer.user_id, title="Best of 2024", kind="manual"))
    for number in range(3):
        library.photo(library.tagged("beach"), city="Bern", country="Switzerland", country_code="CH")
        library.photo(
            library.tagged("beagle", state="suggested" if number else "rejected"), camera_model="EOS R6"
        )
    library.photo(
        lambda p: Face(photo_id=p.id, score=1, x=0, y=0, width=1, height=1, model="m", person_id=anna.id),
        taken=datetime(2019, 1, 1),
    )
    library.photo(library.tagged("beach"), archived=True)
    return library


def suggestions(library: Any, text: str, **options: Any) -> list[Suggestion]:
    with library.database.read() as session:
        return suggest(session, library.viewer, text, **options)


def test_tags_people_places_and_albums_with_counts(filled: Any) -> None:
    found = [(s.kind, s.text, s.count) for s in suggestions(filled, "be")]
    assert found == [
        ("tag", "tag:beach", 3),
        ("place", "place:Bern", 3),
        ("tag", "tag:beagle", 2),
        ("person", 'person:"Beatrix Meier"', 1),
        ("album", 'album:"Best of 2024"', 0),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ta", "tag:"),
        ("标签", "tag:"),
        ("tag:seas", "tag:beach"),
        ("tag:海", "tag:beach"),
        ("year:2024 -tag:bea", "tag:beach"),
        ("(tag:golden", 'tag:"golden retriever"'),
        ('tag:"golden ret', 'tag:"golden retriever"'),
        ("标签：bea", "tag:beach"),
        ("is:scr", "is:screenshot"),
        ("is:截", "is:screenshot"),
        ("object:tra", "object:train"),
        ("object:狗", "object:dog"),
        ("person:mei", 'person:"Beatrix Meier"'),
        ("place:switz", "place:Switzerland"),
        ("country:sw", "country:Switzerland"),
        ("album:be", 'album:"Best of 2024"'),
        ("camera:eos", 'camera:"EOS R6"'),
        ("year:20", "year:2024"),
        ("taken:last-3", "taken:last-30d"),
        ("near:", "near:38.72,-9.14,5"),
    ],
)
def test_values_of_fields(filled: Any, text: str, expected: str) -> None:
    found = suggestions(filled, text)
    assert expected in [s.text for s in found]
    for suggestion in found:
        whole = text[: suggestion.start] + suggestion.text
        if not whole.endswith(":"):
            parse(whole + ")" * whole.count("("))  # what is put in place parses


def test_nothing_to_complete(filled: Any) -> None:
    assert suggestions(filled, "") == suggestions(filled, "beach ") == suggestions(filled, "!?") == []
    assert suggestions(filled, "tag:zzz") == []
    assert len(suggestions(filled, "be", limit=2)) == 2


def test_only_the_viewers_things(filled: Any, library_of: Any) -> None:
    other = library_of(filled.database, "ben")
    assert {(s.kind, s.count) for s in suggestions(other, "be")} == {("tag", 0)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", (2, "b")),
        ('a "b c', (2, '"b c')),
        ('x tag:"b c', (2, 'tag:"b c')),
        ('"a b" c', (6, "c")),
        ("-dog", (1, "dog")),
        ("(dog", (1, "dog")),
        ("猫，狗", (2, "狗")),
        ("", (0, "")),
        ("-", (1, "")),
    ],
)
def test_last_word(text: str, expected: tuple[int, str]) -> None:
    assert last_word(text) == expected
