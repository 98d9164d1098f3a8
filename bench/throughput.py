"""How fast photos are understood, beside a plain loop over the same networks in torch, on the same cores.

    python -m bench.throughput [--photos 200] [--workers 2] [--rounds 2] [--int8]

Ours: a real server with its workers; the clock runs from the release of the waiting photos until the last one is done:
decoding, renditions, every stage but the reading of text, the database. The loop: as many processes, each of which
decodes its photos and runs the same networks over them one by one in torch as it comes (eager, one thread), for scenes,
objects and faces; it makes no renditions, measures no cues, and stores nothing. Both have their networks loaded before
the clock starts; with ``--int8`` ours run scenes and objects quantised, the loop stays as it is. They take turns, so
that whatever else the machine does slows both; the CPU seconds that the processes used are printed beside the rates,
because neighbours change them less.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from PIL import Image, ImageOps
from sqlalchemy import create_engine, text

from app.settings import Settings
from bench.library import MemoryWatch
from tests.server import REPOSITORY, Server, default_models

PHOTOS = REPOSITORY.parent / "shared/data/photos/imagenet"
STAGES = ["tags", "objects", "faces", "embedding", "cues"]
SIDE = 1024  # what both look at
WARM_UP = 4  # photos of each process of the loop
JOB_BATCH = Settings().job_batch

# The photos wait until the clock starts, and text is not read.
_HOLD = f"""
    CREATE TRIGGER bench_hold AFTER INSERT ON jobs WHEN new.kind = 'analyse' BEGIN
        UPDATE jobs SET state = 'paused', payload = '{json.dumps({"stages": STAGES})}' WHERE id = new.id;
    END
"""


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument(
        "--int8", action="store_true", help="ours quantised (`albumen models quantize` made them)"
    )
    parser.add_argument("--loop", nargs="*", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.loop is not None:
        _loop(arguments.loop)
        return
    os.environ["ALBUMEN_INT8"] = str(int(arguments.int8))
    files = sorted(PHOTOS.glob("*.jpg"))
    files = files[:: max(1, len(files) // arguments.photos)][: arguments.photos]
    rounds = [[str(f) for f in part] for part in np.array_split(np.array(files), arguments.rounds)]
    with tempfile.TemporaryDirectory() as folder:
        ours = _Ours(Path(folder) / "data", arguments.workers)
        try:
            idle = ours.watch.now
            ours.warm_up(
                arguments.workers, sorted(set(map(str, PHOTOS.glob("*.jpg"))) - set(map(str, files)))
            )
            rows = []
            for part in rounds:
                rows.append((ours.analyse(part), _plain(part, arguments.workers)))
                (mine, cpu), (other, other_cpu) = rows[-1]
                print(f"{len(part)} photos: ours {len(part) / mine:.2f}/s, {1000 * cpu / len(part):.0f} CPU-ms each;"
                      f" loop {len(part) / other:.2f}/s, {1000 * other_cpu / len(part):.0f}")  # fmt: skip
            peak = ours.watch.peak
        finally:
            ours.server.stop()
    count = len(files)
    total = np.array(rows).sum(0)  # ((ours, loop), (seconds, CPU seconds))
    print(f"ours     {count / total[0, 0]:.2f} photos/s, {1000 * total[0, 1] / count:.0f} CPU-ms per photo")
    print(f"loop     {count / total[1, 0]:.2f} photos/s, {1000 * total[1, 1] / count:.0f} CPU-ms per photo")
    print(
        f"ratio    {total[1, 0] / total[0, 0]:.2f} by the clock, {total[1, 1] / total[0, 1]:.2f} by CPU time"
    )
    print(f"memory   idle {idle / 1e6:.0f} MB, peak {peak / 1e6:.0f} MB (server, {arguments.workers} workers and their"
          " children, PSS)")  # fmt: skip


class _Ours:
    """The product over one data folder; ``watch`` weighs its processes."""

    def __init__(self, data: Path, workers: int) -> None:
        self.server = Server(data, workers=workers)
        self.server.start()
        self.client = self.server.client()
        assert self.server.process is not None
        self.root = psutil.Process(self.server.process.pid)
        self.engine = create_engine(f"sqlite:///{data / 'albumen.db'}", connect_args={"timeout": 30})
        with self.engine.begin() as connection:
            connection.execute(text(_HOLD))
        time.sleep(3)
        self.watch = MemoryWatch(self.server.process.pid)
        time.sleep(1)

    def warm_up(self, workers: int, spare: list[str]) -> None:
        """Analyse other photos until every worker has had some: one that is quick takes a whole batch alone."""
        seen = "select count(distinct worker) from jobs where kind = 'analyse' and state = 'done'"
        for start in range(0, len(spare), 2 * JOB_BATCH * workers):
            self.analyse(spare[start : start + 2 * JOB_BATCH * workers])
            with self.engine.begin() as connection:
                if connection.execute(text(seen)).scalar() == workers:
                    return
        raise RuntimeError("there are workers that never took a photo")

    def analyse(self, files: list[str]) -> tuple[float, float]:
        """Seconds, and CPU seconds of all processes, from release to the last photo done."""
        for file in files:
            answer = self.client.post("/photos", files={"file": ("photo.jpg", Path(file).read_bytes())})
            answer.raise_for_status()
        before, started = self._cpu(), time.monotonic()
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET state = 'ready' WHERE state = 'paused'"))
        self.server.wait(self._done, 3600)
        seconds = time.monotonic() - started
        states = self.client.get("/jobs").json()["counts"]
        assert states["failed"] == 0, states
        return seconds, self._cpu() - before

    def _done(self) -> bool:
        with self.engine.begin() as connection:
            open_jobs = "select count(*) from jobs where kind = 'analyse' and state in ('ready', 'running')"
            return not connection.execute(text(open_jobs)).scalar()

    def _cpu(self) -> float:
        times = [process.cpu_times() for process in [self.root, *self.root.children(recursive=True)]]
        return sum(used.user + used.system for used in times)


def _plain(files: list[str], processes: int) -> tuple[float, float]:
    """Seconds, and CPU seconds, of the loop in so many processes, from the moment all are warm."""
    children = [
        subprocess.Popen(
            [sys.executable, "-m", "bench.throughput", "--loop", *files[number::processes]],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY,
        )
        for number in range(processes)
    ]  # fmt: skip
    for child in children:
        assert child.stdout is not None
        assert child.stdout.readline() == "warm\n"
    started = time.monotonic()
    for child in children:
        assert child.stdin is not None
        child.stdin.write("go\n")
        child.stdin.flush()
    cpu = sum(float(child.communicate()[0]) for child in children)
    return time.monotonic() - started, cpu


def _loop(files: list[Path]) -> None:
    """In a process of its own: says that it is warm, waits for the word, prints its CPU seconds."""
    from ml import Analyzer, runtime

    def in_torch(network: runtime.Network) -> object:
        return runtime._open_torch(network.entry, network.folder, "cpu", 1)

    runtime.Network._open = in_torch  # type: ignore[method-assign,assignment]
    os.nice(5)  # as the product's workers are: beside busy neighbours the nicer one would lose
    analyzer = Analyzer(default_models(), stages=["scenes", "objects", "faces"])
    for file in sorted(PHOTOS.glob("*.jpg"))[1 : 1 + WARM_UP]:
        _look(analyzer, file)
    print("warm", flush=True)
    sys.stdin.readline()
    before = time.process_time()
    for file in files:
        _look(analyzer, file)
    print(time.process_time() - before)


def _look(analyzer: object, file: Path) -> None:
    picture = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
    picture.thumbnail((SIDE, SIDE))
    (seen,) = analyzer.analyze([np.array(picture)])  # type: ignore[attr-defined]
    assert not any(run.error for run in seen.stages), seen.stages


if __name__ == "__main__":
    main()
