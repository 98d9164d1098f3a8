"""Queries as JSON: what a rule builder edits. The text stays the truth; both forms turn into each other.

====================================  =======================================================
JSON                                  text
====================================  =======================================================
``{"all": [...]}``                    side by side
``{"any": [...]}``                    joined by ``or``
``{"not": {...}}``                    ``-``
``{"field": "tag", "value": "sea"}``  ``tag:sea``; comparisons stand in the value: ``>=4``
``{"field": "object", "value": "dog", "count": ">=2"}``  ``object:dog>=2``
``{"words": "dog beach*"}``           free words
``{"phrase": "happy birthday"}``      ``"happy birthday"``
====================================  =======================================================

The empty query is ``null``.
"""

from __future__ import annotations

from itertools import groupby
from typing import Any, NoReturn

from app.errors import BadQuery
from app.search.fields import Kind, find_field
from app.search.language import (
    MAX_DEPTH,
    And,
    Node,
    Not,
    Or,
    Phrase,
    Query,
    Term,
    Word,
    all_of,
    any_of,
    negate,
    parse,
)
from app.search.values import Counted, Text, UnreadableValue, read_value
from app.sentences import say

Tree = dict[str, Any]


def to_tree(query: Query) -> Tree | None:
    """The JSON form of a query."""
    return None if query.root is None else _tree(query.root)


def from_tree(tree: object) -> Query:
    """The query a JSON form means, in normal form.

    Raises:
        BadQuery: it is none; ``path`` says where in the JSON (such as ``all.1.value``), ``suggestions`` what could
            stand there. Limits of the text form hold for it as well.
    """
    if tree is None:
        return Query()
    return parse(str(Query(_node(tree, ""))))


def _tree(node: Node) -> Tree:
    if isinstance(node, Not):
        return {"not": _tree(node.child)}
    if isinstance(node, Or):
        return {"any": [_tree(child) for child in node.children]}
    if isinstance(node, And):
        parts: list[Tree] = []
        for are_words, run in groupby(node.children, key=lambda child: isinstance(child, Word)):
            children = list(run)
            parts += [{"words": " ".join(map(str, children))}] if are_words else map(_tree, children)
        return parts[0] if len(parts) == 1 else {"all": parts}
    if isinstance(node, Word):
        return {"words": str(node)}
    if isinstance(node, Phrase):
        return {"phrase": node.text}
    value = node.value
    if isinstance(value, Counted):
        count = {} if value.count is None else {"count": str(value.count)}
        return {"field": node.field, "value": value.name, **count}
    return {"field": node.field, "value": value.text if isinstance(value, Text) else str(value)}


def _node(tree: object, path: str) -> Node:
    if path.count(".") > 2 * MAX_DEPTH:
        _fail(say("Groups are nested more than {most} deep.", most=MAX_DEPTH), path)
    if not isinstance(tree, dict):
        _fail(say("A part of a rule is a JSON object."), path)
    kinds = tree.keys() & {"all", "any", "not", "field", "words", "phrase"}
    if len(kinds) != 1 or tree.keys() - kinds - ({"value", "count"} if "field" in kinds else set()):
        _fail(say("A part of a rule is one of all, any, not, field, words, phrase."), path)
    (kind,) = kinds
    at = f"{path}.{kind}" if path else kind
    if kind in ("all", "any"):
        children = tree[kind]
        if not isinstance(children, list) or not children:
            _fail(say("A group holds at least one part."), at)
        nodes = [_node(child, f"{at}.{i}") for i, child in enumerate(children)]
        return all_of(nodes) if kind == "all" else any_of(nodes)
    if kind == "not":
        return negate(_node(tree["not"], at))
    if kind == "field":
        return _term(tree, path)
    text = tree[kind]
    if not isinstance(text, str) or not text.strip():
        _fail(say("Words are missing here."), at)
    return Phrase(" ".join(text.split())) if kind == "phrase" else _words(text)


def _words(text: str) -> Node:
    """Free words; what the language would read as something else, such as ``or``, is quoted."""
    nodes: list[Node] = []
    for token in text.split():
        stem = token.rstrip("*")
        word = Word(stem, True) if stem and stem != token else Word(token)
        try:
            plain = parse(str(word)).root == word
        except BadQuery:
            plain = False
        nodes.append(word if plain else Phrase(token))
    return all_of(nodes)


def _term(tree: Tree, path: str) -> Term:
    name, value, count = tree["field"], tree.get("value"), tree.get("count")
    prefix = f"{path}." if path else ""
    found = find_field(name) if isinstance(name, str) else None
    if found is None:
        _fail(say("There is no field “{name}”.", name=str(name)[:40]), f"{prefix}field")
    if not isinstance(value, str) or not value.strip():
        needed = say(
            "{field}: needs a value, for example {example}.", field=found.name, example=found.examples[0]
        )
        _fail(needed, f"{prefix}value")
    if count is not None and (found.kind is not Kind.COUNTED or not isinstance(count, str)):
        _fail(say("Only objects are counted, by a text such as >=2."), f"{prefix}count")
    try:
        return Term(found.name, read_value(found, value, count=count or None))
    except UnreadableValue as error:
        _fail(error.detail, f"{prefix}value", error.suggestions)


def _fail(detail: str, path: str, suggestions: tuple[str, ...] = ()) -> NoReturn:
    raise BadQuery(detail, position=0, path=path, suggestions=list(suggestions)) from None
