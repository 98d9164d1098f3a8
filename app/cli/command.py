"""What the commands share: how one is declared, how it opens the data folder, how it fails."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from app.settings import Settings

if TYPE_CHECKING:
    from app.context import Context
    from app.services.accounts import Viewer

Handler = Callable[[argparse.Namespace, Settings], int]
"""Does what a command says and returns its exit code. Imports what it needs itself: `albumen --help` is instant."""


class Add(Protocol):
    """Declares one command and returns its parser."""

    def __call__(
        self, name: str, handler: Handler, summary: str, *, as_json: bool = False
    ) -> argparse.ArgumentParser: ...


def fail(message: str) -> NoReturn:
    """End the command with a sentence on standard error and exit code 2."""
    print(f"albumen: {message}", file=sys.stderr)
    sys.exit(2)


def reason(error: OSError) -> str:
    """What the system said, without its number."""
    return error.strerror or str(error)


def print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def opened(settings: Settings) -> Context:
    """The data folder with a current schema, for commands that use it."""
    from app import migrate
    from app.context import Context

    context = Context.open(settings)
    migrate.upgrade(context.database)
    return context


def chosen_viewer(context: Context, name: str | None) -> Viewer:
    """The named user, or the only one there is."""
    from app.services import accounts

    with context.database.read() as session:
        users = accounts.list_users(session)
        if name is not None:
            return accounts.viewer_of(accounts.get_user(session, name))
    if len(users) != 1:
        fail(
            "there is no user yet: albumen user add NAME --admin"
            if not users
            else "say whose album: --user NAME"
        )
    return accounts.viewer_of(users[0])
