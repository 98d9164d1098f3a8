"""Both languages say everything, and say nothing that is never used."""

from __future__ import annotations

import re
from datetime import datetime
from pathlib import Path

import pytest

from app.web.i18n import LANGUAGES, Translator, choose_language, messages

ROOT = Path(__file__).resolve().parents[2]
# Words that are the same in both languages.
SAME = {"flash.problem", "sign_in.heading"}


def _read(folder: str, suffix: str) -> str:
    return "\n".join(path.read_text() for path in sorted((ROOT / folder).glob(f"*{suffix}")))


def _used() -> tuple[set[str], set[str]]:
    """Keys named in full, and beginnings of keys that are completed at run time."""
    templates, python, scripts = (
        _read("templates", ".html"),
        _read("app/web", ".py"),
        _read("static/js", ".js"),
    )
    whole = set(re.findall(r"\bt\('([\w.-]+)'(?! ~)", templates))
    begun = set(re.findall(r"\bt\('([\w.-]+)' ~", templates))
    whole |= set(re.findall(r"\"([a-z_]+\.[\w.-]+)\"", python))
    begun |= set(re.findall(r"\bt\(f\"([\w.-]*)\{", python)) | set(
        re.findall(r"key = f\"([\w.-]+)\{", python)
    )
    begun |= {f"{prefix}." for prefix in re.findall(r"\bt\.name\(\"([\w.]+)\"", python)}
    js = set(re.findall(r"\bt\(\"([\w.]+)\"", scripts)) | set(
        re.findall(r"[?:] \"([\w]+\.[\w.]+)\"", scripts)
    )
    js |= set(re.findall(r"\b(?:button|press|item)\(\"[\w-]+\", \"([\w.]+)\"", scripts))
    whole |= {f"js.{key}" for key in js}
    begun |= {f"js.{key}" for key in re.findall(r"\bt\(`([\w.]+)\$", scripts)}
    # The title, introduction and empty state of a list carry the list's name.
    whole |= {
        f"{nav}.{part}"
        for nav in ("favorites", "archive", "trash")
        for part in ("intro", "empty_title", "empty_text")
    }
    return whole, {prefix for prefix in begun if prefix}


def _known(key: str, table: dict[str, str]) -> bool:
    return key in table or {f"{key}.one", f"{key}.other"} <= set(table)


def test_every_language_has_every_message() -> None:
    tables = {language: set(messages(language)) for language in LANGUAGES}
    assert tables["en"] == tables["zh"]


def test_no_message_is_left_in_english() -> None:
    english, chinese = messages("en"), messages("zh")
    assert {key for key in english if english[key] == chinese[key]} == SAME


def test_translations_fill_the_same_placeholders() -> None:
    english, chinese = messages("en"), messages("zh")
    slots = re.compile(r"\{(\w+)\}")
    assert [
        key for key in english if set(slots.findall(english[key])) != set(slots.findall(chinese[key]))
    ] == []


def test_every_message_that_is_asked_for_exists() -> None:
    table = dict(messages("en"))
    whole, begun = _used()
    named = {key for key in whole if not key.startswith(("app.", "albumen."))}
    spelt_in_templates = set(re.findall(r"\bt\('([\w.-]+)'(?! ~)", _read("templates", ".html")))
    spelt_in_scripts = {f"js.{key}" for key in re.findall(r"\bt\(\"([\w.]+)\"", _read("static/js", ".js"))}
    assert len(spelt_in_templates) > 100
    assert [key for key in sorted(spelt_in_templates | spelt_in_scripts) if not _known(key, table)] == []
    assert [prefix for prefix in sorted(begun) if not any(key.startswith(prefix) for key in table)] == []
    flashes = {key for key in named if key.startswith("flash.")}
    assert flashes
    assert [key for key in flashes if key not in table] == []


def test_no_message_is_unused() -> None:
    whole, begun = _used()
    unused = []
    for key in messages("en"):
        base = key.removesuffix(".one").removesuffix(".other")
        if not {key, base} & whole and not any(key.startswith(prefix) for prefix in begun):
            unused.append(key)
    assert unused == []


def test_a_misspelt_key_is_an_error_and_not_an_empty_page() -> None:
    with pytest.raises(KeyError):
        Translator("en")("no.such.key")


def test_counting() -> None:
    t = Translator("en")
    assert t("count.photos", count=1) == "1 photo"
    assert t("count.photos", count=12_345) == "12,345 photos"
    assert Translator("zh")("count.photos", count=1) == "1 张照片"


def test_dates_and_sizes() -> None:
    english, chinese = Translator("en"), Translator("zh")
    moment = datetime(2024, 6, 2, 14, 5)
    assert english.day(moment) == "Sunday, 2 June 2024"
    assert english.moment(moment) == "2 June 2024, 14:05"
    assert chinese.day(moment) == "2024年6月2日 星期日"
    assert (english.month("2024-06"), chinese.month("2024-06")) == ("June 2024", "2024年6月")
    assert [english.size(n) for n in (0, 999, 1000, 4_300_000, 209_715_200)] == [
        "0 B",
        "999 B",
        "1 kB",
        "4.3 MB",
        "210 MB",
    ]


@pytest.mark.parametrize(
    ("wishes", "accept", "expected"),
    [
        (("zh",), "en", "zh"),
        ((None, "xx"), "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ((), "de-DE,de;q=0.9,en;q=0.5,zh;q=0.4", "en"),
        ((), "fr, zh;q=nonsense, *;q=0.1", "en"),
        ((), "", "en"),
    ],
)
def test_choosing_a_language(wishes: tuple[str | None, ...], accept: str, expected: str) -> None:
    assert choose_language(*wishes, accept=accept) == expected
