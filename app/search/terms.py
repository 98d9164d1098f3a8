"""The word index: how text becomes terms, for photos and for queries alike.

Text is folded (NFKC, lower case, Latin, Greek and Cyrillic letters without accents) and cut into units:
words, and single characters of scripts that are written without spaces. A photo is indexed under every unit
and every pair of neighbours; several units in a row are found as their pairs, so a phrase needs no position in
the index, and Chinese needs no dictionary.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

from sqlalchemy import delete, insert, select

from app.db import WriteSession
from app.models import Photo, PhotoTerm, TextLine
from app.search.countries import chinese_name

MAX_TERM = 64
MAX_TERMS_PER_FIELD = 4000

# Han, kana and Hangul, with their compatibility and extension blocks.
_UNSPACED = (
    "\u3005-\u3007\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003134f"
)
_IS_UNSPACED = re.compile(rf"[{_UNSPACED}]")
_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ](?=\w)")
_LAST_FOLDED_BASE = 0x0530  # scripts beyond Cyrillic keep their marks: there they are vowels


def fold(text: str) -> str:
    """``text`` as it is compared: NFKC, case-folded, without accents."""
    text = unicodedata.normalize("NFKC", text).casefold()
    if text.isascii():
        return text
    kept: list[str] = []
    base = 0
    for char in unicodedata.normalize("NFD", text):
        if unicodedata.combining(char):
            if base < _LAST_FOLDED_BASE:
                continue
        else:
            base = ord(char)
        kept.append(char)
    return unicodedata.normalize("NFC", "".join(kept))


def units(text: str) -> list[str]:
    """The words of ``text`` in order; each character of a script without spaces is one."""
    found: list[str] = []
    word = ""
    for char in _APOSTROPHE.sub("", fold(text)):
        part = _part(char)
        if part == "word":
            word += char
            continue
        if word:
            found.append(word)
            word = ""
        if part == "unit":
            found.append(char)
    return [*found, word] if word else found


@lru_cache(maxsize=8192)
def _part(char: str) -> str:
    """Whether a character is a unit by itself, part of a word (letters, digits, marks), or neither."""
    if is_unspaced(char):
        return "unit"
    return "word" if unicodedata.category(char)[0] in "LNM" else ""


def is_unspaced(unit: str) -> bool:
    return _IS_UNSPACED.match(unit) is not None


def terms(text: str) -> set[str]:
    """Every term under which ``text`` is indexed."""
    found = units(text)
    return {u[:MAX_TERM] for u in found} | _pairs(found)


def lookup(text: str) -> list[str]:
    """The terms that must all be there, in one field, for ``text`` to stand in it as a phrase."""
    found = units(text)
    return sorted(_pairs(found)) if len(found) > 1 else [u[:MAX_TERM] for u in found]


def name_key(text: str) -> str:
    """A name as it is compared: ``Golden-Retriever`` and ``golden retriever`` are one."""
    found = units(text)
    return "".join(
        u if i == 0 or (is_unspaced(u) and is_unspaced(found[i - 1])) else f" {u}"
        for i, u in enumerate(found)
    )


def index_terms(session: WriteSession, photo: Photo) -> None:
    """Write the photo's rows of the word index anew, from its row and its recognised text."""
    session.flush()
    lines = session.scalars(select(TextLine.content).where(TextLine.photo_id == photo.id)).all()
    places = [p for p in (photo.city, photo.region, photo.country, chinese_name(photo.country_code)) if p]
    fields: dict[str, Iterable[str]] = {
        "title": (photo.title, *photo.description.splitlines()),
        "name": (photo.filename,),
        "place": places,
        "text": lines,
    }
    session.execute(delete(PhotoTerm).where(PhotoTerm.photo_id == photo.id))
    rows = [
        {"term": term, "photo_id": photo.id, "field": field}
        for field, texts in fields.items()
        for term in sorted(set().union(*map(terms, texts)))[:MAX_TERMS_PER_FIELD]
    ]
    if rows:
        session.execute(insert(PhotoTerm), rows)


def _pairs(found: list[str]) -> set[str]:
    return {_pair(a, b)[:MAX_TERM] for a, b in pairwise(found)}


def _pair(first: str, second: str) -> str:
    return first + second if is_unspaced(first) and is_unspaced(second) else f"{first} {second}"
