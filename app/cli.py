"""The ``albumen`` command: argument parsing and printing over the services. Rules are not here."""

from __future__ import annotations

import argparse
import getpass
import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

from app import logs
from app.errors import AppError
from app.settings import Settings

if TYPE_CHECKING:
    from app.context import Context

# Handlers import what they need themselves, so that `albumen --help` is instant and `user list` loads no network.
_Handler = Callable[[argparse.Namespace, Settings], int]


def main(argv: Sequence[str] | None = None) -> None:
    """Entry point. Exit codes: 0 done, 1 done with failures to look at, 2 wrong usage or a clear error."""
    arguments = _parser().parse_args(argv)
    try:
        settings = Settings.from_env(data=arguments.data)
    except ValueError as error:
        _fail(str(error))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    logs.configure(
        settings.log_level if arguments.command in ("serve", "worker") else "WARNING", settings.log_json
    )
    handler: _Handler = arguments.handler
    try:
        code = handler(arguments, settings)
    except AppError as error:
        _fail(error.detail)
    except KeyboardInterrupt:
        code = 130
    except BrokenPipeError:  # `albumen … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


def _fail(message: str) -> None:
    print(f"albumen: {message}", file=sys.stderr)
    sys.exit(2)


def _parser() -> argparse.ArgumentParser:
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--data", metavar="DIR", help="data folder (default: ALBUMEN_DATA or ./data)")
    parser = argparse.ArgumentParser(prog="albumen", description="A self-hosted smart photo album.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, handler: _Handler, summary: str, *, as_json: bool = False) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=summary, description=summary, parents=[common])
        command.set_defaults(handler=handler)
        if as_json:
            command.add_argument("--json", action="store_true", help="print JSON")
        return command

    serve = add("serve", _serve, "Serve the album and do its background work.")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=1, help="worker processes (default 1)")
    serve.add_argument("--no-worker", action="store_true", help="serve only; run `albumen worker` elsewhere")

    worker = add("worker", _worker, "Do background work until interrupted.")
    worker.add_argument("--concurrency", type=int, default=1, help="worker processes (default 1)")
    worker.add_argument("--attached", type=int, metavar="PID", help=argparse.SUPPRESS)
    worker.add_argument("--once", action="store_true", help="stop when nothing is left to do")

    user = add("user", _user, "Add, list, disable users; set passwords.", as_json=True)
    user.add_argument("action", choices=["add", "list", "passwd", "disable", "enable"])
    user.add_argument("name", nargs="?")
    user.add_argument("--admin", action="store_true")
    user.add_argument("--password-stdin", action="store_true", help="read the password from standard input")

    importing = add(
        "import", _import, "Import files and folders; resumable, skips what is there.", as_json=True
    )
    importing.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    importing.add_argument("--user", help="whose album (default: the only user)")
    importing.add_argument("--album", help="put the photos into this album (made when missing)")
    importing.add_argument(
        "--move", action="store_true", help="remove each source once it is safely in the album"
    )
    importing.add_argument("--copy", dest="move", action="store_false", help="keep the sources (default)")
    importing.add_argument("--no-recursive", dest="recursive", action="store_false")

    models = add("models", _models, "List, fetch and verify model weights.", as_json=True)
    models.add_argument("action", choices=["list", "fetch", "verify"])
    models.add_argument("ids", nargs="*", metavar="ID", help="default: all default models")

    analyze = add("analyze", _analyze, "Print what the models see in files; nothing is stored.", as_json=True)
    analyze.add_argument("files", nargs="+", type=Path, metavar="FILE")
    analyze.add_argument("--language", choices=["en", "zh"], default="en")

    retag = add(
        "retag", _retag, "Look at photos again, in a campaign that can be resumed and undone.", as_json=True
    )
    _add_retag_arguments(retag)

    process = add("process", _process, "Apply edit operations to a file.", as_json=True)
    process.add_argument("source", type=Path, metavar="IN")
    process.add_argument("target", type=Path, metavar="OUT")
    process.add_argument(
        "--op",
        action="append",
        default=[],
        metavar="NAME[,PARAMETER=VALUE...]",
        help="an operation, such as low_light,strength=0.7; repeat for more",
    )
    process.add_argument("--recipe", help="the recipe as a JSON list, instead of --op")

    check = add("check", _check, "Compare the database with the files on disk, byte by byte.", as_json=True)
    check.add_argument("--repair", action="store_true")

    add("migrate", _migrate, "Create or upgrade the database.")
    return parser


def _add_retag_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--query", default="", help="only photos this search finds (default: all)")
    parser.add_argument("--user", help="only this user's photos")
    parser.add_argument(
        "--stage", help="comma-separated: tags,objects,faces,embedding,cues,text (default: all)"
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


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def _opened(settings: Settings) -> Context:
    """The data folder with a current schema, for commands that use it."""
    from app import migrate
    from app.context import Context

    context = Context.open(settings)
    migrate.upgrade(context.database)
    return context


# --- serving --------------------------------------------------------------------------------------------------


def _serve(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.serve import serve

    count = 0 if arguments.no_worker else arguments.workers
    serve(settings, host=arguments.host, port=arguments.port, workers=count)
    return 0


def _worker(arguments: argparse.Namespace, settings: Settings) -> int:
    from app import worker
    from app.context import Context

    if arguments.concurrency > 1:
        return worker.run_many(settings, arguments.concurrency)
    if arguments.attached is not None:
        worker.die_with_parent(arguments.attached)
    context = Context.open(settings)
    if arguments.once:
        worker.drain(context)
    else:
        worker.run(context)
    return 0


def _migrate(_arguments: argparse.Namespace, settings: Settings) -> int:
    _opened(settings).close()
    print(f"The database of {settings.data} is current.")
    return 0


# --- users ----------------------------------------------------------------------------------------------------


def _user(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services import accounts

    context = _opened(settings)
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
            _print_json(rows)
        for row in [] if arguments.json else rows:
            marks = " ".join(name for name in ("admin", "disabled") if row[name])
            print(f"{row['username']:<24} {row['created']:%Y-%m-%d}  {marks}".rstrip())
        return 0
    if not arguments.name:
        _fail(f"user {arguments.action} needs a name")
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
    password = getpass.getpass("Password: ")
    if getpass.getpass("Again: ") != password:
        _fail("the two passwords differ")
    return password


def _chosen_viewer(context: Context, name: str | None) -> Any:
    """The named user, or the only one there is."""
    from app.services import accounts

    with context.database.read() as session:
        users = accounts.list_users(session)
        if name is not None:
            return accounts.viewer_of(accounts.get_user(session, name))
    if len(users) != 1:
        _fail(
            "there is no user yet: albumen user add NAME --admin"
            if not users
            else "say whose album: --user NAME"
        )
    return accounts.viewer_of(users[0])


# --- photos ---------------------------------------------------------------------------------------------------


def _import(arguments: argparse.Namespace, settings: Settings) -> int:
    from collections import Counter

    from tqdm import tqdm

    from app.services import albums, importing

    context = _opened(settings)
    viewer = _chosen_viewer(context, arguments.user)
    try:
        files = list(importing.find_files(arguments.paths, recursive=arguments.recursive))
    except FileNotFoundError as error:
        _fail(f"there is no {error}")
    album_id = None
    if arguments.album:
        with context.database.write() as session:
            album_id = albums.find_or_create(session, viewer, arguments.album).id
    counts: Counter[str] = Counter()
    results = []
    with tqdm(files, unit="photo", disable=arguments.json or None) as bar:
        for path in bar:
            result = importing.import_file(context, viewer, path, album_id=album_id, move=arguments.move)
            counts[result.outcome] += 1
            results.append(result)
            if result.outcome == "refused" and not arguments.json:
                bar.write(f"{path}: {result.detail}")
    context.close()
    if arguments.json:
        _print_json({"counts": counts, "files": [vars(result) for result in results]})
    else:
        print(f"{counts['added']} added, {counts['duplicate']} already there, {counts['refused']} refused.")
    return 1 if counts["refused"] else 0


def _retag(arguments: argparse.Namespace, settings: Settings) -> int:
    from app import retag_command

    context = _opened(settings)
    report = retag_command.run(arguments, context)
    context.close()
    _print_json(report) if arguments.json else print(retag_command.text(report))
    return 1 if report.get("failed") else 0


def _process(arguments: argparse.Namespace, settings: Settings) -> int:
    from tqdm import tqdm

    from app.imaging import darkroom
    from app.services import edits

    recipe = json.loads(arguments.recipe) if arguments.recipe else [_operation(text) for text in arguments.op]
    suffix = arguments.target.suffix.lower().lstrip(".")
    if not any(step.get("op") == "output" for step in recipe):
        recipe.append({"op": "output", "format": {"jpg": "jpeg", "tif": "tiff"}.get(suffix, suffix)})
    edits.checked(recipe)
    order = darkroom.Order(arguments.source.resolve(), recipe, arguments.target.resolve())
    with tqdm(total=100, unit="%", disable=arguments.json or None) as bar:
        done = darkroom.develop(
            settings, order, progress=lambda f: bar.update(round(f * 100) - bar.n) and None
        )
    if arguments.json:
        _print_json(vars(done))
    else:
        print(f"{arguments.target}: {done.format}, {done.width} x {done.height}, {done.size:,} bytes")
    return 0


def _operation(text: str) -> dict[str, Any]:
    """``name,parameter=value,...``; values are JSON where they can be, else text."""
    name, *parameters = text.split(",")
    step: dict[str, Any] = {"op": name}
    for parameter in parameters:
        key, equals, value = parameter.partition("=")
        if not equals:
            _fail(f"--op {text}: {parameter} must have the form parameter=value")
        try:
            step[key] = json.loads(value)
        except json.JSONDecodeError:
            step[key] = value
    return step


def _analyze(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.context import Context
    from app.services.lookup import look_at

    context = Context.open(settings)
    failures, results = 0, []
    for path in arguments.files:
        try:
            seen = look_at(context, path, arguments.language)
        except (AppError, OSError) as error:
            failures += 1
            seen = {"error": error.detail if isinstance(error, AppError) else str(error)}
        results.append({"file": str(path), **seen})
    context.close()
    if arguments.json:
        _print_json(results)
        return 1 if failures else 0
    for result in results:
        print(result["file"] + (f": {result['error']}" if "error" in result else ""))
        for tag in result.get("tags", []):
            print(f"  {tag['confidence']:5.2f}  {tag['name']:<28} {tag['source']:<7} {tag['model']}")
    return 1 if failures else 0


# --- upkeep ---------------------------------------------------------------------------------------------------


def _models(arguments: argparse.Namespace, settings: Settings) -> int:
    from ml.download import FetchError
    from ml.registry import UnknownModel
    from ml.zoo import Zoo

    zoo = Zoo(settings.models_dir)
    try:
        if arguments.action == "list":
            states = zoo.states()
        elif arguments.action == "verify":
            states = zoo.verify(arguments.ids or None)
        else:
            with _FetchBar(quiet=arguments.json) as bar:
                zoo.fetch(arguments.ids or None, progress=bar.show)
            return 0
    except (FetchError, UnknownModel) as error:
        _fail(str(error))
    rows: list[dict[str, Any]] = [
        {
            "id": s.entry.id,
            "task": s.entry.task,
            "title": s.entry.title,
            "state": s.state,
            "default": s.entry.default,
            "bytes": s.size,
            "licence": s.entry.weights_licence,
            "detail": s.detail,
        }
        for s in states
    ]
    if arguments.json:
        _print_json(rows)
    for row in [] if arguments.json else rows:
        mark = "*" if row["default"] else " "
        print(
            f"{mark} {row['id']:<44} {row['state']:<9} {float(row['bytes']) / 1e6:7.1f} MB  {row['licence']}"
        )
    return 1 if arguments.action == "verify" and any(row["state"] != "ready" for row in rows) else 0


class _FetchBar:
    """A progress bar for every archive that is downloaded, a line for every model that is ready."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bar: Any = None
        self._current = ""

    def __enter__(self) -> _FetchBar:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def show(self, progress: Any) -> None:
        from tqdm import tqdm

        if self._quiet:
            return
        if progress.step == "download":
            if self._bar is None or self._current != progress.model_id:
                self._close()
                self._current = progress.model_id
                self._bar = tqdm(desc=progress.model_id, unit="B", unit_scale=True)
            self._bar.total = progress.total or None
            self._bar.update(progress.done - self._bar.n)
            return
        self._close()
        if progress.step in ("convert", "export"):
            print(f"  {progress.model_id}: {progress.step}", file=sys.stderr)

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _check(arguments: argparse.Namespace, settings: Settings) -> int:
    from app.services.check import check

    context = _opened(settings)
    findings = list(check(context, repair=arguments.repair))
    context.close()
    if arguments.json:
        _print_json([vars(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.kind}: {finding.message}{'  (repaired)' if finding.repaired else ''}")
        print("All is well." if not findings else f"{len(findings)} findings.")
    return 1 if any(finding.serious for finding in findings) else 0
