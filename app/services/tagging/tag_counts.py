"""How many photos each tag is on, per owner: kept by triggers, so that the tag tree needs no look at the photos.

``tag_counts`` is a ledger: a tag's count is the sum of its rows' ``delta``. Whatever makes a tag appear on a photo in
view, or go from there, adds a row of +1 or -1 in the same transaction: rows of ``photo_tags`` that come, go or
change, photos put into or taken out of trash and archive, and photos deleted for good. Rows are only added, so
writers never wait for each other; ``fold`` replaces many rows by their sum now and then.

A photo counts once for a tag that several sources saw. On PostgreSQL two transactions that tag the same photo take
turns, by a lock on the photo's row: each then knows what the other has counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from uuid import UUID

from sqlalchemy import delete, func, insert, select

from app.db import Database, ReadSession, WriteSession
from app.models import TagCount

_FOLD_FROM = 5_000  # rows of one owner from which folding is worth it

# Which rows of photo_tags and photos are in view: ``{0}`` is the row.
_SHOWN = "({0}.state <> 'rejected' AND {0}.source <> 'guess')"
_IN_VIEW = "({0}.deleted_at IS NULL AND NOT {0}.archived)"
# Photo, owner and tag must still be there: a cascade may be taking them away.
_ADD = """
    INSERT INTO tag_counts (owner_id, tag_id, delta)
    SELECT p.owner_id, t.id, {delta} FROM photos p JOIN users u ON u.id = p.owner_id JOIN tags t ON t.id = {tag}
    WHERE p.id = {photo} AND (p.deleted_at IS NULL AND NOT p.archived)"""
_RELEVANT = (
    f"WHEN OLD.tag_id <> NEW.tag_id OR OLD.photo_id <> NEW.photo_id"
    f" OR {_SHOWN.format('OLD')} <> {_SHOWN.format('NEW')} "
)
_ADD_ALL = f"""
    INSERT INTO tag_counts (owner_id, tag_id, delta)
    SELECT DISTINCT u.id, t.tag_id, {{delta}} FROM photo_tags t JOIN users u ON u.id = {{row}}.owner_id
    WHERE t.photo_id = {{row}}.id AND {_SHOWN.format("t")}"""  # noqa: S608


def counts(session: ReadSession, owner_id: UUID) -> dict[int, int]:
    """Tag id -> number of the owner's photos outside trash and archive that show it; tags on none are left out."""
    total = func.sum(TagCount.delta)
    rows = session.execute(
        select(TagCount.tag_id, total).where(TagCount.owner_id == owner_id).group_by(TagCount.tag_id)
    )
    return {tag_id: int(count) for tag_id, count in rows.tuples() if count}


def fold(session: WriteSession, least: int = _FOLD_FROM) -> int:
    """Replace the rows of owners with ``least`` rows and more by their sums; how many owners there were."""
    many = select(TagCount.owner_id).group_by(TagCount.owner_id).having(func.count() >= least)
    owners = session.scalars(many).all()
    for owner_id in owners:
        sums: Counter[int] = Counter()
        gone = delete(TagCount).where(TagCount.owner_id == owner_id)
        for tag_id, delta in session.execute(gone.returning(TagCount.tag_id, TagCount.delta)):
            sums[tag_id] += delta
        rows = [
            {"owner_id": owner_id, "tag_id": tag_id, "delta": delta}
            for tag_id, delta in sums.items()
            if delta
        ]
        if rows:
            session.execute(insert(TagCount), rows)
    return len(owners)


def install(database: Database) -> None:
    """Put the triggers into the database, in place of older ones; counts what was there before them."""
    with database.write() as session:
        run = session.connection().exec_driver_sql
        for statement in _sqlite() if database.is_sqlite else _postgresql():
            run(statement)
        if session.scalar(select(TagCount.id).limit(1)) is None:
            run(f"""
                INSERT INTO tag_counts (owner_id, tag_id, delta)
                SELECT p.owner_id, t.tag_id, count(DISTINCT t.photo_id)
                FROM photo_tags t JOIN photos p ON p.id = t.photo_id
                WHERE {_SHOWN.format("t")} AND {_IN_VIEW.format("p")} GROUP BY p.owner_id, t.tag_id""")  # noqa: S608


# --- triggers -------------------------------------------------------------------------------------------------


def _sqlite() -> Iterator[str]:
    """Row by row, each looking at the rows as they are at that moment."""
    for event, rows in (("insert", ("NEW",)), ("delete", ("OLD",)), ("update", ("OLD", "NEW"))):
        columns, when = (" OF tag_id, photo_id, source, state", _RELEVANT) if event == "update" else ("", "")
        yield f"DROP TRIGGER IF EXISTS counted_photo_tags_{event}"
        yield f"""
            CREATE TRIGGER counted_photo_tags_{event} AFTER {event}{columns} ON photo_tags {when}BEGIN
                {"".join(_of_row(row, "" if event == "delete" else "NEW") + ";" for row in rows)}
            END"""
    was, now = _IN_VIEW.format("OLD"), _IN_VIEW.format("NEW")
    yield "DROP TRIGGER IF EXISTS counted_photos_update"
    yield f"""
        CREATE TRIGGER counted_photos_update AFTER UPDATE OF deleted_at, archived ON photos WHEN {was} <> {now} BEGIN
            {_ADD_ALL.format(row="NEW", delta=f"CASE WHEN {now} THEN 1 ELSE -1 END")};
        END"""
    yield "DROP TRIGGER IF EXISTS counted_photos_delete"
    yield f"""
        CREATE TRIGGER counted_photos_delete BEFORE DELETE ON photos WHEN {was} BEGIN
            {_ADD_ALL.format(row="OLD", delta=-1)};
        END"""


def _of_row(row: str, written: str) -> str:
    """Count ``row`` (OLD: away) unless another row shows the tag on the photo; ``written`` is the row now there."""
    itself = f" AND NOT (o.tag_id = {written}.tag_id AND o.photo_id = {written}.photo_id" if written else ""
    itself += f" AND o.source = {written}.source)" if written else ""
    other = f"""SELECT 1 FROM photo_tags o
        WHERE o.tag_id = {row}.tag_id AND o.photo_id = {row}.photo_id AND {_SHOWN.format("o")}{itself}"""  # noqa: S608
    added = _ADD.format(delta=1 if row == "NEW" else -1, tag=f"{row}.tag_id", photo=f"{row}.photo_id")
    return f"{added} AND {_SHOWN.format(row)} AND NOT EXISTS ({other})"


def _postgresql() -> Iterator[str]:
    """Statement by statement: what is shown now, against what was shown before its rows changed."""
    for event, tables in (("insert", ("NEW",)), ("delete", ("OLD",)), ("update", ("OLD", "NEW"))):
        changed = " UNION ALL ".join(
            f"SELECT tag_id, photo_id, {_SHOWN.format('r')}::int * {1 if row == 'NEW' else -1} AS more"  # noqa: S608
            f" FROM {row.lower()}_rows r"
            for row in tables
        )
        name = f"counted_photo_tags_{event}"
        yield f"""
            CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN
                PERFORM 1 FROM photos WHERE id IN (SELECT photo_id FROM ({changed}) c) ORDER BY id FOR NO KEY UPDATE;
                INSERT INTO tag_counts (owner_id, tag_id, delta)
                SELECT p.owner_id, k.tag_id, sum((k.now > 0)::int - (k.now - k.more > 0)::int)
                FROM (
                    SELECT c.tag_id, c.photo_id, sum(c.more) AS more, (
                        SELECT count(*) FROM photo_tags o
                        WHERE o.tag_id = c.tag_id AND o.photo_id = c.photo_id AND {_SHOWN.format("o")}) AS now
                    FROM ({changed}) c GROUP BY c.tag_id, c.photo_id) k
                JOIN photos p ON p.id = k.photo_id AND {_IN_VIEW.format("p")}
                JOIN users u ON u.id = p.owner_id JOIN tags t ON t.id = k.tag_id
                WHERE (k.now > 0) <> (k.now - k.more > 0)
                GROUP BY p.owner_id, k.tag_id;
                RETURN NULL;
            END $$ LANGUAGE plpgsql"""  # noqa: S608
        yield f"DROP TRIGGER IF EXISTS {name} ON photo_tags"
        referencing = " ".join(f"{row} TABLE AS {row.lower()}_rows" for row in tables)
        yield f"""
            CREATE TRIGGER {name} AFTER {event} ON photo_tags REFERENCING {referencing}
            FOR EACH STATEMENT EXECUTE FUNCTION {name}()"""
    was, now = _IN_VIEW.format("OLD"), _IN_VIEW.format("NEW")
    moves = (
        ("update", f"AFTER UPDATE OF deleted_at, archived ON photos FOR EACH ROW WHEN ({was} <> {now})", "NULL",
         _ADD_ALL.format(row="NEW", delta=f"CASE WHEN {now} THEN 1 ELSE -1 END")),
        ("delete", f"BEFORE DELETE ON photos FOR EACH ROW WHEN ({was})", "OLD",
         _ADD_ALL.format(row="OLD", delta=-1)),
    )  # fmt: skip
    for event, when, result, body in moves:
        name = f"counted_photos_{event}"
        yield f"""
            CREATE OR REPLACE FUNCTION {name}() RETURNS trigger AS $$ BEGIN
                {body};
                RETURN {result};
            END $$ LANGUAGE plpgsql"""
        yield f"DROP TRIGGER IF EXISTS {name} ON photos"
        yield f"CREATE TRIGGER {name} {when} EXECUTE FUNCTION {name}()"
