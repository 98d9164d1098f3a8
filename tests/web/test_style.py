"""The design language holds: tokens agree and contrast, symbols exist, nothing points to another host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOKENS = (ROOT / "static/css/tokens.css").read_text()
SOURCES = sorted(
    path
    for folder in ("static", "templates")
    for path in (ROOT / folder).rglob("*")
    if path.suffix in (".js", ".mjs", ".css", ".svg", ".html") and "dist" not in path.parts
)
NAMESPACE = "http://www.w3.org/2000/svg"


def _tokens(block: str) -> dict[str, str]:
    return dict(re.findall(r"(--[\w-]+):\s*([^;]+);", block))


def _block(start: str) -> dict[str, str]:
    return _tokens(TOKENS.partition(start)[2].partition("}")[0])


LIGHT = _block(":root {")
DARK = _block(':root[data-theme="dark"] {')


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_dark_is_the_same_chosen_by_hand_or_by_the_system() -> None:
    assert _block(':root:not([data-theme="light"]) {') == DARK
    assert set(DARK) <= set(LIGHT)


@pytest.mark.parametrize("theme", [LIGHT, {**LIGHT, **DARK}], ids=["light", "dark"])
def test_text_can_be_read_on_every_ground(theme: dict[str, str]) -> None:
    pairs = [
        (ink, ground)
        for ink in ("--ink", "--ink-2", "--ink-3", "--accent")
        for ground in ("--paper", "--surface")
    ]
    pairs += [
        ("--ink", "--sunken"),
        ("--ink-2", "--sunken"),
        ("--ink-3", "--sunken"),
        ("--on-accent", "--accent"),
    ]
    pairs += [("--accent-strong", "--accent-soft"), ("--ink", "--accent-soft"), ("--ink", "--danger-soft")]
    pairs += [("--danger", "--danger-soft"), ("--good", "--good-soft"), ("--yolk-ink", "--yolk-soft")]
    pairs += [
        ("--danger", "--surface"),
        ("--danger", "--paper"),
        ("--good", "--paper"),
        ("--on-accent", "--accent-strong"),
    ]
    weak = {pair: round(contrast(theme[pair[0]], theme[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in weak.items() if ratio < 4.5} == {}
    # What marks the edge of a field needs 3:1.
    assert contrast(theme["--line-strong"], theme["--surface"]) >= 3


def test_every_token_used_is_defined() -> None:
    css = "\n".join(path.read_text() for path in SOURCES if path.suffix == ".css")
    defined = set(re.findall(r"(--[\w-]+):", css))
    assert set(re.findall(r"var\((--[\w-]+)", css)) - defined == set()


def test_every_symbol_used_is_in_the_sprite() -> None:
    sprite = (ROOT / "static/icons.svg").read_text()
    have = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    used = set()
    for path in [*SOURCES, *(ROOT / "app/web").glob("*.py")]:
        text = path.read_text()
        used |= set(re.findall(r"\bicon\(['\"]([\w-]+)['\"]", text)) | set(
            re.findall(r"icons\.svg'\) }}#([\w-]+)", text)
        )
    used |= set(
        re.findall(r"item\('\w+', '[^']+', '([\w-]+)'\)", (ROOT / "templates/frame.html").read_text())
    )
    assert len(used) > 25
    assert used - have == set()


def test_no_page_asks_another_host() -> None:
    for path in SOURCES:
        addresses = [a for a in re.findall(r"https?://[^\s\"'`)]+", path.read_text()) if a != NAMESPACE]
        assert addresses == [], path


def test_the_lock_file_names_no_registry() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())
    assert lock["packages"]["node_modules/esbuild"]["integrity"].startswith("sha512-")
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []


def test_every_module_is_reachable_from_the_entry() -> None:
    folder = ROOT / "static/js"
    seen, todo = set(), ["app.js"]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += re.findall(r"(?:from|import)\s*\(?\"\./([\w.]+)\"", (folder / name).read_text())
    assert seen == {path.name for path in folder.glob("*.js")}


@pytest.mark.parametrize("theme", [LIGHT, {**LIGHT, **DARK}], ids=["light", "dark"])
def test_what_lies_beside_each_other_can_be_told_apart(theme: dict[str, str]) -> None:
    assert contrast(theme["--land"], theme["--sea"]) >= 1.3
    if theme["--raised"] != theme["--surface"]:  # in the light a shadow marks it
        assert contrast(theme["--raised"], theme["--sunken"]) >= 1.5
    assert contrast(theme["--ink"], theme["--raised"]) >= 4.5
    assert contrast(theme["--ink-2"], theme["--land"]) >= 4.5  # names of countries
