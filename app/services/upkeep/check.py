"""``albumen check``: rows against files and checksums, files against rows, jobs against photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import select

from app.context import Context
from app.models import Edit, Job, Photo
from app.services import jobs


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be; ``repaired`` when ``--repair`` mended it."""

    kind: str  # missing-original damaged-original orphan-original orphan-renditions lost-work
    subject: str
    message: str
    repaired: bool = False

    @property
    def serious(self) -> bool:
        """Whether photos are in danger (an orphan file only takes space)."""
        return self.kind in ("missing-original", "damaged-original", "lost-work") and not self.repaired


def check(
    context: Context, *, repair: bool = False, progress: Callable[[str], None] | None = None
) -> Iterator[Finding]:
    """Look at every original byte by byte and report what is wrong.

    ``repair`` removes orphan files older than a day and asks again for lost work; a missing or damaged original
    can only be reported: put the right file at the path named, and the checksum will agree again.
    """
    yield from _originals(context, progress)
    yield from _orphans(context, repair)
    yield from _lost_work(context, repair)


def _originals(context: Context, progress: Callable[[str], None] | None) -> Iterator[Finding]:
    with context.database.read() as session:
        named = dict(session.execute(select(Photo.checksum, Photo.filename)).tuples().all())
        edits = session.execute(select(Edit.checksum, Edit.title).where(Edit.checksum.is_not(None))).tuples()
        named |= {checksum: f"an edit ({title})" for checksum, title in edits if checksum}
    for checksum, filename in sorted(named.items()):
        path = context.storage.original(checksum)
        if progress is not None:
            progress(checksum)
        if not path.is_file():
            yield Finding("missing-original", checksum, f"The original of {filename} is missing: {path}")
        elif context.storage.checksum(path) != checksum:
            yield Finding(
                "damaged-original", checksum, f"The original of {filename} has changed on disk: {path}"
            )


def _orphans(context: Context, repair: bool) -> Iterator[Finding]:
    storage = context.storage
    with context.database.read() as session:
        known = set(session.scalars(select(Photo.checksum).distinct()))
        known |= {c for c in session.scalars(select(Edit.checksum).distinct()) if c}
    for checksum, path in storage.originals():
        if checksum not in known:
            gone = repair and storage.remove_original(checksum)
            yield Finding("orphan-original", checksum, f"No photo names this file: {path}", gone)
    orphans = {checksum for checksum, _, _ in storage.renditions()} - known
    for checksum in sorted(orphans):
        gone = repair and storage.remove_renditions(checksum) > 0
        yield Finding("orphan-renditions", checksum, "Renditions of a photo that is gone.", gone)


def _lost_work(context: Context, repair: bool) -> Iterator[Finding]:
    active = select(Job.photo_id).where(
        Job.kind == "analyse", Job.state.in_(("ready", "running", "paused")), Job.photo_id.is_not(None)
    )
    with context.database.read() as session:
        lost = session.execute(
            select(Photo.id, Photo.owner_id, Photo.filename).where(
                Photo.status == "pending", Photo.id.not_in(active)
            )
        ).all()
    for photo_id, owner_id, filename in lost:
        if repair:
            with context.database.write() as session:
                jobs.enqueue(session, "analyse", dedupe=str(photo_id), owner_id=owner_id, photo_id=photo_id)
        yield Finding("lost-work", str(photo_id), f"{filename} waits for an analysis nobody will do.", repair)
