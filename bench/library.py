"""Photos through a real server: uploaded over the API, analysed, searched by their class's English name.

    python -m bench.library [--photos 100] [--language en]

Prints how many were analysed, photos per second, hit@5 of the class name, and the peak memory of server and worker.
Needs the shared test photos beside the checkout and fetched models.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import threading
import time
from pathlib import Path

import psutil

from tests.server import REPOSITORY, Server

PHOTOS = REPOSITORY.parent / "shared/data/photos/imagenet"


class MemoryWatch(threading.Thread):
    """The most proportional memory (PSS) a process and its children had together, in bytes."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.root = psutil.Process(pid)
        self.peak = self.now = 0
        self.start()

    def run(self) -> None:
        while self.root.is_running():
            total = 0
            for process in [self.root, *self.root.children(recursive=True)]:
                try:
                    total += process.memory_full_info().pss
                except psutil.Error:
                    continue
            self.now, self.peak = total, max(self.peak, total)
            time.sleep(0.2)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=100)
    parser.add_argument("--workers", type=int, default=1)
    arguments = parser.parse_args()
    with (PHOTOS / "labels.csv").open() as file:
        rows = list(csv.DictReader(file))
    step = max(1, len(rows) // arguments.photos)
    chosen = rows[::step][: arguments.photos]
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data", workers=arguments.workers)
        server.start()
        try:
            _measure(server, chosen)
        finally:
            server.stop()


def _measure(server: Server, chosen: list[dict[str, str]]) -> None:
    assert server.process is not None
    time.sleep(3)
    watch = MemoryWatch(server.process.pid)
    time.sleep(1)
    idle = watch.now
    client = server.client()
    started = time.monotonic()
    expected = {}
    for row in chosen:
        data = (PHOTOS / row["file"]).read_bytes()
        # The name is withheld: only what the models see may find the photo.
        answer = client.post("/photos", files={"file": ("photo.jpg", data)})
        expected[answer.json()["id"]] = row["label"].replace("_", " ")
    accepted = time.monotonic() - started
    server.wait(lambda: server.is_idle(client), 1800)
    analysed = time.monotonic() - started
    states = [client.get(f"/photos/{photo_id}").json()["status"] for photo_id in expected]
    missed = []
    for photo_id, label in expected.items():
        found = client.get("/photos", params={"q": label, "limit": 5}).json()["items"]
        if photo_id not in {item["id"] for item in found}:
            missed.append(label)
    ready = states.count("ready")
    print(f"photos uploaded        {len(chosen)} at {len(chosen) / accepted:.1f}/s")
    print(f"photos analysed        {ready} of {len(chosen)} at {len(chosen) / analysed:.2f}/s (all stages)")
    print(f"class name hit@5       {len(chosen) - len(missed)} of {len(chosen)}")
    print(f"missed                 {', '.join(missed) or 'none'}")
    print(
        f"memory idle / peak     {idle / 1e6:.0f} / {watch.peak / 1e6:.0f} MB (server, worker and children, PSS)"
    )


if __name__ == "__main__":
    main()
