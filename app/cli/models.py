"""Model weights: listing, fetching, verifying."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from app.cli.command import Add, fail, print_json
from app.settings import Settings


def register(add: Add) -> None:
    models = add("models", _models, "List, fetch and verify model weights.", as_json=True)
    models.add_argument("action", choices=["list", "fetch", "verify"])
    models.add_argument("ids", nargs="*", metavar="ID", help="default: all default models")


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
        fail(str(error))
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
        print_json(rows)
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
