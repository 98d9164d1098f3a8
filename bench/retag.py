"""A re-tagging campaign killed twice, resumed and undone: is the database equal to before?

    python -m bench.retag [--photos 2000]

Imports drawn pictures into a fresh album, analyses them, re-tags them all with `albumen retag`, kills that command
twice with SIGKILL, resumes it, undoes the campaign, and compares every table row by row with the state before.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sqlalchemy import create_engine, text

from tests.server import REPOSITORY, Server

# What a campaign may change and undo does not bring back: its own bookkeeping, and when a row was touched.
_BOOKKEEPING = {
    "jobs",
    "campaigns",
    "campaign_before",
    "key_values",
    "sessions",
    "changes",
    "change_counters",
    "alembic_version",
}
_STAMPS = {"updated_at", "version"}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=2000)
    count = parser.parse_args().photos
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.command("user", "add", "anna", "--admin", "--password-stdin", input="correct horse battery\n")
        _draw(Path(folder) / "card", count)
        server.command("import", str(Path(folder) / "card"))
        server.command("worker", "--once")
        before = _rows(server.data)
        started = time.monotonic()
        for wait in (0.25, 0.5):
            _retag_and_kill(server, count, wait)
        state = _report(server.command("retag", "--resume", _campaign(server), "--json").stdout)
        seconds = time.monotonic() - started
        changed = _rows(server.data)
        undone = _report(server.command("retag", "--undo", _campaign(server), "--json").stdout)
        after = _rows(server.data)
    done, total, failed = state["done"], state["total"], state["failed"]
    print(f"campaign: {done} of {total} done, {failed} failed, killed twice, {seconds:.0f} s")
    print(f"changed by the campaign: {_differing(before, changed)}")
    print(f"undone: {undone['restored']} photos; tables that differ: {_differing(before, after)}")
    sys.exit(before != after)


def _differing(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(sorted(table for table in one if one[table] != other[table])) or "none"


def _draw(folder: Path, count: int) -> None:
    """Pictures with different contents, quick to analyse."""
    folder.mkdir()
    rng = random.Random(7)
    for index in range(count):
        noise = np.random.default_rng(index).integers(0, 255, (12, 16, 3), dtype=np.uint8)
        image = Image.fromarray(noise).resize((320, 240), Image.Resampling.BICUBIC)
        ImageDraw.Draw(image).ellipse([rng.randrange(200), rng.randrange(150), 300, 220], fill="orange")
        image.save(folder / f"{index:05}.jpg")


def _retag_and_kill(server: Server, count: int, share: float) -> None:
    """Run (or resume) the campaign until ``share`` of it is done, then SIGKILL."""
    known = _report(server.command("retag", "--list", "--json").stdout)["campaigns"]
    resume = ["--resume", known[0]["campaign"]] if known else []
    running = subprocess.Popen(
        [sys.executable, "-m", "app", "retag", *resume], env=server.environment, cwd=REPOSITORY,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while running.poll() is None:
        listed = _report(server.command("retag", "--list", "--json").stdout)["campaigns"]
        if listed and listed[0]["done"] >= count * share:
            break
        time.sleep(0.5)
    running.kill()
    running.wait()


def _campaign(server: Server) -> str:
    return str(_report(server.command("retag", "--list", "--json").stdout)["campaigns"][0]["campaign"])


def _report(output: str) -> dict:
    return json.loads(output)


def _rows(data: Path) -> dict[str, str]:
    """Table -> digest of all its rows without stamps, in a stable order."""
    engine = create_engine(f"sqlite:///{data / 'albumen.db'}")
    digests = {}
    with engine.connect() as connection:
        tables = (
            connection.execute(text("select name from sqlite_master where type = 'table'")).scalars().all()
        )
        for table in sorted(set(tables) - _BOOKKEEPING):
            if table.startswith("sqlite_"):
                continue
            found = connection.execute(text(f'select * from "{table}"')).mappings()
            rows = sorted(repr({k: v for k, v in row.items() if k not in _STAMPS}) for row in found)
            digests[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


if __name__ == "__main__":
    main()
