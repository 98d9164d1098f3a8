"""The ``albumen`` command: argument parsing and printing over the services. Rules are not here."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from app import logs
from app.cli import albums, bench, help, models, photos, processing, retag, serving, upkeep, users
from app.cli.command import Handler, fail, reason
from app.errors import AppError
from app.settings import Settings


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 done with failures to look at, 2 wrong usage or a clear error."""
    arguments = parser().parse_args(argv)
    try:
        settings = Settings.from_env(data=arguments.data)
    except ValueError as error:
        fail(str(error))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logs.configure(
        settings.log_level if arguments.command in ("serve", "worker") else "WARNING", settings.log_json
    )
    handler: Handler = arguments.handler
    try:
        code = handler(arguments, settings)
    except AppError as error:
        fail(error.detail)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `albumen … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        fail(": ".join(str(part) for part in (error.filename, reason(error)) if part))
    except Exception as error:
        trouble = _database_trouble(error)
        if trouble is None:
            raise
        fail(trouble)
    sys.exit(code)


def _database_trouble(error: Exception) -> str | None:
    """What keeps the database from working: a full disk, a lock, damage, no server. Our own mistakes are not."""
    from sqlalchemy.exc import DatabaseError, OperationalError

    if type(error) not in (DatabaseError, OperationalError):
        return None
    said = str(error.orig).strip()  # type: ignore[attr-defined]
    if "full" in said:
        return f"{said}. Make room and repeat the command; what was finished is kept."
    if "not a database" in said or "malformed" in said:
        return (
            f"the database is damaged ({said}). Restore a backup into an empty data folder: albumen restore"
        )
    return f"the database cannot be used: {said}"


def parser() -> argparse.ArgumentParser:
    """All commands, in the order `albumen --help` shows them."""
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", metavar="DIR", help="data folder (default: ALBUMEN_DATA or ./data)")
    whole = argparse.ArgumentParser(prog="albumen", description="A self-hosted smart photo album.")
    commands = whole.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, handler: Handler, summary: str, *, as_json: bool = False) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary, parents=[common])
        command.set_defaults(handler=handler)
        if as_json:
            command.add_argument("--json", action="store_true", help="print JSON")
        return command

    for room in (serving, users, photos, processing, albums, retag, models, upkeep, bench, help):
        room.register(add)
    return whole
