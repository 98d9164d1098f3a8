"""How text becomes index terms."""

from __future__ import annotations

import pytest
from sqlalchemy import select

from app.models import PhotoTerm, TextLine
from app.search import index_terms, terms
from app.search.terms import MAX_TERM, fold, lookup, name_key, units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("IMG_1234.jpg", ["img", "1234", "jpg"]),
        ("São Paulo — Ångström", ["sao", "paulo", "angstrom"]),
        ("STRASSE straße", ["strasse", "strasse"]),
        ("it's Anna’s", ["its", "annas"]),
        ("海边 sunset2024", ["海", "边", "sunset2024"]),
        ("ＦＵＬＬ　ｗｉｄｔｈ", ["full", "width"]),
        ("Москва й", ["москва", "и"]),
        ("हिन्दी", ["हिन्दी"]),
        ("東京タワー", ["東", "京", "タ", "ワ", "ー"]),
        ("?!, --", []),
    ],
)
def test_units(text: str, expected: list[str]) -> None:
    assert units(text) == expected


def test_a_phrase_is_found_by_its_pairs() -> None:
    indexed = terms("A red car beside the blue house")
    assert set(lookup("red car")) <= indexed
    assert set(lookup("Blue House")) <= indexed
    assert not set(lookup("red house")) <= indexed
    assert set(lookup("海边日落")) <= terms("在海边日落的时候")
    assert not set(lookup("日边")) <= terms("在海边日落的时候")


def test_names_compare_alike() -> None:
    assert name_key("Golden-Retriever") == name_key("golden  retriever") == "golden retriever"
    assert name_key("海 滩") == name_key("海滩")
    assert fold("Ä") == "a"


def test_terms_fit_the_column() -> None:
    assert max(len(t) for t in terms("x" * 500 + " " + "y" * 500)) == MAX_TERM
    assert lookup("x" * 500)[0] in terms("x" * 500)


def test_indexing_writes_every_field_anew(library) -> None:  # type: ignore[no-untyped-def]
    photo = library.photo(
        lambda p: TextLine(
            photo_id=p.id, content="Grand Total", confidence=1.0, x=0, y=0, width=1, height=1, model="m"
        ),
        title="Rex at home", description="first line\nsecond", filename="a_b.png",
        city="Lisbon", region="Lisboa", country="Portugal", country_code="PT",
    )  # fmt: skip

    def found(field: str) -> set[str]:
        with library.database.read() as session:
            of = select(PhotoTerm.term).where(PhotoTerm.photo_id == photo.id, PhotoTerm.field == field)
            return set(session.scalars(of))

    assert {"rex", "rex at", "second"} <= found("title")
    assert "line second" not in found("title")  # lines are no phrase
    assert found("name") == {"a", "b", "png", "a b", "b png"}
    assert {"lisbon", "lisboa", "portugal", "葡萄", "牙"} <= found("place")
    assert found("text") == {"grand", "total", "grand total"}

    photo.title = "Max"
    with library.database.write() as session:
        index_terms(session, session.merge(photo))
    assert found("title") == {"max", "first", "line", "first line", "second"}
