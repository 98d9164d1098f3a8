"""A re-tagging campaign killed twice, resumed and undone: is the database equal to before?

    python -m bench.retag [--photos 2000] [--side 256]

Imports real photos, each cut and lit a little differently as often as it takes, into a fresh album and analyses them;
confirms, rejects and adds tags as a user would, and teaches one. Then makes the results look like an older version's
(``_age``), re-tags all photos, every stage, kills that command twice with SIGKILL, resumes it, undoes the campaign, and
compares every table row by row with the state before. What the user said must stand all the while.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageEnhance, ImageOps
from sqlalchemy import create_engine, text

from app.context import Context
from app.search import find_photos
from app.services import accounts, photos
from app.services.tagging import teaching
from app.settings import Settings
from tests.server import PASSWORD, REPOSITORY, Server

PHOTOS = REPOSITORY.parent / "shared/data/photos"

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
    "vector_counter",
}
# When a row was touched, and how often a taught tag was learned anew; not what was learned.
_STAMPS = {"updated_at", "version", "revision", "learned_revision", "learned_at"}

# A ledger is what its rows add up to.
_LEDGERS = {
    "tag_counts": "select owner_id, tag_id, sum(delta) from tag_counts group by owner_id, tag_id having sum(delta) <> 0"
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=2000)
    parser.add_argument("--side", type=int, default=256, help="long side of the photos in pixels")
    arguments = parser.parse_args()
    count = arguments.photos
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder) / "data")
        server.command("user", "add", "anna", "--admin", "--password-stdin", input=PASSWORD + "\n")
        _vary(Path(folder) / "card", count, arguments.side)
        _run(server, "import", str(Path(folder) / "card"))
        _work(server, 2)
        said = _decide(server.data)
        _work(server)
        _age(server.data)
        before, kept = _rows(server.data), _verdicts(server.data)
        started = time.monotonic()
        for share in (0.25, 0.5):
            _retag_and_kill(server, count, share)
        state = _report(_run(server, "retag", "--resume", _campaign(server), "--json"))
        _work(server)
        seconds = time.monotonic() - started
        changed, stood = _rows(server.data), _verdicts(server.data) == kept
        undone = _report(_run(server, "retag", "--undo", _campaign(server), "--json"))
        _work(server)
        after = _rows(server.data)
    done, total, failed = state["done"], state["total"], state["failed"]
    print(f"campaign: {done} of {total} done, {failed} failed, killed twice, {seconds:.0f} s")
    print(
        f"changed by the campaign: {_differing(before, changed)}; {said} verdicts of the user stand: {stood}"
    )
    print(f"undone: {undone['restored']} photos; tables that differ: {_differing(before, after)}")
    sys.exit(before != after or not stood or done != count)


def _run(server: Server, *arguments: str) -> str:
    """A command without a time limit; what it printed."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments], env=server.environment, cwd=REPOSITORY, text=True, check=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    ).stdout  # fmt: skip


def _differing(one: dict[str, str], other: dict[str, str]) -> str:
    return ", ".join(sorted(table for table in one if one[table] != other[table])) or "none"


def _work(server: Server, processes: int = 1) -> None:
    """Do all that waits."""
    working = [
        subprocess.Popen(
            [sys.executable, "-m", "app", "worker", "--once"], env=server.environment, cwd=REPOSITORY
        )
        for _ in range(processes)
    ]
    assert [process.wait() for process in working] == [0] * processes


def _decide(data: Path) -> int:
    """Confirm the best and reject the worst tag of some photos, add one by hand, teach one; how many verdicts."""
    context, said = Context.open(Settings(data=data)), 0
    with context.database.write() as session:
        anna = accounts.viewer_of(accounts.get_user(session, "anna"))
        for number, hit in enumerate(find_photos(session, anna, "", limit=300).items):
            tags = photos.tags_of(session, hit.photo)
            if len(tags) > 1 and number % 3 == 0:
                photos.confirm_tag(session, anna, hit.photo.id, tags[0].tag.slug)
                photos.reject_tag(session, anna, hit.photo.id, tags[-1].tag.slug)
                said += 2
            if number % 10 == 0:
                photos.confirm_tag(session, anna, hit.photo.id, "birthday")
                said += 1
        birds = [hit.photo.id for hit in find_photos(session, anna, "tag:bird", limit=5).items]
        teaching.teach(session, anna, "Our garden", birds)
    context.close()
    return said + len(birds)


def _age(data: Path) -> None:
    """As an older version might have left the results: fewer tags and objects, other scores, another version."""
    ageing = (
        "DELETE FROM photo_tags WHERE source = 'scene' AND (tag_id + length(hex(photo_id))) % 3 = 0",
        "UPDATE photo_tags SET confidence = confidence * 0.9 WHERE source NOT IN ('user', 'learned')",
        "DELETE FROM objects WHERE confidence < 0.5",
        "UPDATE objects SET x = x * 0.95, model = 'object/older@coco'",
        "UPDATE cues SET value = value * 1.1",
        "UPDATE faces SET score = score * 0.99",
        "UPDATE stages SET version = '0'",
    )
    engine = create_engine(f"sqlite:///{data / 'albumen.db'}")
    with engine.begin() as connection:
        for statement in ageing:
            connection.execute(text(statement))


def _vary(folder: Path, count: int, side: int) -> None:
    """Real photos again and again, each time with another frame, light, and side up."""
    folder.mkdir()
    files = sorted([*PHOTOS.glob("imagenet/*.jpg"), *PHOTOS.glob("scenes/*.jpg")])
    for index, file in zip(range(count), itertools.cycle(files), strict=False):
        rng = np.random.default_rng(index)
        image = ImageOps.exif_transpose(Image.open(file)).convert("RGB")
        left, top, right, bottom = rng.uniform(0, 0.1, 4) * ([image.width, image.height] * 2)
        image = image.crop((int(left), int(top), int(image.width - right), int(image.height - bottom)))
        image.thumbnail((side, side))
        image = ImageEnhance.Brightness(image).enhance(float(rng.uniform(0.85, 1.15)))
        (ImageOps.mirror(image) if rng.random() < 0.5 else image).save(folder / f"{index:05}.jpg", quality=88)


def _retag_and_kill(server: Server, count: int, share: float) -> None:
    """Run (or resume) the campaign until ``share`` of it is done, then SIGKILL."""
    known = _report(server.command("retag", "--list", "--json").stdout)["campaigns"]
    which = ["--resume", known[0]["campaign"]] if known else []
    running = subprocess.Popen(
        [sys.executable, "-m", "app", "retag", *which], env=server.environment, cwd=REPOSITORY,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while running.poll() is None:
        listed = _report(server.command("retag", "--list", "--json").stdout)["campaigns"]
        if listed and listed[0]["done"] >= count * share:
            break
        time.sleep(2)
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
            query = _LEDGERS.get(table, f'select * from "{table}"')
            found = connection.execute(text(query)).mappings()
            rows = sorted(repr({k: v for k, v in row.items() if k not in _STAMPS}) for row in found)
            digests[table] = hashlib.sha256("\n".join(rows).encode()).hexdigest()
    return digests


def _verdicts(data: Path) -> list[str]:
    """What the user said, and the tags that were taught."""
    engine = create_engine(f"sqlite:///{data / 'albumen.db'}")
    with engine.connect() as connection:
        found = connection.execute(
            text(
                "select hex(photo_id), tag_id, source, state from photo_tags"
                " where source = 'user' or state <> 'suggested' and source <> 'learned'"
            )
        )
        # Of what models saw only the verdict on it: whether they see it again is their business.
        return sorted({repr((row[0], row[1], row[3])) for row in found})


if __name__ == "__main__":
    main()
