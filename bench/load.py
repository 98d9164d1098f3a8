"""Thirty-two clients at once on a library of 100,000 photos, beside nginx giving out the same thumbnail.

    python -m bench.load [--photos 100000] [--clients 32] [--seconds 10] [--keep FILE]

Prints requests per second, the median and 95th percentile of the time to answer, and the server's processor time for
each answer (which does not depend on what else the machine does) for the timeline page, a month as
columns, one photo, a thumbnail and a sync page, asked over HTTP by wrk; and for nginx, which reads the same thumbnail
from the same disk in the same run and asks nobody who is there. Needs wrk and nginx (Debian packages of these names).
``--keep`` keeps the library (a SQLite file) between runs; it is that of ``bench/scale.py`` less what searches need.
"""

from __future__ import annotations

import argparse
import io
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2 as httpx
import numpy as np
import psutil
from PIL import Image
from sqlalchemy import insert, select

from app import migrate
from app.db import Database
from app.models import Embedding, Person, PhotoTerm, Tag
from app.services import accounts
from app.services.tagging.vocabulary import sync_vocabulary
from bench.scale import CHUNK, _Maker
from tests.server import Server, free_port

_SCRIPT = """
local paths = {}
for line in io.lines("%s") do paths[#paths + 1] = line end
local n = math.random(#paths)
request = function()
  n = n %% #paths + 1
  return wrk.format("GET", paths[n])
end
done = function(summary, latency)
  local errors = summary.errors.status + summary.errors.connect + summary.errors.read + summary.errors.timeout
  local rate = summary.requests / summary.duration * 1e6
  io.write(string.format("FIGURES %%d %%.1f %%.1f %%.1f %%d\\n", summary.requests, rate,
    latency:percentile(50) / 1000, latency:percentile(95) / 1000, errors))
end
"""
_NGINX = """
worker_processes auto; pid {folder}/nginx.pid; error_log {folder}/error.log; daemon off;
events {{ worker_connections 256; }}
http {{
  access_log off; sendfile on; types {{ image/webp webp; }}
  client_body_temp_path {folder}/a; proxy_temp_path {folder}/b; fastcgi_temp_path {folder}/c;
  uwsgi_temp_path {folder}/d; scgi_temp_path {folder}/e;
  server {{ listen 127.0.0.1:{port}; root {root}; }}
}}
"""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=int, default=10, help="for each kind of request")
    parser.add_argument("--keep", type=Path, help="SQLite file to fill, or to use if it is filled")
    arguments = parser.parse_args()
    missing = [name for name in ("wrk", "nginx") if shutil.which(name) is None]
    if missing:
        sys.exit(f"install {' and '.join(missing)} first (Debian packages of these names)")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)  # nginx's workers are another user
        server = Server(folder / "data", workers=0)
        server.data.mkdir()
        library = server.data / "albumen.db"
        if arguments.keep and arguments.keep.exists():
            shutil.copy(arguments.keep, library)
        token = _prepare(library, arguments.photos)
        if arguments.keep and not arguments.keep.exists():
            shutil.copy(library, arguments.keep)
        server.start()
        try:
            _measure(server, folder, token, arguments)
        finally:
            server.stop()


def _prepare(library: Path, photos: int) -> str:
    """Fill the library; a session token of its owner."""
    from app.settings import Settings

    database = Database(f"sqlite:///{library}")
    migrate.upgrade(database)
    with database.read() as session:
        empty = not accounts.has_users(session)
    if empty:
        _fill(database, photos)
    with database.write() as session:
        user = accounts.get_user(session, "load")
        token = accounts.start_session(session, Settings(data=library.parent), user)
        session.connection().exec_driver_sql("ANALYZE")
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.dispose()
    return token


def _fill(database: Database, photos: int) -> None:
    with database.write() as session:
        sync_vocabulary(session)
        owner = accounts.create_user(session, "load", "correct horse battery staple").id
        people = [Person(owner_id=owner, name=f"Person {n}") for n in range(40)]
        session.add_all(people)
        session.flush()
        tags = {slug: tag_id for tag_id, slug in session.execute(select(Tag.id, Tag.slug))}
    maker = _Maker(np.random.default_rng(1), tags, [person.id for person in people])
    for start in range(0, photos, CHUNK):
        with database.write() as session:
            for table, rows in maker.rows(owner, min(CHUNK, photos - start)):
                if table is Embedding:  # the last ones, and slow to make
                    break
                if table is not PhotoTerm:
                    session.execute(insert(table), rows)
        print(f"\rmade {start + CHUNK:,} of {photos:,}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)


def _measure(server: Server, folder: Path, token: str, arguments: argparse.Namespace) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    client = httpx.Client(base_url=server.url, headers=headers, timeout=60)
    photo = client.post("/api/v1/photos", files={"file": ("a.jpg", _picture())}).json()["id"]
    thumbnail = f"/api/v1/photos/{photo}/rendition/grid"
    size = len(client.get(thumbnail).content)
    asked = {
        "timeline page (100 photos)": _pages(
            client, "/api/v1/photos", {"limit": 100}, "cursor", "next_cursor"
        ),
        "month as columns": [f"/api/v1/timeline/{m['month']}" for m in client.get("/api/v1/timeline").json()],
        "one photo, everything": _photos(client),
        "sync page (200 changes)": _pages(client, "/api/v1/changes", {"limit": 200}, "since", "cursor"),
        f"thumbnail ({size / 1000:.0f} kB)": [thumbnail],
    }
    print(f"{arguments.clients} clients, {arguments.photos:,} photos")
    print(f"{'':34} {'requests/s':>10} {'p50 ms':>8} {'p95 ms':>8} {'CPU ms':>8}")
    assert server.process is not None
    for name, paths in asked.items():
        _row(name, _wrk(folder, server.url, paths, token, arguments, server.process.pid))
    (stored,) = (server.data / "renditions").rglob("*.grid.webp")
    with _nginx(folder, stored.parent) as (url, pid):
        _row("thumbnail, nginx from disk", _wrk(folder, url, [f"/{stored.name}"], token, arguments, pid))


def _row(name: str, figures: tuple[float, float, float, float]) -> None:
    print(f"{name:34} {figures[0]:10.0f} {figures[1]:8.1f} {figures[2]:8.1f} {figures[3]:8.3f}", flush=True)


def _cpu(pid: int) -> float:
    """Seconds of processor time of a process and its children."""
    process = psutil.Process(pid)
    return sum(sum(p.cpu_times()[:2]) for p in [process, *process.children(recursive=True)])


def _wrk(
    folder: Path, url: str, paths: list[str], token: str, arguments: argparse.Namespace, pid: int
) -> tuple[float, float, float, float]:
    """(requests a second, median, 95th percentile, CPU for each in ms). Exits when an answer is an error."""
    listed, script = folder / "paths", folder / "ask.lua"
    listed.write_text("\n".join(paths) + "\n")
    script.write_text(_SCRIPT % listed)
    wrk = ["wrk", "-t", "1", "-c", str(arguments.clients), "-d", f"{arguments.seconds}s", "--timeout", "60s"]
    wrk += ["-s", str(script), "-H", f"Authorization: Bearer {token}", url]
    before = _cpu(pid)
    said = subprocess.run(wrk, capture_output=True, text=True, check=True).stdout
    used = _cpu(pid) - before
    count, rate, median, worst, errors = re.findall(r"FIGURES (\d+) ([\d.]+) ([\d.]+) ([\d.]+) (\d+)", said)[
        0
    ]
    if errors != "0":
        sys.exit(f"{errors} of the answers were errors: {paths[0]}")
    return float(rate), float(median), float(worst), 1000 * used / int(count)


def _pages(client: Any, path: str, query: dict[str, Any], name: str, field: str) -> list[str]:
    """The addresses of the first fifty pages."""
    found, cursor = [], None
    for _ in range(50):
        parameters = {**query, **({name: cursor} if cursor else {})}
        found.append(f"{path}?{httpx.QueryParams(parameters)}")
        cursor = client.get(path, params=parameters).json()[field]
        if cursor is None:
            break
    return found


def _photos(client: Any) -> list[str]:
    items = client.get("/api/v1/photos", params={"limit": 500, "fields": "id"}).json()["items"]
    return [f"/api/v1/photos/{item['id']}" for item in random.Random(1).sample(items, min(300, len(items)))]


def _picture() -> bytes:
    buffer = io.BytesIO()
    noise = Image.effect_noise((1200, 900), 60).convert("RGB")
    noise.save(buffer, "JPEG")
    return buffer.getvalue()


@contextmanager
def _nginx(folder: Path, root: Path) -> Iterator[tuple[str, int]]:
    port = free_port()
    for above in (root, *root.parents):
        if folder in above.parents:
            above.chmod(0o755)
    configuration = folder / "nginx.conf"
    configuration.write_text(_NGINX.format(folder=folder, root=root, port=port))
    process = subprocess.Popen(["nginx", "-c", str(configuration)], stderr=subprocess.DEVNULL)
    try:
        time.sleep(1)
        yield f"http://127.0.0.1:{port}", process.pid
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
