"""Measures grouping at scale: ``python -m bench.people [--faces 50000]``.

Generated faces with the distances of real ones (about 0.36 within a person, 0.75 between two; a few people have many
photos, most have few) go into an album's database; printed are the seconds of the first grouping, of one more photo
afterwards and of the list of people, pairwise precision and recall, and the peak memory.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from collections import Counter
from pathlib import Path
from uuid import UUID

import numpy as np
from sqlalchemy import insert, select

from app import migrate
from app.context import Context
from app.db import new_id, utcnow
from app.models import Face, Photo
from app.services import accounts
from app.services.faces import grouping, people
from app.settings import Settings
from app.worker import Worker


def main() -> None:
    """Run the measurement and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--faces", type=int, default=50_000)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        context = Context.open(Settings(data=Path(folder)))
        migrate.upgrade(context.database)
        with context.database.write() as session:
            viewer = accounts.viewer_of(accounts.create_user(session, "bench", "a password for this"))
        measure(context, viewer, arguments.faces)
        context.close()


def measure(context: Context, viewer: accounts.Viewer, count: int) -> None:
    """Fill the album and time what users wait for."""
    vectors, truth = generate(count + 1)
    fill(context, viewer, vectors[:count])
    first = grouped(context, viewer)
    with context.database.read() as session:
        labels = list(session.scalars(select(Face.person_id).order_by(Face.id)))
    precision, recall = agreement(labels, truth[:count])
    fill(context, viewer, vectors[count:])
    more = grouped(context, viewer)
    started = time.perf_counter()
    with context.database.read() as session:
        page = people.list_people(session, viewer)
    listed = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} faces of {len(set(truth))} people: first grouping {first:.1f} s, one more face {more:.1f} s,"
        f" list of people {listed * 1000:.0f} ms ({len(page.items)} on the page); {len(set(labels))} groups,"
        f" pairwise precision {precision:.4f} recall {recall:.4f}; peak memory {peak:.0f} MB"
    )


def generate(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors ``(N, 128)`` and the person of each."""
    rng = np.random.default_rng(0)
    crowd = max(count // 8, 2)
    share = 1 / np.arange(1, crowd + 1)
    truth = rng.choice(crowd, count, p=share / share.sum())
    centres = rng.normal(size=(crowd, 128))
    centres *= 0.55 / np.linalg.norm(centres, axis=1, keepdims=True)
    noise = rng.normal(size=(count, 128)) * (0.36 / np.sqrt(2 * 128))
    return (centres[truth] + noise).astype("<f4"), truth


def fill(context: Context, viewer: accounts.Viewer, vectors: np.ndarray) -> None:
    """One photo per face."""
    now = utcnow()
    photos, faces = [], []
    for vector in vectors:
        photo_id = new_id()
        checksum = photo_id.hex * 2
        photos.append(
            {"id": photo_id, "owner_id": viewer.user_id, "checksum": checksum, "checksum_sha1": checksum[:40],
             "size": 1, "format": "jpeg", "width": 100, "height": 100, "status": "ready",
             "taken_local": now.replace(tzinfo=None), "taken_at": now, "taken_source": "added", "exif": {}}
        )  # fmt: skip
        faces.append(
            {"id": new_id(), "photo_id": photo_id, "score": 0.9, "x": 0.1, "y": 0.1, "width": 0.5, "height": 0.5,
             "embedding": vector.tobytes(), "model": "bench", "landmarks": []}
        )  # fmt: skip
    with context.database.write() as session:
        session.execute(insert(Photo), photos)
        session.execute(insert(Face), faces)
        grouping.request_grouping(session, viewer.user_id)


def grouped(context: Context, viewer: accounts.Viewer) -> float:
    """Let a worker do what is waiting; the seconds it took."""
    started = time.perf_counter()
    worker = Worker(context)
    while worker.run_once():
        pass
    return time.perf_counter() - started


def agreement(labels: list[UUID | None], truth: np.ndarray) -> tuple[float, float]:
    """Pairwise precision and recall."""

    def pairs(counts: Counter[object]) -> int:
        return sum(n * (n - 1) // 2 for n in counts.values())

    both = pairs(Counter(zip(labels, truth.tolist(), strict=True)))
    return both / max(pairs(Counter(labels)), 1), both / max(pairs(Counter(truth.tolist())), 1)


if __name__ == "__main__":
    main()
