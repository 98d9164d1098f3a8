"""The timeline of a large library in a real browser: ``python -m bench.browser [--photos 100000] [--keep FOLDER]``.

Fills a server's library with generated photos whose grid pictures are a few drawn files, opens the timeline in headless
Chromium and prints: the first paint, what Chromium's own trace says of scrolling, first at the speed of a thumb and
then through the whole library in about a minute, and the JavaScript heap and elements before and after.

Of scrolling: frames that came later than 50 ms after the one before (`late`, by the clock: on a busy machine the
browser may just not have got a processor), and the processor time the page's main thread itself took: tasks and frames
above 50 ms of it, the longest, and what the longest tasks spent it on.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import func, insert, select

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from app.db import Database, new_id
from app.imaging.fingerprints import thumbhash
from app.models import Photo, User
from tests.server import Server

SHAPES = [(427, 320), (480, 320), (320, 427), (320, 480), (320, 320), (569, 320), (640, 320)]
DRAWN = 28  # different pictures, four of each shape
CHUNK = 5000
LATE = 50.0  # milliseconds
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--enable-precise-memory-info",
]  # fmt: skip
TRACED = ["devtools.timeline", "disabled-by-default-devtools.timeline"]

# Scrolls `speed` pixels a second until `seconds` are over or the foot is reached, by the frame's own clock.
SCROLL = """([speed, seconds]) => new Promise(done => {
  let before = 0, begun = 0, late = 0, frames = 0, longest = 0;
  const step = now => {
    begun ||= now;
    if (before) {
      const gap = now - before;
      frames++;
      longest = Math.max(longest, gap);
      if (gap > 50) late++;
      scrollBy(0, Math.min(gap, 100) * speed / 1000);
    }
    before = now;
    const foot = scrollY + innerHeight >= document.documentElement.scrollHeight - 2;
    if (now - begun > seconds * 1000 || foot) done({frames, late, longest, reached: scrollY});
    else requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""


def draw(number: int) -> Image.Image:
    chance = random.Random(number)
    image = Image.new("RGB", SHAPES[number % len(SHAPES)], tuple(chance.randrange(256) for _ in "rgb"))
    pen = ImageDraw.Draw(image)
    for _ in range(40):
        x, y, r = chance.randrange(image.width), chance.randrange(image.height), chance.randrange(8, 120)
        pen.ellipse((x - r, y - r, x + r, y + r), fill=tuple(chance.randrange(256) for _ in "rgb"))
    return image


def fill(server: Server, count: int) -> None:
    """Photos over thirteen years, more in summer; every one has its own name of a shared picture."""
    database = Database(f"sqlite:///{server.data / 'albumen.db'}")
    with database.read() as session:
        owner = session.scalar(select(User.id).where(User.username_key == "anna"))
        there = session.scalar(select(func.count()).select_from(Photo)) or 0
    if there >= count:
        return
    drawn = [draw(number) for number in range(DRAWN)]
    hashes = [thumbhash(image.resize((image.width // 4, image.height // 4))) for image in drawn]
    chance, newest = random.Random(5), datetime(2026, 6, 1)
    for start in range(0, count, CHUNK):
        rows = []
        for index in range(start, min(start + CHUNK, count)):
            kind = index % DRAWN
            day = abs(chance.gauss(0, 1)) * 1600 % 4700
            taken = newest - timedelta(days=day, seconds=chance.randrange(86400))
            checksum = f"00{kind:02x}{index:060x}"  # few folders
            place = server.data / "renditions" / checksum[:2] / checksum[2:4] / f"{checksum}.grid.webp"
            if index < DRAWN:
                place.parent.mkdir(parents=True, exist_ok=True)
                drawn[kind].save(place, quality=80)
            else:
                os.link(place.parent / f"00{kind:02x}{kind:060x}.grid.webp", place)
            rows.append(
                {"id": new_id(), "owner_id": owner, "checksum": checksum, "checksum_sha1": checksum[:40], "size": 10**6,
                 "format": "jpeg", "status": "ready", "taken_source": "exif", "filename": f"IMG_{index:06}.jpg",
                 "width": drawn[kind].width * 9, "height": drawn[kind].height * 9, "taken_local": taken,
                 "taken_at": taken.replace(tzinfo=UTC), "exif": {}, "thumbhash": hashes[kind],
                 "favorite": chance.random() < 0.03}
            )  # fmt: skip
        with database.write() as session:
            session.execute(insert(Photo), rows)
    with database.write() as session:
        session.connection().exec_driver_sql("ANALYZE")
    database.dispose()


# --- measuring --------------------------------------------------------------------------------------------------


def heap(page: Any) -> dict[str, float]:
    """Megabytes of JavaScript after a collection, and the elements that live."""
    control = page.context.new_cdp_session(page)
    control.send("HeapProfiler.enable")
    control.send("HeapProfiler.collectGarbage")
    used = control.send("Runtime.getHeapUsage")["usedSize"] / 2**20
    nodes = control.send("Memory.getDOMCounters")["nodes"]
    control.detach()
    return {"heap_mib": round(used, 1), "nodes": nodes}


def paints(browser: Any, server: Server, token: str, size: dict[str, int], runs: int) -> dict[str, float]:
    """First and largest contentful paint of the timeline in a fresh profile, medians in milliseconds."""
    first, largest = [], []
    for _ in range(runs):
        page = opened(browser, server, token, size)
        page.wait_for_timeout(1500)
        got = page.evaluate(
            """() => new Promise(done => new PerformanceObserver(list => done([
              performance.getEntriesByName('first-contentful-paint')[0].startTime,
              list.getEntries().at(-1).startTime])).observe({type: 'largest-contentful-paint', buffered: true}))"""
        )
        first.append(got[0])
        largest.append(got[1])
        page.context.close()
    return {
        "first_paint_ms": round(statistics.median(first)),
        "largest_paint_ms": round(statistics.median(largest)),
    }


def opened(browser: Any, server: Server, token: str, size: dict[str, int]) -> Any:
    context = browser.new_context(viewport=size)
    context.add_cookies([{"name": "albumen_session", "value": token, "url": server.url}])
    page = context.new_page()
    page.goto(server.url, wait_until="load")
    page.wait_for_selector(".grid.laid .tile")
    return page


def scroll(browser: Any, page: Any, speed: float, seconds: float) -> dict[str, Any]:
    """Scroll with Chromium's trace running; what the page saw and what the trace says."""
    browser.start_tracing(page=page, categories=TRACED)
    seen = page.evaluate(SCROLL, [speed, seconds])
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    return {**{name: round(value, 1) for name, value in seen.items()}, **read_trace(trace)}


def read_trace(events: list[dict[str, Any]]) -> dict[str, Any]:
    """What the page's main thread did: by the clock (`dur`) and in processor time of its own (`tdur`)."""
    mains = {
        (e["pid"], e["tid"])
        for e in events
        if e.get("name") == "thread_name" and e["args"].get("name") == "CrRendererMain"
    }
    on_main = sorted(
        (e for e in events if (e.get("pid"), e.get("tid")) in mains and "ts" in e),
        key=lambda e: float(e["ts"]),
    )
    tasks = [e for e in on_main if e.get("ph") == "X" and e["name"] == "RunTask"]
    frames = [
        e["ts"] for e in on_main if e["name"] == "Commit"
    ]  # a frame: all since the one before was handed over
    of_frame = [0.0] * (len(frames) + 1)
    for task in tasks:
        of_frame[bisect_left(frames, task["ts"])] += task.get("tdur", 0) / 1000
    own = [task.get("tdur", 0) / 1000 for task in tasks]
    return {
        "long_tasks": sum(task.get("dur", 0) > LATE * 1000 for task in tasks),
        "longest_task_ms": round(max((task.get("dur", 0) for task in tasks), default=0) / 1000, 1),
        "long_tasks_cpu": sum(spent > LATE for spent in own),
        "longest_task_cpu_ms": round(max(own, default=0), 1),
        "frames_cpu": len(frames),
        "late_frames_cpu": sum(spent > LATE for spent in of_frame),
        "longest_frame_cpu_ms": round(max(of_frame), 1),
        "cpu_s": round(sum(own) / 1000, 1),
        "in_longest_tasks_cpu_ms": spent_in(
            sorted(tasks, key=lambda task: -task.get("tdur", 0))[:50], on_main
        ),
    }


def spent_in(tasks: list[dict[str, Any]], events: list[dict[str, Any]]) -> dict[str, int]:
    """The eight kinds of work that took most processor time in some tasks; one may contain another."""
    starts = [e["ts"] for e in events]
    inside: dict[str, float] = {}
    for task in tasks:
        for e in events[bisect_left(starts, task["ts"]) : bisect_left(starts, task["ts"] + task["dur"])]:
            if e["name"] != "RunTask":
                inside[e["name"]] = inside.get(e["name"], 0) + e.get("tdur", 0) / 1000
    most = sorted(inside.items(), key=lambda pair: -pair[1])[:8]
    return {name: round(spent) for name, spent in most}


def measure(server: Server, token: str, runs: int) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    found: dict[str, Any] = {}
    with sync_playwright() as engine:
        browser = engine.chromium.launch(
            executable_path=os.environ.get("CHROMIUM", "/usr/bin/chromium"), args=FLAGS
        )
        for name, size in {
            "desk": {"width": 1280, "height": 800},
            "phone": {"width": 390, "height": 844},
        }.items():
            print(f"measuring at the {name}", file=sys.stderr, flush=True)
            found[name] = paints(browser, server, token, size, runs)
            page = opened(browser, server, token, size)
            page.wait_for_timeout(1500)
            found[name]["at rest"] = heap(page)
            found[name]["at a thumb's speed"] = scroll(browser, page, 2500, 15)
            height = page.evaluate("document.documentElement.scrollHeight")
            found[name]["height_px"] = height
            found[name]["whole library"] = scroll(browser, page, height / 55, 75)
            page.wait_for_timeout(1500)
            found[name]["at the foot"] = heap(page)
            page.context.close()
        browser.close()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=5, help="openings of which the median paint is taken")
    parser.add_argument("--keep", type=Path, help="folder of a library to fill, or to use if it is filled")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Server((options.keep or Path(folder)) / "data")
        server.data.mkdir(parents=True, exist_ok=True)
        server.command("migrate")
        server.start()
        try:
            token = server.client().headers["authorization"].removeprefix("Bearer ")
            fill(server, options.photos)
            found = measure(server, token, options.runs)
        finally:
            server.stop()
    if options.json:
        print(json.dumps(found))
        return
    for name, figures in found.items():
        print(f"\n{name}")
        for what, value in figures.items():
            print(f"  {what:20} {value}")


if __name__ == "__main__":
    main()
