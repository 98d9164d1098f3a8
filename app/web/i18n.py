"""The words of the pages in every language: one JSON file a language, flat keys, ``{name}`` placeholders.

A key that counts has two entries, ``key.one`` and ``key.other``; languages without a plural repeat the text.
Keys that begin with ``js.`` travel to the browser. Dates, numbers and sizes are written here too, so that a
page reads as one voice. Services speak English; what they say is translated here by ``Translator.sentence``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date as Date
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from app.sentences import Sentence

LANGUAGES: Mapping[str, str] = {"en": "English", "zh": "简体中文"}
HTML_LANGUAGE: Mapping[str, str] = {"en": "en", "zh": "zh-Hans"}
DEFAULT_LANGUAGE = "en"

_FOLDER = Path(__file__).parent / "locales"
_SLOT = re.compile(r"\{(\w+)(?::[^}]*)?\}")
_TELLING = 12  # characters a template needs of its own to be recognised in a text
_MONTHS_EN = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_WEEKDAYS_ZH = ("星期一", "星期二", "星期三", "星期四", "星期五", "星期六", "星期日")


@cache
def messages(language: str) -> Mapping[str, str]:
    """Every message of one language, by key."""
    found: dict[str, str] = json.loads((_FOLDER / f"{language}.json").read_text(encoding="utf-8"))
    return found


@cache
def sentences(language: str) -> Mapping[str, str]:
    """What services say, as English template -> template in ``language``; empty for English."""
    path = _FOLDER / f"sentences.{language}.json"
    found: dict[str, str] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found


@cache
def _patterns(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    """A pattern for each template with values, the one that says most by itself first."""
    found = []
    for template in sentences(language):
        pieces = _SLOT.split(template)
        if len(pieces) > 1 and sum(len(word) for word in pieces[::2]) >= _TELLING:
            pattern = "".join(re.escape(p) if i % 2 == 0 else f"(?P<{p}>.*)" for i, p in enumerate(pieces))
            found.append((re.compile(pattern, re.DOTALL), template))
    return tuple(sorted(found, key=lambda pair: -len(pair[1])))


def choose_language(*wishes: str | None, accept: str = "") -> str:
    """The first wish we speak, else the best of an ``Accept-Language`` header, else English."""
    for wish in wishes:
        if wish in LANGUAGES:
            return str(wish)
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept.split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            weight = float(quality) if quality else 1.0
        except ValueError:
            continue
        base = name.split("-")[0].lower()
        if base in LANGUAGES and weight > 0:
            ranked.append((-weight, place, base))
    return min(ranked)[2] if ranked else DEFAULT_LANGUAGE


@dataclass(frozen=True)
class Translator:
    """Speaks one language. Templates call it as ``t("key", name=value)``."""

    language: str

    def __call__(self, key: str, **values: Any) -> str:
        """The message under ``key`` with its placeholders filled.

        Raises:
            KeyError: there is no such message; a template with a misspelt key must not reach a person.
        """
        table = messages(self.language)
        if "count" in values and key not in table:
            key = f"{key}.one" if values["count"] == 1 else f"{key}.other"
            values["count"] = self.number(values["count"])
        text = table[key]
        return text.format(**values) if values else text

    def sentence(self, text: str) -> str:
        """What a service said, in this language; a text that is not known stays as it is.

        A sentence that was kept as text (a photo's error, a child process's answer) is recognised by its template.
        """
        known = sentences(self.language)
        if isinstance(text, Sentence) and text.template in known:
            values = {k: self.sentence(v) if isinstance(v, Sentence) else v for k, v in text.values.items()}
            return known[text.template].format(**values)
        if not known or text in known:
            return known.get(text, text)
        for pattern, template in _patterns(self.language):
            met = pattern.fullmatch(text)
            if met:
                return _SLOT.sub(lambda slot: self.sentence(met[slot[1]]), known[template])  # noqa: B023 - used at once
        return str(text)

    def has(self, key: str) -> bool:
        return key in messages(self.language)

    def name(self, prefix: str, value: str) -> str:
        """The name of one of a fixed set of values, or the value itself where a newer part adds one."""
        return messages(self.language).get(f"{prefix}.{value}", value)

    @property
    def html_language(self) -> str:
        return HTML_LANGUAGE[self.language]

    def for_browser(self) -> dict[str, str]:
        """The messages the scripts use, without their ``js.`` prefix."""
        table = messages(self.language)
        return {key.removeprefix("js."): text for key, text in table.items() if key.startswith("js.")}

    def listed(self, words: Sequence[str]) -> str:
        """Words as one says them in a row: ``larger, sharper and in an album``."""
        if self.language == "zh":
            return "、".join(words)
        return " and ".join([", ".join(words[:-1]), words[-1]]) if len(words) > 1 else "".join(words)

    def number(self, value: float) -> str:
        return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}"

    def percent(self, share: float) -> str:
        return f"{round(share * 100)}%"

    def size(self, count: int) -> str:
        """A size in bytes as people say it: ``820 kB``, ``4.3 MB``."""
        value = float(count)
        for unit in ("B", "kB", "MB", "GB"):
            if value < 1000:
                return f"{value:.0f} {unit}" if unit in ("B", "kB") or value >= 100 else f"{value:.1f} {unit}"
            value /= 1000
        return f"{value:.1f} TB"

    def duration(self, seconds: float) -> str:
        """A span of time as people say it: ``5 min``, ``2 h 10 min``, ``3 days``."""
        minutes = round(seconds / 60)
        if minutes < 1:
            return self("duration.moment")
        if minutes < 60:
            return self("duration.minutes", minutes=minutes)
        if minutes < 48 * 60:
            return self("duration.hours", hours=minutes // 60, minutes=minutes % 60)
        return self("duration.days", days=round(minutes / 1440))

    def month(self, key: str) -> str:
        """``2024-06`` as a heading."""
        year, month = (int(part) for part in key.split("-")[:2])
        return f"{year}年{month}月" if self.language == "zh" else f"{_MONTHS_EN[month - 1]} {year}"

    def date(self, value: Date) -> str:
        if self.language == "zh":
            return f"{value.year}年{value.month}月{value.day}日"
        return f"{value.day} {_MONTHS_EN[value.month - 1]} {value.year}"

    def span(self, start: Date, end: Date) -> str:
        """From one day to another, what they share said once: ``2–8 June 2024``."""
        if self.language == "zh":
            same = f"{end.month}月{end.day}日" if start.year == end.year else self.date(end)
            return f"{self.date(start)}至{same}"
        if (start.year, start.month) == (end.year, end.month):
            return f"{start.day}–{self.date(end)}"
        first = f"{start.day} {_MONTHS_EN[start.month - 1]}" if start.year == end.year else self.date(start)
        return f"{first} – {self.date(end)}"

    def day(self, value: Date) -> str:
        """A date with its weekday."""
        if self.language == "zh":
            return f"{self.date(value)} {self.weekday(value)}"
        return f"{self.weekday(value)}, {self.date(value)}"

    def weekday(self, value: Date) -> str:
        return (_WEEKDAYS_ZH if self.language == "zh" else _WEEKDAYS_EN)[value.weekday()]

    def time(self, value: datetime) -> str:
        return f"{value:%H:%M}"

    def moment(self, value: datetime) -> str:
        return f"{self.date(value)}{', ' if self.language == 'en' else ' '}{self.time(value)}"
