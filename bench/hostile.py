"""Every hostile file through a real server: no answer of 500 or more, bounded memory, and life goes on.

    python -m bench.hostile

Uploads all of the shared hostile files, then a good photo, waits until it is analysed, and prints how the files were
answered and how far memory rose above idle.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.library import MemoryWatch
from tests.server import REPOSITORY, Server

DATA = REPOSITORY.parent / "shared/data"


def main() -> None:
    files = sorted(
        path
        for path in (DATA / "hostile").rglob("*")
        if path.is_file() and path.suffix not in (".md", ".csv")
    )
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.start()
        try:
            sys.exit(_measure(server, files))
        finally:
            server.stop()


def _measure(server: Server, files: list[Path]) -> int:
    assert server.process is not None
    client = server.client()
    time.sleep(3)
    watch = MemoryWatch(server.process.pid)
    time.sleep(1)
    idle = watch.now
    answers: Counter[str] = Counter()
    bad = []
    for path in files:
        with path.open("rb") as file:
            answer = client.post("/photos", files={"file": (path.name, file)})
        kind = answer.json().get("type", "kept").rpartition(":")[2]
        answers[f"{answer.status_code} {kind}"] += 1
        if answer.status_code >= 500:
            bad.append(str(path.relative_to(DATA)))
    good = DATA / "photos/scenes/darknet_dog.jpg"
    photo_id = client.post("/photos", files={"file": (good.name, good.read_bytes())}).json()["id"]
    server.wait(lambda: client.get("/jobs").json()["counts"]["ready"] == 0, 600)
    server.wait(lambda: client.get(f"/photos/{photo_id}").json()["status"] == "ready", 120)
    states = Counter(item["status"] for item in client.get("/photos", params={"limit": 500}).json()["items"])
    print(f"{len(files)} files: " + ", ".join(f"{n} x {kind}" for kind, n in answers.most_common()))
    print(f"answers of 500 or more: {bad or 'none'}")
    print(f"kept photos after analysis: {dict(states)}; the good photo is ready")
    print(f"memory idle {idle / 1e6:.0f} MB, peak {watch.peak / 1e6:.0f} MB (all processes, PSS)")
    return 1 if bad or watch.peak - idle > 1.5e9 else 0


if __name__ == "__main__":
    main()
