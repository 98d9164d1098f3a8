"""Takes the screenshots of the README and docs: a real server, real photos, real models, a real browser.

    python docs/tour.py --out docs/screenshots PHOTO_OR_FOLDER...

Starts an album in a temporary folder, adds the photos over a year and a half, waits until all are understood, makes
two albums and a few favourites, and photographs the pages at desk and phone width, light and dark, in both languages.
"""

from __future__ import annotations

import argparse
import io
import os
import random
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.server import Server

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".heic", ".avif", ".tif", ".tiff"}
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
DESK, PHONE = {"width": 1360, "height": 850}, {"width": 390, "height": 844}


@dataclass(frozen=True)
class Shot:
    """One screenshot: its file name, the page, and how it is looked at; ``act`` happens before the shutter."""

    name: str
    path: str
    phone: bool = False
    dark: bool = False
    language: str = "en-GB"
    act: str = ""


def shots(photo: str, placed: str, album: str, link: str) -> list[Shot]:
    return [
        Shot("timeline", "/"),
        Shot("timeline-dark", "/", dark=True),
        Shot("timeline-phone", "/", phone=True),
        Shot("selection", "/", act="select"),
        Shot("photo", f"/photo/{photo}", act="boxes"),
        Shot("photo-why", f"/photo/{photo}", act="evidence"),
        Shot("photo-place", f"/photo/{placed}", dark=True),
        Shot("photo-phone", f"/photo/{photo}", phone=True),
        Shot("search", "/search?q=animal", act="why"),
        Shot("search-chinese", "/search?q=山", language="zh-CN", act="why"),
        Shot("search-completion", "/", act="complete"),
        Shot("search-error", "/search?q=beach tga:dog"),
        Shot("explore", "/explore"),
        Shot("explore-phone", "/explore", phone=True, dark=True, language="zh-CN"),
        Shot("albums", "/albums"),
        Shot("album", f"/album/{album}"),
        Shot("editor", f"/photo/{photo}/edit"),
        Shot("editor-style", f"/photo/{photo}/edit", act="style"),
        Shot("editor-phone", f"/photo/{photo}/edit", phone=True),
        Shot("people", "/people"),
        Shot("places", "/places", dark=True),
        Shot("duplicates", "/duplicates"),
        Shot("share", link),
        Shot("share-phone", link, phone=True, dark=True),
        Shot("share-viewer", link, act="look"),
        Shot("share-new", f"/shares/new?album={album}"),
        Shot("shares", "/shares", phone=True, language="zh-CN"),
        Shot("upload", "/upload", phone=True),
        Shot("activity", "/activity"),
        Shot("admin-models", "/admin/models"),
        Shot("admin-storage", "/admin/storage", dark=True),
        Shot("admin-health", "/admin/health"),
        Shot("settings", "/settings"),
        Shot("settings-phone", "/settings", phone=True, dark=True),
    ]


def files_of(paths: list[Path]) -> list[Path]:
    found = [p for path in paths for p in (sorted(path.rglob("*")) if path.is_dir() else [path])]
    return [path for path in found if path.suffix.lower() in PICTURES]


def fill(client: Any, files: list[Path]) -> None:
    """Upload the photos, dated over eighteen months where they do not know their own time."""
    chance = random.Random(7)
    now = datetime.now(UTC)
    for path in files:
        taken = now - timedelta(days=abs(chance.gauss(0, 170)), minutes=chance.randrange(600))
        with path.open("rb") as stream:
            answer = client.post(
                "/photos", files={"file": (path.name, stream)}, data={"taken_at": taken.isoformat()}
            )
        answer.raise_for_status()


def analysing(client: Any) -> bool:
    items = client.get("/jobs", params={"state": ["ready", "running"], "limit": 500}).json()["items"]
    return any(job["kind"] == "analyse" for job in items)


def arrange(client: Any) -> tuple[str, str, str, str]:
    """Make albums, favourites and a link; a photo with objects, one with a place, an album and the link to show."""

    def first(query: str) -> str:
        items = client.get("/photos", params={"q": query, "limit": 1}).json()["items"]
        return str((items or client.get("/photos", params={"limit": 1}).json()["items"])[0]["id"])

    rule = {"title": "Out in the open", "kind": "dynamic", "query": "tag:nature or tag:landscape"}
    client.post("/albums", json=rule).raise_for_status()
    album = client.post("/albums", json={"title": "The good ones"}).json()["id"]
    ids = [item["id"] for item in client.get("/photos", params={"limit": 500}).json()["items"]][::3]
    for body in ({"action": "album", "album_id": album}, {"action": "favorite"}):
        client.post("/photos/batch", json={"ids": ids, **body}).raise_for_status()
    link = client.post(f"/albums/{album}/shares", json={"download": True, "upload": True}).json()["path"]
    return first("object:dog or object:cat or object:person"), first("has:gps"), str(album), str(link)


def act(page: Any, what: str) -> None:
    if what == "select":
        page.hover(".tile >> nth=1")
        page.click(".tile >> nth=1 >> .tick")
        page.click(".tile >> nth=4", modifiers=["Shift"])
    elif what == "boxes" and page.query_selector(".boxes-toggle"):
        page.keyboard.press("b")
    elif what == "evidence" and page.query_selector("[data-why]"):
        page.click(".tag-line > a >> nth=2")
        page.click(".tag-line.open [data-why]")
        page.wait_for_selector(".heat:not(.waiting)")
    elif what == "why" and page.query_selector("[data-why-all]"):
        page.click("label:has([data-why-all])")
    elif what == "look":
        page.click(".tile >> nth=1 >> a >> nth=0")
    elif what == "style":
        page.click("#tab-style")
        page.wait_for_selector(".style-list .unpainted", state="detached", timeout=120_000)
        page.click(".style-list button >> nth=1")
        page.wait_for_timeout(8000)  # the large picture is painted anew
    elif what == "complete":
        page.click("#q")
        page.keyboard.type("sea", delay=60)
        page.wait_for_selector("[role=option]")


@contextmanager
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as engine:
        chromium = engine.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        yield chromium
        chromium.close()


def take(chromium: Any, url: str, token: str, shot: Shot, out: Path) -> None:
    context = chromium.new_context(
        viewport=PHONE if shot.phone else DESK, color_scheme="dark" if shot.dark else "light", locale=shot.language,
        has_touch=shot.phone,
    )  # fmt: skip
    context.add_cookies([{"name": "albumen_session", "value": token, "url": url}])
    page = context.new_page()
    page.goto(url + shot.path, wait_until="load")
    page.wait_for_timeout(1200)
    act(page, shot.act)
    page.wait_for_timeout(600)
    picture = Image.open(io.BytesIO(page.screenshot()))
    picture.save(out / f"{shot.name}.webp", quality=84, method=6)
    context.close()
    print(f"{shot.name}.webp", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO_OR_FOLDER")
    parser.add_argument("--out", type=Path, default=Path("docs/screenshots"))
    parser.add_argument("--only", help="take only screenshots whose name begins so")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.data.mkdir()
        server.command("migrate")
        server.start()
        try:
            client = server.client()
            fill(client, files_of(options.photos))
            server.wait(lambda: not analysing(client), 1800)
            token = client.headers["authorization"].removeprefix("Bearer ")
            with browser() as chromium:
                for shot in shots(*arrange(client)):
                    if not options.only or shot.name.startswith(options.only):
                        take(chromium, server.url, token, shot, options.out)
        finally:
            server.stop()


if __name__ == "__main__":
    main()
