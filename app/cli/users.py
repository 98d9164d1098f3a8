"""Users and their passwords."""

from __future__ import annotations

import argparse
import getpass
import sys

from app.cli.command import Add, fail, opened, print_json
from app.settings import Settings


def register(add: Add) -> None:
    user = add("user", _user, "Add, list, disable users; set passwords.", as_json=True)
    user.add_argument("action", choices=["add", "list", "passwd", "disable", "enable"])
    user.add_argument("name", nargs="?")
    user.add_argument("--admin", action="store_true")
    user.add_argument("--password-stdin", action="store_true", help="read the password from standard input")


def _user(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services import accounts

    context = opened(settings)
    if arguments.action == "list":
        with context.database.read() as session:
            users = accounts.list_users(session)
        rows = [
            {
                "username": u.username,
                "admin": u.is_admin,
                "disabled": u.disabled_at is not None,
                "created": u.created_at,
            }
            for u in users
        ]
        if arguments.json:
            print_json(rows)
        for row in [] if arguments.json else rows:
            marks = " ".join(name for name in ("admin", "disabled") if row[name])
            print(f"{row['username']:<24} {row['created']:%Y-%m-%d}  {marks}".rstrip())
        return 0
    if not arguments.name:
        fail(f"user {arguments.action} needs a name")
    password = _password(arguments) if arguments.action in ("add", "passwd") else ""
    with context.database.write() as session:
        if arguments.action == "add":
            accounts.create_user(session, arguments.name, password, is_admin=arguments.admin)
        else:
            user = accounts.get_user(session, arguments.name)
            if arguments.action == "passwd":
                accounts.set_password(session, user, password)
            else:
                accounts.set_disabled(session, user, arguments.action == "disable")
    done = {"add": "added", "passwd": "has a new password", "disable": "is disabled", "enable": "is enabled"}
    print(f"{arguments.name} {done[arguments.action]}.")
    return 0


def _password(arguments: argparse.Namespace) -> str:
    if arguments.password_stdin:
        return sys.stdin.readline().rstrip("\n")
    try:
        password, again = getpass.getpass("Password: "), getpass.getpass("Again: ")
    except EOFError:
        fail("nobody is here to type a password; give it with --password-stdin")
    if again != password:
        fail("the two passwords differ")
    return password
