"""Serving the album, doing its work, bringing its database up to date."""

from __future__ import annotations

import argparse

from app.cli.command import Add, opened
from app.settings import Settings


def register(add: Add) -> None:
    serve = add("serve", _serve, "Serve the album and do its background work.")
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", type=int, default=1, help="worker processes (default 1)")
    serve.add_argument("--no-worker", action="store_true", help="serve only; run `albumen worker` elsewhere")

    worker = add("worker", _worker, "Do background work until interrupted.")
    worker.add_argument("--concurrency", type=int, default=1, help="worker processes (default 1)")
    worker.add_argument("--attached", type=int, metavar="PID", help=argparse.SUPPRESS)
    worker.add_argument("--once", action="store_true", help="stop when nothing is left to do")
    add("migrate", _migrate, "Create or upgrade the database.")


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
    opened(settings).close()
    print(f"The database of {settings.data} is current.")
    return 0
