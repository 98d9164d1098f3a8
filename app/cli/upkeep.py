"""Upkeep: comparing the database with the files."""

from __future__ import annotations

import argparse

from app.cli.command import Add, opened, print_json
from app.settings import Settings


def register(add: Add) -> None:
    check = add("check", _check, "Compare the database with the files on disk, byte by byte.", as_json=True)
    check.add_argument("--repair", action="store_true")


def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services.check import check

    context = opened(settings)
    findings = list(check(context, repair=arguments.repair))
    context.close()
    if arguments.json:
        print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.kind}: {finding.message}{'  (repaired)' if finding.repaired else ''}")
        print("All is well." if not findings else f"{len(findings)} findings.")
    return 1 if any(finding.serious for finding in findings) else 0
