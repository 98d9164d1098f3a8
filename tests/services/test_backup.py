"""Backups: everything a user would miss comes back, on either database; what is not whole says so."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app import backup, migrate
from app.context import Context
from app.db import WriteSession
from app.models import Tag
from app.services import accounts, intake, jobs, photos
from app.services.accounts import Viewer
from app.services.clients import sync
from app.services.collections import albums
from app.services.upkeep.check import check
from app.settings import Settings
from app.worker import Worker
from tests.conftest import PASSWORD, Drawn, FakeAnalyzer


def add(context: Context, viewer: Viewer, data: bytes, **options: Any) -> intake.Added:
    return intake.add_stream(context, viewer, io.BytesIO(data), intake.Options(**options))


@pytest.fixture
def full(context: Context, anna: Viewer, draw: Drawn, analysis: Callable[..., Any]) -> Context:
    """An album with analysed and pending photos, an edited row, a tag below another, an album and a share of work."""
    first = add(context, anna, draw(), filename="one.jpg")
    add(context, anna, draw(), filename="two.jpg", favorite=True)
    Worker(context, FakeAnalyzer(lambda _i: analysis(("dog", 0.9)))).run_once()
    with context.database.write() as session:
        photos.update_photo(session, anna, first.id, photos.Change(title="Öl & <Wasser>", rating=4))
        photos.confirm_tag(session, anna, first.id, "Rex")
        _below(session, "rex", "dog")
        album = albums.create_album(session, anna, "Best")
        albums.add_photos(session, anna, album.id, [first.id])
    add(context, anna, draw(), filename="pending.jpg")
    with context.database.write() as session:
        assert jobs.claim(
            session, "host:1", ["analyse"], 1, 300
        )  # is being worked on while the backup is made
    return context


def _below(session: WriteSession, child: str, parent: str) -> None:
    tags = {tag.slug: tag for tag in session.query(Tag).where(Tag.slug.in_([child, parent]))}
    tags[child].parent_id = tags[parent].id


def empty(folder: Path, url: str = "") -> Context:
    return Context.open(Settings(data=folder, database_url=url))


def rows(context: Context) -> dict[str, list[str]]:
    """Every row that a backup holds, readable; but for what is new after a restore on purpose."""
    found = {}
    with context.database.read() as session:
        for table in backup._tables():
            if table.name not in ("jobs", "key_values"):
                found[table.name] = sorted(map(repr, session.execute(table.select())))
    return found


@pytest.mark.parametrize("target", ["sqlite", "postgresql"])
def test_everything_comes_back(
    full: Context, anna: Viewer, tmp_path: Path, target: str, request: pytest.FixtureRequest
) -> None:
    file = tmp_path / "album.tar"
    manifest = backup.write_backup(full, file)
    assert (manifest.rows["photos"], manifest.blobs, manifest.damaged) == (3, 3, [])

    url = request.getfixturevalue("postgresql_url") if target == "postgresql" else ""
    restored = empty(tmp_path / "new", url)
    assert backup.read_backup(restored, file).damaged == []
    assert rows(restored) == rows(full)
    for checksum, path in full.storage.originals():
        assert restored.storage.original(checksum).read_bytes() == path.read_bytes()
    assert list(check(restored)) == []
    with restored.database.write() as session:
        assert accounts.check_password(session, restored.settings, "anna", PASSWORD, "127.0.0.1")
        # Numbering goes on behind what was restored, and the interrupted work is waiting.
        assert photos.confirm_tag(session, anna, photos_of(session, anna)[0], "something new").id
        assert len(jobs.claim(session, "host:2", ["analyse"], 10, 300)) == 1
    restored.close()


def photos_of(session: WriteSession, viewer: Viewer) -> list[Any]:
    from app.search import find_photos

    return [hit.photo.id for hit in find_photos(session, viewer, "").items]


def test_clients_that_synchronised_before_start_again(full: Context, anna: Viewer, tmp_path: Path) -> None:
    with full.database.read() as session:
        cursor = sync.changes(session, anna, None).cursor
    backup.write_backup(full, tmp_path / "album.tar")
    restored = empty(tmp_path / "new")
    backup.read_backup(restored, tmp_path / "album.tar")
    with restored.database.read() as session:
        with pytest.raises(sync.CursorExpired):
            sync.changes(session, anna, cursor)
        assert (
            sum(isinstance(thing, sync.SyncedPhoto) for thing in sync.changes(session, anna, None).changed)
            == 3
        )
    restored.close()


def test_a_restore_that_was_interrupted_can_be_repeated(
    full: Context, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backup.write_backup(full, tmp_path / "album.tar")
    restored = empty(tmp_path / "new")

    def cut(step: backup.Step) -> None:
        if step.done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        backup.read_backup(restored, tmp_path / "album.tar", progress=cut)
    with monkeypatch.context() as patch:
        patch.setattr(backup, "_restart_jobs", lambda _session: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            backup.read_backup(restored, tmp_path / "album.tar")
    backup.read_backup(restored, tmp_path / "album.tar")
    assert rows(restored) == rows(full)
    restored.close()


def test_an_album_in_use_is_never_overwritten(full: Context, context: Context, tmp_path: Path) -> None:
    backup.write_backup(full, tmp_path / "album.tar")
    before = rows(context)
    with pytest.raises(backup.NotEmpty):
        backup.read_backup(context, tmp_path / "album.tar")
    assert rows(context) == before
    with pytest.raises(FileExistsError):
        backup.write_backup(full, tmp_path / "album.tar")


def test_a_damaged_original_is_kept_and_named(full: Context, tmp_path: Path) -> None:
    checksum, path = next(full.storage.originals())
    path.chmod(0o644)
    path.write_bytes(b"rust" * 100)
    assert backup.write_backup(full, tmp_path / "album.tar").damaged == [checksum]
    restored = empty(tmp_path / "new")
    assert backup.read_backup(restored, tmp_path / "album.tar").damaged == [checksum]
    assert {finding.kind for finding in check(restored)} == {"missing-original"}
    restored.close()


def test_what_is_no_whole_backup_is_refused(full: Context, tmp_path: Path) -> None:
    whole, target = tmp_path / "album.tar", tmp_path / "new"
    backup.write_backup(full, whole)
    cut = tmp_path / "cut.tar"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    other = tmp_path / "other.tar"
    other.write_bytes(b"not a tar file at all" * 1000)
    newer = tmp_path / "newer.tar"
    with tarfile.open(whole) as old, tarfile.open(newer, "w") as new:
        for member in old:
            data = old.extractfile(member).read()  # type: ignore[union-attr]
            if member.name == "backup.json":
                data = json.dumps({**json.loads(data), "schema": "29990101_future"}).encode()
                member.size = len(data)
            new.addfile(member, io.BytesIO(data))
    for file, reason in (
        (cut, "unexpected end|not complete"),
        (other, "cannot be read"),
        (newer, "newer version"),
    ):
        with pytest.raises(backup.BadBackup, match=reason):
            backup.read_backup(empty(target), file)
    assert not migrate.has_users(empty(target).database)


def test_the_commands_report_and_exit_as_scripts_expect(
    full: Context, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from app.cli import main

    def run(*arguments: str) -> int:
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        return int(ended.value.code or 0)

    file, data = str(tmp_path / "album.tar"), ("--data", str(full.settings.data))
    assert run("backup", file, "--json", *data) == 0
    assert json.loads(capsys.readouterr().out)["rows"]["photos"] == 3
    assert run("backup", file, *data) == 2
    assert "exists already" in capsys.readouterr().err
    assert run("restore", file, "--data", str(tmp_path / "new")) == 0
    assert "3 photos" in capsys.readouterr().out
    assert run("restore", file, "--data", str(tmp_path / "new")) == 2
    assert run("restore", str(tmp_path / "absent.tar"), "--data", str(tmp_path / "newer")) == 2
