"""Explanations that are longer than ``--help``: so far the query language."""

from __future__ import annotations

import argparse

from app.cli.command import Add
from app.settings import Settings


def register(add: Add) -> None:
    command = add("help", _help, "Print the reference of the query language.")
    command.add_argument("topic", choices=["query"])


def _help(_arguments: argparse.Namespace, _settings: Settings) -> int:
    from app.search.reference import reference

    print(reference(), end="")
    return 0
