"""``albumen retag``: what it may be told. What it does is in ``campaign``, which loads what the work needs."""

from __future__ import annotations

import argparse
from uuid import UUID

from app.cli.command import Add, opened, print_json
from app.settings import Settings


def register(add: Add) -> None:
    parser = add(
        "retag", _retag, "Look at photos again, in a campaign that can be resumed and undone.", as_json=True
    )
    _add_arguments(parser)


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--query", default="", help="only photos this search finds (default: all)")
    parser.add_argument("--user", help="only this user's photos")
    parser.add_argument(
        "--stage", help="comma-separated: tags,objects,faces,embedding,image-text,cues,text (default: all)"
    )
    parser.add_argument("--model", help="registry id of the model to use instead of the stage's default")
    parser.add_argument("--only-outdated", action="store_true", help="only where a stage is missing or older")
    parser.add_argument("--limit", type=int, help="at most so many photos")
    parser.add_argument("--dry-run", action="store_true", help="print what would change; store nothing")
    parser.add_argument("--detach", action="store_true", help="leave the work to the running workers")
    parser.add_argument("--engine", choices=["local", "cluster"], default="local",
                        help="local: this process helps; cluster: only workers elsewhere do it")  # fmt: skip
    which = parser.add_mutually_exclusive_group()
    for name, text in {
        "resume": "go on with a campaign that was paused or whose command was killed",
        "pause": "hold a campaign",
        "cancel": "give up what a campaign has not done yet",
        "undo": "put back what a campaign replaced",
    }.items():
        which.add_argument(f"--{name}", metavar="CAMPAIGN", type=UUID, help=text)
    which.add_argument("--list", action="store_true", help="list campaigns")


def _retag(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.cli import campaign

    context = opened(settings)
    report = campaign.run(arguments, context)
    context.close()
    print_json(report) if arguments.json else print(campaign.text(report))
    return 1 if report.get("failed") else 0
