"""The document says what the declaration says."""

from __future__ import annotations

from pathlib import Path

from app.search.fields import FIELDS
from app.search.language import parse
from app.search.reference import reference

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "query-language.md"


def test_the_document_is_current() -> None:
    """Fails after a field changed: run ``python -m app.search.reference > docs/query-language.md``."""
    assert DOCUMENT.read_text("utf-8") == reference()


def test_every_field_and_choice_is_there() -> None:
    page = reference()
    for field in FIELDS:
        assert f"| `{field.name}:` |" in page
        for choice in field.choices:
            assert f"`{field.name}:{choice.name}`" in page


def test_what_it_shows_can_be_searched() -> None:
    table = reference().partition("## In short")[2].partition("Words side")[0]
    shown = [
        line.split("|")[1].replace("\\|", "|").strip(" `")
        for line in table.splitlines()
        if line.startswith("| `")
    ]
    assert len(shown) >= 8
    for queries in shown:
        for query in queries.split("` `"):
            parse(query)
