"""The measurements of ``bench/``, which lie beside ``app/`` in a checkout and are not installed with it."""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from pathlib import Path

from app.cli.command import Add, fail
from app.settings import Settings

_CHECKOUT = Path(__file__).resolve().parents[2]


def register(add: Add) -> None:
    command = add("bench", _bench, "List or run the measurements the documentation quotes.")
    command.add_argument("name", nargs="?", help="which one (default: list them)")
    command.add_argument("rest", nargs=argparse.REMAINDER, metavar="...", help="its own options; try -h")


def _bench(arguments: argparse.Namespace, _settings: Settings) -> int:
    there = {
        path.stem: path
        for path in sorted((_CHECKOUT / "bench").glob("*.py"))
        if "__main__" in path.read_text(encoding="utf-8")
    }
    if not there:
        fail("measurements come with the source tree; this is an installed package")
    if arguments.name is None:
        for name, path in there.items():
            about = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
            print(f"{name:<12} {about.splitlines()[0]}")
        return 0
    if arguments.name not in there:
        fail(f"there is no measurement {arguments.name}; there are {', '.join(there)}")
    return subprocess.run(
        [sys.executable, "-m", f"bench.{arguments.name}", *arguments.rest], cwd=_CHECKOUT, check=False
    ).returncode
