"""``albumen serve``: the web server in this process, workers as children that it watches over."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time

import uvicorn

from app import migrate
from app.context import Context
from app.main import create_app
from app.search import warm_up
from app.services import accounts
from app.settings import Settings

log = logging.getLogger(__name__)


def serve(settings: Settings, *, host: str, port: int, workers: int) -> None:
    """Migrate, start ``workers`` worker processes, and serve until interrupted."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    context = Context.open(settings, decoders=2)
    migrate.upgrade(context.database)
    with context.database.read() as session:
        fresh = not accounts.has_users(session)
    _greet(settings, host, port, fresh)
    family = _Workers(settings, workers)
    family.start()
    threading.Thread(target=_warm_up, args=(context,), name="warm-up", daemon=True).start()
    try:
        uvicorn.run(
            create_app(settings, context),
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=5,
            server_header=False,
        )
    finally:
        family.stop()


def _warm_up(context: Context) -> None:
    """Load what searches need beside the first requests, so that nobody's first search waits for it."""
    try:
        with context.database.read() as session:
            warm_up(session)
    except Exception:  # the first search will load it, or say what is wrong
        log.exception("search could not be warmed up")


def _greet(settings: Settings, host: str, port: int, fresh: bool) -> None:
    url = f"http://{'127.0.0.1' if host in ('0.0.0.0', '::') else host}:{port}"  # noqa: S104 - only compared
    print(f"\n  Albumen      {url}")
    print(f"  Your photos  {settings.data}")
    if fresh:
        print(f"  First user   open {url}/setup, or run: albumen user add NAME --admin")
    print(flush=True)


class _Workers:
    """Worker children: started again when they end unexpectedly (at most once a second), stopped with the server."""

    def __init__(self, settings: Settings, count: int) -> None:
        environment = {
            **os.environ,
            "ALBUMEN_DATA": str(settings.data),
            "ALBUMEN_MODELS": str(settings.models_dir),
        }
        # One thread a process, processes by cores: native pools that spin would only fight each other.
        environment.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MKL_NUM_THREADS="1")
        if settings.database_url:
            environment["ALBUMEN_DATABASE_URL"] = settings.database_url
        self._environment = environment
        self._children: list[subprocess.Popen[bytes] | None] = [None] * count
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        if self._children:
            self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()
        running = [child for child in self._children if child is not None and child.poll() is None]
        for child in running:
            child.terminate()
        deadline = time.monotonic() + 10
        for child in running:
            try:
                child.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()  # its lease ends with it: the work is taken up again at the next start

    def _watch(self) -> None:
        while not self._stopping.is_set():
            for index, child in enumerate(self._children):
                if child is not None and child.poll() is None:
                    continue
                if child is not None:
                    log.warning("a worker ended and is started again", extra={"exit": child.returncode})
                command = [sys.executable, "-m", "app", "worker", "--attached", str(os.getpid())]
                self._children[index] = subprocess.Popen(command, env=self._environment)
            self._stopping.wait(1)
