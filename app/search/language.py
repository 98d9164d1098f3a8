"""The query language: text to a tree of frozen nodes, and back to one canonical text.

Grammar (``?`` optional, ``*`` any number; juxtaposition is AND and binds tighter than ``or``)::

    query  := or?
    or     := and ( ("or" | "OR" | "|" | "||" | "或") and )*
    and    := unary ( "and"? unary )*
    unary  := "-"* primary
    primary:= "(" or ")" | string | field | word
    field  := name ":" value | name compare value          rating:>=4  and  rating>=4  are the same
    value  := string | bare            then, for object: only, compare and a number:  object:dog>=2
    string := '"' ( any | '\"' | '\\' )* '"'
    word   := anything up to a space, a parenthesis or a quotation mark; a * at its end stands for any ending

Full-width signs mean the same: （ ） ： “ ” 「 」 ＞ ＜ ＝ － and the ideographic space; ， 、 ； 。 separate
words.
``parse(str(parse(text))) == parse(text)`` for every text that parses.
"""

from __future__ import annotations

import dataclasses
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import NoReturn

from app.errors import BadQuery
from app.search.fields import BY_NAME, FIELDS, Field, Kind, find_field
from app.search.values import UnreadableValue, Value, quoted, read_value
from app.sentences import say

MAX_LENGTH = 4000
MAX_DEPTH = 30
MAX_TERMS = 200

_OR = frozenset({"or", "|", "||", "或"})
_AND = frozenset({"and", "&", "&&"})
_MINUS = "-－−"
_OPEN, _CLOSE = "(（", ")）"
_QUOTES = {'"': '"＂', "＂": '＂"', "“": '”“"', "”": '”"', "„": '“”"', "「": "」", "『": "』"}
_SEPARATORS = "，、；。！？"  # between words; ASCII punctuation stays, "3.5" and "it's" are words
_TRAILING = ",.;!?"
_NAME = re.compile(r"[^\W\d][\w-]*(?=\s*[:：])|[^\W\d]\w*(?=[<>=＜＞＝≥≤])")
_UNSURE = ("tag", "object")  # what confidence: speaks about
_COMPARE = re.compile(r"[<>=＜＞＝≥≤]")


@dataclass(frozen=True)
class Word:
    """A free word, matched by evidence and by meaning; ``prefix``: any ending."""

    text: str
    prefix: bool = False
    position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return self.text + "*" * self.prefix


@dataclass(frozen=True)
class Phrase:
    """Words that must stand exactly so; never matched by meaning."""

    text: str
    position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return quoted(self.text)


@dataclass(frozen=True)
class Term:
    """``field:value``."""

    field: str
    value: Value
    position: int = dataclasses.field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.field}:{self.value}"


@dataclass(frozen=True)
class Not:
    child: Node

    def __str__(self) -> str:
        return f"-({self.child})" if isinstance(self.child, And | Or) else f"-{self.child}"


@dataclass(frozen=True)
class And:
    children: tuple[Node, ...]

    def __str__(self) -> str:
        return " ".join(f"({c})" if isinstance(c, Or) else str(c) for c in self.children)


@dataclass(frozen=True)
class Or:
    children: tuple[Node, ...]

    def __str__(self) -> str:
        return " or ".join(str(c) for c in self.children)


Node = Word | Phrase | Term | Not | And | Or


@dataclass(frozen=True)
class Query:
    """A parsed query; without ``root`` it matches every photo. ``str()`` is its canonical text."""

    root: Node | None = None

    def __str__(self) -> str:
        return "" if self.root is None else str(self.root)

    @property
    def has_free_words(self) -> bool:
        """Whether relevance is a sensible order: a word or phrase stands outside every negation."""
        return self.root is not None and any(isinstance(n, Word | Phrase) for n in _positive(self.root))


def parse(text: str) -> Query:
    """Read a query.

    Raises:
        BadQuery: it does not parse; ``extra`` holds ``position`` (characters, from 0) and ``suggestions``.
    """
    return _Parser(text).query()


def all_of(children: list[Node]) -> Node:
    """The AND of ``children`` in normal form: flat, and without words that hold no letter or digit."""
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if isinstance(child, And) else (child,))
    spoken = [c for c in flat if not (isinstance(c, Word) and is_silent(c.text))] or flat[:1]
    return spoken[0] if len(spoken) == 1 else And(tuple(spoken))


def any_of(children: list[Node]) -> Node:
    flat: list[Node] = []
    for child in children:
        flat.extend(child.children if isinstance(child, Or) else (child,))
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def negate(child: Node) -> Node:
    return child.child if isinstance(child, Not) else Not(child)


def is_silent(text: str) -> bool:
    """Whether a word holds nothing that could be searched, such as a lone dash."""
    return not any(c.isalnum() for c in unicodedata.normalize("NFKC", text))


def walk(node: Node) -> Iterator[Node]:
    yield node
    if isinstance(node, Not):
        yield from walk(node.child)
    elif isinstance(node, And | Or):
        for child in node.children:
            yield from walk(child)


def _positive(node: Node) -> Iterator[Node]:
    if isinstance(node, And | Or):
        for child in node.children:
            yield from _positive(child)
    elif not isinstance(node, Not):
        yield node


class _Parser:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.terms = 0

    def fail(self, detail: str, position: int | None = None, suggestions: tuple[str, ...] = ()) -> NoReturn:
        raise self.error(detail, position, suggestions) from None

    def error(self, detail: str, position: int | None = None, suggestions: tuple[str, ...] = ()) -> BadQuery:
        return BadQuery(
            detail, position=self.at if position is None else position, suggestions=list(suggestions)
        )

    def query(self) -> Query:
        if len(self.text) > MAX_LENGTH:
            self.fail(say("A search has at most {most} characters.", most=MAX_LENGTH), MAX_LENGTH)
        for i, char in enumerate(self.text):
            if not char.isspace() and unicodedata.category(char) in ("Cc", "Cs"):
                self.fail("The search holds a character that cannot be searched.", i)
        if self.ended():
            return Query()
        root = self.alternatives(0)
        if not self.ended():
            self.fail("This parenthesis was never opened.")
        _check_confidence(root)
        return Query(root)

    # -- structure -----------------------------------------------------------------------------------------

    def alternatives(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            self.fail(say("Parentheses are nested more than {most} deep.", most=MAX_DEPTH))
        children = [self.group(depth)]
        while self.keyword(_OR):
            children.append(self.group(depth))
        return any_of(children)

    def group(self, depth: int) -> Node:
        children: list[Node] = []
        while not self.ended() and self.text[self.at] not in _CLOSE and not self.keyword(_OR, take=False):
            if not self.keyword(_AND):
                children.append(self.unary(depth))
        if not children:
            self.fail("Something to search for is missing here.")
        return all_of(children)

    def unary(self, depth: int) -> Node:
        negative = False
        while self.text[self.at] in _MINUS and self.at + 1 < len(self.text) and not self.breaks(self.at + 1):
            negative = not negative
            self.at += 1
        node = self.primary(depth)
        return negate(node) if negative else node

    def primary(self, depth: int) -> Node:
        self.terms += 1
        if self.terms > MAX_TERMS:
            self.fail(say("A search has at most {most} terms.", most=MAX_TERMS))
        start = self.at
        if self.text[start] in _OPEN:
            self.at += 1
            node = self.alternatives(depth + 1)
            if self.ended():
                self.fail("This parenthesis is not closed.", start)
            self.at += 1
            return node
        if self.text[start] in _QUOTES:
            text = " ".join(self.string().split())
            if not text:
                self.fail("There is nothing between the quotation marks.", start)
            return Phrase(text, start)
        return self.term() or self.word()

    # -- terms ---------------------------------------------------------------------------------------------

    def term(self) -> Term | None:
        start = self.at
        match = _NAME.match(self.text, start)
        if not match:
            return None
        found = find_field(unicodedata.normalize("NFKC", match[0]))
        after = match.end() + len(self.text[match.end() :]) - len(self.text[match.end() :].lstrip())
        if self.text[after] in ":：":
            if found is None:
                self.unknown_field(match[0], start, after)
                return None
            self.at = after + 1
        elif found is not None and found.compares:
            self.at = match.end()
        else:
            return None
        return Term(found.name, self.value(found), start)

    def unknown_field(self, name: str, start: int, colon: int) -> None:
        if self.text[colon + 1 : colon + 3] == "//" or colon > start + len(name):
            return  # an address, or a word before a stray colon
        near = get_close_matches(name.casefold(), list(BY_NAME), 3, 0.6)
        names = dict.fromkeys(BY_NAME[n].name for n in near)
        hint = say(" Did you mean {names}?", names=", ".join(f"{n}:" for n in names)) if names else ""
        self.fail(
            say(
                "There is no field “{name}”.{hint} To search for the words, put them in quotation marks.",
                name=name,
                hint=hint,
            ),
            start,
            tuple(f"{n}:" for n in names) or tuple(f"{f.name}:" for f in FIELDS[:6]),
        )

    def value(self, found: Field) -> Value:
        if self.ended() or self.text[self.at] in _CLOSE:
            values = tuple(e.partition(":")[2] for e in found.examples)
            self.fail(
                say(
                    "{field}: needs a value, for example {example}.",
                    field=found.name,
                    example=found.examples[0],
                ),
                None,
                values,
            )
        start = self.at
        is_string = self.text[start] in _QUOTES
        stops = _OPEN + _CLOSE + "".join(_QUOTES) + ("" if found.kind is Kind.NEAR else _SEPARATORS)
        text = self.string() if is_string else self.run(stops)
        count = None
        if found.kind is Kind.COUNTED:
            split = None if is_string else _COMPARE.search(text)
            if is_string and self.at < len(self.text) and _COMPARE.match(self.text, self.at):
                count = self.run(stops)
            elif split:
                text, count = text[: split.start()], text[split.start() :]
        if not is_string and count is None:
            text = text.rstrip(",;!?")
        try:
            return read_value(found, text, count=count.rstrip(",;!?") if count else None)
        except UnreadableValue as error:
            self.fail(error.detail, start, error.suggestions)

    def word(self) -> Word:
        start = self.at
        text = self.run(_OPEN + _CLOSE + "".join(_QUOTES) + _SEPARATORS)
        text = text.rstrip(_TRAILING) or text
        if text.casefold() in _OR | _AND:
            self.fail(
                say("“{text}” joins two searches. To search for the word itself, quote it.", text=text), start
            )
        stem = text.rstrip("*")
        if stem != text and not is_silent(stem):
            return Word(stem, True, start)
        return Word(text, False, start)

    # -- characters ----------------------------------------------------------------------------------------

    def breaks(self, at: int) -> bool:
        return self.parts(at) or self.text[at] in _CLOSE

    def ended(self) -> bool:
        while self.at < len(self.text) and self.parts(self.at):
            self.at += 1
        return self.at >= len(self.text)

    def parts(self, at: int) -> bool:
        return self.text[at].isspace() or self.text[at] in _SEPARATORS

    def run(self, stops: str) -> str:
        """Everything up to a space or one of ``stops``; at least one character."""
        start = self.at
        self.at += 1
        while self.at < len(self.text):
            if self.text[self.at].isspace() or self.text[self.at] in stops:
                break
            self.at += 1
        return self.text[start : self.at]

    def keyword(self, words: frozenset[str], *, take: bool = True) -> bool:
        if self.ended():
            return False
        start = self.at
        text = self.run(_OPEN + _CLOSE + "".join(_QUOTES) + _SEPARATORS)
        found = (text.rstrip(_TRAILING) or text).casefold() in words
        if not (found and take):
            self.at = start
        return found

    def string(self) -> str:
        start = self.at
        closing = _QUOTES[self.text[start]]
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            self.at += 1
            if char in closing:
                return "".join(parts)
            if char == "\\" and self.text[self.at : self.at + 1] in ('"', "\\"):
                char = self.text[self.at]
                self.at += 1
            parts.append(char)
        raise self.error("This quotation mark is not closed.", start)


def _check_confidence(node: Node, parent: Node | None = None) -> None:
    """``confidence:`` speaks about its neighbours: its group needs a tag, an object or a word."""
    if isinstance(node, Term) and node.field == "confidence":
        neighbours = parent.children if isinstance(parent, And) else ()
        for neighbour in neighbours:
            for inner in walk(neighbour):
                if isinstance(inner, Word | Phrase) or (isinstance(inner, Term) and inner.field in _UNSURE):
                    return
        raise BadQuery(
            "confidence: says how sure a tag or object beside it must be; write it next to one.",
            position=node.position,
            suggestions=["tag:dog confidence:>0.6"],
        )
    if isinstance(node, Not):
        _check_confidence(node.child, node)
    elif isinstance(node, And | Or):
        for child in node.children:
            _check_confidence(child, node)
