"""Queries as JSON: both forms turn into each other, and nonsense is refused with its place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import BadQuery
from app.search.fields import FIELDS
from app.search.language import parse
from app.search.trees import from_tree, to_tree

PIECES = [
    *(example for field in FIELDS for example in field.examples if field.name != "confidence"),
    "dog", "beach*", '"happy birthday"', "海边", "3.5", "it's", '"or"', '"say \\"hi\\""', "or", "(", ")", "-", "",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("", None),
        ("dog beach", {"words": "dog beach"}),
        ("tag:sea", {"field": "tag", "value": "sea"}),
        ('tag:"deep sea" mp:>=4', {"all": [{"field": "tag", "value": "deep sea"}, {"field": "mp", "value": ">=4"}]}),
        ("object:dog>=2", {"field": "object", "value": "dog", "count": ">=2"}),
        ("object:dog", {"field": "object", "value": "dog"}),
        ("date:2024-06-01..2024-06-08", {"field": "date", "value": "2024-06-01..2024-06-08"}),
        ("taken:last-30d", {"field": "taken", "value": "last-30d"}),
        ("dog or -cat", {"any": [{"words": "dog"}, {"not": {"words": "cat"}}]}),
        (
            "red dog year:2024 (a or b)",
            {"all": [{"words": "red dog"}, {"field": "year", "value": "2024"},
                     {"any": [{"words": "a"}, {"words": "b"}]}]},
        ),
        ('"happy birthday"', {"phrase": "happy birthday"}),
        ("-(a b)", {"not": {"words": "a b"}}),
    ],
)  # fmt: skip
def test_both_forms(text: str, tree: Any) -> None:
    assert to_tree(parse(text)) == tree
    assert str(from_tree(tree)) == text


@given(st.lists(st.sampled_from(PIECES), max_size=8))
def test_any_query_survives_the_way_there_and_back(pieces: list[str]) -> None:
    try:
        query = parse(" ".join(pieces))
    except BadQuery:
        return
    assert from_tree(to_tree(query)) == query


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("dog or cat", 'dog "or" cat'),
        ("tag:sea", '"tag:sea"'),
        ("-dog", '"-dog"'),
        ("(a", '"(a"'),
        ("a* b", "a* b"),
    ],
)
def test_words_are_never_read_as_anything_else(words: str, text: str) -> None:
    assert str(from_tree({"words": words})) == text


@pytest.mark.parametrize(
    ("tree", "path"),
    [
        ([], ""),
        ("tag:sea", ""),
        ({}, ""),
        ({"all": []}, "all"),
        ({"all": [{"words": "a"}, {"field": "colour", "value": "red"}]}, "all.1.field"),
        ({"all": [{"words": "a"}], "any": []}, ""),
        ({"not": {"any": [{"field": "rating", "value": "9"}]}}, "not.any.0.value"),
        ({"field": "tag"}, "value"),
        ({"field": "tag", "value": 3}, "value"),
        ({"field": "tag", "value": "a", "count": ">=2"}, "count"),
        ({"field": "object", "value": "dog", "count": "many"}, "value"),
        ({"words": " "}, "words"),
        ({"words": "a", "colour": 1}, ""),
    ],
)
def test_nonsense_is_refused_with_its_place(tree: Any, path: str) -> None:
    with pytest.raises(BadQuery) as refusal:
        from_tree(tree)
    assert refusal.value.extra["path"] == path


def test_depth_is_bounded() -> None:
    tree: Any = {"words": "a"}
    for _ in range(5000):
        tree = {"not": {"all": [tree, {"words": "b"}]}}
    with pytest.raises(BadQuery):
        from_tree(tree)
