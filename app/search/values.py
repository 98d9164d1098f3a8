"""The values of fields: how each kind is read from text, what it means, and its one canonical spelling.

Reading never raises anything but ``UnreadableValue``: a sentence for people and suggestions; the parser turns it into
``BadQuery`` with the value's place in the query.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from typing import Generic, TypeVar
from uuid import UUID

from app.search.fields import Field, Kind, find_choice
from app.sentences import say

DEFAULT_KM = 10
HALF_EARTH_KM = 20_038
MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
          "november", "december")  # fmt: skip

# What can stand bare as a field's value; anything else is written in quotes.
_BARE = re.compile(r"\w(?:[\w+/@#&*'-]|\.(?!\.))*(?<!\.)|\*(?:[\w+/@#&*'-]|\.(?!\.))*(?<!\.)")
_NUMBER = re.compile(r"\d{1,12}(?:\.\d{1,6})?")
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?)(i?)b?")
_DAY = re.compile(r"(\d{4})(?:[-/年](\d{1,2})(?:[-/月](\d{1,2})日?|月)?|年)?")
_AGO = re.compile(r"last-(\d{1,4})(d|w|m|y)")
_COMPARED = re.compile(r"(>=|<=|=>|=<|>|<|=)\s*(.*)", re.DOTALL)
# Comparison signs and digits people type on a Chinese keyboard.
_SIGNS = str.maketrans({"＞": ">", "＜": "<", "＝": "=", "－": "-", "−": "-", "–": "-", "，": ",", "．": "."})
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}
_BINARY = {"": 1, "k": 2**10, "m": 2**20, "g": 2**30}


class UnreadableValue(Exception):
    """A value that cannot be read: ``detail`` for people, and values that could stand in its place."""

    def __init__(self, detail: str, suggestions: tuple[str, ...] = ()) -> None:
        super().__init__(detail)
        self.detail, self.suggestions = detail, suggestions


def quote(text: str) -> str:
    """``text`` as a field's value: bare when that reads back the same, else in quotes."""
    return text if _BARE.fullmatch(text) else quoted(text)


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@dataclass(frozen=True)
class Text:
    text: str

    def __str__(self) -> str:
        return quote(self.text)


@dataclass(frozen=True)
class Chosen:
    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Number:
    """A decimal number; ``unit`` only says how it is spelled."""

    value: Decimal
    sized: bool = False

    def __str__(self) -> str:
        if self.sized:
            for unit, factor in (("gb", 10**9), ("mb", 10**6), ("kb", 10**3)):
                if self.value and self.value % factor == 0:
                    return f"{int(self.value // factor)}{unit}"
        text = format(self.value, "f")
        return text.rstrip("0").rstrip(".") if "." in text else text

    def __lt__(self, other: Number) -> bool:
        return self.value < other.value


@dataclass(frozen=True)
class Day:
    """A year, a month or a day: the span from ``first`` to before ``after``."""

    year: int
    month: int | None = None
    day: int | None = None

    def __str__(self) -> str:
        parts = [f"{self.year:04}", *(f"{p:02}" for p in (self.month, self.day) if p is not None)]
        return "-".join(parts)

    @property
    def first(self) -> datetime:
        return datetime(self.year, self.month or 1, self.day or 1)

    @property
    def after(self) -> datetime:
        if self.month is None:
            return datetime(self.year + 1, 1, 1)
        if self.day is None:
            return datetime(self.year + self.month // 12, self.month % 12 + 1, 1)
        return self.first + timedelta(days=1)

    def __lt__(self, other: Day) -> bool:
        return self.first < other.first


B = TypeVar("B", Number, Day)


@dataclass(frozen=True)
class Interval(Generic[B]):
    """``low`` to ``high``; one may be missing, an open end is not part of it. Both equal: a plain value."""

    low: B | None
    high: B | None
    low_open: bool = False
    high_open: bool = False

    def __str__(self) -> str:
        if self.low is not None and self.high is not None:
            return str(self.low) if self.low == self.high else f"{self.low}..{self.high}"
        if self.low is not None:
            return f">{'' if self.low_open else '='}{self.low}"
        return f"<{'' if self.high_open else '='}{self.high}"


@dataclass(frozen=True)
class Recent:
    """From so many days, weeks, months or years ago until now; or the calendar day today or yesterday."""

    count: int
    unit: str  # d w m y, or "today", "yesterday"

    def __str__(self) -> str:
        return self.unit if self.unit in ("today", "yesterday") else f"last-{self.count}{self.unit}"

    def span(self, now: datetime) -> tuple[datetime, datetime | None]:
        """The span in the same clock as ``now``: start, and end (excluded) or None for open."""
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        if self.unit == "today":
            return midnight, midnight + timedelta(days=1)
        if self.unit == "yesterday":
            return midnight - timedelta(days=1), midnight
        if self.unit in "dw":
            return now - timedelta(days=self.count * (7 if self.unit == "w" else 1)), None
        months = now.year * 12 + now.month - 1 - self.count * (12 if self.unit == "y" else 1)
        year, month = divmod(months, 12)
        if year < 1:
            return now.replace(year=1, month=1, day=1), None
        last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
        return now.replace(year=year, month=month + 1, day=min(now.day, last)), None


@dataclass(frozen=True)
class Near:
    latitude: Decimal
    longitude: Decimal
    km: Decimal

    def __str__(self) -> str:
        return ",".join(_plain(n) for n in (self.latitude, self.longitude, self.km))


@dataclass(frozen=True)
class Counted:
    """A name and how many of it; without ``count`` at least one."""

    name: str
    count: Interval[Number] | None = None

    def __str__(self) -> str:
        if self.count is None:
            return quote(self.name)
        text = str(self.count)
        return quote(self.name) + (text if text[0] in "<>" else f"={text}")


@dataclass(frozen=True)
class PhotoId:
    id: UUID

    def __str__(self) -> str:
        return str(self.id)


Value = Text | Chosen | Interval[Number] | Interval[Day] | Recent | Near | Counted | PhotoId


def read_value(field: Field, text: str, *, count: str | None = None) -> Value:
    """The typed value of ``field`` in ``text``; ``count`` is the comparison behind a counted name.

    Raises:
        UnreadableValue: it is not a value of that field.
    """
    value = _READERS[field.kind](field, text)
    if isinstance(value, Counted) and count is not None:
        return Counted(value.name, _interval(field, count, lambda t: _number(field, t)))
    return value


def _plain(number: Decimal) -> str:
    return str(Number(number)) if number >= 0 else f"-{Number(-number)}"


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKC", text.translate(_SIGNS).replace("≥", ">=").replace("≤", "<=")).strip()


def _example(field: Field) -> tuple[str, ...]:
    """Values of the field's examples."""
    return tuple(e.removeprefix(f"{field.name}:") for e in field.examples if e.startswith(field.name))[:3]


def _text(field: Field, text: str) -> Text:
    if not text.strip():
        raise UnreadableValue(say("{field}: needs a value.", field=field.name), _example(field))
    return Text(" ".join(text.split()))


def _counted(field: Field, text: str) -> Counted:
    return Counted(_text(field, text).text)


def _interval(field: Field, text: str, read: Callable[[str], B]) -> Interval[B]:
    text = _normal(text)
    compared = _COMPARED.fullmatch(text)
    if compared:
        sign, bound = "".join(sorted(compared[1], reverse=True)).replace("=<", "<="), read(compared[2])
        if sign == "=":
            return Interval(bound, bound)
        if ">" in sign:
            return Interval(bound, None, low_open="=" not in sign)
        return Interval(None, bound, high_open="=" not in sign)
    low_text, dots, high_text = text.partition("..")
    if not dots:
        value = read(text)
        return Interval(value, value)
    low = read(low_text) if low_text.strip() else None
    high = read(high_text) if high_text.strip() else None
    if low is None and high is None:
        raise UnreadableValue("A range needs a value before or after the two dots.", _example(field))
    if low is not None and high is not None and high < low:
        turned = f"{high}..{low}"
        raise UnreadableValue(
            say("The range is empty: {high} lies before {low}.", high=high, low=low), (turned,)
        )
    return Interval(low, high)


def _number(field: Field, text: str) -> Number:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        raise UnreadableValue(
            say("{field}: needs a number; {given} is none.", field=field.name, given=_shown(text)),
            _example(field),
        )
    number = Decimal(text)
    if (field.whole or field.kind is Kind.COUNTED) and number != int(number):
        raise UnreadableValue(say("{field}: needs a whole number.", field=field.name), _example(field))
    if not field.low <= number <= field.high:
        raise UnreadableValue(
            say(
                "{field}: lies between {low:g} and {high:g}.",
                field=field.name,
                low=field.low,
                high=field.high,
            ),
            _example(field),
        )
    return Number(number)


def _bytes(field: Field, text: str) -> Number:
    match = _SIZE.fullmatch(text.strip().casefold())
    if not match:
        detail = say(
            "{field}: needs a size such as 5mb; {given} is none.", field=field.name, given=_shown(text)
        )
        raise UnreadableValue(detail, _example(field))
    number = Decimal(match[1]) * (_BINARY if match[3] else _UNITS)[match[2]]
    if number > Decimal(field.high):
        raise UnreadableValue(say("{field}: lies below 1000 gb.", field=field.name), _example(field))
    return Number(Decimal(int(number)), sized=True)


def _month(field: Field, text: str) -> Number:
    name = text.strip().casefold().removesuffix("月")
    found = [i for i, month in enumerate(MONTHS, 1) if len(name) >= 3 and month.startswith(name)]
    return Number(Decimal(found[0])) if found else _number(field, name)


def _year(field: Field, text: str) -> Number:
    return _number(field, text.strip().removesuffix("年"))


def _day(field: Field, text: str) -> Day:
    match = _DAY.fullmatch(text.strip())
    if not match:
        raise UnreadableValue(
            say(
                "{field}: needs a date such as 2024, 2024-06 or 2024-06-01; {given} is none.",
                field=field.name,
                given=_shown(text),
            ),
            _example(field),
        )
    year, month, day = (int(g) if g else None for g in match.groups())
    assert year is not None
    if not 1000 <= year <= 2999:
        raise UnreadableValue("A year lies between 1000 and 2999.", _example(field))
    try:
        date(year, month if month is not None else 1, day if day is not None else 1)
    except ValueError:
        raise UnreadableValue(
            say("There is no such day: {given}.", given=text.strip()), _example(field)
        ) from None
    return Day(year, month, day)


def _date(field: Field, text: str) -> Interval[Day] | Recent:
    plain = _normal(text).casefold()
    word = {"today": "today", "yesterday": "yesterday", "今天": "today", "昨天": "yesterday"}.get(plain)
    if word:
        return Recent(0 if word == "today" else 1, word)
    ago = _AGO.fullmatch(plain)
    if ago:
        if int(ago[1]) == 0:
            raise UnreadableValue("last- needs a number above 0.", _example(field))
        return Recent(int(ago[1]), ago[2])
    if plain.startswith("last"):
        raise UnreadableValue(
            "A span up to now is written last-30d, last-2w, last-6m or last-1y.", ("last-30d", "last-1y")
        )
    return _interval(field, text, lambda t: _day(field, t))


def _choice(field: Field, text: str) -> Chosen:
    found = find_choice(field, text.strip())
    if found:
        return Chosen(found.name)
    names = [n for c in field.choices for n in (c.name, *c.aliases)]
    near = get_close_matches(text.strip().casefold(), names, 3, 0.5) or [c.name for c in field.choices]
    raise UnreadableValue(
        say(
            "{field}: does not know {given}; it takes {known}.",
            field=field.name,
            given=_shown(text),
            known=", ".join(c.name for c in field.choices),
        ),
        tuple(near),
    )


def _near(field: Field, text: str) -> Near:
    parts = [p.strip() for p in _normal(text).split(",")]
    if len(parts) not in (2, 3) or not all(_NUMBER.fullmatch(p.removeprefix("-")) for p in parts):
        detail = "near: needs latitude,longitude,kilometres in decimal degrees."
        raise UnreadableValue(detail, _example(field))
    latitude, longitude, km = (*(Decimal(p) for p in parts), Decimal(DEFAULT_KM))[:3]
    if abs(latitude) > 90 or abs(longitude) > 180:
        detail = "A latitude lies within ±90 and a longitude within ±180 degrees."
        raise UnreadableValue(detail, _example(field))
    if not 0 < km <= HALF_EARTH_KM:
        raise UnreadableValue(
            say("The distance lies above 0 and up to {most} km.", most=HALF_EARTH_KM), _example(field)
        )
    return Near(latitude + 0, longitude + 0, km)


def _photo(field: Field, text: str) -> PhotoId:
    try:
        return PhotoId(UUID(text.strip()))
    except ValueError:
        raise UnreadableValue(
            say("{field}: needs a photo's id.", field=field.name), _example(field)
        ) from None


def _shown(text: str) -> str:
    text = text.strip()
    return f"“{text[:37]}…”" if len(text) > 40 else f"“{text}”"


_READERS: dict[Kind, Callable[[Field, str], Value]] = {
    Kind.TEXT: _text,
    Kind.COUNTED: _counted,
    Kind.NUMBER: lambda f, t: _interval(f, t, lambda x: _number(f, x)),
    Kind.BYTES: lambda f, t: _interval(f, t, lambda x: _bytes(f, x)),
    Kind.YEAR: lambda f, t: _interval(f, t, lambda x: _year(f, x)),
    Kind.MONTH: lambda f, t: _interval(f, t, lambda x: _month(f, x)),
    Kind.DATE: _date,
    Kind.CHOICE: _choice,
    Kind.NEAR: _near,
    Kind.PHOTO: _photo,
}
