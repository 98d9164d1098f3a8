"""The grammar, the canonical form, and errors that say where."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.errors import BadQuery
from app.search.fields import FIELDS, Kind
from app.search.language import (
    MAX_DEPTH,
    MAX_LENGTH,
    MAX_TERMS,
    And,
    Not,
    Or,
    Phrase,
    Query,
    Term,
    Word,
    parse,
)
from app.search.values import Chosen, Counted, Text

# Pieces that mean something, so that random text gets past the first character.
PIECES = st.sampled_from(
    [
        *'ab-()"“”（）:：><=.,，|&\\* 狗或犬\t1２',
        *("or ", "and ", "tag:", "object:", "is:", "-is:bw ", "faces:>=3 ", "date:2024-06", "taken:last-3d"),
        *(
            "iso>5",
            "near:1,2,3 ",
            "size:>5mb ",
            "name:*x",
            "confidence:>0.5 ",
            "..",
            '"a b"',
            "标签：",
            "last-",
        ),
        *("2024-02-30", "month:", "similar:", '\\"', "rating", ">=", "http://", "x:y "),
    ]
)


def canonical(text: str) -> str:
    return str(parse(text))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ""),
        ("  dog   beach ", "dog beach"),
        ("dog OR cat", "dog or cat"),
        ("狗 或 猫", "狗 or 猫"),
        ("dog and cat", "dog cat"),
        ("a b or c d", "a b or c d"),
        ("(a or b) c", "(a or b) c"),
        ("a (b c)", "a b c"),
        ("a or (b or c)", "a or b or c"),
        ("--dog", "dog"),
        ("-(a b)", "-(a b)"),
        ("-(-dog)", "dog"),
        ('"exact  phrase"', '"exact phrase"'),
        (r'"say \"hi\" \\ there"', r'"say \"hi\" \\ there"'),
        ("dog, cat!", "dog cat"),
        ("cats & dogs", "cats dogs"),
        ("黑猫，海边", "黑猫 海边"),
        ("标签：海滩 （猫 或 狗）", "tag:海滩 (猫 or 狗)"),
        ("「夏天 海边」", '"夏天 海边"'),
        ("TAG:Beach", "tag:Beach"),
        ("tag: beach", "tag:beach"),
        ('tag:"golden retriever"', 'tag:"golden retriever"'),
        ("rating>=4", "rating:>=4"),
        ("rating:＞＝4", "rating:>=4"),
        ("rating:≥4", "rating:>=4"),
        ("faces:3", "faces:3"),
        ("faces:=3", "faces:3"),
        ("faces:2..5", "faces:2..5"),
        ("faces:..5", "faces:<=5"),
        ("faces:2..", "faces:>=2"),
        ("iso:0100", "iso:100"),
        ("aperture:2.80", "aperture:2.8"),
        ("object:dog>=2", "object:dog>=2"),
        ('object:"traffic light"=1', 'object:"traffic light"=1'),
        ("object:dog", "object:dog"),
        ("size:>5MB", "size:>5mb"),
        ("size:1500kb..2gb", "size:1500kb..2gb"),
        ("size:1kib", "size:1024"),
        ("date:2024/6/1", "date:2024-06-01"),
        ("日期：2024年6月", "date:2024-06"),
        ("date:2024-01..2024-03", "date:2024-01..2024-03"),
        ("taken:LAST-30D", "taken:last-30d"),
        ("taken:今天", "taken:today"),
        ("month:June", "month:6"),
        ("月份：6月", "month:6"),
        ("is:Favourite", "is:favorite"),
        ("是：收藏", "is:favorite"),
        ("type:jpg", "type:jpeg"),
        ("near:48.10，-11.50,5", "near:48.1,-11.5,5"),
        ("near:0,0", "near:0,0,10"),
        ("12:30", "12:30"),
        ("http://example.org/a", "http://example.org/a"),
        ("IMG_*", "IMG_*"),
    ],
)
def test_canonical_form(text: str, expected: str) -> None:
    assert canonical(text) == expected


def test_tree() -> None:
    query = parse('dog -"in snow" (tag:beach or is:night) object:cup>=2')
    assert query == Query(
        And(
            (
                Word("dog"),
                Not(Phrase("in snow")),
                Or((Term("tag", Text("beach")), Term("is", Chosen("night")))),
                query.root.children[3],  # type: ignore[union-attr]
            )
        )
    )
    assert isinstance(query.root, And)
    counted = query.root.children[3]
    assert isinstance(counted, Term)
    assert isinstance(counted.value, Counted)
    assert (counted.value.name, str(counted.value.count)) == ("cup", ">=2")
    assert Word("IMG_", prefix=True) == parse("IMG_*").root


@pytest.mark.parametrize(
    ("text", "free"),
    [
        ("dog", True),
        ('"dog"', True),
        ("-dog", False),
        ("tag:dog", False),
        ("tag:a or dog", True),
        ("", False),
    ],
)
def test_free_words(text: str, free: bool) -> None:
    assert parse(text).has_free_words is free


@pytest.mark.parametrize(
    ("text", "position", "suggestion"),
    [
        ("beach taag:dog", 6, "tag:"),
        ("is:favrite", 3, "favorite"),
        ("type:jpgg", 5, "jpg"),
        ("海边 标鉴：狗", 3, "tag:"),
        ("tag:", 4, "beach"),
        ("a (b", 2, None),
        ("a b)", 3, None),
        ("()", 1, None),
        ('a "b', 2, None),
        ('a ""', 2, None),
        ("a or", 4, None),
        ("or a", 0, None),
        ("-or", 1, None),
        ("faces:many", 6, "0"),
        ("faces:1.5", 6, None),
        ("rating:9", 7, None),
        ("year:24", 5, None),
        ("date:2023-02-29", 5, None),
        ("date:2024-13", 5, None),
        ("date:2024-06..2024-05", 5, "2024-05..2024-06"),
        ("iso:5..1", 4, "1..5"),
        ("taken:last-week", 6, "last-30d"),
        ("taken:last-0d", 6, None),
        ("near:91,0,5", 5, None),
        ("near:1,2,0", 5, None),
        ("near:1", 5, "38.72,-9.14,5"),
        ("similar:abc", 8, None),
        ("object:dog>=x", 7, None),
        ("size:big", 5, None),
        ("beach confidence:>0.5", None, "tag:dog confidence:>0.6"),
        ("year:2024 confidence:>0.5", 10, "tag:dog confidence:>0.6"),
        ("tag:dog or confidence:>0.5", 11, None),
        ("tag:dog -confidence:>0.5", 9, None),
        ("dog\0", 3, None),
        ("dog \ud800", 4, None),
    ],
)
def test_errors_say_where(text: str, position: int | None, suggestion: str | None) -> None:
    if position is None:
        assert parse(text)
        return
    with pytest.raises(BadQuery) as caught:
        parse(text)
    assert caught.value.extra["position"] == position
    assert caught.value.detail.endswith((".", "6"))
    if suggestion is not None:
        assert suggestion in caught.value.extra["suggestions"]


@pytest.mark.parametrize("field", [f for f in FIELDS if f.kind is Kind.CHOICE], ids=lambda f: f.name)
def test_every_choice_and_alias_is_read(field: object) -> None:
    from app.search.fields import Field

    assert isinstance(field, Field)
    for choice in field.choices:
        for name in (choice.name, *choice.aliases):
            assert canonical(f"{field.name}:{name}") == f"{field.name}:{choice.name}"


@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.name)
def test_examples_and_aliases_parse_to_their_field(field: object) -> None:
    from app.search.fields import Field

    assert isinstance(field, Field)
    for example_text in field.examples:
        root = parse(example_text).root
        terms = root.children if isinstance(root, And) else (root,)
        assert field.name in [t.field for t in terms if isinstance(t, Term)]
    for alias in field.aliases:
        value = field.examples[0].partition(":")[2]
        if field.name != "confidence":
            assert canonical(f"{alias}:{value}") == canonical(f"{field.name}:{value}")


def test_limits() -> None:
    with pytest.raises(BadQuery, match="characters"):
        parse("a" * (MAX_LENGTH + 1))
    with pytest.raises(BadQuery, match="deep"):
        parse("(" * (MAX_DEPTH + 1) + "a" + ")" * (MAX_DEPTH + 1))
    with pytest.raises(BadQuery, match="terms"):
        parse("a " * (MAX_TERMS + 1))
    assert parse("(" * MAX_DEPTH + "a" + ")" * MAX_DEPTH) == parse("a")
    assert parse("-" * 1000 + "a") == parse("a")


@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=12).map("".join)))
@example("（and )\t,o")
@example("near:1,2,3 or --or ")
@settings(max_examples=1500, deadline=None)
def test_any_text_parses_or_is_a_bad_query_and_round_trips(text: str) -> None:
    try:
        query = parse(text)
    except BadQuery as error:
        position = error.extra["position"]
    else:
        position = 0
        again = parse(str(query))
        assert again == query
        assert str(again) == str(query)
    assert 0 <= position <= len(text)
