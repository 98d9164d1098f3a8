"""Three SIGKILLs in the middle of an import of 200 photos, with the server analysing meanwhile.

    python -m bench.durability [--photos 200]

Each time the import and the server (with its worker) are killed together and started again. At the end every photo
must be there once, byte-identical and analysed, and `albumen check` must find nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.server import REPOSITORY, Server

PHOTOS = REPOSITORY.parent / "shared/data/photos/imagenet"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=200)
    files = sorted(PHOTOS.glob("*.jpg"))[: parser.parse_args().photos]
    with tempfile.TemporaryDirectory() as folder:
        card = Path(folder) / "card"
        card.mkdir()
        for file in files:
            shutil.copy(file, card)
        server = Server(Path(folder) / "data")
        server.start()
        client = server.client()
        try:
            held = []
            for _ in range(3):
                importing = _import(server, card)
                time.sleep(5)
                importing.kill()
                server.kill()
                importing.wait()
                server.start()
                held.append(len(client.get("/photos", params={"limit": 500}).json()["items"]))
            last = server.command("import", str(card))
            server.wait(lambda: server.is_idle(client), 900)
            sys.exit(_verdict(server, client, files, held, last.stdout.strip()))
        finally:
            server.stop()


def _import(server: Server, card: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "app", "import", str(card)], env=server.environment, cwd=REPOSITORY,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def _verdict(server: Server, client: object, files: list[Path], held: list[int], last: str) -> int:
    items = client.get("/photos", params={"limit": 500}).json()["items"]  # type: ignore[attr-defined]
    wanted = sorted(hashlib.sha256(file.read_bytes()).hexdigest() for file in files)
    stored = sorted(
        hashlib.sha256(client.get(f"/photos/{i['id']}/original").content).hexdigest()  # type: ignore[attr-defined]
        for i in items
    )
    ready = sum(item["status"] == "ready" for item in items)
    check = server.command("check")
    print(f"photos held after each kill: {held}; then: {last}")
    print(f"{len(items)} photos, {ready} analysed, each once and byte-identical: {stored == wanted}")
    print(f"albumen check: exit {check.returncode}, {check.stdout.strip()}")
    return int(stored != wanted or ready != len(files) or check.returncode != 0)


if __name__ == "__main__":
    main()
