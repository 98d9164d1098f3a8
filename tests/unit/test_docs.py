"""Documentation that cannot rot silently."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

from app.cli import parser
from app.settings import Settings

REPOSITORY = Path(__file__).resolve().parents[2]


def test_every_setting_is_documented_with_its_default_and_help() -> None:
    text = (REPOSITORY / "docs/operations.md").read_text()
    for f in fields(Settings):
        default = "" if f.default is None else f.default
        assert f"| `ALBUMEN_{f.name.upper()}` | `{default}` | {f.metadata['help']} |" in text


def test_every_command_is_mentioned() -> None:
    text = (REPOSITORY / "docs/operations.md").read_text() + (REPOSITORY / "README.md").read_text()
    commands = next(a for a in parser()._actions if a.dest == "command").choices
    assert commands is not None
    assert [name for name in commands if f"albumen {name}" not in text] == []


def test_links_between_pages_lead_somewhere() -> None:
    pages = [REPOSITORY / "README.md", REPOSITORY / "CONTRIBUTING.md", *(REPOSITORY / "docs").glob("*.md")]
    broken = []
    for page in pages:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text()):
            if "://" not in target and not (page.parent / target).exists():
                broken.append(f"{page.name}: {target}")
    assert broken == []
