"""Model weights: listing, fetching, verifying, and what the networks cost on this machine."""

from __future__ import annotations

import argparse
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.command import Add, fail, opened, print_json
from app.settings import Settings

if TYPE_CHECKING:
    from ml.zoo import Zoo


def register(add: Add) -> None:
    parser = add(
        "models", _models, "List, fetch, verify, choose and quantise networks; time them.", as_json=True
    )
    parser.add_argument("action", choices=["list", "fetch", "verify", "choose", "bench", "quantize"])
    parser.add_argument(
        "ids",
        nargs="*",
        metavar="ID",
        help="default: all default models (bench: all that are installed; choose: none, tells what is in use;"
        " quantize: all that can be)",
    )
    parser.add_argument(
        "--photos",
        type=Path,
        metavar="DIR",
        help="quantize: ordinary photos to observe the networks on; default: some of the album's own",
    )


def _models(arguments: argparse.Namespace, settings: Settings) -> int:
    from ml.download import FetchError
    from ml.registry import UnknownModel
    from ml.zoo import Zoo

    zoo = Zoo(settings.models_dir)
    try:
        if arguments.action == "bench":
            return _bench(arguments, zoo)
        if arguments.action == "choose":
            return _choose(arguments, settings)
        if arguments.action == "quantize":
            return _quantize(arguments, settings)
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
            f"{mark} {row['id']:<51} {row['state']:<9} {float(row['bytes']) / 1e6:7.1f} MB  {row['licence']}"
        )
    return 1 if arguments.action == "verify" and any(row["state"] != "ready" for row in rows) else 0


def _choose(arguments: argparse.Namespace, settings: Settings) -> int:
    """Use the named networks from now on, and say how many photos they have not looked at."""
    from app.services.understanding import models

    with closing(opened(settings)) as context:
        with context.database.write() as session:
            for model_id in arguments.ids:
                models.choose(session, settings, model_id)
        with context.database.read() as session:
            chosen = [r for r in models.reports(session, settings) if r.chosen and r.choice]
    rows = [
        {"id": r.entry.id, "task": r.entry.task, "stage": r.stage, "awaiting": r.awaiting} for r in chosen
    ]
    if arguments.json:
        print_json(rows)
    for row in [] if arguments.json else rows:
        print(f"{row['task']:<9} {row['id']:<51} {row['awaiting']} photos not looked at yet")
        if row["awaiting"]:
            print(f"{'':9} albumen retag --stage {row['stage']} --only-outdated")
    return 0


def _quantize(arguments: argparse.Namespace, settings: Settings) -> int:
    """Make the 8-bit graphs and say how to have them used."""
    from app.services.understanding import models

    with closing(opened(settings)) as context:
        made = list(models.quantize(context, arguments.ids, arguments.photos))
    if arguments.json:
        print_json([{"id": model_id, "bytes": graph.stat().st_size} for model_id, graph in made])
        return 0
    for model_id, graph in made:
        print(f"{model_id:<51} {graph.stat().st_size / 1e6:7.1f} MB")
    print("Used where ALBUMEN_INT8=1 is set." if not settings.int8 else "In use from the next start.")
    return 0


def _bench(arguments: argparse.Namespace, zoo: Zoo) -> int:
    """Time the named networks, or all that are installed; 1 when one could not be measured."""
    from ml import registry
    from ml.cost import CostError, cost_of, measurable

    installed = [state.entry for state in zoo.states() if state.state == "ready"]
    chosen = [registry.get(name) for name in arguments.ids] or [e for e in installed if measurable(e)]
    rows: list[dict[str, Any]] = []
    failures = 0
    if not arguments.json:
        print(
            f"{'model':<51} {'input':>15} {'ms':>9} {'quickest':>9} {'load s':>7} {'network':>8} {'process':>8}"
        )
    for entry in chosen:
        try:
            cost = cost_of(entry, zoo.models_dir)
        except CostError as error:
            failures += 1
            rows.append({"model_id": entry.id, "error": str(error)})
            if not arguments.json:
                print(error, file=sys.stderr)
            continue
        rows.append(vars(cost))
        if not arguments.json:
            shape = "x".join(map(str, cost.shape))
            print(
                f"{cost.model_id:<51} {shape:>15} {cost.milliseconds:9.1f} {cost.quickest:9.1f}"
                f" {cost.load_seconds:7.2f} {cost.network_bytes / 1e6:5.0f} MB {cost.process_bytes / 1e6:5.0f} MB"
            )
    if arguments.json:
        print_json(rows)
    return 1 if failures else 0


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
