"""Lighthouse over the timeline, a photo and a shared album: performance, accessibility, best practices.

    python -m bench.lighthouse [--photos FOLDER] [--phone] [--lighthouse COMMAND]

A real server with real photos in a temporary folder, bundled pages, headless Chromium ($CHROMIUM, else
/usr/bin/chromium). Lighthouse is taken from npm by ``npx`` in the version named here; it asks no other host than ours.
Exits with 1 when a page scores below 0.95. Scores of performance depend on what else the machine does.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

from PIL import Image

from tests.server import Server, free_port

LIGHTHOUSE = "npx --yes lighthouse@12.8.2"
CATEGORIES = ("performance", "accessibility", "best-practices")
GOOD = 0.95
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip


def pictures(folder: Path | None) -> list[tuple[str, bytes]]:
    """Photos of the folder, or drawn ones: sixty of many shapes."""
    if folder is not None:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        return [(path.name, path.read_bytes()) for path in files[:60]]
    drawn = []
    for number in range(60):
        buffer = io.BytesIO()
        size = [(1600, 1200), (1200, 1600), (1800, 900)][number % 3]
        Image.effect_mandelbrot(size, (-2 + number / 60, -1.2, 0.8, 1.2), 60).convert("RGB").save(
            buffer, "JPEG"
        )
        drawn.append((f"{number}.jpg", buffer.getvalue()))
    return drawn


def pages(client: Any, photos: list[tuple[str, bytes]]) -> dict[str, str]:
    """Fill the album; the pages to look at."""
    ids = []
    for name, data in photos:
        answer = client.post("/photos", files={"file": (name, data)})
        answer.raise_for_status()
        ids.append(answer.json()["id"])
    album = client.post("/albums", json={"title": "Trip"}).json()["id"]
    client.post(
        "/photos/batch", json={"ids": ids[:30], "action": "album", "album_id": album}
    ).raise_for_status()
    link = client.post(f"/albums/{album}/shares", json={"download": True}).json()["path"]
    return {"timeline": "/", "photo": f"/photo/{ids[0]}", "share": link}


@contextmanager
def browser(url: str, token: str) -> Iterator[int]:
    """A Chromium that is signed in (nobody is with an empty token); the port Lighthouse steers it by.

    A cookie handed to Lighthouse as a header would miss the requests it does not see, such as the stream of events.
    """
    from playwright.sync_api import sync_playwright

    port = free_port()
    with sync_playwright() as engine, tempfile.TemporaryDirectory() as profile:
        context = engine.chromium.launch_persistent_context(
            profile,
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"),
            args=[*FLAGS, f"--remote-debugging-port={port}"],
            viewport=None,
        )
        if token:
            context.add_cookies([{"name": "albumen_session", "value": token, "url": urljoin(url, "/")}])
        yield port
        context.close()


def scores(command: str, url: str, token: str, *, phone: bool) -> dict[str, Any]:
    """The categories' scores, and the ids of the audits that cost points."""
    with tempfile.TemporaryDirectory() as folder, browser(url, token) as port:
        out = Path(folder) / "report.json"
        call = [
            *shlex.split(command), url, "--quiet", "--output=json", f"--output-path={out}", f"--port={port}",
            f"--only-categories={','.join(CATEGORIES)}", *([] if phone else ["--preset=desktop"]),
        ]  # fmt: skip
        subprocess.run(call, check=True)
        report = json.loads(out.read_text())
    lost = [
        name
        for name, audit in report["audits"].items()
        if audit.get("score") is not None
        and audit["score"] < 0.9
        and audit["scoreDisplayMode"] != "informative"
    ]
    return {**{name: report["categories"][name]["score"] for name in CATEGORIES}, "lost": lost}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="folder of photos; without it, sixty are drawn")
    parser.add_argument("--phone", action="store_true", help="a slow phone instead of a desk")
    parser.add_argument("--lighthouse", default=LIGHTHOUSE, help=f"command; default: {LIGHTHOUSE}")
    options = parser.parse_args()
    worst = 1.0
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.data.mkdir()
        server.command("migrate")
        server.start()
        try:
            client = server.client()
            shown = pages(client, pictures(options.photos))
            server.wait(lambda: server.is_idle(client), 1800)
            token = client.headers["authorization"].removeprefix("Bearer ")
            for name, path in shown.items():
                cookie = "" if name == "share" else token
                found = scores(options.lighthouse, server.url + path, cookie, phone=options.phone)
                worst = min(worst, *(found[category] for category in CATEGORIES))
                print(json.dumps({"page": name, "phone": options.phone, **found}), flush=True)
        finally:
            server.stop()
    sys.exit(worst < GOOD)


if __name__ == "__main__":
    main()
