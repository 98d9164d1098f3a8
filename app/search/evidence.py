"""Free words: what each of them can be evidence of in a library, and the SQL that finds it.

A word is found in a photo as a tag (either language, synonyms, everything below it), a person, a place, a
date, or in the title, description, file name and recognised text. Neighbouring words that together are one
name ("golden retriever") may be found as that name; a run of Chinese is also tried as several ("海边日落").
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from sqlalchemy import extract

from app.models import Photo
from app.search import conditions as sql
from app.search.language import Word
from app.search.library import Library
from app.search.terms import fold, is_unspaced, lookup, name_key, units
from app.search.values import MONTHS, Interval, Number

# A suggestion below this confidence is no evidence by itself; ``tag:`` finds it all the same.
LEAST_CONFIDENCE = 0.1
_LEAST = Interval(Number(Decimal(str(LEAST_CONFIDENCE))), None)
MAX_SPAN = 5  # words in one name
MAX_DESCRIPTION = 10  # words in one description

# Words that say nothing about a photo; they need no evidence of their own.
STOP_WORDS = frozenset(
    """a an the of in on at with and to from by for my our your his her their its is are was were be being has
    have this that these those some any there where who which it he she they we i me us into over under near
    next photo photos picture pictures image images pic pics showing
    的 了 在 和 与 里 上 中 是 有 张 照片 图片 相片 里面 上面""".split()  # noqa: SIM905
)
_YEAR = re.compile(r"(19\d\d|20\d\d)年?")
_MONTH_ZH = re.compile(r"(1[0-2]|[1-9])月")
_MONTHS = {m: i for i, m in enumerate(MONTHS, 1) if m not in ("may", "march")}  # those two are words, too


@dataclass(frozen=True)
class Evidence:
    """What one word or name may stand for."""

    text: str
    roots: frozenset[int] = frozenset()
    tags: frozenset[int] = frozenset()
    people: frozenset[UUID] = frozenset()
    terms: tuple[str, ...] = ()
    prefix: bool = False
    year: int | None = None
    month: int | None = None

    @property
    def dated(self) -> bool:
        return self.year is not None or self.month is not None

    @property
    def is_name(self) -> bool:
        return bool(self.tags or self.people)


@dataclass(frozen=True)
class WordEvidence:
    """One word of the query and every way to find it: each way is evidence that must be there together."""

    text: str
    ways: tuple[tuple[Evidence, ...], ...]


def read_words(library: Library, words: Sequence[Word]) -> list[WordEvidence]:
    """The evidence for each word that needs some: stop words need none, unless there are no others."""
    spans = _spans(library, words)
    told = [i for i, word in enumerate(words) if name_key(word.text) not in STOP_WORDS]
    found = []
    for i in told or range(len(words)):
        ways = [(_evidence(library, words[i].text, words[i].prefix),)]
        ways += [(evidence,) for (a, b), evidence in spans.items() if a <= i < b]
        parts = _split_unspaced(library, words[i].text)
        found.append(WordEvidence(words[i].text, (*ways, parts) if parts else tuple(ways)))
    return found


def count_words(found: Sequence[WordEvidence]) -> int:
    """How many words say something; a run without spaces counts for half its characters."""
    runs = [units(word.text) for word in found]
    return sum(max(1, len(run) // 2) if run and is_unspaced(run[0]) else 1 for run in runs)


def named_slugs(library: Library, words: Sequence[Word]) -> frozenset[str]:
    """The tags that the words together name ("the hot air balloon") or describe; empty when they do neither."""
    whole = " ".join(word.text for word in words)
    telling = " ".join(word.text for word in words if name_key(word.text) not in STOP_WORDS)
    found = library.tags.find(whole) or (library.tags.find(telling) if telling else frozenset())
    if not found:
        found = _visible(library, library.tags.described(whole))
    return frozenset(library.tags.by_id[tag].slug for tag in found)


def read_phrase(library: Library, text: str) -> WordEvidence:
    return WordEvidence(text, ((_evidence(library, text, False),),))


def condition(
    library: Library, evidence: Evidence, confidence: Interval[Number] | None = None
) -> sql.Condition:
    """The photos in which ``evidence`` is found."""
    sure = confidence or _LEAST
    found = [
        sql.tagged(evidence.tags, evidence.roots, sure, guesses=True),
        sql.showing(evidence.people),
        sql.worded(evidence.terms, sql.ALL_TERM_FIELDS, prefix=evidence.prefix, collation=library.collation),
    ]
    if evidence.dated:
        found.append(dated(evidence))
    return sql.any_condition(found)


def dated(evidence: Evidence) -> sql.Condition:
    """Photos taken in the year, or in that month of any year, that the word names."""
    if evidence.year is not None:
        year = evidence.year
        return sql.between(Photo.taken_local, datetime(year, 1, 1), datetime(year + 1, 1, 1))
    return extract("month", Photo.taken_local) == evidence.month


def word_condition(
    library: Library, word: WordEvidence, confidence: Interval[Number] | None
) -> sql.Condition:
    return sql.any_condition(
        [sql.all_conditions([condition(library, e, confidence) for e in way]) for way in word.ways]
    )


def _evidence(library: Library, text: str, prefix: bool) -> Evidence:
    plain = fold(text)
    roots = frozenset() if prefix else library.tags.find(text)
    year, month = _YEAR.fullmatch(plain), _MONTH_ZH.fullmatch(plain)
    return Evidence(
        text,
        roots,
        library.tags.below(roots),
        frozenset() if prefix else library.named(text),
        tuple(lookup(text)),
        prefix,
        int(year[1]) if year else None,
        int(month[1]) if month else _MONTHS.get(plain),
    )


def _spans(library: Library, words: Sequence[Word]) -> dict[tuple[int, int], Evidence]:
    """Neighbouring words that together are a tag's or a person's name, or a description of some tags."""
    found = {}
    for start in range(len(words)):
        for end in range(start + 1, min(start + MAX_DESCRIPTION, len(words)) + 1):
            text = " ".join(w.text for w in words[start:end])
            evidence = _evidence(library, text, False) if 1 < end - start <= MAX_SPAN else None
            if evidence is None or not evidence.is_name:
                evidence = _described(library, text)
            if evidence.is_name:
                found[start, end] = evidence
    return found


def _described(library: Library, text: str) -> Evidence:
    """The tags that a description fits, unless a name says the same and more."""
    roots = frozenset() if library.tags.find(text) else _visible(library, library.tags.described(text))
    return Evidence(text, roots, library.tags.below(roots))


def _visible(library: Library, tags: frozenset[int]) -> frozenset[int]:
    """Tags of a description, if any of them can be on photos: "red flowers" are else better searched by meaning."""
    from ml.vocabulary import load_vocabulary

    slugs = {library.tags.by_id[tag].slug for tag in library.tags.below(tags)}
    return frozenset() if load_vocabulary().visible.isdisjoint(slugs) else tags


def _split_unspaced(library: Library, text: str) -> tuple[Evidence, ...]:
    """A run without spaces cut into the longest known names from the left; empty if that fails."""
    chars = units(text)
    if len(chars) < 3 or not all(is_unspaced(c) for c in chars):
        return ()
    parts: list[Evidence] = []
    at = 0
    while at < len(chars):
        for length in range(min(len(chars) - at, 8), 0, -1):
            piece = "".join(chars[at : at + length])
            if piece in STOP_WORDS:
                break
            evidence = _evidence(library, piece, False)
            if evidence.is_name and length < len(chars):
                parts.append(evidence)
                break
        else:
            return ()
        at += length
    return tuple(parts) if len(parts) > 1 else ()
