"""How fast photos come in, beside libvips' own thumbnailer making the same renditions in the same run.

    python -m bench.ingest [--rounds 3]

Three ways through the large originals of the shared test photos, one after the other, on one core each:
libvips (pyvips thumbnails of the same sizes and formats, nothing else), Albumen without analysis (receive, hash,
inspect, keep with fsync, row, renditions) and Albumen with analysis (all stages). Prints photos per second, the
ratio to libvips and the peak memory of all processes.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app import migrate
from app.context import Context
from app.services import accounts, intake
from app.settings import Settings
from app.worker import Worker
from bench.library import MemoryWatch
from ml.types import Analysis
from tests.server import REPOSITORY, default_models

LARGE = REPOSITORY.parent / "shared/data/photos/large"


class _NoAnalysis:
    """An analyzer that sees nothing: what is left is decoding, renditions and the database."""

    def analyze(self, images: list[object], **_options: object) -> list[Analysis]:
        return [Analysis() for _ in images]

    def unload(self) -> None:
        return


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    photos = sorted(LARGE.glob("*.jpg"))
    watch = MemoryWatch(os.getpid())
    rates = {}
    ways: dict[str, Callable[[list[Path], Path], None]] = {
        "libvips renditions only": _libvips,
        "albumen without analysis": lambda files, folder: _albumen(files, folder, analyse=False),
        "albumen with analysis": lambda files, folder: _albumen(files, folder, analyse=True),
    }
    peaks = {}
    for name, way in ways.items():
        best = 0.0
        watch.peak = 0
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                started = time.perf_counter()
                way(photos, Path(folder))
                best = max(best, len(photos) / (time.perf_counter() - started))
        rates[name], peaks[name] = best, watch.peak
    base = rates["libvips renditions only"]
    print(f"{len(photos)} originals of 8 to 24 megapixels, best of {rounds} rounds")
    for name, rate in rates.items():
        print(
            f"{name:<26} {rate:6.2f} photos/s   {rate / base:5.2f} x libvips   peak {peaks[name] / 1e6:5.0f} MB"
        )


def _libvips(files: list[Path], folder: Path) -> None:
    import pyvips

    pyvips.cache_set_max(0)
    for index, file in enumerate(files):
        header = pyvips.Image.new_from_file(str(file))
        short, long = sorted((header.width, header.height))
        grid = round(320 * long / short)
        for name, side, options in (("grid.webp", grid, {"Q": 75}), ("preview.jpg", 1600, {"Q": 85})):
            pyvips.Image.thumbnail(str(file), side, height=side).write_to_file(
                str(folder / f"{index}-{name}"), **options
            )


def _albumen(files: list[Path], folder: Path, *, analyse: bool) -> None:
    context = Context.open(Settings(data=folder / "data", models=default_models()))
    migrate.upgrade(context.database)
    with context.database.write() as session:
        viewer = accounts.viewer_of(accounts.create_user(session, "anna", "correct horse battery"))
    worker = Worker(context, None if analyse else _NoAnalysis())  # type: ignore[arg-type]
    for file in files:
        with file.open("rb") as stream:
            intake.add_stream(context, viewer, stream, intake.Options(filename=file.name))
    while worker.run_once():
        pass
    context.close()


if __name__ == "__main__":
    main()
