"""Albums: the rules of dynamic ones out and in."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from app.cli.command import Add, chosen_viewer, fail, opened, print_json
from app.settings import Settings


def register(add: Add) -> None:
    command = add(
        "albums", _albums, "Write the rules of dynamic albums out as text, or read them in.", as_json=True
    )
    command.add_argument("action", choices=["export", "import"])
    command.add_argument("file", nargs="?", type=Path, help="default: standard output or input")
    command.add_argument("--user", help="whose albums (default: the only user)")


def _albums(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services.collections import album_rules

    context = opened(settings)
    viewer = chosen_viewer(context, arguments.user)
    if arguments.action == "export":
        with context.database.read() as session:
            text = album_rules.export_rules(session, viewer)
        if arguments.file is None:
            print(text, end="")
        else:
            arguments.file.write_text(text, encoding="utf-8")
            print(f"{text.count('rule: ')} rules in {arguments.file}.", file=sys.stderr)
        return 0
    try:
        text = sys.stdin.read() if arguments.file is None else arguments.file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        fail(str(error))
    with context.database.write() as session:
        done = album_rules.import_rules(session, viewer, text)
        rows = [{"title": one.album.title, "outcome": one.outcome, "query": one.album.query} for one in done]
    if arguments.json:
        print_json(rows)
    for row in [] if arguments.json else rows:
        print(f"{row['outcome']:<10} {row['title']}")
    return 0
